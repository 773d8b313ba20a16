//go:build linux

package lockscreen_test

import (
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// drill asks Mira to practise, and returns the practice pass and how the drill's only practice stands.
func (w *world) drill() (pass string, stands func() (state, key string)) {
	w.t.Helper()
	var got struct {
		ID   string `json:"id"`
		Pass string `json:"practicePass"`
	}
	w.graph(http.MethodPost, "/v1.0/postern/recovery/drills", `{"userId":"`+w.person(mira)+`","where":"lockScreen"}`, http.StatusCreated, &got)
	return got.Pass, func() (state, key string) {
		w.t.Helper()
		var people struct {
			Value []struct {
				State string
				Steps []struct{ Name, Result, Code string }
			}
		}
		w.graph(http.MethodGet, "/v1.0/postern/recovery/drills/"+got.ID+"/people", "", http.StatusOK, &people)
		for _, one := range people.Value[0].Steps {
			if one.Name == "key" {
				key = strings.TrimSpace(one.Result + " " + one.Code)
			}
		}
		return people.Value[0].State, key
	}
}

// results are the steps that a page about a practice shows.
func (v view) results() map[string]string {
	all := map[string]string{}
	for n := range v.doc.Descendants() {
		if n.Type == html.ElementNode && attr(n, "data-name") != "" {
			all[attr(n, "data-name")] = attr(n, "data-result")
		}
	}
	return all
}

func TestAPracticePassAtTheLockScreenEndsInAKeyOnTrialAndOpensNothing(t *testing.T) {
	w := newWorld(t)
	must(t, w.agent.Contact(t.Context()))
	pass, stands := w.drill()
	b := w.browser()
	v := b.signIn(b.submit(b.home(w, "?person=other"), "/web"), mira, pass)
	if v.step() != "practice" || v.at.Host != strings.TrimPrefix(w.lock.URL, "http://") {
		t.Fatalf("the practice pass leads to %s (%s): %s", v.at, v.step(), v.text)
	}
	got := v.results()
	for _, name := range []string{"issue", "place", "device", "rules", "pin", "key"} {
		if got[name] != "passed" {
			t.Errorf("the screen says of %s: %q", name, got[name])
		}
	}
	if !strings.Contains(v.text, "It would have worked.") || !strings.Contains(v.text, "Your own PIN stays as it is and was not asked for") {
		t.Errorf("the screen says %s", v.text)
	}
	if state, key := stands(); state != "passed" || key != "passed" {
		t.Errorf("the drill says %s, %s", state, key)
	}
	if n := len(w.seat.sessions()); n != 0 {
		t.Errorf("%d sessions", n)
	}
	d, err := w.agent.Device()
	must(t, err)
	if _, err := d.Accounts.Find(w.person(mira)); err == nil {
		t.Error("the device made room for her")
	}
	for _, path := range []string{"/new-pin", "/web", "/forgot"} {
		if there := b.get(w.lock.URL + path); there.step() != "practice" {
			t.Errorf("%s leads to %s", path, there.step())
		}
	}
	if v = b.submit(v, "/cancel"); v.step() != "lock" || v.failure() != "" {
		t.Errorf("back leads to %s (%s)", v.step(), v.failure())
	}
	w.nothingSecret(b, pass)
}

// Any page can send a browser to an address on this machine, and so name a key on trial.
func TestAKeyOnTrialIsMadeForTheSignInUnderWayAlone(t *testing.T) {
	w := newWorld(t)
	pass, stands := w.drill()
	b := w.browser()
	b.stop = w.site.Listener.Addr().String()
	sent := b.submit(b.home(w, "?person=other"), "/web")
	for _, state := range []string{"", "guessed"} {
		v := b.get(w.lock.URL + "/?error=access_denied&state=" + state + "&postern_practice=" + w.person(mira) + ".trial-1")
		if v.step() == "practice" {
			t.Errorf("with the state %q: %s", state, v.text)
		}
	}
	b.stop = ""
	if v := b.signIn(b.get(sent.at.String()), mira, pass); v.step() != "practice" {
		t.Errorf("the sign-in was ended: %s (%s) %s", v.at, v.step(), v.text)
	}
	if _, key := stands(); key != "passed" {
		t.Errorf("the key is %s", key)
	}
}

func TestAPracticeWhoseEndTheServerDoesNotHearIsToldAsSuch(t *testing.T) {
	w := newWorld(t)
	pass, stands := w.drill()
	w.seat.other = true // another browser shows the pages, and the seat tells what came back
	b := w.browser()
	b.submit(b.home(w, "?person=other"), "/web")
	far := w.stranger()
	far.stop = strings.TrimPrefix(w.lock.URL, "http://")
	v := far.signIn(far.get(w.seat.pages()[0].URL), mira, pass)
	w.down.Store(true)
	if err := w.screen.Returned(t.Context(), v.at.Query()); err == nil {
		t.Error("nobody is told")
	}
	if v := b.home(w, ""); v.step() != "websignin" || v.failure() == "" {
		t.Errorf("the screen shows %s %s", v.step(), v.failure())
	}
	w.down.Store(false)
	if state, key := stands(); state != "failed" || key != "failed drillKeyUnanswered" {
		t.Errorf("the drill says %s, %s", state, key)
	}
}
