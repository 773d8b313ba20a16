// Package software says what a device PIN without a TPM is, for both sides. The key is in a
// file, encrypted; what opens it is halved, so that neither the disk nor the server suffices:
//
//	PIN + salt of the device ─ Argon2id ─┬─▶ verifier ──▶ server, which counts tries
//	                                     │                   │ right
//	                                     └─▶ key of the file ◀── share
//
// For a forgotten PIN the device keeps a recovery secret that it can't read: sealed by HPKE
// (RFC 9180) to the container's recovery key, which the server derives from the tenant's
// root. docs/device-pin.md has the picture.
package software

import (
	"crypto/ecdh"
	"crypto/hpke"
	"crypto/sha256"

	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/pinkey"
)

// Sizes, in bytes.
const (
	VerifierSize = 32
	ShareSize    = 32
	SecretSize   = 32 // of a recovery secret
	maxSealed    = 1024
)

// ErrSealed says that a sealed secret is not what it should be: damaged, or another
// container's.
var ErrSealed = &fault.Error{
	Kind: fault.Invalid, Code: "pinRecoveryInvalid",
	Text: "What this device keeps for a forgotten PIN can't be opened.", Remedy: "Set up a new PIN.",
}

// A Guard is what the server gets to watch over one PIN: never the PIN, nor what it could be
// guessed from without the device's salt.
type Guard struct {
	Verifier []byte `json:"verifier"`
	Recovery []byte `json:"recovery"` // SHA-256 of the sealed recovery secret
}

// Valid reports whether g has the right form.
func (g Guard) Valid() bool { return len(g.Verifier) == VerifierSize && len(g.Recovery) == sha256.Size }

// Hash is how a Guard names a sealed recovery secret.
func Hash(sealed []byte) []byte {
	sum := sha256.Sum256(sealed)
	return sum[:]
}

// Proof is the digest that a new key signs at enrolment: it shows that whoever registers it
// holds it, for this container and challenge.
func Proof(c pinkey.Container, challenge []byte) []byte {
	h := sha256.New()
	h.Write([]byte("postern software PIN key\x00"))
	h.Write(c.Ref())
	h.Write(challenge)
	return h.Sum(nil)
}

// KEM makes the keys that secrets are sealed to: DHKEM(X25519, HKDF-SHA256).
func KEM() hpke.KEM { return hpke.DHKEM(ecdh.X25519()) }

// Purpose is what a sealed secret is for. One for another purpose does not open.
type Purpose string

// The purposes.
const (
	Recovery Purpose = "postern PIN recovery" // kept on the device, sealed to the server
	Release  Purpose = "postern PIN release"  // the server's answer, sealed to one request
)

func info(p Purpose, c pinkey.Container) []byte { return append([]byte(string(p)+"\x00"), c.Ref()...) }

// Seal seals a secret of container c to a public key.
func Seal(public []byte, p Purpose, c pinkey.Container, secret []byte) ([]byte, error) {
	key, err := KEM().NewPublicKey(public)
	if err != nil {
		return nil, ErrSealed
	}
	return hpke.Seal(key, hpke.HKDFSHA256(), hpke.AES256GCM(), info(p, c), secret)
}

// Open opens what Seal made for the same purpose and container, or is ErrSealed.
func Open(key hpke.PrivateKey, p Purpose, c pinkey.Container, sealed []byte) ([]byte, error) {
	if len(sealed) > maxSealed {
		return nil, ErrSealed
	}
	secret, err := hpke.Open(key, hpke.HKDFSHA256(), hpke.AES256GCM(), info(p, c), sealed)
	if err != nil {
		return nil, ErrSealed
	}
	return secret, nil
}
