package directory

import (
	"time"

	"github.com/postern-id/postern/internal/fault"
)

// Fixed client ids.
const (
	// GraphAppID is the Graph API.
	GraphAppID AppID = "00000003-0000-0000-c000-000000000000"
	// DeveloperCLIAppID is the public client that azidentity's interactive and device-code
	// credentials use when none is named.
	DeveloperCLIAppID AppID = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
	// CLIAppID is the postern command.
	CLIAppID AppID = "d63505a7-8db9-41a0-88f0-78639b447745"
	// PagesAppID is the person's own page, /security-info.
	PagesAppID AppID = "35796448-4d41-4a51-8408-8fa34b9e5f1f"
	// ConsoleAppID is the administrators' console.
	ConsoleAppID AppID = "1daac634-6d3e-49c8-9c38-6592697d3853"
	// AgentAppID is postern-agent, on devices.
	AgentAppID AppID = "5f0c3c1e-8a4d-4c0e-9b57-6f1c2f7d9a44"
	// DeviceRegistrationAppID is the API that devices join by; Entra's id for it.
	DeviceRegistrationAppID AppID = "01cb2876-7ebd-4aa4-9cc9-d28bd4d359a9"
)

// Values of [Application.SigningAlgorithm]; empty means RS256.
const (
	RS256 = "RS256"
	ES256 = "ES256"
)

// An Application is an OAuth client, an API, or both, in the words of Graph's application
// resource; postern_ properties are our own. Secrets are kept apart, as [Secret].
// https://learn.microsoft.com/graph/api/resources/application
type Application struct {
	Tenant TenantID      `json:"-"`
	ID     ApplicationID `json:"id"`
	AppID  AppID         `json:"appId"`

	DisplayName            string   `json:"displayName"`
	Description            string   `json:"description,omitempty"`
	IdentifierURIs         []string `json:"identifierUris,omitempty"`
	SignInAudience         string   `json:"signInAudience"` // AzureADMyOrg or AzureADMultipleOrgs
	IsFallbackPublicClient bool     `json:"isFallbackPublicClient,omitempty"`

	Web          WebClient     `json:"web,omitzero"`
	SPA          RedirectURIs  `json:"spa,omitzero"`
	PublicClient RedirectURIs  `json:"publicClient,omitzero"`
	API          APISettings   `json:"api,omitzero"`
	AppRoles     []AppRole     `json:"appRoles,omitempty"`
	Required     []RequiredAPI `json:"requiredResourceAccess,omitempty"`

	KeyCredentials        []KeyCredential `json:"keyCredentials,omitempty"`
	GroupMembershipClaims string          `json:"groupMembershipClaims,omitempty"` // flags, joined by commas
	OptionalClaims        OptionalClaims  `json:"optionalClaims,omitzero"`
	Tags                  []string        `json:"tags,omitempty"`
	CreatedDateTime       time.Time       `json:"createdDateTime,omitzero"`

	SigningAlgorithm     string `json:"postern_tokenSigningAlgorithm,omitempty"`
	DPoPBound            bool   `json:"postern_dpopBoundAccessTokens,omitempty"` // RFC 9449 section 5.2
	BackchannelLogoutURI string `json:"postern_backchannelLogoutUri,omitempty"`  // OpenID Connect Back-Channel Logout 1.0

	// SAML says how people sign in to the application by SAML 2.0; nil leaves what is usual.
	SAML *SAMLSettings `json:"postern_saml,omitempty"`
	// RequestSignature is what is asked of SAML requests.
	RequestSignature RequestSignature `json:"requestSignatureVerification,omitzero"`
	// TokenEncryptionKeyID is the keyId of the certificate that SAML assertions are encrypted for.
	TokenEncryptionKeyID string `json:"tokenEncryptionKeyId,omitempty"`

	Version int64 `json:"-"` // grows with every change
}

// RedirectURIs lists where codes may go, for one sort of client.
type RedirectURIs struct {
	RedirectURIs []string `json:"redirectUris,omitempty"`
}

// WebClient is the side of an application that runs on a server and keeps a credential.
type WebClient struct {
	RedirectURIs  []string       `json:"redirectUris,omitempty"`
	LogoutURL     string         `json:"logoutUrl,omitempty"` // front-channel logout
	HomePageURL   string         `json:"homePageUrl,omitempty"`
	ImplicitGrant ImplicitGrants `json:"implicitGrantSettings,omitzero"`
}

// ImplicitGrants says which tokens the authorization endpoint itself hands out. Access
// tokens never come that way (RFC 9700 section 2.1.2).
type ImplicitGrants struct {
	IDToken     bool `json:"enableIdTokenIssuance,omitempty"`
	AccessToken bool `json:"enableAccessTokenIssuance,omitempty"`
}

// APISettings is what an application offers as an API.
type APISettings struct {
	Scopes            []PermissionScope `json:"oauth2PermissionScopes,omitempty"`
	TokenVersion      int               `json:"requestedAccessTokenVersion,omitempty"` // 1 or 2; 0 means 1, as null does in Entra
	PreAuthorized     []PreAuthorized   `json:"preAuthorizedApplications,omitempty"`
	KnownClientAppIDs []AppID           `json:"knownClientApplications,omitempty"`
}

// A PermissionScope is a delegated permission that an API offers.
// https://learn.microsoft.com/graph/api/resources/permissionscope
type PermissionScope struct {
	ID                      string `json:"id"`
	Value                   string `json:"value"` // as it stands in the scp claim
	Type                    string `json:"type"`  // User: people may consent for themselves; Admin
	IsEnabled               bool   `json:"isEnabled"`
	AdminConsentDisplayName string `json:"adminConsentDisplayName,omitempty"`
	AdminConsentDescription string `json:"adminConsentDescription,omitempty"`
	UserConsentDisplayName  string `json:"userConsentDisplayName,omitempty"`
	UserConsentDescription  string `json:"userConsentDescription,omitempty"`
}

// An AppRole is what an application lets people or other applications be.
// https://learn.microsoft.com/graph/api/resources/approle
type AppRole struct {
	ID                 string   `json:"id"`
	Value              string   `json:"value,omitempty"` // as it stands in the roles claim
	DisplayName        string   `json:"displayName"`
	Description        string   `json:"description"`
	AllowedMemberTypes []string `json:"allowedMemberTypes"` // User (and groups), Application
	IsEnabled          bool     `json:"isEnabled"`
}

// PreAuthorized is a client that needs no consent for some scopes of an API.
type PreAuthorized struct {
	AppID    AppID    `json:"appId"`
	ScopeIDs []string `json:"delegatedPermissionIds,omitempty"`
}

// RequiredAPI is what an application asks for at one API.
type RequiredAPI struct {
	ResourceAppID AppID            `json:"resourceAppId"`
	Access        []RequiredAccess `json:"resourceAccess,omitempty"`
}

// RequiredAccess is the id of a scope (Type Scope) or of an app role (Type Role).
type RequiredAccess struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// OptionalClaims are claims that an application wants on top of the usual ones.
type OptionalClaims struct {
	IDToken     []OptionalClaim `json:"idToken,omitempty"`
	AccessToken []OptionalClaim `json:"accessToken,omitempty"`
	SAML2Token  []OptionalClaim `json:"saml2Token,omitempty"`
}

// An OptionalClaim is one of them.
type OptionalClaim struct {
	Name                 string   `json:"name"`
	Source               string   `json:"source,omitempty"` // user, or empty
	Essential            bool     `json:"essential,omitempty"`
	AdditionalProperties []string `json:"additionalProperties,omitempty"`
}

// A Secret is a client secret, without the secret (Graph's passwordCredential).
type Secret struct {
	KeyID       string    `json:"keyId"`
	DisplayName string    `json:"displayName,omitempty"`
	Hint        string    `json:"hint,omitempty"` // its first three characters
	StartAt     time.Time `json:"startDateTime"`  // UTC, inclusive
	EndAt       time.Time `json:"endDateTime"`    // UTC, exclusive
	Hash        string    `json:"-"`
}

// MaxSecrets is how many secrets an application can have.
const MaxSecrets = 20

// Faults of applications.
var (
	ErrApplicationUnknown = &fault.Error{Kind: fault.NotFound, Code: "applicationUnknown", Text: "There is no such application."}
	ErrApplicationInvalid = &fault.Error{Kind: fault.Invalid, Code: "applicationInvalid", Text: "The application can't be saved like this."}
	ErrApplicationBuiltIn = &fault.Error{
		Kind: fault.Forbidden, Code: "applicationBuiltIn",
		Text: "This application is part of Postern and can't be changed or deleted.",
	}
	ErrIdentifierTaken = &fault.Error{
		Kind: fault.Conflict, Code: "identifierUriTaken", Target: "identifierUris",
		Text: "Another application of this tenant has this identifier URI.", Remedy: "Choose another one.",
	}
	ErrImplicitToken = &fault.Error{
		Kind: fault.Unsupported, Code: "implicitTokenUnsupported", Target: "web/implicitGrantSettings/enableAccessTokenIssuance",
		Text: "Access tokens are not handed out by the implicit flow.", Remedy: "Use the authorization code flow with PKCE.",
	}
	ErrAudienceUnsupported = &fault.Error{
		Kind: fault.Unsupported, Code: "audienceUnsupported", Target: "signInAudience",
		Text: "There are no personal accounts here.", Remedy: "Set signInAudience to AzureADMyOrg or AzureADMultipleOrgs.",
	}
	ErrSecretUnknown = &fault.Error{Kind: fault.NotFound, Code: "secretUnknown", Target: "keyId", Text: "The application has no such secret."}
	ErrSecretsFull   = &fault.Error{
		Kind: fault.Invalid, Code: "secretsFull",
		Text: "The application has as many secrets as it can have.", Remedy: "Remove one that is no longer used.",
	}
	ErrSecretInvalid = &fault.Error{Kind: fault.Invalid, Code: "secretInvalid", Text: "The secret can't be made like this."}
)

// Live reports whether s works at now.
func (s Secret) Live(now time.Time) bool { return !now.Before(s.StartAt) && now.Before(s.EndAt) }

// Check reports what is wrong with s as a fault, or nil.
func (s Secret) Check() error {
	switch {
	case !plainText(s.DisplayName):
		return ErrSecretInvalid.With("displayName", "displayName is longer than 256 characters or has control characters.")
	case !s.StartAt.Before(s.EndAt):
		return ErrSecretInvalid.With("endDateTime", "endDateTime must be after startDateTime.")
	}
	return nil
}

// BuiltIn reports whether id is an application that comes with Postern.
func (id AppID) BuiltIn() bool {
	switch id {
	case GraphAppID, DeveloperCLIAppID, CLIAppID, PagesAppID, ConsoleAppID, AgentAppID, DeviceRegistrationAppID:
		return true
	}
	return false
}
