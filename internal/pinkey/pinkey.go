// Package pinkey says what the key behind a device PIN is in a TPM 2.0, for both sides: the
// agent makes it so, the server accepts nothing else and authorises resets of it.
//
// The key signs while its PIN is given (USER role). Its PIN can be changed in two ways and
// in no other (ADMIN role): by the PIN itself, or by a signature of the container's reset
// key over a fresh nonce of that TPM. Either is good for TPM2_ObjectChangeAuth alone, so that
// a reset signature signs nothing and exports nothing. docs/device-pin.md has the picture;
// the commands are those of the TPM 2.0 Library Specification, Part 3.
package pinkey

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/google/go-tpm/tpm2"
)

// A Container names what one key belongs to. All fields are lower-case UUIDs.
type Container struct {
	Tenant, Device, User, ID string
}

// Ref is the policyRef of the container's reset branch: a signature for one container says
// nothing to any other.
func (c Container) Ref() []byte {
	h := sha256.New()
	for _, part := range []string{"postern device PIN reset", c.Tenant, c.Device, c.User, c.ID} {
		var size [4]byte
		binary.BigEndian.PutUint32(size[:], uint32(len(part)))
		h.Write(size[:])
		h.Write([]byte(part))
	}
	return h.Sum(nil)
}

// ResetPublic is the public area under which the TPM loads a reset key, and from which its
// name, and so the policy, follows.
func ResetPublic(key *ecdsa.PublicKey) (tpm2.TPMTPublic, error) {
	if key.Curve != elliptic.P256() {
		return tpm2.TPMTPublic{}, errors.New("a reset key is on P-256")
	}
	point, err := key.Bytes()
	if err != nil {
		return tpm2.TPMTPublic{}, err
	}
	return tpm2.TPMTPublic{
		Type: tpm2.TPMAlgECC, NameAlg: tpm2.TPMAlgSHA256,
		ObjectAttributes: tpm2.TPMAObject{SignEncrypt: true, UserWithAuth: true},
		Parameters:       ecdsaP256(),
		Unique: tpm2.NewTPMUPublicID(tpm2.TPMAlgECC, &tpm2.TPMSECCPoint{
			X: tpm2.TPM2BECCParameter{Buffer: point[1:33]}, Y: tpm2.TPM2BECCParameter{Buffer: point[33:]},
		}),
	}, nil
}

func ecdsaP256() tpm2.TPMUPublicParms {
	return tpm2.NewTPMUPublicParms(tpm2.TPMAlgECC, &tpm2.TPMSECCParms{
		Scheme: tpm2.TPMTECCScheme{
			Scheme:  tpm2.TPMAlgECDSA,
			Details: tpm2.NewTPMUAsymScheme(tpm2.TPMAlgECDSA, &tpm2.TPMSSigSchemeECDSA{HashAlg: tpm2.TPMAlgSHA256}),
		},
		CurveID: tpm2.TPMECCNistP256,
	})
}

// A Policy is the ADMIN policy of a key, with its two branches.
type Policy struct {
	ByPIN   tpm2.TPM2BDigest // PolicyAuthValue and PolicyCommandCode
	ByReset tpm2.TPM2BDigest // PolicySigned and PolicyCommandCode
	Digest  tpm2.TPM2BDigest // PolicyOR of both
}

// NewPolicy returns the policy of container c under reset key.
func NewPolicy(c Container, reset *ecdsa.PublicKey) (Policy, error) {
	public, err := ResetPublic(reset)
	if err != nil {
		return Policy{}, err
	}
	name, err := tpm2.ObjectName(&public)
	if err != nil {
		return Policy{}, err
	}
	onlyChange := tpm2.PolicyCommandCode{Code: tpm2.TPMCCObjectChangeAuth}
	var p Policy
	if p.ByPIN, err = digest(tpm2.PolicyAuthValue{}, onlyChange); err != nil {
		return p, err
	}
	signed := tpm2.PolicySigned{AuthObject: tpm2.NamedHandle{Name: *name}, PolicyRef: tpm2.TPM2BNonce{Buffer: c.Ref()}}
	if p.ByReset, err = digest(signed, onlyChange); err != nil {
		return p, err
	}
	p.Digest, err = digest(tpm2.PolicyOr{PHashList: p.Branches()})
	return p, err
}

// Branches are the alternatives, in the order in which PolicyOR lists them.
func (p Policy) Branches() tpm2.TPMLDigest {
	return tpm2.TPMLDigest{Digests: []tpm2.TPM2BDigest{p.ByPIN, p.ByReset}}
}

// step is one policy command, as far as its digest goes.
type step interface {
	Update(policy *tpm2.PolicyCalculator) error
}

func digest(steps ...step) (tpm2.TPM2BDigest, error) {
	calculator, err := tpm2.NewPolicyCalculator(tpm2.TPMAlgSHA256)
	if err != nil {
		return tpm2.TPM2BDigest{}, err
	}
	for _, s := range steps {
		if err := s.Update(calculator); err != nil {
			return tpm2.TPM2BDigest{}, fmt.Errorf("compute a policy: %w", err)
		}
	}
	return tpm2.TPM2BDigest{Buffer: calculator.Hash().Digest}, nil
}

// Template is the public area with which the key of a container is made. NoDA is clear, so
// that the TPM itself counts wrong PINs.
func Template(p Policy) tpm2.TPMTPublic {
	return tpm2.TPMTPublic{
		Type: tpm2.TPMAlgECC, NameAlg: tpm2.TPMAlgSHA256,
		ObjectAttributes: tpm2.TPMAObject{
			FixedTPM: true, FixedParent: true, SensitiveDataOrigin: true,
			UserWithAuth: true, AdminWithPolicy: true, SignEncrypt: true,
		},
		AuthPolicy: p.Digest,
		Parameters: ecdsaP256(),
	}
}

// Auth is the auth value that a PIN becomes: 32 characters of base64 for the first 192 bits
// of SHA-256 over the container's salt and the PIN. It fits every TPM, says nothing about the
// PIN's length, and has no zero byte: a TPM drops zeros at the end of an auth value, and
// go-tpm 0.9.8 computes with what stands before the first one.
func Auth(salt []byte, pin string) []byte {
	h := sha256.New()
	h.Write([]byte("postern device PIN\x00"))
	h.Write(salt)
	h.Write([]byte(pin))
	return []byte(base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:24]))
}

// TrialDigest is what a key that is made on trial for c signs, to show that its PIN opens it. It
// begins as no assertion does, so that the signature is worth nothing as one.
func TrialDigest(c Container, challenge []byte) []byte {
	h := sha256.New()
	h.Write([]byte("postern device PIN key on trial\x00"))
	h.Write(c.Ref())
	h.Write(challenge)
	return h.Sum(nil)
}
