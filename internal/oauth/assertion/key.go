package assertion

import (
	"bytes"
	"crypto"
	"crypto/sha1" //nolint:gosec // x5t is SHA-1 by definition (RFC 7515 section 4.1.7); it finds a key, and proves nothing
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4/json"
)

// A Key is one that is registered for a client: a certificate's, or a bare one.
type Key struct {
	ID string // Graph's keyId, or the kid that the client uses
	// Thumbprints are the SHA-1 and SHA-256 hashes of the certificate's DER; none for a
	// bare key.
	Thumbprints [][]byte
	Public      crypto.PublicKey // *rsa.PublicKey of 2048 bits at least, or *ecdsa.PublicKey on P-256
	NotBefore   time.Time        // inclusive; zero: always was
	NotAfter    time.Time        // inclusive; zero: without end
}

// KeyOf returns the key that cert, registered under id, is for.
func KeyOf(id string, cert *x509.Certificate) Key {
	old, now := sha1.Sum(cert.Raw), sha256.Sum256(cert.Raw) //nolint:gosec // see the import
	return Key{
		ID: id, Thumbprints: [][]byte{old[:], now[:]},
		Public: cert.PublicKey, NotBefore: cert.NotBefore, NotAfter: cert.NotAfter,
	}
}

// hints are what a header says of the key that signed. They choose which registered
// keys are tried, no more, so that SHA-1 does no harm here.
type hints struct {
	thumbprints [][]byte
	kid         *string
}

// hintsOf reads the hints of an assertion's header, and whether they can be read.
func hintsOf(text string) (hints, bool) {
	head, _, _ := strings.Cut(text, ".")
	raw, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		return hints{}, false
	}
	var header struct {
		KeyID  *string `json:"kid"`
		SHA1   *string `json:"x5t"`
		SHA256 *string `json:"x5t#S256"`
	}
	if json.Unmarshal(raw, &header) != nil {
		return hints{}, false
	}
	found := hints{kid: header.KeyID}
	for _, h := range []struct {
		text *string
		size int
	}{{header.SHA1, sha1.Size}, {header.SHA256, sha256.Size}} {
		if h.text == nil {
			continue
		}
		hash, ok := decode(*h.text)
		if !ok || len(hash) != h.size {
			return hints{}, false
		}
		found.thumbprints = append(found.thumbprints, hash)
	}
	return found, true
}

// decode reads base64 of either alphabet, with or without padding: RFC 7515 says
// base64url without, MSAL sends standard base64 with it.
func decode(s string) ([]byte, bool) {
	s = strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(s, "="))
	b, err := base64.RawURLEncoding.DecodeString(s)
	return b, err == nil
}

// choose returns the keys that h can mean: those with every thumbprint it has, else
// those with its kid, else the first few of all.
func (h hints) choose(keys []Key) []Key {
	var chosen []Key
	for _, k := range keys {
		if h.means(k) {
			chosen = append(chosen, k)
		}
	}
	return chosen[:min(len(chosen), maxTried)]
}

func (h hints) means(k Key) bool {
	for _, hash := range h.thumbprints {
		if !k.has(hash) {
			return false
		}
	}
	if len(h.thumbprints) > 0 || h.kid == nil {
		return true
	}
	if *h.kid == "" {
		return false
	}
	hash, err := hex.DecodeString(*h.kid) // older libraries: the thumbprint in hexadecimal digits
	return *h.kid == k.ID || err == nil && k.has(hash)
}

func (k Key) has(thumbprint []byte) bool {
	return slices.ContainsFunc(k.Thumbprints, func(t []byte) bool { return bytes.Equal(t, thumbprint) })
}
