package samlidp

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/saml"
	"github.com/postern-id/postern/internal/signin"
)

// Names of claims, as Entra's.
// https://learn.microsoft.com/entra/identity-platform/reference-saml-tokens
const (
	identityClaims = "http://schemas.microsoft.com/identity/claims/"
	soapClaims     = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
	roleClaims     = "http://schemas.microsoft.com/ws/2008/06/identity/claims/"
	methodsClaim   = "http://schemas.microsoft.com/claims/authnmethodsreferences"
	groupsLink     = "http://schemas.microsoft.com/claims/groups.link"
)

// mostGroups is how many groups an assertion names, as at Entra; beyond them it says where to ask.
const mostGroups = 150

// usualClaims are what every application is told of a person, by name and source.
var usualClaims = []directory.SAMLClaim{
	{Name: identityClaims + "objectidentifier", Source: "user.objectid"},
	{Name: identityClaims + "displayname", Source: "user.displayname"},
	{Name: soapClaims + "givenname", Source: "user.givenname"},
	{Name: soapClaims + "surname", Source: "user.surname"},
	{Name: soapClaims + "emailaddress", Source: "user.mail"},
	{Name: soapClaims + "name", Source: "user.userprincipalname"},
}

// attributes are what app is told about the person of a session.
func (s *Server) attributes(ctx context.Context, a application, session signin.Session, user directory.User) ([]saml.Attribute, error) {
	var all []saml.Attribute
	put := func(name string, values ...string) {
		if values = slices.DeleteFunc(values, func(v string) bool { return v == "" }); len(values) > 0 {
			all = slices.DeleteFunc(all, func(x saml.Attribute) bool { return x.Name == name })
			all = append(all, saml.Attribute{Name: name, Values: values})
		}
	}
	settings := a.settings()
	if !settings.OnlyThese {
		put(identityClaims+"tenantid", string(user.Tenant))
		put(identityClaims+"identityprovider", s.entity(user.Tenant))
		put(methodsClaim, s.methods(session)...)
		for _, c := range usualClaims {
			put(c.Name, directory.ClaimSources[c.Source](user))
		}
	}
	for _, c := range settings.Claims {
		put(c.Name, directory.ClaimSources[strings.ToLower(c.Source)](user))
	}
	return all, s.memberships(ctx, a, user, put)
}

// methods says how the person signed in; multipleauthn is Microsoft's word for several factors.
func (s *Server) methods(session signin.Session) []string {
	var all []string
	for _, v := range session.AMR(s.Now()) {
		switch v {
		case "pwd":
			all = append(all, "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/password")
		case "mfa":
			all = append(all, classMultiple)
		default:
			all = append(all, "urn:postern:amr:"+v)
		}
	}
	return all
}

// memberships puts the app roles of a person, and what groupMembershipClaims asks for.
func (s *Server) memberships(ctx context.Context, a application, user directory.User, put func(string, ...string)) error {
	asked := func(flags ...string) bool {
		for flag := range strings.SplitSeq(a.app.GroupMembershipClaims, ",") {
			if slices.Contains(flags, strings.TrimSpace(flag)) {
				return true
			}
		}
		return false
	}
	ids, err := s.Store.AppRolesOfPerson(ctx, user.Tenant, user.ID, a.principal.ID)
	if err != nil {
		return err
	}
	var roles []string
	for _, role := range a.principal.AppRoles {
		if role.IsEnabled && slices.Contains(ids, role.ID) {
			roles = append(roles, role.Value)
		}
	}
	put(roleClaims+"role", roles...)
	if asked("DirectoryRole", "All") {
		held, err := s.Store.RolesOf(ctx, user.Tenant, string(user.ID))
		if err != nil {
			return err
		}
		put(roleClaims+"wids", texts(held)...)
	}
	if !asked("SecurityGroup", "ApplicationGroup", "All") {
		return nil
	}
	in, err := s.Store.GroupsOf(ctx, user.Tenant, string(user.ID))
	if err != nil {
		return err
	}
	groups := slices.Sorted(maps.Keys(in))
	if !asked("SecurityGroup", "All") {
		assigned, err := s.Store.AssignedGroups(ctx, user.Tenant, a.principal.ID)
		if err != nil {
			return err
		}
		groups = slices.DeleteFunc(groups, func(g directory.GroupID) bool { return !slices.Contains(assigned, g) })
	}
	if len(groups) > mostGroups {
		put(groupsLink, s.PublicURL+"/v1.0/users/"+string(user.ID)+"/getMemberObjects")
		return nil
	}
	put(roleClaims+"groups", texts(groups)...)
	return nil
}

func texts[T ~string](all []T) []string {
	out := make([]string, len(all))
	for i, v := range all {
		out[i] = string(v)
	}
	return out
}

// formats are the words of [directory.SAMLSettings] for formats of name ids.
var formats = map[string]string{"persistent": saml.Persistent, "transient": saml.Transient, "emailAddress": saml.EmailAddress, "": saml.EmailAddress}

// nameOf is what an application calls the person. A persistent name is the application's own: two
// of them can't tell that they speak of the same person (saml-core 8.3.7).
func (s *Server) nameOf(ctx context.Context, a application, q request, user directory.User) (saml.NameID, error) {
	n := saml.NameID{Format: q.Format}
	switch q.Format {
	case saml.EmailAddress, saml.Unspecified:
		n.Value = user.UserPrincipalName
		return n, nil
	case saml.Transient:
		n.Value = saml.NewID()
	case saml.Persistent:
		mac, err := s.Secrets.MAC(ctx, string(user.Tenant), "saml persistent name", []byte(string(user.ID)+"|"+string(a.app.AppID)))
		if err != nil {
			return n, err
		}
		n.Value = mac
	}
	n.NameQualifier, n.SPNameQualifier = s.entity(user.Tenant), q.Entity
	return n, nil
}
