package graph

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/graph/odata"
)

var grantSchema = filter.Schema{
	{Name: "clientId", Type: filter.TypeGUID, Column: "client_id", Ops: filter.Equality},
	{Name: "consentType", Type: filter.TypeString, Column: "consent_type", Ops: filter.Equality},
	{Name: "principalId", Type: filter.TypeGUID, Column: "principal_id", Ops: filter.Equality},
	{Name: "resourceId", Type: filter.TypeGUID, Column: "resource_id", Ops: filter.Equality},
}

var grantProperties = names(grantResource(directory.PermissionGrant{}))

func grantResource(g directory.PermissionGrant) odata.Entity {
	return odata.Entity{
		{Name: "id", Value: g.ID},
		{Name: "clientId", Value: g.Client},
		{Name: "consentType", Value: g.ConsentType},
		{Name: "principalId", Value: text(string(g.Principal))},
		{Name: "resourceId", Value: g.Resource},
		{Name: "scope", Value: g.Scope},
	}
}

// listGrants serves GET /oauth2PermissionGrants, and those of one client or person.
func (a *API) listGrants(c *call) error {
	w, err := a.wish(c, odata.Allow{Properties: grantProperties, DefaultTop: usualPage, MaxTop: largestPage, Filter: true}, grantSchema)
	if err != nil {
		return err
	}
	found, position, err := a.Store.PermissionGrants(c.ctx(), c.tenant.ID, c.principal.ID, c.user.ID, w.match, w.after, w.options.Top)
	if err != nil {
		return err
	}
	return writeList(a, c, w, "oauth2PermissionGrants", found, position, nil, grantResource)
}

func (a *API) permissionGrant(c *call) (directory.PermissionGrant, error) {
	key, err := odata.ParseKey(c.r.PathValue("id"))
	if err != nil {
		return directory.PermissionGrant{}, err
	}
	return a.Store.PermissionGrant(c.ctx(), c.tenant.ID, key.Value)
}

// getGrant serves GET /oauth2PermissionGrants/{id}.
func (a *API) getGrant(c *call) error {
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: grantProperties})
	if err != nil {
		return err
	}
	g, err := a.permissionGrant(c)
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("oauth2PermissionGrants", o.Select), grantResource(g).Select(o.Select))
}

// createGrant serves POST /oauth2PermissionGrants, by which administrators consent.
// https://learn.microsoft.com/graph/api/oauth2permissiongrant-post
func (a *API) createGrant(c *call) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	g := directory.PermissionGrant{Tenant: c.tenant.ID, ID: uuid.NewString()}
	var client, person, resource string
	body.String("clientId", &client)
	body.String("consentType", &g.ConsentType)
	body.String("principalId", &person)
	body.String("resourceId", &resource)
	body.String("scope", &g.Scope)
	body.NotKept("id")
	_, _ = body.Raw("startTime"), body.Raw("expiryTime") // deprecated, without effect at Graph
	if err := body.Done(); err != nil {
		return err
	}
	g.Client, g.Resource = directory.ServicePrincipalID(strings.ToLower(client)), directory.ServicePrincipalID(strings.ToLower(resource))
	g.Principal, g.Scope = directory.UserID(strings.ToLower(person)), scopes(g.Scope)
	if err := a.Store.CreateGrant(c.ctx(), g, a.grantEvent(c, g, audit.AddPermissionGrant, audit.OperationAssign, "", g.Scope)); err != nil {
		return err
	}
	return odata.WriteCreated(c.w, a.root(c).Link("oauth2PermissionGrants", g.ID), a.root(c).Entity("oauth2PermissionGrants", nil), grantResource(g))
}

// scopes is text with each scope once.
func scopes(text string) string {
	all := []string{}
	for s := range strings.FieldsSeq(text) {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return strings.Join(all, " ")
}

// patchGrant serves PATCH /oauth2PermissionGrants/{id}, which changes the scope alone.
func (a *API) patchGrant(c *call) error {
	old, err := a.permissionGrant(c)
	if err != nil {
		return err
	}
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	g := old
	body.String("scope", &g.Scope)
	body.NotKept("id", "clientId", "consentType", "principalId", "resourceId")
	if err := body.Done(); err != nil {
		return err
	}
	g.Scope = scopes(g.Scope)
	e := a.grantEvent(c, g, audit.UpdatePermissionGrant, audit.OperationUpdate, old.Scope, g.Scope)
	if err := a.Store.UpdateGrant(c.ctx(), g, e); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// deleteGrant serves DELETE /oauth2PermissionGrants/{id}. Tokens lose the scopes at once here.
func (a *API) deleteGrant(c *call) error {
	g, err := a.permissionGrant(c)
	if err != nil {
		return err
	}
	if err := a.Store.DeleteGrant(c.ctx(), g, a.grantEvent(c, g, audit.RemovePermissionGrant, audit.OperationUnassign, g.Scope, "")); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

func (a *API) grantEvent(c *call, g directory.PermissionGrant, activity, operation, old, fresh string) audit.Event {
	client := a.objectTarget(c, resourceRef(g.Client))
	client.Modified = []audit.ModifiedProperty{
		{DisplayName: "DelegatedPermissionGrant.Scope", OldValue: quoted(old), NewValue: quoted(fresh)},
		{DisplayName: "DelegatedPermissionGrant.ConsentType", NewValue: quoted(g.ConsentType)},
	}
	targets := []audit.Target{a.objectTarget(c, resourceRef(g.Resource)), client}
	if g.Principal != "" {
		targets = append(targets, a.objectTarget(c, directory.Ref{Kind: directory.KindUser, ID: string(g.Principal)}))
	}
	return a.trustEvent(c, activity, operation, targets...)
}
