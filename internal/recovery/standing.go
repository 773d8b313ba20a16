package recovery

import (
	"context"
	"errors"

	"github.com/postern-id/postern/internal/directory"
)

// standing is c with the approvals of those who could give them now. Who lost the role, the report or the
// account since then lets nobody have a pass.
func (s Service) standing(ctx context.Context, c Case, about Subject) (Case, error) {
	all := c.Approvals
	c.Approvals = nil
	for _, a := range all {
		stands, err := s.stands(ctx, c.Tenant, a, about)
		if err != nil {
			return c, err
		}
		if stands {
			c.Approvals = append(c.Approvals, a)
		}
	}
	return c, nil
}

func (s Service) stands(ctx context.Context, tenant directory.TenantID, a Approval, about Subject) (bool, error) {
	u, err := s.People.User(ctx, tenant, a.By.User)
	if errors.Is(err, directory.ErrUserUnknown) || err == nil && !u.AccountEnabled {
		return false, nil
	}
	if err != nil || a.Part == AsManager {
		return err == nil && about.User.Manager == u.ID, err
	}
	theirs, err := s.People.TargetOf(ctx, tenant, u.ID)
	return err == nil && directory.Holds(theirs.Roles, directory.ApproveCase, about.Target), err
}
