package server

import (
	"crypto/rand"
	"net/http"
	"strings"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/oauth/oautherr"
	"github.com/postern-id/postern/internal/pages"
	"github.com/postern-id/postern/internal/request"
)

// refusal answers a request that no part gets to see, in the envelope of the part that it
// was meant for.
func (s *Server) refusal(site *pages.Site) func(http.ResponseWriter, *http.Request, error) {
	return func(w http.ResponseWriter, r *http.Request, err error) {
		path := r.URL.Path
		switch {
		case isGraph(r):
			odata.Tag(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				odata.Write(w, r, odata.Directory, err, s.options.Log)
			}), rand.Reader, s.now).ServeHTTP(w, r)
		case strings.Contains(path, "/oauth2/v2.0/") && !strings.HasSuffix(path, "/authorize") && !strings.HasSuffix(path, "/logout"),
			path == "/oidc/userinfo":
			f := request.From(r.Context())
			oautherr.WriteError(w, r, err, oautherr.IDs{Trace: f.RequestID, Correlation: f.CorrelationID, At: s.now(), HelpURL: s.options.PublicURL + "/errors/"})
		default:
			site.ShowError(w, r, err, directory.Tenant{})
		}
	}
}
