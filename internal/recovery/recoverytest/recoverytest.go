// Package recoverytest holds what every store of recovery cases promises.
package recoverytest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/recovery"
)

// A Fixture is an empty store with what the suite needs beside the contract.
type Fixture interface {
	recovery.Cases
	AddUser(t testing.TB, tenant directory.TenantID, user directory.UserID)
	// Spend has the pass used by a sign-in; Pass is tap.Store's.
	Spend(ctx context.Context, p tap.Pass, transaction string, at time.Time) error
	ReservePass(ctx context.Context, p tap.Pass, transaction string, at, until time.Time) error
	Pass(ctx context.Context, tenant directory.TenantID, user directory.UserID) (tap.Pass, error)
	DeletePass(ctx context.Context, tenant directory.TenantID, user directory.UserID, id string, at time.Time, e audit.Event) error
	RemoveExpired(ctx context.Context, tenant directory.TenantID, now time.Time, limit int) (more bool, err error)
	Incarnation() string
	Events(t testing.TB, tenant directory.TenantID) int
}

var nine = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

const (
	tenant = directory.TenantID("7b1c52f0-0c0e-4c55-9d5e-2f6a3a9d4e01")
	mira   = directory.UserID("7b1c52f0-0c0e-4c55-9d5e-2f6a3a9d4e11")
	jonas  = directory.UserID("7b1c52f0-0c0e-4c55-9d5e-2f6a3a9d4e12")
)

func newCase(user directory.UserID, number string) recovery.Case {
	return recovery.Case{
		Tenant: tenant, ID: uuid.NewString(), Number: number, User: user, State: recovery.Open, OpenedAt: nine, Version: 1,
		Channel: recovery.ByPhone, ExpiresAt: nine.Add(time.Hour),
	}
}

func effects(activity string) recovery.Effects {
	return recovery.Effects{At: nine, Events: []audit.Event{event(activity)}}
}

func event(activity string) audit.Event {
	return audit.Event{
		Tenant: string(tenant), ID: uuid.NewString(), At: nine, CorrelationID: uuid.NewString(),
		Change: &audit.Change{Activity: activity, Category: audit.CategoryUserManagement, Service: audit.ServicePostern, Operation: audit.OperationUpdate, Result: audit.Success},
	}
}

func opened(t testing.TB, s Fixture, user directory.UserID, number string) recovery.Case {
	t.Helper()
	c := newCase(user, number)
	if err := s.OpenCase(t.Context(), c, effects(audit.CaseOpened)); err != nil {
		t.Fatalf("open a case: %v", err)
	}
	return c
}

// issued is c with a pass, as far as the store goes.
func issued(s Fixture, c recovery.Case) (recovery.Case, tap.Pass) {
	p := tap.Pass{
		Tenant: tenant, User: c.User, ID: uuid.NewString(), CreatedAt: nine, Start: nine, Lifetime: time.Hour, SingleUse: true,
		Incarnation: s.Incarnation(), Case: c.ID,
	}
	return c.WithPass(recovery.Issued{ID: p.ID, At: nine, Ends: p.End(), Once: true}), p
}

func state(t testing.TB, s Fixture, c recovery.Case) recovery.CaseState {
	t.Helper()
	now, err := s.Case(t.Context(), tenant, c.ID)
	if err != nil {
		t.Fatalf("read a case: %v", err)
	}
	return now.State
}

// Store tests the stores that open returns; each is empty and closed by its test.
func Store(t *testing.T, open func(testing.TB) Fixture) {
	ready := func(t testing.TB) Fixture {
		s := open(t)
		s.AddUser(t, tenant, mira)
		s.AddUser(t, tenant, jonas)
		return s
	}
	t.Run("a case is found by id and by number, in its tenant", func(t *testing.T) {
		s := ready(t)
		c := opened(t, s, mira, "R-AAAAAA")
		got, err := s.CaseByNumber(t.Context(), tenant, "R-AAAAAA")
		if err != nil || got.ID != c.ID || got.User != mira || !got.ExpiresAt.Equal(c.ExpiresAt) || got.Version != 1 {
			t.Errorf("got %+v, %v", got, err)
		}
		if _, err := s.Case(t.Context(), "7b1c52f0-0c0e-4c55-9d5e-2f6a3a9d4e02", c.ID); !errors.Is(err, recovery.ErrUnknown) {
			t.Errorf("another tenant gets %v", err)
		}
		if err := s.OpenCase(t.Context(), newCase(jonas, "R-AAAAAA"), effects(audit.CaseOpened)); !errors.Is(err, recovery.ErrNumber) {
			t.Errorf("a second one with the number: %v", err)
		}
		if err := s.OpenCase(t.Context(), newCase("7b1c52f0-0c0e-4c55-9d5e-2f6a3a9d4e99", "R-BBBBBB"), effects(audit.CaseOpened)); !errors.Is(err, directory.ErrUserUnknown) {
			t.Errorf("for nobody: %v", err)
		}
	})
	t.Run("of many that open at once as many succeed as may wait", func(t *testing.T) {
		s := ready(t)
		errs := together(8, func(i int) error {
			return s.OpenCase(t.Context(), newCase(mira, "R-AAAAA"+string(rune('A'+i))), effects(audit.CaseOpened))
		})
		if ok := succeeded(t, errs, recovery.ErrMany); ok != recovery.MostLiving {
			t.Errorf("%d were opened, want %d", ok, recovery.MostLiving)
		}
	})
	t.Run("what was asked for gives way to what is asked for, and to nothing else", func(t *testing.T) {
		s := ready(t)
		var all []recovery.Case
		ask := func() error {
			c := newCase(mira, "R-AAAAA"+string(rune('A'+len(all))))
			c.Opener.Kind, c.OpenedAt = recovery.BySelf, nine.Add(time.Duration(len(all))*time.Minute)
			all = append(all, c)
			return s.OpenCase(t.Context(), c, effects(audit.CaseOpened))
		}
		for range recovery.MostAsked {
			if err := ask(); err != nil {
				t.Fatal(err)
			}
		}
		opened(t, s, mira, "R-BBBBBB")
		if got := state(t, s, all[0]); got != recovery.Open {
			t.Errorf("after an agent opened one: %s", got)
		}
		before := s.Events(t, tenant)
		if err := ask(); err != nil {
			t.Fatal(err)
		}
		first, err := s.Case(t.Context(), tenant, all[0].ID)
		if err != nil || first.State != recovery.Cancelled || first.Outcome != recovery.Superseded || s.Events(t, tenant) != before+2 {
			t.Errorf("the oldest: %v, %s, %s; %d events", err, first.State, first.Outcome, s.Events(t, tenant)-before)
		}
		for _, c := range all[1:] {
			if got := state(t, s, c); got != recovery.Open {
				t.Errorf("%s: %s", c.Number, got)
			}
		}
	})
	t.Run("what gave way before anybody said anything is forgotten after a month, and nothing else", func(t *testing.T) {
		s := ready(t)
		const day = 24 * time.Hour
		var all []recovery.Case
		ask := func(kind recovery.OpenerKind) recovery.Case {
			c := newCase(mira, "R-AAAAA"+string(rune('A'+len(all))))
			c.Opener.Kind = kind
			if err := s.OpenCase(t.Context(), c, effects(audit.CaseOpened)); err != nil {
				t.Fatal(err)
			}
			all = append(all, c)
			return c
		}
		ask(recovery.BySelf)
		ask(recovery.ByAgent)
		proved := ask(recovery.BySelf)
		proved.Proofs = []recovery.Proof{{Kind: recovery.ProofCallBack, Level: recovery.LevelLow, At: nine}}
		if err := s.SaveCase(t.Context(), proved, effects(audit.CaseApproved)); err != nil {
			t.Fatal(err)
		}
		next, p := issued(s, ask(recovery.ByAgent))
		if err := s.IssueCase(t.Context(), next, p, effects(audit.CaseIssued)); err != nil {
			t.Fatal(err)
		}
		gone := func(at time.Time) (numbers []string) {
			t.Helper()
			if _, err := s.RemoveExpired(t.Context(), tenant, at, 100); err != nil {
				t.Fatal(err)
			}
			for _, c := range all {
				switch one, err := s.Case(t.Context(), tenant, c.ID); {
				case errors.Is(err, recovery.ErrUnknown):
					numbers = append(numbers, c.Number)
				case err != nil || c.ID != next.ID && one.Outcome != recovery.Superseded:
					t.Errorf("%s: %v %s", c.Number, err, one.Outcome)
				}
			}
			return numbers
		}
		for _, x := range []struct {
			after time.Duration
			want  []string
		}{
			{30 * day, nil},
			{30*day + time.Second, []string{"R-AAAAAA"}},
			{400 * day, []string{"R-AAAAAA"}},
			{400*day + time.Second, []string{"R-AAAAAA", "R-AAAAAB", "R-AAAAAC"}},
		} {
			if got := gone(nine.Add(x.after)); !slices.Equal(got, x.want) {
				t.Errorf("after %s: %q are gone, want %q", x.after, got, x.want)
			}
		}
	})
	t.Run("of many changes at once one is kept, with its event", func(t *testing.T) {
		s := ready(t)
		c := opened(t, s, mira, "R-AAAAAA")
		before := s.Events(t, tenant)
		errs := together(8, func(int) error { return s.SaveCase(t.Context(), c, effects(audit.CaseApproved)) })
		if ok := succeeded(t, errs, recovery.ErrChanged); ok != 1 || s.Events(t, tenant) != before+1 {
			t.Errorf("%d were kept with %d events, want 1 with 1", ok, s.Events(t, tenant)-before)
		}
	})
	t.Run("of many passes for one case one is there", func(t *testing.T) {
		s := ready(t)
		c := opened(t, s, mira, "R-AAAAAA")
		errs := together(8, func(int) error {
			next, p := issued(s, c)
			return s.IssueCase(t.Context(), next, p, effects(audit.CaseIssued))
		})
		if ok := succeeded(t, errs, recovery.ErrChanged); ok != 1 {
			t.Errorf("%d were issued, want 1", ok)
		}
		p, err := s.Pass(t.Context(), tenant, mira)
		if got, e := s.CaseOfPass(t.Context(), tenant, p.ID); err != nil || e != nil || got.ID != c.ID || p.Case != c.ID {
			t.Errorf("the pass is of %+v, %v, %v", got, err, e)
		}
	})
	t.Run("issuing for one case cancels the others that wait", func(t *testing.T) {
		s := ready(t)
		c, other, theirs := opened(t, s, mira, "R-AAAAAA"), opened(t, s, mira, "R-BBBBBB"), opened(t, s, jonas, "R-CCCCCC")
		next, p := issued(s, c)
		if err := s.IssueCase(t.Context(), next, p, effects(audit.CaseIssued)); err != nil {
			t.Fatal(err)
		}
		if state(t, s, c) != recovery.PassIssued || state(t, s, other) != recovery.Cancelled || state(t, s, theirs) != recovery.Open {
			t.Errorf("got %s, %s, %s", state(t, s, c), state(t, s, other), state(t, s, theirs))
		}
	})
	t.Run("a use is noted in the same moment", func(t *testing.T) {
		s := ready(t)
		next, p := issued(s, opened(t, s, mira, "R-AAAAAA"))
		if err := s.IssueCase(t.Context(), next, p, effects(audit.CaseIssued)); err != nil {
			t.Fatal(err)
		}
		if err := s.ReservePass(t.Context(), p, "one", nine, nine.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if state(t, s, next) != recovery.PassIssued {
			t.Error("typing it right counts as use")
		}
		if err := s.Spend(t.Context(), p, "one", nine); err != nil {
			t.Fatal(err)
		}
		if got, _ := s.Case(t.Context(), tenant, next.ID); got.State != recovery.Used || !got.UsedAt.Equal(nine) {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("who removes the pass ends the case", func(t *testing.T) {
		s := ready(t)
		next, p := issued(s, opened(t, s, mira, "R-AAAAAA"))
		if err := s.IssueCase(t.Context(), next, p, effects(audit.CaseIssued)); err != nil {
			t.Fatal(err)
		}
		if err := s.DeletePass(t.Context(), tenant, mira, p.ID, nine, event(audit.AdminDeletedSecurityInfo)); err != nil {
			t.Fatal(err)
		}
		if got, _ := s.Case(t.Context(), tenant, next.ID); got.State != recovery.Cancelled || got.Outcome != recovery.PassTaken {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("a dispute and a use at once: the pass is gone, and no use comes after", func(t *testing.T) {
		s := ready(t)
		next, p := issued(s, opened(t, s, mira, "R-AAAAAA"))
		if err := s.IssueCase(t.Context(), next, p, effects(audit.CaseIssued)); err != nil {
			t.Fatal(err)
		}
		if err := s.ReservePass(t.Context(), p, "one", nine, nine.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		errs := together(2, func(i int) error {
			if i == 0 {
				return s.Spend(t.Context(), p, "one", nine)
			}
			return dispute(t, s, next.ID)
		})
		if errs[1] != nil {
			t.Fatalf("dispute: %v", errs[1])
		}
		if errs[0] != nil && !errors.Is(errs[0], tap.ErrNone) {
			t.Errorf("use: %v", errs[0])
		}
		if _, err := s.Pass(t.Context(), tenant, mira); !errors.Is(err, tap.ErrNone) || state(t, s, next) != recovery.Disputed {
			t.Errorf("the pass is %v, the case %s", err, state(t, s, next))
		}
	})
	t.Run("what is due is found, and nothing else", func(t *testing.T) {
		s := ready(t)
		c := opened(t, s, mira, "R-AAAAAA")
		for _, x := range []struct {
			at   time.Time
			want int
		}{{c.ExpiresAt.Add(-time.Microsecond), 0}, {c.ExpiresAt, 1}} {
			if due, err := s.DueCases(t.Context(), tenant, x.at, 10); err != nil || len(due) != x.want {
				t.Errorf("at %s: %d, %v", x.at, len(due), err)
			}
		}
	})
	t.Run("whoever is refused again and again pushes no step out of a timeline", func(t *testing.T) {
		s := ready(t)
		c, other := uuid.NewString(), uuid.NewString()
		var want []string
		for i, one := range []struct {
			of, result string
			kept       bool
		}{
			{c, audit.Success, false},
			{c, audit.Failure, false},
			{c, audit.Success, true},
			{c, audit.Failure, true},
			{other, audit.Success, false},
			{c, audit.Success, true},
			{c, audit.Failure, true},
			{c, audit.Failure, true},
			{other, audit.Failure, false},
		} {
			e := event(audit.CaseCancelled)
			e.At, e.Change.Result, e.Change.Targets = nine.Add(time.Duration(i)*time.Second), one.result, []audit.Target{{ID: one.of}}
			if err := s.Record(t.Context(), e); err != nil {
				t.Fatal(err)
			}
			if one.kept {
				want = append(want, e.ID)
			}
		}
		all, err := s.CaseEvents(t.Context(), tenant, c, 2, 3)
		var got []string
		for _, e := range all {
			got = append(got, e.Entry.ID)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	})
	t.Run("the policy is saved by who saw the last one", func(t *testing.T) {
		s := ready(t)
		p, err := s.RecoveryPolicy(t.Context(), tenant)
		if err != nil || p.Version != 0 {
			t.Fatalf("got %+v, %v", p, err)
		}
		p.DisputeDays = 14
		errs := together(4, func(int) error { return s.SaveRecoveryPolicy(t.Context(), tenant, p, event(audit.SetRecoveryPolicy)) })
		if ok := succeeded(t, errs, recovery.ErrPolicyChanged); ok != 1 {
			t.Errorf("%d were saved, want 1", ok)
		}
		if got, err := s.RecoveryPolicy(t.Context(), tenant); err != nil || got.DisputeDays != 14 || got.Version != 1 {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

// dispute does what a service does: it reads the case anew when somebody was faster.
func dispute(t testing.TB, s Fixture, id string) error {
	for {
		c, err := s.Case(t.Context(), tenant, id)
		if err != nil {
			return err
		}
		if c, err = c.WithDispute(recovery.DefaultPolicy(), recovery.Person{}, "", nine); err != nil {
			return err
		}
		e := effects(audit.CaseDisputed)
		e.EndPass = true
		if err := s.SaveCase(t.Context(), c, e); !errors.Is(err, recovery.ErrChanged) {
			return err
		}
	}
}

func together(n int, do func(i int) error) []error {
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = do(i) })
	}
	all.Wait()
	return errs
}

// succeeded counts those that did; the others have to be want.
func succeeded(t testing.TB, errs []error, want error) int {
	t.Helper()
	n := 0
	for _, err := range errs {
		switch {
		case err == nil:
			n++
		case !errors.Is(err, want):
			t.Errorf("got %v, want %v", err, want)
		}
	}
	return n
}
