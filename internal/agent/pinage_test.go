//go:build linux

package agent_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/devicepolicy"
)

// ageing is a device on which PINs expire after 30 days, with the administrator's.
func (w *world) ageing() (*agent.Agent, string) {
	w.t.Helper()
	file := filepath.Join(w.t.TempDir(), "policy.yaml")
	if err := os.WriteFile(file, []byte(devicepolicy.PINExpiration+": 30\n"+devicepolicy.OfflineDays+": 90\n"), 0o600); err != nil {
		w.t.Fatal(err)
	}
	a := w.joined(func(o *agent.Options) { o.LocalPolicy = file })
	p := w.signedIn(a)
	if err := a.SetPIN(w.t.Context(), p, firstPIN); err != nil {
		w.t.Fatal(err)
	}
	return a, p.ID
}

func TestAPINThatExpiredOpensNothingButItsChange(t *testing.T) {
	w := newWorld(t)
	a, user := w.ageing()
	if out, err := a.Unlock(t.Context(), user, firstPIN); err != nil || !out.Ends.IsZero() {
		t.Errorf("on the first day: %v, %v", out.Ends, err)
	}
	w.now.Store(int64(29 * 24 * time.Hour))
	if out, err := a.Unlock(t.Context(), user, firstPIN); err != nil || out.Ends.IsZero() {
		t.Errorf("no warning a day before: %v, %v", out.Ends, err)
	}
	w.now.Store(int64(31 * 24 * time.Hour))
	for _, down := range []bool{false, true} {
		w.down.Store(down)
		if _, err := a.Unlock(t.Context(), user, firstPIN); !errors.Is(err, agent.ErrPINAge) {
			t.Errorf("after 31 days, away %v: %v", down, err)
		}
	}
	if _, err := a.Unlock(t.Context(), user, secondPIN); !errors.Is(err, tpm.ErrWrongPIN) {
		t.Errorf("a wrong one is told that it has expired: %v", err)
	}
	if err := a.ChangePIN(t.Context(), user, firstPIN, firstPIN); !errors.Is(err, container.ErrPIN) {
		t.Errorf("changed to itself: %v", err)
	}
	if err := a.ChangePIN(t.Context(), user, firstPIN, secondPIN); err != nil {
		t.Fatal(err)
	}
	if out, err := a.Unlock(t.Context(), user, secondPIN); err != nil || !out.Ends.IsZero() {
		t.Errorf("the new one: %v, %v", out.Ends, err)
	}
}
