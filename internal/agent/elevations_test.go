//go:build linux

package agent_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/request"
)

type loggedElevation struct {
	CorrelationID string `json:"correlationId"`
	By            struct {
		User struct {
			ID string `json:"id"`
		} `json:"user"`
	} `json:"initiatedBy"`
	Targets []struct {
		DisplayName string `json:"displayName"`
	} `json:"targetResources"`
	Details []struct{ Key, Value string } `json:"additionalDetails"`
}

func (l loggedElevation) detail(key string) string {
	for _, d := range l.Details {
		if d.Key == key {
			return d.Value
		}
	}
	return ""
}

// elevated returns the server's log of elevations.
func (w *world) elevated() []loggedElevation {
	w.t.Helper()
	var log struct{ Value []loggedElevation }
	w.graph(http.MethodGet, "/v1.0/auditLogs/directoryAudits?$filter="+url.QueryEscape("activityDisplayName eq 'Elevated on device'"), "", http.StatusOK, &log)
	return log.Value
}

func sudo(user string) device.Elevation {
	return device.Elevation{ID: uuid.NewString(), User: user, Service: "sudo", By: "pin", TTY: "/dev/pts/0"}
}

func TestWhoGotAdministratorRightsIsInTheServersLog(t *testing.T) {
	w := newWorld(t)
	a := w.joined()
	user := w.device(a).Accounts.All()[0].ID
	one := sudo(user)
	a.Elevated(one)
	w.within("the log has it", 5*time.Second, func() bool { return len(w.elevated()) == 1 })
	got := w.elevated()[0]
	if got.CorrelationID != one.ID || got.By.User.ID != user || len(got.Targets) != 1 || got.Targets[0].DisplayName != "LT-0451" ||
		got.detail("Service") != "sudo" || got.detail("Authorised by") != "pin" || got.detail("Offline") != "false" {
		t.Errorf("the log says %+v", got)
	}
}

// The sign-in that proved a person has the id of what it was for.
func TestTheSignInBehindAnElevationHasItsId(t *testing.T) {
	w := newWorld(t)
	a, user := w.withPIN()
	for name, signIn := range map[string]func(context.Context) error{
		"by PIN":  func(ctx context.Context) error { _, err := a.Unlock(ctx, user, firstPIN); return err },
		"by pass": func(ctx context.Context) error { _, err := a.SignInWithPass(ctx, admin, w.pass()); return err },
	} {
		id := uuid.NewString()
		if err := signIn(request.With(t.Context(), request.Facts{CorrelationID: id})); err != nil {
			t.Fatal(err)
		}
		var log struct{ Value []map[string]any }
		w.graph(http.MethodGet, "/v1.0/auditLogs/signIns?$filter="+url.QueryEscape("correlationId eq '"+id+"'"), "", http.StatusOK, &log)
		if len(log.Value) == 0 {
			t.Errorf("%s: no sign-in has the id", name)
		}
	}
}

func TestRightsThatWereGivenWithoutANetworkAreToldLater(t *testing.T) {
	w := newWorld(t)
	a := w.joined()
	user := w.device(a).Accounts.All()[0].ID
	w.down.Store(true)
	offline := sudo(user)
	offline.Offline, offline.TTY = true, "a \x1b[31m terminal"
	a.Elevated(offline)
	a.Elevated(sudo(user))
	if err := a.Close(); err != nil { // a restart forgets nothing
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(w.state, "elevations.json")); err != nil {
		t.Fatal(err)
	}
	w.down.Store(false)
	// The answer is lost: it is told again, and recorded once.
	w.lose.Store(&losing{end: "/elevations", then: func() { w.lose.Store(nil) }})
	a = w.open()
	for range 2 {
		if err := a.Contact(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	got := w.elevated()
	if len(got) != 2 || got[0].detail("Offline") == got[1].detail("Offline") {
		t.Errorf("the log says %+v", got)
	}
	for _, one := range got {
		if strings.Contains(one.detail("Terminal"), "\x1b") {
			t.Errorf("a terminal wrote %q into the log", one.detail("Terminal"))
		}
	}
	if _, err := os.Stat(filepath.Join(w.state, "elevations.json")); !os.IsNotExist(err) {
		t.Errorf("they wait on: %v", err)
	}
}

func TestADeviceTellsOfItsOwnPeopleAndInPlainWords(t *testing.T) {
	w := newWorld(t)
	a := w.joined()
	d := w.device(a)
	user := d.Accounts.All()[0].ID
	tell := func(change func(*device.Elevation)) error {
		one := sudo(user)
		change(&one)
		return d.Link.Elevations(t.Context(), device.Elevations{Elevations: []device.Elevation{one}})
	}
	for name, change := range map[string]func(*device.Elevation){
		"no id":              func(e *device.Elevation) { e.ID = "1" },
		"another proof":      func(e *device.Elevation) { e.By = "magic" },
		"a terminal's codes": func(e *device.Elevation) { e.TTY = "\x1b[31m" },
		"a long name":        func(e *device.Elevation) { e.Service = strings.Repeat("s", 65) },
	} {
		if err := tell(change); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if err := d.Link.Elevations(t.Context(), device.Elevations{Elevations: make([]device.Elevation, device.MostElevations+1)}); err == nil {
		t.Error("too many were taken")
	}
	if err := tell(func(e *device.Elevation) { e.User = uuid.NewString() }); err != nil { // passed over
		t.Error(err)
	}
	if got := w.elevated(); len(got) > 0 {
		t.Errorf("the log says %+v", got)
	}
	// Two devices that use the same id do not hide each other's.
	same := uuid.NewString()
	other := w.other()
	for _, one := range []*agent.Agent{a, other} {
		err := w.device(one).Link.Elevations(t.Context(), device.Elevations{Elevations: []device.Elevation{{ID: same, User: user, Service: "sudo", By: "pass", At: time.Now()}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := w.elevated(); len(got) != 2 {
		text, _ := json.Marshal(got)
		t.Errorf("the log says %s", text)
	}
}
