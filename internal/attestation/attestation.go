// Package attestation is how a server learns that a key lives in a genuine TPM, when a
// device joins. Two steps: a challenge that opens only in the TPM whose maker certified its
// endorsement key, and only for an attestation key of that TPM (TPM 2.0 Library, Part 1,
// "Credential Protection"); then that attestation key's statement about the birth of other
// keys (package pinkey checks those behind PINs). It knows no HTTP, no store and no clock.
package attestation

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"io"
	"math/big"
	"slices"
	"time"

	"github.com/google/go-tpm/tpm2"

	"github.com/postern-id/postern/internal/fault"
)

// Evidence is what a device shows first. It proves nothing by itself.
type Evidence struct {
	EndorsementPublic      []byte `json:"endorsementPublic"`                // TPMT_PUBLIC
	EndorsementCertificate []byte `json:"endorsementCertificate,omitempty"` // DER, of the TPM's maker
	AttestationPublic      []byte `json:"attestationPublic"`                // TPMT_PUBLIC
}

// A Challenge is what only that TPM can open.
type Challenge struct {
	Blob   []byte `json:"blob"`   // TPMS_ID_OBJECT
	Secret []byte `json:"secret"` // encrypted seed
}

// Faults of attestation.
var (
	ErrEvidence = &fault.Error{
		Kind: fault.Invalid, Code: "attestationInvalid",
		Text: "What the device shows of its TPM can't be used.", Remedy: "Update the agent and the firmware of the TPM.",
	}
	ErrUntrusted = &fault.Error{
		Kind: fault.Forbidden, Code: "attestationUntrusted",
		Text:   "Nobody that is trusted here certifies the TPM of this device.",
		Remedy: "Ask your administrator to trust the maker of the TPM, or to let devices join without this.",
	}
)

// SecretSize is the size of what a challenge holds, in bytes.
const SecretSize = 32

// New checks that e has the form of an endorsement key and an attestation key, and returns a
// fresh secret with the challenge that hides it.
func New(random io.Reader, e Evidence) (secret []byte, c Challenge, err error) {
	endorsement, err := area(e.EndorsementPublic)
	if err != nil {
		return nil, c, ErrEvidence.With("endorsementPublic", "")
	}
	if _, err := Key(e); err != nil {
		return nil, c, err
	}
	attestation, err := area(e.AttestationPublic)
	if err != nil {
		return nil, c, ErrEvidence.With("attestationPublic", "")
	}
	name, err := tpm2.ObjectName(attestation)
	if err != nil {
		return nil, c, err
	}
	a := endorsement.ObjectAttributes
	if !a.FixedTPM || !a.FixedParent || !a.Restricted || !a.Decrypt || a.SignEncrypt {
		return nil, c, ErrEvidence.With("endorsementPublic", "The endorsement key is not one that only decrypts inside its TPM.")
	}
	seal, err := tpm2.ImportEncapsulationKey(endorsement)
	if err != nil {
		return nil, c, ErrEvidence.With("endorsementPublic", "")
	}
	secret = make([]byte, SecretSize)
	if _, err := io.ReadFull(random, secret); err != nil {
		return nil, c, err
	}
	c.Blob, c.Secret, err = tpm2.CreateCredential(rand.Reader, seal, name.Buffer, secret)
	return secret, c, err
}

// Key returns the attestation key of e that will speak for the TPM, if it has the form of one
// that signs only what its TPM says.
func Key(e Evidence) (*ecdsa.PublicKey, error) {
	public, err := area(e.AttestationPublic)
	if err != nil {
		return nil, ErrEvidence.With("attestationPublic", "")
	}
	a := public.ObjectAttributes
	if !a.FixedTPM || !a.FixedParent || !a.SensitiveDataOrigin || !a.Restricted || !a.SignEncrypt || a.Decrypt {
		return nil, ErrEvidence.With("attestationPublic", "The attestation key is not one that signs only what its TPM says.")
	}
	key, err := tpm2.Pub(*public)
	if err != nil {
		return nil, ErrEvidence.With("attestationPublic", "")
	}
	ecc, ok := key.(*ecdsa.PublicKey)
	if !ok {
		return nil, ErrEvidence.With("attestationPublic", "The attestation key is not an ECDSA key.")
	}
	return ecc, nil
}

// area reads a public area that is written in the one right way.
func area(public []byte) (*tpm2.TPMTPublic, error) {
	a, err := tpm2.Unmarshal[tpm2.TPMTPublic](public)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(tpm2.Marshal(a), public) {
		return nil, ErrEvidence
	}
	return a, nil
}

// endorsementUse is the extended key usage of an endorsement certificate (EK Credential
// Profile 2.5, section 3.2.17).
var endorsementUse = asn1.ObjectIdentifier{2, 23, 133, 8, 1}

// subjectAltName is critical in endorsement certificates and names the TPM in a form that
// crypto/x509 does not read, which it says instead of passing over it.
var subjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}

// Trusted reports whether somebody in roots certifies, at now, that the endorsement key of e
// is a TPM's; else ErrUntrusted. Intermediate certificates may be among roots.
func Trusted(e Evidence, roots []*x509.Certificate, now time.Time) error {
	if len(e.EndorsementCertificate) == 0 {
		return ErrUntrusted.With("", "The TPM of this device has no certificate of its maker.")
	}
	certificate, err := x509.ParseCertificate(e.EndorsementCertificate)
	if err != nil {
		return ErrEvidence.With("endorsementCertificate", "")
	}
	if err := names(certificate, e.EndorsementPublic); err != nil {
		return err
	}
	certificate.UnhandledCriticalExtensions = slices.DeleteFunc(certificate.UnhandledCriticalExtensions, subjectAltName.Equal)
	options := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}
	for _, root := range roots {
		if bytes.Equal(root.RawIssuer, root.RawSubject) {
			options.Roots.AddCert(root)
		} else {
			options.Intermediates.AddCert(root)
		}
	}
	if _, err := certificate.Verify(options); err != nil {
		return fmt.Errorf("%w (%w)", ErrUntrusted, err)
	}
	if !slices.ContainsFunc(certificate.UnknownExtKeyUsage, endorsementUse.Equal) {
		return ErrUntrusted.With("", "The certificate of the TPM is not for an endorsement key.")
	}
	return nil
}

// names reports whether the certificate is for the key of the public area.
func names(certificate *x509.Certificate, public []byte) error {
	a, err := area(public)
	if err != nil {
		return ErrEvidence.With("endorsementPublic", "")
	}
	key, err := tpm2.Pub(*a)
	if err != nil {
		return ErrEvidence.With("endorsementPublic", "")
	}
	same := false
	switch k := key.(type) {
	case *rsa.PublicKey:
		same = k.Equal(certificate.PublicKey)
	case *ecdsa.PublicKey:
		same = k.Equal(certificate.PublicKey)
	}
	if !same {
		return ErrUntrusted.With("", "The certificate is for another TPM.")
	}
	return nil
}

// A Statement is what the TPM says of one of its keys, signed by the attestation key
// (TPM2_Certify).
type Statement struct {
	Public      []byte `json:"public"`      // TPMT_PUBLIC of the key
	CertifyInfo []byte `json:"certifyInfo"` // TPMS_ATTEST
	Signature   []byte `json:"signature"`   // TPMT_SIGNATURE
}

// CheckKey returns the key of s if the attestation key certifies, for challenge, that it was
// made in its TPM and can't leave it.
func CheckKey(attestationKey *ecdsa.PublicKey, challenge []byte, s Statement) (*ecdsa.PublicKey, error) {
	public, err := area(s.Public)
	if err != nil {
		return nil, ErrEvidence.With("public", "")
	}
	a := public.ObjectAttributes
	if !a.FixedTPM || !a.FixedParent || !a.SensitiveDataOrigin || !a.SignEncrypt || a.Restricted || a.Decrypt {
		return nil, ErrEvidence.With("public", "The key was not made in the TPM, or can leave it.")
	}
	attest, err := Said(attestationKey, challenge, tpm2.TPMSTAttestCertify, s.CertifyInfo, s.Signature)
	if err != nil {
		return nil, err
	}
	certified, err := attest.Attested.Certify()
	if err != nil {
		return nil, ErrEvidence.With("certifyInfo", "")
	}
	name, err := tpm2.ObjectName(public)
	if err != nil || !bytes.Equal(name.Buffer, certified.Name.Buffer) {
		return nil, ErrEvidence.With("certifyInfo", "The TPM speaks of another key.")
	}
	key, err := tpm2.Pub(*public)
	if err != nil {
		return nil, ErrEvidence.With("public", "")
	}
	ecc, ok := key.(*ecdsa.PublicKey)
	if !ok {
		return nil, ErrEvidence.With("public", "The key is not an ECDSA key.")
	}
	return ecc, nil
}

// Said returns a statement of the given kind if a TPM made it, its attestation key signed it,
// and it answers challenge.
func Said(attestationKey *ecdsa.PublicKey, challenge []byte, kind tpm2.TPMST, info, signature []byte) (*tpm2.TPMSAttest, error) {
	s, err := tpm2.Unmarshal[tpm2.TPMTSignature](signature)
	if err != nil || s.SigAlg != tpm2.TPMAlgECDSA {
		return nil, ErrEvidence.With("signature", "")
	}
	ecc, err := s.Signature.ECDSA()
	if err != nil || ecc.Hash != tpm2.TPMAlgSHA256 {
		return nil, ErrEvidence.With("signature", "")
	}
	sum := sha256.Sum256(info)
	if !ecdsa.Verify(attestationKey, sum[:], new(big.Int).SetBytes(ecc.SignatureR.Buffer), new(big.Int).SetBytes(ecc.SignatureS.Buffer)) {
		return nil, ErrEvidence.With("signature", "The statement is not signed by the TPM that joined.")
	}
	attest, err := tpm2.Unmarshal[tpm2.TPMSAttest](info)
	if err != nil || attest.Magic != tpm2.TPMGeneratedValue || attest.Type != kind {
		return nil, ErrEvidence.With("certifyInfo", "")
	}
	if len(challenge) == 0 || subtle.ConstantTimeCompare(attest.ExtraData.Buffer, challenge) != 1 {
		return nil, ErrEvidence.With("certifyInfo", "The statement answers another question.")
	}
	return attest, nil
}
