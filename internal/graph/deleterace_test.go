package graph_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph"
)

// inBetween is a store in which something happens between the decision about a person and what is
// done to them.
type inBetween struct {
	graph.Store
	happen func()
}

func (b *inBetween) DeleteUser(ctx context.Context, u directory.User, at time.Time, e audit.Event) error {
	if happen := b.happen; happen != nil {
		b.happen = nil
		happen()
	}
	return b.Store.DeleteUser(ctx, u, at, e)
}

func TestNobodyIsDeletedByADecisionAboutWhoTheyWereBefore(t *testing.T) {
	w := newWorld(t)
	between := &inBetween{Store: w.db}
	w.api.Store = between
	w.handler = w.api.Handler()
	w.as(w.signIn(w.member("desk", directory.UserAdministrator), everyScope()...))
	there := func(u directory.User) bool {
		_, err := w.db.User(t.Context(), w.tenant.ID, u.ID)
		if err != nil && !errors.Is(err, directory.ErrUserUnknown) {
			t.Fatal(err)
		}
		return err == nil
	}
	rename := func(u directory.User, to string) func() {
		return func() {
			now, err := w.db.User(t.Context(), w.tenant.ID, u.ID)
			check(t, err)
			now.UserPrincipalName = to + "@contoso.example"
			check(t, w.db.UpdateUser(t.Context(), now, time.Now(), w.event()))
		}
	}

	risen := w.member("risen")
	between.happen = func() {
		check(t, w.db.AssignRole(t.Context(), directory.RoleAssignment{
			Tenant: w.tenant.ID, ID: uuid.NewString(), Role: directory.GlobalAdministrator, Scope: directory.RootScope, CreatedAt: time.Now(),
			Principal: directory.Ref{Kind: directory.KindUser, ID: string(risen.ID)},
		}, w.event()))
	}
	w.refused(403, "DELETE", "/v1.0/users/"+string(risen.ID), "")
	if !there(risen) {
		t.Error("a User Administrator deleted who had just become Global Administrator")
	}

	// Who changed otherwise is deleted all the same, and nobody who is called so by now.
	moved, other := w.member("moved"), w.member("other")
	between.happen = func() {
		rename(moved, "away")()
		rename(other, "moved")()
	}
	w.call(204, "DELETE", "/v1.0/users/moved@contoso.example", "")
	if there(moved) || !there(other) {
		t.Errorf("who was named is there: %t, who got the name: %t", there(moved), there(other))
	}

	// Who names a version means that one.
	changed := w.member("changed")
	tag := w.stream("GET", "/v1.0/users/"+string(changed.ID), "", nil).Header().Get("ETag")
	between.happen = rename(changed, "changed2")
	w.wantStatus(412, w.stream("DELETE", "/v1.0/users/"+string(changed.ID), "", nil, "If-Match", tag))
	between.happen = rename(changed, "changed3")
	w.wantStatus(204, w.stream("DELETE", "/v1.0/users/"+string(changed.ID), "", nil, "If-Match", "*"))
}
