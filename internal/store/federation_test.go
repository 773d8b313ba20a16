package store_test

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/federation/federationtest"
	"github.com/postern-id/postern/internal/store"
)

func TestStoresKeepTheContractOfFederations(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			federationtest.Store(t, func(t testing.TB) federationtest.Fixture {
				c := d.place(t)
				return &federations{fixture{open(t, c), c}}
			})
		})
	}
}

// federations is the fixture of federationtest.
type federations struct{ fixture }

func (f *federations) Place(t testing.TB, domain string) directory.TenantID {
	id := directory.TenantID(uuid.NewString())
	if err := f.CreateTenant(context.Background(), store.Seed{Tenant: directory.Tenant{
		ID: id, DisplayName: domain, CreatedAt: nine.AddDate(-1, 0, 0), Domains: []directory.Domain{{Name: domain, CreatedAt: nine}},
	}}); err != nil {
		t.Fatal(err)
	}
	return id
}

func (f *federations) Events(t testing.TB, tenant directory.TenantID) int {
	return number(t, f.DB, `SELECT COUNT(*) FROM event WHERE tenant_id = $1`, tenant)
}

func (f *federations) RemoveDomain(t testing.TB, tenant directory.TenantID, domain string) {
	if err := f.DB.RemoveDomain(context.Background(), tenant, domain, change(tenant)); err != nil {
		t.Fatal(err)
	}
}
