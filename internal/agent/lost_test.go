//go:build linux

package agent_test

import (
	"context"
	"testing"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/agent/websignin"
)

// signIn is a sign-in by pass at a console, to its end.
func signIn(ctx context.Context, a *agent.Agent, name, pass string) error {
	p, err := a.SignInWithPass(ctx, name, secret(pass))
	if err == nil {
		_, err = a.Welcome(ctx, p)
	}
	return err
}

// Whichever answer is lost, a one-time pass is spent for the sign-in in which it was typed, and
// whoever types it again there gets in. Nobody else does.
func TestAPassWhoseAnswerWasLostWorksWhenItIsTypedAgain(t *testing.T) {
	w := newWorld(t)
	a := w.joined()
	w.graph("POST", "/v1.0/users", `{"accountEnabled":true,"displayName":"Mira","mailNickname":"mira","userPrincipalName":"mira@contoso.example"}`, 201, nil)
	var mira struct {
		ID string `json:"id"`
	}
	var pass struct {
		Text string `json:"temporaryAccessPass"`
	}
	w.graph("GET", "/v1.0/users/mira@contoso.example", "", 200, &mira)
	stranger := w.other()
	// The last one is the first sign-in of somebody of whom the device knows nothing.
	for _, one := range []struct{ path, text string }{{"/signin", "accesspass"}, {"/token", ""}, {"/accounts/" + mira.ID, ""}} {
		w.graph("POST", "/v1.0/users/"+mira.ID+"/authentication/temporaryAccessPassMethods", `{"isUsableOnce":true}`, 201, &pass)
		ctx, giveUp := context.WithCancel(t.Context())
		w.lose.Store(&losing{one.path, one.text, giveUp})
		if err := signIn(ctx, a, "mira@contoso.example", pass.Text); !websignin.Lost(err) {
			t.Errorf("%s is lost: %v", one.path, err)
		}
		giveUp()
		w.lose.Store(nil)
		if err := signIn(t.Context(), stranger, "mira@contoso.example", pass.Text); !websignin.Wrong(err) {
			t.Errorf("%s was lost, and on another device: %v", one.path, err)
		}
		if err := signIn(t.Context(), a, "mira@contoso.example", pass.Text); err != nil {
			t.Errorf("%s was lost, and typed again: %v", one.path, err)
		}
		if err := signIn(t.Context(), a, "mira@contoso.example", pass.Text); !websignin.Wrong(err) {
			t.Errorf("%s was lost, and typed a third time: %v", one.path, err)
		}
		if err := w.device(a).Accounts.Remove(mira.ID); err != nil {
			t.Fatal(err)
		}
	}
}
