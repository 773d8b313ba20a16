// Package passkey lets people sign in with passkeys and security keys: FIDO2 in Graph's words.
// It owns the rules of both ceremonies of WebAuthn (https://www.w3.org/TR/webauthn-3/): what
// an authenticator is asked for, and what is accepted of its answer; and the policy over
// them, Graph's fido2AuthenticationMethodConfiguration. Cryptography and encodings are
// go-webauthn's, which no other package imports. docs/passkeys.md has the picture.
package passkey

import (
	"bytes"
	"net"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
)

// A RelyingParty is who passkeys are made for: this server, at its public address.
type RelyingParty struct {
	ID     string // the RP ID: the host, without port
	Origin string // scheme, host and port, as browsers write them
}

// NewRelyingParty returns the relying party at a public URL.
func NewRelyingParty(publicURL string) RelyingParty {
	u, err := url.Parse(publicURL)
	if err != nil {
		return RelyingParty{}
	}
	origin := u.Scheme + "://" + strings.ToLower(u.Host)
	if port := u.Port(); u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		origin = strings.TrimSuffix(origin, ":"+port)
	}
	return RelyingParty{ID: strings.ToLower(u.Hostname()), Origin: origin}
}

// Usable reports whether browsers make passkeys for it: the RP ID has to be a name, never an
// address (WebAuthn section 5.1.2).
func (p RelyingParty) Usable() bool { return p.ID != "" && net.ParseIP(p.ID) == nil }

// Handle is the user handle: the tenant's id and the user's, 32 bytes that an authenticator
// keeps beside the key and gives back with each assertion.
func Handle(tenant directory.TenantID, user directory.UserID) []byte {
	t, u := uuid.MustParse(string(tenant)), uuid.MustParse(string(user))
	return append(t[:], u[:]...)
}

// owner reads a user handle.
func owner(handle []byte) (directory.TenantID, directory.UserID, bool) {
	if len(handle) != 32 {
		return "", "", false
	}
	t, u := uuid.UUID(handle[:16]), uuid.UUID(handle[16:])
	return directory.TenantID(t.String()), directory.UserID(u.String()), true
}

// A Key is what the server keeps of a passkey. The signature counter is kept beside it,
// because the store compares and moves it.
type Key struct {
	// CredentialID names the key to authenticators; at most 1023 bytes.
	CredentialID []byte `json:"credentialId"`
	PublicKey    []byte `json:"publicKey"` // COSE_Key
	RPID         string `json:"rpId"`
	// AAGUID names the model; all zeros when it isn't told.
	AAGUID uuid.UUID `json:"aaGuid"`
	// Attested says that its maker's signature was checked against a root that is trusted.
	Attested bool `json:"attested,omitempty"`
	// Model is what the authenticator is called, or empty.
	Model string `json:"model,omitempty"`
	// Certificates are the SHA-1 thumbprints of the attestation's certificates, in hex.
	Certificates   []string `json:"certificates,omitempty"`
	Transports     []string `json:"transports,omitempty"`
	BackupEligible bool     `json:"backupEligible,omitempty"` // it may be copied to other devices
	BackedUp       bool     `json:"backedUp,omitempty"`       // it was, when it was registered
	// Provisioned says that somebody else registered it for its owner.
	Provisioned bool `json:"provisioned,omitempty"`
}

// Portable reports whether the key lives in something that is carried: a security key.
func (k Key) Portable() bool {
	for _, t := range k.Transports {
		if t == "usb" || t == "nfc" || t == "ble" || t == "smart-card" {
			return true
		}
	}
	return false
}

// Moves reports whether a signature counter may follow another: it grows, or there is none
// and never was (WebAuthn section 6.1.1). Otherwise two copies of the key may be in use.
func Moves(before, after int64) bool { return after > before || after == 0 && before == 0 }

func same(a, b []byte) bool { return len(a) > 0 && bytes.Equal(a, b) }
