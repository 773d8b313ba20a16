package soft_test

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"testing"

	"github.com/postern-id/postern/internal/agent/container/soft"
	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/pinkey"
	"github.com/postern-id/postern/internal/pinkey/software"
)

// Registered implements container.Registry.
func (s *server) Registered(context.Context, pinkey.Container) ([]byte, error) {
	return s.kept.Key, s.answered()
}

// BeginSoftRotation implements soft.Server, under a root that is called next.
func (s *server) BeginSoftRotation(ctx context.Context, c pinkey.Container) (soft.Plan, error) {
	s.next = s.kept
	s.next.Root, s.next.Challenge = "next", []byte("challenge of the new key")
	s.next.Software = &hello.Software{Present: hello.Guard{Draw: []byte("drawn")}}
	recovery, err := s.roots.RecoveryKey(ctx, c, "next")
	if err != nil {
		return soft.Plan{}, err
	}
	share, err := s.roots.Share(ctx, s.next)
	return soft.Plan{IDs: c, RecoveryKey: recovery, Challenge: s.next.Challenge, Share: share}, errors.Join(err, s.answered())
}

// RotateSoftware implements soft.Server.
func (s *server) RotateSoftware(_ context.Context, c pinkey.Container, in device.RotateRequest) error {
	former, err := s.kept.PublicKey()
	if err != nil {
		return err
	}
	if err := pinkey.CheckSuccessor(former, c, s.next.Challenge, in.Public, in.By); err != nil {
		return err
	}
	next := s.next
	next.Key = in.Public
	if key, err := next.PublicKey(); err != nil || !ecdsa.VerifyASN1(key, software.Proof(c, next.Challenge), in.Signature) {
		return pinkey.ErrKey
	}
	g := guard(*in.Guard)
	g.Draw = next.Software.Present.Draw
	next.Software = &hello.Software{Present: g}
	s.kept = next
	return s.answered()
}

func TestAKeyInAFileGivesWayToANewOneWithAllThatFollowsFromTheRoot(t *testing.T) {
	w := newWorld(t)
	if err := w.store.Change(t.Context(), w.server, mira, "246813", "864209", 3); err != nil {
		t.Fatal(err)
	}
	w.offline = true
	before, err := w.store.Find(mira)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.store.Rotate(t.Context(), w.server, mira, "111111"); !errors.Is(err, tpm.ErrWrongPIN) {
		t.Errorf("by a wrong PIN: %v", err)
	}
	if err := w.store.Rotate(t.Context(), w.server, mira, "864209"); err != nil {
		t.Fatal(err)
	}
	after, err := w.store.Find(mira)
	if err != nil || after.Next != nil || after.Method != before.Method || string(after.Software.Public) == string(before.Software.Public) ||
		string(after.Software.RecoveryKey) == string(before.Software.RecoveryKey) {
		t.Errorf("afterwards it is %+v, %v", after, err)
	}
	if err := errors.Join(w.signs("864209", w.server), w.signs("864209", nil)); err != nil {
		t.Errorf("the new key: %v", err)
	}
	if err := w.store.Change(t.Context(), w.server, mira, "864209", "246813", 3); err == nil {
		t.Error("the former PINs were forgotten")
	}
	if err := w.store.Reset(t.Context(), w.server, mira, "135797"); err != nil {
		t.Errorf("a reset under the new root: %v", err)
	}
	// The disk from before opens nothing, though the PIN is the one of its time.
	if err := w.store.Put(before); err != nil {
		t.Fatal(err)
	}
	if err := w.signs("864209", w.server); err == nil {
		t.Error("the former key signs")
	}
}

// As TestNothingThatIsCutOffCostsThePIN; the PIN is the same before and afterwards.
func TestNothingThatIsCutOffWhileTheKeyIsReplacedCostsThePIN(t *testing.T) {
	rotate := func(w *world) error { return w.store.Rotate(t.Context(), w.server, mira, "246813") }
	works := func(w *world, when string, n int) {
		t.Helper()
		if err := w.signs("246813", w.server); err != nil {
			t.Fatalf("%s %d: %v", when, n, err)
		}
		if err := rotate(w); err != nil {
			t.Fatalf("%s %d, once more: %v", when, n, err)
		}
		if err := w.store.Reset(t.Context(), w.server, mira, "864209"); err != nil {
			t.Fatalf("%s %d, a reset: %v", when, n, err)
		}
	}
	for cut := 0; ; cut++ {
		w := newWorld(t)
		steps := 0
		w.files.Step = func() error {
			if steps++; steps > cut {
				return errPower
			}
			return nil
		}
		err := rotate(w)
		w.boot()
		works(w, "power cut", cut)
		if err == nil {
			break
		}
	}
	for lost := 1; ; lost++ {
		w := newWorld(t)
		w.server.lose = w.server.calls + lost
		err := rotate(w)
		w.server.lose = 0
		works(w, "lost answer", lost)
		if err == nil {
			break
		}
	}
}
