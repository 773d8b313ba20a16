package hello

import (
	"regexp"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json" // refuses a member that appears twice, and minds case
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/postern-id/postern/internal/directory"
)

const (
	// MaxAssertion is the longest assertion that is read, in bytes.
	MaxAssertion = 4096
	// AssertionLifetime is how far ahead an assertion may end.
	AssertionLifetime = 5 * time.Minute

	maxID = 256 // bytes of jti
)

// An Assertion is a person at a device, signed by the key of their PIN (RFC 7523).
type Assertion struct {
	Nonce     string // of the server: single-use
	ID        string // jti
	ExpiresAt time.Time
}

// algorithms is the one that keys of PINs sign with. It is named here and not read from the
// assertion, so that a public key is never taken for a shared secret.
var algorithms = []jose.SignatureAlgorithm{jose.ES256}

// compact is the form of a signed JWT; decoders skip line feeds, so it is asked for first.
var compact = regexp.MustCompile(`^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$`)

// MethodOf returns the method that an unverified assertion says it is signed by.
func MethodOf(text string) (string, error) {
	parsed, err := parse(text)
	if err != nil {
		return "", err
	}
	kid := strings.ToLower(parsed.Signatures[0].Protected.KeyID)
	if !directory.IsID(kid) {
		return "", ErrAssertion.With("", "The assertion does not name its method in kid.")
	}
	return kid, nil
}

func parse(text string) (*jose.JSONWebSignature, error) {
	if len(text) > MaxAssertion || !compact.MatchString(text) {
		return nil, ErrAssertion.With("", "The assertion is not a single signed JWT.")
	}
	parsed, err := jose.ParseSignedCompact(text, algorithms)
	if err != nil {
		return nil, ErrAssertion.With("", "The assertion is malformed, or not signed with ES256.")
	}
	header := parsed.Signatures[0].Protected
	// A type of its own keeps DPoP proofs and tokens, which the device has too, from being
	// brought here (RFC 8725 section 3.11).
	if header.ExtraHeaders[jose.HeaderType] != "JWT" || header.ExtraHeaders["crit"] != nil || header.ExtraHeaders["b64"] != nil || header.JSONWebKey != nil {
		return nil, ErrAssertion.With("", "The header of the assertion is not that of a PIN's.")
	}
	return parsed, nil
}

type claims struct {
	jwt.Claims
	Nonce    string `json:"nonce"`
	DeviceID string `json:"device_id"`
}

// Verify checks that the key of c signed text for issuer, about its own person and device,
// and that it is in time. Whether its nonce is the server's, and new, is the caller's to ask.
func Verify(text string, c Container, issuer string, now time.Time) (Assertion, error) {
	parsed, err := parse(text)
	if err != nil {
		return Assertion{}, err
	}
	if !c.Registered() || !strings.EqualFold(parsed.Signatures[0].Protected.KeyID, c.Method) {
		return Assertion{}, ErrNone
	}
	key, err := c.PublicKey()
	if err != nil {
		return Assertion{}, err
	}
	body, err := parsed.Verify(key)
	if err != nil {
		return Assertion{}, ErrSignature
	}
	return verifyClaims(body, c, issuer, now)
}

func verifyClaims(body []byte, c Container, issuer string, now time.Time) (Assertion, error) {
	var in claims
	if json.Unmarshal(body, &in) != nil || in.ID == "" || len(in.ID) > maxID || in.Nonce == "" || in.Expiry == nil {
		return Assertion{}, ErrAssertion.With("", "The assertion lacks one of the claims iss, sub, aud, nonce, jti, exp and device_id.")
	}
	expires := in.Expiry.Time().UTC()
	switch {
	case in.Issuer != string(c.User) || in.Subject != string(c.User):
		return Assertion{}, ErrAssertion.With("", "The assertion is about another person than the PIN's.")
	case len(in.Audience) != 1 || in.Audience[0] != issuer:
		return Assertion{}, ErrAssertion.With("", "The assertion is for another server or tenant.")
	case in.DeviceID != c.DeviceID:
		return Assertion{}, ErrAssertion.With("", "The assertion is about another device than the PIN's.")
	case !now.Before(expires) || in.NotBefore.Time().After(now.Add(time.Minute)):
		return Assertion{}, ErrAssertion.With("", "The assertion has expired or is not valid yet. Check the device's clock.")
	case expires.After(now.Add(AssertionLifetime)):
		return Assertion{}, ErrAssertion.With("", "The assertion is valid for more than five minutes. Check the device's clock.")
	}
	return Assertion{Nonce: in.Nonce, ID: in.ID, ExpiresAt: expires}, nil
}
