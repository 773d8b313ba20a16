package graph

import (
	"strings"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/graph/odata"
)

const contextSet = accessSet + "authenticationContextClassReferences"

var contextSchema = filter.Schema{
	{Name: "id", Type: filter.TypeString, Column: "id", Ops: filter.Equality | filter.Sort},
	{Name: "displayName", Type: filter.TypeString, Column: "displayName", Ops: filter.Equality | filter.StartsWith | filter.Sort},
	{Name: "isAvailable", Type: filter.TypeBool, Column: "isAvailable", Ops: filter.Equality},
}

var contextProperties = names(contextResource(access.ContextClass{}))

// contextResource is x as Graph shows it.
// https://learn.microsoft.com/graph/api/resources/authenticationcontextclassreference
func contextResource(x access.ContextClass) odata.Entity {
	return odata.Entity{
		{Name: odata.TagName, Value: odata.ETag(x.Version)},
		{Name: "id", Value: x.ID},
		{Name: "displayName", Value: x.DisplayName},
		{Name: "description", Value: text(x.Description)},
		{Name: "isAvailable", Value: x.Available},
	}
}

func readContext(c *call, x *access.ContextClass) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	id := x.ID
	body.String("id", &id)
	body.String("displayName", &x.DisplayName)
	body.String("description", &x.Description)
	body.Bool("isAvailable", &x.Available)
	if err := body.Done(); err != nil {
		return err
	}
	if x.ID != "" && id != x.ID {
		return odata.ErrMember.With("id", "The id of an authentication context stays.")
	}
	x.ID, x.DisplayName = id, strings.TrimSpace(x.DisplayName)
	return access.CheckContext(*x)
}

// listContexts serves GET /identity/conditionalAccess/authenticationContextClassReferences.
func (a *API) listContexts(c *call) error {
	there, err := a.accessRules(c)
	if err != nil {
		return err
	}
	all := make([]odata.Entity, len(there.Contexts))
	for i, x := range there.Contexts {
		all[i] = contextResource(x)
	}
	return a.writeHeld(c, contextSet, contextSchema, byID, all, contextProperties)
}

func contextID(x access.ContextClass) string { return x.ID }

// getContext serves GET /identity/conditionalAccess/authenticationContextClassReferences/{id}.
func (a *API) getContext(c *call) error {
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: contextProperties})
	if err != nil {
		return err
	}
	id, err := ruleKey(c, access.ErrUnknownContext)
	if err != nil {
		return err
	}
	there, err := a.accessRules(c)
	if err != nil {
		return err
	}
	x, err := found(there.Contexts, id, contextID, access.ErrUnknownContext)
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity(contextSet, o.Select), contextResource(x).Select(o.Select))
}

// createContext serves POST /identity/conditionalAccess/authenticationContextClassReferences:
// whoever makes one chooses its id, c1 to c99. One that is there already is refused.
func (a *API) createContext(c *call) error {
	x := access.ContextClass{Available: true}
	if err := readContext(c, &x); err != nil {
		return err
	}
	x.CreatedAt, x.Version = a.Now().UTC().Truncate(microsecond), 1
	if err := a.changeRule(c, func(there access.Rules) (access.Change, error) {
		if _, err := found(there.Contexts, x.ID, contextID, access.ErrUnknownContext); err == nil {
			return access.Change{}, access.ErrContextExists
		}
		return access.Change{Context: &x, Event: a.contextEvent(c, audit.AddAuthenticationContext, audit.OperationAdd, nil, &x)}, nil
	}); err != nil {
		return err
	}
	return odata.WriteCreated(c.w, a.root(c).Link("identity", "conditionalAccess", "authenticationContextClassReferences", x.ID),
		a.root(c).Entity(contextSet, nil), contextResource(x))
}

// patchContext serves PATCH /identity/conditionalAccess/authenticationContextClassReferences/{id},
// which, as in Graph, makes one that is not there yet.
func (a *API) patchContext(c *call) error {
	id, err := ruleKey(c, access.ErrUnknownContext)
	if err != nil {
		return err
	}
	there, err := a.accessRules(c)
	if err != nil {
		return err
	}
	old, missing := found(there.Contexts, id, contextID, access.ErrUnknownContext)
	x := old
	if missing != nil {
		x = access.ContextClass{ID: strings.ToLower(id), CreatedAt: a.Now().UTC().Truncate(microsecond)}
	}
	if err := readContext(c, &x); err != nil {
		return err
	}
	x.ModifiedAt = a.Now().UTC().Truncate(microsecond)
	if err := a.changeRule(c, func(there access.Rules) (access.Change, error) {
		now, none := found(there.Contexts, x.ID, contextID, access.ErrUnknownContext)
		if now.Version != old.Version {
			return access.Change{}, odata.ErrMatch
		}
		e := a.contextEvent(c, audit.UpdateAuthenticationContext, audit.OperationUpdate, &old, &x)
		if none != nil {
			e = a.contextEvent(c, audit.AddAuthenticationContext, audit.OperationAdd, nil, &x)
		}
		return access.Change{Context: &x, Event: e}, odata.Match(c.r, odata.ETag(now.Version))
	}); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// deleteContext serves DELETE /identity/conditionalAccess/authenticationContextClassReferences/{id}.
func (a *API) deleteContext(c *call) error {
	id, err := ruleKey(c, access.ErrUnknownContext)
	if err != nil {
		return err
	}
	if err := a.changeRule(c, func(there access.Rules) (access.Change, error) {
		x, err := found(there.Contexts, id, contextID, access.ErrUnknownContext)
		if err != nil {
			return access.Change{}, err
		}
		if err := inUse(there, x.ID); err != nil {
			return access.Change{}, err
		}
		e := a.contextEvent(c, audit.DeleteAuthenticationContext, audit.OperationDelete, &x, nil)
		return access.Change{Context: &x, Remove: true, Event: e}, odata.Match(c.r, odata.ETag(x.Version))
	}); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

func (a *API) contextEvent(c *call, activity, operation string, old, fresh *access.ContextClass) audit.Event {
	e := audit.Change{Activity: activity, Operation: operation, Service: audit.ServiceConditionalAccess, Category: audit.CategoryPolicy}
	return ruleEvent(a, c, e, old, fresh, func(x access.ContextClass) recorded { return recorded{x.ID, x.DisplayName, contextResource(x)} })
}
