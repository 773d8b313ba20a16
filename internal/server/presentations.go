package server

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/postern-id/postern/internal/outbound"
	"github.com/postern-id/postern/internal/recovery/presentation"
	"github.com/postern-id/postern/internal/recovery/sdjwt"
)

// statusWithin bounds the call for a status list, which a wallet waits for.
const statusWithin = 5 * time.Second

// presentations asks wallets for credentials.
func (s *Server) presentations() presentation.Service {
	lists := statusLists{outbound.NewClient(s.options.Roots, s.options.FederationNetworks, statusWithin)}
	return presentation.Service{
		Store: s.db, Cases: s.cases, MAC: bound{s.ring, s.db.Incarnation}.MAC, Stable: plain{s.ring}.MAC,
		Lists: lists.fetch, PublicURL: s.options.PublicURL, Now: s.now, Rand: rand.Reader,
	}
}

// statusLists fetches what issuers say of their credentials.
type statusLists struct{ client *http.Client }

func (l statusLists) fetch(ctx context.Context, address string) (string, error) {
	if u, err := url.Parse(address); err != nil || u.Scheme != "https" {
		return "", fmt.Errorf("a status list at %.60q is not fetched", address)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return "", err
	}
	r.Header.Set("Accept", "application/statuslist+jwt")
	a, err := l.client.Do(r)
	if err != nil {
		return "", err
	}
	defer a.Body.Close()
	if a.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the status list is answered with %d", a.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(a.Body, sdjwt.MaxList+1))
	return string(body), err
}
