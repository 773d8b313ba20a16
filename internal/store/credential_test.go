package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/methodtest"
	"github.com/postern-id/postern/internal/store"
)

func TestStoresKeepTheContractOfMethods(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			methodtest.Store(t, func(t testing.TB) methodtest.Fixture {
				c := d.place(t)
				db := fixture{open(t, c), c}
				return &credentials{signIns: signIns{db}, pins: devicePINs{passes{db}}}
			})
		})
	}
}

// credentials is the fixture of methodtest.
type credentials struct {
	signIns
	pins devicePINs
}

func (f *credentials) AddTenant(t testing.TB, tenant directory.TenantID, domain string) {
	if err := f.CreateTenant(context.Background(), store.Seed{Tenant: directory.Tenant{
		ID: tenant, DisplayName: domain, CreatedAt: nine.AddDate(-1, 0, 0), Domains: []directory.Domain{{Name: domain, IsDefault: true, CreatedAt: nine}},
	}}); err != nil {
		t.Fatalf("create a tenant: %v", err)
	}
	f.exec(t, `DELETE FROM event WHERE tenant_id = $1`, tenant)
}

func (f *credentials) Delete(t testing.TB, tenant directory.TenantID, user directory.UserID) {
	f.pins.Delete(t, tenant, user)
}

func (f *credentials) Purge(t testing.TB, tenant directory.TenantID, user directory.UserID) {
	if err := f.DB.Purge(context.Background(), tenant, string(user), change(tenant)); err != nil {
		t.Fatal(err)
	}
}

func (f *credentials) MakeAdministrator(t testing.TB, tenant directory.TenantID, user directory.UserID) {
	f.pins.MakeAdministrator(t, tenant, user)
}

func (f *credentials) AddBootstrap(t testing.TB, tenant directory.TenantID, user directory.UserID, created time.Time, once, used bool) {
	f.pins.AddBootstrap(t, tenant, user, created, once, used)
}

func (f *credentials) Passes(t testing.TB, tenant directory.TenantID, user directory.UserID) int {
	return f.pins.Passes(t, tenant, user)
}

func (f *credentials) Bindings(t testing.TB, tenant directory.TenantID, credential string) int {
	return number(t, f.DB, `SELECT COUNT(*) FROM session_credential WHERE tenant_id = $1 AND credential_id = $2`, tenant, credential)
}

func (f *credentials) RemoveExpired(t testing.TB, tenant directory.TenantID, at time.Time) {
	if _, err := f.DB.RemoveExpired(context.Background(), tenant, at, 1000); err != nil {
		t.Fatal(err)
	}
}

func (f *credentials) AllEvents(t testing.TB, tenant directory.TenantID) int {
	return number(t, f.DB, `SELECT COUNT(*) FROM event WHERE tenant_id = $1`, tenant)
}
