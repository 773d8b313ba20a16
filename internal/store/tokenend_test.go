package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/oauth"
	"github.com/postern-id/postern/internal/store"
)

func TestARefreshTellsWhatBecameOfThePass(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		f := fixture{open(t, c), c}
		s := seed("contoso.example")
		if err := f.CreateTenant(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		tenant, user := s.Tenant.ID, s.Users[0].ID
		pass := tap.Pass{Tenant: tenant, User: user, ID: uuid.NewString(), Start: nine, Lifetime: time.Hour, CreatedAt: nine}
		if err := f.PutPass(t.Context(), pass, change(tenant)); err != nil {
			t.Fatal(err)
		}
		session := f.addSession(t, tenant, user, pass.ID)
		newGrant := func() oauth.Grant {
			t.Helper()
			family := oauth.Family{
				Tenant: tenant, ID: uuid.NewString(), User: user, Session: session, PassID: pass.ID,
				CreatedAt: nine, ExpiresAt: pass.End(), PassEnd: pass.End(),
			}
			g := oauth.Grant{Tenant: tenant, ID: uuid.NewString(), Kind: oauth.KindRefresh, Family: family.ID, CreatedAt: nine, ExpiresAt: pass.End()}
			if err := f.Authorize(t.Context(), family, g, "hash", change(tenant)); err != nil {
				t.Fatal(err)
			}
			return g
		}
		spend := func(g oauth.Grant, at time.Time) error {
			return f.Spend(t.Context(), g, false, nil, "", at, change(tenant))
		}
		if err := spend(newGrant(), pass.End().Add(-time.Second)); err != nil {
			t.Errorf("a second before its end: %v", err)
		}
		if err := spend(newGrant(), pass.End()); !errors.Is(err, tap.ErrExpired) {
			t.Errorf("at its end: %v, want %v", err, tap.ErrExpired)
		}
		left := newGrant()
		if err := f.DeletePass(t.Context(), tenant, user, pass.ID, nine, change(tenant)); err != nil {
			t.Fatal(err)
		}
		if err := spend(left, nine.Add(time.Minute)); !errors.Is(err, tap.ErrNotUsable) {
			t.Errorf("after it was deleted: %v, want %v", err, tap.ErrNotUsable)
		}
	})
}
