// Package smtptest runs a mail server on loopback for tests. It speaks real SMTP, with TLS
// and passwords, keeps what it gets, and fails in the ways that mail servers do.
package smtptest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"mime"
	"mime/multipart"
	"net"
	netmail "net/mail"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Host is the name in the server's certificate.
const Host = "127.0.0.1"

// A Server is a mail server. Set what it should do before Start.
type Server struct {
	Implicit bool   // TLS from the first byte
	NoTLS    bool   // offers no STARTTLS
	User     string // with Password; empty takes mail from anybody
	Password string
	MaxBytes int64

	// Refuse, if set, answers each step: "mail", "rcpt", "data". Nil goes on.
	Refuse func(step string) error

	Port        int
	Certificate []byte         // that proves the server, DER
	Roots       *x509.CertPool // that trust it

	mu   sync.Mutex
	got  []Mail
	wake chan struct{}
}

// A Mail is what the server took.
type Mail struct {
	From string   // MAIL FROM
	To   []string // RCPT TO
	TLS  bool
	Raw  []byte // as it came
}

// Message parses m.
func (m Mail) Message(t testing.TB) *netmail.Message {
	t.Helper()
	message, err := netmail.ReadMessage(bytes.NewReader(m.Raw))
	if err != nil {
		t.Fatalf("%v\n%s", err, m.Raw)
	}
	return message
}

// Parts returns the text and the HTML of m.
func (m Mail) Parts(t testing.TB) (text, html string) {
	t.Helper()
	message := m.Message(t)
	kind, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("Content-Type is %q, %v", message.Header.Get("Content-Type"), err)
	}
	all := multipart.NewReader(message.Body, params["boundary"])
	for _, into := range []*string{&text, &html} {
		part, err := all.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(part)
		if err != nil {
			t.Fatal(err)
		}
		*into = strings.ReplaceAll(string(body), "\r\n", "\n")
	}
	return text, html
}

// Error is an answer of the server, such as 550.
func Error(code int, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 0, 0}, Message: text}
}

// Start serves until the test ends.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	cert := s.certificate(t)
	listener, err := net.Listen("tcp", Host+":0") //nolint:noctx // for the length of a test
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if s.Port, err = strconv.Atoi(port); err != nil {
		t.Fatal(err)
	}
	s.wake = make(chan struct{}, 1000)
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		_, secure := c.TLSConnectionState()
		return &session{server: s, mail: Mail{TLS: secure}, in: s.User == ""}, nil
	}))
	server.Domain, server.MaxMessageBytes, server.AllowInsecureAuth = "mail.contoso.example", s.MaxBytes, true
	server.ErrorLog = log.New(io.Discard, "", 0)
	config := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	switch {
	case s.Implicit:
		listener = tls.NewListener(listener, config)
	case !s.NoTLS:
		server.TLSConfig = config
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil && !errors.Is(err, smtp.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
}

func (s *Server) certificate(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a mail server for tests"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
		IPAddresses: []net.IP{net.ParseIP(Host)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	s.Certificate, s.Roots = der, x509.NewCertPool()
	s.Roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// Mails returns what came so far.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.got...)
}

// Wait returns the mails once there are n.
func (s *Server) Wait(t testing.TB, n int) []Mail {
	t.Helper()
	for len(s.Mails()) < n {
		select {
		case <-s.wake:
		case <-t.Context().Done():
			t.Fatalf("%d mails came, want %d", len(s.Mails()), n)
		case <-time.After(30 * time.Second):
			t.Fatalf("%d mails came in time, want %d", len(s.Mails()), n)
		}
	}
	return s.Mails()
}

// session is one connection.
type session struct {
	server *Server
	mail   Mail
	in     bool
}

func (s *session) refused(step string) error {
	if s.server.Refuse == nil {
		return nil
	}
	return s.server.Refuse(step)
}

// Mail implements smtp.Session.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if !s.in {
		return smtp.ErrAuthRequired
	}
	s.mail.From = from
	return s.refused("mail")
}

// Rcpt implements smtp.Session.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mail.To = append(s.mail.To, to)
	return s.refused("rcpt")
}

// Data implements smtp.Session.
func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := s.refused("data"); err != nil {
		return err
	}
	s.mail.Raw = raw
	s.server.mu.Lock()
	s.server.got = append(s.server.got, s.mail)
	s.server.mu.Unlock()
	s.server.wake <- struct{}{}
	return nil
}

// Reset implements smtp.Session.
func (s *session) Reset() { s.mail = Mail{TLS: s.mail.TLS} }

// Logout implements smtp.Session.
func (s *session) Logout() error { return nil }

// AuthMechanisms implements smtp.AuthSession.
func (s *session) AuthMechanisms() []string {
	if s.server.User == "" {
		return nil
	}
	return []string{sasl.Plain}
}

// Auth implements smtp.AuthSession.
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != s.server.User || password != s.server.Password {
			return smtp.ErrAuthFailed
		}
		s.in = true
		return nil
	}), nil
}
