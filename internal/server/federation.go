package server

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/federation"
	"github.com/postern-id/postern/internal/federation/oidc"
	upstreamsaml "github.com/postern-id/postern/internal/federation/saml"
	"github.com/postern-id/postern/internal/method/federated"
	"github.com/postern-id/postern/internal/outbound"
	"github.com/postern-id/postern/internal/saml"
	"github.com/postern-id/postern/internal/samlidp"
)

const (
	// upstreamWithin is how long an identity provider may take to answer.
	upstreamWithin = 10 * time.Second
	// metadataEvery is how often metadata are read for new certificates.
	metadataEvery = time.Hour
)

// upstreamCalls is how identity providers are called.
func (s *Server) upstreamCalls() *http.Client {
	return outbound.NewClient(s.options.Roots, s.options.FederationNetworks, upstreamWithin)
}

// upstreamSAML is this server as the service provider of upstreams.
func (s *Server) upstreamSAML() *upstreamsaml.Client {
	return &upstreamsaml.Client{
		Signers: func(ctx context.Context, tenant directory.TenantID) ([]saml.Signer, error) {
			return samlidp.Signers(ctx, samlKeys{s}, tenant)
		},
		Seen: s.db.Seen, Now: s.now,
	}
}

// federated signs people of federated domains in at their identity provider.
func (s *Server) federated() federated.Method {
	saml := s.upstreamSAML()
	return federated.Method{
		Store: s.db, Users: s.db, Accounts: s.db, Sessions: s.db, Keys: s.ring, PublicURL: s.options.PublicURL, Now: s.now, Goodbyes: saml,
		Protocols: map[federation.Protocol]federated.Protocol{
			federation.OIDC: oidc.New(s.upstreamCalls(), s.now), federation.SAML: saml,
		},
	}
}

// spMetadata serves GET /{tenant}/federation/saml/metadata: what upstreams have to know.
func (s *Server) spMetadata(w http.ResponseWriter, r *http.Request) error {
	tenant, err := s.db.Tenant(r.Context(), directory.TenantID(r.PathValue("tenant")))
	if err != nil {
		return err
	}
	of := federation.Configuration{Tenant: tenant.ID, Protocol: federation.SAML}
	acs, slo := federated.AnswerAddress(s.options.PublicURL, of), federated.SignedOutAddress(s.options.PublicURL, of)
	raw, err := s.upstreamSAML().Metadata(r.Context(), tenant.ID, federated.EntityID(s.options.PublicURL, tenant.ID), acs, slo)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/samlmetadata+xml")
	w.Header().Set("Cache-Control", "public, max-age=300")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(raw) // the client may be gone
	return nil
}

// followUpstreams reads the metadata of upstreams for new certificates, until ctx ends.
func (s *Server) followUpstreams(ctx context.Context) {
	tick := time.NewTicker(metadataEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.followOnce(ctx)
		}
	}
}

func (s *Server) followOnce(ctx context.Context) {
	tenants, err := s.db.Tenants(ctx)
	if err != nil {
		s.options.Log.ErrorContext(ctx, "metadata of identity providers were not read", "err", err)
		return
	}
	for _, tenant := range tenants {
		all, err := s.db.Federations(ctx, tenant)
		if err != nil {
			s.options.Log.ErrorContext(ctx, "metadata of identity providers were not read", "tenant_id", tenant, "err", err)
			continue
		}
		for _, c := range all {
			if c.Protocol != federation.SAML || c.MetadataURI == "" {
				continue
			}
			if err := s.follow(ctx, c); err != nil && ctx.Err() == nil {
				s.options.Log.WarnContext(ctx, "metadata of an identity provider can't be used", "tenant_id", tenant, "domain", c.Domain, "err", err)
			}
		}
	}
}

// follow takes over the certificates that the upstream of c has now. What came of it is kept when
// it is something else than the last time.
func (s *Server) follow(ctx context.Context, c federation.Configuration) error {
	raw, err := s.fetch(ctx, c.MetadataURI)
	fresh, changed := c, false
	if err == nil {
		fresh, changed, err = upstreamsaml.Renewed(c, raw, s.now())
	}
	result := "Success"
	if err != nil {
		result = "Failed"
	}
	if !changed && c.CertificateUpdate != nil && c.CertificateUpdate.Result == result {
		return err
	}
	fresh.CertificateUpdate, fresh.ModifiedAt = &federation.Update{Result: result, At: s.now().UTC()}, s.now().UTC()
	e := s.ownEvent(c.Tenant, audit.Change{
		Activity: audit.SetFederation, Category: audit.CategoryDirectoryManagement, Service: audit.ServiceCoreDirectory, Operation: audit.OperationUpdate,
		ResultReason: "Metadata of the identity provider read: " + result,
		Targets: []audit.Target{{ID: c.Domain, Type: audit.TargetDirectory, DisplayName: c.Domain, Modified: []audit.ModifiedProperty{
			{DisplayName: "signingCertificate", OldValue: quoted(c.SigningCertificate), NewValue: quoted(fresh.SigningCertificate)},
			{DisplayName: "nextSigningCertificate", OldValue: quoted(c.NextSigningCertificate), NewValue: quoted(fresh.NextSigningCertificate)},
		}}},
	})
	if saved := s.db.SaveFederation(ctx, fresh, e); saved != nil {
		return saved
	}
	return err
}

func quoted(s string) string { return fmt.Sprintf("%q", s) }

// fetch reads what is at an address, of which no more is taken than metadata may have.
func (s *Server) fetch(ctx context.Context, address string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	res, err := s.upstreamCalls().Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", address, res.Status)
	}
	return io.ReadAll(io.LimitReader(res.Body, saml.MaxMetadata+1))
}
