//go:build linux

package agent_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/server"
)

// aWorldAhead is one whose server can be moved on in time.
func aWorldAhead(t *testing.T) (*world, *atomic.Int64) {
	t.Helper()
	var ahead atomic.Int64
	w := newWorld(t, func(o *server.Options) {
		o.Wall = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	return w, &ahead
}

// rotateRoot gives the tenant a new reset root, which is in use at once.
func (w *world) rotateRoot(ahead *atomic.Int64) {
	w.t.Helper()
	if _, err := server.RotateKeys(w.t.Context(), w.server, []string{"pinReset"}); err != nil {
		w.t.Fatal(err)
	}
	ahead.Add(int64(2 * time.Minute))
}

func public(t *testing.T, c container.Container) string {
	t.Helper()
	key, err := c.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	text, err := key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAPINGetsANewKeyAtTheNextUnlockAfterTheRootWasReplaced(t *testing.T) {
	for name, set := range map[string]func(*world) (*agent.Agent, string){
		"in a TPM":  func(w *world) (*agent.Agent, string) { return w.withPIN() },
		"in a file": func(w *world) (*agent.Agent, string) { return w.withSoftPIN() },
	} {
		t.Run(name, func(t *testing.T) {
			w, ahead := aWorldAhead(t)
			a, user := set(w)
			before := w.container(a, user)
			w.rotateRoot(ahead)
			if _, err := a.Unlock(t.Context(), user, firstPIN); err != nil {
				t.Fatal(err)
			}
			after := w.container(a, user)
			if after.Method != before.Method || after.Next != nil || public(t, after) == public(t, before) {
				t.Errorf("the key is the former one, or the method is not: %+v", after)
			}
			if _, err := a.Unlock(t.Context(), user, firstPIN); err != nil {
				t.Errorf("with the new key: %v", err)
			}
			if public(t, w.container(a, user)) != public(t, after) {
				t.Error("each unlock makes another key")
			}
			if err := a.ResetPIN(t.Context(), w.signedIn(a), secondPIN); err != nil {
				t.Errorf("a reset under the new root: %v", err)
			}
			if _, err := a.Unlock(t.Context(), user, secondPIN); err != nil {
				t.Errorf("after the reset: %v", err)
			}
		})
	}
}

// The answer is lost after the server took the new key, or before it heard of it: the person is
// in all the same, and so they are ever after.
func TestNobodyIsLockedOutByAnAnswerThatIsLostWhileTheirKeyIsReplaced(t *testing.T) {
	for name, set := range map[string]func(*world) (*agent.Agent, string){
		"in a TPM":  func(w *world) (*agent.Agent, string) { return w.withPIN() },
		"in a file": func(w *world) (*agent.Agent, string) { return w.withSoftPIN() },
	} {
		t.Run(name, func(t *testing.T) {
			w, ahead := aWorldAhead(t)
			a, user := set(w)
			before := w.container(a, user)
			w.rotateRoot(ahead)
			w.lose.Store(&losing{end: "/rotation", text: `"by":`, then: func() { w.down.Store(true) }})
			if _, err := a.Unlock(t.Context(), user, firstPIN); err != nil {
				t.Fatalf("while the answer is lost: %v", err)
			}
			w.lose.Store(nil)
			if c := w.container(a, user); c.Next == nil || public(t, c) != public(t, before) {
				t.Errorf("both keys were to be kept: %+v", c)
			}
			if name == "in a TPM" {
				if out, err := a.Unlock(t.Context(), user, firstPIN); err != nil || !out.Offline {
					t.Errorf("offline meanwhile: %+v %v", out, err)
				}
			}
			w.down.Store(false)
			if _, err := a.Unlock(t.Context(), user, firstPIN); err != nil {
				t.Errorf("connected again: %v", err)
			}
			if c := w.container(a, user); c.Next != nil || c.Method != before.Method || public(t, c) == public(t, before) {
				t.Errorf("the server's key is the new one, and here is %+v", c)
			}
		})
	}
}

// A contact settles it, too, so that nobody has to type their PIN for that.
func TestAContactTellsWhichKeyTheServerHas(t *testing.T) {
	w, ahead := aWorldAhead(t)
	a, user := w.withPIN()
	before := w.container(a, user)
	w.rotateRoot(ahead)
	w.lose.Store(&losing{end: "/rotation", text: `"by":`, then: func() { w.down.Store(true) }})
	if _, err := a.Unlock(t.Context(), user, firstPIN); err != nil {
		t.Fatal(err)
	}
	w.lose.Store(nil)
	w.down.Store(false)
	if err := a.Contact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := w.container(a, user); c.Next != nil || public(t, c) == public(t, before) {
		t.Errorf("after a contact it is %+v", c)
	}
}

// Many prompts at once, such as a script's, find the former key and the new one; nobody loses
// their PIN.
func TestPromptsAtOnceWhileTheKeyIsReplacedAllSucceed(t *testing.T) {
	w, ahead := aWorldAhead(t)
	a, user := w.withPIN()
	w.rotateRoot(ahead)
	results := make(chan error, 4)
	for range cap(results) {
		go func() {
			_, err := a.Unlock(t.Context(), user, firstPIN)
			results <- err
		}()
	}
	for range cap(results) {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if _, err := a.Unlock(t.Context(), user, firstPIN); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	if c := w.container(a, user); c.Next != nil || c.ResetVersion != 2 {
		t.Errorf("in the end it is %+v", c)
	}
}
