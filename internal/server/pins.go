package server

import (
	"context"
	"crypto/rand"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/pages"
	"github.com/postern-id/postern/internal/request"
)

// pins are device PINs. The reset keys are this process's own; another hello.Signer could keep
// them in a KMS.
func (s *Server) pins() hello.PINs {
	return hello.PINs{
		Store: s.db, Signer: hello.Roots{Ring: s.ring, Counter: s.db}, Now: s.now, Rand: rand.Reader, Letters: s.resetLetters, SetUpLetters: s.setUpLetters,
		Notify: func(ctx context.Context, c hello.Container, user directory.User) {
			s.tellPhones(ctx, method.Change{What: method.Added, Credential: method.Credential{Kind: hello.MethodID}, User: user})
		},
	}
}

// resetLetters tell a person at each of their addresses that their PIN was replaced, and who
// issued the pass behind it.
func (s *Server) resetLetters(ctx context.Context, r hello.Reset) ([]outbox.Item, error) {
	tenant, err := s.db.Tenant(ctx, r.Container.Tenant)
	if err != nil {
		return nil, err
	}
	letter, err := s.view.PINReset(pages.LanguageOf(r.User.PreferredLanguage), tenant.Location(), pages.PINReset{
		Reader: r.User.DisplayName, Tenant: tenant.DisplayName, Device: r.Device.DisplayName, At: r.At, Issuer: r.Issuer,
		ID: request.From(ctx).CorrelationID,
	})
	if err != nil {
		return nil, err
	}
	return s.notices(ctx, letterPINReset, r.Container.ID+" "+r.At.String(), tenant, r.User, letter)
}

// setUpLetters tell a person that a PIN of theirs was set up at a device.
func (s *Server) setUpLetters(ctx context.Context, c hello.Container, d directory.Device, user directory.User) ([]outbox.Item, error) {
	tenant, err := s.db.Tenant(ctx, c.Tenant)
	if err != nil {
		return nil, err
	}
	letter, err := s.view.PINSetUp(pages.LanguageOf(user.PreferredLanguage), tenant.Location(), pages.PINSetUp{
		Reader: user.DisplayName, Tenant: tenant.DisplayName, Device: d.DisplayName, At: c.RegisteredAt, ByPass: c.Pass != "",
		ID: request.From(ctx).CorrelationID,
	})
	if err != nil {
		return nil, err
	}
	return s.notices(ctx, letterPINSetUp, c.ID, tenant, user, letter)
}
