package passkey

import (
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
)

// Timeout is how long a browser lets a person take for one ceremony (WebAuthn section 15.1
// recommends five to ten minutes).
const Timeout = 5 * time.Minute

// algorithms are the kinds of keys that are taken, best first: ES256, Ed25519, RS256 (Windows
// Hello).
var algorithms = []protocol.CredentialParameter{
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgES256},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgEdDSA},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgRS256},
}

// A descriptor names a key that is there.
type descriptor struct {
	Type       string   `json:"type"`
	ID         string   `json:"id"`
	Transports []string `json:"transports,omitempty"`
}

// An entity is a relying party or a user, as authenticators show them.
type entity struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	DisplayName string `json:"displayName,omitempty"`
}

// Creation are the options of a registration: PublicKeyCredentialCreationOptionsJSON of
// WebAuthn section 5.1.8, and publicKey of Graph's webauthnCredentialCreationOptions.
type Creation struct {
	Challenge   string                         `json:"challenge"`
	Timeout     int64                          `json:"timeout"` // milliseconds
	Attestation string                         `json:"attestation"`
	Party       entity                         `json:"rp"`
	User        entity                         `json:"user"`
	Parameters  []protocol.CredentialParameter `json:"pubKeyCredParams"`
	Exclude     []descriptor                   `json:"excludeCredentials"`
	Selection   selection                      `json:"authenticatorSelection"`
	Extensions  map[string]any                 `json:"extensions"`
}

type selection struct {
	RequireResidentKey bool   `json:"requireResidentKey"`
	ResidentKey        string `json:"residentKey"`
	UserVerification   string `json:"userVerification"`
}

// A Person is whose key is made, as authenticators show it.
type Person struct {
	Handle      []byte
	Name        string // the UPN
	DisplayName string
}

// NewCreation asks for a new key of person; it must be another authenticator than that of any
// of the keys there are. partyName is what the relying party is called.
func NewCreation(party RelyingParty, partyName string, policy Policy, challenge []byte, person Person, there []Key) Creation {
	c := Creation{
		Challenge: b64.EncodeToString(challenge), Timeout: Timeout.Milliseconds(), Attestation: policy.Conveyance(),
		Party:      entity{ID: party.ID, Name: partyName},
		User:       entity{ID: b64.EncodeToString(person.Handle), Name: person.Name, DisplayName: person.DisplayName},
		Parameters: algorithms, Exclude: []descriptor{},
		Selection:  selection{RequireResidentKey: true, ResidentKey: "required", UserVerification: "required"},
		Extensions: map[string]any{"credProps": true},
	}
	for _, k := range there {
		c.Exclude = append(c.Exclude, descriptor{Type: "public-key", ID: Lookup(k.CredentialID), Transports: k.Transports})
	}
	return c
}

// JSON is what the page's script reads.
func (c Creation) JSON() []byte { return encode(c) }

// request are the options of a sign-in: PublicKeyCredentialRequestOptionsJSON. It names no
// key, whoever was named: who has which passkeys must not show before a proof
// (docs/threat-model.md, rule 2). Passkeys are discoverable, so it needs none.
type request struct {
	Challenge        string       `json:"challenge"`
	Timeout          int64        `json:"timeout"`
	Party            string       `json:"rpId"`
	Allow            []descriptor `json:"allowCredentials"`
	UserVerification string       `json:"userVerification"`
	Hints            []string     `json:"hints,omitempty"`
}

// NewRequest asks for any of this party's keys, as JSON. Hints says what the browser should
// propose first: security-key, client-device, hybrid (WebAuthn section 5.8.7).
func NewRequest(party RelyingParty, challenge []byte, hints ...string) []byte {
	return encode(request{
		Challenge: b64.EncodeToString(challenge), Timeout: Timeout.Milliseconds(), Party: party.ID,
		Allow: []descriptor{}, UserVerification: "required", Hints: hints,
	})
}
