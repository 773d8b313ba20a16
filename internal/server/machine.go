package server

import (
	"context"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph"
	"github.com/postern-id/postern/internal/keyring"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/pages"
	"github.com/postern-id/postern/internal/store"
)

// machine is what Graph shows of this server.
type machine struct{ *Server }

// About implements graph.Machine.
func (m machine) About() graph.About {
	o := m.options
	about := graph.About{Version: o.Version, StartedAt: m.startedAt, Database: "sqlite", SchemaRelease: store.Release}
	if o.Database != "" {
		about.Database = "postgresql"
	}
	if err := m.watch.clock.Verdict().Err; err != nil {
		about.Clock = err.Error()
	}
	if err := m.watch.disk.err(); err != nil {
		about.Disk = err.Error()
	}
	switch {
	case o.Mail.Mailbox:
		about.Mail.Kind = "mailbox"
	case o.Mail.Host == "":
		about.Mail.Kind = "none"
	default:
		security := o.Mail.TLS
		if security == "" {
			security = "starttls"
		}
		about.Mail = graph.MailWay{Kind: "smtp", Host: o.Mail.Host, Port: o.Mail.Port, Security: security, From: o.Mail.From}
	}
	return about
}

// Keys implements graph.Machine.
func (m machine) Keys(ctx context.Context, tenant string) ([]keyring.Key, error) {
	return m.ring.Keys(ctx, tenant)
}

// TestLetter implements graph.Machine.
func (m machine) TestLetter(ctx context.Context, tenant directory.Tenant, reader directory.UserID, id string) ([]outbox.Item, error) {
	u, err := m.db.User(ctx, tenant.ID, reader)
	if err != nil {
		return nil, err
	}
	u.OtherMails = nil
	letter, err := m.view.TestLetter(pages.LanguageOf(u.PreferredLanguage), tenant.Location(), pages.Test{
		Reader: u.DisplayName, Tenant: tenant.DisplayName, At: m.now(),
	})
	if err != nil {
		return nil, err
	}
	return m.letters(ctx, letterTest, id, tenant, u, letter), nil
}
