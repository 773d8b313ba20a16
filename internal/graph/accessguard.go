package graph

import (
	"errors"
	"slices"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/directory"
)

// A guard says whether a change may be made of the rules that are there.
type guard func(there access.Rules, change access.Change) error

// guardPolicy is guard, and refuses a policy that may not be saved. What old names is not looked
// for again: people leave, and a policy with somebody who left can still be changed.
func (a *API) guardPolicy(c *call, old, p access.Policy, force bool) (guard, error) {
	known, err := a.namesOf(c, old, p)
	if err != nil {
		return nil, err
	}
	keeps, err := a.guard(c, force)
	return func(there access.Rules, change access.Change) error {
		if err := access.Check(p, access.Known{Now: a.Now(), Has: func(kind access.Kind, id string) bool {
			return known[name{kind, id}] || there.Has(kind, id)
		}}); err != nil {
			return err
		}
		return keeps(there, change)
	}, err
}

// mostLookedFor bounds what one request asks of the directory.
const mostLookedFor = 3000

// A name is an id in a policy.
type name struct {
	kind access.Kind
	id   string
}

// namesOf returns which of the people, groups, roles and applications that p names there are.
func (a *API) namesOf(c *call, old, p access.Policy) (map[name]bool, error) {
	known := map[name]bool{}
	before, after := directoryNames(old), directoryNames(p)
	for kind, ids := range after {
		if len(ids) > mostLookedFor { // Check refuses the list
			continue
		}
		for _, id := range ids {
			n := name{kind, id}
			if slices.Contains(before[kind], id) {
				known[n] = true
			}
			if known[n] || !directory.IsID(id) {
				continue
			}
			there, err := a.hasName(c, n)
			if err != nil {
				return nil, err
			}
			known[n] = there
		}
	}
	return known, nil
}

// directoryNames are the ids in p that the directory knows, by kind.
func directoryNames(p access.Policy) map[access.Kind][]string {
	u, x := p.Conditions.Users, access.Exemption{}
	if p.Exemption != nil {
		x = *p.Exemption
	}
	all := map[access.Kind][]string{
		access.KindUser:  slices.Concat(u.IncludeUsers, u.ExcludeUsers, x.Users),
		access.KindGroup: slices.Concat(u.IncludeGroups, u.ExcludeGroups, x.Groups),
		access.KindRole:  slices.Concat(u.IncludeRoles, u.ExcludeRoles),
		access.KindApp:   slices.Concat(p.Conditions.Applications.Include, p.Conditions.Applications.Exclude),
	}
	if w := p.Conditions.Workloads; w != nil {
		all[access.KindWorkload] = slices.Concat(w.Include, w.Exclude)
	}
	return all
}

// hasName reports whether the directory has n.
func (a *API) hasName(c *call, n name) (bool, error) {
	var err error
	var unknown error
	switch n.kind {
	case access.KindUser:
		_, err = a.Store.User(c.ctx(), c.tenant.ID, directory.UserID(n.id))
		unknown = directory.ErrUserUnknown
	case access.KindGroup:
		_, err = a.Store.Group(c.ctx(), c.tenant.ID, directory.GroupID(n.id))
		unknown = directory.ErrGroupUnknown
	case access.KindRole:
		_, err = directory.FindRole(directory.RoleID(n.id))
		unknown = directory.ErrRoleUnknown
	case access.KindWorkload:
		_, err = a.Store.ServicePrincipal(c.ctx(), c.tenant.ID, directory.ServicePrincipalID(n.id))
		unknown = directory.ErrServicePrincipalUnknown
	default:
		_, err = a.Store.ServicePrincipalByAppID(c.ctx(), c.tenant.ID, directory.AppID(n.id))
		unknown = directory.ErrServicePrincipalUnknown
	}
	if errors.Is(err, unknown) {
		return false, nil
	}
	return err == nil, err
}
