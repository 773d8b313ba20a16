// Package oauth is the authorization server: OAuth 2.0 and OpenID Connect with the paths,
// parameters and answers of Entra, so that MSAL and any OpenID Connect client work
// unchanged. It translates between the wire and the packages that decide; each part of the
// protocol that can be checked alone is a package below this one. docs/oauth-security.md
// goes through RFC 9700 point by point.
package oauth

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/oauth/oautherr"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/signin"
	"github.com/postern-id/postern/internal/token"
)

// Server is the authorization server. Every field is required.
type Server struct {
	Store       Store
	SignIn      *signin.Service
	Interrupts  Interrupts
	Keys        *token.Keys
	Secrets     Secrets
	PINKeys     PINKeys
	Pages       Pages
	PublicURL   string // without a slash at the end
	Incarnation string // life of the store
	Now         func() time.Time
	Rand        io.Reader
	Log         *slog.Logger

	// Others are pages of applications of other protocols that learn of a logout; it may be nil.
	Others func(ctx context.Context, session signin.Session) ([]string, error)
	// Upstream is where a session came from that can be signed out of, too, or nothing; it may be
	// nil.
	Upstream func(ctx context.Context, session signin.Session, user directory.User) (signin.Upstream, error)

	recent    recent
	seen      sync.Map // ids of tenants
	documents sync.Map // discovery documents, by tenant
}

// Secrets returns keyed hashes under keys that are derived from the tenant's own secret.
type Secrets interface {
	MAC(ctx context.Context, tenant, label string, message []byte) (string, error)
}

// Pages shows what goes to a person instead of an application.
type Pages interface {
	// ShowError ends a request that can't go back to the application.
	ShowError(w http.ResponseWriter, r *http.Request, err error, tenant directory.Tenant)
	// ShowFormPost posts values to an application's redirect URI by a form.
	ShowFormPost(w http.ResponseWriter, r *http.Request, to string, values url.Values) error
	// ShowSignOut asks whether to sign out; the answer is posted to action.
	ShowSignOut(w http.ResponseWriter, r *http.Request, tenant directory.Tenant, action string)
	// ShowForeign refuses a form that another site sent.
	ShowForeign(w http.ResponseWriter, r *http.Request)
	// ShowDevice asks for the code that another device shows; f says what was wrong with the
	// last one, or is nil.
	ShowDevice(w http.ResponseWriter, r *http.Request, action string, f *fault.Error)
	// ShowConfirm asks whether to sign in another device; the answer is posted to action. f is
	// what was wrong with the number, or nil.
	ShowConfirm(w http.ResponseWriter, r *http.Request, tenant directory.Tenant, action string, d signin.DeviceRequest, f *fault.Error)
	// ShowDone says that the other device goes on, or that it was refused.
	ShowDone(w http.ResponseWriter, r *http.Request, tenant directory.Tenant, application string, denied bool)
	// DeviceMessage says in the language that a client asks for, such as de-DE, where to enter
	// a code. It is plain text.
	DeviceMessage(language, page, code string) string
	// ShowSignedOut says that the browser is signed out.
	// frames are pages of applications that are to learn of it; back is where to go on, or "";
	// at upstreams the person may still be signed in.
	ShowSignedOut(w http.ResponseWriter, r *http.Request, tenant directory.Tenant, frames []string, back string, upstreams []signin.Upstream)
}

// Mount adds the endpoints to mux. {tenant} is an id, a verified domain, common or
// organizations.
func (s *Server) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /{tenant}/v2.0/.well-known/openid-configuration", s.answer(s.discovery))
	mux.HandleFunc("GET /{tenant}/.well-known/openid-configuration", s.answer(s.discovery))
	mux.HandleFunc("GET /{tenant}/discovery/v2.0/keys", s.answer(s.keySet))
	mux.HandleFunc("POST /{tenant}/oauth2/v2.0/token", s.answer(s.token))
	mux.HandleFunc("OPTIONS /{tenant}/oauth2/v2.0/token", preflight)
	mux.HandleFunc("POST /{tenant}/oauth2/v2.0/revoke", s.answer(s.revoke))
	mux.HandleFunc("GET /oidc/userinfo", s.answer(s.userInfo))
	mux.HandleFunc("POST /oidc/userinfo", s.answer(s.userInfo))
	mux.HandleFunc("GET /common/discovery/instance", s.answer(s.instance))
	mux.HandleFunc("GET /common/UserRealm/{upn}", s.answer(s.userRealm))
	mux.HandleFunc("GET /{tenant}/oauth2/v2.0/authorize", s.authorize)
	mux.HandleFunc("POST /{tenant}/oauth2/v2.0/authorize", s.authorize)
	mux.HandleFunc("GET "+resumePath, s.resume)
	mux.HandleFunc("POST /{tenant}/oauth2/v2.0/devicecode", s.answer(s.deviceCodeRequest))
	mux.HandleFunc("POST /{tenant}/oauth2/v2.0/par", s.answer(s.push))
	mux.HandleFunc("OPTIONS /{tenant}/oauth2/v2.0/par", preflight)
	mux.HandleFunc("GET "+devicePath, s.showDevice)
	mux.HandleFunc("GET "+deviceConfirmPath, s.confirmDevice)
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(s.Pages.ShowForeign))
	mux.Handle("POST "+devicePath, protection.Handler(http.HandlerFunc(s.takeUserCode)))
	mux.Handle("POST "+deviceConfirmPath, protection.Handler(http.HandlerFunc(s.confirmDevice)))
	mux.Handle("GET /{tenant}/oauth2/v2.0/logout", http.HandlerFunc(s.logout))
	own := http.NewCrossOriginProtection()
	own.SetDenyHandler(http.HandlerFunc(s.foreignLogout))
	mux.Handle("POST /{tenant}/oauth2/v2.0/logout", own.Handler(http.HandlerFunc(s.logout)))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.Pages.ShowError(w, r, ErrNoPage, directory.Tenant{})
	})
}

// ErrNoPage says that nothing is at an address.
var ErrNoPage = &fault.Error{
	Kind: fault.NotFound, Code: "pageUnknown",
	Text: "There is no such page.", Remedy: "Check the address.",
}

// preflight lets single-page applications send a DPoP proof (Fetch, CORS protocol). The
// endpoint reads no cookies, so that any origin may ask.
func preflight(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", "POST")
	h.Set("Access-Control-Allow-Headers", "Content-Type, DPoP, client-request-id, x-client-sku, x-client-ver")
	h.Set("Access-Control-Max-Age", "3600")
	w.WriteHeader(http.StatusNoContent)
}

// answer turns the error of an endpoint for programs into OAuth's envelope.
func (s *Server) answer(h func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*") // no cookie is read here
		if err := h(w, r); err != nil {
			facts := request.From(r.Context())
			envelope, status := oautherr.Describe(err, s.ids(r))
			if status >= http.StatusInternalServerError {
				s.Log.ErrorContext(r.Context(), "request failed", "path", r.URL.Path, "correlation_id", facts.CorrelationID, "err", err)
			} else {
				s.Log.InfoContext(r.Context(), "request refused", "path", r.URL.Path, "correlation_id", facts.CorrelationID, "error", envelope.Error, "codes", envelope.Codes)
			}
			oautherr.WriteError(w, r, err, s.ids(r))
		}
	}
}

func (s *Server) ids(r *http.Request) oautherr.IDs {
	f := request.From(r.Context())
	return oautherr.IDs{Trace: f.RequestID, Correlation: f.CorrelationID, At: s.Now(), HelpURL: s.PublicURL + "/errors/"}
}

// noTenant reports whether name leaves the tenant open.
func noTenant(name string) bool {
	return strings.EqualFold(name, "common") || strings.EqualFold(name, "organizations")
}

// tenant returns the tenant that {tenant} names, by id or verified domain, or
// directory.ErrTenantUnknown.
func (s *Server) tenant(r *http.Request) (directory.Tenant, error) {
	name := strings.ToLower(r.PathValue("tenant"))
	if directory.IsID(name) {
		return s.Store.Tenant(r.Context(), directory.TenantID(name))
	}
	id, err := s.Store.TenantOf(r.Context(), name)
	if err != nil {
		return directory.Tenant{}, err
	}
	return s.Store.Tenant(r.Context(), id)
}

// tenantID is tenant for those who need nothing else of it. Tenants don't go, so one that was
// seen is known without a look at the store.
func (s *Server) tenantID(r *http.Request) (directory.TenantID, error) {
	id := directory.TenantID(strings.ToLower(r.PathValue("tenant")))
	if _, seen := s.seen.Load(id); seen {
		return id, nil
	}
	t, err := s.tenant(r)
	if err == nil {
		s.seen.Store(t.ID, true)
	}
	return t.ID, err
}

// issuer returns the issuer of a tenant, always by its id.
func (s *Server) issuer(tenant directory.TenantID) string {
	return s.PublicURL + "/" + string(tenant) + "/v2.0"
}

// isFault reports whether err is one of the faults given.
func isFault(err error, faults ...error) bool {
	for _, f := range faults {
		if errors.Is(err, f) {
			return true
		}
	}
	return false
}
