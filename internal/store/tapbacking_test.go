package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/store"
)

func TestAPassIsNeitherHeldNorSpentOnceNobodyStandsBehindIt(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		h := newHires(t, c)
		h.assign(directory.Ref{Kind: directory.KindUser, ID: string(h.boss.ID)}) // somebody has to stay
		h.give(h.another.ID, directory.AuthenticationAdministrator)
		for _, one := range []struct {
			name   string
			issued func(*tap.Pass)
			happen func(owner, issuer directory.UserID)
			want   error
		}{
			{"nothing", nil, func(directory.UserID, directory.UserID) {}, nil},
			{"the owner gets a role that the issuer does not reach", nil, func(owner, _ directory.UserID) {
				h.give(owner, directory.HelpdeskAdministrator)
			}, tap.ErrOwnerStronger},
			{"the owner gets a role that the issuer reaches", nil, func(owner, _ directory.UserID) { h.give(owner, directory.ReportsReader) }, nil},
			{"the owner owns a group that can hold roles", nil, func(owner, _ directory.UserID) { h.roleGroup(directory.Owner, owner) }, tap.ErrOwnerStronger},
			{"the owner of a workflow's pass gets a role", func(p *tap.Pass) { p.Issuer = tap.Issuer{DisplayName: "Workflows"} }, func(owner, _ directory.UserID) {
				h.give(owner, directory.ReportsReader)
			}, tap.ErrOwnerStronger},
			{"the issuer is switched off", nil, func(_, issuer directory.UserID) {
				h.patch(issuer, func(u *directory.User) { u.AccountEnabled = false })
			}, tap.ErrIssuerGone},
			{"the issuer is deleted", nil, func(_, issuer directory.UserID) {
				u, err := h.User(t.Context(), h.tenant, issuer)
				must(t, err)
				must(t, h.DeleteUser(t.Context(), u, nine, change(h.tenant)))
			}, tap.ErrIssuerGone},
			{"the issuer had no role any more for a month", func(p *tap.Pass) {
				p.Issuer.User, p.CreatedAt = h.manager().ID, p.CreatedAt.Add(-31*24*time.Hour)
			}, func(directory.UserID, directory.UserID) {}, tap.ErrIssuerMoved},
			{"there is no such application", func(p *tap.Pass) { p.Issuer = tap.Issuer{App: directory.AppID(uuid.NewString())} }, func(directory.UserID, directory.UserID) {}, tap.ErrIssuerGone},
			{"the pass is that of the machine's owner", func(p *tap.Pass) { p.Bootstrap, p.Issuer = true, tap.Issuer{} }, func(owner, _ directory.UserID) {
				h.assign(directory.Ref{Kind: directory.KindUser, ID: string(owner)})
			}, nil},
		} {
			for _, held := range []bool{false, true} {
				issuer, owner := h.manager().ID, h.manager().ID
				h.give(issuer, directory.AuthenticationAdministrator)
				p := tap.Pass{
					Tenant: h.tenant, User: owner, ID: uuid.NewString(), CreatedAt: nine, Start: nine, Lifetime: time.Hour, SingleUse: true,
					Issuer: tap.Issuer{User: issuer}, Power: directory.PowerNone, Hash: tap.Hash{Pepper: "pepper", Value: "hash"}, Incarnation: h.Incarnation,
				}
				if one.issued != nil {
					one.issued(&p)
				}
				must(t, h.PutPass(t.Context(), p, change(h.tenant)))
				var err error
				reserve := func() error { return h.ReservePass(t.Context(), p, "one", nine.Add(time.Minute), nine.Add(time.Hour)) }
				if held && !errors.Is(one.want, tap.ErrIssuerMoved) && p.Issuer.App == "" {
					must(t, reserve())
					one.happen(owner, issuer)
					err = h.SpendPass(t.Context(), p, "one", nine.Add(2*time.Minute))
				} else {
					one.happen(owner, issuer)
					err = reserve()
				}
				if !errors.Is(err, one.want) {
					t.Errorf("%s, held %v: %v", one.name, held, err)
				}
				if now, err := h.Pass(t.Context(), h.tenant, owner); err != nil || one.want != nil && !now.UsedAt.IsZero() {
					t.Errorf("%s, held %v: it is used up, %v", one.name, held, err)
				}
			}
		}
	})
}

// give gives somebody a role.
func (h *hires) give(u directory.UserID, role directory.RoleID) {
	h.Helper()
	must(h.T, h.AssignRole(h.Context(), directory.RoleAssignment{
		Tenant: h.tenant, ID: uuid.NewString(), Principal: directory.Ref{Kind: directory.KindUser, ID: string(u)},
		Role: role, Scope: directory.RootScope, CreatedAt: nine,
	}, change(h.tenant)))
}
