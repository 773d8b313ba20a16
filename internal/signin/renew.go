package signin

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/fault"
)

// StepRenew asks for a new secret in the place of one that somebody else has set. It comes
// after all proofs, so that whoever has only the old secret gets no new one.
const StepRenew Step = "newpassword"

// Renews returns the method whose secret t must have a new one of before it goes on, or "".
func (t Transaction) Renews() MethodID {
	for _, p := range t.Proofs {
		if p.MustRenew {
			return p.Method
		}
	}
	return ""
}

// MayRenew returns the id of the credential that a new one takes the place of in t. It is ErrGone
// when t could not end in a session any more, because what it was proved with may not be used
// now, or the person's sessions were ended since: who waits on the page sets nothing then.
func (s *Service) MayRenew(ctx context.Context, t Transaction) (string, error) {
	if err := s.someone(ctx, t); err != nil {
		return "", goneIf(err)
	}
	user, err := s.Store.User(ctx, t.Home, t.User)
	if err != nil {
		return "", err
	}
	if t.provedBefore(user.SessionsValidFrom) {
		return "", ErrGone
	}
	if ok, err := s.stillGood(ctx, t); err != nil || !ok {
		return "", errors.Join(err, ErrGone)
	}
	for _, p := range t.Proofs {
		if p.MustRenew && p.Credential != nil {
			return p.Credential.ID, nil
		}
	}
	return "", ErrGone
}

// goneIf turns what is wrong with a person into ErrGone.
func goneIf(err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok && f.AADSTS != 0 {
		return ErrGone
	}
	return err
}

// provedBefore reports whether a proof of t itself is from before at.
func (t Transaction) provedBefore(at time.Time) bool {
	return slices.ContainsFunc(t.Proofs, func(p Proof) bool { return p.At.Before(at) })
}

// Renewed notes that the credential with the given id took the place of the one that the proof
// by the method came from.
func (s *Service) Renewed(ctx context.Context, t Transaction, id MethodID, credential string) (Transaction, error) {
	if t.Done() {
		return t, nil
	}
	t.Proofs = slices.Clone(t.Proofs)
	for i, p := range t.Proofs {
		if p.Method == id && p.MustRenew {
			t.Proofs[i].MustRenew, t.Proofs[i].Credential = false, &CredentialUsed{ID: credential}
		}
	}
	return s.save(ctx, t)
}
