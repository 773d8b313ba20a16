// Package sdjwttest issues credentials and presents them, as an issuer and a wallet do, and in all
// the ways in which neither should.
package sdjwttest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/postern-id/postern/internal/recovery/sdjwt"
)

// Type is the type of the credentials.
const Type = "https://hr.example/employee"

// ID is the issuer.
const ID = "https://hr.example"

// NewKey makes a key of P-256.
func NewKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Public is the JWK of a key, as JSON has it.
func Public(t testing.TB, key any, id string) map[string]any {
	t.Helper()
	raw, err := json.Marshal(jose.JSONWebKey{Key: key, KeyID: id})
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// Issuer is how a policy names the owner of key.
func Issuer(t testing.TB, key *ecdsa.PrivateKey) sdjwt.Issuer {
	t.Helper()
	raw, err := json.Marshal(map[string]any{"keys": []any{Public(t, &key.PublicKey, "k1")}})
	if err != nil {
		t.Fatal(err)
	}
	return sdjwt.Issuer{ID: ID, Types: []string{Type}, Keys: raw, Match: []sdjwt.Match{
		{Claim: "given_name", Attribute: "givenName"}, {Claim: "family_name", Attribute: "surname"}, {Claim: "employee_number", Attribute: "employeeId"},
	}}
}

// Encode encodes v as JSON in base64url.
func Encode(t testing.TB, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// Digest is the digest of a disclosure.
func Digest(disclosure string) string {
	sum := sha256.Sum256([]byte(disclosure))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Sign signs a token of a type.
func Sign(t testing.TB, key any, alg jose.SignatureAlgorithm, typ string, body any, header ...any) string {
	t.Helper()
	o := (&jose.SignerOptions{}).WithType(jose.ContentType(typ))
	for i := 0; i+1 < len(header); i += 2 {
		name, _ := header[i].(string)
		o = o.WithHeader(jose.HeaderKey(name), header[i+1])
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, o)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := s.Sign(raw)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Credential is a credential of a holder in the hands of their wallet.
type Credential struct {
	Signed      string
	Disclosures []string
	Holder      *ecdsa.PrivateKey
}

// Issue issues a credential with claims, each of which the holder may disclose; change may spoil
// what is signed.
func Issue(t testing.TB, issuer, holder *ecdsa.PrivateKey, now time.Time, claims map[string]any, change func(payload map[string]any)) Credential {
	t.Helper()
	c := Credential{Holder: holder}
	var digests []any
	for name, v := range claims {
		d := Encode(t, []any{"salt " + name, name, v})
		c.Disclosures = append(c.Disclosures, d)
		digests = append(digests, Digest(d))
	}
	payload := map[string]any{
		"iss": ID, "vct": Type, "iat": now.Add(-time.Hour).Unix(), "exp": now.Add(24 * time.Hour).Unix(), "_sd_alg": "sha-256", "_sd": digests,
		"cnf": map[string]any{"jwk": Public(t, &holder.PublicKey, "")},
	}
	if change != nil {
		change(payload)
	}
	c.Signed = Sign(t, issuer, jose.ES256, "dc+sd-jwt", payload, "kid", "k1")
	return c
}

// Shown is the presentation without the holder's token.
func (c Credential) Shown() string {
	return strings.Join(append([]string{c.Signed}, c.Disclosures...), "~") + "~"
}

// Present presents c; change may spoil what the holder signs.
func (c Credential) Present(t testing.TB, audience, nonce string, now time.Time, change func(claims map[string]any)) string {
	t.Helper()
	shown := c.Shown()
	claims := map[string]any{"aud": audience, "nonce": nonce, "iat": now.Unix(), "sd_hash": Digest(shown)}
	if change != nil {
		change(claims)
	}
	return shown + Sign(t, c.Holder, jose.ES256, "kb+jwt", claims)
}
