package server

import (
	"github.com/postern-id/postern/internal/graph"
	"github.com/postern-id/postern/internal/provision"
	"github.com/postern-id/postern/internal/scim"
)

// people is what personnel systems call. It takes the tokens that Graph takes.
func (s *Server) people(callers *graph.API) *scim.API {
	return &scim.API{
		Store: s.db, Provision: provision.Provisioner{Store: s.db, Now: s.now}, Callers: callers,
		PublicURL: s.options.PublicURL, Now: s.now, Log: s.options.Log,
	}
}
