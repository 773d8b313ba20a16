package server

import (
	"net/http"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/dpop"
)

// proofs checks the DPoP proofs that come with bound access tokens (RFC 9449 section 7).
type proofs struct {
	replay    dpop.Replay
	publicURL string
	now       func() time.Time
}

// Check implements graph.Proofs.
func (p proofs) Check(r *http.Request, tenant, accessToken, jkt string) error {
	text, err := dpop.FromHeader(r.Header.Values("DPoP"))
	if err != nil {
		return err
	}
	path, _, _ := strings.Cut(r.RequestURI, "?") // as the client wrote it; routing may have changed r.URL
	proof, err := dpop.Verify(text, dpop.Want{
		Method: r.Method, URL: p.publicURL + path, Now: p.now(), AccessToken: accessToken, Thumbprint: jkt,
	})
	if err != nil {
		return err
	}
	return dpop.Once(r.Context(), p.replay, tenant, proof)
}
