package graph_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
)

// The permission for passwords is enough for one, and good for nothing else.
func TestAPasswordAloneNeedsThePermissionForPasswordsAlone(t *testing.T) {
	const sets, body = "User-PasswordProfile.ReadWrite.All", `{"passwordProfile":{"password":"correct-horse-7-staple"}}`
	w := newWorld(t, sets, "Policy.ReadWrite.AuthenticationMethod")
	w.insists = true
	w.call(204, "PATCH", "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/password", `{"state":"enabled"}`)
	member, boss := "/v1.0/users/"+string(w.member("mira").ID), "/v1.0/users/"+string(w.admin.ID)
	tries := func(who string) {
		t.Helper()
		w.call(204, "PATCH", member, body)
		w.call(403, "PATCH", boss, body)
		for _, more := range []string{
			`{}`, `{"passwordProfile":null}`, `{"department":"Sales"}`, `{"accountEnabled":false}`, `{"department":"Sales","passwordProfile":{"password":"correct-horse-7-staple"}}`,
			`{"employeeLeaveDateTime":"2030-01-01T00:00:00Z","passwordProfile":{"password":"correct-horse-7-staple"}}`,
		} {
			if rec := w.send("PATCH", member, more); rec.Code != 403 {
				t.Errorf("%s sends %s: %d %s", who, more, rec.Code, rec.Body)
			}
		}
		if rec := w.send("GET", member, ""); who == "an application" && rec.Code != 403 {
			t.Errorf("it reads the profile: %d", rec.Code)
		}
	}
	tries("an application")
	manager, writer := w.member("uma", directory.UserAdministrator), w.member("wendy", directory.DirectoryWriters)
	back := w.as(w.signIn(manager, sets))
	tries("a manager of users")
	w.call(403, "PATCH", "/v1.0/users/"+string(manager.ID), body)
	back()
	back = w.as(w.signIn(writer, sets))
	w.call(403, "PATCH", member, body)
	back()
}

// A password is a way in: who writes profiles gives nobody one.
func TestWhoWritesProfilesSetsNoPasswordForIt(t *testing.T) {
	const (
		writes, sets, methods = "User.ReadWrite.All", "User-PasswordProfile.ReadWrite.All", "Policy.ReadWrite.AuthenticationMethod"
		policy                = "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/password"
		body                  = `{"passwordProfile":{"password":"correct-horse-7-staple"}}`
	)
	on := func(permissions ...string) (w *world, member, boss string) {
		w = newWorld(t, append(permissions, writes, methods)...)
		w.insists = true
		member = "/v1.0/users/" + w.create("mira")
		w.call(204, "PATCH", policy, `{"state":"enabled"}`)
		return w, member, "/v1.0/users/" + string(w.admin.ID)
	}
	w, member, boss := on()
	w.call(403, "PATCH", member, body)
	w.call(403, "PATCH", member, `{"department":"Sales","passwordProfile":{"password":"correct-horse-7-staple"}}`)
	w.call(204, "PATCH", member, `{"department":"Sales"}`)
	manager, writer := w.member("uma", directory.UserAdministrator), w.member("wendy", directory.DirectoryWriters)
	for _, c := range []struct {
		token  string
		status int
	}{
		{w.signIn(manager, writes), 403},
		{w.signIn(manager, writes, sets), 204}, // as in Entra
		{w.signIn(writer, writes, sets), 403},
	} {
		back := w.as(c.token)
		w.call(c.status, "PATCH", member, body)
		w.call(403, "PATCH", boss, body)
		back()
	}
	back := w.as(w.signIn(manager, writes, sets))
	w.call(403, "PATCH", "/v1.0/users/"+string(manager.ID), body)
	back()

	check(t, w.db.AssignRole(t.Context(), directory.RoleAssignment{
		Tenant: w.tenant.ID, ID: uuid.NewString(), Role: directory.UserAdministrator, Scope: directory.RootScope, CreatedAt: time.Now(),
		Principal: directory.Ref{Kind: directory.KindServicePrincipal, ID: w.robot},
	}, w.event()))
	w.call(204, "PATCH", member, body)
	w.call(403, "PATCH", boss, body)

	w, member, boss = on(sets)
	w.call(204, "PATCH", member, body)
	w.call(403, "PATCH", boss, body)
}
