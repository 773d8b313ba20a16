package tpm

import (
	"fmt"

	"github.com/google/go-tpm/tpm2"
)

// Seal has the TPM wrap data, 128 bytes at most, so that only auth opens it there. Wrong ones
// count in the TPM, as they do for the key of a PIN.
func (t *TPM) Seal(data, auth []byte) (Key, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	made, err := tpm2.Create{
		ParentHandle: t.srk,
		InPublic: tpm2.New2B(tpm2.TPMTPublic{
			Type: tpm2.TPMAlgKeyedHash, NameAlg: tpm2.TPMAlgSHA256,
			ObjectAttributes: tpm2.TPMAObject{FixedTPM: true, FixedParent: true, UserWithAuth: true},
		}),
		InSensitive: tpm2.TPM2BSensitiveCreate{Sensitive: &tpm2.TPMSSensitiveCreate{
			UserAuth: tpm2.TPM2BAuth{Buffer: auth},
			Data:     tpm2.NewTPMUSensitiveCreate(&tpm2.TPM2BSensitiveData{Buffer: data}),
		}},
	}.Execute(t.conn, t.encrypted(false))
	if err != nil {
		return Key{}, fmt.Errorf("seal: %w", told(err))
	}
	public, err := made.OutPublic.Contents()
	if err != nil {
		return Key{}, err
	}
	return Key{Public: tpm2.Marshal(*public), Private: made.OutPrivate.Buffer}, nil
}

// Unseal returns what Seal wrapped. A wrong auth is ErrWrongPIN.
func (t *TPM) Unseal(k Key, auth []byte) ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	object, err := t.load(k)
	if err != nil {
		return nil, err
	}
	defer t.flush(object.Handle)
	out, err := tpm2.Unseal{
		ItemHandle: tpm2.AuthHandle{Handle: object.Handle, Name: object.Name, Auth: t.authorised(auth)},
	}.Execute(t.conn, t.encrypted(true))
	if err != nil {
		return nil, fmt.Errorf("unseal: %w", told(err))
	}
	return out.OutData.Buffer, nil
}
