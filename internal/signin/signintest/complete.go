package signintest

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/signin"
)

func accepts(t *testing.T, b *bench) {
	k := bucket("k", 2)
	b.wantWait(t, nine, 0, k)
	pass := b.addPass(t, true)
	first := proved(b.begin(t), pass)
	if err := b.accept(t, first, k); err != nil {
		t.Fatalf("Accept: %v", err)
	}
	first.Version++
	b.wantTransaction(t, first)
	wantCode(t, b.accept(t, proved(b.begin(t), pass)), "tapHeld")
	b.wantWait(t, nine, 0, k)
	b.wantWait(t, nine, 0, k)
	b.wantWait(t, nine, time.Minute, k)
}

func acceptsNothing(t *testing.T, b *bench) {
	k := bucket("k", 2)
	b.wantWait(t, nine, 0, k)
	pass := b.addPass(t, true)
	b.accepted(t, pass)
	late := b.begin(t)
	wantCode(t, b.accept(t, proved(late, pass), k), "tapHeld")
	b.wantTransaction(t, late)
	wantCode(t, b.accept(t, proved(late, &signin.PassUsed{ID: uuid.NewString()}), k), "tapNone")
	b.wantTransaction(t, late)
	b.wantWait(t, nine, 0, k)
	b.wantWait(t, nine, time.Minute, k)
}

func acceptsStale(t *testing.T, b *bench) {
	k := bucket("k", 1)
	b.wantWait(t, nine, 0, k)
	pass := b.addPass(t, true)
	old := b.begin(t)
	if err := b.SaveTransaction(t.Context(), old); err != nil {
		t.Fatalf("SaveTransaction: %v", err)
	}
	if err := b.accept(t, proved(old, pass), k); !errors.Is(err, signin.ErrChanged) {
		t.Errorf("Accept: %v, want ErrChanged", err)
	}
	b.wantWait(t, nine, time.Minute, k)
	b.accepted(t, pass) // nobody holds the pass
}

func bars(t *testing.T, b *bench) {
	pass := b.addPass(t, true)
	tr := b.accepted(t, pass)
	wantCode(t, b.accept(t, proved(b.begin(t), pass)), "tapHeld")
	stopped := tr
	stopped.Proofs, stopped.Refused = nil, &signin.Refusal{Code: "accessBlocked", Rule: "Nobody"}
	if err := b.Bar(t.Context(), stopped, pass, b.broken()); err == nil {
		t.Error("Bar without its event")
	}
	wantCode(t, b.accept(t, proved(b.begin(t), pass)), "tapHeld")
	if err := b.Bar(t.Context(), stopped, pass, b.event()); err != nil {
		t.Fatal(err)
	}
	if err := b.Bar(t.Context(), stopped, pass, b.event()); !errors.Is(err, signin.ErrChanged) {
		t.Errorf("a second time: %v, want ErrChanged", err)
	}
	stopped.Version++
	b.wantTransaction(t, stopped)
	b.wantEvents(t, 1)
	if _, err := b.Complete(t.Context(), b.completion(tr)); !errors.Is(err, signin.ErrChanged) && err == nil {
		t.Errorf("what was stopped gave a session: %v", err)
	}
	b.accepted(t, pass) // it is free at once
}

func acceptRace(t *testing.T, b *bench) {
	pass := b.addPass(t, true)
	transactions := make([]signin.Transaction, 16)
	for i := range transactions {
		transactions[i] = proved(b.begin(t), pass)
	}
	won := 0
	for _, err := range atOnce(len(transactions), func(i int) error { return b.Accept(t.Context(), transactions[i], nil, nine, nine.Add(time.Minute)) }) {
		if err == nil {
			won++
			continue
		}
		wantCode(t, err, "tapHeld")
	}
	if won != 1 {
		t.Errorf("%d sign-ins hold the pass, want 1", won)
	}
}

func completes(t *testing.T, b *bench) {
	pass := b.addPass(t, true)
	c := b.completion(b.accepted(t, pass))
	got, err := b.Complete(t.Context(), c)
	if err != nil || !reflect.DeepEqual(got, c.Session) {
		t.Fatalf("Complete = %+v, %v\nwant %+v", got, err, c.Session)
	}
	got, user, err := b.Session(t.Context(), b.tenant, c.Session.ID, "secret", nine)
	if err != nil || user.ID != b.user.ID || !reflect.DeepEqual(got, c.Session) {
		t.Errorf("Session = %+v of %s, %v\nwant %+v", got, user.ID, err, c.Session)
	}
	done := c.Transaction
	done.Session, done.DoneAt = c.Session.ID, nine
	done.Version++
	b.wantTransaction(t, done)
	wantCode(t, b.accept(t, proved(b.begin(t), pass)), "tapUsed")
	b.wantEvents(t, 1)
}

func completesAgain(t *testing.T, b *bench) {
	c := b.completion(b.accepted(t, b.addPass(t, true)))
	want, err := b.Complete(t.Context(), c)
	if err != nil {
		t.Fatalf("Complete: %v", err)
	}
	done, _, err := b.Transaction(t.Context(), b.tenant, c.Transaction.ID)
	if err != nil {
		t.Fatalf("Transaction: %v", err)
	}
	for _, tr := range []signin.Transaction{c.Transaction, done} {
		again := b.completion(tr)
		again.PlaceHash = "another place"
		got, err := b.Complete(t.Context(), again)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("Complete = %+v, %v\nwant %+v", got, err, want)
		}
	}
	b.wantTransaction(t, done)
	b.wantSessions(t, 1)
	b.wantEvents(t, 1)
	b.wantFamiliar(t, b.user.ID, "another place", false)
}

// wantOneSession completes all at once, as often as they are given, and expects n to succeed
// in the same session and the others to be refused with the code lost.
func (b *bench) wantOneSession(t *testing.T, all []signin.Completion, n int, lost string) {
	t.Helper()
	sessions := make([]signin.Session, len(all))
	won, ids := 0, map[string]bool{}
	for i, err := range atOnce(len(all), func(i int) (err error) {
		sessions[i], err = b.Complete(t.Context(), all[i])
		return err
	}) {
		if err != nil {
			wantCode(t, err, lost)
			continue
		}
		won++
		ids[sessions[i].ID] = true
	}
	if won != n || len(ids) != 1 {
		t.Errorf("%d completions led to %d sessions, want %d to 1", won, len(ids), n)
	}
	b.wantSessions(t, 1)
	b.wantEvents(t, 1)
}

// repeats returns n completions of tr, each with a session of its own.
func (b *bench) repeats(tr signin.Transaction, n int) []signin.Completion {
	all := make([]signin.Completion, n)
	for i := range all {
		all[i] = b.completion(tr)
	}
	return all
}

func completeRace(t *testing.T, b *bench) {
	b.wantOneSession(t, b.repeats(b.accepted(t, b.addPass(t, true)), 64), 64, "")
}

// completeRaceManyUses repeats with the same session id, as signin.Service does.
func completeRaceManyUses(t *testing.T, b *bench) {
	for name, tr := range map[string]signin.Transaction{
		"a pass for many uses": b.accepted(t, b.addPass(t, false)),
		"no pass":              b.accepted(t, nil),
	} {
		all := b.repeats(tr, 16)
		for i := range all {
			all[i].Session.ID = all[0].Session.ID
		}
		for _, err := range atOnce(len(all), func(i int) error {
			_, err := b.Complete(t.Context(), all[i])
			return err
		}) {
			if err != nil {
				t.Errorf("%s: Complete: %v", name, err)
			}
		}
	}
	b.wantSessions(t, 2)
	b.wantEvents(t, 2)
}

// passRace has 64 sign-ins under way that all typed the pass right. One holds it; the
// others pretend to, as one does whose hold ran out.
func passRace(t *testing.T, b *bench) {
	pass := b.addPass(t, true)
	all := []signin.Completion{b.completion(b.accepted(t, pass))}
	for range 63 {
		all = append(all, b.completion(proved(b.begin(t), pass)))
	}
	won, ids := 0, map[string]bool{}
	for i, err := range atOnce(len(all), func(i int) error {
		_, err := b.Complete(t.Context(), all[i])
		return err
	}) {
		if err == nil {
			won++
			ids[all[i].Session.ID] = true
			continue
		}
		if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != "tapHeld" && f.Code != "tapUsed" {
			t.Errorf("Complete: %v, want tapHeld or tapUsed", err)
		}
	}
	if won != 1 || !ids[all[0].Session.ID] {
		t.Errorf("%d sign-ins got a session, want the one that holds the pass", won)
	}
	b.wantSessions(t, 1)
	b.wantEvents(t, 1)
}

// wantNoSession expects that c fails with a fault of the code and leaves nothing behind.
func (b *bench) wantNoSession(t *testing.T, c signin.Completion, code string) {
	t.Helper()
	before, _, err := b.Transaction(t.Context(), c.Transaction.Tenant, c.Transaction.ID)
	if err != nil {
		t.Fatalf("Transaction: %v", err)
	}
	events := b.Events(t, b.tenant)
	_, err = b.Complete(t.Context(), c)
	if err == nil || code != "" {
		wantCode(t, err, code)
	}
	b.wantTransaction(t, before)
	b.wantGone(t, c.Session.ID, c.SecretHash, nine)
	b.wantFamiliar(t, c.Transaction.User, c.PlaceHash, false)
	b.wantEvents(t, events)
}

func completesDisabled(t *testing.T, b *bench) {
	pass := b.addPass(t, true)
	c := b.completion(b.accepted(t, pass))
	b.SetEnabled(t, b.tenant, b.user.ID, false)
	b.wantNoSession(t, c, directory.ErrUserUnknown.Code)
	b.SetEnabled(t, b.tenant, b.user.ID, true)
	if _, err := b.Complete(t.Context(), c); err != nil {
		t.Errorf("the refused sign-in spent the pass: %v", err)
	}
}

func completesGone(t *testing.T, b *bench) {
	c := b.completion(b.accepted(t, nil))
	b.RemoveUser(t, b.tenant, b.user.ID)
	b.wantNoSession(t, c, directory.ErrUserUnknown.Code)
}

func completesDeleted(t *testing.T, b *bench) {
	for _, once := range []bool{true, false} {
		pass := b.addPass(t, once)
		c := b.completion(b.accepted(t, pass))
		b.DeletePass(t, b.tenant, b.user.ID, pass.ID)
		b.wantNoSession(t, c, "tapNone")
	}
}

func completesEnded(t *testing.T, b *bench) {
	for _, once := range []bool{true, false} {
		pass := b.addPass(t, once)
		c := b.completion(b.accepted(t, pass))
		c.At = pass.End
		b.wantNoSession(t, c, "tapExpired")
		c.At = pass.End.Add(-time.Microsecond)
		c.PlaceHash = ""
		if _, err := b.Complete(t.Context(), c); err != nil {
			t.Errorf("Complete just before the end: %v", err)
		}
	}
}

func completesAfterAllEnded(t *testing.T, b *bench) {
	begun := b.begin(t)
	begun.Proofs = []signin.Proof{{Method: "password", At: nine}}
	c := b.completion(begun)
	b.end(t, "")
	b.wantNoSession(t, c, signin.ErrGone.Code)
	c.Transaction.Proofs[0].At = nine.Add(time.Hour)
	c.Session.CreatedAt, c.At = nine.Add(time.Hour), nine.Add(time.Hour)
	if _, err := b.Complete(t.Context(), c); err != nil {
		t.Errorf("proofs of later: %v", err)
	}
}

func completesStale(t *testing.T, b *bench) {
	pass := b.addPass(t, true)
	tr := b.accepted(t, pass)
	if err := b.SaveTransaction(t.Context(), tr); err != nil {
		t.Fatalf("SaveTransaction: %v", err)
	}
	b.wantNoSession(t, b.completion(tr), signin.ErrChanged.Code)
	tr.Version++
	if _, err := b.Complete(t.Context(), b.completion(tr)); err != nil {
		t.Errorf("the refused sign-in spent the pass: %v", err)
	}
}

func completesWithEvent(t *testing.T, b *bench) {
	pass := b.addPass(t, true)
	c := b.completion(b.accepted(t, pass))
	c.Event = b.broken()
	b.wantNoSession(t, c, "")
	c.Event = b.event()
	if _, err := b.Complete(t.Context(), c); err != nil {
		t.Errorf("the sign-in without an event spent the pass: %v", err)
	}
}

func completesNothing(t *testing.T, b *bench) {
	tr := b.begin(t)
	tr.ID = uuid.NewString()
	if _, err := b.Complete(t.Context(), b.completion(tr)); !errors.Is(err, signin.ErrGone) {
		t.Errorf("Complete: %v, want ErrGone", err)
	}
	b.wantSessions(t, 0)
}
