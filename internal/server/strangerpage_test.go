package server_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/server"
)

// sameForNobody is what of a page differs for a name that nobody has, and may.
var sameForNobody = regexp.MustCompile(`R-[A-Z2-9]{6}|<bdi>[^<]*@[^<]*</bdi>|[0-9a-f]{8}-[0-9a-f-]{27}|t=[0-9a-f]{8}|<time[^>]*>[^<]*</time>|<p class="small">.*`)

// A stranger opens a case, and the person calls. A page that said how far the helpdesk is would tell the
// stranger when to phone the person and have them read out the pass.
func TestThePageOfAStrangersCaseTellsNothingOfWhatOthersDoWithIt(t *testing.T) {
	d := newDesk(t, func(o *server.Options) { o.Hold = time.Nanosecond })
	x := trip{world: d.world, clock: d.clock}
	x.newBrowser()
	x.ask("nobody@contoso.example")
	nobody := x.browser
	seen := func(b *http.Client, form url.Values) string {
		t.Helper()
		x.browser = b
		a := x.get("/recover/case")
		if form != nil {
			a = x.post("/recover/case", form)
		}
		return http.StatusText(a.status) + a.location + sameForNobody.ReplaceAllString(a.body, "")
	}
	type word struct{ who, step, body string }
	called, issued := word{"agent", "prove", `{"kind":"callBack"}`}, word{"issuer", "issue", `{}`}
	for name, words := range map[string][]word{
		"called back":                    {called},
		"and a pass was read out":        {called, issued},
		"and denied":                     {called, issued, {"agent", "dispute", `{}`}},
		"and undone":                     {called, issued, {"agent", "dispute", `{}`}, {"second", "revert", `{}`}},
		"denied before a pass":           {{"agent", "dispute", `{}`}},
		"the manager says that it isn't": {{"boss", "refuse", `{}`}},
		"given up by the helpdesk":       {{"agent", "cancel", `{}`}},
	} {
		x.newBrowser()
		number := x.ask("lost@contoso.example")
		theirs := x.browser
		for _, w := range words {
			d.does(w.who, "/"+number+"/"+w.step, w.body)
		}
		for _, form := range []url.Values{nil, {"ask": {"pass"}}, {"code": {"AAAAAAAA"}}, {"ask": {"matched"}}, {"ask": {"colleague"}, "colleague": {"peer@contoso.example"}}} {
			if got, want := seen(theirs, form), seen(nobody, form); got != want {
				t.Errorf("%s: %q shows\n%s\n---- and to nobody\n%s", name, form.Encode(), got, want)
			}
		}
		d.clock.move(7 * time.Hour)
		clear(d.tokens)
	}
}

// Nor does it end what others went on with: a pass that was just read out, or what is being found out.
func TestWhoAskedForHelpTakesNothingAwayFromWhoWasHelped(t *testing.T) {
	d := newDesk(t, func(o *server.Options) { o.Hold = time.Nanosecond })
	x := trip{world: d.world, clock: d.clock}
	passes := func() int {
		_, all := d.api(http.MethodGet, "/v1.0/users/"+d.ids["lost"]+"/authentication/temporaryAccessPassMethods", d.appToken(), "")
		return len(all["value"].([]any))
	}
	for _, c := range []struct {
		name   string
		words  func(number string)
		state  string
		passes int
	}{
		{"nobody said anything", func(string) {}, "cancelled", 0},
		{"who asked read the number out", func(n string) { d.does("agent", "/"+n+"/prove", `{"kind":"callBack","caseNumber":"`+n+`"}`) }, "cancelled", 0},
		{"the person was called back", func(n string) { d.does("agent", "/"+n+"/prove", `{"kind":"callBack"}`) }, "approved", 0},
		{"and was read out a pass", func(n string) {
			d.does("agent", "/"+n+"/prove", `{"kind":"callBack"}`)
			d.does("issuer", "/"+n+"/issue", `{}`)
		}, "passIssued", 1},
		{"a pass goes another way, and the number was told", func(n string) {
			d.does("agent", "/"+n+"/prove", `{"kind":"callBack","caseNumber":"`+n+`"}`)
			d.does("issuer", "/"+n+"/issue", `{}`)
		}, "passIssued", 1},
	} {
		x.newBrowser()
		number := x.ask("lost@contoso.example")
		theirs := x.browser
		c.words(number)
		x.browser = theirs
		if a := x.post("/recover/case", url.Values{"ask": {"cancel"}}); a.status != http.StatusSeeOther || a.location != "/" {
			t.Errorf("%s: %d %s", c.name, a.status, a.location)
		}
		if a := x.get("/recover/case"); a.status != http.StatusNotFound {
			t.Errorf("%s: the browser still holds it: %d", c.name, a.status)
		}
		_, v := d.api(http.MethodGet, recoveryCases+"/"+number, d.appToken(), "")
		if v["state"] != c.state || passes() != c.passes {
			t.Errorf("%s: the case is %v, with %d passes", c.name, v["state"], passes())
		}
		if c.passes > 0 {
			d.does("agent", "/"+number+"/cancel", `{}`)
		}
		d.clock.move(7 * time.Hour)
		clear(d.tokens)
	}
}

// Who keeps the cookie of a case that others went on with is refused each time, which is an event. As many
// as they like would fill the log, and what matters would be lost among them.
func TestAStrangerWhoGivesUpAgainAndAgainDoesNotFillTheTimeline(t *testing.T) {
	d := newDesk(t, func(o *server.Options) { o.Hold = time.Nanosecond })
	x := trip{world: d.world, clock: d.clock}
	site, err := url.Parse(d.site.URL)
	if err != nil {
		t.Fatal(err)
	}
	var numbers []string
	var browsers []*http.Client
	var kept [][]*http.Cookie
	for _, name := range []string{"lost@contoso.example", "nobody@contoso.example"} {
		x.newBrowser()
		numbers = append(numbers, x.ask(name))
		browsers, kept = append(browsers, x.browser), append(kept, x.browser.Jar.Cookies(site))
	}
	d.does("agent", "/"+numbers[0]+"/prove", `{"kind":"callBack"}`)
	held := 0
	for range 30 {
		var got [2]string
		for i, b := range browsers {
			for _, c := range kept[i] {
				c.Path, c.Secure = "/", true
			}
			b.Jar.SetCookies(site, kept[i])
			x.browser = b
			a := x.post("/recover/case", url.Values{"ask": {"cancel"}})
			got[i] = http.StatusText(a.status) + a.location + sameForNobody.ReplaceAllString(a.body, "")
			if i == 0 && a.status == http.StatusTooManyRequests && strings.Contains(a.body, `data-error="recoveryTooOften"`) {
				held++
			}
		}
		if got[0] != got[1] {
			t.Fatalf("it shows\n%s\n---- and for a name that nobody has\n%s", got[0], got[1])
		}
	}
	_, v := d.api(http.MethodGet, recoveryCases+"/"+numbers[0]+"/timeline", d.appToken(), "")
	refused := 0
	for _, one := range v["value"].([]any) {
		if one.(map[string]any)["result"] == "failure" {
			refused++
		}
	}
	if held != 20 || refused != 10 {
		t.Errorf("of 30 tries %d are held back, and %d stand in the timeline", held, refused)
	}
}
