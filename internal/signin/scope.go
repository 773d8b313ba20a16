package signin

import (
	"context"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/token"
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

// YieldOf is the most that a proof by a method shows.
func (s *Service) YieldOf(id MethodID) Yield {
	if m := s.method(id); m != nil {
		return m.Yield()
	}
	return Yield{}
}

// BeginDone starts a sign-in that is done already, by a session that is there: what stands
// between it and the application comes next.
func (s *Service) BeginDone(ctx context.Context, t Transaction, session Session, username string, place Place) (Transaction, token.Opaque, error) {
	t.Home, t.Username, t.User, t.Proofs, t.Session, t.DoneAt = session.Tenant, username, session.User, session.Proofs, session.ID, s.Now()
	return s.Begin(ctx, t, place)
}
