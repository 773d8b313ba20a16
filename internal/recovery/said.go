package recovery

import (
	"context"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
)

// SaidAt is when u last gave their word in c, as the manager or else as a colleague, if it counts at
// now and there is nothing to add to it; zero for never.
func (c Case) SaidAt(p Policy, u directory.UserID, manager bool, now time.Time) time.Time {
	var last time.Time
	said := func(by Person, numbered bool, at time.Time, life time.Duration) {
		if by.is(u) && (numbered || c.Opener.Kind != BySelf) && at.After(last) && now.Before(at.Add(life)) {
			last = at
		}
	}
	if manager {
		for _, a := range c.Approvals {
			if a.Part == AsManager {
				said(a.By, a.Numbered, a.At, p.approvalLife())
			}
		}
		return last
	}
	for _, q := range c.Proofs {
		if q.Kind == ProofVouch {
			said(q.By, q.Numbered, q.At, p.proofLife())
		}
	}
	return last
}

// Waiting returns the newest cases of a person of which somebody may still make something.
func (s Service) Waiting(ctx context.Context, tenant directory.TenantID, user directory.UserID) ([]Case, error) {
	e, err := filter.Parse("userId eq '" + string(user) + "'")
	if err != nil {
		return nil, err
	}
	of, err := filter.Check(e, CaseSchema)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	all, _, err := s.Cases.ListCases(ctx, tenant, []filter.Bound{of}, nil, nil, MostLiving+MostAsked)
	return slices.DeleteFunc(all, func(c Case) bool { return !c.shown(now).Waits() }), err
}
