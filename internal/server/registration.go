package server

import (
	"context"
	"slices"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/pages"
	"github.com/postern-id/postern/internal/signin"
)

// interrupts decide who is asked to register a method between a session and an application.
func (s *Server) interrupts(signIn *signin.Service) method.Interrupts {
	return method.Interrupts{
		Store: s.db, Groups: s.db, SignIn: signIn, Registrars: pages.Registrars(), Now: s.now,
		HasPIN: func(ctx context.Context, tenant directory.TenantID, user directory.UserID) (bool, error) {
			all, err := s.db.ContainersOf(ctx, tenant, user)
			return slices.ContainsFunc(all, func(c hello.Container) bool { return !c.Unreadable }), err
		},
	}
}

// letterMethodChanged is the kind of mail about a method that was added, changed or removed.
const letterMethodChanged = "methodChanged"

// methodLetters tell a person that their methods changed. The link in them freezes what was
// added; the mail of a freeze needs none.
func (s *Server) methodLetters(ctx context.Context, c method.Change) ([]outbox.Item, error) {
	tenant, err := s.db.Tenant(ctx, c.Credential.Tenant)
	if err != nil {
		return nil, err
	}
	in := pages.MethodChanged{
		Reader: c.User.DisplayName, Tenant: tenant.DisplayName, What: c.What, Kind: c.Credential.Kind, Name: c.Credential.Name,
		At: c.At, ID: c.Actor.CorrelationID,
	}
	if by := c.Actor.By; !c.Actor.Self && by.User != nil {
		in.By = by.User.DisplayName
	} else if !c.Actor.Self && by.App != nil {
		in.By = by.App.DisplayName
	}
	if c.What != method.Frozen {
		code, err := method.Dispute{
			Tenant: c.Credential.Tenant, User: c.User.ID, Credential: c.Credential.ID, Session: c.Actor.Session, Event: c.Event, EndsAt: c.At.Add(method.DisputeWithin),
		}.Code(ctx, bound{s.ring, s.db.Incarnation}.MAC)
		if err != nil {
			return nil, err
		}
		in.Link = s.options.PublicURL + pages.NotMePath + "#" + code
	}
	letter, err := s.view.MethodChanged(pages.LanguageOf(c.User.PreferredLanguage), tenant.Location(), in)
	if err != nil {
		return nil, err
	}
	return s.notices(ctx, letterMethodChanged, c.Event, tenant, c.User, letter)
}
