package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/oauth/oauthtest"
)

func TestStoresKeepTheContractOfDeviceCodes(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			oauthtest.Store(t, func(t testing.TB) oauthtest.Fixture {
				c := d.place(t)
				return devices{fixture{open(t, c), c}}
			})
		})
	}
}

// devices is the fixture of oauthtest.
type devices struct{ fixture }

func (f devices) AddSession(t testing.TB, tenant directory.TenantID) (directory.UserID, string) {
	user := directory.UserID(uuid.NewString())
	f.addUser(t, member(tenant, user))
	return user, f.addSession(t, tenant, user, "")
}

func (f devices) EndSession(t testing.TB, tenant directory.TenantID, user directory.UserID, session string) {
	if err := f.EndSessions(context.Background(), tenant, user, session, nine, change(tenant)); err != nil {
		t.Fatal(err)
	}
}

func (f devices) RemoveExpiredAt(t testing.TB, tenant directory.TenantID, at time.Time) {
	if _, err := f.RemoveExpired(context.Background(), tenant, at, 100); err != nil {
		t.Fatal(err)
	}
}

func (f devices) AddApplication(t testing.TB, tenant directory.TenantID, app directory.AppID, uri string) {
	f.exec(t, `
		INSERT INTO application (tenant_id, id, app_id, display_name, created_at, body) VALUES ($1, $2, $3, '', 0, $4)`,
		tenant, uuid.NewString(), app, asJSON(t, directory.Application{BackchannelLogoutURI: uri}))
}
