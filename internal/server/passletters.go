package server

import (
	"context"
	"errors"
	"slices"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/pages"
	"github.com/postern-id/postern/internal/signin"
)

// The kinds of letter, as operators see them where mail waits or was given up.
const (
	letterRecovered    = "accessRecovered"
	letterTest         = "test"
	letterPINReset     = "pinReset"
	letterPINSetUp     = "pinSetUp"
	letterPassIssued   = "passIssued"
	letterPassRedeemed = "passRedeemed"
	letterRefused      = "passesRefused"
)

// issuedLetters tell a person that a pass was issued for them, where policy says so.
func (s *Server) issuedLetters(ctx context.Context, p tap.Pass) ([]outbox.Item, error) {
	policy, err := s.db.PassPolicy(ctx, p.Tenant)
	if err != nil || !policy.NotifyPerson {
		return nil, err
	}
	tenant, user, err := s.reader(ctx, p.Tenant, p.User)
	if err != nil {
		return nil, err
	}
	in := pages.PassIssued{
		Reader: user.DisplayName, Tenant: tenant.DisplayName, Issuer: p.Issuer.DisplayName,
		At: p.CreatedAt, Start: p.Start, End: p.End(), Once: p.SingleUse, ID: p.ID,
	}
	if policy.HideIssuer {
		in.Issuer = ""
	}
	letter, err := s.view.PassIssued(pages.LanguageOf(user.PreferredLanguage), tenant.Location(), in)
	if err != nil {
		return nil, err
	}
	return s.notices(ctx, letterPassIssued, p.ID, tenant, user, letter)
}

// redeemedLetters tell a person that somebody signed in with their pass, where policy says so.
func (s *Server) redeemedLetters(ctx context.Context, c signin.Completion) ([]outbox.Item, error) {
	t := c.Transaction
	if c.Session.Case != "" {
		u, err := s.db.User(ctx, t.Home, t.User)
		if errors.Is(err, directory.ErrUserUnknown) {
			return nil, nil // the sign-in will be refused for it
		} else if err != nil {
			return nil, err
		}
		return s.usedLetters(ctx, c, c.Session.Case, u)
	}
	policy, err := s.db.PassPolicy(ctx, t.Home)
	if err != nil || !policy.NotifyPerson {
		return nil, err
	}
	tenant, user, err := s.reader(ctx, t.Home, t.User)
	if errors.Is(err, directory.ErrUserUnknown) {
		return nil, nil // the sign-in will be refused for it
	}
	if err != nil {
		return nil, err
	}
	letter, err := s.view.PassRedeemed(pages.LanguageOf(user.PreferredLanguage), tenant.Location(), pages.PassRedeemed{
		Reader: user.DisplayName, Tenant: tenant.DisplayName, Application: t.Application.DisplayName,
		Device: t.Device.Name(), Address: c.Session.Address, At: c.At, ID: t.CorrelationID,
	})
	if err != nil {
		return nil, err
	}
	return s.notices(ctx, letterPassRedeemed, c.Session.ID, tenant, user, letter)
}

func (s *Server) reader(ctx context.Context, id directory.TenantID, user directory.UserID) (directory.Tenant, directory.User, error) {
	tenant, err := s.db.Tenant(ctx, id)
	if err != nil {
		return tenant, directory.User{}, err
	}
	u, err := s.db.User(ctx, id, user)
	return tenant, u, err
}

// letters are what l says for each address of u, in the tenant's own words where it has any. About names
// what it tells of, so that it is queued once. A letter that can't be written is logged: it must not keep
// anybody out.
func (s *Server) letters(ctx context.Context, kind, about string, tenant directory.Tenant, u directory.User, l pages.Letter) []outbox.Item {
	own := s.ownWords(ctx, tenant, u, l)
	var all []outbox.Item
	for _, address := range u.Addresses() {
		to := u
		to.Mail = address
		item, err := s.pack(ctx, kind, about, tenant, to, own)
		if err != nil && own.Text != l.Text { // what a tenant wrote must not keep anybody from being told
			item, err = s.pack(ctx, kind, about, tenant, to, l)
		}
		if err != nil {
			s.options.Log.ErrorContext(ctx, "a letter could not be written", "kind", kind, "user_id", u.ID, "err", err)
			continue
		}
		all = append(all, item)
	}
	return all
}

// notices are letters about what happened to u's account. They go to the addresses, too, that u had until a short
// time ago: who changed those first would be the only one told. What has a code, or a link to a pass, is no notice.
func (s *Server) notices(ctx context.Context, kind, about string, tenant directory.Tenant, u directory.User, l pages.Letter) ([]outbox.Item, error) {
	former, err := s.db.FormerAddresses(ctx, tenant.ID, u.ID, s.now())
	if err != nil {
		return nil, err
	}
	u.OtherMails = slices.Concat(u.OtherMails, former)
	return s.letters(ctx, kind, about, tenant, u, l), nil
}

// pack makes l mail to u's first address.
func (s *Server) pack(ctx context.Context, kind, about string, tenant directory.Tenant, u directory.User, l pages.Letter) (outbox.Item, error) {
	item, err := s.box.Pack(ctx, tenant.ID, kind+" "+about+" "+string(u.ID)+" "+u.Mail, mailTo(u, tenant, l))
	item.Kind, item.User = kind, u.ID
	return item, err
}
