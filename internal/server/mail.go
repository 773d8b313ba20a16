package server

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/outbox/dkim"
	"github.com/postern-id/postern/internal/outbox/smtp"
	"github.com/postern-id/postern/internal/pages"
)

// Mail says where mail goes. Without a Host it waits in the outbox.
type Mail struct {
	Host, User, From string
	Port             int    // 0 is the usual one for TLS
	Password         string // or PasswordFile
	PasswordFile     string
	TLS              string // starttls, implicit or none; empty is starttls
	CAFile           string // trusts this CA too; PEM

	// DKIMSelector names the key that signs mail as that of From's domain; empty does not sign.
	DKIMSelector string
	key          *dkim.Key

	// Mailbox sends nothing: who reaches the server reads it at /mailbox.
	Mailbox bool
}

// Check reports what is wrong with m as a fault, or nil.
func (m Mail) Check() error {
	_, err := m.sender(nil)
	return err
}

func (m Mail) sender(log *slog.Logger) (outbox.Sender, error) {
	switch {
	case m.Mailbox:
		return nowhere{}, nil
	case m.DKIMSelector != "" && !dkim.IsName(m.DKIMSelector):
		return nil, errSelector
	case m.Host == "" && (m.User != "" || m.From != "" || m.PasswordFile != "" || m.Password != ""):
		return nil, smtp.ErrConfig.With("smtp-host", "There are settings for mail, but no mail server.")
	case m.Host == "":
		return nowhere{errNoServer}, nil
	}
	c := smtp.Config{Host: m.Host, Port: m.Port, User: m.User, Password: m.Password, From: m.From, TLS: smtp.TLS(m.TLS), DKIM: m.key, Log: log}
	if m.PasswordFile != "" {
		text, err := os.ReadFile(m.PasswordFile)
		if err != nil {
			return nil, smtp.ErrConfig.With("smtp-password-file", fmt.Sprintf("The password for mail can't be read: %v.", err))
		}
		c.Password = strings.TrimRight(string(text), "\r\n")
	}
	if m.CAFile != "" {
		text, err := os.ReadFile(m.CAFile)
		if err != nil {
			return nil, smtp.ErrConfig.With("smtp-ca", fmt.Sprintf("The CA of the mail server can't be read: %v.", err))
		}
		if c.Roots, err = x509.SystemCertPool(); err != nil {
			c.Roots = x509.NewCertPool()
		}
		if !c.Roots.AppendCertsFromPEM(text) {
			return nil, smtp.ErrConfig.With("smtp-ca", "The CA of the mail server is no certificate in PEM.")
		}
	}
	return smtp.New(c)
}

var errNoServer = errors.New("no mail server is set; see docs/mail.md")

// nowhere is an outbox.Sender that sends nothing, and says so with its error.
type nowhere struct{ err error }

// Send implements outbox.Sender.
func (n nowhere) Send(context.Context, string, time.Time, outbox.Mail) error { return n.err }

func (s *Server) newCourier() (*outbox.Courier, error) {
	settings, err := s.options.Mail.signed(s.options)
	if err != nil {
		return nil, err
	}
	sender, err := settings.sender(s.options.Log)
	if err != nil {
		return nil, err
	}
	return &outbox.Courier{
		Store: s.db, Box: s.box, Sender: sender, Now: s.now, Log: s.options.Log,
		Chance: rand.Float64, Keep: s.options.Mail.Mailbox,
	}, nil
}

// recoveredLetters are the letters that tell all Global Administrators that admin was given
// the pass p; id is that of the event.
func (s *Server) recoveredLetters(ctx context.Context, admin directory.User, p tap.Pass, id string) ([]outbox.Item, error) {
	tenant, err := s.db.Tenant(ctx, p.Tenant)
	if err != nil {
		return nil, err
	}
	readers, err := s.db.GlobalAdministrators(ctx, p.Tenant)
	if err != nil {
		return nil, err
	}
	var all []outbox.Item
	for _, reader := range readers {
		letter, err := s.view.Recovered(pages.LanguageOf(reader.PreferredLanguage), tenant.Location(), pages.Recovered{
			Reader: reader.DisplayName, Tenant: tenant.DisplayName, Admin: admin.UserPrincipalName,
			At: p.CreatedAt, End: p.End(), Once: p.SingleUse, ID: id,
		})
		if err != nil {
			return nil, err
		}
		reader.OtherMails = nil
		all = append(all, s.letters(ctx, letterRecovered, p.ID, tenant, reader, letter)...)
	}
	return all, nil
}

func mailTo(u directory.User, tenant directory.Tenant, l pages.Letter) outbox.Mail {
	return outbox.Mail{
		To: outbox.Address{Name: u.DisplayName, Address: u.Mail}, From: tenant.DisplayName,
		Subject: l.Subject, Text: l.Text, HTML: l.HTML,
	}
}
