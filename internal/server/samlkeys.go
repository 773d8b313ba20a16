package server

import (
	"context"
	"crypto"
	"errors"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/keyring"
)

// samlKeys are the keys of tenants; the one for SAML is made when it is asked for first, since
// most tenants never need it.
type samlKeys struct{ s *Server }

// Keys implements samlidp.Keys.
func (k samlKeys) Keys(ctx context.Context, tenant string) ([]keyring.Key, error) {
	return k.s.ring.Keys(ctx, tenant)
}

// SignerOf implements samlidp.Keys.
func (k samlKeys) SignerOf(ctx context.Context, tenant string, purpose keyring.Purpose, id string) (keyring.Key, crypto.Signer, error) {
	key, signer, err := k.s.ring.SignerOf(ctx, tenant, purpose, id)
	if id != "" || !errors.Is(err, keyring.ErrNoKey) {
		return key, signer, err
	}
	if err := k.s.ensureSAML(ctx, directory.TenantID(tenant)); err != nil {
		return key, nil, err
	}
	return k.s.ring.SignerOf(ctx, tenant, purpose, id)
}

// ensureSAML gives a tenant a key for SAML unless it has one. Of several replicas one makes it.
func (s *Server) ensureSAML(ctx context.Context, tenant directory.TenantID) error {
	now := s.now()
	fresh, err := keyring.Generate(s.wrapper, string(tenant), keyring.SAML, now, now)
	if err != nil {
		return err
	}
	defer s.ring.Forget(string(tenant))
	return s.db.AddMissingKey(ctx, fresh)
}
