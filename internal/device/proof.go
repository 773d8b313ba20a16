package device

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/dpop"
	"github.com/postern-id/postern/internal/fault"
)

// A Call is one request as its proof sees it.
type Call struct {
	Method      string
	URL         string // without query
	Body        []byte
	Nonce       string // of the server
	AccessToken string // that comes with it; empty for none
}

// Prove makes the DPoP proof of a call (RFC 9449 section 4.2) with a key on P-256, and binds
// the body to it by one claim more: bh, the base64url of its SHA-256.
func Prove(key crypto.Signer, c Call, now time.Time) (string, error) {
	body := sha256.Sum256(c.Body)
	claims := map[string]any{
		"jti": uuid.NewString(), "htm": c.Method, "htu": c.URL, "iat": now.Unix(),
		"bh": base64.RawURLEncoding.EncodeToString(body[:]),
	}
	if c.Nonce != "" {
		claims["nonce"] = c.Nonce
	}
	if c.AccessToken != "" {
		hash := sha256.Sum256([]byte(c.AccessToken))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(hash[:])
	}
	public, ok := key.Public().(*ecdsa.PublicKey)
	if !ok {
		return "", errors.New("a device key is an ECDSA key")
	}
	return SignJWT(key, map[string]any{"typ": "dpop+jwt", "alg": "ES256", "jwk": jose.JSONWebKey{Key: public}}, claims)
}

// SignJWT signs claims with a key on P-256 that may live in a TPM.
func SignJWT(key crypto.Signer, header, claims map[string]any) (string, error) {
	head, err := json.Marshal(header)
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	input := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(payload)
	digest := sha256.Sum256([]byte(input))
	der, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("sign with the device key: %w", err)
	}
	var pair struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(der, &pair); err != nil || len(rest) > 0 {
		return "", errors.New("the device key made no ECDSA signature")
	}
	signature := append(pair.R.FillBytes(make([]byte, 32)), pair.S.FillBytes(make([]byte, 32))...)
	return input + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// ErrBody says that a proof is not for the body that came with it.
var ErrBody = &fault.Error{
	Kind: fault.Unauthorized, Code: "deviceProofBody", Target: "DPoP",
	Text: "The proof of the device is not for this body.",
}

// Verify checks the proof of a call as package dpop does, and that it is for body.
func Verify(proof string, want dpop.Want, body []byte) (dpop.Proof, error) {
	p, err := dpop.Verify(proof, want)
	if err != nil {
		return p, err
	}
	hash := sha256.Sum256(body)
	if p.BodyHash != base64.RawURLEncoding.EncodeToString(hash[:]) {
		return dpop.Proof{}, ErrBody
	}
	return p, nil
}

// Thumbprint is the name of a key: RFC 7638 with SHA-256, base64url.
func Thumbprint(key *ecdsa.PublicKey) (string, error) {
	sum, err := (&jose.JSONWebKey{Key: key}).Thumbprint(crypto.SHA256)
	return base64.RawURLEncoding.EncodeToString(sum), err
}

// KeyOf returns the key that made a proof, which for a device is ECDSA on P-256.
func KeyOf(key any) (*ecdsa.PublicKey, error) {
	ecc, ok := key.(*ecdsa.PublicKey)
	if !ok || ecc.Curve != elliptic.P256() {
		return nil, ErrKey
	}
	return ecc, nil
}

// ErrKey says that a device came with another sort of key.
var ErrKey = &fault.Error{Kind: fault.Invalid, Code: "deviceKey", Text: "The key of a device is ECDSA on P-256."}
