package directory

import (
	"cmp"
	"net/http"
	"slices"
	"sort"
	"strings"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// graphAppID is the client id of the Graph API.
const graphAppID = "00000003-0000-0000-c000-000000000000"

// A permission is something that an application may do.
type permission struct {
	Value, Text string // as in tokens, and in words
	Resource    string // the name of the API
	Alone       bool   // without a person: an application permission
	// Assignment or Grant names what it comes from.
	Assignment, Grant string
	Has, Chosen       bool // on the page that grants
}

// An offer is what an API lets others have.
type offer struct {
	id, name string
	roles    map[string]permission // by id
	scopes   map[string]permission // by value
}

// offerOf reads what a service principal offers, by client id or object id.
func offerOf(o graphclient.Object) offer {
	all := offer{id: o.Text("id"), name: o.Text("displayName"), roles: map[string]permission{}, scopes: map[string]permission{}}
	for _, r := range o.Objects("appRoles") {
		all.roles[r.Text("id")] = permission{Value: r.Text("value"), Text: cmp.Or(r.Text("description"), r.Text("displayName")), Resource: all.name, Alone: true}
	}
	for _, s := range o.Objects("oauth2PermissionScopes") {
		all.scopes[s.Text("value")] = permission{
			Value: s.Text("value"), Text: cmp.Or(s.Text("adminConsentDescription"), s.Text("adminConsentDisplayName")), Resource: all.name,
		}
	}
	return all
}

// permissionsOf returns what a service principal was granted for everybody, and how many grants
// people gave for themselves.
func permissionsOf(c *console.Call, principal string) (all []permission, personal int, err error) {
	offers := map[string]offer{}
	open := func(id string) (offer, error) {
		if o, ok := offers[id]; ok {
			return o, nil
		}
		o, err := c.Graph.Get(c.Context(), "servicePrincipals", id)
		if refusedWith(err, http.StatusNotFound) {
			o, err = graphclient.Object{"id": id}, nil
		}
		offers[id] = offerOf(o)
		return offers[id], err
	}
	assigned, err := c.Graph.Page(c.Context(), graphclient.Query{}, "servicePrincipals", principal, "appRoleAssignments")
	if err != nil {
		return nil, 0, err
	}
	for _, a := range assigned.Items {
		api, err := open(a.Text("resourceId"))
		if err != nil {
			return nil, 0, err
		}
		p, ok := api.roles[a.Text("appRoleId")]
		if !ok {
			p = permission{Value: a.Text("appRoleId"), Resource: api.name, Alone: true}
		}
		p.Assignment = a.Text("id")
		all = append(all, p)
	}
	granted, err := c.Graph.Page(c.Context(), graphclient.Query{}, "servicePrincipals", principal, "oauth2PermissionGrants")
	if err != nil {
		return nil, 0, err
	}
	for _, g := range granted.Items {
		if g.Text("consentType") != "AllPrincipals" {
			personal++
			continue
		}
		api, err := open(g.Text("resourceId"))
		if err != nil {
			return nil, 0, err
		}
		for value := range strings.FieldsSeq(g.Text("scope")) {
			p, ok := api.scopes[value]
			if !ok {
				p = permission{Value: value, Resource: api.name}
			}
			p.Grant = g.Text("id")
			all = append(all, p)
		}
	}
	sort.Slice(all, byValue(all))
	return all, personal, nil
}

func byValue(all []permission) func(i, j int) bool {
	return func(i, j int) bool {
		a, b := all[i], all[j]
		return cmp.Or(cmp.Compare(a.Resource, b.Resource), cmp.Compare(b2i(b.Alone), b2i(a.Alone)), cmp.Compare(a.Value, b.Value)) < 0
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// grantPage grants permissions of the Graph API to an application.
type grantPage struct {
	console.Frame
	App       thing
	Principal string
	API       string
	Q         string
	Alone     bool // application permissions; otherwise for whoever is signed in
	Offered   []permission
	chosen    []string
	// MayAlone and MaySignedIn say which of the two the person can grant.
	MayAlone, MaySignedIn bool
}

func (grantPage) File() string { return "grant.html" }

// granting reads what can be granted to the application that {id} names.
func granting(c *console.Call) (grantPage, offer, error) {
	page := grantPage{Frame: c.Frame("applications"), Q: c.Form("q"), MayAlone: c.May("assignGraphRoles"), MaySignedIn: c.May("grantPermissions")}
	if !page.MayAlone && !page.MaySignedIn {
		return page, offer{}, console.ErrNotYours
	}
	page.Alone = page.MayAlone && (c.Form("for") == "itself" || !page.MaySignedIn)
	o, err := openApplication(c)
	if err != nil {
		return page, offer{}, err
	}
	page.App = thingOf(o, "application")
	principal, err := principalOf(c, o.Text("appId"))
	if err != nil {
		return page, offer{}, err
	}
	if principal == nil {
		return page, offer{}, console.ErrNowhere
	}
	page.Principal = principal.Text("id")
	api, err := c.Graph.ServicePrincipal(c.Context(), graphAppID)
	if err != nil {
		return page, offer{}, err
	}
	offered := offerOf(api)
	page.API = offered.name
	held, _, err := permissionsOf(c, page.Principal)
	if err != nil {
		return page, offered, err
	}
	list := offered.scopes
	if page.Alone {
		list = offered.roles
	}
	for _, p := range list {
		p.Has = slices.ContainsFunc(held, func(h permission) bool { return h.Alone == p.Alone && h.Value == p.Value && h.Resource == p.Resource })
		if p.Has || contains(p.Value+" "+p.Text, page.Q) {
			page.Offered = append(page.Offered, p)
		}
	}
	sort.Slice(page.Offered, byValue(page.Offered))
	return page, offered, nil
}

func contains(text, q string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(q))
}

func askPermission(c *console.Call) error {
	page, _, err := granting(c)
	if err != nil {
		return err
	}
	return c.Show(http.StatusOK, page)
}

// grantPermission grants what was chosen.
func grantPermission(c *console.Call) error {
	page, api, err := granting(c)
	if err != nil {
		return err
	}
	page.chosen = c.R.Form["permission"]
	if page.Alone {
		err = page.assign(c, api)
	} else {
		err = page.consent(c, api)
	}
	if err != nil {
		for i := range page.Offered {
			page.Offered[i].Chosen = slices.Contains(page.chosen, page.Offered[i].Value)
		}
		return again(c, &page.Frame, err, func() console.Page { return page })
	}
	return c.Go(applications.href(page.App.ID), "directory_permission_granted")
}

// assign grants application permissions, one after the other.
func (p grantPage) assign(c *console.Call, api offer) error {
	for id, role := range api.roles {
		if !slices.Contains(p.chosen, role.Value) {
			continue
		}
		err := c.Graph.AssignAppRole(c.Context(), p.Principal, api.id, id)
		if err != nil && !refusedWith(err, http.StatusConflict) {
			return err
		}
	}
	return nil
}

// consent grants delegated permissions for everybody, on top of those that are granted.
func (p grantPage) consent(c *console.Call, api offer) error {
	if len(p.chosen) == 0 {
		return nil
	}
	granted, err := c.Graph.Page(c.Context(), graphclient.Query{}, "servicePrincipals", p.Principal, "oauth2PermissionGrants")
	if err != nil {
		return err
	}
	for _, g := range granted.Items {
		if g.Text("consentType") == "AllPrincipals" && g.Text("resourceId") == api.id {
			scopes := append(strings.Fields(g.Text("scope")), p.chosen...)
			return c.Graph.UpdatePermissionGrant(c.Context(), g.Text("id"), strings.Join(scopes, " "))
		}
	}
	return c.Graph.CreatePermissionGrant(c.Context(), graphclient.Object{
		"clientId": p.Principal, "consentType": "AllPrincipals", "resourceId": api.id, "scope": strings.Join(p.chosen, " "),
	})
}

// removePermission takes one permission away. It can be granted again, so nobody is asked first.
func removePermission(c *console.Call) error {
	o, err := openApplication(c)
	if err != nil {
		return err
	}
	if !c.May("assignGraphRoles") && !c.May("grantPermissions") {
		return console.ErrNotYours
	}
	principal, err := principalOf(c, o.Text("appId"))
	if err != nil {
		return err
	}
	if principal == nil {
		return console.ErrNowhere
	}
	if assignment := c.Form("assignment"); assignment != "" {
		err = c.Graph.RemoveAppRoleAssignment(c.Context(), principal.Text("id"), assignment)
	} else {
		err = withdraw(c, principal.Text("id"), c.Form("grant"), c.Form("scope"))
	}
	if err != nil {
		return err
	}
	return c.Go(applications.href(o.Text("id")), "directory_permission_removed")
}

// withdraw takes a scope out of a grant, and ends a grant that is left with none.
func withdraw(c *console.Call, client, id, scope string) error {
	g, err := c.Graph.Get(c.Context(), "oauth2PermissionGrants", id)
	if err != nil {
		return err
	}
	if g.Text("clientId") != client {
		return console.ErrNowhere
	}
	rest := slices.DeleteFunc(strings.Fields(g.Text("scope")), func(s string) bool { return s == scope })
	if len(rest) == 0 {
		return c.Graph.DeletePermissionGrant(c.Context(), id)
	}
	return c.Graph.UpdatePermissionGrant(c.Context(), id, strings.Join(rest, " "))
}
