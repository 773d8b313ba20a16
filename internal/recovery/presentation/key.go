package presentation

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"time"

	"github.com/postern-id/postern/internal/directory"
)

// The labels of keys and of what is drawn.
const (
	signLabel    = "verifier of credentials"
	encryptLabel = "answers of a wallet"
	nonceLabel   = "nonce for a wallet"
	codeLabel    = "code after a wallet"
)

// A MAC is a keyed hash under a key of the tenant.
type MAC func(ctx context.Context, tenant, label string, message []byte) (string, error)

// derived is the key of P-256 that follows from what a MAC says: nothing of it is kept.
func derived(ctx context.Context, mac MAC, tenant directory.TenantID, label, message string) (*ecdsa.PrivateKey, error) {
	for n := range 8 { // one number in 2³² is none of the curve's
		sum, err := mac(ctx, string(tenant), label, fmt.Appendf(nil, "%s %d", message, n))
		if err != nil {
			return nil, err
		}
		raw := sha256.Sum256([]byte(sum))
		if key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw[:]); err == nil {
			return key, nil
		}
	}
	return nil, fmt.Errorf("no key follows for %s", label)
}

// An identity is by whom wallets are asked.
type identity struct {
	key         *ecdsa.PrivateKey
	certificate []byte
}

// identity is the same at every replica and after every start: key and certificate follow from the
// tenant's secret and the address of the server.
func (s Service) identity(ctx context.Context, tenant directory.TenantID) (identity, error) {
	var id identity
	var err error
	if id.key, err = derived(ctx, s.Stable, tenant, signLabel, s.PublicURL); err != nil {
		return id, err
	}
	at, err := url.Parse(s.PublicURL)
	if err != nil {
		return id, err
	}
	public, err := x509.MarshalPKIXPublicKey(&id.key.PublicKey)
	if err != nil {
		return id, err
	}
	serial := sha256.Sum256(public)
	c := x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial[:16]), Subject: pkix.Name{CommonName: at.Hostname()},
		NotBefore: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2046, 1, 1, 0, 0, 0, 0, time.UTC),
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
	if ip := net.ParseIP(at.Hostname()); ip != nil {
		c.IPAddresses = []net.IP{ip}
	} else {
		c.DNSNames = []string{at.Hostname()}
	}
	id.certificate, err = x509.CreateCertificate(nil, &c, &c, &id.key.PublicKey, steady{id.key})
	return id, err
}

// client is the client_id: the hash of the certificate (OpenID4VP 1.0 section 5.9.3).
func (i identity) client() string {
	sum := sha256.Sum256(i.certificate)
	return "x509_hash:" + base64.RawURLEncoding.EncodeToString(sum[:])
}
