package graph

import (
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
)

// roleReach serves GET /postern/roles/{id}/reach: what a role allows here, on whom, and who can
// still help somebody who holds it. It shows the rules that May decides by, for pages that tell
// people before they assign a role.
func (a *API) roleReach(c *call) error {
	if _, err := odata.ParseOptions(c.r, odata.Allow{}); err != nil {
		return err
	}
	id, err := objectID(c, "id", directory.ErrRoleUnknown)
	if err != nil {
		return err
	}
	r, err := directory.FindRole(directory.RoleID(id))
	if err != nil {
		return err
	}
	extent := r.ID.Extent()
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("postern/roles/reach", nil), odata.Entity{
		{Name: "id", Value: r.ID},
		{Name: "displayName", Value: r.DisplayName},
		{Name: "description", Value: r.Description},
		{Name: "isPrivileged", Value: r.Privileged},
		{Name: "actions", Value: each(r.ID.Allows(), allowanceResource)},
		{Name: "reachesEverybody", Value: extent.Everybody},
		{Name: "reachesRoles", Value: each(extent.Roles, namedRole)},
		{Name: "passesIssuedBy", Value: each(r.ID.HelpedBy(directory.IssuePass), namedRole)},
	})
}

func allowanceResource(a directory.Allowance) odata.Entity {
	return odata.Entity{
		{Name: "action", Value: a.Action},
		{Name: "limitedToReach", Value: a.ByReach},
		{Name: "openToMembers", Value: a.Open},
	}
}

func namedRole(id directory.RoleID) odata.Entity {
	r, _ := directory.FindRole(id) // the rules name built-in ones only, as a test holds
	return odata.Entity{{Name: "id", Value: id}, {Name: "displayName", Value: r.DisplayName}}
}
