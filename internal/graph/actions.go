package graph

import (
	"slices"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
)

// ownActions serves GET /postern/me/actions: who the signed-in person is, their roles, and which
// actions of package directory these allow on somebody or something ordinary. Whether one is
// allowed on a certain object is decided when it is asked for.
func (a *API) ownActions(c *call) error {
	if c.caller.AppOnly() {
		return ErrNotMe
	}
	if _, err := odata.ParseOptions(c.r, odata.Allow{}); err != nil {
		return err
	}
	actions := []string{}
	for _, action := range directory.Actions() {
		if directory.May(c.caller, action, directory.Target{User: "another"}) == nil {
			actions = append(actions, string(action))
		}
	}
	roles := []odata.Entity{}
	for _, role := range directory.BuiltInRoles {
		if slices.Contains(c.caller.Roles, role.ID) {
			roles = append(roles, odata.Entity{{Name: "id", Value: string(role.ID)}, {Name: "displayName", Value: role.DisplayName}})
		}
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("postern/me/actions", nil), odata.Entity{
		{Name: "id", Value: string(c.caller.User)},
		{Name: "displayName", Value: c.actor.User.DisplayName},
		{Name: "userPrincipalName", Value: c.actor.User.UserPrincipalName},
		{Name: "organization", Value: odata.Entity{
			{Name: "id", Value: string(c.tenant.ID)},
			{Name: "displayName", Value: c.tenant.DisplayName},
			{Name: "timeZone", Value: c.tenant.TimeZone},
		}},
		{Name: "roles", Value: roles},
		{Name: "actions", Value: actions},
	})
}
