package methodtest

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/signin"
)

// password is a credential of which b's user has one at most.
func (b *bench) password() method.Credential {
	c := b.credential()
	c.Kind, c.Lookup = "password", string(b.user.ID)
	return c
}

func replaces(t *testing.T, b *bench) {
	first, second := b.password(), b.password()
	if err := b.ReplaceCredential(t.Context(), first, method.Replacement{}, b.event()); err != nil {
		t.Fatal(err)
	}
	wantIs(t, "a second one beside it", b.ReplaceCredential(t.Context(), b.password(), method.Replacement{}, b.event()), method.ErrKnown)
	here := b.complete(t, b.accepted(t, 0, first.ID))
	b.complete(t, b.accepted(t, 0, first.ID))
	under := b.accepted(t, 0, first.ID)
	if err := b.ReplaceCredential(t.Context(), second, method.Replacement{Old: first.ID, Keep: here.ID}, b.event()); err != nil {
		t.Fatal(err)
	}
	b.wantCount(t, b.user.ID, 1)
	b.wantLiving(t, b.user.ID, 1)
	kept, _, err := b.Session(t.Context(), b.tenant, here.ID, "secret", nine)
	if err != nil || kept.Proofs[0].Credential.ID != second.ID {
		t.Errorf("the session that is kept: %+v, %v", kept.Proofs, err)
	}
	_, err = b.Complete(t.Context(), b.completion(under))
	wantIs(t, "a sign-in that was under way", err, method.ErrNone)
	wantIs(t, "replacing what is gone", b.ReplaceCredential(t.Context(), b.password(), method.Replacement{Old: first.ID}, b.event()), method.ErrNone)
	if err := b.RemoveCredential(t.Context(), second, nine, b.event()); err != nil {
		t.Fatal(err)
	}
	b.wantLiving(t, b.user.ID, 0)
}

func replacesNothing(t *testing.T, b *bench) {
	first := b.password()
	if err := b.ReplaceCredential(t.Context(), first, method.Replacement{}, b.event()); err != nil {
		t.Fatal(err)
	}
	b.complete(t, b.accepted(t, 0, first.ID))
	if err := b.ReplaceCredential(t.Context(), b.password(), method.Replacement{Old: first.ID}, b.broken()); err == nil {
		t.Error("an event that can't be recorded was no error")
	}
	theirs := b.password()
	theirs.User, theirs.Lookup = b.other.ID, string(b.other.ID)
	wantIs(t, "replacing another person's", b.ReplaceCredential(t.Context(), theirs, method.Replacement{Old: first.ID}, b.event()), method.ErrNone)
	ended := b.password()
	ended.Origin.Session = uuid.NewString()
	wantIs(t, "from a session that is gone", b.ReplaceCredential(t.Context(), ended, method.Replacement{Old: first.ID}, b.event()), method.ErrProof)
	if got := b.stored(t, first.ID); got.ID != first.ID {
		t.Errorf("the old one is %+v", got)
	}
	b.wantLiving(t, b.user.ID, 1)
}

func replaceRace(t *testing.T, b *bench) {
	first := b.password()
	if err := b.ReplaceCredential(t.Context(), first, method.Replacement{}, b.event()); err != nil {
		t.Fatal(err)
	}
	wantOne(t, atOnce(8, func(int) error {
		return b.ReplaceCredential(t.Context(), b.password(), method.Replacement{Old: first.ID}, b.event())
	}), method.ErrNone)
	b.wantCount(t, b.user.ID, 1)
}

// replaceMeetsSignIn lets a change and the ends of sign-ins with the old one meet: no session
// of the old one is left.
func replaceMeetsSignIn(t *testing.T, b *bench) {
	first := b.password()
	if err := b.ReplaceCredential(t.Context(), first, method.Replacement{}, b.event()); err != nil {
		t.Fatal(err)
	}
	under := make([]signin.Transaction, 4)
	for i := range under {
		under[i] = b.accepted(t, 0, first.ID)
	}
	for i, err := range atOnce(len(under)+1, func(i int) error {
		if i == len(under) {
			return b.ReplaceCredential(t.Context(), b.password(), method.Replacement{Old: first.ID}, b.event())
		}
		_, err := b.Complete(t.Context(), b.completion(under[i]))
		return err
	}) {
		if err != nil && !errors.Is(err, method.ErrNone) {
			t.Errorf("%d: %v", i, err)
		}
	}
	b.wantLiving(t, b.user.ID, 0)
}
