package container_test

import (
	"errors"
	"testing"

	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/agent/tpm/tpmtest"
	"github.com/postern-id/postern/internal/pinkey"
)

// pins are PINs that a person chooses one after the other.
var pins = []string{"246813", "864209", "975318", "135802", "502847"}

// changed is a world in which mira has had pins up to the one numbered last.
func changed(t *testing.T, last, past int) *world {
	t.Helper()
	w := newWorld(t)
	w.create(mira, pins[0])
	for i := range last {
		if err := w.store.Change(mira, pins[i], pins[i+1], past); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func TestAPINThatAPersonHadIsNotChosenAgain(t *testing.T) {
	for _, c := range []struct {
		name string
		past int
		pin  string
		want error
	}{
		{"none is refused", 0, pins[1], nil},
		{"not even the present one", 0, pins[3], nil},
		{"the present one", 1, pins[3], container.ErrPIN},
		{"the one before is not among the last 1", 1, pins[2], nil},
		{"the last but two of 3", 3, pins[1], container.ErrPIN},
		{"the one before the last 3", 3, pins[0], nil},
		{"the first of 4", 4, pins[0], container.ErrPIN},
		{"another one", 50, pins[4], nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := changed(t, 3, max(1, c.past))
			w.boot()
			if err := w.store.Change(mira, pins[3], c.pin, c.past); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Errorf("%v, want %v", err, c.want)
			}
			now := c.pin
			if c.want != nil {
				now = pins[3]
			}
			if err := w.signs(mira, now); err != nil {
				t.Errorf("afterwards: %v", err)
			}
			if one, err := w.store.Find(mira); err != nil || c.past <= 1 && one.History != nil {
				t.Errorf("more is kept than the policy asks for: %v", err)
			}
		})
	}
}

// Who has the disk, the TPM and all their time, and not the present PIN, may not learn former
// ones: people choose the next one alike.
func TestFormerPINsAreNotToBeGuessed(t *testing.T) {
	w := changed(t, 2, 5)
	c, err := w.store.Find(mira)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.chip.Unseal(c.History.Key, pinkey.Auth(c.Salt, pins[1])); !errors.Is(err, tpm.ErrWrongPIN) {
		t.Errorf("opened by a former PIN: %v", err)
	}
	for range 40 {
		if _, err = w.chip.Unseal(c.History.Key, pinkey.Auth(c.Salt, "0")); errors.Is(err, tpm.ErrLocked) {
			break
		}
	}
	if !errors.Is(err, tpm.ErrLocked) {
		t.Errorf("the TPM counts no guesses: %v", err)
	}
	other, err := tpm.Open(tpmtest.NewStranger(t).Where())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.Unseal(c.History.Key, pinkey.Auth(c.Salt, pins[2])); !errors.Is(err, tpm.ErrForeign) {
		t.Errorf("opened on another machine: %v", err)
	}
}

// Guesses at a former PIN go through the present one, which is counted as ever.
func TestAskingAboutFormerPINsCostsTries(t *testing.T) {
	w := changed(t, 2, 5)
	for want := container.MaxWrong - 1; want >= 0; want-- {
		wrong, ok := errors.AsType[container.Wrong](w.store.Change(mira, "000000", pins[0], 5))
		if !ok || wrong.Left != want {
			t.Fatalf("%+v, want %d left", wrong, want)
		}
	}
	if err := w.store.Change(mira, pins[2], pins[0], 5); !errors.Is(err, container.ErrStopped) {
		t.Errorf("the right one after too many: %v", err)
	}
}

// An old copy of the disk and the PIN of that time tell nothing of later PINs.
func TestAnOldCopyTellsNothingOfLaterPINs(t *testing.T) {
	w := changed(t, 1, 5)
	old, err := w.store.Find(mira)
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i < 3; i++ {
		if err := w.store.Change(mira, pins[i], pins[i+1], 5); err != nil {
			t.Fatal(err)
		}
	}
	now, err := w.store.Find(mira)
	if err != nil {
		t.Fatal(err)
	}
	if string(old.History.Key.Private) == string(now.History.Key.Private) {
		t.Error("the key of the list stayed")
	}
	mixed := old // what the former PIN opens, and the list of today
	mixed.History = &container.History{Key: old.History.Key, Former: now.History.Former}
	if opens, err := w.store.OpensHistory(mixed, pins[1]); err != nil || opens != 0 {
		t.Errorf("%d former PINs, %v", opens, err)
	}
	if opens, err := w.store.OpensHistory(now, pins[3]); err != nil || opens != 3 {
		t.Errorf("by the present PIN: %d former PINs, %v", opens, err)
	}
}

func TestAResetForgetsFormerPINs(t *testing.T) {
	w := changed(t, 3, 5)
	if err := w.store.Reset(t.Context(), w.server, mira, pins[4]); err != nil {
		t.Fatal(err)
	}
	if c, err := w.store.Find(mira); err != nil || c.History != nil {
		t.Errorf("kept: %+v %v", c.History, err)
	}
	if err := w.store.Change(mira, pins[4], pins[0], 5); err != nil {
		t.Errorf("a PIN from before the reset: %v", err)
	}
	if err := w.store.Change(mira, pins[0], pins[4], 5); !errors.Is(err, container.ErrPIN) {
		t.Errorf("a PIN from after it: %v", err)
	}
}
