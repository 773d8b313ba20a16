package graph

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
)

// readApplication reads what body says about a; what it does not name stays. A list
// replaces the one that was there.
func readApplication(body *odata.Object, a *directory.Application) error {
	body.String("displayName", &a.DisplayName)
	body.String("description", &a.Description)
	body.String("signInAudience", &a.SignInAudience)
	body.String("groupMembershipClaims", &a.GroupMembershipClaims)
	body.Strings("identifierUris", &a.IdentifierURIs)
	body.Strings("tags", &a.Tags)
	flag(body, "isFallbackPublicClient", &a.IsFallbackPublicClient)
	body.String("postern_tokenSigningAlgorithm", &a.SigningAlgorithm)
	body.String("postern_backchannelLogoutUri", &a.BackchannelLogoutURI)
	flag(body, "postern_dpopBoundAccessTokens", &a.DPoPBound)
	part(body, "web", &a.Web, readWeb)
	part(body, "spa", &a.SPA, readRedirects)
	part(body, "publicClient", &a.PublicClient, readRedirects)
	part(body, "api", &a.API, readAPI)
	readSAML(body, a)
	part(body, "optionalClaims", &a.OptionalClaims, readClaims)
	readAll(body, "appRoles", &a.AppRoles, readAppRole)
	readAll(body, "requiredResourceAccess", &a.Required, readRequired)
	body.NotKept(applicationNotKept...)
	kept := slices.Clone(a.KeyCredentials)
	var keys []string
	readAll(body, "keyCredentials", &a.KeyCredentials, func(o *odata.Object, k *directory.KeyCredential) {
		keys = append(keys, readCertificate(o, k))
	})
	if err := body.Done(); err != nil || !body.Has("keyCredentials") {
		return err
	}
	for i := range a.KeyCredentials {
		if err := completeKey(&a.KeyCredentials[i], keys[i], kept); err != nil {
			return err
		}
	}
	return nil
}

// applicationNotKept are properties of Graph's application that a caller cannot set here.
var applicationNotKept = []string{
	"addIns", "appId", "appManagementPolicies", "applicationTemplateId", "authenticationBehaviors", "certification",
	"createdDateTime", "createdOnBehalfOf", "defaultRedirectUri", "deletedDateTime", "disabledByMicrosoftStatus",
	"federatedIdentityCredentials", "homeRealmDiscoveryPolicies", "id", "info", "isDeviceOnlyAuthSupported", "logo",
	"nativeAuthenticationApisEnabled", "notes", "oauth2RequirePostResponse", "owners", "parentalControlSettings",
	"passwordCredentials", "publisherDomain", "samlMetadataUrl", "serviceManagementReference",
	"servicePrincipalLockConfiguration", "tokenIssuancePolicies", "tokenLifetimePolicies", "uniqueName",
	"verifiedPublisher", "postern_builtIn",
}

// flag reads a bool for which null means false.
func flag(body *odata.Object, name string, dst *bool) {
	if body.IsNull(name) {
		*dst = false
		return
	}
	body.Bool(name, dst)
}

// part reads an object within body into dst; null resets it.
func part[T any](body *odata.Object, name string, dst *T, read func(*odata.Object, *T)) {
	if body.IsNull(name) {
		*dst = *new(T)
		return
	}
	if o := body.Object(name); o != nil {
		read(o, dst)
	}
}

// readAll replaces dst by the objects in a list, if there is one.
func readAll[T any](body *odata.Object, name string, dst *[]T, read func(*odata.Object, *T)) {
	if !body.Has(name) {
		return
	}
	objects := body.Objects(name)
	*dst = make([]T, len(objects))
	for i, o := range objects {
		read(o, &(*dst)[i])
	}
}

func readWeb(o *odata.Object, w *directory.WebClient) {
	o.Strings("redirectUris", &w.RedirectURIs)
	o.String("logoutUrl", &w.LogoutURL)
	o.String("homePageUrl", &w.HomePageURL)
	o.NotKept("redirectUriSettings")
	part(o, "implicitGrantSettings", &w.ImplicitGrant, func(o *odata.Object, g *directory.ImplicitGrants) {
		flag(o, "enableIdTokenIssuance", &g.IDToken)
		flag(o, "enableAccessTokenIssuance", &g.AccessToken)
	})
}

func readRedirects(o *odata.Object, r *directory.RedirectURIs) {
	o.Strings("redirectUris", &r.RedirectURIs)
}

func readAPI(o *odata.Object, s *directory.APISettings) {
	if o.IsNull("requestedAccessTokenVersion") {
		s.TokenVersion = 0
	} else {
		o.Int("requestedAccessTokenVersion", &s.TokenVersion)
	}
	o.NotKept("acceptMappedClaims")
	var known []string
	o.Strings("knownClientApplications", &known)
	if o.Has("knownClientApplications") {
		s.KnownClientAppIDs = nil
		for _, id := range known {
			s.KnownClientAppIDs = append(s.KnownClientAppIDs, directory.AppID(strings.ToLower(id)))
		}
	}
	readAll(o, "preAuthorizedApplications", &s.PreAuthorized, func(o *odata.Object, p *directory.PreAuthorized) {
		id := ""
		o.String("appId", &id)
		p.AppID = directory.AppID(strings.ToLower(id))
		o.Strings("delegatedPermissionIds", &p.ScopeIDs)
	})
	readAll(o, "oauth2PermissionScopes", &s.Scopes, func(o *odata.Object, p *directory.PermissionScope) {
		p.Type, p.IsEnabled = "User", true
		o.String("id", &p.ID)
		o.String("value", &p.Value)
		o.String("type", &p.Type)
		o.Bool("isEnabled", &p.IsEnabled)
		o.String("adminConsentDisplayName", &p.AdminConsentDisplayName)
		o.String("adminConsentDescription", &p.AdminConsentDescription)
		o.String("userConsentDisplayName", &p.UserConsentDisplayName)
		o.String("userConsentDescription", &p.UserConsentDescription)
		_ = o.Raw("origin") // read-only in Graph, and sent back by clients
		p.ID = strings.ToLower(p.ID)
	})
}

func readAppRole(o *odata.Object, r *directory.AppRole) {
	r.IsEnabled = true
	o.String("id", &r.ID)
	o.String("value", &r.Value)
	o.String("displayName", &r.DisplayName)
	o.String("description", &r.Description)
	o.Strings("allowedMemberTypes", &r.AllowedMemberTypes)
	o.Bool("isEnabled", &r.IsEnabled)
	_ = o.Raw("origin") // read-only in Graph, and sent back by clients
	r.ID = strings.ToLower(r.ID)
}

func readRequired(o *odata.Object, r *directory.RequiredAPI) {
	id := ""
	o.String("resourceAppId", &id)
	r.ResourceAppID = directory.AppID(strings.ToLower(id))
	readAll(o, "resourceAccess", &r.Access, func(o *odata.Object, x *directory.RequiredAccess) {
		o.String("id", &x.ID)
		o.String("type", &x.Type)
		x.ID = strings.ToLower(x.ID)
	})
}

func readClaims(o *odata.Object, c *directory.OptionalClaims) {
	read := func(o *odata.Object, one *directory.OptionalClaim) {
		o.String("name", &one.Name)
		o.String("source", &one.Source)
		flag(o, "essential", &one.Essential)
		o.Strings("additionalProperties", &one.AdditionalProperties)
	}
	readAll(o, "idToken", &c.IDToken, read)
	readAll(o, "accessToken", &c.AccessToken, read)
	readAll(o, "saml2Token", &c.SAML2Token, read)
}

// readCertificate reads an entry of keyCredentials and returns its key as it was sent.
func readCertificate(o *odata.Object, k *directory.KeyCredential) (key string) {
	k.Type, k.Usage = "AsymmetricX509Cert", "Verify"
	o.String("keyId", &k.KeyID)
	o.String("displayName", &k.DisplayName)
	o.String("type", &k.Type)
	o.String("usage", &k.Usage)
	o.Time("startDateTime", &k.StartAt)
	o.Time("endDateTime", &k.EndAt)
	o.String("key", &key)
	_ = o.Raw("customKeyIdentifier") // the thumbprint, which is computed
	k.KeyID = strings.ToLower(k.KeyID)
	return key
}

// completeKey makes k one that can be kept. An entry without a key is one of those that
// were there, as a client sends it back that read it without its key.
func completeKey(k *directory.KeyCredential, key string, kept []directory.KeyCredential) error {
	if key == "" {
		i := slices.IndexFunc(kept, func(old directory.KeyCredential) bool { return old.KeyID == k.KeyID })
		if i < 0 {
			return directory.ErrCertificateInvalid.With("keyCredentials", "An entry of keyCredentials needs a key, or the keyId of one that is there.")
		}
		k.Key, k.StartAt, k.EndAt = kept[i].Key, kept[i].StartAt, kept[i].EndAt
	} else {
		raw, err := base64.StdEncoding.DecodeString(key)
		if err != nil {
			return directory.ErrCertificateInvalid.With("key", "key must be a certificate in base64.")
		}
		k.Key = raw
	}
	if k.KeyID == "" {
		k.KeyID = uuid.NewString()
	}
	complete, err := k.Complete()
	*k = complete
	return err
}
