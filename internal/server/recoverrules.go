package server

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
)

// recoveredFor is how long policies let a recovered administrator by: as long as the pass lives.
const recoveredFor = 24 * time.Hour

// exemptRecovered gives each policy of Conditional Access that is on a recovery exemption for the
// administrator who gets a new bootstrap pass, or the way back in would end at a rule.
func (s *Server) exemptRecovered(ctx context.Context, tenant directory.TenantID, user directory.User, correlationID string) error {
	all, err := s.db.AccessRules(ctx, tenant)
	if err != nil {
		return err
	}
	for _, p := range all.Policies {
		var until time.Time
		if p.State != access.Enabled || p.Conditions.Workloads != nil {
			continue
		}
		if err := s.db.ChangeAccess(ctx, tenant, func(there access.Rules) (access.Change, error) {
			i := slices.IndexFunc(there.Policies, func(one access.Policy) bool { return one.ID == p.ID })
			if i < 0 {
				return access.Change{}, access.ErrUnknownPolicy
			}
			c, err := s.exempting(tenant, there.Policies[i], user, correlationID)
			if err == nil {
				until = c.Policy.Exemption.Until
			}
			return c, err
		}); err != nil {
			return err
		}
		s.options.Log.Warn("a policy of Conditional Access lets the recovered administrator's pass by until then", "policy", p.DisplayName, "until", until)
	}
	return nil
}

const (
	recoveredReason = "Access was recovered"
	longestReason   = 256 // in bytes; access.Check refuses more
)

// alsoRecovered adds to a reason that access was recovered: once, however often that happens, and
// only where it is not too long for a policy that is to be saved again.
func alsoRecovered(reason string) string {
	if longer := reason + "; " + recoveredReason; !strings.Contains(reason, recoveredReason) && len(longer) <= longestReason {
		return longer
	}
	return reason
}

// exempting is the change that adds user to the recovery exemption of p. One that runs ends when it
// would have: longer than it was meant to nobody else gets by.
func (s *Server) exempting(tenant directory.TenantID, p access.Policy, user directory.User, correlationID string) (access.Change, error) {
	before, err := json.Marshal(p)
	if err != nil {
		return access.Change{}, err
	}
	now := s.now()
	e := access.Exemption{Users: []string{string(user.ID)}, Groups: []string{}, Until: now.Add(recoveredFor), Reason: recoveredReason}
	if had := p.Exemption; had != nil && now.Before(had.Until) {
		e.Groups, e.Reason = had.Groups, alsoRecovered(had.Reason)
		e.Users = append(slices.DeleteFunc(slices.Clone(had.Users), func(id string) bool { return id == string(user.ID) }), string(user.ID))
		e.Until = had.Until // it is that of everybody in it
	}
	p.Exemption, p.ModifiedAt = &e, now
	after, err := json.Marshal(p)
	if err != nil {
		return access.Change{}, err
	}
	event := s.ownEvent(tenant, audit.Change{
		Activity: audit.UpdateAccessPolicy, Category: audit.CategoryPolicy, Service: audit.ServiceConditionalAccess, Operation: audit.OperationUpdate,
		Result: audit.Success, ResultReason: "Access was recovered",
		Targets: []audit.Target{{
			ID: p.ID, Type: audit.TargetPolicy, DisplayName: p.DisplayName,
			Modified: []audit.ModifiedProperty{{DisplayName: "ConditionalAccessPolicy", OldValue: string(before), NewValue: string(after)}},
		}},
	})
	event.CorrelationID = correlationID
	return access.Change{Policy: &p, Event: event}, nil
}
