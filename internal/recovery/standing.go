package recovery

import (
	"context"
	"errors"
	"slices"

	"github.com/postern-id/postern/internal/directory"
)

// standing is c with the word of those who could give it now. Who lost the role, the report or the account
// since then lets nobody have a pass, whether they approved or said who asks.
func (s Service) standing(ctx context.Context, c Case, about Subject) (Case, error) {
	var failed error
	falls := func(by Person, part ApprovalPart) bool {
		stands, err := s.stands(ctx, c.Tenant, by, part, about)
		failed = errors.Join(failed, err)
		return !stands
	}
	c.Approvals = slices.DeleteFunc(slices.Clone(c.Approvals), func(a Approval) bool { return falls(a.By, a.Part) })
	c.Proofs = slices.DeleteFunc(slices.Clone(c.Proofs), func(p Proof) bool {
		switch p.Kind {
		case ProofManager:
			return falls(p.By, AsManager)
		case ProofVouch:
			return falls(p.By, asColleague)
		}
		return false
	})
	return c, failed
}

// asColleague is the part of who vouches: it takes an account that is on.
const asColleague ApprovalPart = "colleague"

func (s Service) stands(ctx context.Context, tenant directory.TenantID, by Person, part ApprovalPart, about Subject) (bool, error) {
	u, err := s.People.User(ctx, tenant, by.User)
	if errors.Is(err, directory.ErrUserUnknown) || err == nil && !u.AccountEnabled {
		return false, nil
	}
	switch {
	case err != nil:
		return false, err
	case part == AsManager:
		return about.User.Manager == u.ID, nil
	case part == asColleague:
		return true, nil
	}
	theirs, err := s.People.TargetOf(ctx, tenant, u.ID)
	return err == nil && directory.Holds(theirs.Roles, directory.ApproveCase, about.Target), err
}
