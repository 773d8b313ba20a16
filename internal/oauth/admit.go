package oauth

import (
	"net/http"

	"github.com/postern-id/postern/internal/browser"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/signin"
)

// admit says why c may not begin anything that costs a row, or nil. A client that proved
// itself answers for what it does; a public one is anybody.
func (s *Server) admit(r *http.Request, c client) error {
	if c.proof != "0" {
		return s.SignIn.Room()
	}
	return s.SignIn.Admit(r.Context(), placeOf(r))
}

// placeOf is where r comes from.
func placeOf(r *http.Request) signin.Place {
	f := request.From(r.Context())
	return signin.Place{Address: f.Address, UserAgent: f.UserAgent, Browser: browser.Place(r)}
}
