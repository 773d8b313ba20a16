package store_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/recovery/roster"
	"github.com/postern-id/postern/internal/recovery/roster/rostertest"
	"github.com/postern-id/postern/internal/store"
)

func TestStoresKeepTheContractOfTheRoster(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			rostertest.Store(t, func(t testing.TB) roster.Store { return open(t, d.place(t)) })
		})
	}
}

// TestSpansHaveEverybodyOfATenantOnce, whatever their size, and nobody of another.
func TestSpansHaveEverybodyOfATenantOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		db := open(t, c)
		want := map[directory.TenantID][]directory.UserID{}
		for _, name := range []string{"a", "b"} {
			tenant := directory.Tenant{ID: directory.TenantID(uuid.NewString()), DisplayName: name, Domains: []directory.Domain{{Name: name + ".example", IsDefault: true}}}
			var people []directory.User
			for i := range 6 {
				people = append(people, directory.User{
					Tenant: tenant.ID, ID: directory.UserID(uuid.NewString()), DisplayName: "P", AccountEnabled: true, UserPrincipalName: fmt.Sprintf("p%d@%s.example", i, name),
				})
				want[tenant.ID] = append(want[tenant.ID], people[i].ID)
			}
			if err := db.CreateTenant(t.Context(), store.Seed{Tenant: tenant, Users: people}); err != nil {
				t.Fatal(err)
			}
		}
		for tenant, all := range want {
			slices.Sort(all)
			for n := 1; n <= len(all)+1; n++ {
				var got []directory.UserID
				for span := (roster.Span{}); ; {
					var err error
					if span, err = db.SpanAfter(t.Context(), tenant, span.Last, n); err != nil {
						t.Fatal(err)
					}
					people, err := db.PeopleOfSpan(t.Context(), tenant, span, nine)
					if err != nil || len(people) > n {
						t.Fatalf("%d people of %d, %v", len(people), n, err)
					}
					for _, p := range people {
						got = append(got, p.User)
					}
					if span.Last == "" {
						break
					}
				}
				if !slices.Equal(got, all) {
					t.Errorf("in spans of %d: %v, want %v", n, got, all)
				}
			}
		}
	})
}
