// Package passkeytest has an authenticator in software, for tests and measurements. It answers
// the options of this product as a browser with a key would, and lies where it is told to.
package passkeytest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/fxamacker/cbor/v2"
)

// An Authenticator keeps one passkey. Its exported fields are what it claims; they may be
// changed at any time.
type Authenticator struct {
	Origin     string // where its browser is
	RPID       string // what it signs for; empty is what the options say
	AAGUID     [16]byte
	Unverified bool // the person was not verified
	Absent     bool // nobody touched it
	Backed     bool // its keys are copied elsewhere
	// Counter is the next signature counter; -1 is an authenticator without one.
	Counter int64
	Maker   *Maker // attests its keys; nil signs attestations with the new key itself
	Handle  []byte // the user handle that it was given

	key virtualwebauthn.Credential
}

// wholeKey is the length of a COSE_Key on P-256: both coordinates have 32 bytes.
const wholeKey = 77

// New returns an authenticator whose browser is at origin.
func New(origin string) *Authenticator {
	key := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	for len(key.Key.AttestationData()) != wholeKey { // it drops the zeros that a coordinate begins with
		key = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	}
	return &Authenticator{Origin: origin, Counter: 1, key: key}
}

// CredentialID names its key.
func (a *Authenticator) CredentialID() []byte { return a.key.ID }

// Copy is a clone: the same key, counted apart.
func (a *Authenticator) Copy() *Authenticator {
	c := *a
	return &c
}

func (a *Authenticator) virtual() virtualwebauthn.Authenticator {
	v := virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{
		UserHandle: a.Handle, UserNotPresent: a.Absent, UserNotVerified: a.Unverified, BackupEligible: a.Backed, BackupState: a.Backed,
	})
	v.Aaguid = a.AAGUID
	return v
}

func (a *Authenticator) count() virtualwebauthn.Credential {
	key := a.key
	if a.Counter >= 0 {
		key.Counter = uint32(a.Counter)
		a.Counter++
	}
	return key
}

func (a *Authenticator) party(said string) virtualwebauthn.RelyingParty {
	if a.RPID != "" {
		said = a.RPID
	}
	return virtualwebauthn.RelyingParty{ID: said, Origin: a.Origin}
}

// Create answers the options of a registration: RegistrationResponseJSON.
func (a *Authenticator) Create(options []byte) ([]byte, error) {
	asked, err := virtualwebauthn.ParseAttestationOptions(string(options))
	if err != nil {
		return nil, err
	}
	a.Handle = []byte(asked.UserID)
	text := virtualwebauthn.CreateAttestationResponse(a.party(asked.RelyingPartyID), a.virtual(), a.count(), *asked)
	if a.Maker == nil {
		return []byte(text), nil
	}
	return a.Maker.attest(text, a.AAGUID)
}

// Get answers the options of a sign-in: AuthenticationResponseJSON.
func (a *Authenticator) Get(options []byte) (string, error) {
	asked, err := virtualwebauthn.ParseAssertionOptions(string(options))
	if err != nil {
		return "", err
	}
	return virtualwebauthn.CreateAssertionResponse(a.party(asked.RelyingPartyID), a.virtual(), a.count(), *asked), nil
}

// A Maker makes security keys and certifies them.
type Maker struct {
	key  *ecdsa.PrivateKey
	root *x509.Certificate
	now  time.Time
}

// NewMaker returns one with a root of its own.
func NewMaker(name string, now time.Time) (*Maker, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	root, err := x509.ParseCertificate(der)
	return &Maker{key, root, now}, err
}

// PEM is the maker's root.
func (m *Maker) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: m.root.Raw})
}

// Root is the same in DER.
func (m *Maker) Root() []byte { return m.root.Raw }

// Leaf issues a certificate for a model, as WebAuthn section 8.2.1 wants it.
func (m *Maker) Leaf(model [16]byte) (*ecdsa.PrivateKey, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	aaguid, err := asn1.Marshal(model[:])
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: m.now.Add(-time.Hour), NotAfter: m.now.Add(24 * time.Hour),
		Subject: pkix.Name{
			Country: []string{"DE"}, Organization: []string{"Example Keys"},
			OrganizationalUnit: []string{"Authenticator Attestation"}, CommonName: "Example key",
		},
		BasicConstraintsValid: true,
		ExtraExtensions:       []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 45724, 1, 1, 4}, Value: aaguid}},
	}, m.root, key.Public(), m.key)
	return key, der, err
}

type statement struct {
	Algorithm int      `cbor:"alg"`
	Signature []byte   `cbor:"sig"`
	Chain     [][]byte `cbor:"x5c"`
}

type object struct {
	Format    string          `cbor:"fmt"`
	Statement cbor.RawMessage `cbor:"attStmt"`
	AuthData  []byte          `cbor:"authData"`
}

// attest replaces the attestation of a response by the maker's own.
func (m *Maker) attest(text string, model [16]byte) ([]byte, error) {
	var response map[string]any
	if err := json.Unmarshal([]byte(text), &response); err != nil {
		return nil, err
	}
	inner, ok := response["response"].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("no response in %s", text)
	}
	raw, err := base64.RawURLEncoding.DecodeString(fmt.Sprint(inner["attestationObject"]))
	if err != nil {
		return nil, err
	}
	client, err := base64.RawURLEncoding.DecodeString(fmt.Sprint(inner["clientDataJSON"]))
	if err != nil {
		return nil, err
	}
	var o object
	if err := cbor.Unmarshal(raw, &o); err != nil {
		return nil, err
	}
	key, leaf, err := m.Leaf(model)
	if err != nil {
		return nil, err
	}
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(append(append([]byte{}, o.AuthData...), hash[:]...))
	signature, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	o.Format = "packed"
	if o.Statement, err = cbor.Marshal(statement{Algorithm: -7, Signature: signature, Chain: [][]byte{leaf}}); err != nil {
		return nil, err
	}
	if raw, err = cbor.Marshal(o); err != nil {
		return nil, err
	}
	inner["attestationObject"] = base64.RawURLEncoding.EncodeToString(raw)
	return json.Marshal(response)
}
