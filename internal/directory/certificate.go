package directory

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // the thumbprint by which a certificate is found; protects nothing
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"time"

	"github.com/postern-id/postern/internal/fault"
)

// A KeyCredential is a certificate whose key an application signs its assertions with, or reads
// encrypted ones.
// https://learn.microsoft.com/graph/api/resources/keycredential
type KeyCredential struct {
	KeyID       string    `json:"keyId"`
	DisplayName string    `json:"displayName,omitempty"`
	Type        string    `json:"type"`  // AsymmetricX509Cert
	Usage       string    `json:"usage"` // Verify or Encrypt
	Key         []byte    `json:"key,omitempty"`
	Thumbprint  []byte    `json:"customKeyIdentifier,omitempty"` // SHA-1 of the certificate
	StartAt     time.Time `json:"startDateTime,omitzero"`        // UTC, inclusive
	EndAt       time.Time `json:"endDateTime,omitzero"`          // UTC, exclusive
}

// ErrCertificateInvalid reports a certificate that can't be registered; its text says why.
var ErrCertificateInvalid = &fault.Error{
	Kind: fault.Invalid, Code: "certificateInvalid", Target: "keyCredentials",
	Text: "This certificate can't be used.",
}

// Bounds of an RSA key in bits. More than the maximum only costs the server time.
const (
	minRSABits = 2048
	maxRSABits = 8192
)

// maxCertificate bounds one certificate, in bytes.
const maxCertificate = 16 << 10

// Complete returns k as it is kept: Key in DER (PEM is accepted), with its thumbprint, and
// with the certificate's own validity where k names none. It returns ErrCertificateInvalid
// for what is not one X.509 certificate with an RSA key of 2048 to 8192 bits or a P-256 key,
// and for a validity that reaches beyond the certificate's.
func (k KeyCredential) Complete() (KeyCredential, error) {
	if block, rest := pem.Decode(k.Key); block != nil {
		if block.Type != "CERTIFICATE" || len(bytes.TrimSpace(rest)) > 0 {
			return KeyCredential{}, ErrCertificateInvalid.With("key", "key must hold one certificate, and no private key.")
		}
		k.Key = block.Bytes
	}
	c, err := k.Certificate()
	if err != nil {
		return KeyCredential{}, err
	}
	sum := sha1.Sum(c.Raw) //nolint:gosec // as above
	k.Thumbprint = sum[:]
	if k.StartAt.IsZero() {
		k.StartAt = c.NotBefore.UTC()
	}
	if k.EndAt.IsZero() {
		k.EndAt = c.NotAfter.UTC()
	}
	return k, k.check(c)
}

// Certificate returns the parsed certificate, or ErrCertificateInvalid.
func (k KeyCredential) Certificate() (*x509.Certificate, error) {
	if len(k.Key) > maxCertificate {
		return nil, ErrCertificateInvalid.With("key", "The certificate is longer than 16 KiB.")
	}
	c, err := x509.ParseCertificate(k.Key)
	if err != nil {
		return nil, ErrCertificateInvalid.With("key", "key must be an X.509 certificate, in base64.")
	}
	switch public := c.PublicKey.(type) {
	case *rsa.PublicKey:
		if bits := public.N.BitLen(); bits < minRSABits || bits > maxRSABits {
			return nil, ErrCertificateInvalid.With("key", "An RSA key must have 2048 to 8192 bits.")
		}
	case *ecdsa.PublicKey:
		if public.Curve != elliptic.P256() {
			return nil, ErrCertificateInvalid.With("key", "An elliptic curve key must be on P-256.")
		}
	default:
		return nil, ErrCertificateInvalid.With("key", "The key of the certificate must be RSA or P-256.")
	}
	return c, nil
}

// check compares what k says with its certificate c.
func (k KeyCredential) check(c *x509.Certificate) error {
	switch {
	case !IsID(k.KeyID):
		return ErrCertificateInvalid.With("keyId", "keyId must be a UUID.")
	case k.Type != "AsymmetricX509Cert":
		return ErrCertificateInvalid.With("type", "type must be AsymmetricX509Cert.")
	case k.Usage != UsageVerify && k.Usage != UsageEncrypt:
		return ErrCertificateInvalid.With("usage", "usage must be Verify or Encrypt.")
	case !plainText(k.DisplayName):
		return ErrCertificateInvalid.With("displayName", "displayName is longer than 256 characters or has control characters.")
	case !k.StartAt.Before(k.EndAt), k.StartAt.Before(c.NotBefore), k.EndAt.After(c.NotAfter):
		return ErrCertificateInvalid.With("endDateTime", "startDateTime and endDateTime must lie within the validity of the certificate.")
	}
	return nil
}

// Live reports whether k works at now.
func (k KeyCredential) Live(now time.Time) bool {
	return !now.Before(k.StartAt) && now.Before(k.EndAt)
}

// X5T returns the certificate's SHA-1 thumbprint as a JOSE header has it (x5t, RFC 7515
// section 4.1.7).
func (k KeyCredential) X5T() string { return base64.RawURLEncoding.EncodeToString(k.Thumbprint) }

// X5TS256 returns the certificate's SHA-256 thumbprint as a JOSE header has it (x5t#S256,
// RFC 7515 section 4.1.8).
func (k KeyCredential) X5TS256() string {
	sum := sha256.Sum256(k.Key)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
