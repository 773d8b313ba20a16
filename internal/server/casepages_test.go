package server_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestWhoAsksAgainInTheSameBrowserSeesTheSameRequest(t *testing.T) {
	x := onATrip(t)
	differs := regexp.MustCompile(`R-[A-Z2-9]{6}|<bdi>[^<]*@[^<]*</bdi>|<time[^>]*>[^<]*</time>|<p class="small">.*`)
	var pages []string
	for _, name := range []string{"sam@contoso.example", "nobody@contoso.example"} {
		x.newBrowser()
		first := x.ask(name)
		for range 5 { // more often than a name has requests
			if again := x.ask(name); again != first {
				t.Fatalf("%s: %s, then %s", name, first, again)
			}
		}
		page := x.get("/recover/case?said=again").body
		if !strings.Contains(page, "You have asked already") {
			t.Errorf("%s: nothing says so:\n%s", name, page)
		}
		pages = append(pages, differs.ReplaceAllString(page, ""))
		if other := x.ask("mira@contoso.example"); other == first {
			t.Errorf("%s: somebody else's name gets the same request", name)
		}
		x.ask(name)
		x.post("/recover/case", url.Values{"ask": {"cancel"}})
		if anew := x.ask(name); anew == first {
			t.Errorf("%s: the same after it was ended", name)
		}
	}
	if pages[0] != pages[1] {
		t.Errorf("it differs for a name that nobody has:\n%s\n----\n%s", pages[0], pages[1])
	}
}

// A denied request looks like one that waits, and waits for days: whose it was would never come to another.
func TestWhoseRequestMayHaveBeenDeniedAsksAnewAfterAnHour(t *testing.T) {
	x := onATrip(t)
	// Whose page shows that somebody believes them goes on there: the next number would begin with nothing.
	number := x.ask("sam@contoso.example")
	theirs, link := x.browser, x.linked(linkToApprove)
	x.asKey(link, x.key)
	x.post(link, url.Values{"answer": {"yes"}, "number": {number}, "way": {"there"}})
	x.browser = theirs
	x.clock.move(2 * time.Hour)
	if again := x.ask("sam@contoso.example"); again != number {
		t.Errorf("a second request beside one that goes on: %s, %s", number, again)
	}
	for _, c := range []struct {
		name   string
		denied bool
	}{{"sam@contoso.example", true}, {"sam@contoso.example", false}, {"nobody@contoso.example", false}} {
		x.newBrowser()
		number := x.ask(c.name)
		if c.denied {
			if status, v := x.api(http.MethodPost, recoveryCases+"/"+number+"/refuse", x.appToken(), `{}`); status != http.StatusOK {
				t.Fatalf("refuse: %d %v", status, v)
			}
		}
		x.clock.move(59 * time.Minute)
		if again := x.ask(c.name); again != number {
			t.Errorf("%+v: a second request within the hour: %s, %s", c, number, again)
		}
		x.clock.move(2 * time.Minute)
		if anew := x.ask(c.name); anew == number {
			t.Errorf("%+v: the same request after an hour", c)
		}
	}
}

func TestTheManagersPageOfARequestNamesANewerOne(t *testing.T) {
	x := onATrip(t)
	x.ask("sam@contoso.example")
	first := x.linked(linkToApprove)
	x.clock.move(2 * time.Minute)
	x.newBrowser()
	number := x.ask("sam@contoso.example")
	theirs := x.browser
	second := x.linked(linkToApprove)
	if a := x.asKey(first, x.key); !strings.Contains(a.body, `id="newer"`) || !strings.Contains(a.body, `href="`+second+`"`) {
		t.Errorf("the older one: %d\n%s", a.status, a.body)
	}
	if a := x.post(first, url.Values{"answer": {"yes"}, "number": {number}, "way": {"there"}}); !strings.Contains(a.body, `data-error="caseNumberWrong"`) || !strings.Contains(a.body, `id="newer"`) {
		t.Errorf("the number of the newer one: %d\n%s", a.status, a.body)
	}
	if a := x.get(second); strings.Contains(a.body, `id="newer"`) || !strings.Contains(a.body, "Their phone is gone") {
		t.Errorf("the newer one: %d\n%s", a.status, a.body)
	}
	managers := x.browser
	x.browser = theirs
	x.post("/recover/case", url.Values{"ask": {"cancel"}})
	x.browser = managers
	if a := x.get(first); strings.Contains(a.body, `id="newer"`) {
		t.Errorf("once the newer one is over:\n%s", a.body)
	}
}

func TestAManagerWhoComesBackSeesWhenTheyApproved(t *testing.T) {
	x := onATrip(t)
	number := x.ask("sam@contoso.example")
	link := x.linked(linkToApprove)
	x.asKey(link, x.key)
	x.post(link, url.Values{"answer": {"yes"}, "number": {number}, "way": {"there"}})
	a := x.get(link)
	if !strings.Contains(a.body, "You approved this") || strings.Contains(a.body, `name="number"`) {
		t.Errorf("after the approval: %d\n%s", a.status, a.body)
	}
	if a := x.post(link, url.Values{"answer": {"no"}}); !strings.Contains(a.body, "It is refused") {
		t.Errorf("who knows better now: %d\n%s", a.status, a.body)
	}
}

func TestThePageOfACaseLooksAgain(t *testing.T) {
	x := onATrip(t)
	stands := func() string {
		t.Helper()
		a := x.get("/recover/case/stands")
		var v struct{ Stands string }
		if err := json.Unmarshal([]byte(a.body), &v); err != nil || a.status != http.StatusOK || a.header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %s: %v", a.status, a.body, err)
		}
		return v.Stands
	}
	if got := stands(); got != "" {
		t.Errorf("without a case: %q", got)
	}
	for _, name := range []string{"nobody@contoso.example", "sam@contoso.example"} {
		x.newBrowser()
		x.ask(name)
		page := x.get("/recover/case")
		for range 25 {
			if got := stands(); got != "open-0" || !strings.Contains(page.body, `data-stands="open-0"`) {
				t.Fatalf("%s: %q\n%s", name, got, page.body)
			}
		}
		if policy := page.header.Get("Content-Security-Policy"); !strings.Contains(policy, "connect-src 'self'") || !strings.Contains(page.body, "<noscript>") {
			t.Errorf("%s: %s", name, policy)
		}
		if a := x.post("/recover/case", url.Values{"ask": {"mail"}}); a.status != http.StatusSeeOther {
			t.Errorf("%s: looking cost a limit: %d", name, a.status)
		}
	}
	theirs := x.browser
	number := numberOfCase.FindString(x.get("/recover/case").body)
	link := x.linked(linkToApprove)
	x.asKey(link, x.key)
	x.post(link, url.Values{"answer": {"yes"}, "number": {number}, "way": {"there"}})
	x.browser = theirs
	if got := stands(); got != "issuable-1" || !strings.Contains(x.get("/recover/case").body, `data-stands="issuable-1"`) {
		t.Errorf("after the approval: %q", got)
	}
	if a := x.post("/recover/case", url.Values{"ask": {"pass"}}); !strings.Contains(a.body, "data-pass") || strings.Contains(a.body, "data-stands") {
		t.Errorf("a page with a pass goes away by itself:\n%s", a.body)
	}
}

func TestTheFieldForTheMailedCodeStaysWhileTheCodeMayBeOut(t *testing.T) {
	x := onATrip(t)
	for _, name := range []string{"sam@contoso.example", "nobody@contoso.example"} {
		x.newBrowser()
		x.ask(name)
		field := func() bool { return strings.Contains(x.get("/recover/case").body, `name="code"`) }
		if field() {
			t.Errorf("%s: before anything was sent", name)
		}
		sent := x.post("/recover/case", url.Values{"ask": {"mail"}})
		x.post("/recover/case", url.Values{"ask": {"colleague"}, "colleague": {"otto@contoso.example"}})
		if !field() {
			t.Errorf("%s: the field is gone", name)
		}
		age := regexp.MustCompile(`__Host-postern-case-code=.*Max-Age=(\d+)`).FindStringSubmatch(strings.Join(sent.header.Values("Set-Cookie"), "\n"))
		if age == nil {
			t.Fatalf("%s: %v", name, sent.header)
		}
		if n, err := strconv.Atoi(age[1]); err != nil || n < 30*60 || n > 60*60 {
			t.Errorf("%s: for %s seconds", name, age[1])
		}
		x.post("/recover/case", url.Values{"ask": {"cancel"}})
		x.ask(name)
		if field() {
			t.Errorf("%s: in the next case", name)
		}
	}
}

func TestWhoLostThePassThatWasShownAsksAgain(t *testing.T) {
	x := onATrip(t)
	number := x.ask("sam@contoso.example")
	theirs := x.browser
	if a := x.post("/recover/case", url.Values{"ask": {"again"}}); a.location != "/security-info" {
		t.Errorf("before there is a pass: %d %s", a.status, a.location)
	}
	link := x.linked(linkToApprove)
	x.asKey(link, x.key)
	x.post(link, url.Values{"answer": {"yes"}, "number": {number}, "way": {"there"}})
	x.browser = theirs
	x.post("/recover/case", url.Values{"ask": {"pass"}})
	again := x.post("/recover/case", url.Values{"ask": {"again"}})
	if a := x.get(again.location); a.status != http.StatusOK || !strings.Contains(a.body, `data-step="recover"`) || !strings.Contains(a.body, "sam@contoso.example") {
		t.Fatalf("ask again: %d %s: %d\n%s", again.status, again.location, a.status, a.body)
	}
	x.post(again.location, url.Values{"lost": {"phoneLost"}})
	if next := numberOfCase.FindString(x.get("/recover/case").body); next == "" || next == number {
		t.Errorf("the next case is %q after %q", next, number)
	}
}

func TestAManagerWithoutAPasskeyIsToldWhatToAdd(t *testing.T) {
	x := onATrip(t)
	boss := x.createUser("boss")
	x.managed(x.sam, boss)
	x.clock.move(8 * 24 * time.Hour)
	x.newBrowser()
	number := x.ask("sam@contoso.example")
	link := x.linked(linkToApprove)
	const add = `href="/security-info/add/passkey"`

	x.newBrowser()
	page := x.get(link).location
	x.post(page, url.Values{"username": {"boss@contoso.example"}})
	if a := x.get(page + "&go=methods"); !strings.Contains(a.body, add) || !strings.Contains(a.body, "then open the link again") {
		t.Errorf("not signed in: %d\n%s", a.status, a.body)
	}
	x.newBrowser()
	_, pass := x.passFor(boss)
	x.toOwnPage("boss@contoso.example", pass)
	a := x.get(link)
	if a.status != http.StatusForbidden || !strings.Contains(a.body, add) || strings.Contains(a.body, "sam@") {
		t.Errorf("signed in with a pass: %d %s\n%s", a.status, a.location, a.body)
	}
	key := x.newKey()
	x.addKey(key)
	a = x.get(link)
	if done := x.get(x.use(a.location, key).location); !strings.HasPrefix(done.location, link) {
		t.Fatalf("a sign-in with it: %d %s\n%s", done.status, done.location, told(done))
	}
	if a := x.get(link); !strings.Contains(a.body, `name="number"`) {
		t.Fatalf("with a key: %d %s\n%s", a.status, a.location, a.body)
	}
	if a := x.post(link, url.Values{"answer": {"yes"}, "number": {number}, "way": {"there"}}); !strings.Contains(a.body, "go on in their browser") {
		t.Errorf("approve: %d\n%s", a.status, a.body)
	}
}

func TestThePageOfACaseInAnotherBrowserSaysWhereItWorks(t *testing.T) {
	x := onATrip(t)
	a := x.get("/recover/case")
	if a.status != http.StatusNotFound || !strings.Contains(a.body, `data-error="caseElsewhere"`) || !strings.Contains(a.body, `href="/security-info">Ask for help again`) {
		t.Errorf("%d\n%s", a.status, a.body)
	}
}
