package deviceapi

import (
	"context"
	"errors"
	"net/http"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/password"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/method/totp"
	"github.com/postern-id/postern/internal/signin"
	"github.com/postern-id/postern/internal/token"
)

// SignIns begins and ends what a pushed authorization request asks for, where a browser would
// do so.
type SignIns interface {
	// BeginAtConsole uses the pushed request up; the key must be the one that proved it.
	BeginAtConsole(r *http.Request, tenant directory.Tenant, requestURI, thumbprint string) (signin.Transaction, token.Opaque, error)
	// OpenAtConsole returns a sign-in that was begun so, for the same key, or signin.ErrGone.
	OpenAtConsole(r *http.Request, tenant directory.Tenant, handle token.Opaque, thumbprint string) (signin.Transaction, error)
	// StillAllowed returns token.ErrInvalid if Conditional Access lets the token be used no longer.
	StillAllowed(ctx context.Context, a token.Access) error
	// FinishAtConsole returns the redirect URI with the code.
	FinishAtConsole(r *http.Request, tenant directory.Tenant, t signin.Transaction, session signin.Session) (string, error)
}

// signIn serves POST /device/v1/{tenant}/signin: the sign-in of a text console. Its steps,
// throttles, answers and events are those of the pages, because both ask package signin.
func (a *API) signIn(c *call) (int, any, error) {
	var in device.SignInRequest
	if err := c.Read(&in); err != nil {
		return 0, nil, err
	}
	t, handle, err := a.console(c, in)
	if err != nil {
		return 0, nil, err
	}
	ctx, here := c.Context(), c.Place()
	if in.Username != "" && !t.Done() {
		t, err = a.SignIn.Identify(ctx, t, in.Username, here)
	}
	for _, one := range []struct {
		method signin.MethodID
		typed  string
	}{{tap.MethodID, in.AccessPass}, {password.MethodID, in.Password}, {totp.MethodID, in.OTC}} {
		if err == nil && one.typed != "" {
			t, err = a.SignIn.Prove(ctx, t, one.method, one.typed, here)
		}
	}
	if rehearsed, ok := errors.AsType[*signin.Rehearsed](err); ok && rehearsed.Trial != "" {
		return http.StatusOK, device.SignInAnswer{Practice: rehearsed.Trial}, nil
	}
	if err != nil {
		return 0, nil, told(err, c.Tenant)
	}
	t, step, _, err := a.SignIn.Next(ctx, t, 0, here)
	if err != nil {
		return 0, nil, err
	}
	if step == signin.StepStay || step == signin.StepDone { // a console has nothing to stay signed in to
		return a.signedIn(c, t, handle, here)
	}
	if step == signin.StepBlocked {
		if t, err = a.SignIn.Block(ctx, t, here); err != nil {
			return 0, nil, err
		}
		if t.Refused != nil {
			return 0, nil, t.Refused.Fault().With("", t.Refused.Text())
		}
	}
	text, err := handle.Reveal()
	return http.StatusOK, device.SignInAnswer{Transaction: text, Step: string(step)}, err
}

// console begins the sign-in that in asks for, or opens the one that it names.
func (a *API) console(c *call, in device.SignInRequest) (signin.Transaction, token.Opaque, error) {
	if (in.Request == "") == (in.Transaction == "") {
		return signin.Transaction{}, token.Opaque{}, ErrMalformed.With("transaction", "Name the pushed request or the transaction, one of the two.")
	}
	if in.Request != "" {
		return a.SignIns.BeginAtConsole(c.Request, c.Tenant, in.Request, c.Proof.Thumbprint)
	}
	handle, err := token.ParseOpaque(in.Transaction)
	if err != nil {
		return signin.Transaction{}, handle, signin.ErrGone
	}
	t, err := a.SignIns.OpenAtConsole(c.Request, c.Tenant, handle, c.Proof.Thumbprint)
	return t, handle, err
}

// signedIn ends t in a session and answers with the code. A repeat gets the same session.
func (a *API) signedIn(c *call, t signin.Transaction, handle token.Opaque, here signin.Place) (int, any, error) {
	t, session, _, err := a.SignIn.Stay(c.Context(), t, false, handle, here, nil)
	if err != nil {
		return 0, nil, err
	}
	to, err := a.SignIns.FinishAtConsole(c.Request, c.Tenant, t, session)
	return http.StatusOK, device.SignInAnswer{Redirect: to}, err
}

// told adds from when a pass works to the refusal of one that was typed too early, and says what
// one is good for that was typed in a wrong place, as the pages do.
func told(err error, tenant directory.Tenant) error {
	if said, ok := errors.AsType[*signin.Told](err); ok {
		return said.Why
	}
	if rehearsed, ok := errors.AsType[*signin.Rehearsed](err); ok {
		return rehearsed.Fault()
	}
	early, ok := errors.AsType[*signin.NotYet](err)
	if !ok {
		return err
	}
	f := *signin.ErrRefused
	f.Remedy = "Your pass works from " + early.From.In(tenant.Location()).Format("2 January 2006 15:04 MST") + "."
	return &f
}
