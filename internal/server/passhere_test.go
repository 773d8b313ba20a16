package server_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

var useHref = regexp.MustCompile(`action="(/signin\?t=[0-9a-f]+)"[^>]*>(?:<input[^>]*>)*<input type="hidden" name="accesspass" value="([^"]+)"`)

// Who is shown their pass need not type it: a button signs in here. Pressed twice, or once more after an answer
// that was lost, it does the same, though the pass works once.
func TestWhoIsShownTheirPassSignsInWithItByAButton(t *testing.T) {
	x := onATrip(t)
	number := x.ask("sam@contoso.example")
	theirs := x.browser
	link := x.linked(linkToApprove)
	x.asKey(link, x.key)
	x.post(link, url.Values{"answer": {"yes"}, "number": {number}, "way": {"there"}})
	x.browser = theirs
	shown := x.post("/recover/case", url.Values{"ask": {"pass"}})
	form := useHref.FindStringSubmatch(shown.body)
	if form == nil {
		t.Fatalf("no button: %d\n%s", shown.status, shown.body)
	}
	if strings.Contains(form[1], form[2]) {
		t.Error("the pass is in an address")
	}
	site, err := url.Parse(x.site.URL)
	if err != nil {
		t.Fatal(err)
	}
	before := x.browser.Jar.Cookies(site)
	press := func() answer { return x.post(form[1], url.Values{"accesspass": {form[2]}}) }
	first := press()
	for name, a := range map[string]answer{"at first": first, "twice": press()} {
		if a.status != http.StatusSeeOther || a.location != form[1] {
			t.Errorf("%s: %d %s\n%s", name, a.status, a.location, told(a))
		}
	}
	x.newBrowser()
	x.browser.Jar.SetCookies(site, before)
	if a := press(); a.status != http.StatusSeeOther {
		t.Errorf("after a lost answer: %d\n%s", a.status, told(a))
	}
	done := x.post(form[1], url.Values{"stay": {"no"}})
	if a := x.get(done.location); a.status != http.StatusOK {
		t.Errorf("own page: %d %s", a.status, a.location)
	}
	stranger := x.asks(form[1], form[2])
	if stranger.status == http.StatusSeeOther && stranger.location == form[1] {
		t.Error("the form works in a browser that was not shown the page")
	}
}

// asks sends the form of another browser's page.
func (x trip) asks(at, pass string) answer {
	x.newBrowser()
	return x.post(at, url.Values{"accesspass": {pass}})
}
