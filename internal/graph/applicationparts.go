package graph

import (
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
)

// each shows every element of things; none is an empty list.
func each[T any](things []T, show func(T) odata.Entity) []odata.Entity {
	all := []odata.Entity{}
	for _, t := range things {
		all = append(all, show(t))
	}
	return all
}

func appRoleResource(r directory.AppRole) odata.Entity {
	return odata.Entity{
		{Name: "allowedMemberTypes", Value: list(r.AllowedMemberTypes)},
		{Name: "description", Value: text(r.Description)},
		{Name: "displayName", Value: text(r.DisplayName)},
		{Name: "id", Value: r.ID},
		{Name: "isEnabled", Value: r.IsEnabled},
		{Name: "origin", Value: "Application"},
		{Name: "value", Value: text(r.Value)},
	}
}

func scopeResource(s directory.PermissionScope) odata.Entity {
	return odata.Entity{
		{Name: "adminConsentDescription", Value: text(s.AdminConsentDescription)},
		{Name: "adminConsentDisplayName", Value: text(s.AdminConsentDisplayName)},
		{Name: "id", Value: s.ID},
		{Name: "isEnabled", Value: s.IsEnabled},
		{Name: "type", Value: s.Type},
		{Name: "userConsentDescription", Value: text(s.UserConsentDescription)},
		{Name: "userConsentDisplayName", Value: text(s.UserConsentDisplayName)},
		{Name: "value", Value: text(s.Value)},
	}
}

func apiResource(s directory.APISettings) odata.Entity {
	var version any
	if s.TokenVersion != 0 {
		version = s.TokenVersion
	}
	known := []directory.AppID{}
	return odata.Entity{
		{Name: "knownClientApplications", Value: append(known, s.KnownClientAppIDs...)},
		{Name: "oauth2PermissionScopes", Value: each(s.Scopes, scopeResource)},
		{Name: "preAuthorizedApplications", Value: each(s.PreAuthorized, func(p directory.PreAuthorized) odata.Entity {
			return odata.Entity{{Name: "appId", Value: p.AppID}, {Name: "delegatedPermissionIds", Value: list(p.ScopeIDs)}}
		})},
		{Name: "requestedAccessTokenVersion", Value: version},
	}
}

func requiredResource(r directory.RequiredAPI) odata.Entity {
	return odata.Entity{
		{Name: "resourceAppId", Value: r.ResourceAppID},
		{Name: "resourceAccess", Value: each(r.Access, func(x directory.RequiredAccess) odata.Entity {
			return odata.Entity{{Name: "id", Value: x.ID}, {Name: "type", Value: x.Type}}
		})},
	}
}

func certificateResource(k directory.KeyCredential) odata.Entity {
	return odata.Entity{
		{Name: "customKeyIdentifier", Value: k.Thumbprint},
		{Name: "displayName", Value: text(k.DisplayName)},
		{Name: "endDateTime", Value: odata.Time(k.EndAt)},
		{Name: "key", Value: nil},
		{Name: "keyId", Value: k.KeyID},
		{Name: "startDateTime", Value: odata.Time(k.StartAt)},
		{Name: "type", Value: k.Type},
		{Name: "usage", Value: k.Usage},
	}
}

// secretResource is s as Graph shows it afterwards, without the secret.
func secretResource(s directory.Secret) odata.Entity {
	return odata.Entity{
		{Name: "customKeyIdentifier", Value: nil},
		{Name: "displayName", Value: text(s.DisplayName)},
		{Name: "endDateTime", Value: odata.Time(s.EndAt)},
		{Name: "hint", Value: text(s.Hint)},
		{Name: "keyId", Value: s.KeyID},
		{Name: "secretText", Value: nil},
		{Name: "startDateTime", Value: odata.Time(s.StartAt)},
	}
}

func claimsResource(c directory.OptionalClaims) any {
	if len(c.IDToken)+len(c.AccessToken)+len(c.SAML2Token) == 0 {
		return nil
	}
	show := func(o directory.OptionalClaim) odata.Entity {
		return odata.Entity{
			{Name: "additionalProperties", Value: list(o.AdditionalProperties)},
			{Name: "essential", Value: o.Essential},
			{Name: "name", Value: o.Name},
			{Name: "source", Value: text(o.Source)},
		}
	}
	return odata.Entity{
		{Name: "accessToken", Value: each(c.AccessToken, show)},
		{Name: "idToken", Value: each(c.IDToken, show)},
		{Name: "saml2Token", Value: each(c.SAML2Token, show)},
	}
}
