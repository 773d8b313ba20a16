package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/server"
)

var (
	slipOfPage   = regexp.MustCompile(`(?s)id="slip".*?</div>`)
	spokenOfCase = regexp.MustCompile(`data-spoken="([A-Z2-9]+)"`)
)

// agentCase makes a case of a person that only waits for its pass, and returns its page and a form.
func (w *world) agentCase(user string) (at string, form url.Values) {
	w.t.Helper()
	at = w.caseFor(user, nil)
	if a := w.caseStep(at, "proof", url.Values{"way": {"inPerson"}}); a.status != http.StatusSeeOther {
		w.t.Fatalf("prove: %d\n%s", a.status, a.body)
	}
	page := w.get(at + "/pass")
	token := formToken.FindStringSubmatch(page.body)
	if token == nil {
		w.t.Fatalf("%d\n%s", page.status, page.body)
	}
	return at, url.Values{"form": {token[1]}, "purpose": {"registerMethods"}}
}

// handPolicy sets how a pass goes for people without a role.
func (w *world) handPolicy(more string) {
	w.t.Helper()
	if status, v := w.api(http.MethodPatch, "/v1.0/postern/recovery/policy", w.appToken(), `{"rules":[{"targetClass":"everyone",`+more+
		`,"grants":[{"level":"medium","maximumLifetimeInMinutes":120,"isUsableOnce":true,"purposes":["general","registerMethods"],"approvals":0,"coolDownInMinutes":0}]}]}`); status != http.StatusOK {
		w.t.Fatalf("policy: %d %v", status, v)
	}
}

func TestASlipIsShownOnceToWhoIssuedItAndToNobodyElse(t *testing.T) {
	w := newWorld(t)
	mira := w.createUser("mira")
	w.consoleAs("dana", directory.AuthenticationAdministrator)
	at, form := w.agentCase(mira)
	form.Set("hand", "slip")
	sent := w.caseStep(at, "pass", form)
	if sent.status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", sent.status, sent.body)
	}

	// HEAD and another agent with the address get nothing, and spend nothing.
	dana := w.browser
	w.newBrowser()
	w.consoleAs("eve", directory.AuthenticationAdministrator)
	if a := w.get(sent.location); strings.Contains(a.body, `id="slip"`) || strings.Contains(a.body, "data-pass") {
		t.Fatalf("eve: %d\n%s", a.status, a.body)
	}
	w.browser = dana
	location, pass := w.readOut(sent)
	if strings.Contains(location, pass) {
		t.Error("the address has the pass")
	}
	// Reloaded, and by the address that the page shows instead.
	for _, again := range []string{location, strings.Split(location, "?")[0]} {
		if a := w.get(again); a.status != http.StatusOK || strings.Contains(a.body, pass) || strings.Contains(a.body, `id="slip"`) || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v\n%s", again, a.status, a.header, a.body)
		}
	}
	if page := w.get(at); !strings.Contains(page.body, "on paper") || strings.Contains(page.body, pass) {
		t.Errorf("the case\n%s", page.body)
	}
	events := w.directoryAudits(w.appToken(), "Issue pass for recovery case")
	if len(events) != 1 || !strings.Contains(fmt.Sprint(events[0]), "key:Handed over by value:slip") {
		t.Errorf("%v", events)
	}
}

func TestASlipSaysWhoseItIsWhatItIsForWhereAndToDestroyIt(t *testing.T) {
	w := newWorld(t)
	mira := w.createUser("mira")
	w.consoleAs("dana", directory.AuthenticationAdministrator)
	at, form := w.agentCase(mira)
	form.Set("hand", "slip")
	page := w.get(w.caseStep(at, "pass", form).location)
	slip := slipOfPage.FindString(page.body)
	for _, want := range []string{"mira@contoso.example", w.site.URL, "Only to set up a way to sign in", "Destroy this slip after use", "slip-pass", "It works"} {
		if !strings.Contains(slip, want) {
			t.Errorf("no %q in\n%s", want, slip)
		}
	}
	if strings.Contains(page.body, `id="copy"`) {
		t.Error("a slip is for paper")
	}
	// Who is to read it out gets nothing to print.
	w.consoleAs("eve", directory.AuthenticationAdministrator)
	at, form = w.agentCase(w.createUser("otto"))
	form.Set("hand", "read")
	if page := w.get(w.caseStep(at, "pass", form).location); strings.Contains(page.body, `id="slip"`) || strings.Contains(page.body, `id="print"`) || !strings.Contains(page.body, "data-pass") {
		t.Errorf("%d\n%s", page.status, page.body)
	}
}

func TestAWayThatPolicyDoesNotAllowIsNeitherOfferedNorTaken(t *testing.T) {
	w := newWorld(t)
	mira := w.createUser("mira")
	w.handPolicy(`"handOver":["manager","person"]`)
	w.consoleAs("dana", directory.AuthenticationAdministrator)
	at, form := w.agentCase(mira)
	if page := w.get(at + "/pass"); strings.Contains(page.body, `value="slip"`) || strings.Contains(page.body, `value="read"`) || !strings.Contains(page.body, `value="person"`) {
		t.Errorf("%s", page.body)
	}
	for _, way := range []string{"read", "slip", "", "browser"} {
		form.Set("hand", way)
		a := w.caseStep(at, "pass", form)
		if a.status != http.StatusForbidden || strings.Contains(a.body, "data-pass") {
			t.Errorf("%q: %d\n%s", way, a.status, a.body)
		}
		form.Set("form", formToken.FindStringSubmatch(a.body)[1])
	}
	if len(w.passesOf(mira)) != 0 {
		t.Error("there is a pass")
	}
	// Nor does a pass without a case go round it.
	for _, body := range []string{`{}`, `{"postern_handOver":"slip"}`} {
		if status, v := w.api(http.MethodPost, "/v1.0/users/"+mira+"/authentication/temporaryAccessPassMethods", w.appToken(), body); status != http.StatusForbidden {
			t.Errorf("%s: %d %v", body, status, v)
		}
	}
	// The class of the person named counts, and nobody's rule is lost who is not sent.
	_, v := w.api(http.MethodGet, "/v1.0/postern/recovery/policy", w.appToken(), "")
	if rules, ok := v["rules"].([]any); !ok || len(rules) != 3 {
		t.Errorf("%v", v["rules"])
	}
}

func TestALinkToThePersonOpensByACodeThatIsReadOutWherePolicySaysSo(t *testing.T) {
	var c wrist
	w := newWorld(t, func(o *server.Options) { o.Wall, o.Mail.Mailbox = c.now, true })
	mira := w.createUser("mira")
	w.change(http.MethodPatch, "/v1.0/users/"+mira, `{"mail":"mira@private.example"}`)
	c.move(8 * 24 * time.Hour) // the address has been on file for a while
	w.handPolicy(`"personOpensBy":"spokenCode"`)
	agents := 0
	issue := func() (spoken, link string) {
		t.Helper()
		w.newBrowser()
		agents++
		w.consoleAs(fmt.Sprint("agent", agents), directory.AuthenticationAdministrator)
		at, form := w.agentCase(mira)
		form.Set("hand", "person")
		sent := w.caseStep(at, "pass", form)
		page := w.get(sent.location)
		found := spokenOfCase.FindStringSubmatch(page.body)
		if sent.status != http.StatusSeeOther || found == nil || strings.Contains(page.body, "data-pass") {
			t.Fatalf("%d %d\n%s\n%s", sent.status, page.status, sent.body, page.body)
		}
		if a := w.get(sent.location); spokenOfCase.MatchString(a.body) {
			t.Error("the code is shown twice")
		}
		w.newBrowser()
		return found[1], w.linked(linkToOpen)
	}
	open := func(link, spoken string) answer {
		t.Helper()
		if a := w.post("/recover/open", url.Values{"code": {link}}); a.status != http.StatusSeeOther || a.location != "/recover/open/now" {
			return a
		}
		if a := w.get("/recover/open/now"); !strings.Contains(a.body, `name="spoken"`) {
			t.Fatalf("%d\n%s", a.status, a.body)
		}
		return w.post("/recover/open/now", url.Values{"spoken": {spoken}})
	}

	spoken, link := issue()
	if a := open(link, "AAAAAAAA"); a.status != http.StatusForbidden || !strings.Contains(a.body, `data-error="handoverSpoken"`) || strings.Contains(a.body, "data-pass") {
		t.Errorf("a wrong code: %d\n%s", a.status, a.body)
	}
	a := open(link, strings.ToLower(spoken[:4]+" "+spoken[4:]))
	if a.status != http.StatusOK || handedPass.FindString(a.body) == "" || a.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("the right code: %d\n%s", a.status, a.body)
	}
	if a := open(link, spoken); strings.Contains(a.body, "data-pass") || a.status == http.StatusOK {
		t.Errorf("again: %d\n%s", a.status, a.body)
	}
	if got := w.directoryAudits(w.appToken(), "Open handed-over pass"); len(got) != 1 || !strings.Contains(fmt.Sprint(got[0]), "code that was read out") {
		t.Errorf("%v", got)
	}

	// Three guesses end the link, also for who has the code.
	c.move(time.Hour)
	spoken, link = issue()
	for range 3 {
		open(link, "AAAAAAAA")
	}
	if a := open(link, spoken); !strings.Contains(a.body, `data-error="handoverOver"`) {
		t.Errorf("after three guesses: %d\n%s", a.status, a.body)
	}

	// Policy at the time of opening counts, and so does an address that was set meanwhile.
	c.move(time.Hour)
	_, link = issue()
	w.change(http.MethodPatch, "/v1.0/users/"+mira, `{"mail":"else@private.example"}`)
	if a := w.post("/recover/open", url.Values{"code": {link}}); !strings.HasPrefix(a.location, "/signin") {
		t.Errorf("after the address was changed: %d %s\n%s", a.status, a.location, a.body)
	}
}

// Who changes a phone first and calls then hopes that nobody looks.
func TestAManagerSeesBeforeTheyApproveThatAPhoneWasJustChanged(t *testing.T) {
	var c wrist
	w := newKeyWorld(t, func(o *server.Options) { o.Wall, o.Mail.Mailbox = c.now, true })
	sam, _ := w.person("sam")
	mira, key := w.person("mira")
	w.managed(sam, mira)
	c.move(8 * 24 * time.Hour) // the manager has been so for a while
	opened := w.create(recoveryCases, `{"userId":"`+sam+`","openedAs":"automation","channel":"api"}`)
	path := "/recover/approve/" + w.created.TenantID + "/" + opened
	look := func() answer {
		t.Helper()
		w.newBrowser()
		page := w.get(path).location
		w.use(page, key)
		a := w.get(w.post(page, url.Values{"stay": {"no"}}).location)
		if a.status != http.StatusOK || !strings.Contains(a.body, `data-step="approve"`) {
			t.Fatalf("%d %s\n%s", a.status, a.location, a.body)
		}
		return a
	}
	if a := look(); strings.Contains(a.body, `id="changed"`) {
		t.Errorf("nothing changed lately\n%s", a.body)
	}
	w.change(http.MethodPatch, "/v1.0/users/"+sam, `{"mobilePhone":"+49 30 666"}`)
	if a := look(); !regexp.MustCompile(`(?s)id="changed".*Mobile phone</bdi>, `).MatchString(a.body) || strings.Contains(a.body, "666") {
		t.Errorf("%s", a.body)
	}
}
