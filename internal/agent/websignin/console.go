package websignin

import (
	"context"
	"errors"
	"net/url"

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

// Pass answers the sign-in's questions with a name and a pass, where a browser would show
// pages, and redeems what comes of it.
func (r *Request) Pass(ctx context.Context, name string, pass graphclient.Secret) (Person, error) {
	step, err := r.link.SignIn(ctx, device.SignInRequest{Request: r.requestURI, Username: name})
	if err == nil && step.Redirect == "" {
		// Whatever is asked for, the pass is the answer that the person gave.
		step, err = r.link.SignIn(ctx, device.SignInRequest{Transaction: step.Transaction, AccessPass: pass.Reveal()})
	}
	if err != nil {
		return Person{}, told(err)
	}
	if step.Redirect == "" {
		return Person{}, ErrMore
	}
	back, err := url.Parse(step.Redirect)
	if err != nil {
		return Person{}, graphclient.ErrAnswer
	}
	return r.Redeem(ctx, back.Query())
}

// credentialRefused is the server's one code for all that may be wrong with a name and a pass.
const credentialRefused = "credentialRefused"

// told keeps what the server adds to its one refusal, such as from when a pass works.
func told(err error) error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Code != credentialRefused {
		return err
	}
	out := ErrCredential.With("", "")
	if f.Remedy != "" {
		out.Remedy = f.Remedy
	}
	return out
}

// Wrong reports whether err is about what the person typed, so that they may try again.
func Wrong(err error) bool { return errors.Is(err, ErrCredential) }
