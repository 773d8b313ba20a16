//go:build linux

package agent_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/agent/contact"
	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/agent/pin"
	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/agent/websignin"
	"github.com/postern-id/postern/internal/device"
)

const (
	firstPIN  = "271828"
	secondPIN = "314159"
)

// signedIn is the administrator, who signed in with a pass just now.
func (w *world) signedIn(a *agent.Agent) websignin.Person {
	w.t.Helper()
	p, err := a.SignInWithPass(w.t.Context(), admin, w.pass())
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := a.Welcome(w.t.Context(), p); err != nil {
		w.t.Fatal(err)
	}
	return p
}

// withPIN is a device on which the administrator has set a PIN up.
func (w *world) withPIN() (*agent.Agent, string) {
	w.t.Helper()
	a := w.joined()
	p := w.signedIn(a)
	if err := a.SetPIN(w.t.Context(), p, firstPIN); err != nil {
		w.t.Fatal(err)
	}
	return a, p.ID
}

func TestAPersonSetsAPINUpAndSignsInWithIt(t *testing.T) {
	w := newWorld(t)
	a, user := w.withPIN()
	out, err := a.Unlock(t.Context(), user, firstPIN)
	if err != nil || out.Offline || out.Person.ID != user || out.Person.DeviceID != w.device(a).Identity().DeviceID || !slices.Contains(out.Person.AMR, "hwk") {
		t.Errorf("unlocked: %+v %v", out, err)
	}
	if s := a.Status(); s.Users[0].PIN != device.PINSet {
		t.Errorf("status says %+v", s.Users)
	}
	_, err = a.Unlock(t.Context(), user, "000000")
	if wrong, ok := errors.AsType[container.Wrong](err); !ok || wrong.Left != 4 || !errors.Is(err, tpm.ErrWrongPIN) {
		t.Errorf("a wrong PIN: %v", err)
	}
	if err := a.SetPIN(t.Context(), websignin.Person{ID: user}, secondPIN); !errors.Is(err, agent.ErrNotFresh) {
		t.Errorf("without a fresh sign-in: %v", err)
	}
	if err := a.CheckPIN(user, "1234"); !errors.Is(err, container.ErrPIN) {
		t.Errorf("a short PIN: %v", err)
	}
	if err := a.ChangePIN(t.Context(), user, firstPIN, secondPIN); err != nil {
		t.Errorf("changing it: %v", err)
	}
	if _, err := a.Unlock(t.Context(), user, secondPIN); err != nil {
		t.Errorf("the new PIN: %v", err)
	}
}

func TestAForgottenPINIsReplacedAndItsKeyStays(t *testing.T) {
	w := newWorld(t)
	a, user := w.withPIN()
	before, err := w.device(a).PINs.Containers.Find(user)
	if err != nil {
		t.Fatal(err)
	}
	for range container.MaxWrong {
		_, _ = a.Unlock(t.Context(), user, "000000")
		w.now.Add(int64(time.Minute))
	}
	if _, err := a.Unlock(t.Context(), user, firstPIN); !errors.Is(err, container.ErrStopped) {
		t.Errorf("after too many wrong ones: %v", err)
	}
	if s := a.Status(); s.Users[0].PIN != device.PINLocked {
		t.Errorf("status says %+v", s.Users)
	}
	if err := a.ResetPIN(t.Context(), w.signedIn(a), secondPIN); err != nil {
		t.Fatal(err)
	}
	after, err := w.device(a).PINs.Containers.Find(user)
	if err != nil || after.Method != before.Method || string(after.Key.Public) != string(before.Key.Public) {
		t.Errorf("the key is another one: %v", err)
	}
	if _, err := a.Unlock(t.Context(), user, secondPIN); err != nil {
		t.Errorf("the new PIN: %v", err)
	}
	if _, err := a.Unlock(t.Context(), user, firstPIN); !errors.Is(err, tpm.ErrWrongPIN) {
		t.Errorf("the forgotten one: %v", err)
	}
}

func TestAPINWorksWithoutTheServerForAsLongAsPolicySays(t *testing.T) {
	w := newWorld(t)
	a, user := w.withPIN()
	w.down.Store(true)
	out, err := a.Unlock(t.Context(), user, firstPIN)
	if err != nil || !out.Offline || out.Left < 13*24*time.Hour {
		t.Errorf("unlocked: %+v %v", out, err)
	}
	if _, err := a.Unlock(t.Context(), user, secondPIN); !errors.Is(err, tpm.ErrWrongPIN) {
		t.Errorf("a wrong PIN: %v", err)
	}
	w.now.Store(int64(15 * 24 * time.Hour))
	if _, err := a.Unlock(t.Context(), user, firstPIN); !errors.Is(err, contact.ErrTooLong) {
		t.Errorf("after 15 days: %v", err)
	}
	w.now.Store(int64(-24 * time.Hour))
	if _, err := a.Unlock(t.Context(), user, firstPIN); !errors.Is(err, contact.ErrClock) {
		t.Errorf("with the clock set back: %v", err)
	}
}

// deletePIN deletes the person's PIN at the server, as an administrator does.
func (w *world) deletePIN(a *agent.Agent, user string) {
	w.t.Helper()
	c, err := w.device(a).PINs.Containers.Find(user)
	if err != nil {
		w.t.Fatal(err)
	}
	w.graph(http.MethodDelete, "/v1.0/users/"+user+"/authentication/windowsHelloForBusinessMethods/"+c.Method, "", http.StatusNoContent, nil)
}

func TestAPINThatTheOrganisationDeletedOpensNothing(t *testing.T) {
	t.Run("on a device that is connected", func(t *testing.T) {
		w := newWorld(t)
		a, user := w.withPIN()
		w.running(a)
		w.within("connected", 10*time.Second, func() bool { return a.Connected() })
		w.deletePIN(a, user)
		w.within("the PIN is gone", time.Second+slack, func() bool { return w.device(a).PINState(user) == device.PINNone })
	})
	t.Run("at the next sign-in", func(t *testing.T) {
		w := newWorld(t)
		a, user := w.withPIN()
		w.deletePIN(a, user)
		if _, err := a.Unlock(t.Context(), user, firstPIN); !errors.Is(err, pin.ErrRefused) {
			t.Errorf("unlock: %v", err)
		}
		if _, err := a.Unlock(t.Context(), user, firstPIN); !errors.Is(err, container.ErrNoPIN) {
			t.Errorf("and again: %v", err)
		}
	})
	t.Run("at the next contact, before anybody types it offline", func(t *testing.T) {
		w := newWorld(t)
		a, user := w.withPIN()
		w.deletePIN(a, user)
		if err := a.Contact(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.down.Store(true)
		if _, err := a.Unlock(t.Context(), user, firstPIN); !errors.Is(err, container.ErrNoPIN) {
			t.Errorf("offline: %v", err)
		}
	})
}

func TestRepairMendsTheFirstBrokenPart(t *testing.T) {
	w := newWorld(t)
	a, user := w.withPIN()
	r, err := a.Repair(t.Context())
	if err != nil || !r.OK || len(r.Parts) != 5 || slices.ContainsFunc(r.Parts, func(p agent.Repair) bool { return p.State != agent.Sound }) {
		t.Fatalf("a sound device: %+v %v", r, err)
	}
	if err := os.WriteFile(filepath.Join(w.state, "containers", user+".json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Unlock(t.Context(), user, firstPIN); !errors.Is(err, container.ErrBroken) {
		t.Errorf("a damaged PIN: %v", err)
	}
	r, err = a.Repair(t.Context())
	if err != nil || !r.OK || r.Parts[1].Part != "container" || r.Parts[1].State != agent.Fixed {
		t.Errorf("repair: %+v %v", r, err)
	}
	if _, err := a.Unlock(t.Context(), user, firstPIN); !errors.Is(err, container.ErrNoPIN) {
		t.Errorf("after repair: %v", err)
	}
	if err := a.SetPIN(t.Context(), w.signedIn(a), secondPIN); err != nil {
		t.Errorf("a new PIN: %v", err)
	}
}
