package server

import (
	"time"

	"github.com/postern-id/postern/internal/federation"
	"github.com/postern-id/postern/internal/federation/oidc"
	"github.com/postern-id/postern/internal/method/federated"
	"github.com/postern-id/postern/internal/outbound"
)

// upstreamWithin is how long an identity provider may take to answer.
const upstreamWithin = 10 * time.Second

// federated signs people of federated domains in at their identity provider.
func (s *Server) federated() federated.Method {
	o := s.options
	calls := outbound.NewClient(o.Roots, o.FederationNetworks, upstreamWithin)
	return federated.Method{
		Store: s.db, Users: s.db, Accounts: s.db, Keys: s.ring, PublicURL: o.PublicURL, Now: s.now,
		Protocols: map[federation.Protocol]federated.Protocol{federation.OIDC: oidc.New(calls, s.now)},
	}
}
