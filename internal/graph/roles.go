package graph

import (
	"cmp"
	"strings"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/graph/odata"
)

// roleResource is r as Graph's directoryRole.
func roleResource(r directory.Role) odata.Entity {
	return odata.Entity{
		{Name: "id", Value: r.ID},
		{Name: "displayName", Value: text(r.DisplayName)},
		{Name: "description", Value: text(r.Description)},
		{Name: "roleTemplateId", Value: r.ID},
	}
}

func definitionResource(r directory.Role) odata.Entity {
	return odata.Entity{
		{Name: "id", Value: r.ID},
		{Name: "displayName", Value: r.DisplayName},
		{Name: "description", Value: r.Description},
		{Name: "isBuiltIn", Value: true},
		{Name: "isEnabled", Value: true},
		{Name: "templateId", Value: r.ID},
		{Name: "version", Value: "1"},
		{Name: "resourceScopes", Value: []string{directory.RootScope}},
		{Name: "rolePermissions", Value: []odata.Entity{{
			{Name: "allowedResourceActions", Value: list(r.Actions)}, {Name: "condition", Value: nil},
		}}},
	}
}

// definition is r as Graph's unifiedRoleDefinition of the version asked for.
func (c *call) definition(r directory.Role) odata.Entity {
	e := definitionResource(r)
	if c.version == "beta" {
		e = append(e, odata.Property{Name: "isPrivileged", Value: r.Privileged})
	}
	return e
}

// listRoles serves GET /directoryRoles and /directoryRoleTemplates: all roles are active.
func (a *API) listRoles(c *call) error { return a.writeRoles(c, "directoryRoles", roleResource) }

// listDefinitions serves GET /roleManagement/directory/roleDefinitions.
func (a *API) listDefinitions(c *call) error {
	return a.writeRoles(c, "roleManagement/directory/roleDefinitions", c.definition)
}

func (a *API) writeRoles(c *call, set string, show func(directory.Role) odata.Entity) error {
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: names(show(directory.Role{}))})
	if err != nil {
		return err
	}
	page := odata.Page[odata.Entity]{Context: a.root(c).Collection(set, o.Select)}
	for _, r := range directory.BuiltInRoles {
		page.Value = append(page.Value, show(r).Select(o.Select))
	}
	return odata.WritePage(c.w, page)
}

// getDefinition serves GET /roleManagement/directory/roleDefinitions/{id}.
func (a *API) getDefinition(c *call) error {
	id, err := objectID(c, "id", directory.ErrRoleUnknown)
	if err != nil {
		return err
	}
	r, err := directory.FindRole(directory.RoleID(id))
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("roleManagement/directory/roleDefinitions", nil), c.definition(r))
}

var assignmentSchema = filter.Schema{
	{Name: "principalId", Type: filter.TypeGUID, Column: "principal", Ops: filter.Equality},
	{Name: "roleDefinitionId", Type: filter.TypeGUID, Column: "role", Ops: filter.Equality},
}

func assignmentResource(r directory.RoleAssignment) odata.Entity {
	return odata.Entity{
		{Name: "id", Value: r.ID},
		{Name: "principalId", Value: r.Principal.ID},
		{Name: "directoryScopeId", Value: r.Scope},
		{Name: "roleDefinitionId", Value: r.Role},
	}
}

// listAssignments serves GET /roleManagement/directory/roleAssignments, on one page.
func (a *API) listAssignments(c *call) error {
	w, err := a.wish(c, odata.Allow{Filter: true, Expand: map[string][]string{"principal": objectProperties, "roleDefinition": names(definitionResource(directory.Role{}))}}, assignmentSchema)
	if err != nil {
		return err
	}
	found, err := a.Store.RoleAssignments(c.ctx(), c.tenant.ID, "", "")
	if err != nil {
		return err
	}
	page := odata.Page[odata.Entity]{Context: a.root(c).Collection("roleManagement/directory/roleAssignments", nil)}
	for _, r := range found {
		held := filter.Object(func(column string) []filter.Value {
			if column == "role" {
				return []filter.Value{filter.GUID(r.Role)}
			}
			return []filter.Value{filter.GUID(r.Principal.ID)}
		})
		if len(w.match) > 0 && !filter.Eval(w.match[0], held) {
			continue
		}
		e := assignmentResource(r)
		for _, x := range w.options.Expand {
			if e, err = a.expandAssignment(c, e, r, x); err != nil {
				return err
			}
		}
		page.Value = append(page.Value, e)
	}
	return odata.WritePage(c.w, page)
}

func (a *API) expandAssignment(c *call, e odata.Entity, r directory.RoleAssignment, x odata.Expansion) (odata.Entity, error) {
	if x.Name == "roleDefinition" {
		role, err := directory.FindRole(r.Role)
		return append(e, odata.Property{Name: x.Name, Value: definitionResource(role).Select(x.Select)}), err
	}
	principal, err := a.object(c, r.Principal)
	return append(e, odata.Property{Name: x.Name, Value: principal.Select(x.Select)}), err
}

// assignment finds the assignment that {id} names.
func (a *API) assignment(c *call) (directory.RoleAssignment, error) {
	found, err := a.Store.RoleAssignments(c.ctx(), c.tenant.ID, "", "")
	for _, r := range found {
		if r.ID == c.r.PathValue("id") {
			return r, err
		}
	}
	return directory.RoleAssignment{}, cmp.Or(err, error(directory.ErrAssignmentUnknown))
}

// getAssignment serves GET /roleManagement/directory/roleAssignments/{id}.
func (a *API) getAssignment(c *call) error {
	r, err := a.assignment(c)
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("roleManagement/directory/roleAssignments", nil), assignmentResource(r))
}

// createAssignment serves POST /roleManagement/directory/roleAssignments.
func (a *API) createAssignment(c *call) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	r := directory.RoleAssignment{Tenant: c.tenant.ID, ID: uuid.NewString(), CreatedAt: a.Now().UTC()}
	var principal, role string
	body.String("principalId", &principal)
	body.String("roleDefinitionId", &role)
	body.String("directoryScopeId", &r.Scope)
	if err := body.Done(); err != nil {
		return err
	}
	r.Role = directory.RoleID(strings.ToLower(role))
	if r.Principal, err = a.Store.Find(c.ctx(), c.tenant.ID, strings.ToLower(principal)); err != nil {
		return err
	}
	if err := a.assignRole(c, r); err != nil {
		return err
	}
	return odata.WriteCreated(c.w, a.root(c).Link("roleManagement", "directory", "roleAssignments", r.ID),
		a.root(c).Entity("roleManagement/directory/roleAssignments", nil), assignmentResource(r))
}

// deleteAssignment serves DELETE /roleManagement/directory/roleAssignments/{id}.
func (a *API) deleteAssignment(c *call) error {
	r, err := a.assignment(c)
	if err != nil {
		return err
	}
	return a.unassignRole(c, r)
}

func (a *API) roleEvent(c *call, activity, operation string, r directory.RoleAssignment) audit.Event {
	role, _ := directory.FindRole(r.Role)
	return a.event(c, audit.Change{
		Activity: activity, Category: audit.CategoryRoleManagement, Service: audit.ServiceCoreDirectory, Operation: operation,
		Targets: []audit.Target{
			a.objectTarget(c, r.Principal),
			{ID: string(r.Role), Type: audit.TargetRole, DisplayName: role.DisplayName},
		},
	})
}
