package graph

import (
	"net/http"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
)

// Caller says who calls by the access token of r, for other protocols that take the same
// tokens: all that is asked of a call of Graph is asked.
func (a *API) Caller(r *http.Request) (directory.Tenant, directory.Caller, audit.Actor, error) {
	c := &call{}
	err := a.identify(c, r)
	return c.tenant, c.caller, c.actor, err
}
