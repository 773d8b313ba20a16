package server

import (
	"context"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/keyring"
)

// seedVersion grows when tenants are to have more from their first moment on: keys of another
// purpose, another well-known application.
const seedVersion = 3

// seedMissing gives tenants of earlier releases what later ones seed.
func (s *Server) seedMissing(ctx context.Context) error {
	tenants, err := s.db.Tenants(ctx)
	if err != nil {
		return err
	}
	for _, id := range tenants {
		has, err := s.db.SeedVersion(ctx, id)
		if err != nil {
			return err
		}
		if has >= seedVersion {
			continue
		}
		tenant, err := s.db.Tenant(ctx, id)
		if err != nil {
			return err
		}
		keys, err := s.generate(id, s.now())
		if err != nil {
			return err
		}
		if err := s.db.SeedMissing(ctx, id, keys, directory.WellKnown(tenant), seedVersion); err != nil {
			return err
		}
		s.ring.Forget(string(id))
	}
	return nil
}

// generate makes a key for each purpose that a tenant has keys for, active from now on.
func (s *Server) generate(tenant directory.TenantID, now time.Time) ([]keyring.Key, error) {
	var all []keyring.Key
	for _, purpose := range keyring.Purposes {
		k, err := keyring.Generate(s.wrapper, string(tenant), purpose, now, now)
		if err != nil {
			return nil, err
		}
		all = append(all, k)
	}
	return all, nil
}
