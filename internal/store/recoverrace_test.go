package store_test

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/store"
)

// racing lets something happen just before a case is stored, once.
type racing struct {
	*store.DB
	policy, issue, save func()
}

func once(f *func()) {
	if now := *f; now != nil {
		*f = nil
		now()
	}
}

func (r *racing) PassPolicy(ctx context.Context, tenant directory.TenantID) (tap.Policy, error) {
	once(&r.policy)
	return r.DB.PassPolicy(ctx, tenant)
}

func (r *racing) IssueCase(ctx context.Context, c recovery.Case, p tap.Pass, e recovery.Effects) error {
	once(&r.issue)
	return r.DB.IssueCase(ctx, c, p, e)
}

func (r *racing) SaveCase(ctx context.Context, c recovery.Case, e recovery.Effects) error {
	once(&r.save)
	return r.DB.SaveCase(ctx, c, e)
}

// recovering is a service of h's cases, and the store below it.
func (h *hires) recovering() (recovery.Service, *racing) {
	r := &racing{DB: h.DB}
	return recovery.Service{
		Cases: r, People: h.DB, Webhooks: h.DB, Now: h.all.Now, Rand: rand.Reader, Registry: &method.Registry{Store: h.DB, Now: h.all.Now},
		Passes: tap.Passes{Store: r, Peppers: h.all, Now: h.all.Now, Rand: rand.Reader, Incarnation: h.Incarnation},
	}, r
}

// approved is a case that one of two administrators attested, and the other approved.
func (h *hires) approved() recovery.Case {
	h.Helper()
	c := recovery.Case{
		Tenant: h.tenant, ID: uuid.NewString(), Number: "R-" + uuid.NewString()[:6], User: h.hire(h.boss.ID), State: recovery.Approved, OpenedAt: h.all.Now(),
		Channel: recovery.ByPhone, ExpiresAt: h.all.Now().Add(time.Hour), Opener: recovery.Opener{Kind: recovery.ByAgent},
		Proofs:    []recovery.Proof{{Kind: recovery.ProofInPerson, Level: recovery.LevelMedium, At: h.all.Now(), By: recovery.Person{User: h.another.ID}}},
		Approvals: []recovery.Approval{{By: recovery.Person{User: h.boss.ID}, Part: recovery.AsApprover, At: h.all.Now()}},
	}
	must(h.T, h.OpenCase(h.Context(), c, recovery.Effects{At: h.all.Now(), Events: []audit.Event{change(h.tenant)}}))
	c.Version = 1
	return c
}

func TestAWordThatFallsWhileThePassIsMadeLetsNobodyHaveIt(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		h := newHires(t, c)
		policy := recovery.DefaultPolicy()
		for i := range policy.Rules {
			for j := range policy.Rules[i].Grants {
				policy.Rules[i].Grants[j].Approvals = max(1, policy.Rules[i].Grants[j].Approvals)
			}
		}
		must(t, h.SaveRecoveryPolicy(t.Context(), h.tenant, policy, change(h.tenant)))
		h.assign(directory.Ref{Kind: directory.KindUser, ID: string(h.another.ID)})
		s, r := h.recovering()
		issue := func(c recovery.Case) error {
			_, _, _, err := s.Issue(t.Context(), recovery.Ref{Tenant: h.tenant, ID: c.ID}, recovery.Order{Handed: true, Hand: recovery.HandPerson}, recovery.Actor{})
			return err
		}
		role := func() func() {
			h.assign(directory.Ref{Kind: directory.KindUser, ID: string(h.boss.ID)})
			return func() {
				all, err := h.RoleAssignments(t.Context(), h.tenant, string(h.boss.ID), "")
				must(t, err)
				must(t, h.UnassignRole(t.Context(), all[0], change(h.tenant)))
			}
		}
		group := func(lose func(directory.Group)) func() func() {
			return func() func() {
				g := h.roleGroup(directory.Member, h.boss.ID)
				h.assign(directory.Ref{Kind: directory.KindGroup, ID: string(g.ID)})
				return func() { lose(g) }
			}
		}
		leave := group(func(g directory.Group) {
			must(t, h.RemoveLink(t.Context(), g, directory.Member, string(h.boss.ID), change(h.tenant)))
		})
		for _, one := range []struct {
			name string
			get  func() func()
			late bool // between the last look and the transaction
			want error
		}{
			{"a role", role, true, recovery.ErrChanged},
			{"a place in a group that holds one", leave, true, recovery.ErrChanged},
			{"the group", group(func(g directory.Group) {
				g.Version = directory.AnyVersion
				must(t, h.DeleteGroup(t.Context(), g, nine, change(h.tenant)))
			}), true, recovery.ErrChanged},
			{"a role, a moment before", role, false, recovery.ErrNotApproved},
			{"themselves, by a dispute", func() func() {
				role()
				return func() {
					_, err := h.Quarantine(t.Context(), method.Quarantine{
						Tenant: h.tenant, User: h.boss.ID, Case: uuid.NewString(), At: h.all.Now(),
						Tell: func(method.Estate, bool) ([]audit.Event, []outbox.Item, error) {
							return []audit.Event{change(h.tenant)}, nil, nil
						},
					})
					must(t, err)
				}
			}, true, recovery.ErrChanged},
		} {
			c := h.approved()
			lose := one.get()
			if r.policy = lose; one.late {
				r.policy, r.issue = nil, lose
			}
			if err := issue(c); !errors.Is(err, one.want) {
				t.Errorf("%s: %v", one.name, err)
			}
			if _, err := h.Pass(t.Context(), h.tenant, c.User); !errors.Is(err, tap.ErrNone) {
				t.Errorf("%s: there is a pass, %v", one.name, err)
			}
		}
		if err := issue(h.approved()); err != nil {
			t.Errorf("with nothing lost: %v", err)
		}
	})
}

func TestALinkThatDeniesACaseWhileItsPassIsIssuedStopsIt(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		h := newHires(t, c)
		h.assign(directory.Ref{Kind: directory.KindUser, ID: string(h.another.ID)})
		h.assign(directory.Ref{Kind: directory.KindUser, ID: string(h.boss.ID)})
		s, r := h.recovering()
		one := h.approved()
		ref := recovery.Ref{Tenant: h.tenant, ID: one.ID}
		r.save = func() {
			_, _, _, err := s.Issue(t.Context(), ref, recovery.Order{Handed: true, Hand: recovery.HandPerson}, recovery.Actor{})
			must(t, err)
		}
		by := recovery.Actor{Self: true, Caller: directory.Caller{Tenant: h.tenant, User: one.User}}
		if now, err := s.Deny(t.Context(), ref, h.all.Now(), by); err != nil || now.State != recovery.Disputed || now.Pass == nil {
			t.Errorf("it is %s, %v", now.State, err)
		}
		if _, err := h.Pass(t.Context(), h.tenant, one.User); !errors.Is(err, tap.ErrNone) {
			t.Errorf("there is a pass: %v", err)
		}
	})
}
