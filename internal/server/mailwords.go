package server

import (
	"context"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/lifecycle"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/outbox/letter"
	"github.com/postern-id/postern/internal/pages"
)

// ownWords returns l as the tenant says it to u. Where that fails it is said in the product's words: who is
// to be told of something is told.
func (s *Server) ownWords(ctx context.Context, tenant directory.Tenant, u directory.User, l pages.Letter) pages.Letter {
	all, err := s.db.MailTemplates(ctx, tenant.ID, l.Kind)
	if err == nil {
		t, ok := letter.Choose(all, u.PreferredLanguage)
		if !ok {
			return l
		}
		var own pages.Letter
		var phrases letter.Template
		if phrases, err = s.phrases(ctx, tenant, t.Language); err == nil {
			own, err = s.view.Rewrite(l, t, phrases)
		}
		if err == nil {
			return own
		}
	}
	s.options.Log.ErrorContext(ctx, "a letter is said in the product's words", "kind", l.Kind, "err", err)
	return l
}

// phrases returns the tenant's for mails in a language.
func (s *Server) phrases(ctx context.Context, tenant directory.Tenant, language string) (letter.Template, error) {
	all, err := s.db.MailTemplates(ctx, tenant.ID, letter.Phrases)
	t, _ := letter.Choose(all, language)
	return t, err
}

// mailWords implements graph.Letters.
type mailWords struct{ *Server }

// Kinds implements graph.Letters.
func (m mailWords) Kinds() ([]letter.Kind, error) {
	all, err := m.view.LetterKinds()
	return append(append(all, lifecycle.LetterKinds()...), pages.PhraseKind()), err
}

// Words implements graph.Letters.
func (m mailWords) Words(kind, lang string) (letter.Template, error) {
	if t, ok := m.workflows.Words(kind, lang); ok {
		return t, nil
	}
	if kind == letter.Phrases {
		return m.view.PhraseWords(pages.LanguageOf(lang)), nil
	}
	return m.view.LetterWords(kind, pages.LanguageOf(lang))
}

// Sample implements graph.Letters.
func (m mailWords) Sample(ctx context.Context, tenant directory.Tenant, kind, preferred string, own letter.Template) (outbox.Mail, error) {
	if _, ok := m.workflows.Words(kind, preferred); ok {
		return m.workflows.PreviewOwn(tenant, kind, preferred, own)
	}
	if kind == letter.Phrases {
		l, err := m.view.SamplePhrases(pages.LanguageOf(preferred), tenant.Location(), own)
		return mailTo(directory.User{}, tenant, l), err
	}
	l, err := m.view.SampleLetter(kind, pages.LanguageOf(preferred), tenant.Location(), tenant.DisplayName, m.options.PublicURL)
	if err != nil {
		return outbox.Mail{}, err
	}
	if own.Subject != "" {
		phrases, err := m.phrases(ctx, tenant, own.Language)
		if err != nil {
			return outbox.Mail{}, err
		}
		if l, err = m.view.Rewrite(l, own, phrases); err != nil {
			return outbox.Mail{}, err
		}
	}
	return mailTo(directory.User{}, tenant, l), nil
}

// Post implements graph.Letters.
func (m mailWords) Post(ctx context.Context, tenant directory.Tenant, reader directory.UserID, id string, sample outbox.Mail) ([]outbox.Item, error) {
	u, err := m.db.User(ctx, tenant.ID, reader)
	if err != nil || u.Mail == "" {
		return nil, err
	}
	item, err := m.pack(ctx, letterTest, id, tenant, u, pages.Letter{Subject: "[Test] " + sample.Subject, Text: sample.Text, HTML: sample.HTML})
	return []outbox.Item{item}, err
}
