package directory

import (
	"net/url"
	"slices"
	"strings"
)

// SAMLSettings is how an application is told by SAML 2.0 who signed in.
type SAMLSettings struct {
	// NameIDFormat is what an application gets that asks for no format: persistent, transient or
	// emailAddress, the UPN; empty means emailAddress.
	NameIDFormat string `json:"nameIdFormat,omitempty"`
	// Sign is what is signed: assertion, response or both; empty means assertion.
	Sign   string      `json:"sign,omitempty"`
	Claims []SAMLClaim `json:"claims,omitempty"`
	// OnlyThese leaves out the claims that every application gets otherwise.
	OnlyThese bool `json:"onlyTheseClaims,omitempty"`
	// LogoutSOAP is where the application takes LogoutRequests between servers, by SOAP.
	LogoutSOAP string `json:"logoutSoapUrl,omitempty"`
}

// A SAMLClaim is an attribute of assertions: a name, and the property of the person that it shows.
type SAMLClaim struct {
	Name   string `json:"name"`
	Source string `json:"source"` // of ClaimSources
}

// RequestSignature is Graph's requestSignatureVerification.
type RequestSignature struct {
	Required bool `json:"isSignedRequestRequired,omitempty"`
}

// UsageEncrypt and UsageVerify are what a [KeyCredential] is for.
const (
	UsageVerify  = "Verify"  // signatures of the application
	UsageEncrypt = "Encrypt" // assertions for it
)

// ClaimSources are the properties of a person that an application can be told, in the words of
// Entra's claims mapping, each with how it is read. None is a secret, and none is ours alone.
var ClaimSources = map[string]func(User) string{
	"user.objectid":                   func(u User) string { return string(u.ID) },
	"user.userprincipalname":          func(u User) string { return u.UserPrincipalName },
	"user.mail":                       func(u User) string { return u.Mail },
	"user.mailnickname":               func(u User) string { return u.MailNickname },
	"user.displayname":                func(u User) string { return u.DisplayName },
	"user.givenname":                  func(u User) string { return u.GivenName },
	"user.surname":                    func(u User) string { return u.Surname },
	"user.companyname":                func(u User) string { return u.CompanyName },
	"user.department":                 func(u User) string { return u.Department },
	"user.jobtitle":                   func(u User) string { return u.JobTitle },
	"user.employeeid":                 func(u User) string { return u.EmployeeID },
	"user.country":                    func(u User) string { return u.Country },
	"user.city":                       func(u User) string { return u.City },
	"user.state":                      func(u User) string { return u.State },
	"user.streetaddress":              func(u User) string { return u.StreetAddress },
	"user.postalcode":                 func(u User) string { return u.PostalCode },
	"user.physicaldeliveryofficename": func(u User) string { return u.OfficeLocation },
	"user.telephonenumber": func(u User) string {
		if len(u.BusinessPhones) == 0 {
			return ""
		}
		return u.BusinessPhones[0]
	},
	"user.preferredlanguage":            func(u User) string { return u.PreferredLanguage },
	"user.onpremisessamaccountname":     func(u User) string { return u.OnPremisesSamAccountName },
	"user.onpremisessecurityidentifier": func(u User) string { return u.OnPremisesSecurityIdentifier },
	"user.onpremisesuserprincipalname":  func(u User) string { return u.OnPremisesUserPrincipalName },
}

// maxSAMLClaims bounds the claims of an application.
const maxSAMLClaims = 50

// checkSAML holds what says how an application signs people in by SAML.
func checkSAML(a Application, _ Tenant) error {
	if id := a.TokenEncryptionKeyID; id != "" && !slices.ContainsFunc(a.KeyCredentials, func(k KeyCredential) bool { return k.KeyID == id && k.Usage == UsageEncrypt }) {
		return ErrApplicationInvalid.With("tokenEncryptionKeyId", "tokenEncryptionKeyId must be the keyId of a certificate of this application with the usage Encrypt.")
	}
	s := a.SAML
	if s == nil {
		return nil
	}
	switch {
	case !slices.Contains([]string{"", "persistent", "transient", "emailAddress"}, s.NameIDFormat):
		return ErrApplicationInvalid.With("postern_saml/nameIdFormat", "nameIdFormat is persistent, transient or emailAddress.")
	case !slices.Contains([]string{"", "assertion", "response", "both"}, s.Sign):
		return ErrApplicationInvalid.With("postern_saml/sign", "sign is assertion, response or both.")
	case len(s.Claims) > maxSAMLClaims:
		return ErrApplicationInvalid.With("postern_saml/claims", "An application has at most 50 claims.")
	}
	for _, c := range s.Claims {
		if c.Name == "" || len(c.Name) > maxURI || !plainText(c.Name) || ClaimSources[strings.ToLower(c.Source)] == nil {
			return ErrApplicationInvalid.With("postern_saml/claims", "A claim needs a name, and a source such as user.mail.")
		}
	}
	return nil
}

// entityID reports whether uri may be the SAML entity id of an application, which others choose:
// any absolute URI that is not the name of an API of this house.
func entityID(u *url.URL, uri string) bool {
	if strings.Contains(uri, "#") || !uriCharacters.MatchString(uri) {
		return false
	}
	switch u.Scheme {
	case "https", "http":
		return u.User == nil && u.Host != "" && !strings.EqualFold(u.Hostname(), "graph.microsoft.com")
	case "urn":
		return u.Opaque != ""
	}
	return false
}
