package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/recovery/handover/handovertest"
)

func TestStoresKeepTheContractOfHandovers(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			handovertest.Store(t, func(t testing.TB) handovertest.Fixture {
				c := d.place(t)
				return handovers{passes{fixture{open(t, c), c}}}
			})
		})
	}
}

// handovers is the fixture of handovertest.
type handovers struct{ passes }

func (f handovers) AddPass(t testing.TB, tenant directory.TenantID) (directory.UserID, string) {
	user, pass := directory.UserID(uuid.NewString()), uuid.NewString()
	f.AddUser(t, tenant, user)
	if err := f.PutPass(context.Background(), tap.Pass{
		Tenant: tenant, User: user, ID: pass, CreatedAt: nine, Start: nine, Lifetime: time.Hour, Incarnation: f.Incarnation(),
	}, change(tenant)); err != nil {
		t.Fatal(err)
	}
	return user, pass
}

func (f handovers) RemovePass(t testing.TB, tenant directory.TenantID, user directory.UserID, pass string) {
	if err := f.DeletePass(context.Background(), tenant, user, pass, nine, change(tenant)); err != nil {
		t.Fatal(err)
	}
}
