package graph

import (
	"strings"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/graph/odata"
)

var principalSchema = filter.Schema{
	{Name: "id", Type: filter.TypeGUID, Column: "id", Ops: filter.Equality},
	{Name: "appId", Type: filter.TypeGUID, Column: "app_id", Ops: filter.Equality},
	{Name: "displayName", Type: filter.TypeString, Column: "display_name", Ops: filter.Equality | filter.StartsWith | filter.Search | filter.Sort},
	{Name: "createdDateTime", Type: filter.TypeTime, Column: "created_at", Ops: filter.Equality | filter.Ordering | filter.Sort},
}

var principalProperties = names(principalResource(directory.ServicePrincipal{}))

// principalResource is p as Graph shows it.
func principalResource(p directory.ServicePrincipal) odata.Entity {
	p = p.Current()
	return odata.Entity{
		{Name: "id", Value: p.ID},
		{Name: "deletedDateTime", Value: nil},
		{Name: "accountEnabled", Value: p.AccountEnabled},
		{Name: "appDisplayName", Value: text(p.AppDisplayName)},
		{Name: "appId", Value: p.AppID},
		{Name: "appOwnerOrganizationId", Value: text(string(p.OwnerTenant))},
		{Name: "appRoleAssignmentRequired", Value: p.AssignmentRequired},
		{Name: "createdDateTime", Value: odata.Time(p.CreatedDateTime)},
		{Name: "displayName", Value: text(p.DisplayName)},
		{Name: "homepage", Value: text(p.Homepage)},
		{Name: "logoutUrl", Value: text(p.LogoutURL)},
		{Name: "preferredSingleSignOnMode", Value: text(p.SingleSignOnMode)},
		{Name: "replyUrls", Value: list(p.ReplyURLs)},
		{Name: "samlSingleSignOnSettings", Value: samlResource(p)},
		{Name: "servicePrincipalNames", Value: list(p.ServicePrincipalNames)},
		{Name: "servicePrincipalType", Value: p.ServicePrincipalType},
		{Name: "tags", Value: list(p.Tags)},
		{Name: "appRoles", Value: each(p.AppRoles, appRoleResource)},
		{Name: "oauth2PermissionScopes", Value: each(p.Scopes, scopeResource)},
	}
}

// principal finds the service principal that {id} names, by object id or as (appId='…').
func principal(a *API, c *call) (directory.Target, error) {
	key, err := odata.ParseKey(c.r.PathValue("id"))
	if err != nil {
		return directory.Target{}, err
	}
	value := strings.ToLower(key.Value)
	switch {
	case !directory.IsID(value):
		return directory.Target{}, directory.ErrServicePrincipalUnknown
	case key.Property == "" || strings.EqualFold(key.Property, "id"):
		c.principal, err = a.Store.ServicePrincipal(c.ctx(), c.tenant.ID, directory.ServicePrincipalID(value))
	case strings.EqualFold(key.Property, "appId"):
		c.principal, err = a.Store.ServicePrincipalByAppID(c.ctx(), c.tenant.ID, directory.AppID(value))
	default:
		err = directory.ErrServicePrincipalUnknown
	}
	if err != nil {
		return directory.Target{}, err
	}
	return a.powerOf(c, string(c.principal.ID))
}

func principalTarget(p directory.ServicePrincipal) audit.Target {
	return audit.Target{ID: string(p.ID), Type: audit.TargetServicePrincipal, DisplayName: p.DisplayName}
}

func (a *API) principalEvent(c *call, activity, operation string, p directory.ServicePrincipal, changes []audit.ModifiedProperty) audit.Event {
	target := principalTarget(p)
	target.Modified = changes
	return a.trustEvent(c, activity, operation, target)
}

// listPrincipals serves GET /servicePrincipals.
func (a *API) listPrincipals(c *call) error {
	w, err := a.wish(c, odata.Allow{
		Properties: principalProperties, DefaultTop: usualPage, MaxTop: largestPage, Filter: true, OrderBy: true, Search: true, Count: true,
	}, principalSchema)
	if err != nil {
		return err
	}
	found, position, err := a.Store.ServicePrincipals(c.ctx(), c.tenant.ID, w.match, w.order, w.after, w.options.Top)
	if err != nil {
		return err
	}
	count := func(match []filter.Bound) (int, error) {
		return a.Store.CountServicePrincipals(c.ctx(), c.tenant.ID, match)
	}
	return writeList(a, c, w, "servicePrincipals", found, position, count, principalResource)
}

// countPrincipals serves GET /servicePrincipals/$count.
func (a *API) countPrincipals(c *call) error {
	return a.writeCount(c, principalSchema, a.Store.CountServicePrincipals)
}

// getPrincipal serves GET /servicePrincipals/{id}.
func (a *API) getPrincipal(c *call) error {
	odata.SetETag(c.w, odata.ETag(c.principal.Version))
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: principalProperties})
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("servicePrincipals", o.Select), principalResource(c.principal).Select(o.Select))
}

// createPrincipal serves POST /servicePrincipals: an application of this tenant gets its
// presence. https://learn.microsoft.com/graph/api/serviceprincipal-post-serviceprincipals
func (a *API) createPrincipal(c *call) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	var appID string
	body.String("appId", &appID)
	fresh := directory.ServicePrincipal{AccountEnabled: true}
	readPrincipal(body, &fresh)
	if err := body.Done(); err != nil {
		return err
	}
	app, _, err := a.Store.ApplicationByAppID(c.ctx(), c.tenant.ID, directory.AppID(strings.ToLower(appID)))
	if err != nil {
		return err
	}
	p := app.Presence(directory.ServicePrincipalID(uuid.NewString()))
	p.AccountEnabled, p.AssignmentRequired, p.CreatedDateTime = fresh.AccountEnabled, fresh.AssignmentRequired, a.Now().UTC()
	p.SingleSignOnMode, p.RelayState = fresh.SingleSignOnMode, fresh.RelayState
	if body.Has("tags") {
		p.Tags = fresh.Tags
	}
	if err := p.Check(); err != nil {
		return err
	}
	e := a.principalEvent(c, audit.AddServicePrincipal, audit.OperationAdd, p, nil)
	if err := a.Store.CreateServicePrincipal(c.ctx(), p, c.developer(), e); err != nil {
		return err
	}
	return odata.WriteCreated(c.w, a.root(c).Link("servicePrincipals", string(p.ID)), a.root(c).Entity("servicePrincipals", nil), principalResource(p))
}

// readPrincipal reads what is a service principal's own; all else follows its application.
func readPrincipal(body *odata.Object, p *directory.ServicePrincipal) {
	body.Bool("accountEnabled", &p.AccountEnabled)
	flag(body, "appRoleAssignmentRequired", &p.AssignmentRequired)
	body.Strings("tags", &p.Tags)
	body.String("preferredSingleSignOnMode", &p.SingleSignOnMode)
	part(body, "samlSingleSignOnSettings", &p.RelayState, func(o *odata.Object, state *string) { o.String("relayState", state) })
	body.NotKept("addIns", "alternativeNames", "appDescription", "appDisplayName", "appOwnerOrganizationId", "appRoles",
		"createdDateTime", "deletedDateTime", "description", "disabledByMicrosoftStatus", "displayName", "homepage", "id", "info",
		"keyCredentials", "loginUrl", "logoutUrl", "notes", "notificationEmailAddresses", "oauth2PermissionScopes", "passwordCredentials",
		"preferredTokenSigningKeyThumbprint", "replyUrls",
		"servicePrincipalNames", "servicePrincipalType", "signInAudience", "tokenEncryptionKeyId", "customSecurityAttributes")
}

// patchPrincipal serves PATCH /servicePrincipals/{id}. Graph, the person's own page and the
// console can't be switched off: nobody could switch them on again.
func (a *API) patchPrincipal(c *call) error {
	if err := odata.Match(c.r, odata.ETag(c.principal.Version)); err != nil {
		return err
	}
	switch c.principal.AppID {
	case directory.GraphAppID, directory.PagesAppID, directory.ConsoleAppID:
		return directory.ErrApplicationBuiltIn
	}
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	old, p := c.principal, c.principal
	readPrincipal(body, &p)
	body.NotKept("appId")
	if err := body.Done(); err != nil {
		return err
	}
	if err := p.Check(); err != nil {
		return err
	}
	e := a.principalEvent(c, audit.UpdateServicePrincipal, audit.OperationUpdate, p, modified(principalResource(old), principalResource(p)))
	if err := a.Store.UpdateServicePrincipal(c.ctx(), p, e); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// deletePrincipal serves DELETE /servicePrincipals/{id}: it can be restored for 30 days.
func (a *API) deletePrincipal(c *call) error {
	if err := odata.Match(c.r, odata.ETag(c.principal.Version)); err != nil {
		return err
	}
	if c.principal.AppID.BuiltIn() {
		return directory.ErrApplicationBuiltIn
	}
	e := a.principalEvent(c, audit.RemoveServicePrincipal, audit.OperationDelete, c.principal, nil)
	if err := a.Store.DeleteServicePrincipal(c.ctx(), c.principal, a.Now(), e); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// listPrincipalMemberOf serves GET /servicePrincipals/{id}/memberOf.
func (a *API) listPrincipalMemberOf(c *call) error {
	return a.writeLinked(c, string(c.principal.ID), "memberOf")
}

func (a *API) listPrincipalTransitiveMemberOf(c *call) error {
	return a.writeLinked(c, string(c.principal.ID), "transitiveMemberOf")
}
