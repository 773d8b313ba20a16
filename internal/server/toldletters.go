package server

import (
	"context"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/pages"
	"github.com/postern-id/postern/internal/recovery"
)

const letterCaseTold = "recoveryCaseTold"

// toldLetters are the mails to whoever else the recovery policy tells of a pass. Neither the pass nor the number
// of the case is in them, and nothing that stops it: they may go to somebody who is not asked.
func (s *Server) toldLetters(ctx context.Context, n recovery.Notice) ([]outbox.Item, error) {
	subject, err := s.cases.Subject(ctx, n.Case.Tenant, n.Case.User)
	if err != nil {
		return nil, err
	}
	policy, err := s.db.RecoveryPolicy(ctx, n.Case.Tenant)
	if err != nil {
		return nil, err
	}
	readers, err := s.toldReaders(ctx, policy.ToldOf(subject.Class), subject)
	var all []outbox.Item
	for _, to := range readers {
		letter, err := s.view.CaseTold(pages.LanguageOf(to.PreferredLanguage), subject.Tenant.Location(), pages.CaseTold{
			Reader: to.DisplayName, Tenant: subject.Tenant.DisplayName, Name: subject.User.DisplayName, By: n.By.Name, At: n.At,
			Link: s.options.PublicURL + "/console/recovery/cases/" + n.Case.ID, ID: n.Case.ID,
		})
		if err != nil {
			return nil, err
		}
		all = append(all, s.letters(ctx, letterCaseTold, n.Case.ID, subject.Tenant, to, letter)...)
	}
	return all, err
}

// toldReaders are the people and addresses of a list, each address once, without the person themselves. They are
// told at work.
func (s *Server) toldReaders(ctx context.Context, told []string, about recovery.Subject) ([]directory.User, error) {
	var all []directory.User
	seen := map[string]bool{}
	add := func(u directory.User) {
		if u.OtherMails = nil; u.ID != about.User.ID && u.Mail != "" && !seen[u.Mail] {
			seen[u.Mail] = true
			all = append(all, u)
		}
	}
	for _, to := range told {
		switch to {
		case recovery.TellManager:
			if about.User.Manager == "" {
				continue
			}
			manager, err := s.db.User(ctx, about.Tenant.ID, about.User.Manager)
			if err == nil && manager.AccountEnabled { // gone: nobody is told
				add(manager)
			}
		case recovery.TellAdministrators:
			admins, err := s.db.GlobalAdministrators(ctx, about.Tenant.ID)
			if err != nil {
				return nil, err
			}
			for _, one := range admins {
				add(one)
			}
		default:
			add(directory.User{Tenant: about.Tenant.ID, DisplayName: to, Mail: to})
		}
	}
	return all, nil
}
