package server

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/deviceapi"
	"github.com/postern-id/postern/internal/graph"
	"github.com/postern-id/postern/internal/oauth"
	"github.com/postern-id/postern/internal/pages"
	"github.com/postern-id/postern/internal/phoneapi"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/samlidp"
	"github.com/postern-id/postern/internal/scim"
)

// parts are what is mounted.
type parts struct {
	site          *pages.Site
	authorization *oauth.Server
	assertions    *samlidp.Server
	api           *graph.API
	agents        *deviceapi.API
	phones        *phoneapi.API
	console       *console.Console
	people        *scim.API
}

// mount puts the parts under one handler. The first segment of a path says whose it is;
// what is nobody's is a tenant, which the authorization server knows or refuses.
func (s *Server) mount(p parts) http.Handler {
	site := p.site
	own := http.NewServeMux()
	site.Mount(own)
	own.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	own.HandleFunc("GET /readyz", s.ready)
	tenants := http.NewServeMux()
	p.authorization.Mount(tenants)
	site.MountUpstream(tenants, s.spMetadata)
	p.assertions.Mount(tenants)
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(site.ShowForeign))
	protected := protection.Handler(own)
	consoleHandler := protection.Handler(p.console.Handler())
	graphHandler, agentHandler, phoneHandler := p.api.Handler(), p.agents.Handler(), p.phones.Handler()
	scimHandler, answers := p.people.Handler(), s.proofAnswers()

	whole := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		first, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		if first == "device" && strings.HasPrefix(rest, "v") { // /device itself is a page
			agentHandler.ServeHTTP(w, r)
			return
		}
		if first == "authenticator" && strings.HasPrefix(rest, "v1/") { // the rest of it is a page
			phoneHandler.ServeHTTP(w, r)
			return
		}
		switch first {
		case "v1.0", "beta":
			graphHandler.ServeHTTP(w, r)
		case "scim":
			scimHandler.ServeHTTP(w, r)
		case answersFolder:
			answers.ServeHTTP(w, r)
		case "console":
			consoleHandler.ServeHTTP(w, r)
		case "", "signin", "security-info", "assets", "healthz", "readyz", "favicon.ico", "mailbox", "errors", "authenticator", "recover":
			protected.ServeHTTP(w, r)
		default:
			tenants.ServeHTTP(w, r)
		}
	})
	return request.Middleware(s.options.Proxies, s.measured(s.recovered(s.hsts(wellFormed(s.refusal(site), s.onTime(s.refusal(site), whole))))))
}

// hsts tells browsers to come by TLS only, except on localhost, where other programs serve
// plain HTTP under the same name.
func (s *Server) hsts(next http.Handler) http.Handler {
	u, err := url.Parse(s.options.PublicURL)
	if err != nil || u.Scheme != "https" || u.Hostname() == "localhost" || strings.HasPrefix(u.Hostname(), "127.") {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		next.ServeHTTP(w, r)
	})
}

// recovered turns a panic into a logged 500 with the request's id.
func (s *Server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(p)
			}
			id := request.From(r.Context()).CorrelationID
			s.options.Log.ErrorContext(r.Context(), "panic", "path", r.URL.Path, "correlation_id", id, "panic", p, "stack", string(debug.Stack()))
			http.Error(w, "Something went wrong on our side. "+id, http.StatusInternalServerError)
		}()
		next.ServeHTTP(w, r)
	})
}
