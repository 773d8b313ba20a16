package container_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-tpm/tpm2"

	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/agent/disk"
	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/agent/tpm/tpmtest"
	"github.com/postern-id/postern/internal/pinkey"
)

var nine = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

const (
	mira = "3f0a4b43-9f0e-4d2b-8c4d-5e6f9c1f6f2e"
	sam  = "7d1c2b3a-4f5e-4a6b-9c8d-0e1f2a3b4c5d"
)

// a server checks keys and signs resets, as the real one does, for one device.
type server struct {
	t           *testing.T
	reset       *ecdsa.PrivateKey
	attestation *ecdsa.PublicKey
	keys        map[string]*ecdsa.PublicKey // by container
	err         error                       // what it answers, when it is not nil
}

var challenge = []byte("drawn by the server")

func (s *server) Register(_ context.Context, c pinkey.Container, creation pinkey.Creation) (string, error) {
	if s.err != nil {
		return "", s.err
	}
	key, err := pinkey.Check(c, &s.reset.PublicKey, s.attestation, challenge, creation)
	if err != nil {
		return "", err
	}
	s.keys[c.ID] = key
	return "method of " + c.ID, nil
}

func (s *server) SignReset(_ context.Context, c pinkey.Container, nonce []byte, lifetime time.Duration) (tpm2.TPMTSignature, error) {
	if s.err != nil {
		return tpm2.TPMTSignature{}, s.err
	}
	return pinkey.SignReset(c, s.reset, nonce, lifetime)
}

func (s *server) Remove(_ context.Context, c pinkey.Container) error {
	delete(s.keys, c.ID)
	return s.err
}

// a world is a device with its server.
type world struct {
	t       *testing.T
	machine *tpmtest.Machine
	chip    *tpm.TPM
	path    string
	files   *disk.Dir
	store   *container.Store
	server  *server
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, machine: tpmtest.New(t), path: filepath.Join(t.TempDir(), "containers")}
	w.boot()
	reset, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	attestation, err := w.chip.NewAttestationKey()
	if err != nil {
		t.Fatal(err)
	}
	w.store.Attestation = attestation
	public, err := attestation.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	w.server = &server{t: t, reset: reset, attestation: public, keys: map[string]*ecdsa.PublicKey{}}
	t.Cleanup(func() { _ = w.chip.Close() })
	return w
}

// boot starts the agent anew on the same disk and TPM.
func (w *world) boot() {
	w.t.Helper()
	var attestation tpm.Key
	if w.chip != nil {
		attestation = w.store.Attestation
		_ = w.chip.Close()
	}
	var err error
	if w.chip, err = tpm.Open(w.machine.Where()); err != nil {
		w.t.Fatal(err)
	}
	if w.files, err = disk.Open(w.path); err != nil {
		w.t.Fatal(err)
	}
	w.store = &container.Store{
		Files: w.files, Chip: w.chip, Attestation: attestation, Now: func() time.Time { return nine }, Rand: rand.Reader,
	}
}

func (w *world) plan(user, id string) container.Plan {
	return container.Plan{
		IDs:   pinkey.Container{Tenant: "tenant", Device: "device", User: user, ID: id},
		Reset: &w.server.reset.PublicKey, ResetVersion: 1, Challenge: challenge,
	}
}

func (w *world) create(user, pin string) container.Container {
	w.t.Helper()
	c, err := w.store.Create(w.t.Context(), w.server, w.plan(user, "container of "+user), pin)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// signs signs with a PIN and checks that the server knows the key.
func (w *world) signs(user, pin string) error {
	w.t.Helper()
	digest := sha256.Sum256([]byte("a nonce"))
	signature, err := w.store.Sign(user, pin, digest[:])
	if err != nil {
		return err
	}
	c, err := w.store.Find(user)
	if err != nil {
		w.t.Fatal(err)
	}
	if key := w.server.keys[c.IDs.ID]; key == nil || !ecdsa.VerifyASN1(key, digest[:], signature) {
		w.t.Fatal("the server does not know this key")
	}
	return nil
}

func TestAPINFromSetUpToRemoval(t *testing.T) {
	w := newWorld(t)
	if err := w.signs(mira, "246813"); !errors.Is(err, container.ErrNoPIN) {
		t.Errorf("before it is set up: %v", err)
	}
	w.create(mira, "246813")
	w.create(sam, "975318")
	w.boot()
	if err := w.signs(mira, "246813"); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	if err := w.signs(mira, "975318"); !errors.Is(err, tpm.ErrWrongPIN) {
		t.Errorf("with another person's PIN: %v", err)
	}
	if err := w.store.Change(mira, "246813", "864209", 0); err != nil {
		t.Fatal(err)
	}
	if err := w.signs(mira, "864209"); err != nil {
		t.Errorf("with the new PIN: %v", err)
	}
	if err := w.store.Remove(t.Context(), w.server, mira); err != nil {
		t.Fatal(err)
	}
	if err := w.signs(mira, "864209"); !errors.Is(err, container.ErrNoPIN) {
		t.Errorf("after its removal: %v", err)
	}
	if err := w.signs(sam, "975318"); err != nil {
		t.Errorf("the other person: %v", err)
	}
	if users, err := w.store.Users(); err != nil || len(users) != 1 || users[0] != sam {
		t.Errorf("people with a PIN are %v, %v", users, err)
	}
}

func TestAForgottenPINIsReplacedAndTheKeyStays(t *testing.T) {
	w := newWorld(t)
	before := w.create(mira, "246813")
	for range container.MaxWrong {
		if err := w.signs(mira, "1"); err == nil {
			t.Fatal("a wrong PIN signs")
		}
	}
	if err := w.signs(mira, "246813"); !errors.Is(err, container.ErrStopped) {
		t.Fatalf("the right PIN after too many wrong ones: %v", err)
	}
	w.server.err = errors.New("not today")
	if err := w.store.Reset(t.Context(), w.server, mira, "864209"); err == nil {
		t.Fatal("a reset without the server")
	}
	w.server.err = nil
	if err := w.store.Reset(t.Context(), w.server, mira, "864209"); err != nil {
		t.Fatal(err)
	}
	if err := w.signs(mira, "864209"); err != nil {
		t.Errorf("the new PIN: %v", err)
	}
	if after, err := w.store.Find(mira); err != nil || string(after.Key.Public) != string(before.Key.Public) || after.Method != before.Method {
		t.Errorf("the key changed: %v", err)
	}
	if err := w.signs(mira, "246813"); !errors.Is(err, tpm.ErrWrongPIN) {
		t.Errorf("the forgotten PIN: %v", err)
	}
}

func TestWrongPINsAreCountedWhereTheDiskCantForgetThem(t *testing.T) {
	w := newWorld(t)
	w.create(mira, "246813")
	old, err := w.files.Read(mira + ".json")
	if err != nil {
		t.Fatal(err)
	}
	for want := container.MaxWrong - 1; want >= 0; want-- {
		var wrong container.Wrong
		if err := w.signs(mira, "1"); !errors.As(err, &wrong) || wrong.Left != want {
			t.Fatalf("%v, want %d left", err, want)
		}
		if err := w.files.Replace(mira+".json", old); err != nil { // an older copy of the disk
			t.Fatal(err)
		}
		w.boot()
	}
	if err := w.signs(mira, "246813"); !errors.Is(err, container.ErrStopped) {
		t.Errorf("the right PIN on an older disk: %v", err)
	}
}

func TestARightPINForgetsTheWrongOnes(t *testing.T) {
	w := newWorld(t)
	c := w.create(mira, "246813")
	for range 4 {
		if err := w.signs(mira, "1"); err == nil {
			t.Fatal("a wrong PIN signs")
		}
		if err := w.signs(mira, "246813"); err != nil {
			t.Fatal(err)
		}
		w.machine.Forgive()
	}
	if left, wait, err := w.store.Left(c); err != nil || left != container.MaxWrong || wait != 0 {
		t.Errorf("%d left, wait %v, %v", left, wait, err)
	}
}

func TestADamagedContainerOpensNothing(t *testing.T) {
	w := newWorld(t)
	c := w.create(mira, "246813")
	if err := w.files.Replace(mira+".json", []byte("{")); err != nil {
		t.Fatal(err)
	}
	if err := w.signs(mira, "246813"); !errors.Is(err, container.ErrBroken) {
		t.Errorf("half a file: %v", err)
	}
	if err := w.store.Remove(t.Context(), w.server, mira); err != nil {
		t.Errorf("its removal: %v", err)
	}
	w.create(sam, "246813")
	if err := w.chip.RemoveCounter(c.Counter); err != nil {
		t.Fatal(err)
	}
	two, err := w.store.Find(sam)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.chip.RemoveCounter(two.Counter); err != nil {
		t.Fatal(err)
	}
	if err := w.signs(sam, "246813"); !errors.Is(err, container.ErrBroken) {
		t.Errorf("without its counter: %v", err)
	}
}

func TestAServerThatRefusesLeavesNothingBehind(t *testing.T) {
	w := newWorld(t)
	w.server.err = errors.New("not today")
	if _, err := w.store.Create(t.Context(), w.server, w.plan(mira, "one"), "246813"); err == nil {
		t.Fatal("set up without the server")
	}
	if err := w.signs(mira, "246813"); !errors.Is(err, container.ErrNoPIN) {
		t.Errorf("afterwards: %v", err)
	}
}

var errPower = errors.New("the power is gone")

// TestAPowerCutNeverCostsAPINThatWasPromised takes the power before every step that reaches
// the disk, in each operation. Afterwards the PIN is the former one, or the new one when the
// operation had said that it is.
func TestAPowerCutNeverCostsAPINThatWasPromised(t *testing.T) {
	w := newWorld(t)
	for name, operation := range map[string]func(former, pin string) error{
		"change": func(former, pin string) error { return w.store.Change(mira, former, pin, 5) },
		"reset":  func(_, pin string) error { return w.store.Reset(t.Context(), w.server, mira, pin) },
	} {
		w.create(mira, "246813")
		for cut := 0; ; cut++ {
			steps := 0
			w.files.Step = func() error {
				if steps++; steps > cut {
					return errPower
				}
				return nil
			}
			failed := operation("246813", "864209")
			w.boot()
			now := "246813"
			if err := w.signs(mira, now); errors.Is(err, tpm.ErrWrongPIN) {
				now = "864209"
				err = w.signs(mira, now)
				if err != nil {
					t.Fatalf("%s, cut before step %d: neither PIN works: %v", name, cut+1, err)
				}
			} else if err != nil {
				t.Fatalf("%s, cut before step %d: %v", name, cut+1, err)
			}
			w.machine.Forgive()
			if failed == nil {
				if now != "864209" {
					t.Fatalf("%s: done, and the former PIN works", name)
				}
				break
			}
			if now != "246813" {
				if err := w.store.Change(mira, now, "246813", 0); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}
