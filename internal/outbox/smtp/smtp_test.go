package smtp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	verifier "github.com/emersion/go-msgauth/dkim"

	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/outbox/dkim"
	"github.com/postern-id/postern/internal/outbox/smtptest"
)

var (
	nine = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	mira = outbox.Mail{
		To: outbox.Address{Name: "Mira Okafor", Address: "mira.okafor@contoso.example"}, From: "Contoso",
		Subject: "Zürich – a pass", Text: "Grüße,\n.\nContoso\n", HTML: "<p>Grüße</p>",
	}
)

const id = "0c1d2e3f-4a5b-4c6d-8e7f-90a1b2c3d4e5"

// sender returns a sender to server, whose config change may change.
func sender(t *testing.T, server *smtptest.Server, change func(*Config)) *Sender {
	t.Helper()
	c := Config{Host: smtptest.Host, Port: server.Port, From: "postern@contoso.example", Roots: server.Roots}
	if change != nil {
		change(&c)
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAMailArrivesAsItWasWritten(t *testing.T) {
	for _, c := range []struct {
		name   string
		server *smtptest.Server
		config func(*Config)
		tls    bool
	}{
		{"with STARTTLS", &smtptest.Server{}, nil, true},
		{"with STARTTLS and a password", &smtptest.Server{User: "postern", Password: "s3cret"}, func(c *Config) { c.User, c.Password = "postern", "s3cret" }, true},
		{"with TLS from the first byte", &smtptest.Server{Implicit: true}, func(c *Config) { c.TLS = Implicit }, true},
		{"with TLS from the first byte and a password", &smtptest.Server{Implicit: true, User: "postern", Password: "s3cret"}, func(c *Config) { c.TLS, c.User, c.Password = Implicit, "postern", "s3cret" }, true},
		{"without TLS where that is wanted", &smtptest.Server{NoTLS: true}, func(c *Config) { c.TLS = Plain }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.server.Start(t)
			if err := sender(t, c.server, c.config).Send(t.Context(), id, nine, mira); err != nil {
				t.Fatal(err)
			}
			got := c.server.Mails()
			if len(got) != 1 || got[0].TLS != c.tls || got[0].From != "postern@contoso.example" || len(got[0].To) != 1 || got[0].To[0] != mira.To.Address {
				t.Fatalf("%+v came", got)
			}
			m := got[0].Message(t)
			for name, want := range map[string]string{
				"Message-Id": "<" + id + "@contoso.example>", "Date": "Mon, 02 Nov 2026 09:00:00 +0000", "Auto-Submitted": "auto-generated",
				"Subject": mira.Subject, "From": `"Contoso" <postern@contoso.example>`, "To": `"Mira Okafor" <mira.okafor@contoso.example>`,
			} {
				if got, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get(name)); err != nil || got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			if text, html := got[0].Parts(t); text != mira.Text || html != mira.HTML {
				t.Errorf("the parts are %q and %q", text, html)
			}
		})
	}
}

// TestANameAddsNoHeaderAndNoRecipient tries to get a header, a recipient or a second body in
// through what people may call themselves. The outbox makes names one line before; here they
// come as they are, so that this package holds alone.
func TestANameAddsNoHeaderAndNoRecipient(t *testing.T) {
	server := &smtptest.Server{}
	server.Start(t)
	s := sender(t, server, nil)
	for _, name := range []string{
		"Eve\r\nBcc: victim@fabrikam.example", "Eve\nBcc: victim@fabrikam.example", "Eve\rBcc: victim@fabrikam.example",
		"Eve\r\n\r\n<p>another body</p>", `Eve" <victim@fabrikam.example>, "x`, "Eve <victim@fabrikam.example>", `Eve\`, `"`, "victim@fabrikam.example",
		"=?utf-8?q?Eve=0D=0ABcc:_victim@fabrikam.example?=", "Eve\x00Bcc: victim@fabrikam.example", "Eve\u2028Bcc: victim@fabrikam.example",
		strings.Repeat("long name ", 200) + "\r\nBcc: victim@fabrikam.example", "Eve\r\n.\r\nQUIT",
	} {
		for where, m := range map[string]outbox.Mail{
			"recipient": {To: outbox.Address{Name: name, Address: mira.To.Address}, From: "Contoso", Subject: "s", Text: "t"},
			"sender":    {To: mira.To, From: name, Subject: "s", Text: "t"},
			"subject":   {To: mira.To, From: "Contoso", Subject: name, Text: "t"},
		} {
			before := len(server.Mails())
			err := s.Send(t.Context(), id, nine, m)
			got := server.Mails()[before:]
			if err != nil || len(got) != 1 {
				t.Errorf("%s %q: %v, %d mails", where, name, err, len(got))
				continue
			}
			if to := got[0].To; len(to) != 1 || to[0] != mira.To.Address {
				t.Errorf("%s %q: goes to %q", where, name, to)
			}
			header := got[0].Message(t).Header
			to, err := header.AddressList("To")
			if err != nil || len(to) != 1 || to[0].Address != mira.To.Address {
				t.Errorf("%s %q: To is %q", where, name, header.Get("To"))
			}
			from, err := header.AddressList("From")
			if err != nil || len(from) != 1 || from[0].Address != "postern@contoso.example" {
				t.Errorf("%s %q: From is %q", where, name, header.Get("From"))
			}
			for key, values := range header {
				if key == "Bcc" || len(values) != 1 {
					t.Errorf("%s %q: the header has %s: %q", where, name, key, values)
				}
			}
		}
	}
}

func TestFailures(t *testing.T) {
	refuse := func(step string, code int) func(string) error {
		return func(at string) error {
			if at == step {
				return smtptest.Error(code, "no, <mira.okafor@contoso.example>")
			}
			return nil
		}
	}
	for _, c := range []struct {
		name   string
		server *smtptest.Server
		config func(*Config)
		final  bool
		want   string // what the error says
		logged string // part of what the log says
	}{
		{"the recipient is unknown", &smtptest.Server{Refuse: refuse("rcpt", 550)}, nil, true, "refused for good: the mail server did not take the recipient (550 ", "550"},
		{"the recipient's mailbox is busy", &smtptest.Server{Refuse: refuse("rcpt", 450)}, nil, false, "the mail server did not take the recipient (450 ", "450"},
		{"the content is refused", &smtptest.Server{Refuse: refuse("data", 554)}, nil, true, "refused for good: the mail server did not take the content (554 ", "554"},
		{"the server has no room now", &smtptest.Server{Refuse: refuse("data", 452)}, nil, false, "the mail server did not take the content (452 ", "452"},
		{"the server comes later", &smtptest.Server{Refuse: refuse("mail", 421)}, nil, false, "the mail server did not take the sender (421 ", "421"},
		{"the sender is refused, which a setting may mend", &smtptest.Server{Refuse: refuse("mail", 550)}, nil, false, "the mail server did not take the sender (550 ", "550"},
		{"the mail is too large", &smtptest.Server{MaxBytes: 200}, nil, true, "refused for good: the mail server did not take the content (552", "552"},
		{"a password is needed", &smtptest.Server{User: "postern", Password: "s3cret"}, nil, false, "the mail server did not take the sender (", "authenticate"},
		{"the password is wrong", &smtptest.Server{User: "postern", Password: "s3cret"}, func(c *Config) { c.User, c.Password = "postern", "gue55ed" }, false, "mail server: it did not let the sender in (535)", "535"},
		{"there is no STARTTLS", &smtptest.Server{NoTLS: true}, nil, false, "mail server: the call failed", "STARTTLS"},
		{"the certificate is nobody's", &smtptest.Server{}, func(c *Config) { c.Roots = nil }, false, "mail server: the certificate is not valid for the address", "certificate"},
		{"the certificate is nobody's, with TLS from the first byte", &smtptest.Server{Implicit: true}, func(c *Config) { c.TLS, c.Roots = Implicit, nil }, false, "mail server: the certificate is not valid for the address", "certificate"},
		{"the certificate has another name", &smtptest.Server{}, func(c *Config) { c.Host = "localhost" }, false, "mail server: the certificate is not valid for the address", "certificate"},
		{"TLS is spoken where none is", &smtptest.Server{NoTLS: true}, func(c *Config) { c.TLS = Implicit }, false, "mail server: the call failed", "tls"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.server.Start(t)
			var log bytes.Buffer
			err := sender(t, c.server, func(s *Config) {
				if s.Log = slog.New(slog.NewTextHandler(&log, nil)); c.config != nil {
					c.config(s)
				}
			}).Send(t.Context(), id, nine, mira)
			if err == nil || errors.Is(err, outbox.ErrRefused) != c.final || !strings.HasPrefix(err.Error(), c.want) {
				t.Fatalf("Send: %v; want %q, final: %t", err, c.want, c.final)
			}
			// Whoever reads the log of mail learns nothing of the server, not even where it is; the
			// operator learns what it said.
			for _, inside := range []string{smtptest.Host, "localhost", strconv.Itoa(c.server.Port), "no, <", "x509", "s3cret", "gue55ed", mira.To.Address} {
				if strings.Contains(err.Error(), inside) {
					t.Errorf("the error tells too much: %v", err)
				}
			}
			for _, secret := range []string{"s3cret", "gue55ed", mira.To.Address} {
				if strings.Contains(log.String(), secret) {
					t.Errorf("the log tells too much: %s", &log)
				}
			}
			if !strings.Contains(log.String(), id) || !strings.Contains(log.String(), c.logged) || !strings.Contains(log.String(), strconv.Itoa(c.server.Port)) {
				t.Errorf("the log has %s; want %q", &log, c.logged)
			}
			if n := len(c.server.Mails()); n != 0 {
				t.Errorf("%d mails came", n)
			}
		})
	}
}

// TestNoPasswordWithoutTLS lets somebody in the middle take STARTTLS out.
func TestNoPasswordWithoutTLS(t *testing.T) {
	server := &smtptest.Server{NoTLS: true, User: "postern", Password: "s3cret"}
	server.Start(t)
	s := sender(t, server, func(c *Config) { c.User, c.Password = "postern", "s3cret" })
	if err := s.Send(t.Context(), id, nine, mira); err == nil || len(server.Mails()) != 0 {
		t.Errorf("Send: %v, %d mails", err, len(server.Mails()))
	}
}

func TestAServerThatIsDown(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	err = sender(t, &smtptest.Server{Port: port}, nil).Send(t.Context(), id, nine, mira)
	if err == nil || errors.Is(err, outbox.ErrRefused) || err.Error() != "mail server: no connection was made" {
		t.Errorf("Send: %v", err)
	}
}

// silent accepts connections and says greeting and nothing more.
func silent(t *testing.T, greeting string) (port int, called chan struct{}) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	called = make(chan struct{}, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, greeting)
			called <- struct{}{}
		}
	}()
	t.Cleanup(func() { listener.Close(); <-ended })
	return listener.Addr().(*net.TCPAddr).Port, called
}

func TestASlowServerIsLeftInTime(t *testing.T) {
	for name, greeting := range map[string]string{"before it greets": "", "after its greeting": "220 hello\r\n"} {
		t.Run(name, func(t *testing.T) {
			port, _ := silent(t, greeting)
			s := sender(t, &smtptest.Server{Port: port}, func(c *Config) { c.Wait = 50 * time.Millisecond })
			if err := s.Send(t.Context(), id, nine, mira); err == nil || errors.Is(err, outbox.ErrRefused) {
				t.Errorf("Send: %v", err)
			}
		})
	}
}

func TestTheEndOfTheServerCutsAConversation(t *testing.T) {
	for name, tls := range map[string]TLS{"with STARTTLS": StartTLS, "with TLS from the first byte": Implicit} {
		t.Run(name, func(t *testing.T) {
			port, called := silent(t, "")
			s := sender(t, &smtptest.Server{Port: port}, func(c *Config) { c.TLS, c.Wait = tls, time.Hour })
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				<-called
				cancel()
			}()
			if err := s.Send(ctx, id, nine, mira); err == nil {
				t.Error("Send succeeded")
			}
		})
	}
}

func TestSettings(t *testing.T) {
	good := Config{Host: "mail.contoso.example", From: "postern@contoso.example"}
	for _, c := range []struct {
		name   string
		change func(*Config)
		target string // of the fault; "" when the settings are good
		port   int
	}{
		{"as few as possible", func(*Config) {}, "", 587},
		{"TLS from the first byte", func(c *Config) { c.TLS = Implicit }, "", 465},
		{"without TLS", func(c *Config) { c.TLS = Plain }, "", 25},
		{"a port of its own", func(c *Config) { c.Port = 2525 }, "", 2525},
		{"no host", func(c *Config) { c.Host = "" }, "smtp-host", 0},
		{"an unknown way", func(c *Config) { c.TLS = "ssl" }, "smtp-tls", 0},
		{"no port", func(c *Config) { c.Port = 65536 }, "smtp-port", 0},
		{"no sender", func(c *Config) { c.From = "" }, "smtp-from", 0},
		{"a sender with a name", func(c *Config) { c.From = "Contoso <postern@contoso.example>" }, "smtp-from", 0},
		{"a user without a password", func(c *Config) { c.User = "postern" }, "smtp-user", 0},
		{"a password without a user", func(c *Config) { c.Password = "s3cret" }, "smtp-user", 0},
		{"a password without TLS", func(c *Config) { c.TLS, c.User, c.Password = Plain, "postern", "s3cret" }, "smtp-tls", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := good
			c.change(&config)
			s, err := New(config)
			if c.target == "" {
				if err != nil || s.config.Port != c.port {
					t.Errorf("New: %v; the port is not %s", err, strconv.Itoa(c.port))
				}
				return
			}
			if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != ErrConfig.Code || f.Target != c.target {
				t.Errorf("New: %v; want one about %s", err, c.target)
			}
		})
	}
}

func TestAMailThatArrivesIsSignedByTheDomain(t *testing.T) {
	text, err := dkim.Generate()
	if err != nil {
		t.Fatal(err)
	}
	private, err := dkim.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	key := &dkim.Key{Domain: "contoso.example", Selector: "p1", Private: private}
	_, record, err := key.Record()
	if err != nil {
		t.Fatal(err)
	}
	server := &smtptest.Server{}
	server.Start(t)
	long := mira
	long.Text, long.Subject = strings.Repeat("Grüße aus Zürich, ", 200)+"\n..\n", strings.Repeat("Zürich ", 40)
	for _, m := range []outbox.Mail{mira, long, {To: mira.To, From: "Contoso", Subject: "s", Text: ""}} {
		if err := sender(t, server, func(c *Config) { c.DKIM = key }).Send(t.Context(), id, nine, m); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range server.Mails() {
		found, err := verifier.VerifyWithOptions(bytes.NewReader(m.Raw), &verifier.VerifyOptions{LookupTXT: func(string) ([]string, error) { return []string{record}, nil }})
		if err != nil || len(found) != 1 || found[0].Err != nil || found[0].Domain != "contoso.example" {
			t.Errorf("%v %+v\n%s", err, found, m.Raw)
		}
	}
}
