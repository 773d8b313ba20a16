package signintest

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/signin"
)

// raising is the end of a new sign-in that raises old, which has the secret hash held.
func (b *bench) raising(t *testing.T, old signin.Session, held string) signin.Completion {
	t.Helper()
	c := b.completion(b.accepted(t, nil))
	proofs := slices.Concat(old.Proofs, c.Session.Proofs)
	c.Raised, c.SecretHash, c.At, c.Session = held, "another", nine.Add(time.Minute), old
	c.Session.Proofs, c.Session.SeenAt, c.Session.ExpiresAt, c.Session.Purpose = proofs, c.At, old.ExpiresAt.Add(time.Hour), ""
	return c
}

func raises(t *testing.T, b *bench) {
	old := b.signIn(t, nine)
	b.AddFamily(t, b.tenant, b.user.ID, old.ID)
	c := b.raising(t, old, "secret")
	got, err := b.Complete(t.Context(), c)
	if err != nil || !reflect.DeepEqual(got, c.Session) {
		t.Fatalf("Complete = %+v, %v\nwant %+v", got, err, c.Session)
	}
	got, _, err = b.Session(t.Context(), b.tenant, old.ID, "another", nine)
	if err != nil || !reflect.DeepEqual(got, c.Session) {
		t.Errorf("Session = %+v, %v\nwant %+v", got, err, c.Session)
	}
	b.wantGone(t, old.ID, "secret", nine)
	b.wantSessions(t, 1)
	b.wantFamilies(t, 1)
	if again, err := b.Complete(t.Context(), c); err != nil || again.ID != old.ID {
		t.Errorf("a repeat: %+v, %v", again, err)
	}
	b.wantEvents(t, 2)
}

func raisesNot(t *testing.T, b *bench) {
	old := b.signIn(t, nine)
	other := b.addUser(t, "Mia").ID
	for name, change := range map[string]func(*signin.Completion){
		"another secret":             func(c *signin.Completion) { c.Raised = "guess" },
		"a session of somebody else": func(c *signin.Completion) { c.Session.User = other },
		"no session":                 func(c *signin.Completion) { c.Session.ID = uuid.NewString() },
		"an ended one":               func(c *signin.Completion) { c.At = old.ExpiresAt },
	} {
		c := b.raising(t, old, "secret")
		change(&c)
		if s, err := b.Complete(t.Context(), c); !errors.Is(err, signin.ErrGone) {
			t.Errorf("%s: %+v, %v; want ErrGone", name, s, err)
		}
		if tr, _, err := b.Transaction(t.Context(), b.tenant, c.Transaction.ID); err != nil || tr.Done() {
			t.Errorf("%s: the sign-in is done: %v", name, err)
		}
	}
	b.wantAlive(t, old.ID, nine)
	c := b.raising(t, old, "secret")
	b.end(t, "")
	if _, err := b.Complete(t.Context(), c); !errors.Is(err, signin.ErrGone) {
		t.Errorf("after all were ended: %v, want ErrGone", err)
	}
	b.wantSessions(t, 0)
}

func raiseRace(t *testing.T, b *bench) {
	old := b.signIn(t, nine)
	all := make([]signin.Completion, 8)
	for i := range all {
		all[i] = b.raising(t, old, "secret")
	}
	won := 0
	for _, err := range atOnce(len(all), func(i int) error {
		_, err := b.Complete(t.Context(), all[i])
		return err
	}) {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, signin.ErrGone):
			t.Errorf("Complete: %v, want ErrGone", err)
		}
	}
	if won != 1 {
		t.Errorf("%d raised it, want 1", won)
	}
}

func notes(t *testing.T, b *bench) {
	tr := b.begin(t)
	tr.Blocked = true
	if err := b.NoteTransaction(t.Context(), tr, b.broken()); err == nil {
		t.Error("NoteTransaction without its event")
	}
	if err := b.NoteTransaction(t.Context(), tr, b.event()); err != nil {
		t.Fatal(err)
	}
	if err := b.NoteTransaction(t.Context(), tr, b.event()); !errors.Is(err, signin.ErrChanged) {
		t.Errorf("a second note: %v, want ErrChanged", err)
	}
	tr.Version++
	b.wantTransaction(t, tr)
	b.wantEvents(t, 1)
}
