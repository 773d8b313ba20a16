package token

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/directory"
)

// Types of JWT, in the header's typ.
const (
	TypeJWT    = "JWT"
	TypeLogout = "logout+jwt" // OpenID Connect Back-Channel Logout 1.0 section 2.4
	TypeAccess = "at+jwt"     // RFC 9068 section 2.1, for tokens of our own APIs
)

// Access are the claims of an access token. The names are Entra's; those that start with
// postern_ are ours. https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
type Access struct {
	Audience  string `json:"aud"`
	Issuer    string `json:"iss"`
	IssuedAt  int64  `json:"iat"` // seconds, as the two below
	NotBefore int64  `json:"nbf"`
	Expires   int64  `json:"exp"`

	Tenant  directory.TenantID `json:"tid"`
	Object  string             `json:"oid"`
	Subject string             `json:"sub"`
	Version string             `json:"ver"`
	ID      string             `json:"uti"`
	JTI     string             `json:"jti,omitempty"`

	AppID     directory.AppID `json:"appid,omitempty"`
	AppIDACR  string          `json:"appidacr,omitempty"` // 0 public, 1 secret, 2 certificate
	AZP       directory.AppID `json:"azp,omitempty"`
	AZPACR    string          `json:"azpacr,omitempty"`
	IDType    string          `json:"idtyp,omitempty"` // app or user
	Scopes    string          `json:"scp,omitempty"`
	Roles     []string        `json:"roles,omitempty"`
	WIDs      []string        `json:"wids,omitempty"`
	AMR       []string        `json:"amr,omitempty"`
	ACR       string          `json:"acr,omitempty"`
	ACRs      []string        `json:"acrs,omitempty"`
	AuthTime  int64           `json:"auth_time,omitempty"`
	Name      string          `json:"name,omitempty"`
	UPN       string          `json:"upn,omitempty"`
	Preferred string          `json:"preferred_username,omitempty"`
	Unique    string          `json:"unique_name,omitempty"`
	IPAddress string          `json:"ipaddr,omitempty"`
	Session   string          `json:"sid,omitempty"`
	CC        []string        `json:"xms_cc,omitempty"`
	Groups    []string        `json:"groups,omitempty"`
	Email     string          `json:"email,omitempty"`
	Given     string          `json:"given_name,omitempty"`
	Surname   string          `json:"family_name,omitempty"`
	*Overage
	Device string `json:"deviceid,omitempty"` // device id of the joined device that proved itself

	// Confirm binds the token to a key (RFC 7800, RFC 9449 section 6.1).
	Confirm *Confirmation `json:"cnf,omitempty"`

	Incarnation string `json:"postern_inc"`               // life of the store
	Family      string `json:"postern_family,omitempty"`  // row that ends it
	Credential  string `json:"postern_cred,omitempty"`    // keyId of the secret or certificate by which an application got it
	PassID      string `json:"postern_pass,omitempty"`    // pass that it came from
	PassEnd     int64  `json:"postern_passend,omitempty"` // seconds
	Purpose     string `json:"postern_purpose,omitempty"`
	// Rules is the version of the tenant's rules of Conditional Access that let it be issued.
	Rules int64 `json:"postern_rules,omitempty"`
	// Protocol is deviceCode when the person signed in at another device than the one that
	// has the token: never fresh for registration, join or PIN (docs/threat-model.md, rule 18).
	Protocol string `json:"postern_protocol,omitempty"`
	// Join says that such a sign-in may join the device all the same: the person copied its
	// number.
	Join bool `json:"postern_join,omitempty"`
}

// Confirmation names the key that must prove itself with the token.
type Confirmation struct {
	JKT string `json:"jkt,omitempty"`
}

// AppOnly reports whether the token speaks for an application alone.
func (a Access) AppOnly() bool { return a.IDType == "app" }

// ParseAccess verifies raw as an access token for audience at now. Whether its family, user
// and session still live is the caller's to ask.
func (k *Keys) ParseAccess(ctx context.Context, raw, issuer string, audiences []string, incarnation string, now time.Time) (Access, error) {
	tenant, err := peekTenant(raw)
	if err != nil {
		return Access{}, ErrInvalid
	}
	body, err := k.Verify(ctx, string(tenant), raw, TypeAccess)
	if err != nil {
		return Access{}, err
	}
	var a Access
	if err := json.Unmarshal(body, &a); err != nil {
		return Access{}, ErrInvalid
	}
	right := a.Tenant == tenant && a.Issuer == issuer+"/"+string(tenant)+"/v2.0" && a.Incarnation == incarnation
	for _, audience := range audiences {
		if right && a.Audience == audience && now.Unix() < a.Expires && now.Unix() >= a.NotBefore-60 {
			return a, nil
		}
	}
	return Access{}, ErrInvalid
}

// peekTenant reads the tenant that an unverified token claims, to find the keys to verify
// it with; the verified claims must then say the same.
func peekTenant(raw string) (directory.TenantID, error) {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 || len(raw) > maxToken {
		return "", ErrInvalid
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", ErrInvalid
	}
	var claims struct {
		Tenant directory.TenantID `json:"tid"`
	}
	if err := json.Unmarshal(body, &claims); err != nil || !directory.IsID(string(claims.Tenant)) {
		return "", ErrInvalid
	}
	return claims.Tenant, nil
}
