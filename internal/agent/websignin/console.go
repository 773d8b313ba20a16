package websignin

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

// ErrCredential says, as the server's pages do, no more than that it was not right.
var ErrCredential = &fault.Error{
	Kind: fault.Unauthorized, Code: "webSignInCredential",
	Text: "That did not work. Check the name and the pass.", Remedy: "If it stays so, ask your helpdesk for a new pass.",
}

// ErrMore says that the sign-in asks for something that a console can't show.
var ErrMore = &fault.Error{
	Kind: fault.Unsupported, Code: "webSignInMore",
	Text: "The sign-in asks for more than a name and a pass.", Remedy: "Sign in with a browser.",
}

// steps are what a sign-in asks for at a step that a console can't show.
var steps = map[string]string{
	"passkey":       "The sign-in asks for your passkey, too.",
	"authenticator": "The sign-in asks for your phone, too.",
	"otc":           "The sign-in asks for a code from your app, too.",
	"password":      "The sign-in asks for your password, too.",
	"newpassword":   "The sign-in asks you to choose a new password.",
	"blocked":       "A pass is not enough for this sign-in, and nothing else that you have would be.",
}

// more is ErrMore with what the sign-in asks for.
func more(step string) error {
	f := ErrMore.With("", steps[step])
	if step == "blocked" {
		f.Remedy = "Ask your helpdesk."
	}
	return f
}

// Pass answers the sign-in's questions with a name and a pass, where a browser would show
// pages, and redeems what comes of it. When an answer is lost, the server may have spent the
// pass for this sign-in: the same one is gone on with, for some seconds, and by whoever calls
// Pass once more with the same pass.
func (r *Request) Pass(ctx context.Context, name string, pass graphclient.Secret) (Person, error) {
	if r.transaction == "" {
		step, err := r.link.SignIn(ctx, device.SignInRequest{Request: r.requestURI, Username: name})
		if err != nil {
			return Person{}, told(err)
		}
		if step.Redirect != "" {
			return r.redeemAt(ctx, step.Redirect)
		}
		r.transaction = step.Transaction
		if r.Keep != nil {
			if err := r.Keep(Kept{r.redirect, r.state, r.nonce, r.verifier, r.transaction}); err != nil {
				return Person{}, err
			}
		}
	}
	var waited time.Duration
	for pause := time.Second; ; pause *= 2 {
		p, err := r.answer(ctx, pass)
		if !Lost(err) || waited+pause > repeatFor || ctx.Err() != nil {
			return p, err
		}
		if graphclient.Wait(ctx, pause) != nil {
			return p, err
		}
		waited += pause
	}
}

// repeatFor is how long the person at a prompt waits for a server that has just gone away.
const repeatFor = 3 * time.Second

// answer types the pass and redeems what comes of it. Within one sign-in it may be repeated:
// the server answers with another code for the same session.
func (r *Request) answer(ctx context.Context, pass graphclient.Secret) (Person, error) {
	// Whatever is asked for, the pass is the answer that the person gave.
	step, err := r.link.SignIn(ctx, device.SignInRequest{Transaction: r.transaction, AccessPass: pass.Reveal()})
	if err != nil {
		return Person{}, told(err)
	}
	if step.Practice != "" {
		return Person{}, &Practice{step.Practice}
	}
	if step.Redirect == "" {
		return Person{}, more(step.Step)
	}
	return r.redeemAt(ctx, step.Redirect)
}

func (r *Request) redeemAt(ctx context.Context, redirect string) (Person, error) {
	back, err := url.Parse(redirect)
	if err != nil {
		return Person{}, graphclient.ErrAnswer
	}
	return r.redeem(ctx, back.Query())
}

// Typed reports whether the server may have heard a pass in this sign-in.
func (r *Request) Typed() bool { return r.transaction != "" }

// Gone reports whether err says that the server knows the sign-in no more.
func Gone(err error) bool {
	f, ok := errors.AsType[*fault.Error](err)
	return ok && f.Code == signInGone
}

// signInGone is the server's code for a sign-in that has ended.
const signInGone = "signInGone"

// Lost reports whether err leaves open what the server did.
func Lost(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return true
	}
	f, ok := errors.AsType[*fault.Error](err)
	return ok && f.Kind == fault.Unavailable
}

// credentialRefused is the server's one code for all that may be wrong with a name and a pass.
const credentialRefused = "credentialRefused"

// elsewhere are the server's codes for a right pass that is good for something else.
var elsewhere = []string{"tapForMethods", "tapForSignIn", "tapForPIN"}

// told keeps what the server adds to its one refusal, such as from when a pass works.
func told(err error) error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Code != credentialRefused && !slices.Contains(elsewhere, f.Code) {
		return err
	}
	out := ErrCredential.With("", "")
	if f.Code != credentialRefused {
		out.Text = f.Text
	}
	if f.Remedy != "" {
		out.Remedy = f.Remedy
	}
	return out
}

// Wrong reports whether err is about what the person typed, so that they may try again.
func Wrong(err error) bool { return errors.Is(err, ErrCredential) }
