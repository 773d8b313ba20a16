//go:build linux

package lockscreen_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/postern-id/postern/internal/device"
)

func TestWhoIsNotAtTheScreenGetsNothing(t *testing.T) {
	w := newWorld(t)
	user := w.withPIN()
	own := w.browser()
	at, form := own.home(w, "?person="+user).form("/pin")
	form.Set("pin", firstPIN)
	cookies := own.client.Jar.Cookies(must2(url.Parse(w.lock.URL)))

	t.Run("another user of the machine, without the cookie", func(t *testing.T) {
		for _, path := range []string{"/", "/?person=" + user, "/web", "/new-pin", "/forgot?person=" + user, "/help", "/network", "/power", "/events"} {
			if v := w.stranger().get(w.lock.URL + path); v.status != http.StatusForbidden || strings.Contains(v.source, "Administrator") {
				t.Errorf("GET %s: %d", path, v.status)
			}
		}
		for _, path := range []string{"/pin", "/web", "/cancel", "/new-pin", "/forgot", "/repair", "/network", "/power"} {
			if v := w.stranger().post(w.lock.URL+path, form); v.status != http.StatusForbidden {
				t.Errorf("POST %s: %d", path, v.status)
			}
		}
		for _, key := range []string{"", "x", strings.Repeat("A", 26), "../"} {
			if v := w.stranger().get(w.lock.URL + "/enter/" + key); v.status == http.StatusOK {
				t.Errorf("the key %q opens the screen", key)
			}
		}
	})
	t.Run("a page elsewhere, in the screen's own browser", func(t *testing.T) {
		for _, header := range []http.Header{
			{},
			{"Origin": {"https://evil.example"}},
			{"Origin": {"null"}},
			{"Origin": {w.lock.URL + ".evil.example"}},
			{"Origin": {w.lock.URL}, "Sec-Fetch-Site": {"cross-site"}},
			{"Origin": {w.lock.URL}, "Sec-Fetch-Site": {"same-site"}},
			{"Origin": {strings.Replace(w.lock.URL, "localhost:", "localhost:1", 1)}},
		} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at, strings.NewReader(form.Encode()))
			must(t, err)
			r.Header = header.Clone()
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			for _, c := range cookies {
				r.AddCookie(c)
			}
			if v := w.stranger().do(r); v.status != http.StatusForbidden {
				t.Errorf("%v: %d", header, v.status)
			}
		}
	})
	t.Run("the cookie is for this host and no script", func(t *testing.T) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.lock.URL+w.screen.Enter(), nil)
		must(t, err)
		res, err := own.client.Do(r)
		must(t, err)
		_ = res.Body.Close()
		if c := res.Header.Get("Set-Cookie"); !strings.Contains(c, "HttpOnly") || !strings.Contains(c, "SameSite=Strict") || strings.Contains(c, "Domain") {
			t.Errorf("the cookie is %s", c)
		}
	})
	if len(w.seat.sessions()) != 0 {
		t.Errorf("opened: %+v", w.seat.sessions())
	}
}

func must2(u *url.URL, err error) *url.URL {
	if err != nil {
		panic(err)
	}
	return u
}

func TestAnAnswerSignsInOnlyTheAttemptThatAskedForIt(t *testing.T) {
	w := newWorld(t)
	w.seat.other = true
	b := w.browser()
	begin := func() { b.submit(b.home(w, "?person=other"), "/web") }
	later := func() { // puts the PIN off, which ends the attempt
		t.Helper()
		if v := b.submit(b.home(w, ""), "/new-pin", "later", "1"); v.step() != "opening" {
			t.Fatalf("later: %s %q", v.step(), v.failure())
		}
		w.screen.Lock()
	}

	begin()
	answer := w.stranger().answer(w, w.pass(mira), mira)
	for name, change := range map[string]func(url.Values){
		"another state": func(v url.Values) { v.Set("state", "forged") },
		"no state":      func(v url.Values) { v.Del("state") },
	} {
		forged := maps.Clone(answer)
		change(forged)
		if err := w.screen.Returned(t.Context(), forged); err == nil {
			t.Errorf("%s is taken", name)
		}
		if v := b.home(w, ""); v.step() != "websignin" || v.failure() != "" {
			t.Errorf("%s ends the attempt: %s %q", name, v.step(), v.failure())
		}
	}
	if v := w.stranger().get(w.lock.URL + "/?state=forged&code=x"); v.status != http.StatusForbidden {
		t.Errorf("a forged return: %d", v.status)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	taken := 0
	for range 8 { // the same answer, many times at once
		all.Go(func() {
			if w.screen.Returned(t.Context(), answer) == nil {
				mu.Lock()
				taken++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if taken != 1 {
		t.Errorf("the answer was taken %d times", taken)
	}
	later()
	if err := w.screen.Returned(t.Context(), answer); err == nil {
		t.Error("the answer is taken after its attempt")
	}

	begin()
	answer = w.stranger().answer(w, w.pass(mira), mira)
	w.screen.Lock() // somebody pressed cancel
	begin()
	if err := w.screen.Returned(t.Context(), answer); err == nil {
		t.Error("the answer to a cancelled attempt is taken by the next one")
	}
	w.screen.Lock()
	if len(w.seat.sessions()) != 1 {
		t.Errorf("opened: %+v", w.seat.sessions())
	}
	w.nothingSecret(b, answer.Get("code"), answer.Get("state"))
}

func TestAFormOfAFormerAttemptOpensNothing(t *testing.T) {
	w := newWorld(t)
	user := w.withPIN()
	b := w.browser()
	one, two := b.home(w, "?person="+user), b.home(w, "?person="+user) // two tabs
	if v := b.submit(one, "/pin", "pin", firstPIN); v.at.Path != "/desktop" {
		t.Fatalf("the first tab: %s", v.text)
	}
	for _, former := range []view{one, two} {
		for _, path := range []string{"/pin", "/web"} {
			if v := b.submit(former, path, "pin", firstPIN); v.failure() != "lockChanged" {
				t.Errorf("a former form %s: %s %q", path, v.step(), v.failure())
			}
		}
	}
	v := b.submit(b.get(w.lock.URL+"/forgot?person="+user), "/forgot")
	wizard := b.signIn(v, admin, w.pass(admin))
	w.screen.Lock()
	for _, field := range []string{"later", "pin"} {
		if v := b.submit(wizard, "/new-pin", field, secondPIN, "repeat", secondPIN); v.failure() != "lockChanged" {
			t.Errorf("a wizard that was left: %s %q", v.step(), v.failure())
		}
	}
	v = b.home(w, "?person="+user+"&way=pin")
	at, form := v.form("/pin")
	form.Set("pin", secondPIN)
	if v := b.post(strings.Replace(at, "/pin", "/new-pin", 1), form); v.step() != "lock" {
		t.Errorf("the wizard without a sign-in: %s", v.step())
	}
	if w.screen.Lock(); len(w.seat.sessions()) != 1 {
		t.Errorf("opened: %+v", w.seat.sessions())
	}
}

func TestAPINThatAScriptGuessesStopsAfterFiveTriesAlsoOverRestarts(t *testing.T) {
	w := newWorld(t)
	user := w.withPIN()
	b := w.browser()
	guess := func(pin string) view {
		t.Helper()
		return b.submit(b.home(w, "?person="+user+"&way=pin"), "/pin", "pin", pin)
	}
	if v := guess("000000"); v.failure() != "pinWrong" || !strings.Contains(v.text, "4 tries left") {
		t.Errorf("the first: %q %s", v.failure(), v.text)
	}
	if v := guess("000001"); !strings.Contains(v.text, "3 tries left") || !strings.Contains(v.text, "Wait 1 s") {
		t.Errorf("the second: %s", v.text)
	}
	begun := time.Now()
	if v := guess("000002"); time.Since(begun) < 500*time.Millisecond || !strings.Contains(v.text, "Wait 5 s") {
		t.Errorf("the third after %v: %s", time.Since(begun), v.text)
	}
	w.restart()
	b = w.browser()
	if left := w.agent.PINWait(user); left < 4*time.Second || left > 5*time.Second {
		t.Errorf("after a restart the wait is %v", left)
	}
	w.now.Add(int64(10 * time.Second))
	if v := guess("000003"); v.failure() != "pinLastTry" || v.find(func(n *html.Node) bool { return attr(n, "role") == "alert" }) == nil {
		t.Errorf("the fourth: %q %s", v.failure(), v.text)
	}
	w.now.Add(int64(time.Minute))
	if v := guess("000004"); v.failure() != "pinStopped" {
		t.Errorf("the fifth: %q", v.failure())
	}
	w.restart()
	b = w.browser()
	v := b.home(w, "?person="+user)
	if v.has("/pin") || w.pinState(user) != device.PINLocked {
		t.Errorf("after a restart: %s", v.text)
	}
	at, form := v.form("/web")
	form.Set("person", user)
	form.Set("pin", firstPIN)
	if v := b.post(strings.Replace(at, "/web", "/pin", 1), form); v.failure() != "pinStopped" || len(w.seat.sessions()) != 0 {
		t.Errorf("the right one afterwards: %q %+v", v.failure(), w.seat.sessions())
	}
}

func TestNamesAreNotTriedOutOnTheScreen(t *testing.T) {
	w := newWorld(t)
	w.withPIN()
	b := w.browser()
	said := map[string]bool{}
	for _, name := range []string{"admin", "nobody", mira, ""} {
		v := b.home(w, "?person=other&way=pin")
		v = b.submit(v, "/pin", "name", name, "pin", "000000")
		said[v.failure()] = true
	}
	if len(said) != 1 || !said["lockNameOrPIN"] {
		t.Errorf("names are told apart: %v", said)
	}
	if v := b.submit(b.home(w, "?person=other&way=pin"), "/pin", "name", "admin", "pin", firstPIN); v.at.Path != "/desktop" {
		t.Errorf("the right name and PIN: %s %q", v.at, v.failure())
	}
}
