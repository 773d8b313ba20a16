package directory

import (
	"net/http"
	"slices"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// plainAccess is the role of an assignment to an application that defines none, as at Graph.
const plainAccess = "00000000-0000-0000-0000-000000000000"

// assignedPage lists who an application is assigned to.
type assignedPage struct {
	console.Frame
	App        thing
	MustAssign bool
	Roles      []appRole // in which somebody can be put
	Items      []assignedRow
	NextHref   string
	MayAssign  bool
	MayEdit    bool
}

// An appRole is a role that an application defines for people and groups.
type appRole struct{ ID, Name string }

type assignedRow struct {
	thing

	Assignment, Role string
}

func (assignedPage) File() string { return "assigned.html" }

// assignee is an application with its service principal.
func assignee(c *console.Call) (o, principal graphclient.Object, err error) {
	if o, err = openApplication(c); err != nil {
		return nil, nil, err
	}
	if principal, err = principalOf(c, o.Text("appId")); err == nil && principal == nil {
		err = console.ErrNowhere
	}
	return o, principal, err
}

// rolesFor are the roles of an application in which people and groups can be put, or plain access where it
// defines none.
func rolesFor(principal graphclient.Object) (all []appRole) {
	for _, r := range principal.Objects("appRoles") {
		if is(r, "isEnabled") && slices.Contains(texts(r, "allowedMemberTypes"), "User") {
			all = append(all, appRole{r.Text("id"), r.Text("displayName")})
		}
	}
	if all == nil {
		all = []appRole{{ID: plainAccess}}
	}
	return all
}

func listAssigned(c *console.Call) error {
	o, principal, err := assignee(c)
	if err != nil {
		return err
	}
	found, err := c.Page(graphclient.Query{}, "servicePrincipals", principal.Text("id"), "appRoleAssignedTo")
	if err != nil {
		return err
	}
	page := assignedPage{
		Frame: c.Frame("applications"), App: thingOf(o, "application"), MustAssign: is(principal, "appRoleAssignmentRequired"), Roles: rolesFor(principal),
		NextHref: c.NextHref(found), MayAssign: c.May("assignAppRoles"), MayEdit: !is(o, "postern_builtIn") && mayApplication(c, o, toEdit),
	}
	page.App.Href = applications.href(page.App.ID)
	names := map[string]string{}
	for _, r := range principal.Objects("appRoles") {
		names[r.Text("id")] = r.Text("displayName")
	}
	kinds := map[string]string{"User": "user", "Group": "group", "ServicePrincipal": "servicePrincipal"}
	for _, a := range found.Items {
		who := graphclient.Object{"id": a.Text("principalId"), "displayName": a.Text("principalDisplayName")}
		page.Items = append(page.Items, assignedRow{thingOf(who, kinds[a.Text("principalType")]), a.Text("id"), names[a.Text("appRoleId")]})
	}
	return c.Show(http.StatusOK, page)
}

// pickAssigned finds whom an application is to be assigned to, in the role that the address names.
func pickAssigned(c *console.Call) error { return pickFor(c, nil) }

func pickFor(c *console.Call, refused error) error {
	o, _, err := assignee(c)
	if err != nil {
		return err
	}
	id := o.Text("id")
	page := pickPage{
		Frame: c.Frame("applications"), What: "application_assigned", Of: thingOf(o, "application"), Q: c.Form("q"),
		Post: applications.href(id, "assigned", c.R.PathValue("role"), "add"), BackHref: applications.href(id, "assigned"),
	}
	if page.Found, page.More, err = find(c, page.Q, []string{"users", "groups"}); err != nil {
		return err
	}
	if refused != nil {
		return again(c, &page.Frame, refused, func() console.Page { return page })
	}
	return c.Show(http.StatusOK, page)
}

func assignTo(c *console.Call) error {
	o, principal, err := assignee(c)
	if err != nil {
		return err
	}
	resource := principal.Text("id")
	_, err = c.Graph.Do(c.Context(), http.MethodPost, graphclient.Object{
		"principalId": c.Form("id"), "resourceId": resource, "appRoleId": c.R.PathValue("role"),
	}, "servicePrincipals", resource, "appRoleAssignedTo")
	if err != nil {
		return pickFor(c, err)
	}
	return c.Go(applications.href(o.Text("id"), "assigned"), "directory_assigned")
}

// unassign ends an assignment. It can be made again, so nobody is asked first.
func unassign(c *console.Call) error {
	o, principal, err := assignee(c)
	if err != nil {
		return err
	}
	if _, err := c.Graph.Do(c.Context(), http.MethodDelete, nil, "servicePrincipals", principal.Text("id"), "appRoleAssignedTo", c.Form("assignment")); err != nil {
		return err
	}
	return c.Go(applications.href(o.Text("id"), "assigned"), "directory_unassigned")
}

// openTo says whether an application is for everybody, or for whom it is assigned to.
func openTo(c *console.Call) error {
	o, principal, err := assignee(c)
	if err != nil {
		return err
	}
	must := graphclient.Object{"appRoleAssignmentRequired": c.Form("only") == "true"}
	if _, err := c.Graph.Do(c.Context(), http.MethodPatch, must, "servicePrincipals", principal.Text("id")); err != nil {
		return err
	}
	return c.Go(applications.href(o.Text("id"), "assigned"), "directory_open_saved")
}
