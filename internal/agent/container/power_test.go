package container_test

import (
	"errors"
	"os"
	"testing"

	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/agent/tpm"
)

// A frail chip loses its power before something reaches the TPM's own memory.
type frail struct {
	*tpm.TPM
	step func() error
}

func (f frail) NewCounter() (tpm.Counter, error) {
	if err := f.step(); err != nil {
		return tpm.Counter{}, err
	}
	return f.TPM.NewCounter()
}

func (f frail) Add(c tpm.Counter) (uint64, error) {
	if err := f.step(); err != nil {
		return 0, err
	}
	return f.TPM.Add(c)
}

func (f frail) Set(c tpm.Counter, n uint64) error {
	if err := f.step(); err != nil {
		return err
	}
	return f.TPM.Set(c, n)
}

func (f frail) RemoveCounter(c tpm.Counter) error {
	if err := f.step(); err != nil {
		return err
	}
	return f.TPM.RemoveCounter(c)
}

// cutAt lets the power go at the step after n more: of the disk, and of the TPM's memory.
func (w *world) cutAt(n int) {
	steps := 0
	step := func() error {
		if steps++; steps > n {
			return errPower
		}
		return nil
	}
	w.files.Step = step
	w.store.Chip = frail{w.chip, step}
}

// eachCut does an operation over and over, each time with the power gone one step later, until
// it is done. before makes things as they are before it; after is told whether the operation
// said that it was done.
func (w *world) eachCut(t *testing.T, before func(), operation func() error, after func(cut int, done bool)) {
	t.Helper()
	for cut := 0; ; cut++ {
		if cut > 60 {
			t.Fatal("it never ends")
		}
		before()
		w.cutAt(cut)
		err := operation()
		if err != nil && !errors.Is(err, errPower) {
			t.Fatalf("cut before step %d: %v", cut+1, err)
		}
		if os.Getenv("POSTERN_SOAK") != "" { // the TPM loses its power, too
			w.machine.PowerOff()
			w.machine.PowerOn()
		}
		w.boot()
		w.machine.Forgive()
		after(cut, err == nil)
		w.machine.Forgive()
		if err == nil {
			t.Logf("%d steps", cut)
			return
		}
	}
}

func (w *world) remove(user string) {
	w.t.Helper()
	if err := w.store.Remove(w.t.Context(), w.server, user); err != nil {
		w.t.Fatal(err)
	}
}

func TestThePowerGoesWhileAPINIsSetUp(t *testing.T) {
	w := newWorld(t)
	set := func() error {
		_, err := w.store.Create(t.Context(), w.server, w.plan(mira, "one"), "246813")
		return err
	}
	w.eachCut(t, func() { w.remove(mira) }, set, func(cut int, done bool) {
		err := w.signs(mira, "246813")
		if done && err != nil || !done && err != nil && !errors.Is(err, container.ErrNoPIN) {
			t.Errorf("cut before step %d, done: %v, and signing: %v", cut+1, done, err)
		}
		if err := set(); err != nil {
			t.Errorf("cut before step %d, set up again: %v", cut+1, err)
		}
		if err := w.signs(mira, "246813"); err != nil {
			t.Errorf("cut before step %d, set up again, signing: %v", cut+1, err)
		}
	})
}

func TestThePowerGoesWhileAForgottenPINIsReset(t *testing.T) {
	w := newWorld(t)
	w.create(mira, "975318")
	reset := func(pin string) error { return w.store.Reset(t.Context(), w.server, mira, pin) }
	before, err := w.store.Find(mira)
	if err != nil {
		t.Fatal(err)
	}
	w.eachCut(t, func() {
		if err := reset("975318"); err != nil {
			t.Fatal(err)
		}
		for range container.MaxWrong {
			if w.signs(mira, "1") == nil {
				t.Fatal("a wrong PIN signs")
			}
		}
		w.machine.Forgive()
	}, func() error { return reset("246813") }, func(cut int, done bool) {
		if err := w.signs(mira, "246813"); done && err != nil || !done && err == nil {
			t.Errorf("cut before step %d, done: %v, and signing: %v", cut+1, done, err)
		}
		if err := reset("246813"); err != nil {
			t.Fatalf("cut before step %d, once more: %v", cut+1, err)
		}
		if err := w.signs(mira, "246813"); err != nil {
			t.Errorf("cut before step %d, once more, signing: %v", cut+1, err)
		}
	})
	if after, err := w.store.Find(mira); err != nil || string(after.Key.Public) != string(before.Key.Public) {
		t.Errorf("the key is another one: %v", err)
	}
}

func TestThePowerGoesWhileAPINIsChanged(t *testing.T) {
	w := newWorld(t)
	w.create(mira, "246813")
	now, next := "246813", "864209"
	w.eachCut(t, func() {}, func() error { return w.store.Change(mira, now, next, 5) }, func(cut int, done bool) {
		switch err := w.signs(mira, next); {
		case err == nil: // from now on the other way round, with a PIN that is in the history
			c, err := w.store.Find(mira)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := w.store.OpensHistory(c, next); err != nil || n == 0 {
				t.Errorf("cut before step %d, the new PIN opens %d former ones: %v", cut+1, n, err)
			}
			if err := w.store.Change(mira, next, now, 0); err != nil {
				t.Fatal(err)
			}
		case done || !errors.Is(err, tpm.ErrWrongPIN):
			t.Errorf("cut before step %d, done: %v, and signing: %v", cut+1, done, err)
		}
		if err := w.signs(mira, now); err != nil {
			t.Errorf("cut before step %d, the former PIN: %v", cut+1, err)
		}
	})
}

func TestThePowerGoesWhileAPINIsRemoved(t *testing.T) {
	w := newWorld(t)
	w.create(sam, "135797")
	w.eachCut(t, func() { w.create(mira, "246813") }, func() error { return w.store.Remove(t.Context(), w.server, mira) }, func(cut int, done bool) {
		if done {
			if _, err := w.store.Find(mira); !errors.Is(err, container.ErrNoPIN) {
				t.Errorf("removed, and there: %v", err)
			}
		}
		w.remove(mira)
		if err := w.signs(mira, "246813"); !errors.Is(err, container.ErrNoPIN) {
			t.Errorf("cut before step %d, removed again: %v", cut+1, err)
		}
		if err := w.signs(sam, "135797"); err != nil {
			t.Errorf("cut before step %d, the other person: %v", cut+1, err)
		}
	})
}

// Taking the power away in a try costs the try, and gains none.
func TestThePowerGoesWhileSomebodyGuesses(t *testing.T) {
	w := newWorld(t)
	c := w.create(mira, "246813")
	left := func() int {
		n, _, err := w.store.Left(c)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	guesses := 0
	for cut := 0; left() > 0; cut = (cut + 1) % 3 {
		before := left()
		w.cutAt(cut)
		err := w.signs(mira, "111111")
		w.boot()
		switch {
		case err == nil:
			t.Fatal("a wrong PIN signs")
		case errors.Is(err, tpm.ErrWrongPIN) || errors.Is(err, container.ErrStopped): // the TPM has looked at it
			if guesses++; left() >= before {
				t.Errorf("a guess that cost nothing: %d tries before, %d after", before, left())
			}
		case !errors.Is(err, errPower):
			t.Fatal(err)
		}
	}
	if guesses > container.MaxWrong {
		t.Errorf("%d guesses", guesses)
	}
	w.machine.Forgive()
	if err := w.signs(mira, "246813"); !errors.Is(err, container.ErrStopped) {
		t.Errorf("the right PIN afterwards: %v", err)
	}
}

// Half of the PINs that were begun are cut off, and the TPM has room for all that come.
func TestCutsLeaveNoCountersBehind(t *testing.T) {
	w := newWorld(t)
	rounds := 12
	if os.Getenv("POSTERN_SOAK") != "" {
		rounds = 300
	}
	for i := range rounds {
		w.cutAt(1) // the counter is made, and the file is not written
		if _, err := w.store.Create(t.Context(), w.server, w.plan(mira, "one"), "246813"); !errors.Is(err, errPower) {
			t.Fatalf("cut %d: %v", i+1, err)
		}
		w.boot()
		w.create(mira, "246813")
		if c, err := w.store.Find(mira); err != nil || c.Counter.Handle > 0x01505000+3 {
			t.Fatalf("after %d cuts the counter is %x: %v", i+1, c.Counter.Handle, err)
		}
		w.remove(mira)
	}
}

// The TPM's own count is everybody's. When it locks, nobody's PIN works for a while, and nobody
// who types the right one loses a try.
func TestTheLockOfTheTPMIsSharedAndCostsNobodyATry(t *testing.T) {
	w := newWorld(t)
	w.create(sam, "135797")
	var err error
	for i := 0; i < 12 && !errors.Is(err, tpm.ErrLocked); i++ {
		user := "7d1c2b3a-4f5e-4a6b-9c8d-0000000000" + string(rune('a'+i)) + "0"
		w.create(user, "246813")
		for range container.MaxWrong - 1 {
			if err = w.signs(user, "111111"); err == nil {
				t.Fatal("a wrong PIN signs")
			}
		}
	}
	if !errors.Is(err, tpm.ErrLocked) {
		t.Fatalf("the TPM never locks: %v", err)
	}
	c, err := w.store.Find(sam)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 * container.MaxWrong {
		if err := w.signs(sam, "135797"); !errors.Is(err, tpm.ErrLocked) {
			t.Errorf("while it is locked: %v", err)
		}
	}
	w.boot()
	if err := w.signs(sam, "135797"); !errors.Is(err, tpm.ErrLocked) {
		t.Errorf("after a restart: %v", err)
	}
	if left, _, err := w.store.Left(c); err != nil || left != container.MaxWrong {
		t.Errorf("sam has %d tries left: %v", left, err)
	}
	w.machine.Forgive()
	if err := w.signs(sam, "135797"); err != nil {
		t.Errorf("once it has forgiven: %v", err)
	}
}
