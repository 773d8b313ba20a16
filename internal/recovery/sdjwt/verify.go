package sdjwt

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Algorithms are those by which issuers and holders may sign. There is none with a shared secret.
var Algorithms = []jose.SignatureAlgorithm{jose.ES256, jose.ES384, jose.ES512, jose.PS256, jose.EdDSA}

// skew is how far clocks may be apart.
const skew = time.Minute

// A Demand is what a presentation must be for.
type Demand struct {
	Issuers  []Issuer
	Audience string // who asked
	Nonce    string // in this request alone
	Since    time.Time
}

// A Credential is one that was verified.
type Credential struct {
	Issuer Issuer
	Type   string
	Claims map[string]any // with what was disclosed
	// Status says where the issuer tells whether it still counts; nil if it does not tell.
	Status *Status
	// Reference names the credential in a log without what it says.
	Reference string
}

// A Status is a place in a list of the issuer's (draft-ietf-oauth-status-list).
type Status struct {
	URI   string
	Index int
}

// header is what a token says of how it is signed.
type header struct {
	Algorithm string   `json:"alg"`
	Type      string   `json:"typ"`
	KeyID     string   `json:"kid"`
	Chain     []string `json:"x5c"`
}

// Verify returns the credential that text presents for d at now, or why it counts for nothing.
func Verify(text string, d Demand, now time.Time) (Credential, error) {
	if len(text) > MaxSize {
		return Credential{}, ErrMalformed.With("", "The presentation is too long.")
	}
	parts := strings.Split(text, "~")
	if len(parts) < 2 {
		return Credential{}, ErrMalformed
	}
	last := len(parts) - 1
	signed, shown, binding := parts[0], parts[1:last], parts[last]
	c, payload, err := issued(signed, d.Issuers, now)
	if err != nil {
		return c, err
	}
	digest, err := digestOf(payload)
	if err != nil {
		return c, err
	}
	if err := bound(binding, digest(text[:len(text)-len(binding)]), payload, d, now); err != nil {
		return c, err
	}
	if c.Claims, err = disclosed(payload, shown, digest); err != nil {
		return c, err
	}
	sum := sha256.Sum256([]byte(signed))
	c.Reference = c.Issuer.ID + " " + hex.EncodeToString(sum[:8])
	return c, nil
}

// issued checks what the issuer signed.
func issued(signed string, issuers []Issuer, now time.Time) (Credential, map[string]any, error) {
	jws, h, err := parse(signed)
	if err != nil || h.Type != "dc+sd-jwt" {
		return Credential{}, nil, ErrMalformed
	}
	var unsafe struct {
		Issuer string `json:"iss"`
		Type   string `json:"vct"`
	}
	if err := json.Unmarshal(jws.UnsafePayloadWithoutVerification(), &unsafe); err != nil {
		return Credential{}, nil, ErrMalformed
	}
	i := slices.IndexFunc(issuers, func(i Issuer) bool { return i.ID == unsafe.Issuer && slices.Contains(i.Types, unsafe.Type) })
	if i < 0 {
		return Credential{}, nil, ErrIssuer
	}
	c := Credential{Issuer: issuers[i], Type: unsafe.Type}
	raw := signedBy(jws, c.Issuer.signers(h, now))
	if raw == nil {
		return c, nil, ErrIssuer
	}
	var payload map[string]any
	if err := json.Unmarshal(raw, &payload); err != nil {
		return c, nil, ErrMalformed
	}
	if c.Status, err = statusOf(payload); err != nil {
		return c, nil, err
	}
	return c, payload, validAt(payload, c.Status != nil, now)
}

// parse reads a compact token and its header; the header is not believed yet.
func parse(text string) (*jose.JSONWebSignature, header, error) {
	var h header
	jws, err := jose.ParseSignedCompact(text, Algorithms)
	if err != nil {
		return nil, h, err
	}
	first, _, _ := strings.Cut(text, ".")
	raw, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		return nil, h, err
	}
	err = json.Unmarshal(raw, &h)
	return jws, h, err
}

// signedBy is the payload of jws if one of keys signed it, else nil.
func signedBy(jws *jose.JSONWebSignature, keys []any) []byte {
	for _, k := range keys {
		if raw, err := jws.Verify(k); err == nil {
			return raw
		}
	}
	return nil
}

// validAt checks the times of a credential. One that never ends counts only if its issuer can
// take it back.
func validAt(payload map[string]any, revocable bool, now time.Time) error {
	from, begins, ok := numericDate(payload, "nbf")
	until, ends, ok2 := numericDate(payload, "exp")
	made, dated, ok3 := numericDate(payload, "iat")
	switch {
	case !ok || !ok2 || !ok3:
		return ErrMalformed.With("", "A time of the credential is no time.")
	case begins && now.Add(skew).Before(from), dated && now.Add(skew).Before(made), ends && !now.Before(until), !ends && !revocable:
		return ErrExpired
	}
	return nil
}

// numericDate is a NumericDate (RFC 7519 section 2): there, and well-formed if it is.
func numericDate(claims map[string]any, name string) (at time.Time, there, ok bool) {
	v, there := claims[name]
	if !there {
		return at, false, true
	}
	n, ok := v.(float64)
	if !ok || math.IsNaN(n) || n < 0 || n > 1<<40 {
		return at, true, false
	}
	return time.Unix(int64(n), 0), true, true
}

// statusOf reads where the issuer tells whether the credential counts. A way of telling that is
// not known here is refused: what can't be asked might say no.
func statusOf(payload map[string]any) (*Status, error) {
	v, there := payload["status"]
	if !there {
		return nil, nil //nolint:nilnil // most have none
	}
	all, _ := v.(map[string]any)
	list, _ := all["status_list"].(map[string]any)
	uri, _ := list["uri"].(string)
	index, ok := list["idx"].(float64)
	if uri == "" || !ok || index < 0 || index != math.Trunc(index) || index >= 1<<30 {
		return nil, ErrRevoked.With("", "The credential has a status that can't be asked.")
	}
	return &Status{URI: uri, Index: int(index)}, nil
}

func digestOf(payload map[string]any) (func(string) string, error) {
	name := "sha-256"
	if v, there := payload["_sd_alg"]; there {
		name, _ = v.(string)
	}
	digest := digests[name]
	if digest == nil {
		return nil, ErrMalformed.With("", "_sd_alg is none that is known.")
	}
	return digest, nil
}

// bound checks that the holder made the presentation, for d (RFC 9901 section 7.3).
func bound(binding, hash string, payload map[string]any, d Demand, now time.Time) error {
	key, ok := holderKey(payload)
	if !ok || d.Nonce == "" || d.Audience == "" {
		return ErrHolder
	}
	jws, h, err := parse(binding)
	if err != nil || h.Type != "kb+jwt" {
		return ErrHolder
	}
	raw := signedBy(jws, []any{key})
	if raw == nil {
		return ErrHolder
	}
	var claims map[string]any
	if err := json.Unmarshal(raw, &claims); err != nil {
		return ErrHolder
	}
	at, dated, ok := numericDate(claims, "iat")
	if !ok || !dated || at.Before(d.Since.Add(-skew)) || at.After(now.Add(skew)) {
		return ErrHolder
	}
	if !same(claims["aud"], d.Audience) || !same(claims["nonce"], d.Nonce) || !same(claims["sd_hash"], hash) {
		return ErrHolder
	}
	return nil
}

func same(v any, want string) bool {
	text, ok := v.(string)
	return ok && subtle.ConstantTimeCompare([]byte(text), []byte(want)) == 1
}

// holderKey is the key that the issuer bound the credential to.
func holderKey(payload map[string]any) (any, bool) {
	cnf, _ := payload["cnf"].(map[string]any)
	raw, err := json.Marshal(cnf["jwk"])
	if err != nil {
		return nil, false
	}
	var k jose.JSONWebKey
	if err := json.Unmarshal(raw, &k); err != nil || !public(k) {
		return nil, false
	}
	return k.Key, true
}
