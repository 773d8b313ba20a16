package soft_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/agent/container/soft"
	"github.com/postern-id/postern/internal/agent/disk"
	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/keyring"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/pinkey"
	"github.com/postern-id/postern/internal/pinkey/software"
)

func TestMain(m *testing.M) {
	soft.Cheap()
	os.Exit(m.Run())
}

var nine = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

const mira = "3f0a4b43-9f0e-4d2b-8c4d-5e6f9c1f6f2e"

var ids = pinkey.Container{Tenant: "tenant", Device: "device", User: mira, ID: "one"}

// a server is the rules of the real one over one container in memory.
type server struct {
	roots hello.Roots
	kept  hello.Container
	next  hello.Container // under the newer root, until a key takes the place of the former one
	calls int
	lose  int // the call whose answer is lost, from 1; 0 for none
}

var errLost = errors.New("the answer was lost")

// answered counts a call, after it was done.
func (s *server) answered() error {
	if s.calls++; s.calls == s.lose {
		return errLost
	}
	return nil
}

type ring struct{}

func (ring) Keys(context.Context, string) ([]keyring.Key, error) { return nil, nil }

func (ring) Secret(_ context.Context, _ string, _ keyring.Purpose, id string) ([]byte, string, error) {
	return []byte("the tenant's root " + id), id, nil
}

// NoteReset implements hello.Counter.
func (s *server) NoteReset(_ context.Context, _ hello.Container, next *hello.Guard, _ method.Renewal, _ audit.Event, _ ...outbox.Item) error {
	s.kept = s.kept.Announced(next)
	return nil
}

// NoteTry implements hello.Counter.
func (s *server) NoteTry(_ context.Context, _ hello.Container, verifier []byte, next *hello.Guard, _ audit.Event) (hello.Tried, error) {
	var tried hello.Tried
	s.kept, tried = s.kept.Try(verifier, next)
	return tried, nil
}

func guard(g software.Guard) hello.Guard {
	sum := sha256.Sum256(append([]byte("postern PIN verifier\x00"), g.Verifier...))
	draw := make([]byte, 32)
	_, _ = rand.Read(draw)
	return hello.Guard{Check: sum[:], Recovery: g.Recovery, Draw: draw}
}

// RegisterSoftware implements soft.Server.
func (s *server) RegisterSoftware(ctx context.Context, _ pinkey.Container, in device.KeyRequest) (device.KeyAnswer, error) {
	s.kept.Method, s.kept.Key, s.kept.Software = "method", in.Public, &hello.Software{Present: guard(*in.Guard)}
	share, err := s.roots.Share(ctx, s.kept)
	return device.KeyAnswer{MethodID: "method", Share: share}, errors.Join(err, s.answered())
}

// Try implements soft.Server.
func (s *server) Try(ctx context.Context, _ pinkey.Container, in device.TryRequest) (device.TryAnswer, error) {
	var next *hello.Guard
	if in.Next != nil {
		g := guard(*in.Next)
		next = &g
	}
	tried, shares, err := s.roots.Try(ctx, s.kept, in.Verifier, next, audit.Event{})
	return device.TryAnswer{Right: tried.Right, Share: shares.Present, Next: shares.Next, Left: tried.Left}, errors.Join(err, s.answered())
}

// Release implements soft.Server.
func (s *server) Release(ctx context.Context, _ pinkey.Container, in device.ReleaseRequest) (device.ReleaseAnswer, error) {
	sealed, err := s.roots.Release(ctx, s.kept, in.Sealed, in.To, guard(in.Next), method.Renewal{At: nine}, audit.Event{})
	return device.ReleaseAnswer{Sealed: sealed}, errors.Join(err, s.answered())
}

// Remove implements soft.Server.
func (s *server) Remove(context.Context, pinkey.Container) error { return s.answered() }

type world struct {
	t       *testing.T
	path    string
	files   *disk.Dir
	store   *soft.Store
	server  *server
	offline bool
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, path: filepath.Join(t.TempDir(), "containers"), server: &server{}}
	w.server.kept = hello.Container{Tenant: "tenant", DeviceID: "device", User: mira, ID: "one", Root: "root"}
	w.server.roots = hello.Roots{Ring: ring{}, Counter: w.server}
	w.boot()
	recovery, err := w.server.roots.RecoveryKey(t.Context(), ids, "root")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.store.Create(t.Context(), w.server, soft.Plan{IDs: ids, RecoveryKey: recovery, Challenge: []byte("challenge")}, "246813"); err != nil {
		t.Fatal(err)
	}
	return w
}

// boot starts the agent anew on the same disk.
func (w *world) boot() {
	w.t.Helper()
	var err error
	if w.files, err = disk.Open(w.path); err != nil {
		w.t.Fatal(err)
	}
	w.store = &soft.Store{Files: w.files, Now: func() time.Time { return nine }, Offline: func(string) bool { return w.offline }}
}

// signs signs with a PIN, at the server or without it, and checks that the key is the registered one.
func (w *world) signs(pin string, at soft.Server) error {
	w.t.Helper()
	digest := sha256.Sum256([]byte("a nonce"))
	signature, err := w.store.Sign(w.t.Context(), at, mira, pin, digest[:])
	if err != nil {
		return err
	}
	key, err := w.server.kept.PublicKey()
	if err != nil || !ecdsa.VerifyASN1(key, digest[:], signature) {
		w.t.Fatalf("another key signed: %v", err)
	}
	return nil
}

var errPower = errors.New("the power is gone")

// works returns which of two PINs works, which has to be one.
func (w *world) works(when, former, next string) string {
	w.t.Helper()
	err := w.signs(former, w.server)
	if err == nil {
		return former
	}
	if !errors.Is(err, tpm.ErrWrongPIN) {
		w.t.Fatalf("%s: %v", when, err)
	}
	if err := w.signs(next, w.server); err != nil {
		w.t.Fatalf("%s: neither PIN works: %v", when, err)
	}
	if err := w.signs(former, w.server); err == nil {
		w.t.Fatalf("%s: both work", when)
	}
	return next
}

// TestNothingThatIsCutOffCostsThePIN takes the power before every step that reaches the disk,
// and loses every answer of the server, in a change and in a reset.
func TestNothingThatIsCutOffCostsThePIN(t *testing.T) {
	for name, operation := range map[string]func(w *world) error{
		"change": func(w *world) error { return w.store.Change(t.Context(), w.server, mira, "246813", "864209", 5) },
		"reset":  func(w *world) error { return w.store.Reset(t.Context(), w.server, mira, "864209") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for cut := 0; ; cut++ {
				w := newWorld(t)
				steps := 0
				w.files.Step = func() error {
					if steps++; steps > cut {
						return errPower
					}
					return nil
				}
				err := operation(w)
				w.boot()
				if now := w.works("power cut", "246813", "864209"); err == nil {
					if now != "864209" {
						t.Error("done, and the former PIN works")
					}
					break
				}
			}
			for lost := 1; ; lost++ {
				w := newWorld(t)
				w.server.lose = w.server.calls + lost
				err := operation(w)
				done := w.server.calls < w.server.lose
				w.server.lose = 0
				now := w.works("an answer that was lost", "246813", "864209")
				if err == nil && now != "864209" {
					t.Error("done, and the former PIN works")
				}
				if now == "246813" { // again, as people do
					if err := operation(w); err != nil || w.works("again", "246813", "864209") != "864209" {
						t.Errorf("again: %v", err)
					}
				}
				if done {
					break
				}
			}
		})
	}
}

func TestFormerPINsWithoutATPM(t *testing.T) {
	w := newWorld(t)
	change := func(former, pin string, past int) error {
		return w.store.Change(t.Context(), w.server, mira, former, pin, past)
	}
	if err := change("246813", "246813", 1); !errors.Is(err, container.ErrPIN) {
		t.Errorf("the present one: %v", err)
	}
	if err := errors.Join(change("246813", "864209", 3), change("864209", "975318", 3)); err != nil {
		t.Fatal(err)
	}
	if err := change("975318", "246813", 3); !errors.Is(err, container.ErrPIN) {
		t.Errorf("the last but two of 3: %v", err)
	}
	if err := w.store.Reset(t.Context(), w.server, mira, "135802"); err != nil {
		t.Fatal(err)
	}
	if err := change("135802", "246813", 3); err != nil {
		t.Errorf("after a reset, which forgets: %v", err)
	}
	if err := w.store.Change(t.Context(), nil, mira, "246813", "502847", 0); !errors.Is(err, soft.ErrAway) {
		t.Errorf("without the server: %v", err)
	}
}

func TestADamagedFileOpensNothing(t *testing.T) {
	w := newWorld(t)
	c, err := w.store.Find(mira)
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func(s *container.Software){
		"the key":         func(s *container.Software) { s.Key[20] ^= 1 },
		"the box":         func(s *container.Software) { s.ByPIN[20] ^= 1 },
		"the public key":  func(s *container.Software) { s.Public[40] ^= 1 },
		"nothing is left": func(s *container.Software) { *s = container.Software{} },
	} {
		t.Run(name, func(t *testing.T) {
			broken := copied(t, c)
			damage(broken.Software)
			if err := w.store.Put(broken); err != nil {
				t.Fatal(err)
			}
			if err := w.signs("246813", w.server); err == nil {
				t.Error("it signs")
			}
			if err := w.store.Put(c); err != nil {
				t.Fatal(err)
			}
			if err := w.signs("246813", w.server); err != nil {
				t.Errorf("whole again: %v", err)
			}
		})
	}
}

func copied(t *testing.T, c container.Container) container.Container {
	t.Helper()
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var out container.Container
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}
