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
