//go:build linux

package agent_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/agent/websignin"
)

const cutOffFile = "join-signin.json"

// joining tries to join in a process of its own.
func (w *world) joining(ctx context.Context, j agent.Join, change ...func(*agent.Options)) error {
	w.t.Helper()
	a := w.open(change...)
	err := a.Join(ctx, j)
	if closeErr := a.Close(); closeErr != nil {
		w.t.Fatal(closeErr)
	}
	return err
}

// Whichever answer is lost, the process gives up and the next one, with the same one-time pass,
// joins the same device. Elsewhere the pass is spent.
func TestAJoinWhosePassWasTypedGoesOnInTheNextProcess(t *testing.T) {
	for _, one := range []struct{ path, text string }{{"/signin", "accesspass"}, {"/token", ""}, {"/attestation", ""}, {"/join", ""}} {
		t.Run(one.path, func(t *testing.T) {
			w := newWorld(t)
			j := w.request()
			ctx, giveUp := context.WithCancel(t.Context())
			w.lose.Store(&losing{one.path, one.text, giveUp})
			if err := w.joining(ctx, j); !websignin.Lost(err) {
				t.Errorf("the answer is lost: %v", err)
			}
			giveUp()
			w.lose.Store(nil)
			elsewhere := func(o *agent.Options) { o.TPM, o.State = agent.Software, shortDir(t) }
			if err := w.joining(t.Context(), j, elsewhere); !websignin.Wrong(err) {
				t.Errorf("on another device: %v", err)
			}
			if err := w.joining(t.Context(), j); err != nil {
				t.Errorf("typed again: %v", err)
			}
			if _, err := os.Stat(filepath.Join(w.state, cutOffFile)); !os.IsNotExist(err) {
				t.Errorf("it is kept on: %v", err)
			}
		})
	}
}

func TestWhatIsKeptOfAJoinIsForItsPassAndItsDeviceAndEnds(t *testing.T) {
	w := newWorld(t)
	j := w.request()
	ctx, giveUp := context.WithCancel(t.Context())
	defer giveUp()
	w.lose.Store(&losing{"/token", "", giveUp})
	if err := w.joining(ctx, j); !websignin.Lost(err) {
		t.Fatal(err)
	}
	w.lose.Store(nil)
	kept, err := os.ReadFile(filepath.Join(w.state, cutOffFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"transaction", "verifier", admin} {
		if bytes.Contains(kept, []byte(secret)) {
			t.Errorf("the file says %q", secret)
		}
	}
	// Whoever has the file and the pass, and not the key.
	thief := shortDir(t)
	if err := os.WriteFile(filepath.Join(thief, cutOffFile), kept, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := w.joining(t.Context(), j, func(o *agent.Options) { o.TPM, o.State = agent.Software, thief }); !websignin.Wrong(err) {
		t.Errorf("with the file elsewhere: %v", err)
	}
	// Another pass begins another sign-in, whatever is kept.
	if err := w.joining(t.Context(), agent.Join{Server: j.Server, UPN: admin, SignIn: agent.WithPass(admin, secret("WRONGPASS123"))}); !websignin.Wrong(err) {
		t.Errorf("with another pass: %v", err)
	}
	if err := os.WriteFile(filepath.Join(w.state, cutOffFile), kept, 0o600); err != nil {
		t.Fatal(err)
	}
	w.now.Store(int64(11 * time.Minute))
	if err := w.joining(t.Context(), j); !websignin.Wrong(err) {
		t.Errorf("after eleven minutes: %v", err)
	}
	w.now.Store(0)
	if err := os.WriteFile(filepath.Join(w.state, cutOffFile), kept, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := w.joining(t.Context(), j); err != nil {
		t.Errorf("here, with the pass and in time: %v", err)
	}
}
