package tpm

import (
	"errors"
	"fmt"

	"github.com/google/go-tpm/tpm2"
)

// NewAttestationKey makes a restricted signing key: it signs what this TPM says about itself
// and nothing from outside.
func (t *TPM) NewAttestationKey() (Key, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	template := signing()
	template.ObjectAttributes.Restricted = true
	k, _, err := t.create(template, nil)
	return k, err
}

func (t *TPM) certifyCreation(attestation, k Key, born birth, challenge []byte) (info, signature []byte, err error) {
	by, err := t.load(attestation)
	if err != nil {
		return nil, nil, err
	}
	defer t.flush(by.Handle)
	key, err := t.load(k)
	if err != nil {
		return nil, nil, err
	}
	defer t.flush(key.Handle)
	certified, err := tpm2.CertifyCreation{
		SignHandle:   tpm2.AuthHandle{Handle: by.Handle, Name: by.Name, Auth: t.authorised(nil)},
		ObjectHandle: key, QualifyingData: tpm2.TPM2BData{Buffer: challenge},
		CreationHash: born.hash, CreationTicket: born.ticket, InScheme: tpm2.TPMTSigScheme{Scheme: tpm2.TPMAlgNull},
	}.Execute(t.conn)
	if err != nil {
		return nil, nil, fmt.Errorf("certify a key: %w", told(err))
	}
	return statement(certified.CertifyInfo, certified.Signature)
}

// CertifyKey has the attestation key say, for the server's challenge, that k lives in this
// TPM. It works for keys without a PIN.
func (t *TPM) CertifyKey(attestation, k Key, challenge []byte) (info, signature []byte, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	by, err := t.load(attestation)
	if err != nil {
		return nil, nil, err
	}
	defer t.flush(by.Handle)
	key, err := t.load(k)
	if err != nil {
		return nil, nil, err
	}
	defer t.flush(key.Handle)
	certified, err := tpm2.Certify{
		ObjectHandle:   tpm2.AuthHandle{Handle: key.Handle, Name: key.Name, Auth: t.authorised(nil)},
		SignHandle:     tpm2.AuthHandle{Handle: by.Handle, Name: by.Name, Auth: t.authorised(nil)},
		QualifyingData: tpm2.TPM2BData{Buffer: challenge}, InScheme: tpm2.TPMTSigScheme{Scheme: tpm2.TPMAlgNull},
	}.Execute(t.conn)
	if err != nil {
		return nil, nil, fmt.Errorf("certify a key: %w", told(err))
	}
	return statement(certified.CertifyInfo, certified.Signature)
}

// statement writes what a TPM said in the form that goes to the server.
func statement(info tpm2.TPM2BAttest, signature tpm2.TPMTSignature) ([]byte, []byte, error) {
	attest, err := info.Contents()
	if err != nil {
		return nil, nil, err
	}
	return tpm2.Marshal(*attest), tpm2.Marshal(signature), nil
}

// Where the TCG keeps endorsement certificates: RSA 2048 and ECC P-256 (EK Credential
// Profile 2.5, section 2.2.1.4).
const (
	nvCertificateRSA = tpm2.TPMHandle(0x01c00002)
	nvCertificateECC = tpm2.TPMHandle(0x01c0000a)
)

// An Endorsement is the TPM's identity by birth: a key that only decrypts, and the maker's
// certificate for it, which is empty when the TPM has none.
type Endorsement struct {
	Public      []byte // TPMT_PUBLIC
	Certificate []byte // DER
}

// Endorsement reads the identity that the server's challenge is made for.
func (t *TPM) Endorsement() (Endorsement, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	handle, public, template, err := t.endorsementKey()
	if err != nil {
		return Endorsement{}, err
	}
	t.flush(handle.Handle)
	index := nvCertificateRSA
	if template.Type == tpm2.TPMAlgECC {
		index = nvCertificateECC
	}
	certificate, err := t.readIndex(index)
	if err != nil {
		certificate = nil // a TPM without a certificate is told apart by the server's policy
	}
	return Endorsement{Public: tpm2.Marshal(public), Certificate: certificate}, nil
}

// endorsementKey makes the endorsement key that the TPM has a certificate for, RSA where it
// has none; the caller flushes it.
func (t *TPM) endorsementKey() (tpm2.NamedHandle, tpm2.TPMTPublic, tpm2.TPMTPublic, error) {
	template := tpm2.RSAEKTemplate
	if _, err := t.readIndex(nvCertificateRSA); err != nil {
		if _, err := t.readIndex(nvCertificateECC); err == nil {
			template = tpm2.ECCEKTemplate
		}
	}
	made, err := tpm2.CreatePrimary{PrimaryHandle: tpm2.TPMRHEndorsement, InPublic: tpm2.New2B(template)}.Execute(t.conn)
	if err != nil {
		return tpm2.NamedHandle{}, tpm2.TPMTPublic{}, template, fmt.Errorf("make the endorsement key: %w", told(err))
	}
	public, err := made.OutPublic.Contents()
	if err != nil {
		return tpm2.NamedHandle{}, tpm2.TPMTPublic{}, template, err
	}
	return tpm2.NamedHandle{Handle: made.ObjectHandle, Name: made.Name}, *public, template, nil
}

// Activate opens the server's challenge, which shows that attestation lives in the TPM whose
// endorsement key it was made for (TPM2_ActivateCredential).
func (t *TPM) Activate(attestation Key, blob, secret []byte) ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	by, err := t.load(attestation)
	if err != nil {
		return nil, err
	}
	defer t.flush(by.Handle)
	endorsement, _, _, err := t.endorsementKey()
	if err != nil {
		return nil, err
	}
	defer t.flush(endorsement.Handle)
	session, closeIt, err := tpm2.PolicySession(t.conn, tpm2.TPMAlgSHA256, 16)
	if err != nil {
		return nil, told(err)
	}
	defer func() { _ = closeIt() }()
	if _, err := (tpm2.PolicySecret{
		AuthHandle: tpm2.TPMRHEndorsement, PolicySession: session.Handle(), NonceTPM: session.NonceTPM(),
	}).Execute(t.conn); err != nil {
		return nil, told(err)
	}
	opened, err := tpm2.ActivateCredential{
		ActivateHandle: tpm2.AuthHandle{Handle: by.Handle, Name: by.Name, Auth: t.authorised(nil)},
		KeyHandle:      tpm2.AuthHandle{Handle: endorsement.Handle, Name: endorsement.Name, Auth: session},
		CredentialBlob: tpm2.TPM2BIDObject{Buffer: blob}, Secret: tpm2.TPM2BEncryptedSecret{Buffer: secret},
	}.Execute(t.conn)
	if err != nil {
		return nil, fmt.Errorf("open the server's challenge: %w", told(err))
	}
	return opened.CertInfo.Buffer, nil
}

var errEmptyIndex = errors.New("the index is empty")
