package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/server"
)

var matchShown = regexp.MustCompile(`class="match-number">(\d\d)<`)

// askPhone asks the phones of a case, and returns the number that the page shows.
func (x trip) askPhone() string {
	x.t.Helper()
	a := x.post("/recover/case", url.Values{"ask": {"phone"}})
	found := matchShown.FindStringSubmatch(a.body)
	if found == nil {
		x.t.Fatalf("no number: %d\n%s", a.status, a.body)
	}
	return found[1]
}

// matched goes on after the phone, and returns where.
func (x trip) matched() string {
	x.t.Helper()
	return x.post("/recover/case", url.Values{"ask": {"matched"}}).location
}

func TestAPhoneThatIsLeftShowsWhoAsksAndHearsOfTheRecovery(t *testing.T) {
	c := &wrist{}
	w := newPhoneWorld(t, func(o *server.Options) { o.Wall, o.Mail.Mailbox = c.now, true })
	x := trip{world: w, clock: c}
	var p *phone
	x.sam, p = w.phonePerson("sam")
	news := p.news()
	c.move(time.Hour)

	number := x.ask("sam@contoso.example")
	x.wantNews(news, "opened", "recovery")
	const wrong = "/recover/case?said=wrong"
	if at := x.matched(); at != wrong {
		t.Errorf("before the phone is asked: %s", at)
	}
	shown := x.askPhone()
	// Who reads the number of the case out is taken for the one who asked: nobody learns it at the phone.
	if asked := fmt.Sprint(p.waiting()); strings.Contains(asked, strings.TrimPrefix(number, "R-")) || !strings.Contains(asked, "Get help to sign in") {
		t.Errorf("the phone shows %s", asked)
	}
	if at := x.matched(); at != wrong {
		t.Errorf("before the phone answers: %s", at)
	}
	p.refused("phoneTypedWrong", "POST", "request", p.answer(p.waiting(), "approve", wrongFor(shown)))
	if at := x.matched(); at != wrong {
		t.Errorf("after another number: %s", at)
	}
	c.move(6 * time.Minute)
	x.askPhone()
	p.want(http.StatusOK, "POST", "request", p.answer(p.waiting(), "deny", ""))
	if at := x.matched(); at != wrong {
		t.Errorf("after the phone said no: %s", at)
	}
	c.move(6 * time.Minute)
	shown = x.askPhone()
	late := p.answer(p.waiting(), "approve", shown)
	c.move(15 * time.Minute)
	p.refused("phoneRequestLate", "POST", "request", late)
	if at := x.matched(); at != wrong {
		t.Errorf("after a late answer: %s", at)
	}
	shown = x.askPhone()
	p.approve(shown)
	theirs := x.browser
	x.newBrowser()
	x.ask("sam@contoso.example") // somebody else's case of the same person
	x.wantNews(news, "opened", "recovery")
	if at := x.matched(); at != wrong {
		t.Errorf("the approval counts in another browser: %s", at)
	}
	x.browser = theirs
	if at := x.matched(); at != "/recover/case" || !strings.Contains(x.get(at).body, "Your phone showed the number") {
		t.Fatalf("after the phone said yes: %s", at)
	}

	// Somebody who recovers alone: nothing while it is off or only evaluated, a pass in production.
	for _, mode := range []string{"off", "evaluation"} {
		x.selfService(mode)
		if a := x.post("/recover/case", url.Values{"ask": {"pass"}}); strings.Contains(a.body, "data-pass") {
			t.Errorf("a pass while it is %s", mode)
		}
	}
	app := x.appToken()
	if _, v := x.api(http.MethodGet, "/v1.0/users/"+x.sam+"/authentication/temporaryAccessPassMethods", app, ""); len(v["value"].([]any)) != 1 {
		t.Errorf("evaluation left a pass beside the first one: %v", v)
	}
	x.selfService("production")
	if a := x.post("/recover/case", url.Values{"ask": {"pass"}}); !strings.Contains(a.body, "data-pass") {
		t.Fatalf("no pass in production:\n%s", a.body)
	}
	x.wantNews(news, "issued", "recovery")
	if status, v := x.api(http.MethodPost, recoveryCases+"/"+number+"/dispute", app, `{"note":"Sam says it was not them"}`); status != http.StatusOK {
		t.Fatalf("dispute: %d %v", status, v)
	}
	x.wantNews(news, "disputed", "recovery")
	if a := x.post("/recover/case", url.Values{"ask": {"matched"}}); !strings.Contains(a.body, `data-error="caseDisputed"`) {
		t.Errorf("after the dispute: %d %s\n%s", a.status, a.location, a.body)
	}
	if a := x.post("/recover/case", url.Values{"ask": {"pass"}}); strings.Contains(a.body, "data-pass") {
		t.Error("a pass of a disputed case")
	}
}

// asksPhone asks the phones of the case of this browser, and returns how that was answered.
func (x trip) asksPhone() string {
	x.t.Helper()
	a := x.post("/recover/case", url.Values{"ask": {"phone"}})
	switch {
	case matchShown.MatchString(a.body):
		return "asked"
	case a.status == http.StatusTooManyRequests && strings.Contains(a.body, `data-error="askedTooOften"`):
		return "often"
	}
	return fmt.Sprint(a.status, a.location)
}

// ringing is the request that waits at p, or nothing.
func (p *phone) ringing() (map[string]any, bool) {
	p.w.t.Helper()
	if a := p.call("GET", "request", ""); a.status == http.StatusNoContent {
		return nil, false
	}
	return p.waiting(), true
}

func TestACaseRingsAPhoneNoMoreOftenThanASignIn(t *testing.T) {
	c := &wrist{}
	w := newPhoneWorld(t, func(o *server.Options) { o.Wall = c.now })
	x := trip{world: w, clock: c}
	var p *phone
	x.sam, p = w.phonePerson("sam")
	page, number := w.toPhone("sam@contoso.example") // Sam's own browser becomes familiar
	w.send(page)
	p.approve(number)
	w.answered(page)
	w.post(page, url.Values{"stay": {"no"}})
	home := w.browser
	c.move(time.Until(time.Now().Truncate(time.Minute)) + 2*time.Hour) // the beginning of a minute

	x.newBrowser()
	x.ask("sam@contoso.example")
	stranger := x.browser
	x.newBrowser()
	x.ask("nobody@contoso.example")
	nobody := x.browser
	x.askPhone()
	x.browser = stranger
	shown := x.askPhone()
	theirs := p.waiting()["id"]

	// A stranger's request keeps nobody away from their own phone.
	x.browser = home
	x.askAt(w.authorize(url.Values{"prompt": {"login"}}).location, "sam@contoso.example")
	number = x.askPhone()
	if p.waiting()["id"] == theirs {
		t.Error("a stranger's request keeps the owner's away")
	}
	p.approve(number)
	if at := x.matched(); at != "/recover/case" {
		t.Errorf("the owner, after approving: %s", at)
	}
	// Who presses again sees the same number, and the phone hears nothing more.
	x.browser = stranger
	if again := x.askPhone(); again != shown {
		t.Errorf("the page shows %s, and showed %s", again, shown)
	}
	if r, rings := p.ringing(); rings {
		t.Errorf("the same minute rings twice: %v", r)
	}

	rings := 1
	for i := range 15 {
		c.move(time.Minute)
		x.browser = nobody
		other := x.asksPhone()
		x.browser = stranger
		got := x.asksPhone()
		r, rang := p.ringing()
		if rang {
			rings++
			p.want(http.StatusOK, "POST", "request", p.answer(r, "deny", ""))
		}
		if rang != (got == "asked") {
			t.Errorf("minute %d: %s, and it rings: %t", i, got, rang)
		}
		if other != got {
			t.Errorf("minute %d: %q, and %q for a name that nobody has", i, got, other)
		}
	}
	if rings != 6 { // five, and one ten minutes after the last
		t.Errorf("the phone rang %d times in a quarter of an hour", rings)
	}
	x.newBrowser()
	x.ask("sam@contoso.example")
	if got := x.asksPhone(); got != "often" {
		t.Errorf("from another case: %s", got)
	}
	page, _ = w.toPhone("sam@contoso.example")
	if a := w.post(page, url.Values{"ask": {"authenticator"}}); a.status != http.StatusTooManyRequests {
		t.Errorf("from a sign-in: %d", a.status)
	}
	x.browser = home
	if got := x.asksPhone(); got != "asked" {
		t.Errorf("the owner's own budget: %s", got)
	}
	late := p.answer(p.waiting(), "deny", "")
	c.move(time.Minute)
	p.refused("phoneRequestLate", "POST", "request", late)
	// What policy does not count rings no phone.
	if status, v := x.api(http.MethodPatch, "/v1.0/postern/recovery/policy", x.appToken(), `{"levels":{"numberMatch":"none"}}`); status != http.StatusOK {
		t.Fatalf("policy: %d %v", status, v)
	}
	if got := x.asksPhone(); got != fmt.Sprint(http.StatusSeeOther, "/recover/case") {
		t.Errorf("while policy does not count it: %s", got)
	}
	if r, rings := p.ringing(); rings {
		t.Errorf("what policy does not count rings: %v", r)
	}
}

// TestADeviceThatKnowsAPersonHasItsOwnBudgetForTheirPhone when help is asked for at its lock screen, whose
// browser is a new one each time, as long as it may be used; somebody whom it doesn't know has none.
func TestADeviceThatKnowsAPersonHasItsOwnBudgetForTheirPhone(t *testing.T) {
	c := &wrist{}
	w := newPhoneWorld(t, func(o *server.Options) { o.Wall = c.now })
	x := trip{world: w, clock: c}
	var p *phone
	x.sam, p = w.phonePerson("sam")
	_, pass := w.passFor(x.sam)
	m := newMachine(w)
	out := m.join(m.token("sam@contoso.example", pass))
	w.createUser("kim")
	at := func(name string, begin func() answer) *http.Client {
		x.newBrowser()
		x.askAt(begin().location, name)
		return x.browser
	}
	lockScreen := func() answer { return w.present(m.push(webSignIn(out.DeviceID))) }
	sam, kim := at("sam@contoso.example", lockScreen), at("kim@contoso.example", lockScreen)
	stranger := at("sam@contoso.example", func() answer { return x.get("/security-info") })
	c.move(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute))) // the beginning of a minute
	rings := func(from, want string) {
		t.Helper()
		if got := x.asksPhone(); got != want {
			t.Errorf("%s: %s, want %s", from, got, want)
		}
		if r, rang := p.ringing(); rang {
			p.want(http.StatusOK, "POST", "request", p.answer(r, "deny", ""))
		}
		c.move(time.Minute)
	}

	// A stranger spends what unfamiliar places have for Sam.
	for range 5 {
		rings("the stranger", "asked")
	}
	rings("the stranger", "often")

	x.browser = sam
	rings("Sam at their laptop", "asked")
	x.browser = stranger
	rings("the stranger", "often")

	// Whom the device doesn't know is a stranger at it.
	x.browser = kim
	for range 5 {
		rings("Kim at Sam's laptop", "asked")
	}
	rings("Kim at Sam's laptop", "often")

	w.api(http.MethodPatch, "/v1.0/devices/"+out.ObjectID, w.appToken(), `{"accountEnabled":false}`)
	x.browser = stranger
	for x.asksPhone() == "asked" { // as often as it slowly gets free again
		c.move(time.Minute)
	}
	x.browser = sam
	rings("Sam at a laptop that was switched off", "often")
}

// TestAtALockScreenNobodyElseSpendsTheQuestionsOfWhomItKnows to colleagues, nor their codes: not while they
// wait, nor once their case gave way to others.
func TestAtALockScreenNobodyElseSpendsTheQuestionsOfWhomItKnows(t *testing.T) {
	c := &wrist{}
	w := newPhoneWorld(t, func(o *server.Options) { o.Wall, o.Hold = c.now, time.Nanosecond })
	x := trip{world: w, clock: c}
	x.sam, _ = w.phonePerson("sam")
	_, pass := w.passFor(x.sam)
	m := newMachine(w)
	out := m.join(m.token("sam@contoso.example", pass))
	atLockScreen := func() *http.Client {
		m.ahead = time.Until(c.now())
		x.newBrowser()
		x.askAt(w.present(m.push(webSignIn(out.DeviceID))).location, "sam@contoso.example")
		return x.browser
	}
	theirs := atLockScreen()
	x.newBrowser()
	x.ask("sam@contoso.example")
	stranger := x.browser
	forms := []url.Values{{"ask": {"colleague"}, "colleague": {"kim@contoso.example"}}, {"ask": {"mail"}}}
	compare := func(when string) {
		t.Helper()
		for _, form := range forms {
			x.browser = stranger
			spent := false
			for range 8 {
				spent = spent || x.post("/recover/case", form).status == http.StatusTooManyRequests
				if form.Get("ask") == "mail" {
					c.move(30 * time.Minute) // one code in each
				}
			}
			if !spent {
				t.Fatalf("%s, %s: the stranger is never held back", when, form.Encode())
			}
			x.browser = theirs
			if a := x.post("/recover/case", form); a.status != http.StatusSeeOther {
				t.Errorf("%s, %s: %d %s", when, form.Encode(), a.status, told(a))
			}
		}
	}
	compare("while they wait")
	for range 3 { // theirs gives way
		c.move(time.Hour)
		atLockScreen()
	}
	compare("after it gave way")
}
