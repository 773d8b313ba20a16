// Package phoneapi is the HTTP API of the authenticator app, under /authenticator/v1: adding a
// phone, showing it what waits, taking its answer. It translates between the wire and package
// authenticator, which decides. Every call is signed by the phone's key, as a DPoP proof that
// covers the body, with a nonce of this server and once; docs/authenticator.md tells the
// conversation. It also sends the messages that wake the app (RFC 8030, 8291 and 8292).
package phoneapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/dpop"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/method/authenticator"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/signin"
)

// API serves phones. Every field but Spare is required.
type API struct {
	Phones authenticator.Phones
	Feed   *Feed
	Push   *Push
	// Spare, where set, does not count a stream's connection among those of its address, until
	// count is called: an office of phones may be behind one.
	Spare func(ctx context.Context) (count func())

	SignIn      *signin.Service
	Store       Store
	Secrets     authenticator.Secrets
	PublicURL   string // without a slash at the end
	Incarnation string // life of the store
	Now         func() time.Time
	Log         *slog.Logger
}

// Store is what the API reads and writes beside the phones.
type Store interface {
	dpop.Replay
	// Tenant returns a tenant, or directory.ErrTenantUnknown.
	Tenant(ctx context.Context, id directory.TenantID) (directory.Tenant, error)
	// TenantOf returns the tenant that owns a verified domain, or directory.ErrTenantUnknown.
	TenantOf(ctx context.Context, domain string) (directory.TenantID, error)
}

// Faults of the API.
var (
	ErrMalformed = &fault.Error{Kind: fault.Invalid, Code: "phoneCallInvalid", Text: "The call of the app can't be read.", Remedy: "Update the app."}
	ErrFull      = &fault.Error{
		Kind: fault.Unavailable, Code: "phoneStreamsFull", RetryAfter: 30,
		Text: "Too many apps listen.", Remedy: "Requests are there all the same: look again in the app.",
	}
)

// maxBody bounds the body of a call, in bytes.
const maxBody = 16 << 10

// Handler returns the API's handler.
func (a *API) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, serve := range map[string]func(*call) (int, any, error){
		"POST /authenticator/v1/{tenant}/phones":       a.enrol,
		"GET /authenticator/v1/{tenant}/phone":         a.known(a.account),
		"DELETE /authenticator/v1/{tenant}/phone":      a.known(a.remove),
		"GET /authenticator/v1/{tenant}/request":       a.known(a.waiting),
		"POST /authenticator/v1/{tenant}/request":      a.known(a.answerRequest),
		"PUT /authenticator/v1/{tenant}/push":          a.known(a.subscribe),
		"POST /authenticator/v1/{tenant}/verification": a.known(a.verification),
	} {
		mux.HandleFunc(pattern, a.answer(serve))
	}
	mux.HandleFunc("GET /authenticator/v1/{tenant}/stream", a.stream)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		a.refuse(w, r, ErrMalformed.With("", "There is nothing at this address."))
	})
	return mux
}

// A call is one request of a phone.
type call struct {
	r      *http.Request
	tenant directory.Tenant
	body   []byte
	proof  dpop.Proof
	phone  authenticator.Phone // that has the key; known reports whether there is one
	user   directory.User
	known  bool
}

func (c *call) ctx() context.Context { return c.r.Context() }

// from is the address that the call comes from, for the log.
func (c *call) from() string { return request.From(c.ctx()).Address.String() }

func (c *call) correlation() string { return request.From(c.ctx()).CorrelationID }

// read decodes the body into v; a member that is not known is refused.
func (c *call) read(v any) error {
	d := json.NewDecoder(strings.NewReader(string(c.body)))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return ErrMalformed
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return ErrMalformed
	}
	return nil
}

// answer serves a call that is proved by a key, of a known phone or not.
func (a *API) answer(serve func(*call) (int, any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := a.open(w, r)
		var status int
		var out any
		if err == nil {
			status, out, err = serve(c)
		}
		if err != nil {
			a.refuse(w, r, err)
			return
		}
		writeJSON(w, status, out)
	}
}

// known serves calls of phones that are somebody's.
func (a *API) known(serve func(*call) (int, any, error)) func(*call) (int, any, error) {
	return func(c *call) (int, any, error) {
		if !c.known {
			return 0, nil, authenticator.ErrUnknown
		}
		return serve(c)
	}
}

// open reads the body and checks the proof.
func (a *API) open(w http.ResponseWriter, r *http.Request) (*call, error) {
	w.Header().Set("Cache-Control", "no-store")
	tenant, err := a.tenant(r)
	if err != nil {
		return nil, err
	}
	c := &call{r: r, tenant: tenant}
	if c.body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
		return nil, ErrMalformed.With("", "The body is too large or was cut off.")
	}
	fresh, err := a.nonce(r.Context(), tenant.ID, a.Now())
	if err != nil {
		return nil, err
	}
	w.Header().Set("DPoP-Nonce", fresh)
	return c, a.prove(c)
}

func (a *API) tenant(r *http.Request) (directory.Tenant, error) {
	name := strings.ToLower(r.PathValue("tenant"))
	if directory.IsID(name) {
		return a.Store.Tenant(r.Context(), directory.TenantID(name))
	}
	id, err := a.Store.TenantOf(r.Context(), name)
	if err != nil {
		return directory.Tenant{}, err
	}
	return a.Store.Tenant(r.Context(), id)
}

// statuses are the answers to the kinds of fault.
var statuses = map[fault.Kind]int{
	fault.Invalid: http.StatusBadRequest, fault.Unsupported: http.StatusBadRequest, fault.Unauthorized: http.StatusUnauthorized,
	fault.Forbidden: http.StatusForbidden, fault.NotFound: http.StatusNotFound, fault.Conflict: http.StatusConflict,
	fault.Precondition: http.StatusConflict, fault.TooLarge: http.StatusRequestEntityTooLarge, fault.TooMany: http.StatusTooManyRequests,
	fault.Unavailable: http.StatusServiceUnavailable,
}

// refuse answers with what went wrong. What is no fault is logged, and the phone gets its
// correlation id.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, err error) {
	id := request.From(r.Context()).CorrelationID
	said := device.Error{Code: "generalException", Message: "Something went wrong on the server.", CorrelationID: id}
	status := http.StatusInternalServerError
	if f, ok := errors.AsType[*fault.Error](err); ok {
		said.Code, said.Message, said.Remedy = f.Code, f.Text, f.Remedy
		if known, ok := statuses[f.Kind]; ok {
			status = known
		}
		if f.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
		}
		level := slog.LevelInfo
		if errors.Is(err, dpop.ErrUseNonce) { // how every conversation begins
			level = slog.LevelDebug
		}
		a.Log.Log(r.Context(), level, "phone refused", "path", r.URL.Path, "correlation_id", id, "code", f.Code)
	} else {
		level := slog.LevelError
		if errors.Is(err, context.Canceled) && r.Context().Err() != nil { // the phone has gone, and nothing is wrong
			level = slog.LevelDebug
		}
		a.Log.Log(r.Context(), level, "phone call failed", "path", r.URL.Path, "correlation_id", id, "err", err)
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", challenge(err))
	}
	writeJSON(w, status, device.ErrorAnswer{Error: said})
}

// challenge is what a 401 asks for (RFC 9449 section 7.1).
func challenge(err error) string {
	switch {
	case errors.Is(err, dpop.ErrUseNonce):
		return `DPoP error="use_dpop_nonce"`
	case errors.Is(err, dpop.ErrInvalid), errors.Is(err, device.ErrBody):
		return `DPoP error="invalid_dpop_proof"`
	}
	return `DPoP` // the proof was good; what it was for was not
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	if v == nil {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the phone is gone, or reads it
}
