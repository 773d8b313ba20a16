package graph

import (
	"strings"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/graph/odata"
)

var appRoleSchema = filter.Schema{
	{Name: "principalId", Type: filter.TypeGUID, Column: "principal_id", Ops: filter.Equality},
	{Name: "resourceId", Type: filter.TypeGUID, Column: "resource_id", Ops: filter.Equality},
}

var appRoleAssignmentProperties = []string{
	"id", "deletedDateTime", "appRoleId", "createdDateTime", "principalDisplayName", "principalId", "principalType", "resourceDisplayName", "resourceId",
}

// principalTypes are the words of Graph's principalType.
var principalTypes = map[directory.ObjectKind]string{
	directory.KindUser: "User", directory.KindGroup: "Group", directory.KindServicePrincipal: "ServicePrincipal",
}

func (a *API) appRoleAssignment(c *call, r directory.AppRoleAssignment) odata.Entity {
	return odata.Entity{
		{Name: "id", Value: r.ID},
		{Name: "deletedDateTime", Value: nil},
		{Name: "appRoleId", Value: r.AppRoleID},
		{Name: "createdDateTime", Value: odata.Time(r.CreatedDateTime)},
		{Name: "principalDisplayName", Value: text(a.objectTarget(c, r.Principal).DisplayName)},
		{Name: "principalId", Value: r.Principal.ID},
		{Name: "principalType", Value: principalTypes[r.Principal.Kind]},
		{Name: "resourceDisplayName", Value: text(a.objectTarget(c, resourceRef(r.Resource)).DisplayName)},
		{Name: "resourceId", Value: r.Resource},
	}
}

func resourceRef(id directory.ServicePrincipalID) directory.Ref {
	return directory.Ref{Kind: directory.KindServicePrincipal, ID: string(id)}
}

// holder is whose app role assignments the path is about, and the resource whose it is
// about instead.
func (c *call) holder() (holder directory.Ref, resource directory.ServicePrincipalID) {
	switch {
	case strings.Contains(c.r.URL.Path, "/appRoleAssignedTo"):
		return directory.Ref{}, c.principal.ID
	case c.user.ID != "":
		return directory.Ref{Kind: directory.KindUser, ID: string(c.user.ID)}, ""
	case c.group.ID != "":
		return directory.Ref{Kind: directory.KindGroup, ID: string(c.group.ID)}, ""
	}
	return resourceRef(c.principal.ID), ""
}

// listAppRoles serves GET …/appRoleAssignments and …/appRoleAssignedTo.
func (a *API) listAppRoles(c *call) error {
	w, err := a.wish(c, odata.Allow{Properties: appRoleAssignmentProperties, DefaultTop: usualPage, MaxTop: largestPage, Filter: true}, appRoleSchema)
	if err != nil {
		return err
	}
	holder, resource := c.holder()
	found, position, err := a.Store.AppRoleAssignments(c.ctx(), c.tenant.ID, holder.ID, resource, w.match, w.after, w.options.Top)
	if err != nil {
		return err
	}
	return writeList(a, c, w, "appRoleAssignments", found, position, nil, func(r directory.AppRoleAssignment) odata.Entity {
		return a.appRoleAssignment(c, r)
	})
}

// assigned finds the assignment that {assignment} names, of whom the path is about.
func (a *API) assigned(c *call) (directory.AppRoleAssignment, error) {
	r, err := a.Store.AppRoleAssignment(c.ctx(), c.tenant.ID, c.r.PathValue("assignment"))
	if err != nil {
		return r, err
	}
	if holder, resource := c.holder(); holder != (directory.Ref{}) && holder != r.Principal || resource != "" && resource != r.Resource {
		return r, directory.ErrAppRoleAssignmentUnknown
	}
	return r, nil
}

// getAppRole serves GET …/appRoleAssignments/{assignment}.
func (a *API) getAppRole(c *call) error {
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: appRoleAssignmentProperties})
	if err != nil {
		return err
	}
	r, err := a.assigned(c)
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("appRoleAssignments", o.Select), a.appRoleAssignment(c, r).Select(o.Select))
}

// assignAppRole serves POST …/appRoleAssignments and …/appRoleAssignedTo.
// https://learn.microsoft.com/graph/api/serviceprincipal-post-approleassignments
func (a *API) assignAppRole(c *call) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	var principalID, resourceID, roleID string
	body.String("principalId", &principalID)
	body.String("resourceId", &resourceID)
	body.String("appRoleId", &roleID)
	body.NotKept("id", "createdDateTime", "deletedDateTime", "principalDisplayName", "resourceDisplayName")
	_ = body.Raw("principalType") // follows from the principal
	if err := body.Done(); err != nil {
		return err
	}
	r := directory.AppRoleAssignment{
		Tenant: c.tenant.ID, ID: uuid.NewString(), Resource: directory.ServicePrincipalID(strings.ToLower(resourceID)),
		AppRoleID: strings.ToLower(roleID), CreatedDateTime: a.Now().UTC(),
	}
	holder, resource := c.holder()
	if r.Principal, err = a.Store.Find(c.ctx(), c.tenant.ID, strings.ToLower(principalID)); err != nil {
		return err
	}
	if holder != (directory.Ref{}) && holder != r.Principal || resource != "" && resource != r.Resource {
		return directory.ErrAppRoleAssignmentInvalid.With("principalId", "The body names another principal or resource than the address.")
	}
	if err := a.mayAssign(c, r); err != nil {
		return err
	}
	if err := a.Store.AssignAppRole(c.ctx(), r, a.appRoleEvent(c, r, true)); err != nil {
		return err
	}
	return odata.WriteCreated(c.w, a.root(c).Link("servicePrincipals", string(r.Resource), "appRoleAssignedTo", r.ID),
		a.root(c).Entity("appRoleAssignments", nil), a.appRoleAssignment(c, r))
}

// unassignAppRole serves DELETE …/appRoleAssignments/{assignment}. Tokens of an application
// that speak of the role lose it at once here.
func (a *API) unassignAppRole(c *call) error {
	r, err := a.assigned(c)
	if err != nil {
		return err
	}
	if err := a.mayAssign(c, r); err != nil {
		return err
	}
	if err := a.Store.UnassignAppRole(c.ctx(), r, a.appRoleEvent(c, r, false)); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// mayAssign asks May again, now that the resource is known: permissions of Graph take more
// than the route's AssignAppRoles.
func (a *API) mayAssign(c *call, r directory.AppRoleAssignment) error {
	resource, err := a.Store.ServicePrincipal(c.ctx(), c.tenant.ID, r.Resource)
	if err != nil {
		return err
	}
	if resource.AppID == directory.GraphAppID {
		return directory.May(c.caller, directory.AssignGraphRoles, directory.Target{})
	}
	return nil
}

func (a *API) appRoleEvent(c *call, r directory.AppRoleAssignment, add bool) audit.Event {
	activities := map[directory.ObjectKind][2]string{
		directory.KindUser:             {audit.AddAppRoleToUser, audit.RemoveAppRoleUser},
		directory.KindGroup:            {audit.AddAppRoleToGroup, audit.RemoveAppRoleGroup},
		directory.KindServicePrincipal: {audit.AddAppRoleAssignment, audit.RemoveAppRoleAssignment},
	}[r.Principal.Kind]
	target := a.objectTarget(c, resourceRef(r.Resource))
	change := audit.ModifiedProperty{DisplayName: "AppRole.Id"}
	activity, operation := activities[1], audit.OperationUnassign
	if add {
		activity, operation, change.NewValue = activities[0], audit.OperationAssign, quoted(r.AppRoleID)
	} else {
		change.OldValue = quoted(r.AppRoleID)
	}
	target.Modified = []audit.ModifiedProperty{change}
	return a.trustEvent(c, activity, operation, target, a.objectTarget(c, r.Principal))
}
