// Package deviceapi is the HTTP API that agents call, under /device/v1: joining, the policy
// of a device, the people who may use it. It translates between the wire (package device) and
// the packages that decide. Every call is proved by the device's key;
// docs/device-protocol.md tells the conversation.
package deviceapi

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/dpop"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/signin"
	"github.com/postern-id/postern/internal/token"
)

// API serves agents. Every field but Roots is required.
type API struct {
	// Roots are trusted to certify TPMs, directly or by other certificates among them.
	Roots []*x509.Certificate

	Feed *Feed
	// Spare, where set, does not count a stream's connection among those of its address, until
	// count is called: an office of devices may be behind one.
	Spare func(ctx context.Context) (count func())

	SignIn      *signin.Service
	SignIns     SignIns
	Store       Store
	Tokens      *token.Keys
	Secrets     Secrets
	CA          CA
	PINs        hello.PINs
	PublicURL   string // without a slash at the end
	Incarnation string // life of the store
	Now         func() time.Time
	Rand        io.Reader
	Log         *slog.Logger
}

// Secrets returns keyed hashes under keys that are derived from the tenant's own secret.
type Secrets interface {
	MAC(ctx context.Context, tenant, label string, message []byte) (string, error)
}

// Store is what the API reads and writes.
type Store interface {
	dpop.Replay
	Sessions
	Elevations

	// Tenant returns a tenant, or directory.ErrTenantUnknown.
	Tenant(ctx context.Context, id directory.TenantID) (directory.Tenant, error)
	// TenantOf returns the tenant that owns a verified domain, or directory.ErrTenantUnknown.
	TenantOf(ctx context.Context, domain string) (directory.TenantID, error)
	// TokenOwner returns for whom a verified access token speaks, if it still lives at at;
	// else token.ErrInvalid.
	TokenOwner(ctx context.Context, a token.Access, at time.Time) (token.Owner, error)
	// User and UserByName return a user, or directory.ErrUserUnknown.
	User(ctx context.Context, tenant directory.TenantID, id directory.UserID) (directory.User, error)
	UserByName(ctx context.Context, tenant directory.TenantID, upn string) (directory.User, error)
	// Group returns a group, or directory.ErrGroupUnknown.
	Group(ctx context.Context, tenant directory.TenantID, id directory.GroupID) (directory.Group, error)
	// GroupsOf returns the groups that an object is in, directly or through other groups.
	GroupsOf(ctx context.Context, tenant directory.TenantID, object string) (map[directory.GroupID]bool, error)

	// DeviceByKey returns the device with that key, or directory.ErrDeviceUnknown.
	DeviceByKey(ctx context.Context, tenant directory.TenantID, thumbprint string) (directory.Device, error)
	// JoinPolicy returns who may join devices, the default where the tenant said nothing.
	JoinPolicy(ctx context.Context, tenant directory.TenantID) (directory.JoinPolicy, error)
	// JoinDevice stores a device; see package store.
	JoinDevice(ctx context.Context, d directory.Device, quota int, event func(directory.Device) audit.Event) (directory.Device, error)
	// UpdateDevice stores a changed device and records e, or neither.
	UpdateDevice(ctx context.Context, d directory.Device, at time.Time, e audit.Event) error
	// RemoveDevice deletes a device with all that came from it and records e, or neither.
	RemoveDevice(ctx context.Context, tenant directory.TenantID, id directory.DeviceObjectID, at time.Time, e audit.Event) error
	// SaveDeviceStatus stores what a device says of itself, in place of what it said before.
	SaveDeviceStatus(ctx context.Context, tenant directory.TenantID, id directory.DeviceObjectID, s device.Status, at time.Time) error
	// AccountNumber returns the number of an object on devices, within a range, for ever.
	AccountNumber(ctx context.Context, tenant directory.TenantID, object string, first, last int64) (int64, error)
	// ObjectOfNumber returns the object that has a number, or directory.ErrObjectUnknown.
	ObjectOfNumber(ctx context.Context, tenant directory.TenantID, number int64) (string, error)
	// DevicePolicies returns all policies for devices.
	DevicePolicies(ctx context.Context, tenant directory.TenantID) ([]devicepolicy.Policy, error)
}

// Faults of the API.
var (
	ErrMalformed = &fault.Error{Kind: fault.Invalid, Code: "deviceRequestInvalid", Text: "The request of the device can't be read.", Remedy: "Update the agent."}
	ErrVersion   = &fault.Error{
		Kind: fault.Unsupported, Code: "deviceProtocolVersion",
		Text: "This server and this agent speak different versions of the protocol.", Remedy: "Update the older one of the two.",
	}
	ErrStale = &fault.Error{
		Kind: fault.Unauthorized, Code: "deviceProofTooOld",
		Text: "Joining needs a sign-in that is no older than ten minutes.", Remedy: "Sign in once more.",
	}
)

// maxBody bounds the body of a request, in bytes.
const maxBody = 64 << 10

// Handler returns the API's handler.
func (a *API) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, serve := range map[string]func(*call) (int, any, error){
		"POST /device/v1/{tenant}/attestation":    a.attestation,
		"POST /device/v1/{tenant}/join":           a.join,
		"POST /device/v1/{tenant}/signin":         a.signIn,
		"GET /device/v1/{tenant}/policy":          a.joined(a.policy),
		"POST /device/v1/{tenant}/status":         a.joined(a.status),
		"POST /device/v1/{tenant}/elevations":     a.joined(a.elevations),
		"POST /device/v1/{tenant}/renew":          a.joined(a.renew),
		"POST /device/v1/{tenant}/leave":          a.waiting(a.leave),
		"GET /device/v1/{tenant}/accounts/{name}": a.joined(a.account),
		"GET /device/v1/{tenant}/groups/{name}":   a.joined(a.group),

		"POST /device/v1/{tenant}/containers":            a.joined(a.beginPIN),
		"GET /device/v1/{tenant}/containers/{id}":        a.joined(a.pin),
		"PUT /device/v1/{tenant}/containers/{id}/key":    a.joined(a.registerPIN),
		"POST /device/v1/{tenant}/containers/{id}/reset": a.joined(a.resetPIN),
		"DELETE /device/v1/{tenant}/containers/{id}":     a.joined(a.removePIN),

		"POST /device/v1/{tenant}/containers/{id}/rotation": a.joined(a.beginRotation),
		"PUT /device/v1/{tenant}/containers/{id}/rotation":  a.joined(a.rotatePIN),

		"POST /device/v1/{tenant}/containers/{id}/try":     a.joined(a.tryPIN),
		"POST /device/v1/{tenant}/containers/{id}/release": a.joined(a.releasePIN),
	} {
		mux.HandleFunc(pattern, a.answer(serve))
	}
	mux.HandleFunc("GET /device/v1/{tenant}", a.unproved(a.about))
	mux.HandleFunc("GET /device/v1/{tenant}/stream", a.stream)
	mux.HandleFunc("/", a.unproved(func(*http.Request, directory.Tenant) (any, error) {
		return nil, ErrMalformed.With("", "There is nothing at this address.")
	}))
	return mux
}

// A call is one request of a device.
type call struct {
	r      *http.Request
	tenant directory.Tenant
	body   []byte
	proof  dpop.Proof
	device directory.Device // that has the key; the zero value when none has
}

// read decodes the body into v; a member that is not known is refused.
func (c *call) read(v any) error {
	d := json.NewDecoder(bytes.NewReader(c.body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return ErrMalformed
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return ErrMalformed
	}
	return nil
}

// answer serves a call that is proved by a key, of a joined device or not.
func (a *API) answer(serve func(*call) (int, any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
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

// unproved serves what anybody may read.
func (a *API) unproved(serve func(*http.Request, directory.Tenant) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var out any
		var err error
		tenant := directory.Tenant{}
		if r.PathValue("tenant") != "" {
			tenant, err = a.tenant(r)
		}
		if err == nil {
			out, err = serve(r, tenant)
		}
		if err != nil {
			a.refuse(w, r, err)
			return
		}
		writeJSON(w, http.StatusOK, out)
	}
}

// open reads the body and checks the proof.
func (a *API) open(w http.ResponseWriter, r *http.Request) (*call, error) {
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
	c.proof, err = a.prove(c)
	return c, err
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

// waiting serves calls of devices that joined and may be told of their approval: those too
// that wait for it.
func (a *API) waiting(serve func(*call) (int, any, error)) func(*call) (int, any, error) {
	return func(c *call) (int, any, error) {
		var err error
		if c.device, err = a.Store.DeviceByKey(c.r.Context(), c.tenant.ID, c.proof.Thumbprint); err != nil {
			return 0, nil, err
		}
		if err := c.device.Usable(); err != nil && !errors.Is(err, directory.ErrDevicePending) {
			return 0, nil, err
		}
		return serve(c)
	}
}

// joined serves calls of devices that joined and can be used.
func (a *API) joined(serve func(*call) (int, any, error)) func(*call) (int, any, error) {
	return func(c *call) (int, any, error) {
		if c.device.ID == "" {
			return 0, nil, directory.ErrDeviceUnknown
		}
		if err := c.device.Usable(); err != nil {
			return 0, nil, err
		}
		return serve(c)
	}
}

// statuses are the answers to the kinds of fault.
var statuses = map[fault.Kind]int{
	fault.Invalid: http.StatusBadRequest, fault.Unsupported: http.StatusBadRequest, fault.Unauthorized: http.StatusUnauthorized,
	fault.Forbidden: http.StatusForbidden, fault.NotFound: http.StatusNotFound, fault.Conflict: http.StatusConflict,
	fault.Precondition: http.StatusConflict, fault.TooLarge: http.StatusRequestEntityTooLarge, fault.TooMany: http.StatusTooManyRequests,
	fault.Unavailable: http.StatusServiceUnavailable,
}

// refuse answers with what went wrong. What is no fault is logged, and the device gets its
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
		level, what := slog.LevelInfo, "device refused"
		if errors.Is(err, dpop.ErrUseNonce) { // how every conversation begins
			level, what = slog.LevelDebug, "device got a nonce"
		}
		a.Log.Log(r.Context(), level, what, "path", r.URL.Path, "correlation_id", id, "code", f.Code)
	} else {
		level := slog.LevelError
		if errors.Is(err, context.Canceled) && r.Context().Err() != nil { // the device has gone, and nothing is wrong
			level = slog.LevelDebug
		}
		a.Log.Log(r.Context(), level, "device request failed", "path", r.URL.Path, "correlation_id", id, "err", err)
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", challenge(err))
	}
	if wait := retryAfter(err); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)))
	}
	writeJSON(w, status, device.ErrorAnswer{Error: said})
}

// challenge is what a 401 asks for (RFC 9449 section 7.1).
func challenge(err error) string {
	switch {
	case errors.Is(err, dpop.ErrUseNonce):
		return `DPoP error="use_dpop_nonce"`
	case errors.Is(err, signin.ErrRefused):
		return `DPoP` // the proof was good; the person's credential was not
	}
	return `DPoP error="invalid_dpop_proof"`
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	if v == nil {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the device is gone, or reads it
}
