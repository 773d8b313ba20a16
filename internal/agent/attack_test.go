//go:build linux

package agent_test

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/server"
)

// wrongTries is how many wrong auth values the TPM has seen.
func (w *world) wrongTries() int {
	w.t.Helper()
	chip, err := tpm.Open(w.chip.Where())
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = chip.Close() }()
	l, err := chip.Lockout()
	if err != nil {
		w.t.Fatal(err)
	}
	return int(l.Failed)
}

// A script guesses PINs as fast as it is answered, many at once, and starts the agent anew in
// between. The TPM looks at five of them. docs/device-pin.md says how long guessing takes.
func TestAScriptThatGuessesPINsGetsFiveTries(t *testing.T) {
	w := newWorld(t)
	a, user := w.withPIN()
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	before := w.wrongTries()
	stopped := false
	for round := range 4 {
		a := w.open()
		var all sync.WaitGroup
		var right, stops atomic.Int32
		for i := range 30 {
			all.Go(func() {
				_, err := a.Unlock(t.Context(), user, string(rune('0'+round))+"000"+string(rune('0'+i/10))+string(rune('0'+i%10)))
				switch {
				case err == nil:
					right.Add(1)
				case errors.Is(err, container.ErrStopped):
					stops.Add(1)
				}
			})
		}
		all.Wait()
		if right.Load() > 0 {
			t.Fatal("a wrong PIN opens")
		}
		stopped = stopped || stops.Load() >= 25
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if tried := w.wrongTries() - before; !stopped || tried != container.MaxWrong {
		t.Errorf("the TPM has looked at %d of 120 guesses", tried)
	}
	if _, err := w.open().Unlock(t.Context(), user, firstPIN); !errors.Is(err, container.ErrStopped) {
		t.Errorf("the right PIN afterwards: %v", err)
	}
}

// An image of the disk is taken, things happen, and the image is put back. No try comes back
// with it, and no PIN that the organisation deleted. The former PIN does: docs/device-pin.md
// says so, and what to do when somebody has seen a PIN.
func TestADiskThatIsPutBack(t *testing.T) {
	w := newWorld(t)
	a, user := w.withPIN()
	image := filepath.Join(t.TempDir(), "image")
	cp := func(from, to string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), "cp", "-a", from, to).CombinedOutput(); err != nil {
			t.Fatalf("cp: %v %s", err, out)
		}
	}
	restore := func(a *agent.Agent) *agent.Agent {
		t.Helper()
		if err := errors.Join(a.Close(), os.RemoveAll(w.state)); err != nil {
			t.Fatal(err)
		}
		cp(image, w.state)
		return w.open()
	}
	cp(w.state, image)
	if _, err := a.Unlock(t.Context(), user, "000000"); err == nil {
		t.Fatal("a wrong PIN opens")
	}
	a = restore(a)
	_, err := a.Unlock(t.Context(), user, "000000")
	if wrong, ok := errors.AsType[container.Wrong](err); !ok || wrong.Left != 3 {
		t.Errorf("a second wrong PIN on the older disk: %v", err)
	}
	w.chip.Forgive()
	if err := a.ChangePIN(t.Context(), user, firstPIN, secondPIN); err != nil {
		t.Fatal(err)
	}
	a = restore(a)
	if _, err := a.Unlock(t.Context(), user, firstPIN); err != nil {
		t.Errorf("the former PIN on the older disk, which is no secret: %v", err)
	}
	w.deletePIN(a, user)
	if err := a.Contact(t.Context()); err != nil {
		t.Fatal(err)
	}
	a = restore(a)
	for _, down := range []bool{true, false} {
		w.down.Store(down)
		if out, err := a.Unlock(t.Context(), user, firstPIN); err == nil {
			t.Errorf("a PIN that was deleted opens on the older disk, without the server: %v: %+v", down, out)
		}
	}
}

// A device that was off until its certificate had ended is known by its key all the same, and
// gets another one.
func TestACertificateThatHasEndedIsRenewed(t *testing.T) {
	var ahead atomic.Int64
	w := newWorld(t, func(o *server.Options) {
		o.Wall = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	a := w.joined()
	ends := func() time.Time {
		block, _ := pem.Decode([]byte(w.device(a).Identity().Certificate[0]))
		leaf, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		return leaf.NotAfter
	}
	former := ends()
	ahead.Store(int64(500 * 24 * time.Hour))
	w.now.Store(ahead.Load())
	if d := a.Doctor(t.Context()); !strings.HasPrefix(detail(d, "certificate"), "fail") {
		t.Errorf("doctor says %s", detail(d, "certificate"))
	}
	if err := a.Contact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if now := time.Now().Add(500 * 24 * time.Hour); !former.Before(now) || !ends().After(now) {
		t.Errorf("the certificate ended on %s, and now ends on %s", former, ends())
	}
	if d := a.Doctor(t.Context()); !strings.HasPrefix(detail(d, "certificate"), "pass") {
		t.Errorf("doctor says %s", detail(d, "certificate"))
	}
}
