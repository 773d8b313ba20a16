package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/places/placestest"
	"github.com/postern-id/postern/internal/server"
)

// report sends what the agent of a device found of its machine.
func (m *machine) report(state device.Check) {
	m.w.t.Helper()
	in := device.Status{AgentVersion: "1.2.3", Prerequisites: []device.Prerequisite{{Name: "tpm", State: state, Detail: "found"}}}
	m.decode(m.call(http.MethodPost, "/status", "", in), http.StatusNoContent, nil)
}

// A device is compliant by what its agent reported; a lock screen lets people in by it alone, and
// no browser says that it is one.
func TestALockScreenLetsInWhereTheDeviceIsCompliant(t *testing.T) {
	w := newWorld(t)
	m, out, pass := joined(t, w)
	w.rule("Good devices only", func(p *access.Policy) {
		p.Grant = &access.Grant{Operator: "OR", Controls: []access.Control{access.CompliantDevice}}
	})
	blocked := func(what, page string) {
		t.Helper()
		w.signIn(page, adminName, pass)
		if a := w.get(page); stepOf(a) != "blocked" || !strings.Contains(a.body, `data-error="deviceNotCompliant"`) || !strings.Contains(a.body, "Good devices only") {
			t.Errorf("%s: step %s, %d\n%s", what, stepOf(a), a.status, a.body)
		}
		w.newBrowser()
	}
	lockScreen := func() string { return w.present(m.push(webSignIn(out.DeviceID))).location }
	blocked("a device that never reported", lockScreen())
	m.report(device.Fail)
	blocked("a device that fails", lockScreen())
	if detail := w.lastSignIn("status/errorCode eq 53000")["deviceDetail"].(map[string]any); detail["isCompliant"] != false || detail["deviceId"] != out.DeviceID {
		t.Errorf("the log of a device that fails: %v", detail)
	}

	m.report(device.Pass)
	blocked("a browser without a device", w.authorize(nil).location)
	done := w.signIn(lockScreen(), adminName, pass)
	tokens := m.redeem(w.codeIn(w.get(done.location)))
	if detail := w.deviceInLog(out.DeviceID); detail["isCompliant"] != true {
		t.Errorf("the log of a compliant device: %v", detail)
	}
	if a := w.authorize(by("prompt", "none")); !strings.Contains(a.location, "error=interaction_required") {
		t.Errorf("the session of the lock screen, in a browser: %d to %q", a.status, a.location)
	}
	m.report(device.Fail)
	if a := m.refresh(tokens); a.status != http.StatusBadRequest || !strings.Contains(a.body, "AADSTS53000") {
		t.Errorf("a refresh once it fails: %d %s", a.status, a.body)
	}
}

// A rule for joining stands before it, and only there: it asks for a method, or stops everybody.
func TestARuleForJoiningAsksForItsMethodsThereAlone(t *testing.T) {
	var c wrist
	w := newKeyWorld(t, func(o *server.Options) { o.Wall = c.now })
	id, key := w.person("mira")
	_, pass := w.passFor(id)
	change := w.rule("Join with a key", func(p *access.Policy) {
		p.Conditions.Applications = access.Applications{UserActions: []string{access.RegisterDevice}}
		asks(access.StrengthPhishingResistant)(p)
	})
	w.code("mira@contoso.example", pass) // elsewhere a pass is enough
	w.newBrowser()

	m := newMachine(w)
	form := webSignIn("")
	form.Del("device_id")
	page := w.present(m.push(form)).location
	w.post(page, by("username", "mira@contoso.example"))
	w.post(page, by("accesspass", pass))
	w.wantStep("a pass", w.get(page), "passkey")
	if done := w.use(page, key); done.status != http.StatusSeeOther {
		t.Fatalf("key: %d\n%s", done.status, done.body)
	}
	token := m.redeem(w.codeIn(w.get(w.post(page, by("stay", "no")).location)))["access_token"].(string)

	// The rules are asked about the token again where it is used.
	change(func(p *access.Policy) {
		p.Grant = &access.Grant{Operator: "OR", Controls: []access.Control{access.Block}}
	})
	c.move(2 * time.Second)
	if a := m.call(http.MethodPost, "/join", token, m.joinRequest(token)); a.status != http.StatusUnauthorized {
		t.Errorf("a join that is blocked: %d %s", a.status, a.body)
	}
	change(switchedOff)
	c.move(6 * time.Second)
	out := m.join(token)

	// Who signs in on a device that has joined joins none.
	change(func(p *access.Policy) { p.State = access.Enabled })
	w.newBrowser()
	done := w.signIn(w.present(m.push(webSignIn(out.DeviceID))).location, "mira@contoso.example", pass)
	m.redeem(w.codeIn(w.get(done.location)))
}

// With a file of countries the log has where somebody was.
func TestASignInHasTheCountryOfItsAddress(t *testing.T) {
	countries, err := server.OpenPlaces(placestest.File(t, map[string]string{"192.0.2.0/24": "DE"}))
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, onLocalhost, func(o *server.Options) { o.Places = countries })
	_, pass := w.issue(`{"isUsableOnce":false}`)
	for address, want := range map[string]any{"192.0.2.9": "DE", "198.51.100.7": nil} {
		w.newBrowser()
		w.address = address
		status, _ := w.token(redeem(w.code(adminName, pass)))
		if status != http.StatusOK {
			t.Fatalf("from %s: %d", address, status)
		}
		w.address = ""
		for _, kind := range []string{"interactiveUser", "nonInteractiveUser"} {
			in := w.lastSignIn("ipAddress eq '" + address + "' and signInEventTypes/any(t:t eq '" + kind + "')")
			if got := in["location"].(map[string]any)["countryOrRegion"]; got != want {
				t.Errorf("a sign-in (%s) from %s is in %v, want %v", kind, address, got, want)
			}
		}
	}
}
