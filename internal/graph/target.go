package graph

import (
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
)

// person finds the user that {id} names, by object id or UPN, and what May must know of them.
func person(a *API, c *call) (directory.Target, error) {
	key, err := odata.ParseKey(c.r.PathValue("id"))
	if err != nil {
		return directory.Target{}, err
	}
	switch {
	case key.Property != "" && !strings.EqualFold(key.Property, "userPrincipalName"):
		return directory.Target{}, directory.ErrUserUnknown
	case key.Property == "" && directory.IsID(key.Value):
		c.user, err = a.Store.User(c.ctx(), c.tenant.ID, directory.UserID(strings.ToLower(key.Value)))
	default:
		c.user, err = a.Store.UserByName(c.ctx(), c.tenant.ID, key.Value)
	}
	if err != nil {
		return directory.Target{}, err
	}
	return a.Store.TargetOf(c.ctx(), c.tenant.ID, c.user.ID)
}

// objectID returns the id that a path value names.
func objectID(c *call, name string, unknown error) (string, error) {
	key, err := odata.ParseKey(c.r.PathValue(name))
	if err != nil {
		return "", err
	}
	if key.Property != "" && !strings.EqualFold(key.Property, "id") || !directory.IsID(key.Value) {
		return "", unknown
	}
	return strings.ToLower(key.Value), nil
}

// team finds the group that {id} names, by object id or as (uniqueName='…').
func team(a *API, c *call) (directory.Target, error) {
	key, err := odata.ParseKey(c.r.PathValue("id"))
	if err != nil {
		return directory.Target{}, err
	}
	var id string
	if strings.EqualFold(key.Property, "uniqueName") {
		c.group, err = a.Store.GroupByUniqueName(c.ctx(), c.tenant.ID, key.Value)
		id = string(c.group.ID)
	} else if id, err = objectID(c, "id", directory.ErrGroupUnknown); err == nil {
		c.group, err = a.Store.Group(c.ctx(), c.tenant.ID, directory.GroupID(id))
	}
	if err != nil {
		return directory.Target{}, err
	}
	if c.caller.AppOnly() {
		return directory.Target{}, nil
	}
	owners, more, err := a.Store.Linked(c.ctx(), c.tenant.ID, id, "owner", directory.KindUser, nil, "", 1000)
	owns := slices.Contains(owners, directory.Ref{Kind: directory.KindUser, ID: string(c.caller.User)})
	return directory.Target{OwnedByCaller: owns && !more}, err
}
