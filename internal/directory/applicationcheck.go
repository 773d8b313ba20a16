package directory

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of an application. Entra's manifest has similar ones.
const (
	maxRedirectURIs   = 256 // of all kinds together
	maxRedirectURI    = 256 // bytes
	maxIdentifierURIs = 50
	maxURI            = 255 // bytes, of other URIs
	maxPermissions    = 400 // app roles and scopes together; accesses required
	maxKeys           = 20
	maxTags           = 50
	maxOptionalClaims = 50
	maxClients        = 100
	maxDescription    = 1024 // characters
)

// Check reports what is wrong with a in tenant t as a fault, or nil. Redirect URIs are held
// to their form only; package oauth/redirect is stricter.
func (a Application) Check(t Tenant) error {
	for _, check := range []func(Application, Tenant) error{
		checkBasics, checkIdentifiers, checkRedirects, checkURLs, checkAppRoles, checkScopes, checkRequired, checkKeys, checkClaims, checkSAML,
	} {
		if err := check(a, t); err != nil {
			return err
		}
	}
	return nil
}

func checkBasics(a Application, _ Tenant) error {
	switch {
	case strings.TrimSpace(a.DisplayName) == "":
		return ErrApplicationInvalid.With("displayName", "displayName must not be empty.")
	case !plainText(a.DisplayName):
		return ErrApplicationInvalid.With("displayName", "displayName is longer than 256 characters or has control characters.")
	case utf8.RuneCountInString(a.Description) > maxDescription:
		return ErrApplicationInvalid.With("description", "description is longer than 1024 characters.")
	case a.SignInAudience == "AzureADandPersonalMicrosoftAccount", a.SignInAudience == "PersonalMicrosoftAccount":
		return ErrAudienceUnsupported
	case a.SignInAudience != "AzureADMyOrg" && a.SignInAudience != "AzureADMultipleOrgs":
		return ErrApplicationInvalid.With("signInAudience", "signInAudience is AzureADMyOrg or AzureADMultipleOrgs.")
	case a.Web.ImplicitGrant.AccessToken:
		return ErrImplicitToken
	case a.SigningAlgorithm != "" && a.SigningAlgorithm != RS256 && a.SigningAlgorithm != ES256:
		return ErrApplicationInvalid.With("postern_tokenSigningAlgorithm", "postern_tokenSigningAlgorithm is RS256 or ES256.")
	case len(a.Tags) > maxTags || slices.ContainsFunc(a.Tags, func(s string) bool { return !plainText(s) }):
		return ErrApplicationInvalid.With("tags", "tags has more than 50 entries, or one is too long or has control characters.")
	}
	return nil
}

// permissionValue is a scope-token (RFC 6749 section 3.3) of at most 120 characters that
// does not begin with a dot, as .default does.
var permissionValue = regexp.MustCompile(`^[\x21\x23-\x2D\x2F-\x5B\x5D-\x7E][\x21\x23-\x5B\x5D-\x7E]{0,119}$`)

func checkAppRoles(a Application, _ Tenant) error {
	ids, values := map[string]bool{}, map[string]bool{}
	if len(a.AppRoles)+len(a.API.Scopes) > maxPermissions {
		return ErrApplicationInvalid.With("appRoles", "An application has at most 400 app roles and scopes.")
	}
	for _, r := range a.AppRoles {
		why := ""
		switch {
		case !IsID(r.ID) || ids[r.ID]:
			why = "The id of an app role must be a UUID of its own."
		case r.Value != "" && (!permissionValue.MatchString(r.Value) || values[r.Value]):
			why = "The value of an app role must be unique and have 1 to 120 characters, without blanks."
		case strings.TrimSpace(r.DisplayName) == "" || !plainText(r.DisplayName) || utf8.RuneCountInString(r.Description) > maxDescription:
			why = "An app role needs a displayName of at most 256 characters, and a description of at most 1024."
		case len(r.AllowedMemberTypes) == 0 || slices.ContainsFunc(r.AllowedMemberTypes, func(m string) bool { return m != "User" && m != "Application" }):
			why = "allowedMemberTypes holds User, Application or both."
		}
		if why != "" {
			return ErrApplicationInvalid.With("appRoles", why)
		}
		ids[r.ID], values[r.Value] = true, true
	}
	return nil
}

func checkScopes(a Application, _ Tenant) error {
	ids, values := map[string]bool{}, map[string]bool{}
	if v := a.API.TokenVersion; v < 0 || v > 2 {
		return ErrApplicationInvalid.With("api/requestedAccessTokenVersion", "requestedAccessTokenVersion is 1, 2 or null.")
	}
	for _, s := range a.API.Scopes {
		why := ""
		switch {
		case !IsID(s.ID) || ids[s.ID]:
			why = "The id of a scope must be a UUID of its own."
		case !permissionValue.MatchString(s.Value) || values[s.Value] || slices.Contains(openIDScopes, s.Value):
			why = "The value of a scope must be unique and have 1 to 120 characters, without blanks, and is none of OpenID Connect's."
		case s.Type != "User" && s.Type != "Admin":
			why = "The type of a scope is User or Admin."
		case strings.TrimSpace(s.AdminConsentDisplayName) == "":
			why = "A scope needs an adminConsentDisplayName."
		case !plainText(s.AdminConsentDisplayName), !plainText(s.UserConsentDisplayName),
			utf8.RuneCountInString(s.AdminConsentDescription) > maxDescription, utf8.RuneCountInString(s.UserConsentDescription) > maxDescription:
			why = "A text of a scope is too long or has control characters."
		}
		if why != "" {
			return ErrApplicationInvalid.With("api/oauth2PermissionScopes", why)
		}
		ids[s.ID], values[s.Value] = true, true
	}
	return checkClients(a.API, ids)
}

func checkClients(api APISettings, scopes map[string]bool) error {
	if len(api.PreAuthorized) > maxClients || len(api.KnownClientAppIDs) > maxClients {
		return ErrApplicationInvalid.With("api", "An application names at most 100 clients.")
	}
	for _, c := range api.PreAuthorized {
		if !IsID(string(c.AppID)) || slices.ContainsFunc(c.ScopeIDs, func(id string) bool { return !scopes[id] }) {
			return ErrApplicationInvalid.With("api/preAuthorizedApplications", "An entry needs an appId, and ids of scopes of this application.")
		}
	}
	if slices.ContainsFunc(api.KnownClientAppIDs, func(id AppID) bool { return !IsID(string(id)) }) {
		return ErrApplicationInvalid.With("api/knownClientApplications", "An entry must be a UUID.")
	}
	return nil
}

func checkRequired(a Application, _ Tenant) error {
	total := 0
	for _, r := range a.Required {
		total += len(r.Access)
		bad := slices.ContainsFunc(r.Access, func(x RequiredAccess) bool {
			return !IsID(x.ID) || x.Type != "Scope" && x.Type != "Role"
		})
		if bad || !IsID(string(r.ResourceAppID)) {
			return ErrApplicationInvalid.With("requiredResourceAccess", "An entry needs a resourceAppId, and ids with the type Scope or Role.")
		}
	}
	if total > maxPermissions || len(a.Required) > maxPermissions {
		return ErrApplicationInvalid.With("requiredResourceAccess", "An application asks for at most 400 permissions.")
	}
	return nil
}

func checkKeys(a Application, _ Tenant) error {
	if len(a.KeyCredentials) > maxKeys {
		return ErrCertificateInvalid.With("", fmt.Sprintf("An application has at most %d certificates.", maxKeys))
	}
	seen := map[string]bool{}
	for _, k := range a.KeyCredentials {
		c, err := k.Certificate()
		if err == nil {
			err = k.check(c)
		}
		if err != nil {
			return err
		}
		if seen[k.KeyID] {
			return ErrCertificateInvalid.With("keyId", "Two certificates have the same keyId.")
		}
		seen[k.KeyID] = true
	}
	return nil
}

var groupClaims = []string{"None", "SecurityGroup", "ApplicationGroup", "DirectoryRole", "All"}

func checkClaims(a Application, _ Tenant) error {
	if a.GroupMembershipClaims != "" {
		for flag := range strings.SplitSeq(a.GroupMembershipClaims, ",") {
			if !slices.Contains(groupClaims, strings.TrimSpace(flag)) {
				return ErrApplicationInvalid.With("groupMembershipClaims", "groupMembershipClaims is made of "+orList(groupClaims)+", joined by commas.")
			}
		}
	}
	for _, claims := range [][]OptionalClaim{a.OptionalClaims.IDToken, a.OptionalClaims.AccessToken, a.OptionalClaims.SAML2Token} {
		bad := slices.ContainsFunc(claims, func(c OptionalClaim) bool {
			return c.Name == "" || len(c.Name) > 120 || !plainText(c.Name) || c.Source != "" && c.Source != "user" ||
				len(c.AdditionalProperties) > 10 || slices.ContainsFunc(c.AdditionalProperties, func(p string) bool { return !plainText(p) })
		})
		if bad || len(claims) > maxOptionalClaims {
			return ErrApplicationInvalid.With("optionalClaims", "An optional claim needs a name, and its source is user or null; there are at most 50.")
		}
	}
	return nil
}
