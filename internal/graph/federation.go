package graph

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/federation"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method/federated"
)

const (
	federationSegment = "federationConfiguration"
	federationType    = "#microsoft.graph.internalDomainFederation"
	// promptLogin is what is asked of an upstream that has to ask the person again.
	promptLogin = "nativeSupport"
)

var federationProperties = names((&API{}).federationResource(federation.Configuration{}))

// federationResource is c as Graph shows it. What has no name in Graph is returned only on
// $select; the client secret never is.
func (a *API) federationResource(c federation.Configuration) odata.Entity {
	hidden := func(name string, value any) odata.Property {
		return odata.Property{Name: name, Value: value, OnSelect: true}
	}
	var protocol, updated any
	if c.Protocol == federation.SAML {
		protocol = "saml"
	}
	if c.CertificateUpdate != nil {
		updated = odata.Entity{
			{Name: "certificateUpdateResult", Value: c.CertificateUpdate.Result},
			{Name: "lastRunDateTime", Value: odata.Time(c.CertificateUpdate.At)},
		}
	}
	return odata.Entity{
		{Name: odata.TagName, Value: odata.ETag(c.Version)},
		{Name: "@odata.type", Value: federationType},
		{Name: "id", Value: c.ID},
		{Name: "activeSignInUri", Value: nil},
		{Name: "displayName", Value: c.DisplayName},
		{Name: "federatedIdpMfaBehavior", Value: string(c.MFA)},
		{Name: "isSignedAuthenticationRequestRequired", Value: c.SignedRequests},
		{Name: "issuerUri", Value: c.Issuer},
		{Name: "metadataExchangeUri", Value: text(c.MetadataURI)},
		{Name: "nextSigningCertificate", Value: text(c.NextSigningCertificate)},
		{Name: "passiveSignInUri", Value: text(c.SignInURI)},
		{Name: "passwordResetUri", Value: text(c.PasswordResetURI)},
		{Name: "preferredAuthenticationProtocol", Value: protocol},
		{Name: "promptLoginBehavior", Value: promptLogin},
		{Name: "signOutUri", Value: text(c.SignOutURI)},
		{Name: "signingCertificate", Value: text(c.SigningCertificate)},
		{Name: "signingCertificateUpdateStatus", Value: updated},
		hidden("postern_protocol", string(c.Protocol)),
		hidden("postern_passBeforeFederation", c.PassFirst),
		hidden("postern_clientId", text(c.ClientID)),
		hidden("postern_hasClientSecret", c.Sealed != ""),
		hidden("postern_scopes", list(c.Scopes)),
		hidden("postern_mfaValues", list(c.MFAValues)),
		hidden("postern_claims", odata.Entity{
			{Name: "userPrincipalName", Value: c.Claims.UserPrincipalName},
			{Name: "displayName", Value: text(c.Claims.DisplayName)},
			{Name: "givenName", Value: text(c.Claims.GivenName)},
			{Name: "surname", Value: text(c.Claims.Surname)},
			{Name: "mail", Value: text(c.Claims.Mail)},
		}),
		hidden("postern_createUsers", c.CreateUsers),
		hidden("postern_redirectUri", federated.AnswerAddress(a.PublicURL, c)),
		hidden("postern_entityId", federated.EntityID(a.PublicURL, c.Tenant)),
	}
}

// federatedDomain is the verified domain that {id} names, with what it has.
func (a *API) federatedDomain(c *call) (directory.Domain, federation.Configuration, error) {
	d, proof, err := a.domain(c)
	if err != nil {
		return d, federation.Configuration{}, err
	}
	if proof != "" {
		return d, federation.Configuration{}, directory.ErrDomainUnverified
	}
	found, err := a.Store.Federation(c.ctx(), c.tenant.ID, d.Name)
	return d, found, err
}

// namedFederation is the federation that {federation} names.
func (a *API) namedFederation(c *call) (federation.Configuration, error) {
	_, found, err := a.federatedDomain(c)
	if err != nil {
		return found, err
	}
	key, err := odata.ParseKey(c.r.PathValue("federation"))
	if err == nil && key.Value != found.ID {
		err = federation.ErrNone
	}
	return found, err
}

// listFederations serves GET /domains/{id}/federationConfiguration: one at most.
// https://learn.microsoft.com/graph/api/domain-list-federationconfiguration
func (a *API) listFederations(c *call) error {
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: federationProperties})
	if err != nil {
		return err
	}
	d, found, err := a.federatedDomain(c)
	page := odata.Page[odata.Entity]{Context: a.root(c).Collection(odata.Within("domains", d.Name, federationSegment), o.Select), Value: []odata.Entity{}}
	switch {
	case err == nil:
		page.Value = append(page.Value, a.federationResource(found).Select(o.Select))
	case !errors.Is(err, federation.ErrNone):
		return err
	}
	return odata.WritePage(c.w, page)
}

// getFederation serves GET /domains/{id}/federationConfiguration/{federation}.
func (a *API) getFederation(c *call) error {
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: federationProperties})
	if err != nil {
		return err
	}
	found, err := a.namedFederation(c)
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity(odata.Within("domains", found.Domain, federationSegment), o.Select), a.federationResource(found).Select(o.Select))
}

// createFederation serves POST /domains/{id}/federationConfiguration: its people sign in at their
// identity provider from now on.
// https://learn.microsoft.com/graph/api/domain-post-federationconfiguration
func (a *API) createFederation(c *call) error {
	d, _, err := a.federatedDomain(c)
	switch {
	case err == nil:
		return federation.ErrExists
	case !errors.Is(err, federation.ErrNone):
		return err
	}
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	protocol := federation.SAML
	if body.Has("postern_clientId") {
		protocol = federation.OIDC
	}
	body.String("postern_protocol", (*string)(&protocol))
	fresh := federation.Usual(protocol)
	fresh.Tenant, fresh.Domain, fresh.ID, fresh.CreatedAt = c.tenant.ID, d.Name, uuid.NewString(), a.Now().UTC()
	fresh, err = a.readFederation(c, body, fresh)
	if err != nil {
		return err
	}
	e := a.domainEvent(c, audit.SetDomainAuthentication, audit.OperationAdd, d.Name)
	e.Change.Targets[0].Modified = append([]audit.ModifiedProperty{{DisplayName: "authenticationType", OldValue: `"Managed"`, NewValue: `"Federated"`}},
		modified(blank(a.federationResource(fresh)), a.federationResource(fresh))...)
	if err := a.Store.SaveFederation(c.ctx(), fresh, e); err != nil {
		return err
	}
	fresh.Version = 1
	within := odata.Within("domains", d.Name, federationSegment)
	return odata.WriteCreated(c.w, a.root(c).Link(within, fresh.ID), a.root(c).Entity(within, nil), a.federationResource(fresh).Select(nil))
}

// blank is e without its values.
func blank(e odata.Entity) odata.Entity {
	e = slices.Clone(e)
	for i := range e {
		e[i].Value = nil
	}
	return e
}

// patchFederation serves PATCH /domains/{id}/federationConfiguration/{federation}: what is not
// sent stays.
func (a *API) patchFederation(c *call) error {
	old, err := a.namedFederation(c)
	if err != nil {
		return err
	}
	if err := odata.Match(c.r, odata.ETag(old.Version)); err != nil {
		return err
	}
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	fresh, err := a.readFederation(c, body, old)
	if err != nil {
		return err
	}
	changes := modified(a.federationResource(old), a.federationResource(fresh))
	if fresh.Sealed != old.Sealed {
		changes = append(changes, audit.ModifiedProperty{DisplayName: "postern_clientSecret"})
	}
	e := a.domainEvent(c, audit.SetFederation, audit.OperationUpdate, old.Domain)
	e.Change.Targets[0].Modified = changes
	if err := a.Store.SaveFederation(c.ctx(), fresh, e); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// deleteFederation serves DELETE /domains/{id}/federationConfiguration/{federation}: the domain's
// people sign in here from now on.
func (a *API) deleteFederation(c *call) error {
	old, err := a.namedFederation(c)
	if err != nil {
		return err
	}
	if err := odata.Match(c.r, odata.ETag(old.Version)); err != nil {
		return err
	}
	e := a.domainEvent(c, audit.SetDomainAuthentication, audit.OperationDelete, old.Domain)
	e.Change.Targets[0].Modified = []audit.ModifiedProperty{{DisplayName: "authenticationType", OldValue: `"Federated"`, NewValue: `"Managed"`}}
	if err := a.Store.RemoveFederation(c.ctx(), old, e); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// readFederation reads what a body says of f, and checks it.
func (a *API) readFederation(c *call, body *odata.Object, f federation.Configuration) (federation.Configuration, error) {
	for _, own := range []string{"@odata.type", "id", "activeSignInUri", "promptLoginBehavior", "signingCertificateUpdateStatus"} {
		_ = body.Raw(own)
	}
	var protocol string
	body.String("preferredAuthenticationProtocol", &protocol)
	if protocol != "" && (protocol != "saml" || f.Protocol != federation.SAML) {
		body.NotKept("preferredAuthenticationProtocol") // WS-Federation is not spoken here
	}
	if body.Has("postern_protocol") {
		own := string(f.Protocol)
		body.String("postern_protocol", &own)
		if own != string(f.Protocol) {
			return f, federation.ErrInvalid.With("postern_protocol", "The protocol of a federation stays: remove it, and make another.")
		}
	}
	var secret string
	for name, into := range map[string]*string{
		"displayName": &f.DisplayName, "federatedIdpMfaBehavior": (*string)(&f.MFA), "issuerUri": &f.Issuer, "metadataExchangeUri": &f.MetadataURI,
		"nextSigningCertificate": &f.NextSigningCertificate, "signingCertificate": &f.SigningCertificate, "passiveSignInUri": &f.SignInURI,
		"passwordResetUri": &f.PasswordResetURI, "signOutUri": &f.SignOutURI, "postern_clientId": &f.ClientID, "postern_clientSecret": &secret,
	} {
		if body.IsNull(name) {
			*into = ""
			continue
		}
		body.String(name, into)
	}
	for name, into := range map[string]*bool{
		"isSignedAuthenticationRequestRequired": &f.SignedRequests, "postern_passBeforeFederation": &f.PassFirst, "postern_createUsers": &f.CreateUsers,
	} {
		body.Bool(name, into)
	}
	if body.Has("postern_scopes") {
		body.Strings("postern_scopes", &f.Scopes)
	}
	if body.Has("postern_mfaValues") {
		f.MFAValues = []string{}
		body.Strings("postern_mfaValues", &f.MFAValues)
	}
	if body.Has("postern_claims") {
		readMapping(body.Object("postern_claims"), &f.Claims)
	}
	if f.MFA == "" {
		f.MFA = federation.AcceptMFA
	}
	removed := body.Has("postern_clientSecret") && secret == ""
	if err := body.Done(); err != nil {
		return f, err
	}
	f.ModifiedAt = a.Now().UTC()
	if err := f.Check(); err != nil {
		return f, err
	}
	switch {
	case removed:
		f.Sealed = ""
	case secret != "":
		sealed, err := a.Secrets.Seal(c.ctx(), string(f.Tenant), []byte(secret), federated.Where(f.Domain)...)
		if err != nil {
			return f, err
		}
		f.Sealed = sealed
	}
	return f, nil
}

func readMapping(body *odata.Object, m *federation.Mapping) {
	if body == nil {
		return
	}
	for name, into := range map[string]*string{
		"userPrincipalName": &m.UserPrincipalName, "displayName": &m.DisplayName, "givenName": &m.GivenName, "surname": &m.Surname, "mail": &m.Mail,
	} {
		if body.IsNull(name) {
			*into = ""
			continue
		}
		body.String(name, into)
	}
}

// Federations keeps how the domains of a tenant are federated.
type Federations interface {
	Federation(ctx context.Context, tenant directory.TenantID, domain string) (federation.Configuration, error)
	Federations(ctx context.Context, tenant directory.TenantID) ([]federation.Configuration, error)
	SaveFederation(ctx context.Context, c federation.Configuration, e audit.Event) error
	RemoveFederation(ctx context.Context, c federation.Configuration, e audit.Event) error
	Links(ctx context.Context, tenant directory.TenantID, user directory.UserID) ([]federation.Link, error)
	Unlink(ctx context.Context, tenant directory.TenantID, user directory.UserID, domain string, e audit.Event) error
}

// listLinks serves GET /postern/users/{id}/federatedIdentities: who the person is at the identity
// provider of a domain.
func (a *API) listLinks(c *call) error {
	if _, err := odata.ParseOptions(c.r, odata.Allow{}); err != nil {
		return err
	}
	all, err := a.Store.Links(c.ctx(), c.tenant.ID, c.user.ID)
	if err != nil {
		return err
	}
	page := odata.Page[odata.Entity]{Context: a.root(c).Collection(odata.Within("postern/users", string(c.user.ID), "federatedIdentities"), nil), Value: []odata.Entity{}}
	for _, l := range all {
		page.Value = append(page.Value, odata.Entity{
			{Name: "id", Value: l.Domain}, {Name: "issuerAssignedId", Value: l.Subject}, {Name: "createdDateTime", Value: odata.Time(l.At)},
		})
	}
	return odata.WritePage(c.w, page)
}

// deleteLink serves DELETE /postern/users/{id}/federatedIdentities/{domain}: who comes next with the
// person's name from that identity provider becomes them.
func (a *API) deleteLink(c *call) error {
	key, err := odata.ParseKey(c.r.PathValue("domain"))
	if err != nil {
		return err
	}
	e := a.userEvent(c, audit.UnlinkFederatedIdentity, audit.OperationDelete, c.user, nil)
	if err := a.Store.Unlink(c.ctx(), c.tenant.ID, c.user.ID, key.Value, e); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}
