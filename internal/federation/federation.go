// Package federation owns what a domain says about an identity provider elsewhere, the upstream,
// where its people sign in: how it is reached, whose word it may give, and what that word counts.
// The names are those of Graph's internalDomainFederation; docs/federation.md has the rules and
// their sources. How messages look is left to the packages of the protocols below it.
package federation

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
)

// A Protocol is how an upstream is spoken to.
type Protocol string

// The protocols.
const (
	OIDC Protocol = "oidc" // OpenID Connect: code flow with PKCE
	SAML Protocol = "saml" // SAML 2.0: Web Browser SSO, begun here
)

// MFABehavior is Graph's federatedIdpMfaBehavior: who does multifactor authentication.
// https://learn.microsoft.com/graph/api/resources/internaldomainfederation
type MFABehavior string

// The behaviours.
const (
	AcceptMFA  MFABehavior = "acceptIfMfaDoneByFederatedIdp" // what the upstream did counts; else it is done here
	EnforceMFA MFABehavior = "enforceMfaByFederatedIdp"      // the upstream has to do it: who comes without goes back
	RejectMFA  MFABehavior = "rejectMfaByFederatedIdp"       // it is always done here
)

// A Configuration says how the people of a domain sign in at its upstream.
type Configuration struct {
	Tenant directory.TenantID `json:"-"`
	Domain string             `json:"-"` // lower case
	ID     string             `json:"-"` // UUID

	DisplayName string   `json:"displayName"`
	Protocol    Protocol `json:"protocol"`
	// Issuer is whose word counts: the issuer of id tokens, or the entity id.
	Issuer string `json:"issuer"`

	// Of SAML. Certificates are DER in base64.
	SignInURI              string `json:"signInUri,omitempty"`
	SignOutURI             string `json:"signOutUri,omitempty"`
	MetadataURI            string `json:"metadataUri,omitempty"`
	SigningCertificate     string `json:"signingCertificate,omitempty"`
	NextSigningCertificate string `json:"nextSigningCertificate,omitempty"`
	SignedRequests         bool   `json:"signedRequests,omitempty"`
	// CertificateUpdate is when the metadata were last read for new certificates; nil: never.
	CertificateUpdate *Update `json:"certificateUpdate,omitempty"`

	// Of OpenID Connect. Sealed is the client secret, sealed for this domain; empty for none.
	ClientID string   `json:"clientId,omitempty"`
	Sealed   string   `json:"clientSecret,omitempty"`
	Secret   Secret   `json:"-"`
	Scopes   []string `json:"scopes,omitempty"` // beside openid

	PasswordResetURI string      `json:"passwordResetUri,omitempty"`
	MFA              MFABehavior `json:"federatedIdpMfaBehavior"`
	// MFAValues are what the upstream says when it did multifactor authentication: values of
	// amr and acr, or of AuthnContextClassRef and authnmethodsreferences. None: it never did.
	MFAValues []string `json:"mfaValues"`
	// PassFirst lets a pass come before the upstream.
	PassFirst bool `json:"passBeforeFederation"`
	// Claims says which claim or attribute has what.
	Claims Mapping `json:"claims"`
	// CreateUsers makes an account for whom the upstream knows and nobody here does.
	CreateUsers bool `json:"createUsers,omitempty"`

	CreatedAt  time.Time `json:"createdAt"`
	ModifiedAt time.Time `json:"-"`
	Version    int64     `json:"-"`
}

// An Update says when something was looked for, and what came of it.
type Update struct {
	Result string    `json:"result"`
	At     time.Time `json:"at"`
}

// A Mapping names the claims that people's properties are read from; empty ones are not read.
type Mapping struct {
	UserPrincipalName string `json:"userPrincipalName"`
	DisplayName       string `json:"displayName,omitempty"`
	GivenName         string `json:"givenName,omitempty"`
	Surname           string `json:"surname,omitempty"`
	Mail              string `json:"mail,omitempty"`
}

// A Secret is what proves this server to an upstream. Only Reveal shows it.
type Secret struct{ text *string }

// NewSecret holds text.
func NewSecret(text string) Secret { return Secret{&text} }

func (Secret) String() string { return "[secret]" }

// Reveal returns the secret, empty for none.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// MultipleAuthn is what Microsoft's claims call multifactor authentication.
const MultipleAuthn = "http://schemas.microsoft.com/claims/multipleauthn"

// Usual are the settings of a configuration of which nothing was said.
func Usual(p Protocol) Configuration {
	c := Configuration{
		Protocol: p, MFA: AcceptMFA, PassFirst: true, MFAValues: []string{"mfa", MultipleAuthn, "https://refeds.org/profile/mfa"},
		Claims: Mapping{UserPrincipalName: "preferred_username", DisplayName: "name", GivenName: "given_name", Surname: "family_name", Mail: "email"},
	}
	switch p {
	case OIDC:
		c.Scopes = []string{"profile", "email"}
	case SAML:
		c.SignedRequests = true
		const claims = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
		c.Claims = Mapping{
			UserPrincipalName: claims + "upn", DisplayName: claims + "name", GivenName: claims + "givenname", Surname: claims + "surname", Mail: claims + "emailaddress",
		}
	}
	return c
}

// ErrInvalid says what of a configuration can't be saved.
var ErrInvalid = &fault.Error{
	Kind: fault.Invalid, Code: "federationInvalid", Text: "The federation of the domain can’t be saved like this.",
}

// Check reports the first rule that c breaks, by Graph's names, or nil.
func (c Configuration) Check() error {
	wrong := func(property, why string) error { return ErrInvalid.With(property, why) }
	switch {
	case c.DisplayName == "" || len(c.DisplayName) > 256:
		return wrong("displayName", "displayName has 1 to 256 characters: people read it where they are led to.")
	case c.MFA != AcceptMFA && c.MFA != EnforceMFA && c.MFA != RejectMFA:
		return wrong("federatedIdpMfaBehavior", "federatedIdpMfaBehavior is acceptIfMfaDoneByFederatedIdp, enforceMfaByFederatedIdp or rejectMfaByFederatedIdp.")
	case c.MFA == EnforceMFA && len(c.MFAValues) == 0:
		return wrong("postern_mfaValues", "With enforceMfaByFederatedIdp something has to say that it was done: postern_mfaValues must not be empty.")
	case c.Claims.UserPrincipalName == "":
		return wrong("postern_claims", "postern_claims.userPrincipalName says which claim has people’s names.")
	case c.PasswordResetURI != "" && !secure(c.PasswordResetURI):
		return wrong("passwordResetUri", "passwordResetUri is an https address.")
	case c.SignOutURI != "" && !secure(c.SignOutURI):
		return wrong("signOutUri", "signOutUri is an https address.")
	}
	switch c.Protocol {
	case OIDC:
		switch {
		case !secure(c.Issuer) || strings.ContainsAny(c.Issuer, "?#"):
			return wrong("issuerUri", "issuerUri is the https address under which the upstream has its .well-known/openid-configuration.")
		case c.ClientID == "" || len(c.ClientID) > 256:
			return wrong("postern_clientId", "postern_clientId is what this server is called at the upstream.")
		case slices.ContainsFunc(c.Scopes, func(s string) bool { return s == "" || strings.ContainsAny(s, " \"\\") }):
			return wrong("postern_scopes", "postern_scopes holds names of scopes.")
		}
	case SAML:
		return c.checkSAML(wrong)
	default:
		return wrong("postern_protocol", "postern_protocol is oidc or saml.")
	}
	return nil
}

func (c Configuration) checkSAML(wrong func(property, why string) error) error {
	switch {
	case c.Issuer == "" || len(c.Issuer) > 1024:
		return wrong("issuerUri", "issuerUri is the entity id of the upstream.")
	case !secure(c.SignInURI):
		return wrong("passiveSignInUri", "passiveSignInUri is the https address of the upstream’s SingleSignOnService with the redirect binding.")
	case c.MetadataURI != "" && !secure(c.MetadataURI):
		return wrong("metadataExchangeUri", "metadataExchangeUri is an https address.")
	}
	if _, err := ParseCertificate(c.SigningCertificate); err != nil {
		return wrong("signingCertificate", "signingCertificate is an X.509 certificate, its DER in base64.")
	}
	if c.NextSigningCertificate != "" {
		if _, err := ParseCertificate(c.NextSigningCertificate); err != nil {
			return wrong("nextSigningCertificate", "nextSigningCertificate is an X.509 certificate, its DER in base64.")
		}
	}
	return nil
}

// secure reports whether text is an https address without anybody's name in it.
func secure(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && u.Fragment == "" && len(text) <= 2048
}
