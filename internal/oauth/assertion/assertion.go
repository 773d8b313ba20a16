// Package assertion verifies the JWTs by which a confidential client proves who it is
// with a certificate or key in place of a secret (RFC 7523 section 3, private_key_jwt of
// OpenID Connect Core section 9), in the forms that Entra's clients send (Learn
// "Application authentication certificate credentials"). Keys are registered and kept by
// others; what the header says of itself, x5c and jwk, is never a reason to trust it.
package assertion

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json" // refuses a member that appears twice, and minds case
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/postern-id/postern/internal/fault"
)

const (
	// Type is the one value of client_assertion_type.
	Type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	// MaxSize is the longest assertion that is read, in bytes: one with a chain of
	// certificates in its header.
	MaxSize = 16384
	// MaxLifetime is how far ahead exp may lie. Libraries say five to ten minutes.
	MaxLifetime = time.Hour
	// MaxAhead is how far the client's clock may be ahead of ours.
	MaxAhead = 5 * time.Minute

	maxID      = 256         // bytes of jti
	maxTried   = 10          // keys tried when the header names none
	clockDrift = time.Minute // between replicas
)

// ErrSignature reports an assertion that no registered key of the client signed.
var ErrSignature = &fault.Error{
	Kind: fault.Unauthorized, Code: "clientAssertionSignature", AADSTS: 700027, Target: "client_assertion",
	Text:   "The client assertion is not signed with a valid key of this application.",
	Remedy: "Check that the certificate is registered for the application and has not expired.",
}

// ErrInvalid reports an assertion whose claims are not what is needed, or that was used
// before; its text says which.
var ErrInvalid = &fault.Error{
	Kind: fault.Unauthorized, Code: "clientAssertionInvalid", AADSTS: 70002, Target: "client_assertion",
	Text: "The client assertion can't be used.",
}

// algorithms are those of Entra's clients, and ES256. All are asymmetric: a public key
// is no secret, so HS256 would let anybody sign.
var algorithms = []jose.SignatureAlgorithm{jose.PS256, jose.RS256, jose.ES256}

// Algorithms returns the accepted values of alg, for
// token_endpoint_auth_signing_alg_values_supported.
func Algorithms() []string {
	var names []string
	for _, a := range algorithms {
		names = append(names, string(a))
	}
	return names
}

// Want says what an assertion has to be.
type Want struct {
	Client    string    // the client id; must not be empty
	Audiences []string  // what names this server: the token endpoint's URLs, the issuer
	Keys      []Key     // those registered for the client
	Now       time.Time // the server's clock
}

// An Assertion is one that was verified.
type Assertion struct {
	ID        string    // jti; see Once
	KeyID     string    // ID of the key that signed
	ExpiresAt time.Time // UTC
}

// compact is the form of a signed JWT (RFC 7515 section 7.1). Decoders skip line feeds,
// so it is asked for first.
var compact = regexp.MustCompile(`^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$`)

// Verify returns the assertion that text holds, if a key of want.Keys signed it and its
// claims are as RFC 7523 section 3 asks; else ErrSignature or ErrInvalid. One that
// passes can still be a replay: see Once.
func Verify(text string, want Want) (Assertion, error) {
	if len(text) > MaxSize || !compact.MatchString(text) {
		return Assertion{}, ErrSignature.With("", "The client assertion is not a signed JWT.")
	}
	parsed, err := jose.ParseSignedCompact(text, algorithms)
	if err != nil {
		return Assertion{}, ErrSignature.With("", "The client assertion is malformed, or its algorithm is not accepted.")
	}
	header := parsed.Signatures[0].Protected
	if !isType(header.ExtraHeaders[jose.HeaderType]) || header.ExtraHeaders["crit"] != nil || header.ExtraHeaders["b64"] != nil {
		return Assertion{}, ErrSignature.With("", "The header of the client assertion has a type or an extension that is not accepted.")
	}
	hints, ok := hintsOf(text)
	if !ok {
		return Assertion{}, ErrSignature
	}
	for _, key := range hints.choose(want.Keys) {
		if !key.isUsable(want.Now) {
			continue
		}
		if body, err := parsed.Verify(key.Public); err == nil {
			return verifyClaims(body, key.ID, want)
		}
	}
	return Assertion{}, ErrSignature
}

// isType reports whether typ is absent or that of a client assertion. A JWT made for
// something else, such as a DPoP proof, says so there.
func isType(typ any) bool {
	if typ == nil {
		return true
	}
	s, ok := typ.(string)
	return ok && (strings.EqualFold(s, "JWT") || s == "client-authentication+jwt")
}

// isUsable reports whether k can verify now: a strong key within its time.
func (k Key) isUsable(now time.Time) bool {
	if now.Before(k.NotBefore) || !k.NotAfter.IsZero() && now.After(k.NotAfter) {
		return false
	}
	switch public := k.Public.(type) {
	case *rsa.PublicKey:
		return public.N.BitLen() >= 2048 // RFC 7518 section 3.3
	case *ecdsa.PublicKey:
		return true // ES256 takes P-256 only
	}
	return false
}

// verifyClaims checks what RFC 7523 section 3 says of the claims in body. All audiences have to be
// ours: an assertion that is good elsewhere too could be brought here from there.
func verifyClaims(body []byte, keyID string, want Want) (Assertion, error) {
	var c jwt.Claims
	if json.Unmarshal(body, &c) != nil || c.ID == "" || len(c.ID) > maxID || c.Expiry == nil {
		return Assertion{}, ErrInvalid.With("", "The client assertion lacks one of the claims aud, iss, sub, jti and exp.")
	}
	if want.Client == "" || !strings.EqualFold(c.Issuer, want.Client) || !strings.EqualFold(c.Subject, want.Client) {
		return Assertion{}, ErrInvalid.With("", "The client assertion has another iss or sub than the client id.")
	}
	if len(c.Audience) == 0 || slices.ContainsFunc(c.Audience, func(a string) bool { return !slices.Contains(want.Audiences, a) }) {
		return Assertion{}, ErrInvalid.With("", "The client assertion has another aud than this token endpoint.")
	}
	expires, latest := c.Expiry.Time().UTC(), want.Now.Add(MaxAhead)
	if !want.Now.Before(expires) || c.NotBefore.Time().After(latest) || c.IssuedAt.Time().After(latest) {
		return Assertion{}, ErrInvalid.With("", "The client assertion has expired or is not valid yet. Check the client's clock.")
	}
	if expires.After(want.Now.Add(MaxLifetime)) {
		return Assertion{}, ErrInvalid.With("", "The client assertion is valid for more than an hour.")
	}
	return Assertion{ID: c.ID, KeyID: keyID, ExpiresAt: expires}, nil
}

// Replay remembers what may be used once only.
type Replay interface {
	// Seen remembers id, which belongs to kind and tenant, at least until the given time,
	// and reports whether it is new. Of any number of concurrent calls, on any number of
	// replicas, one is told that it is. An error means that nobody can tell.
	Seen(ctx context.Context, tenant, kind, id string, until time.Time) (fresh bool, err error)
}

// Once returns nil the first time that tenant sees a, an assertion of client, and
// ErrInvalid from then on (RFC 7523 section 3, item 7). Any other error means that a
// could not be remembered, and that it must not be accepted.
func Once(ctx context.Context, r Replay, tenant, client string, a Assertion) error {
	id := sha256.Sum256([]byte(strings.ToLower(client) + "\n" + a.ID))
	fresh, err := r.Seen(ctx, tenant, "clientAssertion", base64.RawURLEncoding.EncodeToString(id[:]), a.ExpiresAt.Add(clockDrift))
	if err != nil {
		return fmt.Errorf("remember a client assertion: %w", err)
	}
	if !fresh {
		return ErrInvalid.With("", "This client assertion was used before. Make a new one for each request.")
	}
	return nil
}
