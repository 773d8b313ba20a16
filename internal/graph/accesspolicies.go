package graph

import (
	"strings"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/graph/odata"
)

const policiesOfAccess = accessSet + "policies"

var accessPolicySchema = filter.Schema{
	{Name: "id", Type: filter.TypeGUID, Column: "id", Ops: filter.Equality},
	{Name: "displayName", Type: filter.TypeString, Column: "displayName", Ops: filter.Equality | filter.StartsWith | filter.Contains | filter.Sort},
	{Name: "state", Type: filter.TypeString, Column: "state", Ops: filter.Equality | filter.Sort},
	{Name: "templateId", Type: filter.TypeString, Column: "templateId", Ops: filter.Equality},
	{Name: "createdDateTime", Type: filter.TypeTime, Column: "createdDateTime", Ops: filter.Ordering | filter.Equality | filter.Sort},
	{Name: "modifiedDateTime", Type: filter.TypeTime, Column: "modifiedDateTime", Ops: filter.Ordering | filter.Equality | filter.Sort},
}

var accessPolicyProperties = names(accessPolicyResource(access.Policy{}, nil))

// listAccessPolicies serves GET /identity/conditionalAccess/policies.
func (a *API) listAccessPolicies(c *call) error {
	there, err := a.accessRules(c)
	if err != nil {
		return err
	}
	all := make([]odata.Entity, len(there.Policies))
	for i, p := range there.Policies {
		all[i] = accessPolicyResource(p, allStrengths(there))
	}
	return a.writeHeld(c, policiesOfAccess, accessPolicySchema, byCreation, all, accessPolicyProperties)
}

func accessPolicyID(p access.Policy) string { return p.ID }

// accessPolicy finds the policy that {id} names.
func (a *API) accessPolicy(c *call) (access.Policy, access.Rules, error) {
	id, err := ruleKey(c, access.ErrUnknownPolicy)
	if err != nil {
		return access.Policy{}, access.Rules{}, err
	}
	there, err := a.accessRules(c)
	if err != nil {
		return access.Policy{}, there, err
	}
	p, err := found(there.Policies, id, accessPolicyID, access.ErrUnknownPolicy)
	return p, there, err
}

// getAccessPolicy serves GET /identity/conditionalAccess/policies/{id}.
func (a *API) getAccessPolicy(c *call) error {
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: accessPolicyProperties})
	if err != nil {
		return err
	}
	p, there, err := a.accessPolicy(c)
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity(policiesOfAccess, o.Select), accessPolicyResource(p, allStrengths(there)).Select(o.Select))
}

// createAccessPolicy serves POST /identity/conditionalAccess/policies.
// https://learn.microsoft.com/graph/api/conditionalaccessroot-post-policies
func (a *API) createAccessPolicy(c *call) error {
	p := access.Policy{Conditions: access.Conditions{ClientAppTypes: []string{"all"}}}
	force, err := readAccessPolicy(c, &p)
	if err != nil {
		return err
	}
	if p.ID, err = a.newID(); err != nil {
		return err
	}
	p.CreatedAt, p.Version = a.Now().UTC().Truncate(microsecond), 1
	guard, err := a.guardPolicy(c, access.Policy{}, p, force)
	if err != nil {
		return err
	}
	if err := a.keepsWaysBackUnder(c, force, guard, access.Change{Policy: &p}); err != nil {
		return err
	}
	var strengths []access.Strength
	if err := a.changeRule(c, func(there access.Rules) (access.Change, error) {
		if len(there.Policies) >= access.MostPolicies {
			return access.Change{}, access.ErrTooMany
		}
		strengths = allStrengths(there)
		done := access.Change{Policy: &p, Event: a.accessPolicyEvent(c, audit.AddAccessPolicy, audit.OperationAdd, nil, &p)}
		return done, guard(there, done)
	}); err != nil {
		return err
	}
	return odata.WriteCreated(c.w, a.root(c).Link("identity", "conditionalAccess", "policies", p.ID),
		a.root(c).Entity(policiesOfAccess, nil), accessPolicyResource(p, strengths).Select(nil))
}

// patchAccessPolicy serves PATCH /identity/conditionalAccess/policies/{id}: what is not sent
// stays, also within conditions.
// https://learn.microsoft.com/graph/api/conditionalaccesspolicy-update
func (a *API) patchAccessPolicy(c *call) error {
	old, _, err := a.accessPolicy(c)
	if err != nil {
		return err
	}
	p := old
	force, err := readAccessPolicy(c, &p)
	if err != nil {
		return err
	}
	p.ModifiedAt = a.Now().UTC().Truncate(microsecond)
	if err := odata.Match(c.r, odata.ETag(old.Version)); err != nil {
		return err
	}
	guard, err := a.guardPolicy(c, old, p, force)
	if err != nil {
		return err
	}
	if err := a.keepsWaysBackUnder(c, force, guard, access.Change{Policy: &p}); err != nil {
		return err
	}
	if err := a.changeRule(c, func(there access.Rules) (access.Change, error) {
		now, err := found(there.Policies, p.ID, accessPolicyID, access.ErrUnknownPolicy)
		if err != nil {
			return access.Change{}, err
		}
		if err := odata.Match(c.r, odata.ETag(now.Version)); err != nil {
			return access.Change{}, err
		}
		if now.Version != old.Version { // what was read is not what is there any more
			return access.Change{}, odata.ErrMatch
		}
		done := access.Change{Policy: &p, Event: a.accessPolicyEvent(c, audit.UpdateAccessPolicy, audit.OperationUpdate, &old, &p)}
		return done, guard(there, done)
	}); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// deleteAccessPolicy serves DELETE /identity/conditionalAccess/policies/{id}.
func (a *API) deleteAccessPolicy(c *call) error {
	old, _, err := a.accessPolicy(c)
	if err != nil {
		return err
	}
	if err := odata.Match(c.r, odata.ETag(old.Version)); err != nil {
		return err
	}
	c.force = strings.EqualFold(c.r.Header.Get(forceHeader), "true")
	anything := func(access.Rules, access.Change) error { return nil }
	if err := a.keepsWaysBackUnder(c, c.force, anything, access.Change{Policy: &old, Remove: true}); err != nil {
		return err
	}
	if err := a.changeRule(c, func(there access.Rules) (access.Change, error) {
		p, err := found(there.Policies, old.ID, accessPolicyID, access.ErrUnknownPolicy)
		if err != nil {
			return access.Change{}, err
		}
		e := a.accessPolicyEvent(c, audit.DeleteAccessPolicy, audit.OperationDelete, &p, nil)
		return access.Change{Policy: &p, Remove: true, Event: e}, odata.Match(c.r, odata.ETag(p.Version))
	}); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

func (a *API) accessPolicyEvent(c *call, activity, operation string, old, fresh *access.Policy) audit.Event {
	e := audit.Change{Activity: activity, Operation: operation, Service: audit.ServiceConditionalAccess, Category: audit.CategoryPolicy}
	return ruleEvent(a, c, e, old, fresh, func(p access.Policy) recorded { return recorded{p.ID, p.DisplayName, accessPolicyResource(p, nil)} })
}

// forceHeader saves a policy although it locks out every administrator, as the member
// postern_force of the body does: SDKs that know Graph's members only can send a header.
const forceHeader = "Postern-Force"

// forced reads whether the caller insists, which the event tells.
func forced(c *call, body *odata.Object) bool {
	c.force = strings.EqualFold(c.r.Header.Get(forceHeader), "true")
	body.Bool("postern_force", &c.force)
	return c.force
}
