package tpm

import (
	"crypto"
	"crypto/ecdsa"
	"encoding/asn1"
	"fmt"
	"io"
	"math/big"

	"github.com/google/go-tpm/tpm2"
)

// A Key is a key of this TPM as it is kept on disk: the public area, and the private part
// wrapped by the storage root key.
type Key struct {
	Public  []byte `json:"public"`  // TPMT_PUBLIC
	Private []byte `json:"private"` // TPM2B_PRIVATE's content
}

// PublicKey returns the key's public part.
func (k Key) PublicKey() (*ecdsa.PublicKey, error) { return publicKey(k.Public) }

// birth is what TPM2_Create tells of a new key, for TPM2_CertifyCreation.
type birth struct {
	hash   tpm2.TPM2BDigest
	ticket tpm2.TPMTTKCreation
}

// NewDeviceKey makes a signing key without a PIN.
func (t *TPM) NewDeviceKey() (Key, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k, _, err := t.create(signing(), nil)
	return k, err
}

// signing is a P-256 key that signs whatever it is given.
func signing() tpm2.TPMTPublic {
	return tpm2.TPMTPublic{
		Type: tpm2.TPMAlgECC, NameAlg: tpm2.TPMAlgSHA256,
		ObjectAttributes: tpm2.TPMAObject{
			FixedTPM: true, FixedParent: true, SensitiveDataOrigin: true, UserWithAuth: true, NoDA: true, SignEncrypt: true,
		},
		Parameters: tpm2.NewTPMUPublicParms(tpm2.TPMAlgECC, &tpm2.TPMSECCParms{
			Scheme: tpm2.TPMTECCScheme{
				Scheme:  tpm2.TPMAlgECDSA,
				Details: tpm2.NewTPMUAsymScheme(tpm2.TPMAlgECDSA, &tpm2.TPMSSigSchemeECDSA{HashAlg: tpm2.TPMAlgSHA256}),
			},
			CurveID: tpm2.TPMECCNistP256,
		}),
	}
}

func (t *TPM) create(template tpm2.TPMTPublic, auth []byte) (Key, birth, error) {
	made, err := tpm2.Create{
		ParentHandle: t.srk,
		InPublic:     tpm2.New2B(template),
		InSensitive:  tpm2.TPM2BSensitiveCreate{Sensitive: &tpm2.TPMSSensitiveCreate{UserAuth: tpm2.TPM2BAuth{Buffer: auth}}},
	}.Execute(t.conn, t.encrypted(false))
	if err != nil {
		return Key{}, birth{}, fmt.Errorf("make a key: %w", told(err))
	}
	public, err := made.OutPublic.Contents()
	if err != nil {
		return Key{}, birth{}, err
	}
	return Key{Public: tpm2.Marshal(*public), Private: made.OutPrivate.Buffer}, birth{made.CreationHash, made.CreationTicket}, nil
}

// load loads k; the caller flushes it.
func (t *TPM) load(k Key) (tpm2.NamedHandle, error) {
	public, err := tpm2.Unmarshal[tpm2.TPMTPublic](k.Public)
	if err != nil {
		return tpm2.NamedHandle{}, fmt.Errorf("read a key: %w", err)
	}
	loaded, err := tpm2.Load{
		ParentHandle: t.srk, InPrivate: tpm2.TPM2BPrivate{Buffer: k.Private}, InPublic: tpm2.New2B(*public),
	}.Execute(t.conn)
	if err != nil {
		return tpm2.NamedHandle{}, fmt.Errorf("load a key: %w", told(err))
	}
	return tpm2.NamedHandle{Handle: loaded.ObjectHandle, Name: loaded.Name}, nil
}

// Sign signs a SHA-256 digest with k and returns the signature in ASN.1. auth is the auth
// value of k, nil where it has none. A wrong one is ErrWrongPIN and counts in the TPM.
func (t *TPM) Sign(k Key, auth, digest []byte) ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key, err := t.load(k)
	if err != nil {
		return nil, err
	}
	defer t.flush(key.Handle)
	signed, err := tpm2.Sign{
		KeyHandle:  tpm2.AuthHandle{Handle: key.Handle, Name: key.Name, Auth: t.authorised(auth)},
		Digest:     tpm2.TPM2BDigest{Buffer: digest},
		InScheme:   tpm2.TPMTSigScheme{Scheme: tpm2.TPMAlgNull},
		Validation: tpm2.TPMTTKHashCheck{Tag: tpm2.TPMSTHashCheck, Hierarchy: tpm2.TPMRHNull},
	}.Execute(t.conn)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", told(err))
	}
	ecc, err := signed.Signature.Signature.ECDSA()
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(struct{ R, S *big.Int }{
		new(big.Int).SetBytes(ecc.SignatureR.Buffer), new(big.Int).SetBytes(ecc.SignatureS.Buffer),
	})
}

// Signer is k as a crypto.Signer, for SHA-256 only.
func (t *TPM) Signer(k Key, auth []byte) (crypto.Signer, error) {
	public, err := k.PublicKey()
	if err != nil {
		return nil, err
	}
	return signer{t, k, auth, public}, nil
}

type signer struct {
	tpm    *TPM
	key    Key
	auth   []byte
	public *ecdsa.PublicKey
}

// Public implements crypto.Signer.
func (s signer) Public() crypto.PublicKey { return s.public }

// Sign implements crypto.Signer. The TPM has its own randomness.
func (s signer) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if opts.HashFunc() != crypto.SHA256 {
		return nil, fmt.Errorf("a key of the TPM signs SHA-256, not %v", opts.HashFunc())
	}
	return s.tpm.Sign(s.key, s.auth, digest)
}

// Holds reports whether this TPM can use k: nil, or ErrForeign for one that another TPM
// wrapped, or this one before it was cleared. It needs no PIN and counts nothing.
func (t *TPM) Holds(k Key) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	key, err := t.load(k)
	if err != nil {
		return err
	}
	t.flush(key.Handle)
	return nil
}
