package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// A stranger opens a case at the sign-in page and waits, the real person calls the helpdesk, and what is said
// about them there must not open the stranger's page.
func TestWhatIsSaidAboutWhoCallsIsNotForTheBrowserOfWhoAsked(t *testing.T) {
	d := newDesk(t)
	d.policy(`{"rules":[{"targetClass":"everyone","grants":[{"level":"low","maximumLifetimeInMinutes":60,"isUsableOnce":true,"purposes":["general"],"approvals":1,"coolDownInMinutes":0}]}]}`)
	x := trip{world: d.world, clock: d.clock}
	type word struct{ who, step, body string }
	const callBack, manager = `{"kind":"callBack"`, `{"as":"manager"`
	for _, c := range []struct {
		name  string
		words []word // NUMBER is what the page shows
		shown bool
	}{
		{"an agent and an approver, who spoke with the person", []word{{"agent", "prove", callBack + `}`}, {"second", "approve", `{}`}}, false},
		{"an approver who spoke with the person", []word{{"agent", "prove", callBack + `,"caseNumber":"NUMBER"}`}, {"second", "approve", `{}`}}, false},
		{"an agent who spoke with the person", []word{{"agent", "prove", callBack + `}`}, {"second", "approve", `{"caseNumber":"NUMBER"}`}}, false},
		{"both who heard the number", []word{{"agent", "prove", callBack + `,"caseNumber":"NUMBER"}`}, {"second", "approve", `{"caseNumber":"NUMBER"}`}}, true},
		{"a manager at Graph", []word{{"boss", "approve", manager + `}`}}, false},
		{"a manager at Graph who heard the number", []word{{"boss", "approve", manager + `,"caseNumber":"NUMBER"}`}}, true},
	} {
		x.newBrowser()
		number := x.ask("lost@contoso.example")
		theirs := x.browser
		if status, code, v := d.tries(c.words[0].who, "/"+number+"/"+c.words[0].step, strings.ReplaceAll(c.words[0].body, "}", `,"caseNumber":"R-AAAAAA"}`)); !strings.Contains(c.words[0].body, "NUMBER") && code != "caseNumberWrong" {
			t.Errorf("%s: a wrong number: %d %v", c.name, status, v)
		}
		for _, w := range c.words {
			d.does(w.who, "/"+number+"/"+w.step, strings.ReplaceAll(w.body, "NUMBER", number))
		}
		x.browser = theirs
		page := x.get("/recover/case")
		a := x.post("/recover/case", url.Values{"ask": {"pass"}})
		if shown := strings.Contains(a.body, "data-pass"); shown != c.shown || strings.Contains(page.body, "Show the pass") != c.shown {
			t.Errorf("%s: shown %v, offered %v", c.name, shown, strings.Contains(page.body, "Show the pass"))
		}
		if !c.shown { // and the one who was called back gets it all the same
			if a := d.does("issuer", "/"+number+"/issue", `{}`); a["temporaryAccessPassMethod"] == nil {
				t.Errorf("%s: %v", c.name, a)
			}
		}
		d.clock.move(2 * time.Hour) // the sign-in page takes three cases an hour
		clear(d.tokens)
	}
	if n := d.failures("caseNumberWrong"); n == 0 {
		t.Error("wrong numbers are not in the log")
	}
}

func TestAPassWithoutACaseIsForNoBrowserAndNoManagerOfAMomentAgo(t *testing.T) {
	x := onATrip(t)
	otto, _ := x.person("otto")
	x.managed(x.sam, otto)
	at := "/v1.0/users/" + x.sam + "/authentication/temporaryAccessPassMethods"
	status, v := x.api(http.MethodPost, at, x.appToken(), `{"postern_handOver":"manager"}`)
	if innerCode(v) != "caseHandManager" {
		t.Errorf("to a manager of a moment ago: %d %v", status, v)
	}
	if status, v := x.api(http.MethodPost, at, x.appToken(), `{"postern_handOver":"browser"}`); innerCode(v) != "caseHand" || v["temporaryAccessPass"] != nil {
		t.Errorf("into a browser: %d %v", status, v)
	}
}

func TestWhoWasHandedAPassDoesNotUseItWhereTheySignIn(t *testing.T) {
	x := onATrip(t)
	number := x.ask("sam@contoso.example")
	x.asKey(x.linked(linkToApprove), x.key)
	x.post(x.linked(linkToApprove), url.Values{"answer": {"yes"}, "number": {number}, "way": {"me"}})
	x.post("/recover/open", url.Values{"code": {x.linked(linkToOpen)}})
	pass := handedPass.FindStringSubmatch(x.post("/recover/open/now", url.Values{"open": {"yes"}}).body)
	if pass == nil {
		t.Fatal("nothing was handed over")
	}
	page := x.authorize(url.Values{"prompt": {"login"}}).location
	if a := x.signIn(page, "sam@contoso.example", pass[1]); !strings.Contains(a.body, `data-error="tapIssuer"`) {
		t.Errorf("in the manager's browser: %d %s", a.status, told(a))
	}
	if n := len(x.directoryAudits(x.appToken(), "Refuse pass to its issuer")); n != 1 {
		t.Errorf("the log has it %d times", n)
	}
	x.newBrowser()
	if a := x.signIn(x.authorize(nil).location, "sam@contoso.example", pass[1]); a.status != http.StatusSeeOther {
		t.Errorf("in the person's own browser: %d %s", a.status, told(a))
	}
}
