package pinkey

import (
	"bytes"
	"crypto/ecdsa"
	"fmt"

	"github.com/google/go-tpm/tpm2"

	"github.com/postern-id/postern/internal/attestation"
	"github.com/postern-id/postern/internal/fault"
)

// A Creation is what a device shows of a key that it made: the public area and the TPM's
// statement about its birth, signed by the attestation key (TPM2_CertifyCreation).
type Creation struct {
	Public      []byte // TPM2B_PUBLIC's content, TPMT_PUBLIC
	CertifyInfo []byte // TPMS_ATTEST
	Signature   []byte // TPMT_SIGNATURE
}

// Faults of enrolling a key.
var (
	ErrKey = &fault.Error{
		Kind: fault.Invalid, Code: "pinKeyInvalid",
		Text: "The key that the device made is not one that may stand behind a PIN.", Remedy: "Update the agent and set the PIN up again.",
	}
	ErrAttestation = &fault.Error{
		Kind: fault.Invalid, Code: "pinKeyUnattested",
		Text: "The device does not prove that its TPM made this key.", Remedy: "Join the device again, then set the PIN up.",
	}
)

// Check accepts a key for container c only if the TPM that the key attested stands for certifies
// that it made this key, with exactly this policy and these attributes, for this challenge;
// it returns the key. A key that was imported, that may be exported, whose PIN something else
// could change, or that was made for another container is refused.
func Check(c Container, reset, attested *ecdsa.PublicKey, challenge []byte, in Creation) (*ecdsa.PublicKey, error) {
	public, err := tpm2.Unmarshal[tpm2.TPMTPublic](in.Public)
	if err != nil || !bytes.Equal(tpm2.Marshal(public), in.Public) {
		return nil, ErrKey.With("publicKey", "")
	}
	key, err := eccKey(public)
	if err != nil {
		return nil, ErrKey.With("publicKey", "")
	}
	policy, err := NewPolicy(c, reset)
	if err != nil {
		return nil, err
	}
	want := Template(policy)
	want.Unique = public.Unique
	if !bytes.Equal(tpm2.Marshal(want), in.Public) {
		return nil, ErrKey.With("publicKey", "The key's attributes or policy are not those of a device PIN for this person on this device.")
	}
	if err := certified(attested, challenge, public, in); err != nil {
		return nil, err
	}
	return key, nil
}

// certified reports whether in.CertifyInfo says, signed by the attestation key, that a TPM created
// public and was asked with challenge.
func certified(by *ecdsa.PublicKey, challenge []byte, public *tpm2.TPMTPublic, in Creation) error {
	attest, err := attestation.Said(by, challenge, tpm2.TPMSTAttestCreation, in.CertifyInfo, in.Signature)
	if err != nil {
		return fmt.Errorf("%w (%w)", ErrAttestation, err)
	}
	creation, err := attest.Attested.Creation()
	if err != nil {
		return ErrAttestation.With("certifyInfo", "")
	}
	name, err := tpm2.ObjectName(public)
	if err != nil || !bytes.Equal(name.Buffer, creation.ObjectName.Buffer) {
		return ErrAttestation.With("certifyInfo", "")
	}
	return nil
}

// KeyOf is the key of a TPMT_PUBLIC, or ErrKey.
func KeyOf(public []byte) (*ecdsa.PublicKey, error) {
	area, err := tpm2.Unmarshal[tpm2.TPMTPublic](public)
	if err != nil {
		return nil, ErrKey.With("publicKey", "")
	}
	key, err := eccKey(area)
	if err != nil {
		return nil, ErrKey.With("publicKey", "")
	}
	return key, nil
}

func eccKey(public *tpm2.TPMTPublic) (*ecdsa.PublicKey, error) {
	key, err := tpm2.Pub(*public)
	if err != nil {
		return nil, err
	}
	ecc, ok := key.(*ecdsa.PublicKey)
	if !ok {
		return nil, ErrKey
	}
	return ecc, nil
}
