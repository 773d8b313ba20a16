package sdjwt

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// An Issuer is somebody whose credentials are believed, as the administrator says.
type Issuer struct {
	// ID is the claim iss of its credentials, an https URL.
	ID string `json:"issuer"`
	// Types are the types of credential (vct) that count.
	Types []string `json:"types"`
	// Keys are its public keys, a JWK set; Roots are certificates, in PEM, that its signing
	// certificates (x5c) come from. At least one of both.
	Keys  json.RawMessage `json:"jwks,omitempty"`
	Roots []string        `json:"roots,omitempty"`
	// Match says which claims must be equal to which attributes of the person: all of them.
	Match []Match `json:"match"`
}

// A Match is a claim that must say what the directory says.
type Match struct {
	Claim     string `json:"claim"` // name, or names with / between them
	Attribute string `json:"attribute"`
}

// Attributes are what a claim can be compared with.
var Attributes = []string{"givenName", "surname", "displayName", "employeeId", "userPrincipalName", "mail", "externalId"}

// identifying are those that one person has alone: names are shared.
var identifying = []string{"employeeId", "userPrincipalName", "mail", "externalId"}

// Bounds of what an administrator may say.
const (
	mostKeys  = 20
	mostTypes = 10
	mostText  = 500
)

// Check returns the first thing that is wrong with i, the property as JSON has it and the words, or "".
func (i Issuer) Check() (property, wrong string) {
	u, err := url.Parse(i.ID)
	switch {
	case err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" || len(i.ID) > mostText:
		return "issuer", "The issuer of a credential is an https URL."
	case len(i.Types) == 0 || len(i.Types) > mostTypes || slices.ContainsFunc(i.Types, func(s string) bool { return s == "" || len(s) > mostText }):
		return "types", "An issuer names one to ten types of credential (vct)."
	case len(i.Keys) == 0 && len(i.Roots) == 0:
		return "jwks", "An issuer has keys (jwks) or certificates (roots)."
	}
	if len(i.Keys) > 0 {
		keys, err := i.keys()
		if err != nil || len(keys) == 0 || len(keys) > mostKeys {
			return "jwks", "jwks holds one to twenty public keys, none of them a secret."
		}
	}
	if _, ok := i.roots(); !ok || len(i.Roots) > mostKeys {
		return "roots", "roots holds certificates in PEM, one in each."
	}
	if wrong := i.checkMatch(); wrong != "" {
		return "match", wrong
	}
	return "", ""
}

func (i Issuer) checkMatch() string {
	one := false
	for n, m := range i.Match {
		if m.Claim == "" || len(m.Claim) > mostText || !slices.Contains(Attributes, m.Attribute) {
			return "match has claims, and of attributes " + strings.Join(Attributes, ", ") + "."
		}
		if slices.ContainsFunc(i.Match[:n], func(o Match) bool { return o.Claim == m.Claim || o.Attribute == m.Attribute }) {
			return "match names each claim and each attribute once."
		}
		one = one || slices.Contains(identifying, m.Attribute)
	}
	if !one || len(i.Match) > len(Attributes) {
		return "match has at least one of " + strings.Join(identifying, ", ") + ": a name alone tells nobody apart."
	}
	return ""
}

// keys are the keys of i. A key with a private part or a shared one is none.
func (i Issuer) keys() ([]jose.JSONWebKey, error) {
	var set jose.JSONWebKeySet
	if len(i.Keys) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(i.Keys, &set); err != nil {
		return nil, err
	}
	for _, k := range set.Keys {
		if !public(k) {
			return nil, ErrIssuer
		}
	}
	return set.Keys, nil
}

// public reports whether k is the public key of a signature that counts here.
func public(k jose.JSONWebKey) bool {
	if !k.IsPublic() || !k.Valid() || k.Use != "" && k.Use != "sig" {
		return false
	}
	switch key := k.Key.(type) {
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return true
	case *rsa.PublicKey:
		return key.N.BitLen() >= 2048 && key.N.BitLen() <= 8192
	}
	return false
}

func (i Issuer) roots() (*x509.CertPool, bool) {
	pool := x509.NewCertPool()
	for _, text := range i.Roots {
		block, rest := pem.Decode([]byte(text))
		if block == nil || block.Type != "CERTIFICATE" || strings.TrimSpace(string(rest)) != "" {
			return nil, false
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, false
		}
		pool.AddCert(c)
	}
	return pool, true
}

// signers are the keys by which a token of i with that header may be signed at now.
func (i Issuer) signers(h header, now time.Time) []any {
	if len(h.Chain) > 0 && len(i.Roots) > 0 {
		if key := i.certified(h.Chain, now); key != nil {
			return []any{key}
		}
		return nil
	}
	keys, err := i.keys()
	if err != nil {
		return nil
	}
	var all []any
	for _, k := range keys {
		if (h.KeyID == "" || k.KeyID == h.KeyID) && (k.Algorithm == "" || k.Algorithm == h.Algorithm) {
			all = append(all, k.Key)
		}
	}
	return all
}

// certified is the key of a chain of certificates that comes from i's roots and names i.
func (i Issuer) certified(chain []string, now time.Time) any {
	if len(chain) > 6 {
		return nil
	}
	pool, ok := i.roots()
	if !ok {
		return nil
	}
	var all []*x509.Certificate
	for _, text := range chain {
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil
		}
		c, err := x509.ParseCertificate(raw)
		if err != nil {
			return nil
		}
		all = append(all, c)
	}
	between := x509.NewCertPool()
	for _, c := range all[1:] {
		between.AddCert(c)
	}
	leaf := all[0]
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: pool, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil || leaf.IsCA {
		return nil
	}
	u, err := url.Parse(i.ID)
	if err != nil {
		return nil
	}
	named := leaf.VerifyHostname(u.Hostname()) == nil ||
		slices.ContainsFunc(leaf.URIs, func(v *url.URL) bool { return v.String() == i.ID })
	if k := (jose.JSONWebKey{Key: leaf.PublicKey}); !named || !public(k) {
		return nil
	}
	return leaf.PublicKey
}
