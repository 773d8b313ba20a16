package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/store"
)

// TestRegistrationsOfManyAreReadAtOnce on both databases, and none of another tenant.
func TestRegistrationsOfManyAreReadAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		db := fixture{open(t, c), c}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		s, foreign := seed("contoso.example"), seed("fabrikam.example")
		must(db.CreateTenant(t.Context(), s))
		must(db.CreateTenant(t.Context(), foreign))
		tenant, staff, ann := s.Tenant.ID, s.Groups[0], s.Users[0].ID // ann is in staff
		outer := directory.Group{Tenant: tenant, ID: directory.GroupID(uuid.NewString()), DisplayName: "Outer", CreatedDateTime: nine}
		must(db.CreateGroup(t.Context(), outer, []directory.Ref{{Kind: directory.KindGroup, ID: string(staff.ID)}}, nil, change(tenant)))
		must(db.AssignRole(t.Context(), directory.RoleAssignment{
			Tenant: tenant, ID: uuid.NewString(), Role: directory.ReportsReader, Scope: directory.RootScope, CreatedAt: nine,
			Principal: directory.Ref{Kind: directory.KindGroup, ID: string(outer.ID)},
		}, change(tenant)))
		var many []directory.UserID
		for range 3 {
			u := member(tenant, directory.UserID(uuid.NewString()))
			db.addUser(t, u)
			many = append(many, u.ID)
		}
		strong := directory.Group{Tenant: tenant, ID: directory.GroupID(uuid.NewString()), DisplayName: "Strong", CreatedDateTime: nine, IsAssignableToRole: true}
		must(db.CreateGroup(t.Context(), strong, []directory.Ref{{Kind: directory.KindUser, ID: string(many[1])}},
			[]directory.Ref{{Kind: directory.KindUser, ID: string(many[2])}}, change(tenant)))
		for _, kind := range []string{"otc", "passkey"} {
			must(db.AddCredential(t.Context(), method.Credential{
				Tenant: tenant, ID: uuid.NewString(), User: ann, Kind: "otc", CreatedAt: nine, Name: kind, Data: []byte(`{}`),
			}, method.Addition{Most: 10, Event: change(tenant)}))
		}
		pass := func(user directory.UserID, start time.Time, incarnation string) {
			t.Helper()
			must(db.PutPass(t.Context(), tap.Pass{
				Tenant: tenant, User: user, ID: uuid.NewString(), CreatedAt: start, Start: start, Lifetime: time.Hour, SingleUse: true,
				Hash: tap.Hash{Pepper: "pepper", Value: "hash"}, Incarnation: incarnation,
			}, change(tenant)))
		}
		pass(ann, nine, db.Incarnation)
		pass(many[0], nine.Add(-2*time.Hour), db.Incarnation) // over
		pass(many[1], nine, "an earlier life")
		for i, registered := range []string{uuid.NewString(), ""} {
			db.exec(t, `INSERT INTO pin_container (tenant_id, id, device_id, user_id, method_id, created_at, body) VALUES ($1, $2, $3, $4, $5, 0, '{}')`,
				tenant, uuid.NewString(), uuid.NewString(), many[i], registered)
		}

		all, err := db.RegistrationsOf(t.Context(), tenant, append([]directory.UserID{ann, foreign.Users[0].ID}, many...), nine.Add(time.Minute))
		must(err)
		if r := all[ann]; len(r.Credentials) != 2 || r.PIN || !r.Pass || !slices.Equal(r.Roles, []directory.RoleID{directory.ReportsReader}) ||
			len(r.Groups) != 2 || !r.Groups[staff.ID] || !r.Groups[outer.ID] {
			t.Errorf("ann has %+v", r)
		}
		if r := all[many[0]]; !r.PIN || r.Pass || len(r.Groups)+len(r.Roles)+len(r.Credentials) > 0 {
			t.Errorf("somebody with a PIN and a pass that is over has %+v", r)
		}
		if r := all[many[1]]; r.PIN || r.Pass {
			t.Errorf("somebody with a pass of an earlier life and a PIN that was never registered has %+v", r)
		}
		for i, protected := range []bool{false, true, true} { // a member, and an owner
			if all[many[i]].RoleAssignableGroup != protected {
				t.Errorf("person %d has %+v", i, all[many[i]])
			}
		}
		if all[ann].RoleAssignableGroup {
			t.Error("a group that is not role-assignable protects ann")
		}
		if r := all[foreign.Users[0].ID]; len(r.Groups) > 0 {
			t.Errorf("somebody of another tenant has %+v", r)
		}
		if _, err := db.RegistrationsOf(t.Context(), tenant, make([]directory.UserID, method.MostAtOnce+1), nine); err == nil {
			t.Error("any number may be asked for")
		}
	})
}
