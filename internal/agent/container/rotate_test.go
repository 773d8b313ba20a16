package container_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"testing"

	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/pinkey"
)

// Registered implements container.Registry.
func (s *server) Registered(_ context.Context, c pinkey.Container) ([]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	return x509.MarshalPKIXPublicKey(s.keys[c.ID])
}

var errLost = errors.New("the answer was lost")

// a rotator is the server after its root was rotated: it takes one key more under the new one.
type rotator struct {
	*server
	next *ecdsa.PrivateKey // the newer reset key
	lose bool              // the answer to Rotate
	deaf bool              // Rotate does not reach it
}

func (w *world) rotated() *rotator {
	w.t.Helper()
	next, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	return &rotator{server: w.server, next: next}
}

var second = []byte("drawn for the new key")

func (r *rotator) BeginRotation(_ context.Context, c pinkey.Container) (container.Plan, error) {
	return container.Plan{IDs: c, Reset: &r.next.PublicKey, ResetVersion: 2, Challenge: second}, nil
}

func (r *rotator) Rotate(_ context.Context, c pinkey.Container, creation pinkey.Creation, by []byte) error {
	if r.deaf {
		return errLost
	}
	if err := pinkey.CheckSuccessor(r.keys[c.ID], c, second, creation.Public, by); err != nil {
		return err
	}
	key, err := pinkey.Check(c, &r.next.PublicKey, r.attestation, second, creation)
	if err != nil {
		return err
	}
	r.keys[c.ID], r.reset = key, r.next
	if r.lose {
		return errLost
	}
	return nil
}

func TestAKeyGivesWayToANewOneAndThePINStays(t *testing.T) {
	w := newWorld(t)
	before := w.create(mira, "975318")
	if err := w.store.Change(mira, "975318", "246813", 5); err != nil { // there are former PINs
		t.Fatal(err)
	}
	r := w.rotated()
	if err := w.store.Rotate(t.Context(), r, mira, "864209"); !errors.Is(err, tpm.ErrWrongPIN) {
		t.Errorf("with a wrong PIN: %v", err)
	}
	if c, err := w.store.Find(mira); err != nil || c.Next != nil {
		t.Errorf("a wrong PIN left a key behind: %v", err)
	}
	if err := w.store.Rotate(t.Context(), r, mira, "246813"); err != nil {
		t.Fatal(err)
	}
	after, err := w.store.Find(mira)
	if err != nil || after.Next != nil || after.Method != before.Method || after.Counter != before.Counter || after.ResetVersion != 2 ||
		string(after.Key.Public) == string(before.Key.Public) {
		t.Errorf("afterwards it is %+v, %v", after, err)
	}
	if err := w.signs(mira, "246813"); err != nil {
		t.Errorf("signing with the new key: %v", err)
	}
	if n, err := w.store.OpensHistory(after, "246813"); err != nil || n != 1 {
		t.Errorf("%d former PINs: %v", n, err)
	}
	if err := w.store.Reset(t.Context(), w.server, mira, "135797"); err != nil {
		t.Errorf("a reset under the new root: %v", err)
	}
	if err := w.store.Change(mira, "135797", "246813", 5); err != nil {
		t.Errorf("a change afterwards: %v", err)
	}
}

// Until it is known what the server has, both keys are kept, and whatever happens to the PIN
// happens to both.
func TestWhoseAnswerWasLostKeepsBothKeys(t *testing.T) {
	for name, deaf := range map[string]bool{"the server took it": false, "the server never heard of it": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.create(mira, "975318")
			r := w.rotated()
			r.lose, r.deaf = true, deaf
			if err := w.store.Rotate(t.Context(), r, mira, "975318"); !errors.Is(err, errLost) {
				t.Fatal(err)
			}
			if err := w.store.Change(mira, "975318", "246813", 0); err != nil { // needs no server
				t.Fatal(err)
			}
			if err := w.store.Settle(t.Context(), r, mira); err != nil {
				t.Fatal(err)
			}
			if err := w.signs(mira, "246813"); err != nil {
				t.Errorf("the changed PIN: %v", err)
			}
			if err := w.signs(mira, "975318"); !errors.Is(err, tpm.ErrWrongPIN) {
				t.Errorf("the former PIN: %v", err)
			}
			r.lose, r.deaf = false, false
			if deaf {
				if err := w.store.Rotate(t.Context(), r, mira, "246813"); err != nil {
					t.Errorf("once more: %v", err)
				}
			}
			if err := w.store.Reset(t.Context(), w.server, mira, "135797"); err != nil {
				t.Errorf("a reset: %v", err)
			}
			if c, err := w.store.Find(mira); err != nil || c.Next != nil || c.ResetVersion != 2 {
				t.Errorf("in the end it is %+v, %v", c, err)
			}
		})
	}
}

func TestAForgottenPINIsResetUnderTheKeyThatTheServerHas(t *testing.T) {
	w := newWorld(t)
	w.create(mira, "975318")
	r := w.rotated()
	r.lose = true
	if err := w.store.Rotate(t.Context(), r, mira, "975318"); !errors.Is(err, errLost) {
		t.Fatal(err)
	}
	if err := w.store.Reset(t.Context(), w.server, mira, "246813"); err != nil {
		t.Fatal(err)
	}
	if err := w.signs(mira, "246813"); err != nil {
		t.Error(err)
	}
}

func TestAThirdKeyAtTheServerIsNoneOfTheTwo(t *testing.T) {
	w := newWorld(t)
	c := w.create(mira, "975318")
	r := w.rotated()
	r.lose = true
	if err := w.store.Rotate(t.Context(), r, mira, "975318"); !errors.Is(err, errLost) {
		t.Fatal(err)
	}
	w.server.keys[c.IDs.ID] = &r.next.PublicKey
	if err := w.store.Settle(t.Context(), r, mira); !errors.Is(err, container.ErrBroken) {
		t.Errorf("settled: %v", err)
	}
	if now, err := w.store.Find(mira); err != nil || now.Next == nil {
		t.Errorf("a key was dropped: %v", err)
	}
}

// The power goes at each step, with the server's answer lost or not: the PIN opens the key that
// the server has, at once or as soon as it was asked.
func TestThePowerGoesWhileAKeyIsReplaced(t *testing.T) {
	w := newWorld(t)
	w.create(mira, "246813")
	r := w.rotated()
	w.eachCut(t, func() { r.next = w.rotated().next }, func() error { return w.store.Rotate(t.Context(), r, mira, "246813") }, func(cut int, done bool) {
		if err := w.store.Settle(t.Context(), r, mira); err != nil {
			t.Errorf("cut before step %d, settling: %v", cut+1, err)
		}
		if err := w.signs(mira, "246813"); err != nil {
			t.Errorf("cut before step %d, done: %v, signing: %v", cut+1, done, err)
		}
		if err := w.store.Reset(t.Context(), w.server, mira, "246813"); err != nil {
			t.Errorf("cut before step %d, resetting: %v", cut+1, err)
		}
		c, err := w.store.Find(mira)
		if err != nil || c.Next != nil || done && c.ResetVersion != 2 {
			t.Errorf("cut before step %d, done: %v, it is %+v, %v", cut+1, done, c, err)
		}
	})
}
