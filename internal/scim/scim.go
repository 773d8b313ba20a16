// Package scim serves SCIM 2.0 (RFC 7643, RFC 7644) under /scim/v2, by which a personnel
// system or another identity provider keeps people and groups up to date. It turns SCIM's
// resources into the directory's and back; who may, what is checked and what is logged is package
// provision's, the same as for everybody. docs/scim.md lists what is covered and what is not.
//
// A change is read, modify, write under the version that was read, and is tried again when
// somebody else was faster, unless the client named the version itself (If-Match).
package scim

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/provision"
	"github.com/postern-id/postern/internal/request"
)

// Limits of a request.
const (
	maxBody       = 1 << 20 // bytes
	maxDepth      = 12      // objects and arrays inside one another
	maxOperations = 200     // of one PATCH
	maxValues     = 2000    // of all lists of one request, and so of members
	maxEntries    = 252     // of any other list: 250 of a kind, and those of which there is one
	maxPaths      = 16_384  // bytes, of all paths of one PATCH
	usualPage     = 100
	largestPage   = 500
	maxMembers    = 10_000 // in one answer
	maxTries      = 8      // of a change that others come before
)

// Store is what is read here; what is written is package provision's.
type Store interface {
	// User returns a user, or directory.ErrUserUnknown; Group a group, or directory.ErrGroupUnknown.
	User(ctx context.Context, tenant directory.TenantID, id directory.UserID) (directory.User, error)
	Group(ctx context.Context, tenant directory.TenantID, id directory.GroupID) (directory.Group, error)
	// Users and Groups return at most limit objects that meet every bound, after a position, and
	// the position of the last one if there are more. Without an order they come by id.
	Users(ctx context.Context, tenant directory.TenantID, match []filter.Bound, order []filter.Order, after []any, limit int) ([]directory.User, []any, error)
	Groups(ctx context.Context, tenant directory.TenantID, match []filter.Bound, order []filter.Order, after []any, limit int) ([]directory.Group, []any, error)
	CountUsers(ctx context.Context, tenant directory.TenantID, match []filter.Bound) (int, error)
	CountGroups(ctx context.Context, tenant directory.TenantID, match []filter.Bound) (int, error)
	// Find says what the object with an id is, or directory.ErrObjectUnknown.
	Find(ctx context.Context, tenant directory.TenantID, id string) (directory.Ref, error)
	// Linked returns by id, after one, at most limit objects that belong to another one, and
	// whether there are more. Link is member or memberOf.
	Linked(ctx context.Context, tenant directory.TenantID, object, link string, kind directory.ObjectKind, match []filter.Bound, after string, limit int) ([]directory.Ref, bool, error)
}

// Callers says who calls, from an access token for Graph.
type Callers interface {
	Caller(r *http.Request) (directory.Tenant, directory.Caller, audit.Actor, error)
}

// API serves SCIM. Every field is required.
type API struct {
	Store     Store
	Provision provision.Provisioner
	Callers   Callers
	PublicURL string // without a slash at the end
	Now       func() time.Time
	Log       *slog.Logger

	pages courses
}

// A call is one authenticated request.
type call struct {
	w  http.ResponseWriter
	r  *http.Request
	by provision.By
}

func (c *call) ctx() context.Context       { return c.r.Context() }
func (c *call) tenant() directory.TenantID { return c.by.Tenant.ID }
func (c *call) id() string                 { return strings.ToLower(c.r.PathValue("id")) }
func (c *call) may(a directory.Action) error {
	return directory.May(c.by.Caller, a, directory.Target{})
}

// Handler returns the API's handler.
func (a *API) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, serve := range map[string]func(*call) error{
		"GET /ServiceProviderConfig": a.getConfig,
		"GET /ResourceTypes":         a.listTypes,
		"GET /ResourceTypes/{id}":    a.getType,
		"GET /Schemas":               a.listSchemas,
		"GET /Schemas/{id}":          a.getSchema,

		"GET /Users":           asked(a.findUsers),
		"POST /Users":          a.createUser,
		"POST /Users/.search":  posted(a.findUsers),
		"GET /Users/{id}":      a.getUser,
		"PUT /Users/{id}":      a.putUser,
		"PATCH /Users/{id}":    a.patchUser,
		"DELETE /Users/{id}":   a.deleteUser,
		"GET /Groups":          asked(a.findGroups),
		"POST /Groups":         a.createGroup,
		"POST /Groups/.search": posted(a.findGroups),
		"GET /Groups/{id}":     a.getGroup,
		"PUT /Groups/{id}":     a.putGroup,
		"PATCH /Groups/{id}":   a.patchGroup,
		"DELETE /Groups/{id}":  a.deleteGroup,

		"/Me":           notOffered,
		"/Bulk":         notOffered,
		"POST /.search": notOffered,
		"GET /{$}":      notOffered, // a search over everything
		"/Users/{id}/":  unknown,
		"/":             unknown,
		"/Groups/{id}/": unknown,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { a.serve(w, r, serve) })
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner := r.Clone(r.Context())
		inner.URL.Path, inner.URL.RawPath = strings.TrimPrefix(r.URL.Path, "/scim/v2"), ""
		if !strings.HasPrefix(inner.URL.Path, "/") || !strings.HasPrefix(r.URL.Path, "/scim/v2/") {
			a.fail(w, r, ErrUnknown)
			return
		}
		_, pattern := mux.Handler(inner)
		request.From(r.Context()).SetRoute(pattern)
		mux.ServeHTTP(w, inner)
	})
}

func notOffered(*call) error { return ErrNotOffered }

// unknown tells an unknown path from an unknown verb.
func unknown(c *call) error {
	first, rest, _ := strings.Cut(strings.TrimPrefix(c.r.URL.Path, "/"), "/")
	switch first {
	case "Users", "Groups", "Schemas", "ResourceTypes", "ServiceProviderConfig":
		if !strings.Contains(rest, "/") {
			return ErrVerb
		}
	}
	return ErrUnknown
}

// serve finds out who calls, and answers.
func (a *API) serve(w http.ResponseWriter, r *http.Request, serve func(*call) error) {
	facts := request.From(r.Context())
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("X-Correlation-Id", facts.CorrelationID)
	tenant, caller, actor, err := a.Callers.Caller(r)
	if err == nil {
		by := provision.By{Tenant: tenant, Caller: caller, Actor: actor, Correlation: facts.CorrelationID}
		if caller.AppOnly() {
			by.Source = directory.SourceApp(caller.App)
		}
		err = serve(&call{w, r, by})
	}
	if err != nil {
		a.fail(w, r, err)
	}
}

func (a *API) logFailure(r *http.Request, code int, err error) {
	level := slog.LevelInfo
	if code >= http.StatusInternalServerError && code != http.StatusNotImplemented {
		level = slog.LevelError
	}
	a.Log.Log(r.Context(), level, "request failed", "method", r.Method, "path", r.URL.Path, "status", code,
		"correlation_id", request.From(r.Context()).CorrelationID, "err", err)
}

// write sends v. The type is SCIM's own (RFC 7644 section 8.1).
func write(w http.ResponseWriter, code int, v any) {
	data, err := json.Marshal(v)
	if err != nil { // text, numbers and lists of them always encode
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/scim+json")
	w.WriteHeader(code)
	_, _ = w.Write(data) // fails only when the client has gone
}
