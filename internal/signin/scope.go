package signin

import (
	"context"

	"github.com/postern-id/postern/internal/directory"
)

// A Scoped is a [Method] of which policy says who may add it themselves.
type Scoped interface {
	// InScope reports whether policy lets this person add the method themselves.
	InScope(ctx context.Context, tenant directory.TenantID, user directory.UserID) (bool, error)
}

// MayRegister reports whether policy lets this person add a method of that kind themselves: as
// the method says, or else whenever it is enabled.
func (s *Service) MayRegister(ctx context.Context, tenant directory.TenantID, user directory.UserID, id MethodID) (bool, error) {
	m := s.method(id)
	if m == nil {
		return false, nil
	}
	if r, ok := m.(Scoped); ok {
		return r.InScope(ctx, tenant, user)
	}
	return m.Enabled(ctx, tenant)
}

// Ways returns what a person can sign in with now, best first.
func (s *Service) Ways(ctx context.Context, tenant directory.TenantID, user directory.UserID) ([]Offer, error) {
	return s.offers(ctx, Transaction{Home: tenant, User: user, Familiar: true})
}
