package server

import (
	"context"
	"crypto/rand"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/pages"
	"github.com/postern-id/postern/internal/recovery/handover"
)

// letterHandover is the kind of mail with a link by which a pass is handed over.
const letterHandover = "passHandedOver"

func (s *Server) handovers() handover.Service {
	return handover.Service{
		Store: s.db, MAC: bound{s.ring, s.db.Incarnation}.MAC, Now: s.now, Rand: rand.Reader, Letters: s.handoverLetters,
		Page: s.options.PublicURL + pages.OpenPath,
		ManagerOf: func(ctx context.Context, tenant directory.TenantID, user directory.UserID) (directory.UserID, error) {
			u, err := s.db.User(ctx, tenant, user)
			return u.Manager, err
		},
	}
}

// handoverLetters tell the reader of the link, at every address of theirs.
func (s *Server) handoverLetters(ctx context.Context, h handover.Handover, code string) ([]outbox.Item, error) {
	tenant, reader, err := s.reader(ctx, h.Tenant, h.Reader)
	if err != nil {
		return nil, err
	}
	in := pages.HandedOver{
		Reader: reader.DisplayName, Tenant: tenant.DisplayName, Until: h.EndsAt, Link: s.handovers().Link(code), ID: h.ID,
	}
	if h.Owner != h.Reader {
		owner, err := s.db.User(ctx, h.Tenant, h.Owner)
		if err != nil {
			return nil, err
		}
		in.Owner = owner.DisplayName
	}
	letter, err := s.view.HandedOver(pages.LanguageOf(reader.PreferredLanguage), tenant.Location(), in)
	if err != nil {
		return nil, err
	}
	return s.letters(ctx, letterHandover, h.ID, tenant, reader, letter), nil
}
