// Package deviceapi is the HTTP API that agents call, under /device/v1: joining, the policy
// of a device, the people who may use it. It translates between the wire (package device) and
// the packages that decide. Every call is proved by the device's key;
// docs/device-protocol.md tells the conversation.
package deviceapi

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/recovery/drill"
	"github.com/postern-id/postern/internal/request/signed"
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
	Secrets     signed.Secrets
	CA          CA
	PINs        hello.PINs
	Drills      drill.Service
	PublicURL   string // without a slash at the end
	Incarnation string // life of the store
	Now         func() time.Time
	Rand        io.Reader
	Log         *slog.Logger
}

// Store is what the API reads and writes.
type Store interface {
	signed.Store
	Sessions
	Elevations

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

// calls are the calls of devices.
func (a *API) calls() *signed.Calls {
	return &signed.Calls{
		Who: "device", Malformed: ErrMalformed, MaxBody: 64 << 10,
		Store: a.Store, Secrets: a.Secrets, PublicURL: a.PublicURL, Incarnation: a.Incarnation, Now: a.Now, Log: a.Log,
		Bind: a.bind,
		Proved: func(err error) bool {
			return errors.Is(err, signin.ErrRefused) || errors.Is(err, signin.ErrPractised) || errors.Is(err, signin.ErrPractisedInVain) || tap.IsElsewhere(err)
		}, // the person's credential was no good
	}
}

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

		"GET /device/v1/{tenant}/trials/{id}": a.joined(a.trial),
		"PUT /device/v1/{tenant}/trials/{id}": a.joined(a.endTrial),

		"POST /device/v1/{tenant}/containers/{id}/try":     a.joined(a.tryPIN),
		"POST /device/v1/{tenant}/containers/{id}/release": a.joined(a.releasePIN),
	} {
		mux.HandleFunc(pattern, signed.Handler(a.calls(), a.open, serve))
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
	*signed.Call
	device directory.Device // that has the key; the zero value when none has
}

// unproved serves what anybody may read.
func (a *API) unproved(serve func(*http.Request, directory.Tenant) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a.calls().Answer(w, r, func() (status int, out any, err error) {
			tenant := directory.Tenant{}
			if r.PathValue("tenant") != "" {
				if tenant, err = a.calls().Tenant(r); err != nil {
					return 0, nil, err
				}
			}
			out, err = serve(r, tenant)
			return http.StatusOK, out, err
		})
	}
}

// open opens a call and finds the device that has its key.
func (a *API) open(w http.ResponseWriter, r *http.Request) (*call, error) {
	c := &call{}
	_, err := a.calls().Open(w, r, func(s *signed.Call) error {
		c.Call = s
		return a.admit(c)
	})
	return c, err
}

// waiting serves calls of devices that joined and may be told of their approval: those too
// that wait for it.
func (a *API) waiting(serve func(*call) (int, any, error)) func(*call) (int, any, error) {
	return func(c *call) (int, any, error) {
		var err error
		if c.device, err = a.Store.DeviceByKey(c.Context(), c.Tenant.ID, c.Proof.Thumbprint); err != nil {
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
