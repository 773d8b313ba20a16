package server_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/agent/tpm/tpmtest"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/server"
)

// practiseWithKey types a practice pass at the lock screen of a device whose agent makes keys on trial,
// and returns where that leads and which one it is asked for.
func (p *pins) practiseWithKey(name, practice string) (back url.Values, trial string) {
	p.w.t.Helper()
	p.w.newBrowser()
	form := webSignIn(p.joined.DeviceID)
	form.Set(device.PracticeParam, device.PracticeKey)
	to := p.w.present(p.push(form))
	if to.location == "" {
		p.w.t.Fatalf("%d %s", to.status, to.body)
	}
	p.w.post(to.location, url.Values{"username": {name}})
	a := p.w.post(to.location, url.Values{"accesspass": {practice}})
	for range 3 {
		to, err := url.Parse(a.location)
		if err != nil || a.status != http.StatusSeeOther {
			p.w.t.Fatalf("the practice pass: %d %s\n%s", a.status, a.location, told(a))
		}
		if strings.HasPrefix(a.location, callback) {
			return to.Query(), to.Query().Get(device.PracticeParam)
		}
		a = p.w.get(a.location)
	}
	p.w.t.Fatal("the practice pass leads in a circle")
	return nil, ""
}

func (p *pins) trial(id string) (container.Plan, answer) {
	p.w.t.Helper()
	a := p.call(http.MethodGet, "/trials/"+id, "", nil)
	if a.status != http.StatusOK {
		return container.Plan{}, a
	}
	a.status = http.StatusCreated // as planOf has it
	return p.planOf(a), a
}

// try makes the key and shows it.
func (p *pins) try(id string, plan container.Plan) answer {
	p.w.t.Helper()
	made, by, err := p.store.Try(plan, "271828")
	if err != nil {
		p.w.t.Fatal(err)
	}
	return p.call(http.MethodPut, "/trials/"+id, "", device.TrialRequest{Public: made.Public, CertifyInfo: made.CertifyInfo, Signature: made.Signature, By: by})
}

func TestAKeyOnTrialChangesNothingThatPeopleHold(t *testing.T) {
	var c wrist
	w := newWorld(t, func(o *server.Options) { o.Wall = c.now })
	const name = "mira@contoso.example"
	_, pass := w.addPerson(name)
	p := withPINs(w, name, pass, tpmtest.New(t))
	p.create("314159")
	p.reportHealthy()
	drill, practice := w.startDrill(w.userID(name), "lockScreen")
	before := w.holdings()

	back, trial := p.practiseWithKey(name, practice)
	if back.Get("error") != "access_denied" || back.Get("state") != "s" || back.Has("code") || w.cookie("__Host-postern-session") != "" {
		t.Errorf("the device gets %v", back)
	}
	plan, _ := p.trial(trial)
	c.move(5*time.Minute + time.Second)
	p.ahead = 5*time.Minute + time.Second
	p.call(http.MethodGet, "/policy", "", nil) // brings a nonce of that time
	if a := p.try(trial, plan); !strings.Contains(a.body, "drillTrialUnknown") {
		t.Errorf("after five minutes: %d %s", a.status, a.body)
	}
	if got := w.practised(drill); got["state"] != "failed" || got["failedStep"] != "key" {
		t.Errorf("without an answer it is %v", got)
	}

	_, trial = p.practiseWithKey(name, practice)
	plan, first := p.trial(trial)
	if _, again := p.trial(trial); again.body != first.body {
		t.Errorf("asked twice: %s and %s", first.body, again.body)
	}
	a := p.try(trial, plan)
	var out device.TrialAnswer
	if err := json.Unmarshal([]byte(a.body), &out); err != nil || a.status != http.StatusOK || !out.Worked || len(out.Steps) != 6 {
		t.Errorf("the key: %d %s", a.status, a.body)
	}
	if got := w.practised(drill); got["state"] != "passed" || got["failedStep"] != nil {
		t.Errorf("it is %v", got)
	}
	if a := p.try(trial, plan); !strings.Contains(a.body, "drillTrialUnknown") {
		t.Errorf("once more: %d %s", a.status, a.body)
	}
	if after := w.holdings(); after != before {
		t.Errorf("what people hold changed:\n%s\nwas\n%s", after, before)
	}
	for activity, want := range map[string]int{"Ask for a PIN key on trial": 2, "Practise recovery": 1} {
		_, log := w.api(http.MethodGet, "/v1.0/auditLogs/directoryAudits?$filter=activityDisplayName%20eq%20'"+url.PathEscape(activity)+"'", w.appToken(), "")
		if entries, _ := log["value"].([]any); len(entries) != want {
			t.Errorf("%s: %d in the log", activity, len(entries))
		}
	}
}

// Whoever holds a sign-in of a device can name any key on trial where it goes on, and gets an error for it.
func TestNamingAKeyOnTrialSignsNobodyIn(t *testing.T) {
	w := newWorld(t)
	const name = "mira@contoso.example"
	_, pass := w.addPerson(name)
	p := withPINs(w, name, pass, tpmtest.New(t))
	w.newBrowser()
	page := w.present(p.push(webSignIn(p.joined.DeviceID))).location
	w.post(page, url.Values{"username": {name}})
	at := strings.Replace(page, "/signin?", "/oauth2/resume?", 1)
	a := w.get(at + "&" + device.PracticeParam + "=" + p.user + ".trial-1")
	if strings.Contains(a.location, "code=") || a.location != "" && !strings.Contains(a.location, "error=access_denied") {
		t.Errorf("%d %s", a.status, a.location)
	}
	if _, a := p.trial(p.user + ".trial-1"); !strings.Contains(a.body, "drillTrialUnknown") {
		t.Errorf("%d %s", a.status, a.body)
	}
	w.newBrowser() // a browser by itself is sent to no application
	page = w.authorize(nil).location
	w.post(page, url.Values{"username": {name}})
	a = w.get(strings.Replace(page, "/signin?", "/oauth2/resume?", 1) + "&" + device.PracticeParam + "=" + p.user + ".trial-1")
	if strings.HasPrefix(a.location, callback) {
		t.Errorf("a browser is sent to %s", a.location)
	}
}
