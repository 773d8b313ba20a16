// Package dpop verifies DPoP proofs (RFC 9449): that whoever sends a request holds the
// key that a code, refresh token or access token is bound to. It owns the twelve checks
// of section 4.3; nonces are made, and proofs remembered, by others.
package dpop

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
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
	// MaxSize is the longest proof that is read, in bytes.
	MaxSize = 8192
	// MaxAge is how long a proof can be used after it was made.
	MaxAge = 5 * time.Minute
	// MaxAhead is how far the clock that made a proof may be ahead of ours.
	MaxAhead = time.Minute

	maxID = 256 // bytes of jti
)

// ErrInvalid reports a proof that is no good; its text says why.
var ErrInvalid = &fault.Error{
	Kind: fault.Unauthorized, Code: "dpopProofInvalid", Target: "DPoP",
	Text: "The DPoP proof of this request can't be used.",
}

// ErrUseNonce reports a proof without one of the server's nonces. The answer carries a
// fresh one in DPoP-Nonce, and the client tries again (RFC 9449 section 8).
var ErrUseNonce = &fault.Error{
	Kind: fault.Unauthorized, Code: "dpopNonceNeeded", Target: "DPoP",
	Text:   "The DPoP proof needs a nonce of this server.",
	Remedy: "Send it again with the one in the header DPoP-Nonce.",
}

// algorithms are those that TPMs, browsers and libraries sign proofs with. All are
// asymmetric, as check 5 asks.
var algorithms = []jose.SignatureAlgorithm{jose.ES256, jose.ES384, jose.RS256, jose.PS256, jose.EdDSA}

// Algorithms returns the accepted values of alg, for
// dpop_signing_alg_values_supported (RFC 9449 section 5.1).
func Algorithms() []string {
	var names []string
	for _, a := range algorithms {
		names = append(names, string(a))
	}
	return names
}

// Want says what a proof has to be made for.
type Want struct {
	Method string    // the request's, such as POST
	URL    string    // the request's as the client sees it: public URL and path; a query is ignored
	Now    time.Time // the server's clock
	// Nonces are the server's nonces that are good now, usually the current and the
	// previous one. With none, proofs need no nonce.
	Nonces []string
	// AccessToken is the token that came with the request; empty at the token endpoint.
	AccessToken string
	// Thumbprint is that of the key which the access token (cnf.jkt), refresh token or
	// code (dpop_jkt) is bound to. With an access token an empty one refuses every proof:
	// an unbound token is used with Bearer.
	Thumbprint string
}

// A Proof is one that was verified.
type Proof struct {
	Key        any       // public key that made it
	Thumbprint string    // of Key: RFC 7638, SHA-256, base64url
	ID         string    // jti; unique for the key if the client is honest: see Once
	IssuedAt   time.Time // UTC
	BodyHash   string    // claim bh of a device's proof (package device), which Verify does not judge
}

// FromHeader returns the proof among the values of a request's DPoP header, or nothing if
// there is none. More than one (RFC 9449 section 4.3, check 1) or an empty one is ErrInvalid.
func FromHeader(values []string) (string, error) {
	switch {
	case len(values) == 0:
		return "", nil
	case len(values) > 1:
		return "", ErrInvalid.With("", "A request has one DPoP header only.")
	case values[0] == "":
		return "", ErrInvalid.With("", "The DPoP header is empty.")
	default:
		return values[0], nil
	}
}

// compact is the form of a signed JWT (RFC 7515 section 7.1). Decoders skip line feeds,
// so it is asked for first.
var compact = regexp.MustCompile(`^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$`)

// Verify makes checks 2 to 12 of RFC 9449 section 4.3; FromHeader makes check 1. The
// error is ErrInvalid or ErrUseNonce. A proof that passes can still be a replay: see Once.
func Verify(proof string, want Want) (Proof, error) {
	if len(proof) > MaxSize || !compact.MatchString(proof) { // check 2
		return Proof{}, ErrInvalid.With("", "The DPoP proof is not a single signed JWT.")
	}
	parsed, err := jose.ParseSignedCompact(proof, algorithms) // checks 2, 5, 7
	if err != nil {
		return Proof{}, ErrInvalid.With("", "The DPoP proof is malformed, or its algorithm or key is not accepted.")
	}
	header := parsed.Signatures[0].Protected
	if header.ExtraHeaders[jose.HeaderType] != "dpop+jwt" { // check 4
		return Proof{}, ErrInvalid.With("", "The DPoP proof has a typ other than dpop+jwt.")
	}
	if header.ExtraHeaders["crit"] != nil || header.ExtraHeaders["b64"] != nil {
		return Proof{}, ErrInvalid.With("", "The DPoP proof uses an extension that is not known here.")
	}
	key := header.JSONWebKey
	if key == nil || hasPrivatePart(proof) || isWeak(key.Key) { // checks 6, 7
		return Proof{}, ErrInvalid.With("", "The DPoP proof has no public key that is accepted.")
	}
	body, err := parsed.Verify(key.Key) // check 6
	if err != nil {
		return Proof{}, ErrInvalid.With("", "The signature of the DPoP proof does not belong to its key.")
	}
	thumbprint, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return Proof{}, ErrInvalid
	}
	p, err := verifyClaims(body, base64.RawURLEncoding.EncodeToString(thumbprint), want)
	if err != nil {
		return Proof{}, err
	}
	p.Key = key.Key
	return p, nil
}

// isWeak reports whether key is an RSA key of less than 2048 bits (RFC 7518 section 3.3)
// or with an exponent other than an odd number from 65537 (FIPS 186-5 section 5.4).
func isWeak(key any) bool {
	k, ok := key.(*rsa.PublicKey)
	return ok && (k.N.BitLen() < 2048 || k.E < 65537 || k.E%2 == 0)
}

type claims struct {
	ID     string           `json:"jti"`
	Method string           `json:"htm"`
	URL    string           `json:"htu"`
	Issued *jwt.NumericDate `json:"iat"`
	Nonce  string           `json:"nonce"`
	Hash   string           `json:"ath"`
	Body   string           `json:"bh"`
}

// verifyClaims makes the checks of RFC 9449 section 4.3 that are about the claims in body.
func verifyClaims(body []byte, thumbprint string, want Want) (Proof, error) {
	var c claims
	if err := json.Unmarshal(body, &c); err != nil || c.ID == "" || len(c.ID) > maxID || c.Issued == nil { // check 3
		return Proof{}, ErrInvalid.With("", "The DPoP proof lacks one of the claims jti, htm, htu and iat.")
	}
	if c.Method != want.Method { // check 8
		return Proof{}, ErrInvalid.With("", "The DPoP proof is for another method.")
	}
	if !sameURL(c.URL, want.URL) { // check 9
		return Proof{}, ErrInvalid.With("", "The DPoP proof is for another URL.")
	}
	if len(want.Nonces) > 0 && (c.Nonce == "" || !slices.Contains(want.Nonces, c.Nonce)) { // check 10
		return Proof{}, ErrUseNonce
	}
	issued := c.Issued.Time().UTC()
	if issued.After(want.Now.Add(MaxAhead)) || !want.Now.Before(issued.Add(MaxAge)) { // check 11
		return Proof{}, ErrInvalid.With("", "The DPoP proof is too old, or the clock of the client is ahead.")
	}
	if want.AccessToken != "" { // check 12a
		hash := sha256.Sum256([]byte(want.AccessToken))
		if want.Thumbprint == "" || c.Hash != base64.RawURLEncoding.EncodeToString(hash[:]) {
			return Proof{}, ErrInvalid.With("", "The DPoP proof is not for this access token.")
		}
	}
	if want.Thumbprint != "" && want.Thumbprint != thumbprint { // check 12b; sections 5 and 10
		return Proof{}, ErrInvalid.With("", "The DPoP proof is made with another key than the one that is bound.")
	}
	return Proof{Thumbprint: thumbprint, ID: c.ID, IssuedAt: issued, BodyHash: c.Body}, nil
}

// hasPrivatePart reports whether the jwk of a proof has a member that belongs to a
// private or symmetric key (RFC 7518 section 6), be it empty.
func hasPrivatePart(proof string) bool {
	head, _, _ := strings.Cut(proof, ".")
	raw, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		return true
	}
	var header struct {
		Key map[string]json.RawMessage `json:"jwk"`
	}
	if json.Unmarshal(raw, &header) != nil {
		return true
	}
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"} {
		if _, ok := header.Key[name]; ok {
			return true
		}
	}
	return false
}
