// Package dkim signs mail as a domain's own (RFC 6376): RSA-SHA-256 over body and headers in the
// relaxed form, so that what mail servers may change on the way changes nothing.
package dkim

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"regexp"
	"strings"

	"github.com/emersion/go-msgauth/dkim"
)

// Header is the name of the header that a signature stands in.
const Header = "DKIM-Signature"

// KeyBits is the size of keys that are made here. A larger one does not fit every DNS server.
const KeyBits = 2048

// A Key signs for a domain. Its public part is in the DNS under its selector.
type Key struct {
	Domain, Selector string
	Private          *rsa.PrivateKey
}

// Generate makes the private part of a key, as PEM.
func Generate() ([]byte, error) {
	key, err := rsa.GenerateKey(rand.Reader, KeyBits)
	if err != nil {
		return nil, err
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), err
}

// Parse reads the private part of a key from PEM.
func Parse(text []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("there is no PEM in it")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("there is no PKCS #8 key in it")
	}
	private, ok := key.(*rsa.PrivateKey)
	if !ok || private.N.BitLen() < 1024 {
		return nil, errors.New("it is no RSA key of 1024 bits or more")
	}
	return private, nil
}

var (
	label    = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)
	maxLabel = 10 // of a name
)

// IsName reports whether s is a name of the DNS, as a domain or a selector is.
func IsName(s string) bool {
	parts := strings.Split(s, ".")
	for _, p := range parts {
		if !label.MatchString(p) {
			return false
		}
	}
	return len(parts) <= maxLabel
}

// Record returns the TXT record that the domain has to publish: its name and its text.
func (k Key) Record() (name, text string, err error) {
	raw, err := x509.MarshalPKIXPublicKey(&k.Private.PublicKey)
	return k.Selector + "._domainkey." + k.Domain, "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(raw), err
}

// signed are the headers that a signature covers where a mail has them. Each is named once more
// than it is there, so that nobody adds another.
// https://www.rfc-editor.org/rfc/rfc6376#section-5.4.1
var signed = []string{
	"From", "Reply-To", "Sender", "To", "Cc", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Auto-Submitted",
}

// Sign returns the header that signs message, which has CRLF line ends: its value as it is written,
// in lines.
func (k Key) Sign(message []byte) (string, error) {
	signer, err := dkim.NewSigner(&dkim.SignOptions{
		Domain: k.Domain, Selector: k.Selector, Signer: k.Private, Hash: crypto.SHA256, HeaderKeys: covered(message),
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
	})
	if err != nil {
		return "", err
	}
	if _, err := signer.Write(message); err != nil {
		return "", errors.Join(err, signer.Close())
	}
	if err := signer.Close(); err != nil {
		return "", err
	}
	_, value, _ := strings.Cut(strings.TrimRight(signer.Signature(), "\r\n"), ":")
	return strings.TrimLeft(value, " "), nil
}

// covered names signed, and what message has of it twice.
func covered(message []byte) []string {
	head, _, _ := bytes.Cut(message, []byte("\r\n\r\n"))
	head = append([]byte("\r\n"), bytes.ToLower(head)...)
	var names []string
	for _, name := range signed {
		names = append(names, name)
		if bytes.Contains(head, []byte("\r\n"+strings.ToLower(name)+":")) {
			names = append(names, name)
		}
	}
	return names
}
