// Package phoneapi is the HTTP API of the authenticator app, under /authenticator/v1: adding a
// phone, showing it what waits, taking its answer. It translates between the wire and package
// authenticator, which decides. Every call is signed by the phone's key, as a DPoP proof that
// covers the body, with a nonce of this server and once; docs/authenticator.md tells the
// conversation. It also sends the messages that wake the app (RFC 8030, 8291 and 8292).
package phoneapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/dpop"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/method/authenticator"
	"github.com/postern-id/postern/internal/request/signed"
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
	Store       signed.Store
	Secrets     signed.Secrets
	PublicURL   string // without a slash at the end
	Incarnation string // life of the store
	Now         func() time.Time
	Log         *slog.Logger
}

// Faults of the API.
var (
	ErrMalformed = &fault.Error{Kind: fault.Invalid, Code: "phoneCallInvalid", Text: "The call of the app can't be read.", Remedy: "Update the app."}
	ErrFull      = &fault.Error{
		Kind: fault.Unavailable, Code: "phoneStreamsFull", RetryAfter: 30,
		Text: "Too many apps listen.", Remedy: "Requests are there all the same: look again in the app.",
	}
)

// calls are the calls of phones.
func (a *API) calls() *signed.Calls {
	return &signed.Calls{
		Who: "phone", Malformed: ErrMalformed, MaxBody: 16 << 10,
		Store: a.Store, Secrets: a.Secrets, PublicURL: a.PublicURL, Incarnation: a.Incarnation, Now: a.Now, Log: a.Log,
		Proved: func(err error) bool { return !errors.Is(err, dpop.ErrInvalid) && !errors.Is(err, device.ErrBody) },
	}
}

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
		mux.HandleFunc(pattern, signed.Handler(a.calls(), a.open, serve))
	}
	mux.HandleFunc("GET /authenticator/v1/{tenant}/stream", a.stream)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		a.calls().Refuse(w, r, ErrMalformed.With("", "There is nothing at this address."))
	})
	return mux
}

// A call is one request of a phone.
type call struct {
	*signed.Call
	phone authenticator.Phone // that has the key; known reports whether there is one
	user  directory.User
	known bool
}

// from is the address that the call comes from, for the log.
func (c *call) from() string { return c.Facts().Address.String() }

func (c *call) correlation() string { return c.Facts().CorrelationID }

// known serves calls of phones that are somebody's.
func (a *API) known(serve func(*call) (int, any, error)) func(*call) (int, any, error) {
	return func(c *call) (int, any, error) {
		if !c.known {
			return 0, nil, authenticator.ErrUnknown
		}
		return serve(c)
	}
}

// open opens a call and finds the phone that has its key.
func (a *API) open(w http.ResponseWriter, r *http.Request) (*call, error) {
	c := &call{}
	_, err := a.calls().Open(w, r, func(s *signed.Call) error {
		c.Call = s
		return a.admit(c)
	})
	return c, err
}

// admit finds the phone that has the key. A key of nobody is anybody's, and each of its proofs
// costs a row.
func (a *API) admit(c *call) error {
	var err error
	c.phone, c.user, err = a.Phones.Phone(c.Context(), c.Tenant.ID, c.Proof.Thumbprint)
	if errors.Is(err, authenticator.ErrUnknown) {
		return a.SignIn.Admit(c.Context(), c.Place())
	}
	c.known = err == nil
	return err
}
