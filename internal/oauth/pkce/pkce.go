// Package pkce checks Proof Key for Code Exchange (RFC 7636): the challenge of an
// authorization request and the verifier that comes with its code. Whether a client
// must use it is the caller's rule.
//
// S256 is the only method. Entra takes plain too; it protects nothing once a request is
// seen, and RFC 9700 section 2.1.1 advises against it. An absent method means plain, so
// it is refused as well, and an unknown one is never taken for plain.
package pkce

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"regexp"

	"github.com/postern-id/postern/internal/fault"
)

// Method is the one value of code_challenge_method, as discovery names it.
const Method = "S256"

// ErrChallenge reports an authorization request whose challenge or method is no good.
var ErrChallenge = &fault.Error{
	Kind: fault.Invalid, Code: "pkceChallengeInvalid", AADSTS: 50147, Target: "code_challenge",
	Text:   "The code challenge of this request can't be used.",
	Remedy: "Send the SHA-256 hash of the verifier as 43 characters of base64url, with the method S256.",
}

// ErrVerifier reports a verifier that no client may make.
var ErrVerifier = &fault.Error{
	Kind: fault.Invalid, Code: "pkceVerifierInvalid", AADSTS: 501491, Target: "code_verifier",
	Text: "A code verifier has 43 to 128 letters, digits, hyphens, dots, underscores or tildes.",
}

// ErrMismatch reports a verifier that is not the one of the challenge, is missing, or
// comes with a code that was asked for without a challenge.
var ErrMismatch = &fault.Error{
	Kind: fault.Invalid, Code: "pkceMismatch", AADSTS: 501481, Target: "code_verifier",
	Text:   "The code verifier does not belong to the code challenge of the authorization request.",
	Remedy: "Start the sign-in again.",
}

// verifierForm is the code-verifier rule of RFC 7636 section 4.1.
var verifierForm = regexp.MustCompile(`^[A-Za-z0-9\-._~]{43,128}$`)

// Check returns nil if method and challenge of an authorization request are good, else
// ErrChallenge. A request that has neither does not use PKCE: don't call Check then.
func Check(method, challenge string) error {
	// The length is asked for because decoding skips line feeds.
	hash, err := base64.RawURLEncoding.Strict().DecodeString(challenge)
	if method != Method || len(challenge) != 43 || err != nil || len(hash) != sha256.Size {
		return ErrChallenge
	}
	return nil
}

// Verify returns nil if verifier is the one of challenge, else ErrVerifier or
// ErrMismatch. Call it when the code was asked for with a challenge, or the token
// request has a verifier: the second without the first is a downgrade (RFC 9700
// section 2.1.1) and refused.
func Verify(method, challenge, verifier string) error {
	if verifier == "" || Check(method, challenge) != nil {
		return ErrMismatch
	}
	if !verifierForm.MatchString(verifier) {
		return ErrVerifier
	}
	hash := sha256.Sum256([]byte(verifier))
	want := base64.RawURLEncoding.EncodeToString(hash[:])
	if subtle.ConstantTimeCompare([]byte(want), []byte(challenge)) != 1 {
		return ErrMismatch
	}
	return nil
}
