package graph

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/graph/odata"
)

var applicationSchema = filter.Schema{
	{Name: "id", Type: filter.TypeGUID, Column: "id", Ops: filter.Equality},
	{Name: "appId", Type: filter.TypeGUID, Column: "app_id", Ops: filter.Equality},
	{Name: "displayName", Type: filter.TypeString, Column: "display_name", Ops: filter.Equality | filter.StartsWith | filter.Search | filter.Sort},
	{Name: "createdDateTime", Type: filter.TypeTime, Column: "created_at", Ops: filter.Equality | filter.Ordering | filter.Sort},
}

var applicationProperties = names(applicationResource(directory.Application{}, nil))

// applicationResource is a as Graph shows it. Keys of certificates are not shown, as their
// thumbprints name them.
func applicationResource(a directory.Application, secrets []directory.Secret) odata.Entity {
	hidden := func(name string, value any) odata.Property {
		return odata.Property{Name: name, Value: value, OnSelect: true}
	}
	return odata.Entity{
		{Name: "id", Value: a.ID},
		{Name: "deletedDateTime", Value: nil},
		{Name: "appId", Value: a.AppID},
		{Name: "createdDateTime", Value: odata.Time(a.CreatedDateTime)},
		{Name: "displayName", Value: a.DisplayName},
		{Name: "description", Value: text(a.Description)},
		{Name: "groupMembershipClaims", Value: text(a.GroupMembershipClaims)},
		{Name: "identifierUris", Value: list(a.IdentifierURIs)},
		{Name: "isFallbackPublicClient", Value: a.IsFallbackPublicClient},
		{Name: "signInAudience", Value: a.SignInAudience},
		{Name: "tags", Value: list(a.Tags)},
		{Name: "optionalClaims", Value: claimsResource(a.OptionalClaims)},
		{Name: "api", Value: apiResource(a.API)},
		{Name: "appRoles", Value: each(a.AppRoles, appRoleResource)},
		{Name: "keyCredentials", Value: each(a.KeyCredentials, certificateResource)},
		{Name: "passwordCredentials", Value: each(secrets, secretResource)},
		{Name: "publicClient", Value: odata.Entity{{Name: "redirectUris", Value: list(a.PublicClient.RedirectURIs)}}},
		{Name: "requiredResourceAccess", Value: each(a.Required, requiredResource)},
		{Name: "spa", Value: odata.Entity{{Name: "redirectUris", Value: list(a.SPA.RedirectURIs)}}},
		{Name: "web", Value: odata.Entity{
			{Name: "homePageUrl", Value: text(a.Web.HomePageURL)},
			{Name: "logoutUrl", Value: text(a.Web.LogoutURL)},
			{Name: "redirectUris", Value: list(a.Web.RedirectURIs)},
			{Name: "implicitGrantSettings", Value: odata.Entity{
				{Name: "enableAccessTokenIssuance", Value: a.Web.ImplicitGrant.AccessToken},
				{Name: "enableIdTokenIssuance", Value: a.Web.ImplicitGrant.IDToken},
			}},
		}},
		hidden("postern_tokenSigningAlgorithm", cmp.Or(a.SigningAlgorithm, directory.RS256)),
		hidden("postern_dpopBoundAccessTokens", a.DPoPBound),
		hidden("postern_backchannelLogoutUri", text(a.BackchannelLogoutURI)),
		{Name: "requestSignatureVerification", Value: signatureResource(a.RequestSignature)},
		{Name: "tokenEncryptionKeyId", Value: text(a.TokenEncryptionKeyID)},
		hidden("postern_saml", settingsResource(a.SAML)),
		hidden("postern_builtIn", a.AppID.BuiltIn()),
	}
}

// application finds the one that {id} names, by object id or as (appId='…'), and what May
// must know of it: who could change it would have the power of its service principal.
func application(a *API, c *call) (directory.Target, error) {
	key, err := odata.ParseKey(c.r.PathValue("id"))
	if err != nil {
		return directory.Target{}, err
	}
	value := strings.ToLower(key.Value)
	switch {
	case !directory.IsID(value):
		return directory.Target{}, directory.ErrApplicationUnknown
	case key.Property == "" || strings.EqualFold(key.Property, "id"):
		c.app, err = a.Store.Application(c.ctx(), c.tenant.ID, directory.ApplicationID(value))
	case strings.EqualFold(key.Property, "appId"):
		c.app, _, err = a.Store.ApplicationByAppID(c.ctx(), c.tenant.ID, directory.AppID(value))
	default:
		err = directory.ErrApplicationUnknown
	}
	if err != nil {
		return directory.Target{}, err
	}
	c.principal, err = a.Store.ServicePrincipalByAppID(c.ctx(), c.tenant.ID, c.app.AppID)
	if errors.Is(err, directory.ErrServicePrincipalUnknown) {
		err = nil
	}
	if err != nil {
		return directory.Target{}, err
	}
	return a.powerOf(c, string(c.app.ID))
}

// powerOf is what May must know of c.principal, and whether the caller owns object.
func (a *API) powerOf(c *call, object string) (directory.Target, error) {
	var t directory.Target
	var err error
	if c.principal.ID != "" {
		if t, err = a.Store.PrincipalTarget(c.ctx(), c.tenant.ID, c.principal.ID); err != nil {
			return t, err
		}
	}
	if !c.caller.AppOnly() {
		t.OwnedByCaller, err = a.Store.Owns(c.ctx(), c.tenant.ID, object, string(c.caller.User))
	}
	return t, err
}

func applicationTarget(a directory.Application) audit.Target {
	return audit.Target{ID: string(a.ID), Type: audit.TargetApplication, DisplayName: a.DisplayName}
}

func (a *API) applicationEvent(c *call, activity, operation string, app directory.Application, changes []audit.ModifiedProperty) audit.Event {
	target := applicationTarget(app)
	target.Modified = changes
	return a.trustEvent(c, activity, operation, target)
}

// trustEvent is an event about applications, and what is granted to them.
func (a *API) trustEvent(c *call, activity, operation string, targets ...audit.Target) audit.Event {
	return a.event(c, audit.Change{
		Activity: activity, Category: audit.CategoryApplicationManagement, Service: audit.ServiceCoreDirectory,
		Operation: operation, Targets: targets,
	})
}

// listApplications serves GET /applications.
func (a *API) listApplications(c *call) error {
	w, err := a.wish(c, odata.Allow{
		Properties: applicationProperties, DefaultTop: usualPage, MaxTop: largestPage, Filter: true, OrderBy: true, Search: true, Count: true,
	}, applicationSchema)
	if err != nil {
		return err
	}
	found, position, err := a.Store.Applications(c.ctx(), c.tenant.ID, w.match, w.order, w.after, w.options.Top)
	if err != nil {
		return err
	}
	secrets := map[directory.ApplicationID][]directory.Secret{}
	if w.options.Selects("passwordCredentials") {
		for _, app := range found {
			if secrets[app.ID], err = a.Store.Secrets(c.ctx(), c.tenant.ID, app.ID); err != nil {
				return err
			}
		}
	}
	count := func(match []filter.Bound) (int, error) { return a.Store.CountApplications(c.ctx(), c.tenant.ID, match) }
	return writeList(a, c, w, "applications", found, position, count, func(app directory.Application) odata.Entity {
		return applicationResource(app, secrets[app.ID])
	})
}

// countApplications serves GET /applications/$count.
func (a *API) countApplications(c *call) error {
	return a.writeCount(c, applicationSchema, a.Store.CountApplications)
}

// getApplication serves GET /applications/{id}. https://learn.microsoft.com/graph/api/application-get
func (a *API) getApplication(c *call) error {
	odata.SetETag(c.w, odata.ETag(c.app.Version))
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: applicationProperties})
	if err != nil {
		return err
	}
	secrets, err := a.Store.Secrets(c.ctx(), c.tenant.ID, c.app.ID)
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("applications", o.Select), applicationResource(c.app, secrets).Select(o.Select))
}

// createApplication serves POST /applications.
// https://learn.microsoft.com/graph/api/application-post-applications
func (a *API) createApplication(c *call) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	app := directory.Application{
		Tenant: c.tenant.ID, ID: directory.ApplicationID(uuid.NewString()), AppID: directory.AppID(uuid.NewString()),
		SignInAudience: "AzureADMyOrg", CreatedDateTime: a.Now().UTC(),
	}
	if err := readApplication(body, &app); err != nil {
		return err
	}
	if err := app.Check(c.tenant); err != nil {
		return err
	}
	if err := a.Store.CreateApplication(c.ctx(), app, c.developer(), a.applicationEvent(c, audit.AddApplication, audit.OperationAdd, app, nil)); err != nil {
		return err
	}
	return odata.WriteCreated(c.w, a.root(c).Link("applications", string(app.ID)), a.root(c).Entity("applications", nil),
		applicationResource(app, nil).Select(nil))
}

// developer is the caller who could not change what they create unless they owned it.
func (c *call) developer() directory.Ref {
	if c.caller.AppOnly() || directory.May(c.caller, directory.WriteApplications, directory.Target{}) == nil {
		return directory.Ref{}
	}
	return directory.Ref{Kind: directory.KindUser, ID: string(c.caller.User)}
}

// patchApplication serves PATCH /applications/{id}.
func (a *API) patchApplication(c *call) error {
	if err := odata.Match(c.r, odata.ETag(c.app.Version)); err != nil {
		return err
	}
	if c.app.AppID.BuiltIn() {
		return directory.ErrApplicationBuiltIn
	}
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	old, app := c.app, c.app
	if err := readApplication(body, &app); err != nil {
		return err
	}
	if err := app.Check(c.tenant); err != nil {
		return err
	}
	changes := modified(applicationResource(old, nil), applicationResource(app, nil))
	activity := audit.UpdateApplication
	if slices.ContainsFunc(changes, func(m audit.ModifiedProperty) bool { return m.DisplayName == "keyCredentials" }) {
		activity = audit.UpdateApplicationSecrets
	}
	if err := a.Store.UpdateApplication(c.ctx(), app, a.applicationEvent(c, activity, audit.OperationUpdate, app, changes)); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// deleteApplication serves DELETE /applications/{id}: it can be restored for 30 days, with
// its service principal.
func (a *API) deleteApplication(c *call) error {
	if err := odata.Match(c.r, odata.ETag(c.app.Version)); err != nil {
		return err
	}
	if c.app.AppID.BuiltIn() {
		return directory.ErrApplicationBuiltIn
	}
	events := []audit.Event{a.applicationEvent(c, audit.DeleteApplication, audit.OperationDelete, c.app, nil)}
	if c.principal.ID != "" {
		events = append(events, a.principalEvent(c, audit.RemoveServicePrincipal, audit.OperationDelete, c.principal, nil))
	}
	if err := a.Store.DeleteApplication(c.ctx(), c.app, a.Now(), events...); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}
