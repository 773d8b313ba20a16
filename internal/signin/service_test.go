package signin

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/postern-id/postern/internal/token"
)

// opened is a sign-in of Sam, who has a key that is a factor or two.
func opened(t *testing.T, r Requirement, f Factors) (*world, Transaction, token.Opaque, Place) {
	t.Helper()
	w, place := newWorld(), Place{Address: netip.MustParseAddr("192.0.2.1"), Browser: "one"}
	w.add("key", Yield{Factors: f}).frozen["sam"] = false
	tr, handle, err := w.Begin(t.Context(), Transaction{Tenant: contoso, Require: r}, place)
	if err != nil {
		t.Fatal(err)
	}
	if tr, err = w.Prove(t.Context(), tr, "key", "sam", place); err != nil {
		t.Fatal(err)
	}
	return w, tr, handle, place
}

func TestNoStepChangesWhatIsDone(t *testing.T) {
	w, tr, handle, place := opened(t, Requirement{}, Possession|Inherence)
	done, session, _, err := w.Stay(t.Context(), tr, false, handle, place, nil)
	if err != nil || session.User != "sam" {
		t.Fatalf("signed in as %q: %v", session.User, err)
	}
	if done, err = w.Open(t.Context(), handle); err != nil {
		t.Fatal(err)
	}
	was := w.store.transactions[done.ID]
	for name, step := range map[string]func() (Transaction, error){
		"another name": func() (Transaction, error) { return w.Identify(t.Context(), done, upn("kim"), place) },
		"other ways":   func() (Transaction, error) { return w.ShowOtherWays(t.Context(), done) },
		"a choice":     func() (Transaction, error) { return w.Choose(t.Context(), done, "key") },
		"not you":      func() (Transaction, error) { return w.Forget(t.Context(), done) },
		"a proof":      func() (Transaction, error) { return w.Prove(t.Context(), done, "key", "sam", place) },
		"a dead end":   func() (Transaction, error) { return w.Block(t.Context(), done, place) },
		"a new secret": func() (Transaction, error) { return w.Renewed(t.Context(), done, "key", "new") },
	} {
		if got, err := step(); err != nil || got.User != "sam" || w.store.transactions[done.ID] != was {
			t.Errorf("%s: %q, %v, and stored is %v", name, got.User, err, w.store.transactions[done.ID])
		}
	}
}

func TestOneFactorIsNoSignInByItself(t *testing.T) {
	w, tr, handle, place := opened(t, Requirement{SingleFactor: true}, Possession)
	if _, session, _, err := w.Stay(t.Context(), tr, false, handle, place, nil); !errors.Is(err, ErrGone) {
		t.Errorf("ended in %v: %v", session, err)
	}
}

func TestWhoIsDisabledBeforeTheLastAnswerIsRefused(t *testing.T) {
	for name, change := range map[string]func(*world){
		"disabled": func(w *world) { w.store.users["sam"].AccountEnabled = false },
		"deleted":  func(w *world) { delete(w.store.users, "sam") },
	} {
		w, tr, handle, place := opened(t, Requirement{}, Possession|Inherence)
		change(w)
		if _, session, _, err := w.Stay(t.Context(), tr, false, handle, place, nil); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: ended in %v: %v", name, session, err)
		}
	}
}
