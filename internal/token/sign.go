package token

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/keyring"
)

// Keys signs and verifies with the keys of tenants. Ring and Now are required.
type Keys struct {
	Ring *keyring.Ring
	Now  func() time.Time

	mu      sync.Mutex
	signers map[string]jose.Signer // by key id
}

// Faults of tokens.
var (
	// ErrInvalid says that a token is malformed, expired, of another issuer, or ended.
	ErrInvalid = &fault.Error{
		Kind: fault.Unauthorized, Code: "InvalidAuthenticationToken",
		Text: "The access token is not valid.", Remedy: "Get a new one.",
	}
)

// Sign returns claims as a JWT signed with the tenant's current key for alg, RS256 or
// ES256. typ goes into the header: JWT, or what RFC 9068 and OpenID Connect name.
func (k *Keys) Sign(ctx context.Context, tenant string, alg keyring.Purpose, typ string, claims any) (string, error) {
	key, private, err := k.Ring.Signer(ctx, tenant, alg)
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signer, err := k.signer(key, private, typ)
	if err != nil {
		return "", err
	}
	jws, err := signer.Sign(body)
	if err != nil {
		return "", fmt.Errorf("sign with key %s: %w", key.ID, err)
	}
	return jws.CompactSerialize()
}

func (k *Keys) signer(key keyring.Key, private any, typ string) (jose.Signer, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	name := key.ID + " " + typ
	if s, ok := k.signers[name]; ok {
		return s, nil
	}
	s, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.SignatureAlgorithm(key.Purpose), Key: jose.JSONWebKey{Key: private, KeyID: key.ID}},
		(&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
	if err != nil {
		return nil, err
	}
	if k.signers == nil {
		k.signers = map[string]jose.Signer{}
	}
	k.signers[name] = s
	return s, nil
}

// Public returns the tenant's published signing keys, the ones that sign next included.
func (k *Keys) Public(ctx context.Context, tenant string) ([]jose.JSONWebKey, error) {
	keys, err := k.Ring.Keys(ctx, tenant)
	if err != nil {
		return nil, err
	}
	var all []jose.JSONWebKey
	for _, key := range keys {
		if !published(key, k.Now()) {
			continue
		}
		public, err := x509.ParsePKIXPublicKey(key.Public)
		if err != nil {
			return nil, fmt.Errorf("read public key %s: %w", key.ID, err)
		}
		all = append(all, jose.JSONWebKey{Key: public, KeyID: key.ID, Use: "sig", Algorithm: string(key.Purpose)})
	}
	return all, nil
}

func published(key keyring.Key, now time.Time) bool {
	if key.Purpose != keyring.RS256 && key.Purpose != keyring.ES256 {
		return false
	}
	return key.RemoveAt.IsZero() || now.Before(key.RemoveAt)
}

// maxToken bounds a token that is read, in bytes.
const maxToken = 16 << 10

// Verify checks the signature of raw against the tenant's published keys and returns its
// claims. It checks nothing else: issuer, audience and time are the caller's.
func (k *Keys) Verify(ctx context.Context, tenant, raw, typ string) ([]byte, error) {
	if len(raw) > maxToken {
		return nil, ErrInvalid
	}
	jws, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
	if err != nil {
		return nil, ErrInvalid
	}
	head := jws.Signatures[0].Protected
	if said, _ := head.ExtraHeaders[jose.HeaderType].(string); said != typ {
		return nil, ErrInvalid
	}
	keys, err := k.Public(ctx, tenant)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if key.KeyID != head.KeyID || key.Algorithm != head.Algorithm {
			continue
		}
		body, err := jws.Verify(key)
		if err != nil {
			return nil, ErrInvalid
		}
		return body, nil
	}
	return nil, ErrInvalid
}
