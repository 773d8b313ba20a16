// Package graph serves the Microsoft Graph API under /v1.0 and /beta: it turns Graph's
// names into the domain's and back, asks directory.May, and decides nothing itself. The
// wire conventions are package odata's. docs/graph.md lists what is covered and what is not.
package graph

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/passkey"
	"github.com/postern-id/postern/internal/method/password"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/recovery/drill"
	"github.com/postern-id/postern/internal/recovery/handover"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/token"
)

// API serves Graph. Every field but Health, Countries, Spots and GuardTime is required.
type API struct {
	Store     Store
	Passes    tap.Passes
	Handovers handover.Service
	Registry  *method.Registry
	Cases     *recovery.Service
	Drills    drill.Service
	Passwords password.Passwords
	Passkeys  passkey.Registrar
	Tokens    *token.Keys
	Proofs    Proofs
	Rules     Rules // nil asks none
	Secrets   Secrets
	Sealed    SealedLog
	Resolver  Resolver
	// Health says how the server is; nil where nobody looks.
	Health  func() Health
	Machine Machine
	// Letters writes mail to look at.
	Letters Letters
	// Workflows runs lifecycle workflows on demand.
	Workflows Workflows
	// Countries finds the country of an address; nil where the server has no file for it.
	Countries access.Countries
	// GuardTime is how long a change of the rules waits for whom it strands; 0 is ten seconds.
	GuardTime time.Duration
	// Spots says where on earth an address is; nil where the server has no file for it.
	Spots     access.Spots
	PublicURL string // without a slash at the end
	Now       func() time.Time
	Rand      io.Reader
	Log       *slog.Logger
	// Incarnation is the life of the store; tokens of an earlier one are refused.
	Incarnation string

	impacts tallies // that were counted lately
}

// Secrets derives keys and keyed hashes from the tenant's own secret.
type Secrets interface {
	Derive(ctx context.Context, tenant, label string) ([]byte, error)
	MAC(ctx context.Context, tenant, label string, message []byte) (string, error)
	// Seal encrypts what only Open with the same tenant and place opens.
	Seal(ctx context.Context, tenant string, plain []byte, where ...string) (string, error)
}

// Resolver asks the DNS; *net.Resolver is one.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// A call is one authenticated request.
type call struct {
	w       http.ResponseWriter
	r       *http.Request
	version string       // v1.0 or beta
	whole   http.Handler // for the requests of a batch
	tenant  directory.Tenant
	caller  directory.Caller
	access  token.Access
	actor   audit.Actor

	// What the route's target function found.
	user  directory.User
	group directory.Group
	app   directory.Application
	// device is what the path names.
	device directory.Device
	// principal is the one that the path names, or the one of app; empty if it has none.
	principal directory.ServicePrincipal
	policy    devicepolicy.Policy
	target    directory.Target
	// force says that the caller insists on rules that lock out every administrator.
	force bool
}

func (c *call) ctx() context.Context { return c.r.Context() }

// A route is one line of the table in routes.go.
type route struct {
	pattern string // of http.ServeMux, below the version
	family  odata.Family
	// action is what May is asked about, with the target that target finds; no action means
	// that every caller with a valid token may.
	action directory.Action
	target func(*API, *call) (directory.Target, error)
	serve  func(*API, *call) error
}

// Handler returns the API. Paths start with the version.
func (a *API) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, rt := range slices.Concat(routes, credentialRoutes(), strengthRoutes(), recoveryRoutes(), drillRoutes(), workflowRoutes(), jobRoutes(), webhookRoutes(), mailTemplateRoutes()) {
		mux.HandleFunc(rt.pattern, func(w http.ResponseWriter, r *http.Request) { a.serve(w, r, rt) })
	}
	var whole http.Handler
	whole = odata.Tag(odata.SplitKeys(a.authenticate(mux, func() http.Handler { return whole })), a.Rand, a.Now)
	return whole
}

// ErrPath says that there is nothing at the path.
var ErrPath = &fault.Error{
	Kind: fault.NotFound, Code: "pathUnknown",
	Text: "There is no such resource.", Remedy: "docs/graph.md lists what is there.",
}

// ErrVerb says that the resource does not take the method.
var ErrVerb = &fault.Error{Kind: fault.Method, Code: "methodNotAllowed", Text: "This resource does not take this method."}

// ErrNotMe says that /me needs a person.
var ErrNotMe = &fault.Error{
	Kind: fault.Invalid, Code: "meNeedsUser",
	Text: "/me works only for a signed-in person.", Remedy: "Use /users/{id}.",
}

// authenticate finds out who calls, and hands the request without its version to mux.
// Requests of a batch have the batch's caller. Whole returns the handler that they go to.
func (a *API) authenticate(mux *http.ServeMux, whole func() http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		version, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		c := &call{version: version, whole: whole()}
		var err error
		if batch, ok := r.Context().Value(callKey{}).(*call); ok {
			c.tenant, c.caller, c.access, c.actor = batch.tenant, batch.caller, batch.access, batch.actor
		} else {
			err = a.identify(c, r)
		}
		if err == nil {
			path, err = c.withoutMe("/" + strings.TrimSuffix(path, "/")) // some of Graph's pages have a slash at the end
		}
		if err != nil {
			odata.Write(w, r, odata.Directory, err, a.Log)
			return
		}
		inner := r.Clone(context.WithValue(r.Context(), callKey{}, c))
		inner.URL.Path, inner.URL.RawPath = path, ""
		_, pattern := mux.Handler(inner)
		if pattern == "" {
			odata.Write(w, r, odata.Directory, missing(mux, inner), a.Log)
			return
		}
		request.From(r.Context()).SetRoute(pattern)
		mux.ServeHTTP(w, inner)
	})
}

type callKey struct{}

// withoutMe turns /me into the caller's own /users/{id}.
func (c *call) withoutMe(path string) (string, error) {
	if path != "/me" && !strings.HasPrefix(path, "/me/") {
		return path, nil
	}
	if c.caller.AppOnly() {
		return "", ErrNotMe
	}
	return "/users/" + string(c.caller.User) + strings.TrimPrefix(path, "/me"), nil
}

// missing tells an unknown path from an unknown verb.
func missing(mux *http.ServeMux, r *http.Request) error {
	for _, verb := range []string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodPut, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = verb
		if _, pattern := mux.Handler(other); pattern != "" {
			return ErrVerb
		}
	}
	return ErrPath
}

// serve authorises and answers one call.
func (a *API) serve(w http.ResponseWriter, r *http.Request, rt route) {
	c, ok := r.Context().Value(callKey{}).(*call)
	if !ok {
		odata.Write(w, r, rt.family, token.ErrInvalid, a.Log)
		return
	}
	c.w, c.r = w, r
	if err := a.run(c, rt); err != nil {
		odata.Write(w, r, rt.family, err, a.Log)
	}
}

func (a *API) run(c *call, rt route) error {
	if rt.action == "" {
		return rt.serve(a, c)
	}
	var target directory.Target
	if rt.target != nil {
		var err error
		if target, err = rt.target(a, c); err != nil {
			return a.hide(c, rt, err)
		}
	}
	c.target = target
	action := rt.action
	if c.group.ID != "" {
		action = action.OnGroup(c.group)
	}
	if err := directory.May(c.caller, action, target); err != nil {
		return err
	}
	return rt.serve(a, c)
}

// hide tells that a target does not exist only to those who might act on it.
func (a *API) hide(c *call, rt route, err error) error {
	if denied := directory.May(c.caller, rt.action, directory.Target{User: "unknown"}); denied != nil {
		return denied
	}
	return err
}

// root is where the addresses of resources hang from.
func (a *API) root(c *call) odata.Root { return odata.Root(a.PublicURL + "/" + c.version) }

// event is what c does, as an audit event.
func (a *API) event(c *call, change audit.Change) audit.Event {
	change.By = c.actor
	if change.Result == "" {
		change.Result = audit.Success
	}
	return newEvent(c.tenant.ID, a.Now(), request.From(c.ctx()).CorrelationID, &change)
}
