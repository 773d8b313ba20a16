package graph

import (
	"strings"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
)

// role finds the role that {id} names, by id, which is its template's, or as (roleTemplateId='…').
func (a *API) role(c *call) (directory.Role, error) {
	key, err := odata.ParseKey(c.r.PathValue("id"))
	if err != nil {
		return directory.Role{}, err
	}
	if p := strings.ToLower(key.Property); p != "" && p != "id" && p != "roletemplateid" {
		return directory.Role{}, directory.ErrRoleUnknown
	}
	return directory.FindRole(directory.RoleID(strings.ToLower(key.Value)))
}

// getRole serves GET /directoryRoles/{id} and /directoryRoleTemplates/{id}.
func (a *API) getRole(c *call) error {
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: names(roleResource(directory.Role{}))})
	if err != nil {
		return err
	}
	r, err := a.role(c)
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("directoryRoles", o.Select), roleResource(r).Select(o.Select))
}

// activateRole serves POST /directoryRoles. Every role is active here, so that the answer
// is the role. https://learn.microsoft.com/graph/api/directoryrole-post-directoryroles
func (a *API) activateRole(c *call) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	var template string
	body.String("roleTemplateId", &template)
	body.NotKept("id", "deletedDateTime", "description", "displayName")
	if err := body.Done(); err != nil {
		return err
	}
	r, err := directory.FindRole(directory.RoleID(strings.ToLower(template)))
	if err != nil {
		return directory.ErrRoleUnknown.With("roleTemplateId", "")
	}
	return odata.WriteCreated(c.w, a.root(c).Link("directoryRoles", string(r.ID)), a.root(c).Entity("directoryRoles", nil), roleResource(r))
}

// listRoleMembers serves GET /directoryRoles/{id}/members.
func (a *API) listRoleMembers(c *call) error {
	r, err := a.role(c)
	if err != nil {
		return err
	}
	return a.writeLinked(c, string(r.ID), "roleMember")
}

// addRoleMember serves POST /directoryRoles/{id}/members/$ref.
func (a *API) addRoleMember(c *call) error {
	r, err := a.role(c)
	if err != nil {
		return err
	}
	ref, err := a.readRef(c)
	if err != nil {
		return err
	}
	if err := a.assignRole(c, directory.RoleAssignment{
		Tenant: c.tenant.ID, ID: uuid.NewString(), Principal: ref, Role: r.ID, Scope: directory.RootScope, CreatedAt: a.Now().UTC(),
	}); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// assignRole checks and stores r.
func (a *API) assignRole(c *call, r directory.RoleAssignment) error {
	if err := r.Check(); err != nil {
		return err
	}
	if r.Principal.Kind == directory.KindGroup {
		g, err := a.Store.Group(c.ctx(), c.tenant.ID, directory.GroupID(r.Principal.ID))
		if err != nil {
			return err
		}
		if !g.IsAssignableToRole {
			return directory.ErrAssignmentInvalid
		}
	}
	return a.Store.AssignRole(c.ctx(), r, a.roleEvent(c, audit.AddRoleMember, audit.OperationAssign, r))
}

// removeRoleMember serves DELETE /directoryRoles/{id}/members/{object}/$ref.
func (a *API) removeRoleMember(c *call) error {
	r, err := a.role(c)
	if err != nil {
		return err
	}
	object := strings.ToLower(c.r.PathValue("object"))
	if !directory.IsID(object) {
		return directory.ErrAssignmentUnknown
	}
	found, err := a.Store.RoleAssignments(c.ctx(), c.tenant.ID, object, r.ID)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return directory.ErrAssignmentUnknown
	}
	return a.unassignRole(c, found[0])
}

func (a *API) unassignRole(c *call, r directory.RoleAssignment) error {
	if err := r.RemovableBy(c.caller); err != nil {
		return err
	}
	if err := a.Store.UnassignRole(c.ctx(), r, a.roleEvent(c, audit.RemoveRoleMember, audit.OperationUnassign, r)); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}
