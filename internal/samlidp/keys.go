package samlidp

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/keyring"
	"github.com/postern-id/postern/internal/saml"
)

// Keys opens the keys of tenants.
type Keys interface {
	Keys(ctx context.Context, tenant string) ([]keyring.Key, error)
	SignerOf(ctx context.Context, tenant string, purpose keyring.Purpose, id string) (keyring.Key, crypto.Signer, error)
}

// certificateLifetime is how long a certificate is good, from the moment its key may sign: a key
// signs for three years at most, and the next is published for a month before.
const certificateLifetime = 4 * 365 * 24 * time.Hour

// signer returns what the tenant signs with now.
func (s *Server) signer(ctx context.Context, tenant directory.TenantID) (saml.Signer, error) {
	k, key, err := s.Keys.SignerOf(ctx, string(tenant), keyring.SAML, "")
	if err != nil {
		return saml.Signer{}, err
	}
	c, err := certificate(k, key)
	return saml.Signer{Key: key, Certificate: c}, err
}

// certificate is that of a key. It is kept nowhere: an RSA signature of the same certificate by
// the same key is the same (RFC 8017 section 8.2), so that every replica shows applications the
// one that they have pinned.
func certificate(k keyring.Key, key crypto.Signer) (*x509.Certificate, error) {
	serial, ok := new(big.Int).SetString(strings.ReplaceAll(k.ID, "-", ""), 16)
	if !ok {
		return nil, fmt.Errorf("name the certificate of key %s", k.ID)
	}
	c := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Postern SAML signing"}, SignatureAlgorithm: x509.SHA256WithRSA,
		NotBefore: k.CreatedAt.UTC().Truncate(time.Second), NotAfter: k.ActiveAt.UTC().Truncate(time.Second).Add(certificateLifetime),
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make the certificate of key %s: %w", k.ID, err)
	}
	return x509.ParseCertificate(der)
}

// certificates are all that applications are to know: of the key that signs, first, of the one
// that will, and of those that did.
func (s *Server) certificates(ctx context.Context, tenant directory.TenantID) ([]*x509.Certificate, error) {
	by, err := s.signer(ctx, tenant)
	if err != nil {
		return nil, err
	}
	all := []*x509.Certificate{by.Certificate}
	keys, err := s.Keys.Keys(ctx, string(tenant))
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if k.Purpose != keyring.SAML {
			continue
		}
		_, key, err := s.Keys.SignerOf(ctx, string(tenant), keyring.SAML, k.ID)
		if err != nil {
			return nil, err
		}
		c, err := certificate(k, key)
		if err != nil {
			return nil, err
		}
		if !c.Equal(by.Certificate) {
			all = append(all, c)
		}
	}
	return all, nil
}

// metadata serves the description of the tenant as an identity provider, signed.
func (s *Server) metadata(w http.ResponseWriter, r *http.Request) {
	tenant, err := s.tenant(r)
	if err != nil {
		s.Pages.ShowError(w, r, err, tenant)
		return
	}
	raw, err := s.describe(r.Context(), tenant)
	if err != nil {
		s.Pages.ShowError(w, r, err, tenant)
		return
	}
	w.Header().Set("Content-Type", "application/samlmetadata+xml")
	w.Header().Set("Cache-Control", "public, max-age=300")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(raw) //nolint:gosec // of the tenant alone, nothing of the request; the client may be gone
}

func (s *Server) describe(ctx context.Context, tenant directory.Tenant) ([]byte, error) {
	all, err := s.certificates(ctx, tenant.ID)
	if err != nil {
		return nil, err
	}
	at := func(binding string) saml.Endpoint {
		return saml.Endpoint{Binding: binding, Location: s.endpoint(tenant.ID)}
	}
	both := []saml.Endpoint{at(saml.Redirect), at(saml.POST)}
	by, err := s.signer(ctx, tenant.ID)
	if err != nil {
		return nil, err
	}
	return saml.Metadata{EntityID: s.entity(tenant.ID), IDP: &saml.Role{
		Signing: all, SSO: both, SLO: append(slices.Clone(both), saml.Endpoint{Binding: saml.SOAP, Location: s.soapAddress(tenant.ID)}), Formats: []string{saml.EmailAddress, saml.Persistent, saml.Transient, saml.Unspecified},
	}}.XML(&by)
}
