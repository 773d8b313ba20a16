//go:build linux

package lockscreen_test

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/postern-id/postern/internal/agent/lockscreen"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

// changes returns a channel that gets something at each change which the screen tells of.
func (b *browser) changes(w *world) <-chan string {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	b.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.lock.URL+"/events", nil)
	must(b.t, err)
	res, err := b.client.Do(r)
	must(b.t, err)
	told := make(chan string, 100)
	go func() {
		defer res.Body.Close()
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				told <- data
			}
		}
	}()
	<-told // the state as it is
	return told
}

func await(t *testing.T, told <-chan string, what string) {
	t.Helper()
	select {
	case <-told:
	case <-time.After(5 * time.Second):
		t.Fatalf("the screen is not told of %s", what)
	}
}

// tiles are the names on the screen.
func (v view) tiles() string {
	nav := v.find(func(n *html.Node) bool { return n.Data == "nav" })
	if nav == nil {
		return ""
	}
	return strings.Join(strings.Fields(textOf(nav)), " ")
}

// admx is a value of a setting that comes from a template of group policy.
func admx(name, value string) string {
	return `<enabled/><data id="` + name + `" value="` + value + `"/>`
}

// Behaviour L1, L10 and L11 of web sign-in.
func TestTheScreenFollowsThePolicyWithoutAReload(t *testing.T) {
	w := newWorld(t)
	user := w.withPIN()
	b := w.browser()
	told := b.changes(w)
	person := "?person=" + user

	v := b.home(w, person)
	if !v.has("/web") || !v.has("/pin") {
		t.Fatalf("with web sign-in on: %s", v.text)
	}
	stale := v
	w.policy(devicepolicy.EnableWebSignIn, 2)
	await(t, told, "the policy")
	if v = b.home(w, person); v.has("/web") || strings.Contains(v.text, "Web sign-in") {
		t.Errorf("with web sign-in off the globe is there: %s", v.text)
	}
	if v = b.submit(stale, "/web"); v.failure() != "webSignInOff" || len(w.seat.pages()) != 0 {
		t.Errorf("with web sign-in off a page of before gets %q", v.failure())
	}
	if v = b.get(w.lock.URL + "/help"); !strings.Contains(v.text, "Web sign-in: switched off by policy (policy Lock screens )") {
		t.Errorf("help does not say why: %s", v.text)
	}
	w.policy(devicepolicy.EnableWebSignIn, 1)
	await(t, told, "the policy")
	if v = b.home(w, person); !v.has("/web") {
		t.Errorf("with web sign-in on again: %s", v.text)
	}

	// Who was here last and how is there after a restart, and whatever is written into the file
	// brings nothing back that is not offered.
	if v = b.submit(b.home(w, person+"&way=pin"), "/pin", "pin", firstPIN); v.at.Path != "/desktop" {
		t.Fatalf("the PIN: %s", v.text)
	}
	habits := filepath.Join(w.options.State, "habits.json")
	text, err := os.ReadFile(habits)
	must(t, err)
	as := func(way string) string { return strings.Replace(string(text), `"pin"`, way, 1) }
	for edited, pin := range map[string]bool{string(text): true, as(`"web"`): false, as(`"key"`): true, as(`7`): true, "{": true} {
		must(t, os.WriteFile(habits, []byte(edited), 0o600))
		w.restart()
		b = w.browser()
		if v = b.home(w, ""); v.has("/pin") != pin || !v.has("/web") {
			t.Errorf("after a restart with %q: %s", edited, v.text)
		}
	}
	w.policy(devicepolicy.DefaultCredentialProvider, admx("DefaultCredentialProvider_Message", devicepolicy.ProviderWebSignIn))
	if v = b.submit(b.home(w, person+"&way=pin"), "/pin", "pin", firstPIN); v.at.Path != "/desktop" {
		t.Fatalf("the PIN: %s", v.text)
	}
	if v = b.home(w, person); v.has("/pin") {
		t.Errorf("the administrator's choice did not stay after a sign-in by PIN: %s", v.text)
	}
	if v = b.get(w.lock.URL + "/help"); !strings.Contains(v.text, "Comes first: Web sign-in (policy Lock screens )") {
		t.Errorf("help does not say what comes first: %s", v.text)
	}
	w.policy(devicepolicy.ExcludedCredentialProviders, admx("ExcludedCredentialProviders_Message", devicepolicy.ProviderPIN))
	if v = b.home(w, person+"&way=pin"); v.has("/pin") || strings.Contains(v.text, "PIN") {
		t.Errorf("an excluded way is there: %s", v.text)
	}
	if v = b.submit(stale, "/pin", "pin", firstPIN); v.failure() == "" || len(w.seat.sessions()) != 2 {
		t.Errorf("an excluded PIN opens a session")
	}

	if got := b.home(w, "").tiles(); !strings.HasPrefix(got, "A Administrator") {
		t.Errorf("the tiles are %q", got)
	}
	w.policy(devicepolicy.UserList, 1)
	if got := b.home(w, "").tiles(); got != "Other user" {
		t.Errorf("with nobody on the screen, the tiles are %q", got)
	}
	w.policy(devicepolicy.UserList, 2)
	if got := b.home(w, "").tiles(); got != "Other user" {
		t.Errorf("on the organisation's device, the tiles are %q", got)
	}
}

func TestASharedDeviceRemembersNobodyAndOffersNoPIN(t *testing.T) {
	w := newWorld(t)
	w.policy(devicepolicy.SharedMode, 1)
	b := w.browser()
	v := b.home(w, "")
	if v.tiles() != "Other user" || v.has("/pin") || !v.has("/web") {
		t.Fatalf("the screen: %s", v.text)
	}
	w.policy(devicepolicy.PreferredTenantDomain, "contoso.example")
	// The name is asked first, and the preferred domain may be left out (behaviour L3).
	v = b.submit(v, "/web")
	if v.step() != "identify" {
		t.Fatalf("the first question is %s", v.step())
	}
	if v = b.signIn(v, "mira", w.pass(mira)); v.at.Path != "/desktop" {
		t.Fatalf("after the pass: %s %s", v.at, v.text)
	}
	if o := w.seat.sessions()[0]; o.By != lockscreen.Web || o.PINSet || o.PINDue || o.Account.UPN != mira {
		t.Errorf("the session: %+v", o)
	}
	if got := b.home(w, "").tiles(); got != "Other user" {
		t.Errorf("after sign-out the tiles are %q", got)
	}
}

// Behaviours L2, L4, L5, L8, L9, L17, L18, L19 and L20 of web sign-in.
func TestWebSignInHasAWayBackAtEveryStep(t *testing.T) {
	w := newWorld(t)
	w.seat.other = true // as on a real machine: another browser shows the page
	b := w.browser()

	t.Run("one click shows the page elsewhere, and cancel brings the tiles", func(t *testing.T) {
		v := b.submit(b.home(w, "?person=other"), "/web")
		if v.step() != "websignin" || len(w.seat.pages()) != 1 || !strings.HasPrefix(w.seat.pages()[0].URL, w.site.URL) {
			t.Fatalf("after the click: %s %+v", v.step(), w.seat.pages())
		}
		if v = b.home(w, ""); v.step() != "websignin" {
			t.Errorf("the screen went on while somebody signs in: %s", v.step())
		}
		if v = b.submit(v, "/cancel"); v.step() != "lock" {
			t.Errorf("cancel leads to %s", v.step())
		}
	})
	t.Run("the box for the pass is first, and a link offers other ways", func(t *testing.T) {
		b.submit(b.home(w, "?person=other"), "/web")
		theirs := w.stranger()
		v := theirs.get(w.seat.pages()[1].URL)
		v = theirs.post(v.at.String(), merge(v, url.Values{"username": {mira}}))
		if v.step() != "accesspass" || v.find(func(n *html.Node) bool { return strings.HasSuffix(attr(n, "href"), "&go=methods") }) == nil {
			t.Errorf("after the name: %s %s", v.step(), v.text)
		}
		// Who has no pass meets no dead end (behaviour L5): the list of ways, and whom to ask.
		if v = theirs.get(v.at.String() + "&go=methods"); v.step() != "methods" || v.failure() != "" {
			t.Errorf("other ways: %s %q", v.step(), v.failure())
		}
		w.screen.Lock()
	})
	t.Run("what comes of a pass ends with it", func(t *testing.T) {
		var got struct {
			Pass string `json:"temporaryAccessPass"`
		}
		w.graph(http.MethodPatch, "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/TemporaryAccessPass",
			`{"@odata.type":"#microsoft.graph.temporaryAccessPassAuthenticationMethodConfiguration","minimumLifetimeInMinutes":10}`, http.StatusNoContent, nil)
		w.graph(http.MethodPost, "/v1.0/users/"+mira+"/authentication/temporaryAccessPassMethods", `{"isUsableOnce":false,"lifetimeInMinutes":10}`, http.StatusCreated, &got)
		p, err := w.agent.SignInWithPass(t.Context(), mira, graphclient.NewSecret(got.Pass))
		must(t, err)
		if left := time.Until(p.Until); left > 10*time.Minute {
			t.Errorf("the token works for %v, and the pass for ten minutes", left)
		}
	})
	t.Run("cancel works when the network is cut in the middle", func(t *testing.T) {
		v := b.submit(b.home(w, "?person=other"), "/web")
		w.down.Store(true)
		defer w.down.Store(false)
		begun := time.Now()
		if v = b.submit(v, "/cancel"); v.step() != "lock" || time.Since(begun) > 3*time.Second {
			t.Errorf("cancel leads to %s after %v", v.step(), time.Since(begun))
		}
	})
	t.Run("without a network the screen says so before anybody types", func(t *testing.T) {
		w.down.Store(true)
		defer w.down.Store(false)
		w.now.Add(int64(time.Minute)) // since the server was heard
		v := b.home(w, "?person=other")
		if v.has("/web") || !strings.Contains(v.text, "No network.") {
			t.Errorf("the screen says %s", v.text)
		}
	})
	t.Run("a browser that does not start is told before anybody needs it", func(t *testing.T) {
		w.now.Add(int64(time.Minute))
		w.screen.Browser(&fault.Error{Kind: fault.Unavailable, Code: "browserAway", Text: "It can't be started.", Remedy: "Start it."})
		v := b.home(w, "?person=other")
		if !strings.Contains(v.text, "does not start") || !strings.Contains(v.text, "browserAway") {
			t.Errorf("the screen says %s", v.text)
		}
		shown := len(w.seat.pages())
		v = b.submit(v, "/web")
		if v.failure() != "browserAway" || !v.has("/pass") || len(w.seat.pages()) != shown {
			t.Errorf("the globe: %s %q %s", v.step(), v.failure(), v.text)
		}
		if v = b.submit(v, "/pass", "name", "mira", "accesspass", w.pass(mira)); v.step() != "register" {
			t.Errorf("a pass without a browser: %s %q %s", v.step(), v.failure(), v.text)
		}
		w.screen.Lock()
		if v = b.submit(b.submit(b.home(w, "?person=other"), "/web"), "/web"); v.failure() != "" || len(w.seat.pages()) != shown+1 {
			t.Errorf("trying all the same: %s %q", v.step(), v.failure())
		}
		w.screen.Browser(nil)
		w.screen.Lock()
		if v = b.home(w, "?person=other"); strings.Contains(v.text, "browserAway") {
			t.Errorf("a browser that works: %s", v.text)
		}
	})
	t.Run("a browser that crashed leaves a code and a way to try again", func(t *testing.T) {
		w.now.Add(int64(time.Minute))
		b.submit(b.home(w, "?person=other"), "/web")
		shown := len(w.seat.pages())
		w.screen.Crashed(errors.New("signal: killed"))
		v := b.get(w.lock.URL + "/web")
		if v.failure() != "lockBrowser" || !strings.Contains(v.text, "Code") {
			t.Fatalf("after the crash: %q %s", v.failure(), v.text)
		}
		if v = b.submit(v, "/web"); v.step() != "websignin" || v.failure() != "" || len(w.seat.pages()) != shown+1 {
			t.Errorf("trying again: %s %q", v.step(), v.failure())
		}
		w.screen.Crashed(errors.New("signal: killed"))
		if v = b.submit(b.get(w.lock.URL+"/web"), "/pass", "name", "mira", "accesspass", "WRONG"); v.failure() != "webSignInCredential" || strings.Contains(v.source, "WRONG") {
			t.Errorf("a wrong pass in the form that stands in: %s %q", v.step(), v.failure())
		}
		pass := w.pass(mira)
		if v = b.submit(v, "/pass", "name", "mira", "accesspass", pass); v.step() != "register" {
			t.Errorf("the right one: %s %q %s", v.step(), v.failure(), v.text)
		}
		w.nothingSecret(b, pass)
		w.screen.Lock()
		v = b.submit(b.home(w, "?person=other"), "/web")
		at, form := v.form("/cancel")
		form.Set("name", mira)
		form.Set("accesspass", w.pass(mira))
		if v = b.post(strings.Replace(at, "/cancel", "/pass", 1), form); v.step() != "websignin" || v.failure() != "lockChanged" {
			t.Errorf("the form while the browser works: %s %q", v.step(), v.failure())
		}
		w.screen.Crashed(errors.New("signal: killed"))
		if v = b.submit(b.get(w.lock.URL+"/web"), "/cancel"); v.step() != "lock" || v.failure() != "" {
			t.Errorf("cancel after a crash: %s %q", v.step(), v.failure())
		}
	})
	t.Run("nobody stays in a sign-in that takes too long", func(t *testing.T) {
		w.start(func(o *lockscreen.Options) { o.WebTime = 50 * time.Millisecond })
		b = w.browser()
		b.submit(b.home(w, "?person=other"), "/web")
		var v view
		w.within("the tiles", 5*time.Second, func() bool { v = b.home(w, ""); return v.step() == "lock" })
		if v.failure() != "lockTime" {
			t.Errorf("the screen says %q", v.failure())
		}
	})
	t.Run("after a restart the globe works at once", func(t *testing.T) {
		w.restart()
		b = w.browser()
		if v := b.submit(b.home(w, "?person=other"), "/web"); v.step() != "websignin" || v.failure() != "" {
			t.Errorf("after a restart: %s %q", v.step(), v.failure())
		}
		w.screen.Lock()
	})
	t.Run("the first sign-in after a hand-over leaves the globe where it is", func(t *testing.T) {
		b.submit(b.home(w, "?person=other"), "/web")
		theirs := w.stranger()
		theirs.comeBack(w, w.pass(mira), mira)
		v := b.home(w, "")
		if v.step() != "register" {
			t.Fatalf("after the pass: %s %s", v.step(), v.text)
		}
		if v = b.submit(v, "/new-pin", "later", "1"); v.step() != "opening" {
			t.Fatalf("later: %s %s", v.step(), v.text)
		}
		if o := w.seat.sessions()[0]; !o.PINDue || o.Account.UPN != mira {
			t.Errorf("the session: %+v", o)
		}
		w.screen.Lock()
		v = b.home(w, "?person="+w.person(mira))
		if !v.has("/web") || !strings.Contains(v.text, "You have no PIN on this device yet.") || strings.Contains(v.tiles(), "Default") {
			t.Errorf("the screen afterwards: %s", v.text)
		}
	})
	t.Run("a seat that opens no session leaves the tiles and a code", func(t *testing.T) {
		w.seat.broken = errBroken
		defer func() { w.seat.broken = nil }()
		b.submit(b.home(w, "?person=other"), "/web")
		w.stranger().comeBack(w, w.pass(mira), mira)
		if v := b.submit(b.home(w, ""), "/new-pin", "later", "1"); v.step() != "lock" || v.failure() != "generalException" {
			t.Errorf("the screen: %s %q", v.step(), v.failure())
		}
	})
}

// comeBack signs in on the page that the seat shows, and hands the answer to the screen, as the
// greeter's proxy does.
func (b *browser) comeBack(w *world, pass, upn string) {
	b.t.Helper()
	must(b.t, w.screen.Returned(b.t.Context(), b.answer(w, pass, upn)))
}

// answer signs in and returns what the identity provider answers.
func (b *browser) answer(w *world, pass, upn string) url.Values {
	b.t.Helper()
	pages := w.seat.pages()
	v := b.get(pages[len(pages)-1].URL)
	back, err := url.Parse(w.seat.back)
	must(b.t, err)
	b.stop = back.Host
	v = b.signIn(v, upn, pass)
	if v.at.Host != back.Host {
		b.t.Fatalf("the sign-in ends at %s (%s): %s", v.at, v.step(), v.text)
	}
	return v.at.Query()
}

func TestANewPINIsChosenByTheRulesAndEndsWithATry(t *testing.T) {
	w := newWorld(t)
	user := w.withPIN()
	w.policy(devicepolicy.MinimumPINLength, 8)
	b := w.browser()
	key := func() string {
		d, err := w.agent.Device()
		must(t, err)
		c, err := d.PINs.Containers.Find(user)
		must(t, err)
		return string(c.Key.Public)
	}
	former := key()
	forget := func() view {
		t.Helper()
		v := b.submit(b.get(w.lock.URL+"/forgot?person="+user), "/forgot")
		if v = b.signIn(v, admin, w.pass(admin)); v.step() != "register" && v.step() != "forgot" {
			t.Fatalf("after the pass: %s %q %s", v.step(), v.failure(), v.text)
		}
		return v
	}
	t.Run("a PIN that breaks a rule is told, and nothing else is asked", func(t *testing.T) {
		v := forget()
		if !strings.Contains(v.text, "8 digits or more") || !strings.Contains(v.text, "No other question until") {
			t.Errorf("the wizard says %s", v.text)
		}
		for pin, code := range map[string]string{"1234": "pinTooWeak", "12345678": "pinTooWeak"} {
			if v = b.submit(v, "/new-pin", "pin", pin, "repeat", pin); v.step() != "register" || v.failure() != code {
				t.Errorf("%s: %s %q", pin, v.step(), v.failure())
			}
		}
		if v = b.submit(v, "/new-pin", "pin", "27182818", "repeat", "27182819"); v.failure() != "pinRepeat" {
			t.Errorf("another one in the second field: %q", v.failure())
		}
		if v = b.home(w, ""); v.step() != "register" {
			t.Errorf("after a crash of the browser the wizard is gone: %s", v.step())
		}
		if v = b.submit(v, "/new-pin", "pin", "27182819", "repeat", "27182819"); v.at.Path != "/desktop" || key() != former {
			t.Errorf("the new PIN: %s %q; the key is the same: %v", v.at, v.failure(), key() == former)
		}
	})
	t.Run("where the key can't stay, the loss is confirmed by name first", func(t *testing.T) {
		w.policy(devicepolicy.EnablePINRecovery, 0)
		v := forget()
		if v.step() != "forgot" || key() != former {
			t.Fatalf("before the loss: %s %s", v.step(), v.text)
		}
		for _, want := range []string{"can't be copied", "Sign-ins of applications", "files are not encrypted with it", "nothing to make a copy of"} {
			if !strings.Contains(v.text, want) {
				t.Errorf("what is lost is said without %q: %s", want, v.text)
			}
		}
		if v = b.get(w.lock.URL + "/new-pin"); v.step() != "forgot" {
			t.Errorf("the wizard is reached without a word: %s", v.step())
		}
		if v = b.submit(v, "/forgot", "confirm", "yes"); v.failure() != "lockConfirm" {
			t.Errorf("another word: %q", v.failure())
		}
		v = b.submit(v, "/forgot", "confirm", "lt-0451")
		if v = b.submit(v, "/new-pin", "pin", "31415926", "repeat", "31415926"); v.at.Path != "/desktop" || key() == former {
			t.Errorf("the new PIN: %s %q; the key is another one: %v", v.at, v.failure(), key() != former)
		}
	})
	t.Run("a locked PIN is replaced after web sign-in without a question", func(t *testing.T) {
		w.policy(devicepolicy.EnablePINRecovery, 1)
		for range 5 {
			w.now.Add(int64(time.Minute))
			b.submit(b.home(w, "?person="+user+"&way=pin"), "/pin", "pin", "99999998")
		}
		v := b.home(w, "?person="+user)
		if w.pinState(user) != device.PINLocked || !strings.Contains(v.text, "PIN locked") {
			t.Fatalf("%s: %s", w.pinState(user), v.text)
		}
		v = b.signIn(b.submit(v, "/web"), admin, w.pass(admin))
		if v.step() != "register" {
			t.Fatalf("after the pass: %s", v.step())
		}
		if v = b.submit(v, "/new-pin", "pin", "27182818", "repeat", "27182818"); v.at.Path != "/desktop" {
			t.Errorf("the new PIN: %s %q", v.at, v.failure())
		}
	})
	t.Run("a wizard that is left alone ends, and opens nothing", func(t *testing.T) {
		v := forget()
		w.now.Add(int64(11 * time.Minute))
		opened := len(w.seat.sessions())
		if v = b.submit(v, "/new-pin", "pin", "16180339", "repeat", "16180339"); v.at.Path == "/desktop" {
			t.Error("a PIN was set after the time was over")
		}
		if v = b.home(w, ""); v.has("/new-pin") {
			v = b.submit(v, "/new-pin", "later", "1")
		}
		if len(w.seat.sessions()) != opened {
			t.Error("a session was opened after the time was over")
		}
		w.screen.Lock()
	})
	t.Run("an expired PIN changes by itself", func(t *testing.T) {
		w.policy(devicepolicy.PINExpiration, 1)
		if v := b.home(w, "?person="+user); !strings.Contains(v.text, "Your PIN expires on") {
			t.Errorf("the day before: %s", v.text)
		}
		w.down.Store(true)
		w.now.Add(int64(time.Minute)) // since the server was heard
		if v := b.home(w, "?person="+user); !strings.Contains(v.text, "Your PIN expires on") || !strings.Contains(v.text, "No network.") {
			t.Errorf("the day before, without a network: %s", v.text)
		}
		w.down.Store(false)
		b.submit(b.home(w, "?person="+user+"&way=pin"), "/pin", "pin", "27182818")
		if all := w.seat.sessions(); all[len(all)-1].Ends.IsZero() {
			t.Error("the seat is not told when the PIN expires")
		}
		w.screen.Lock()
		w.now.Add(int64(25 * time.Hour))
		v := b.submit(b.home(w, "?person="+user+"&way=pin"), "/pin", "pin", "27182818")
		if v.step() != "register" || !strings.Contains(v.text, "Former PIN") {
			t.Fatalf("an expired PIN: %s %q %s", v.step(), v.failure(), v.text)
		}
		if v = b.submit(v, "/new-pin", "former", "27182818", "pin", "16180339", "repeat", "16180339"); v.at.Path != "/desktop" {
			t.Errorf("the new one: %s %q %s", v.at, v.failure(), v.text)
		}
	})
}

func TestAForgottenPINIsReplacedByItsOwnerAlone(t *testing.T) {
	w := newWorld(t)
	user := w.withPIN()
	b := w.browser()
	v := b.submit(b.get(w.lock.URL+"/forgot?person="+user), "/forgot")
	v = b.get(v.at.String() + "&go=forget")
	if v = b.signIn(v, mira, w.pass(mira)); v.failure() != "lockOtherPerson" || len(w.seat.sessions()) != 0 {
		t.Errorf("somebody else: %s %q", v.at, v.failure())
	}
	b.submit(v, "/cancel")
	if v = b.submit(b.home(w, "?person="+user), "/pin", "pin", firstPIN); v.at.Path != "/desktop" {
		t.Errorf("the PIN that was not theirs: %s", v.text)
	}
}

// What was right when the wizard began may not be when it ends.
func TestNobodyGetsPastASessionThatWasLockedMeanwhile(t *testing.T) {
	w := newWorld(t)
	user := w.withPIN()
	b := w.browser()
	v := b.submit(b.home(w, "?person=other&way=web"), "/web")
	if v = b.signIn(v, mira, w.pass(mira)); v.step() != "register" {
		t.Fatalf("no wizard: %s %s", v.at, v.text)
	}
	w.seat.lockTo(user)
	if v = b.submit(v, "/new-pin", "later", "1"); v.failure() != "lockSomebodyElse" || len(w.seat.sessions()) != 0 {
		t.Errorf("a session of somebody else is locked: %s %q, %+v", v.at, v.failure(), w.seat.sessions())
	}
}

// Behaviour L15 of web sign-in.
func TestALockedSessionIsUnlockedByItsPersonAlone(t *testing.T) {
	w := newWorld(t)
	user := w.withPIN()
	b := w.browser()
	w.seat.lockTo(user)
	v := b.home(w, "?person=other")
	if v.tiles() != "A Administrator" || !strings.Contains(v.text, "Unlock") {
		t.Fatalf("the screen of a locked session: %s", v.text)
	}
	if v = b.submit(v, "/pin", "pin", firstPIN); v.at.Path != "/desktop" {
		t.Errorf("the PIN: %s", v.text)
	}
	v = b.submit(b.home(w, ""), "/web")
	if v = b.signIn(v, admin, w.pass(admin)); v.at.Path != "/desktop" {
		t.Errorf("web sign-in: %s %s", v.at, v.text)
	}
	opened := len(w.seat.sessions())
	v = b.submit(b.home(w, ""), "/web")
	v = b.get(v.at.String() + "&go=forget")
	if v = b.signIn(v, mira, w.pass(mira)); v.failure() != "lockSomebodyElse" || len(w.seat.sessions()) != opened {
		t.Errorf("somebody else: %s %q", v.at, v.failure())
	}
	w.screen.Lock()
	v = b.home(w, "")
	_, form := v.form("/web")
	form.Set("person", w.person(mira))
	form.Set("pin", firstPIN)
	if v = b.post(w.lock.URL+"/pin", form); len(w.seat.sessions()) != opened {
		t.Errorf("somebody else's name in the form: %s", v.at)
	}
}

func TestWhatTheDeviceIsToldShowsOnTheScreen(t *testing.T) {
	w := newWorld(t)
	user := w.withPIN()
	b := w.browser()
	t.Run("a PIN says for how long it works offline", func(t *testing.T) {
		w.down.Store(true)
		defer w.down.Store(false)
		w.now.Add(int64(time.Minute))
		v := b.home(w, "?person="+user)
		if !strings.Contains(v.text, "Your PIN works without one until") || !v.has("/pin") {
			t.Errorf("offline: %s", v.text)
		}
		if v = b.submit(v, "/pin", "pin", firstPIN); v.at.Path != "/desktop" || !w.seat.sessions()[0].Offline || w.seat.sessions()[0].Left < 13*24*time.Hour {
			t.Errorf("unlocked offline: %s %+v", v.at, w.seat.sessions())
		}
	})
	t.Run("a PIN that the organisation deleted says so", func(t *testing.T) {
		d, err := w.agent.Device()
		must(t, err)
		c, err := d.PINs.Containers.Find(user)
		must(t, err)
		w.now.Add(int64(time.Minute))
		w.graph(http.MethodDelete, "/v1.0/users/"+user+"/authentication/windowsHelloForBusinessMethods/"+c.Method, "", http.StatusNoContent, nil)
		if v := b.submit(b.home(w, "?person="+user+"&way=pin"), "/pin", "pin", firstPIN); v.failure() != "pinRefused" {
			t.Errorf("a deleted PIN: %q %s", v.failure(), v.text)
		}
	})
	t.Run("Fix my PIN says what it found, part by part", func(t *testing.T) {
		v := b.submit(b.get(w.lock.URL+"/help"), "/repair")
		for _, part := range []string{"TPM: works", "PIN: works", "Registration: works", "Policy: works", "Clock:"} {
			if !strings.Contains(v.text, part) {
				t.Errorf("%q is not on the page: %s", part, v.text)
			}
		}
	})
	t.Run("an account that is switched off is told", func(t *testing.T) {
		p := w.person(mira)
		must(t, w.agent.Contact(t.Context()))
		_, err := w.agent.Lookup(t.Context(), "mira")
		must(t, err)
		w.graph(http.MethodPatch, "/v1.0/users/"+mira, `{"accountEnabled":false}`, http.StatusNoContent, nil)
		must(t, w.agent.Contact(t.Context()))
		v := b.home(w, "?person="+p)
		if !strings.Contains(v.text, "This account is switched off.") || v.has("/web") || v.has("/pin") {
			t.Errorf("the screen: %s", v.text)
		}
	})
	t.Run("in German", func(t *testing.T) {
		v := b.home(w, "?lang=de&person="+user)
		if !strings.Contains(v.text, "Webanmeldung") || strings.Contains(v.text, "Web sign-in") {
			t.Errorf("the screen: %s", v.text)
		}
		b.home(w, "?lang=en")
	})
	t.Run("a device that the organisation switched off", func(t *testing.T) {
		d, err := w.agent.Device()
		must(t, err)
		w.graph(http.MethodPatch, "/v1.0/devices/"+d.Identity().ObjectID, `{"accountEnabled":false}`, http.StatusNoContent, nil)
		_ = w.agent.Contact(t.Context())
		v := b.home(w, "")
		if !strings.Contains(v.text, "switched this device off") || v.has("/web") || v.has("/pin") {
			t.Errorf("the screen: %s", v.text)
		}
	})
}

func TestTheMachineIsSwitchedOffAndItsNetworkChosenOnTheScreen(t *testing.T) {
	w := newWorld(t)
	n := &network{}
	w.start(func(o *lockscreen.Options) { o.Network = n })
	b := w.browser()
	v := b.home(w, "?person=other")
	if v.has("/web") || !strings.Contains(v.text, "Choose a network") {
		t.Fatalf("without a network: %s", v.text)
	}
	v = b.get(w.lock.URL + "/network?id=cafe")
	if v = b.submit(v, "/network", "secret", "wrong"); v.failure() != "networkSecret" || strings.Contains(v.source, "wrong") {
		t.Errorf("a wrong passphrase: %q", v.failure())
	}
	if v = b.submit(v, "/network", "secret", "right"); v.step() != "lock" || !v.has("/web") || !strings.Contains(v.text, "Café") {
		t.Errorf("connected: %s %s", v.step(), v.text)
	}
	b.submit(b.get(w.lock.URL+"/power"), "/power", "action", "restart")
	if len(w.seat.power) != 1 || w.seat.power[0] != lockscreen.Restart {
		t.Errorf("the seat was asked to %v", w.seat.power)
	}
}

// "Fix my PIN" in German: what the agent finds is said by its stable name, and the agent's own
// words follow, marked as English, where they say more.
func TestFixMyPINSpeaksTheLanguageOfThePage(t *testing.T) {
	w := newWorld(t)
	user := w.withPIN()
	b := w.browser()
	b.home(w, "?lang=de")
	repair := func() (parts []string, english string) {
		t.Helper()
		v := b.submit(b.get(w.lock.URL+"/help"), "/repair")
		for n := range v.main().Descendants() {
			switch {
			case n.Data == "li" && (strings.HasPrefix(attr(n, "class"), "mark good") || attr(n, "class") == "mark danger") && attr(n.Parent.Parent, "role") == "status":
				parts = append(parts, strings.Join(strings.Fields(textOf(n)), " "))
			case attr(n, "lang") == "en":
				english += textOf(n)
			}
		}
		return parts, english
	}
	if parts, english := repair(); len(parts) != 5 || english != "" || !strings.Contains(parts[1], "Jede PIN") {
		t.Errorf("a sound device: %q, in English %q", parts, english)
	}
	must(t, os.WriteFile(filepath.Join(w.options.State, "containers", user+".json"), []byte("{"), 0o600))
	if parts, english := repair(); len(parts) != 5 || english != "" || !strings.Contains(parts[1], "entfernt. Melden Sie sich") {
		t.Errorf("a damaged PIN: %q, in English %q", parts, english)
	}
	w.now.Add(int64(time.Hour))
	if parts, english := repair(); len(parts) != 5 || !strings.Contains(parts[4], "Die Uhr geht anders") || !strings.Contains(english, "off the server's") {
		t.Errorf("a clock that is wrong: %q, in English %q", parts, english)
	}
	w.down.Store(true)
	if parts, english := repair(); len(parts) != 3 || !strings.Contains(parts[2], "nicht erreichbar") || !strings.Contains(parts[2], "Prüfen Sie das Netz") || !strings.Contains(english, w.site.URL) {
		t.Errorf("a server that is away: %q, in English %q", parts, english)
	}
}

// A network that wants a sign-in of its own is told as such: by NetworkManager's word, or since
// something else answers in the server's place; not while the server itself is reached.
func TestANetworkThatWantsASignInOfItsOwnIsTold(t *testing.T) {
	const says, short = "This network seems to want a sign-in of its own first.", "wants its own sign-in"
	w := newWorld(t)
	user := w.withPIN()
	n := &network{connected: true}
	n.portal.Store(true)
	w.start(func(o *lockscreen.Options) { o.Network = n })
	b := w.browser()
	look := func() view {
		w.now.Add(int64(time.Minute)) // since the server was heard
		return b.home(w, "?person="+user)
	}
	if v := look(); strings.Contains(v.text, says) || !v.has("/web") {
		t.Errorf("while the server answers: %s", v.text)
	}
	told := func(how string) {
		t.Helper()
		v := look()
		w.within("the page of "+how, 5*time.Second, func() bool { v = b.home(w, "?person="+user); return strings.Contains(v.text, short) })
		if !strings.Contains(v.text, says) || !strings.Contains(v.text, "Your PIN works without it until") || v.has("/web") || !v.has("/pin") {
			t.Errorf("%s: %s", how, v.text)
		}
		for _, at := range []string{"/help", "/network"} {
			if v := b.get(w.lock.URL + at); !strings.Contains(v.text, says) || !strings.Contains(v.text, "a PIN may") {
				t.Errorf("%s: %s says %s", how, at, v.text)
			}
		}
	}
	w.down.Store(true)
	told("a network that NetworkManager knows for it")
	n.portal.Store(false)
	w.now.Add(int64(time.Minute))
	w.within("an outage alone", 5*time.Second, func() bool {
		v := b.home(w, "?person="+user)
		return strings.Contains(v.text, "No network.") && !strings.Contains(v.text, says)
	})
	w.foreign()
	told("a foreign certificate")
}

type network struct {
	connected bool
	portal    atomic.Bool
}

func (n *network) State(context.Context) (lockscreen.NetworkState, error) {
	if n.connected {
		return lockscreen.NetworkState{Connected: true, Name: "Café", Portal: n.portal.Load()}, nil
	}
	return lockscreen.NetworkState{}, nil
}

func (n *network) List(context.Context) ([]lockscreen.AccessPoint, error) {
	return []lockscreen.AccessPoint{{ID: "cafe", Name: "Café", Strength: 50, Secured: true, Active: n.connected}}, nil
}

func (n *network) Connect(_ context.Context, id, secret string) error {
	if id != "cafe" || secret != "right" {
		return lockscreen.ErrNetworkSecret
	}
	n.connected = true
	return nil
}
