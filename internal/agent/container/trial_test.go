package container_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/pinkey"
)

// full is a TPM without room for another counter, or one that signs nothing.
type full struct {
	container.Chip
	room, sign error
}

func (f full) NewCounter() (tpm.Counter, error) {
	if f.room != nil {
		return tpm.Counter{}, f.room
	}
	return f.Chip.NewCounter()
}

func (f full) Sign(k tpm.Key, auth, digest []byte) ([]byte, error) {
	if f.sign != nil {
		return nil, f.sign
	}
	return f.Chip.Sign(k, auth, digest)
}

// onDisk is what the files of containers say.
func (w *world) onDisk() string {
	w.t.Helper()
	names, err := w.files.Names()
	if err != nil {
		w.t.Fatal(err)
	}
	all := ""
	for _, name := range names {
		content, err := w.files.Read(name)
		if err != nil {
			w.t.Fatal(err)
		}
		all += fmt.Sprintf("%s %s\n", name, content)
	}
	return all
}

func (w *world) counters() []uint32 {
	w.t.Helper()
	all, err := w.chip.Counters()
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

func TestAKeyOnTrialIsOneThatTheServerWouldTakeAndIsGone(t *testing.T) {
	w := newWorld(t)
	w.create(mira, "271828")
	files, counters := w.onDisk(), w.counters()
	plan := w.plan(mira, "trial-1")
	made, signature, err := w.store.Try(plan, "935142")
	if err != nil {
		t.Fatal(err)
	}
	key, err := pinkey.Check(plan.IDs, plan.Reset, w.server.attestation, challenge, made)
	if err != nil || !ecdsa.VerifyASN1(key, pinkey.TrialDigest(plan.IDs, challenge), signature) {
		t.Errorf("the key: %v", err)
	}
	if _, err := pinkey.Check(w.plan(mira, "another").IDs, plan.Reset, w.server.attestation, challenge, made); err == nil {
		t.Error("it would do for a container")
	}
	for _, chip := range []full{{Chip: w.chip, room: tpm.ErrNoRoom}, {Chip: w.chip, sign: tpm.ErrLocked}} {
		w.store.Chip = chip
		if _, _, err := w.store.Try(plan, "935142"); !errors.Is(err, tpm.ErrNoRoom) && !errors.Is(err, tpm.ErrLocked) {
			t.Errorf("a TPM that fails: %v", err)
		}
	}
	w.store.Chip = w.chip
	if now := w.onDisk(); now != files {
		t.Errorf("on the disk is %s, and was %s", now, files)
	}
	if now := w.counters(); !slices.Equal(now, counters) {
		t.Errorf("the TPM has the counters %v, and had %v", now, counters)
	}
	if err := w.signs(mira, "271828"); err != nil {
		t.Errorf("the PIN: %v", err)
	}
}

// A cut in the middle leaves a counter, which the next PIN or trial gives back.
func TestThePowerGoesWhileAKeyIsOnTrial(t *testing.T) {
	w := newWorld(t)
	w.create(mira, "271828")
	counters := w.counters()
	w.eachCut(t, func() {}, func() error {
		_, _, err := w.store.Try(w.plan(mira, "trial-1"), "935142")
		return err
	}, func(cut int, _ bool) {
		if err := w.signs(mira, "271828"); err != nil {
			t.Errorf("cut %d: the PIN: %v", cut, err)
		}
		if _, _, err := w.store.Try(w.plan(mira, "trial-2"), "935142"); err != nil {
			t.Errorf("cut %d: the next trial: %v", cut, err)
		}
		if now := w.counters(); !slices.Equal(now, counters) {
			t.Errorf("cut %d: the TPM has the counters %v, and had %v", cut, now, counters)
		}
	})
}

func TestAPINIsDrawnByTheRulesOrThereIsNone(t *testing.T) {
	const no, may, must = container.NotAllowed, container.Allowed, container.Required
	for what, one := range map[string]struct {
		rules container.Rules
		none  container.Rule
	}{
		"digits":             {container.Rules{Least: 6, Most: 127, Digits: must, Lower: no, Upper: no, Special: no}, ""},
		"four digits":        {container.Rules{Least: 4, Most: 4, Digits: must, Lower: no, Upper: no, Special: no}, ""},
		"as long as can be":  {container.Rules{Least: 127, Most: 127, Digits: must, Lower: may, Upper: may, Special: may}, ""},
		"everything":         {container.Rules{Least: 4, Most: 6, Digits: must, Lower: must, Upper: must, Special: must}, ""},
		"letters":            {container.Rules{Least: 8, Most: 20, Digits: no, Lower: must, Upper: may, Special: no}, ""},
		"no kind":            {container.Rules{Least: 6, Most: 127, Digits: no, Lower: no, Upper: no, Special: no}, container.TooShort},
		"longer than it may": {container.Rules{Least: 9, Most: 8, Digits: must, Lower: no, Upper: no, Special: no}, container.TooShort},
	} {
		pin, err := one.rules.Draw(rand.Reader)
		if weak, _ := errors.AsType[container.Weak](err); weak.Rule != one.none {
			t.Errorf("%s: %q %v", what, pin, err)
		}
		if err == nil && one.rules.Check(pin) != nil {
			t.Errorf("%s: %q is none", what, pin)
		}
	}
	rules := container.Rules{Least: 6, Most: 6, Digits: must, Lower: no, Upper: no, Special: no}
	if pin, err := rules.Draw(zeros{}); err == nil { // 000000 is never one
		t.Errorf("a random source that is broken draws %q", pin)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }
