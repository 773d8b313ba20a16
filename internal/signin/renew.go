package signin

import (
	"context"
	"slices"
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

// Renewed notes that the credential with the given id took the place of the one that the proof
// by the method came from.
func (s *Service) Renewed(ctx context.Context, t Transaction, id MethodID, credential string) (Transaction, error) {
	t.Proofs = slices.Clone(t.Proofs)
	for i, p := range t.Proofs {
		if p.Method == id && p.MustRenew {
			t.Proofs[i].MustRenew, t.Proofs[i].Credential = false, &CredentialUsed{ID: credential}
		}
	}
	return s.save(ctx, t)
}
