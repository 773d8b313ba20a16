package pinkey

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/subtle"
	"math/big"

	"github.com/google/go-tpm/tpm2"

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

// Check accepts a key for container c only if the TPM that attestation stands for certifies
// that it made this key, with exactly this policy and these attributes, for this challenge;
// it returns the key. A key that was imported, that may be exported, whose PIN something else
// could change, or that was made for another container is refused.
func Check(c Container, reset, attestation *ecdsa.PublicKey, challenge []byte, in Creation) (*ecdsa.PublicKey, error) {
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
	if err := certified(attestation, challenge, public, in); err != nil {
		return nil, err
	}
	return key, nil
}

// certified reports whether in.CertifyInfo says, signed by attestation, that a TPM created
// public and was asked with challenge.
func certified(attestation *ecdsa.PublicKey, challenge []byte, public *tpm2.TPMTPublic, in Creation) error {
	if !verify(attestation, in.CertifyInfo, in.Signature) {
		return ErrAttestation.With("signature", "")
	}
	attest, err := tpm2.Unmarshal[tpm2.TPMSAttest](in.CertifyInfo)
	if err != nil || attest.Magic != tpm2.TPMGeneratedValue || attest.Type != tpm2.TPMSTAttestCreation {
		return ErrAttestation.With("certifyInfo", "")
	}
	if len(challenge) == 0 || subtle.ConstantTimeCompare(attest.ExtraData.Buffer, challenge) != 1 {
		return ErrAttestation.With("certifyInfo", "")
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

func verify(key *ecdsa.PublicKey, message, signature []byte) bool {
	s, err := tpm2.Unmarshal[tpm2.TPMTSignature](signature)
	if err != nil || s.SigAlg != tpm2.TPMAlgECDSA {
		return false
	}
	ecc, err := s.Signature.ECDSA()
	if err != nil || ecc.Hash != tpm2.TPMAlgSHA256 {
		return false
	}
	sum := sha256.Sum256(message)
	return ecdsa.Verify(key, sum[:], new(big.Int).SetBytes(ecc.SignatureR.Buffer), new(big.Int).SetBytes(ecc.SignatureS.Buffer))
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
