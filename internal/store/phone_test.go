package store_test

import (
	"context"
	"testing"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/authenticator/authenticatortest"
)

func TestStoresKeepTheContractOfPhones(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			authenticatortest.Store(t, func(t testing.TB) authenticatortest.Fixture {
				c := d.place(t)
				db := fixture{open(t, c), c}
				return &phones{db, devicePINs{passes{db}}}
			})
		})
	}
}

// phones is the fixture of authenticatortest.
type phones struct {
	fixture
	pins devicePINs
}

func (f *phones) Place(t testing.TB, tenant directory.TenantID) (directory.UserID, string) {
	user, _ := f.pins.Place(t, tenant)
	return user, f.addSession(t, tenant, user, "")
}

func (f *phones) EndSession(t testing.TB, tenant directory.TenantID, user directory.UserID, session string) {
	if err := f.EndSessions(context.Background(), tenant, user, session, nine, change(tenant)); err != nil {
		t.Fatal(err)
	}
}

func (f *phones) Events(t testing.TB, tenant directory.TenantID) int {
	return number(t, f.DB, `SELECT COUNT(*) FROM event WHERE tenant_id = $1`, tenant)
}
