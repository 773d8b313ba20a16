package pages

import (
	"context"
	"net/http"
	"time"

	"github.com/postern-id/postern/internal/outbox"
)

// A Mailbox has the mail that `postern dev` sends nowhere, so that it can be read here.
type Mailbox interface {
	// Mails returns what was sent, newest first.
	Mails(ctx context.Context) ([]outbox.Kept, error)
	// Mail returns one of them, or outbox.ErrUnknown.
	Mail(ctx context.Context, id string) (outbox.Kept, error)
}

// mailboxPage is mailbox.html: what `postern dev` would have sent, newest first.
type mailboxPage struct {
	frame
	Mails []mailLine
}

// A mailLine is one mail in the mailbox.
type mailLine struct {
	Href    string
	To      string
	Subject string
	SentAt  time.Time
}

func (mailboxPage) file() string { return "mailbox.html" }

// showMailbox serves GET /mailbox.
func (s *Site) showMailbox(w http.ResponseWriter, r *http.Request) error {
	all, err := s.Mailbox.Mails(r.Context())
	if err != nil {
		return err
	}
	tenant, err := s.onlyTenant(r)
	if err != nil {
		return err
	}
	p := mailboxPage{frame: s.frame(r, tenant)}
	for _, m := range all {
		p.Mails = append(p.Mails, mailLine{Href: "/mailbox/" + m.ID, To: m.To.Address, Subject: m.Subject, SentAt: m.CreatedAt})
	}
	s.render(w, r, http.StatusOK, p)
	return nil
}

// showMail serves GET /mailbox/{mail}.
func (s *Site) showMail(w http.ResponseWriter, r *http.Request) error {
	m, err := s.Mailbox.Mail(r.Context(), r.PathValue("mail"))
	if err != nil {
		return err
	}
	tenant, err := s.onlyTenant(r)
	if err != nil {
		return err
	}
	s.render(w, r, http.StatusOK, mailPage{
		frame: s.frame(r, tenant), BackHref: "/mailbox", From: m.From, To: m.To.Name + " <" + m.To.Address + ">",
		Subject: m.Subject, SentAt: m.CreatedAt, Body: m.Text, HTML: m.HTML,
	})
	return nil
}
