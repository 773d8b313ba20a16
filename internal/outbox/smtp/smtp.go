// Package smtp hands mail to a mail server by SMTP submission (RFC 6409). TLS certificates
// are verified; a password never travels without TLS.
package smtp

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	netmail "net/mail"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/outbox/dkim"
)

// TLS says how the connection is protected.
type TLS string

// How the connection is protected.
const (
	StartTLS TLS = "starttls" // begins in the clear and must go on under TLS; port 587
	Implicit TLS = "implicit" // TLS from the first byte (RFC 8314); port 465
	Plain    TLS = "none"     // no TLS, for a server on this machine; port 25
)

var ports = map[TLS]int{StartTLS: 587, Implicit: 465, Plain: 25}

// Config says where mail goes and as whom.
type Config struct {
	Host     string
	Port     int // 0 is the usual one for TLS
	User     string
	Password string
	From     string         // address of the sender: postern@contoso.example
	TLS      TLS            // empty is StartTLS
	Roots    *x509.CertPool // nil is the system's
	// DKIM signs mail as the domain's own; nil does not.
	DKIM *dkim.Key
	// Log has what the server said; nil keeps nothing.
	Log *slog.Logger
	// Wait bounds each step of a conversation; 0 is 20 s.
	Wait time.Duration
}

// ErrConfig says what is wrong with the settings.
var ErrConfig = &fault.Error{
	Kind: fault.Invalid, Code: "smtpConfig", Target: "smtp-host",
	Text: "Mail can't be sent with these settings.", Remedy: "See docs/mail.md.",
}

// Sender sends mail. Make it with New.
type Sender struct {
	config Config
	domain string // of From; Message-IDs end in it
}

// New checks c; it does not connect.
func New(c Config) (*Sender, error) {
	if c.TLS == "" {
		c.TLS = StartTLS
	}
	if c.Port == 0 {
		c.Port = ports[c.TLS]
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Wait == 0 {
		c.Wait = 20 * time.Second
	}
	from, err := netmail.ParseAddress(c.From)
	switch {
	case c.Host == "":
		return nil, ErrConfig.With("smtp-host", "The mail server's name is missing.")
	case ports[c.TLS] == 0:
		return nil, ErrConfig.With("smtp-tls", "TLS for mail is starttls, implicit or none.")
	case c.Port < 1 || c.Port > 65535:
		return nil, ErrConfig.With("smtp-port", "A port is a number from 1 to 65535.")
	case c.DKIM != nil && (c.DKIM.Private == nil || !dkim.IsName(c.DKIM.Domain) || !dkim.IsName(c.DKIM.Selector)):
		return nil, ErrConfig.With("smtp-dkim-selector", "DKIM takes a selector, such as postern1, and a key.")
	case err != nil || from.Address != c.From:
		return nil, ErrConfig.With("smtp-from", "The sender is an address such as postern@contoso.example.")
	case (c.User == "") != (c.Password == ""):
		return nil, ErrConfig.With("smtp-user", "A user name for mail goes with a password, and a password with a name.")
	case c.TLS == Plain && c.User != "":
		return nil, ErrConfig.With("smtp-tls", "A password is not sent without TLS.")
	}
	_, domain, _ := strings.Cut(c.From, "@")
	return &Sender{config: c, domain: domain}, nil
}

// Send implements outbox.Sender.
func (s *Sender) Send(ctx context.Context, id string, at time.Time, m outbox.Mail) error {
	message, err := s.message(id, at, m)
	if err != nil {
		return fmt.Errorf("%w: %w", outbox.ErrRefused, err)
	}
	if err := s.sign(message); err != nil {
		return fmt.Errorf("sign the mail: %w", err)
	}
	l := &line{}
	defer l.hangUp()
	client, err := s.client(s.dial(ctx, l))
	if err != nil {
		return err
	}
	talk, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return s.failed(ctx, id, m, err)
	}
	err = client.SendWithSMTPClient(talk, message)
	if message.IsDelivered() {
		_ = client.CloseWithSMTPClient(talk) // the server has the mail, whatever it says to QUIT
		return nil
	}
	return s.failed(ctx, id, m, err)
}

// failed logs why a try failed, and returns what may be told of it.
func (s *Sender) failed(ctx context.Context, id string, m outbox.Mail, err error) error {
	s.config.Log.WarnContext(ctx, "the mail server did not take a mail", "mail_id", id,
		"server", net.JoinHostPort(s.config.Host, strconv.Itoa(s.config.Port)), "why", reply(err, m))
	return told(err)
}

func (s *Sender) client(dial mail.DialContextFunc) (*mail.Client, error) {
	policy := mail.TLSMandatory
	if s.config.TLS != StartTLS {
		policy = mail.NoTLS
	}
	options := []mail.Option{
		mail.WithPort(s.config.Port), mail.WithTimeout(s.config.Wait), mail.WithTLSPolicy(policy),
		mail.WithTLSConfig(s.tls()), mail.WithDialContextFunc(dial), mail.WithHELO(s.domain), mail.WithoutNoop(), mail.WithoutRset(),
	}
	if s.config.User != "" {
		options = append(options, mail.WithUsername(s.config.User), mail.WithPassword(s.config.Password),
			mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthPlain, mail.SMTPAuthLogin))
	}
	return mail.NewClient(s.config.Host, options...)
}

func (s *Sender) tls() *tls.Config {
	return &tls.Config{ServerName: s.config.Host, RootCAs: s.config.Roots, MinVersion: tls.VersionTLS12}
}

// A line is the one connection of a call of Send.
type line struct {
	conn net.Conn
	stop func() bool // forget to cut it when the call's context ends
}

// dial connects l. It is cut when call ends, and always at the end: the library leaves it open
// when a conversation fails early.
func (s *Sender) dial(call context.Context, l *line) mail.DialContextFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		l.conn, l.stop = conn, context.AfterFunc(call, func() { _ = conn.Close() })
		if s.config.TLS != Implicit {
			return conn, nil
		}
		secure := tls.Client(conn, s.tls())
		err = secure.HandshakeContext(ctx)
		return secure, err
	}
}

func (l *line) hangUp() {
	if l.conn != nil {
		l.stop()
		_ = l.conn.Close()
	}
}

// message puts m into the form of RFC 5322. Id and date are the same at every try.
func (s *Sender) message(id string, at time.Time, m outbox.Mail) (*mail.Msg, error) {
	message := mail.NewMsg(mail.WithNoDefaultUserAgent(), mail.WithBoundary("postern-"+id))
	// As addresses and not by the library's …Format, which takes a quotation mark in a name for
	// the name's end.
	if err := message.From((&netmail.Address{Name: m.From, Address: s.config.From}).String()); err != nil {
		return nil, errors.New("the sender can't be written")
	}
	if err := message.To((&netmail.Address{Name: m.To.Name, Address: m.To.Address}).String()); err != nil {
		return nil, errors.New("the address can't be written")
	}
	message.Subject(m.Subject)
	message.SetMessageIDWithValue(id + "@" + s.domain)
	message.SetDateWithValue(at)
	message.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no reply by a machine
	message.SetBodyString(mail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		message.AddAlternativeString(mail.TypeTextHTML, m.HTML)
	}
	return message, nil
}

// sign adds the signature of the domain. The mail is written once to be signed and once to be
// sent: both times alike, but for that header.
func (s *Sender) sign(message *mail.Msg) error {
	if s.config.DKIM == nil {
		return nil
	}
	var written bytes.Buffer
	if _, err := message.WriteTo(&written); err != nil {
		return err
	}
	value, err := s.config.DKIM.Sign(written.Bytes())
	if err == nil {
		message.SetGenHeaderPreformatted(dkim.Header, value)
	}
	return err
}
