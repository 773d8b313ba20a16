package keyring

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"fmt"

	"github.com/postern-id/postern/internal/fault"
)

// ErrSealed says that something sealed does not open: it is damaged, from another row or
// tenant, or its key is gone.
var ErrSealed = &fault.Error{
	Kind: fault.Unavailable, Code: "sealedUnreadable",
	Text: "Something that is kept sealed can't be opened.", Remedy: "Restore the store and its master key from one backup.",
}

// Seal encrypts plain under a key of the tenant's own (AES-256-GCM). Only Open with the same
// tenant and place opens it; place is table, column and row.
func (r *Ring) Seal(ctx context.Context, tenant string, plain []byte, where ...string) (string, error) {
	aead, err := r.sealer(ctx, tenant)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(aead.Seal(nil, nil, plain, place(append([]string{tenant}, where...)))), nil
}

// Open reverses Seal, or returns ErrSealed.
func (r *Ring) Open(ctx context.Context, tenant, sealed string, where ...string) ([]byte, error) {
	aead, err := r.sealer(ctx, tenant)
	if err != nil {
		return nil, err
	}
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return nil, ErrSealed
	}
	plain, err := aead.Open(nil, nil, raw, place(append([]string{tenant}, where...)))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

func (r *Ring) sealer(ctx context.Context, tenant string) (cipher.AEAD, error) {
	key, err := r.Derive(ctx, tenant, "seal 1")
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make a cipher: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}
