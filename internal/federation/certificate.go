package federation

import (
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"strings"
)

// ParseCertificate reads a certificate, DER in base64, which may be wrapped.
func ParseCertificate(text string) (*x509.Certificate, error) {
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil, fmt.Errorf("read a certificate: %w", err)
	}
	return x509.ParseCertificate(der)
}

// FormatCertificate is the reverse of [ParseCertificate].
func FormatCertificate(c *x509.Certificate) string { return base64.StdEncoding.EncodeToString(c.Raw) }

// Trusted are the certificates whose signatures count: the present one, and the next one while
// the upstream goes over to it. No authority vouches for them: they are the ones that were named.
func (c Configuration) Trusted() ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for _, text := range []string{c.SigningCertificate, c.NextSigningCertificate} {
		if text == "" {
			continue
		}
		one, err := ParseCertificate(text)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}
