package store_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/store"
)

// passFor has somebody issue a pass for a new person.
func (b *caseBench) passFor(t *testing.T, by directory.UserID, of string) tap.Pass {
	t.Helper()
	u := directory.UserID(uuid.NewString())
	b.AddUser(t, directory.User{Tenant: b.tenant, ID: u, UserPrincipalName: string(u) + "@contoso.example", AccountEnabled: true})
	p := tap.Pass{
		Tenant: b.tenant, User: u, ID: uuid.NewString(), CreatedAt: nine, Start: nine, Lifetime: time.Hour, Incarnation: b.Incarnation,
		Issuer: tap.Issuer{User: by}, Case: of,
	}
	must(t, b.PutPass(t.Context(), p, change(b.tenant)))
	return p
}

// caseFor opens a case that has a pass, and in which who issued it is the only one that spoke.
func caseFor(t *testing.T, db *store.DB, tenant directory.TenantID, p tap.Pass, id string, state recovery.CaseState) {
	t.Helper()
	must(t, db.OpenCase(t.Context(), recovery.Case{
		Tenant: tenant, ID: id, Number: "R-" + id[:6], User: p.User, State: state, OpenedAt: nine, Pass: &recovery.Issued{ID: p.ID, At: nine, Ends: p.End(), By: recovery.Person{User: p.Issuer.User}},
	}, recovery.Effects{At: nine, Events: []audit.Event{change(tenant)}}))
}

func TestARowOfSomebodyElseThatCantBeReadKeepsNoImpostorIn(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		b := newCaseBench(t, c)
		const other = directory.UserID("other")
		bad, of := b.passFor(t, other, ""), uuid.NewString()
		heard := b.passFor(t, other, of) // in a case that can't be read: perhaps the impostor approved it
		caseFor(t, b.DB, b.tenant, heard, of, recovery.PassIssued)
		issued, genuine := b.passFor(t, b.user, ""), b.passFor(t, other, "")
		b.exec(t, `UPDATE tap SET body = '{"issuer": 4711}' WHERE user_id = $1`, bad.User)
		b.exec(t, `UPDATE recovery_case SET body = '{"pass": 4711}' WHERE id = $1`, of)
		b.exec(t, `INSERT INTO application (tenant_id, id, app_id, display_name, created_at, body)
			SELECT DISTINCT tenant_id, app_id, app_id, 'Bad', 1, '{"displayName": 4711}' FROM token_family WHERE tenant_id = $1`, b.tenant)

		if _, err := b.Quarantine(t.Context(), b.quarantine()); err != nil {
			t.Fatalf("Quarantine: %v", err)
		}
		if frozen, n := b.frozen(t); frozen != 2 || n != 3 {
			t.Errorf("%d of %d methods are frozen; the person's own alone may work", frozen, n)
		}
		for name, p := range map[string]tap.Pass{"its own": b.pass, "one that can't be read": bad, "one of a case that can't be read": heard, "one that the impostor issued": issued} {
			if _, err := b.Pass(t.Context(), b.tenant, p.User); !errors.Is(err, tap.ErrNone) {
				t.Errorf("%s is left: %v", name, err)
			}
		}
		if p, err := b.Pass(t.Context(), b.tenant, genuine.User); err != nil || p.ID != genuine.ID {
			t.Errorf("a pass of somebody else went, too: %v", err)
		}
	})
}

func TestAnOwnPassOrCaseThatCantBeReadKeepsNoImpostorIn(t *testing.T) {
	for _, inCase := range []bool{true, false} {
		onBoth(t, func(t *testing.T, c store.Config) {
			b := newCaseBench(t, c)
			issued := b.passFor(t, b.user, "")
			of := uuid.NewString()
			caseFor(t, b.DB, b.tenant, b.pass, of, recovery.Used)
			b.exec(t, `UPDATE recovery_case SET body = '{"pass": 4711}' WHERE id = $1`, of)
			b.exec(t, `UPDATE tap SET body = '{"issuer": 4711}' WHERE user_id = $1`, b.user)
			q := b.quarantine()
			if inCase {
				q.Pass = ""
			} else {
				q.Case = ""
			}
			if _, err := b.Quarantine(t.Context(), q); err != nil {
				t.Fatalf("Quarantine: %v", err)
			}
			if frozen, n := b.frozen(t); frozen != 2 || n != 3 {
				t.Errorf("%d of %d methods are frozen", frozen, n)
			}
			for _, u := range []directory.UserID{b.user, issued.User} {
				if _, err := b.Pass(t.Context(), b.tenant, u); !errors.Is(err, tap.ErrNone) {
					t.Errorf("a pass is left: %v", err)
				}
			}
		})
	}
}

func TestAPassThatCantBeReadIsReplacedAndRemovedAndSignsNobodyIn(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		b := newCaseBench(t, c)
		spoil := func() tap.Pass {
			p := b.passFor(t, "other", "")
			b.exec(t, `UPDATE tap SET body = '{"issuer": 4711}' WHERE user_id = $1`, p.User)
			return p
		}
		replaced, removed, ended := spoil(), spoil(), spoil()
		if err := b.ReservePass(t.Context(), replaced, "transaction", nine, nine.Add(time.Minute)); !errors.Is(err, directory.ErrUnreadable) {
			t.Errorf("ReservePass: %v", err)
		}
		next := replaced
		next.ID = uuid.NewString()
		must(t, b.PutPass(t.Context(), next, change(b.tenant)))
		if p, err := b.Pass(t.Context(), b.tenant, next.User); err != nil || p.ID != next.ID {
			t.Errorf("the next pass: %v", err)
		}
		must(t, b.DB.DeletePass(t.Context(), b.tenant, removed.User, removed.ID, nine, change(b.tenant)))
		later := nine.Add(2 * time.Hour)
		all, err := b.EndedPasses(t.Context(), b.tenant, later, 9)
		if err != nil || !slices.ContainsFunc(all, func(p tap.Pass) bool { return p.ID == ended.ID && p.Unreadable }) || len(all) != 3 {
			t.Errorf("ended are %+v, %v", all, err)
		}
		if n, err := b.RemoveEnded(t.Context(), b.tenant, later, 9, func(tap.Pass) audit.Event { return change(b.tenant) }); n != 3 || err != nil {
			t.Errorf("RemoveEnded = %d, %v", n, err)
		}
	})
}

func TestACaseThatCantBeReadIsToldAsSuchAndHoldsUpNoOther(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		b := newCaseBench(t, c)
		due := b.passFor(t, "other", "")
		bad, good := uuid.NewString(), uuid.NewString()
		caseFor(t, b.DB, b.tenant, b.pass, bad, recovery.Used)
		caseFor(t, b.DB, b.tenant, due, good, recovery.PassIssued)
		b.exec(t, `UPDATE recovery_case SET body = '{"pass": 4711}' WHERE id = $1`, bad)

		cases, err := b.PassCases(t.Context(), b.tenant, b.user)
		if err != nil || len(cases) != 1 || !cases[0].Unreadable || cases[0].State != recovery.Used || !cases[0].OpenedAt.Equal(nine) || !cases[0].Doubts(nine) {
			t.Errorf("PassCases = %+v, %v", cases, err)
		}
		if _, err := b.Case(t.Context(), b.tenant, bad); !errors.Is(err, directory.ErrUnreadable) {
			t.Errorf("it is taken: %v", err)
		}
		s := recovery.Service{Cases: b.DB, People: b.DB, Now: func() time.Time { return nine.Add(2 * time.Hour) }}
		if err := s.Sweep(t.Context(), b.tenant); !errors.Is(err, directory.ErrUnreadable) {
			t.Errorf("Sweep says nothing of it: %v", err)
		}
		if c, err := b.Case(t.Context(), b.tenant, good); err != nil || c.State != recovery.Expired {
			t.Errorf("the other is %s, %v", c.State, err)
		}
	})
}
