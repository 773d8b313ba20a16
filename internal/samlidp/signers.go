package samlidp

import (
	"context"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/keyring"
	"github.com/postern-id/postern/internal/saml"
)

// Signers are the keys of a tenant for SAML: the one that signs now first, then those that will,
// and those that did and others may still encrypt for.
func Signers(ctx context.Context, keys Keys, tenant directory.TenantID) ([]saml.Signer, error) {
	now, key, err := keys.SignerOf(ctx, string(tenant), keyring.SAML, "")
	if err != nil {
		return nil, err
	}
	c, err := certificate(now, key)
	if err != nil {
		return nil, err
	}
	signers := []saml.Signer{{Key: key, Certificate: c}}
	all, err := keys.Keys(ctx, string(tenant))
	if err != nil {
		return nil, err
	}
	for _, k := range all {
		if k.Purpose != keyring.SAML || k.ID == now.ID {
			continue
		}
		_, key, err := keys.SignerOf(ctx, string(tenant), keyring.SAML, k.ID)
		if err != nil {
			return nil, err
		}
		c, err := certificate(k, key)
		if err != nil {
			return nil, err
		}
		signers = append(signers, saml.Signer{Key: key, Certificate: c})
	}
	return signers, nil
}
