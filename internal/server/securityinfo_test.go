package server_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/method/totp"
	"github.com/postern-id/postern/internal/server"
)

// atHome is somebody with a pass for many uses, signed in to their own page.
func (w *world) atHome(nick string) (id, pass string) {
	w.t.Helper()
	id = w.createUser(nick)
	pass = w.longPass(id)
	w.signInOwn(nick+"@contoso.example", pass)
	return id, pass
}

// longPass issues a pass for many uses that outlasts a test that moves the clock.
func (w *world) longPass(user string) string {
	w.t.Helper()
	status, v := w.api(http.MethodPost, "/v1.0/users/"+user+"/authentication/temporaryAccessPassMethods", w.appToken(), `{"isUsableOnce":false,"lifetimeInMinutes":480}`)
	if status != http.StatusCreated {
		w.t.Fatalf("issue: %d %v", status, v)
	}
	return v["temporaryAccessPass"].(string)
}

// codeOf is the id of the first app with codes of a person, empty for none.
func (w *world) codeOf(user string) string {
	w.t.Helper()
	all := w.softwareOaths(user)
	if len(all) == 0 {
		return ""
	}
	return all[0].(map[string]any)["id"].(string)
}

func TestAPersonNamesAndRemovesTheirOwnMethodsOnly(t *testing.T) {
	var c wrist
	w := newWorld(t, func(o *server.Options) { o.Wall = c.now })
	w.enableCodes()
	ada, _ := w.atHome("ada")
	w.addApp(c.now(), totp.SHA1)
	app := w.codeOf(ada)
	adas := w.browser

	w.atHome("bea")
	for name, path := range map[string]string{"rename": "/security-info/rename", "remove": "/security-info/remove", "disown": "/security-info/disown", "thaw": "/security-info/thaw"} {
		if a := w.post(path, url.Values{"method": {app}, "name": {"Mine"}, "confirmed": {"yes"}}); a.status != http.StatusNotFound {
			t.Errorf("%s somebody else's: %d\n%s", name, a.status, a.body)
		}
	}
	if a := w.get("/security-info/method/" + app); a.status != http.StatusNotFound || strings.Contains(a.body, "Pixel") {
		t.Errorf("look at somebody else's: %d", a.status)
	}
	if a := w.post("/security-info/lost/phone", url.Values{"method": {app}}); a.status != http.StatusSeeOther {
		t.Errorf("the guide: %d", a.status)
	}
	if w.codeOf(ada) != app {
		t.Fatal("Bea removed what is Ada's")
	}

	w.browser = adas
	foreign := w.request(http.MethodPost, "/security-info/remove", strings.NewReader(url.Values{"method": {app}}.Encode()))
	foreign.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	foreign.Header.Set("Origin", "https://evil.example")
	foreign.Header.Set("Sec-Fetch-Site", "cross-site")
	if a := w.do(foreign); a.status < 400 || a.status >= 500 || w.codeOf(ada) != app {
		t.Errorf("a form of another site: %d", a.status)
	}
	if a := w.post("/security-info/rename", url.Values{"method": {app}, "name": {"\x07"}}); a.status != http.StatusBadRequest || !strings.Contains(a.body, `data-error="methodName"`) {
		t.Errorf("a bad name: %d\n%s", a.status, a.body)
	}
	if a := w.post("/security-info/rename", url.Values{"method": {app}, "name": {"Old phone"}}); a.status != http.StatusSeeOther {
		t.Errorf("rename: %d", a.status)
	}
	if page := w.get("/security-info?done=renamed"); !strings.Contains(page.body, "Old phone") || !strings.Contains(page.body, "The name is saved") || !strings.Contains(page.body, "Code from an app renamed") {
		t.Errorf("the page afterwards:\n%s", page.body)
	}

	// The proof is not fresh any more: looking is fine, changing is not.
	c.move(11 * time.Minute)
	for path, form := range map[string]url.Values{
		"/security-info/remove": {"method": {app}}, "/security-info/rename": {"method": {app}, "name": {"x"}},
		"/security-info/disown": {"method": {app}}, "/security-info/lost/phone": {"method": {app}},
	} {
		if a := w.post(path, form); a.status != http.StatusConflict || !strings.Contains(a.body, `data-error="proofNeeded"`) {
			t.Errorf("%s without a fresh proof: %d\n%s", path, a.status, a.body)
		}
	}
	if page := w.get("/security-info/method/" + app); page.status != http.StatusOK || strings.Contains(page.body, "<button") {
		t.Errorf("a method without a fresh proof: %d\n%s", page.status, page.body)
	}
	if w.codeOf(ada) != app {
		t.Fatal("it was removed without a fresh proof")
	}
	// The pass may go at any time: it takes power away, and gives none.
	passes := w.passesOf(ada)
	if a := w.post("/security-info/remove", url.Values{"method": {passes[0].(map[string]any)["id"].(string)}}); a.status != http.StatusSeeOther {
		t.Errorf("remove the pass: %d\n%s", a.status, a.body)
	}
}

func TestARegistrationThatWasStartedInTimeMayBeFinishedAndNoLater(t *testing.T) {
	var c wrist
	w := newWorld(t, func(o *server.Options) { o.Wall = c.now })
	w.enableCodes()
	_, pass := w.atHome("ada")

	// Started at the last moment: ten minutes later the form still works, once.
	c.move(9 * time.Minute)
	k, ticket := w.keyOn(w.get(addCode))
	c.move(10 * time.Minute)
	form := func() url.Values { return url.Values{"ticket": {ticket}, "otc": {k.Code(totp.Step(c.now()))}} }
	if a := w.post(addCode, form()); a.status != http.StatusSeeOther || !strings.HasPrefix(a.location, "/security-info?done=") {
		t.Fatalf("finished late: %d %s\n%s", a.status, a.location, a.body)
	}
	if a := w.get(addCode); a.status != http.StatusSeeOther || !strings.HasPrefix(a.location, "/signin?") {
		t.Errorf("a second registration from the same start: %d %s", a.status, a.location)
	}

	// A start does not last.
	w.signInOwn("ada@contoso.example", pass)
	k, ticket = w.keyOn(w.get(addCode))
	mark := w.cookie("__Host-postern-started")
	c.move(31 * time.Minute)
	if a := w.post(addCode, form()); a.status != http.StatusConflict || !strings.Contains(a.body, `data-error="proofNeeded"`) {
		t.Errorf("half an hour later: %d\n%s", a.status, a.body)
	}

	// Nor is it good in another session, or for another method, or when it is made up.
	w.signInOwn("ada@contoso.example", pass)
	k, ticket = w.keyOn(w.get(addCode))
	mine := w.cookie("__Host-postern-started")
	c.move(11 * time.Minute)
	for name, forged := range map[string]string{
		"another session's":         mark,
		"a later time":              strings.Replace(mine, ".1", ".2", 1),
		"every method, by the name": "wizard-" + mine,
		"nothing":                   "",
	} {
		w.setCookie("__Host-postern-started", forged)
		if a := w.post(addCode, form()); a.status != http.StatusConflict {
			t.Errorf("with %s: %d", name, a.status)
		}
	}
	w.setCookie("__Host-postern-started", mine)
	if a := w.post(addCode, form()); a.status != http.StatusSeeOther {
		t.Errorf("with its own: %d\n%s", a.status, a.body)
	}
}

var linkOfMail = regexp.MustCompile(`/security-info/not-me#([A-Za-z0-9_-]+)`)

func TestALinkInTheMailFreezesWhatWasAdded(t *testing.T) {
	var c wrist
	w := newWorld(t, func(o *server.Options) { o.Wall, o.Mail.Mailbox = c.now, true })
	w.enableCodes()
	ada, pass := w.atHome("ada")
	w.change(http.MethodPatch, "/v1.0/users/"+ada, `{"otherMails":["ada@home.example"]}`)
	w.addApp(c.now(), totp.SHA1)
	app := w.codeOf(ada)
	intruder := w.browser

	link := w.mailed("Code from an app added")
	if strings.Contains(w.log.String(), link) {
		t.Error("the code of the link is in the log")
	}
	w.newBrowser()
	notMe := func(code string) answer { return w.post("/security-info/not-me", url.Values{"code": {code}}) }
	if a := w.get("/security-info/not-me"); a.status != http.StatusOK || strings.Contains(a.body, "frozen</h1>") {
		t.Errorf("opening the page: %d", a.status)
	}
	for name, code := range map[string]string{"nothing": "", "something": "abc", "a forged one": link[:len(link)-3] + "AAA"} {
		if a := notMe(code); a.status != http.StatusBadRequest || !strings.Contains(a.body, `data-error="disputeOver"`) {
			t.Errorf("%s: %d\n%s", name, a.status, a.body)
		}
	}
	if a := notMe("https://id.contoso.example/security-info/not-me#" + link); a.status != http.StatusOK || !strings.Contains(a.body, "It is frozen") {
		t.Fatalf("freeze: %d\n%s", a.status, a.body)
	}
	if a := notMe(link); a.status != http.StatusBadRequest {
		t.Errorf("the link a second time: %d", a.status)
	}
	w.browser = intruder
	if a := w.get("/security-info"); a.status != http.StatusSeeOther {
		t.Errorf("the browser in which it was added is still signed in: %d", a.status)
	}

	// With the pass that let it in, it can't be thawed; with a new one it can.
	w.signInOwn("ada@contoso.example", pass)
	if page := w.get("/security-info/method/" + app); !strings.Contains(page.body, "signs nobody in") {
		t.Errorf("the page of what is frozen:\n%s", page.body)
	}
	if a := w.post("/security-info/thaw", url.Values{"method": {app}}); a.status != http.StatusForbidden || !strings.Contains(a.body, "thawNeedsAnother") {
		t.Errorf("thawed by the same pass: %d\n%s", a.status, a.body)
	}
	pass = w.longPass(ada)
	w.signInOwn("ada@contoso.example", pass)
	if a := w.post("/security-info/thaw", url.Values{"method": {app}}); a.status != http.StatusSeeOther {
		t.Errorf("thawed by a new pass: %d\n%s", a.status, a.body)
	}
	if page := w.get("/security-info"); strings.Contains(page.body, "Frozen</span>") || !strings.Contains(page.body, "Code from an app works again") {
		t.Errorf("the page afterwards:\n%s", page.body)
	}
}

var mailRow = regexp.MustCompile(`href="(/mailbox/[^"]+)"[^>]*>(?:<bdi>)?([^<]*)`)

// mailed returns the code in the link of the newest mail with that subject, once it is there.
func (w *world) mailed(subject string) string {
	w.t.Helper()
	for range 3 {
		if err := w.server.Deliver(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		for _, row := range mailRow.FindAllStringSubmatch(w.get("/mailbox").body, -1) {
			if strings.HasPrefix(row[2], subject) {
				if m := linkOfMail.FindStringSubmatch(w.get(row[1]).body); m != nil {
					return m[1]
				}
			}
		}
	}
	w.t.Fatalf("no mail %q in\n%s", subject, w.get("/mailbox").body)
	return ""
}

func TestALostPhoneIsRemovedAndReplacedInOneGo(t *testing.T) {
	w := newWorld(t)
	w.enableCodes()
	ada, pass := w.atHome("ada")
	w.addApp(time.Now(), totp.SHA1)
	app := w.codeOf(ada)
	elsewhere := w.browser
	w.newBrowser()
	w.agent = "Mozilla/5.0 (Linux; Android 15) Chrome/140.0"
	if a := w.signIn(w.get("/security-info").location, "ada@contoso.example", pass); a.status != http.StatusSeeOther {
		t.Fatalf("sign in on the phone: %d", a.status)
	}
	w.agent = ""
	phone := w.browser
	w.browser = elsewhere
	page := w.get("/security-info/lost/phone")
	if page.status != http.StatusOK || !strings.Contains(page.body, `value="`+app+`" autofocus checked`) || !strings.Contains(page.body, "Chrome, Android") {
		t.Fatalf("the guide: %d\n%s", page.status, page.body)
	}
	session := regexp.MustCompile(`name="session" value="([^"]+)"`).FindStringSubmatch(page.body)[1]
	if a := w.post("/security-info/lost/phone", url.Values{"method": {app}, "session": {session}}); a.status != http.StatusSeeOther || !strings.HasPrefix(a.location, "/security-info/add/") {
		t.Fatalf("remove and replace: %d %s\n%s", a.status, a.location, a.body)
	}
	if w.codeOf(ada) != "" {
		t.Error("the app is still there")
	}
	if a := w.get(addCode); a.status != http.StatusOK {
		t.Errorf("the replacement: %d", a.status)
	}
	w.browser = phone
	if a := w.get("/security-info"); a.status != http.StatusSeeOther {
		t.Errorf("the phone is still signed in: %d", a.status)
	}
}

func TestWhatAPersonDisownsOnTheirOwnPageIsFrozenAndTheLogSaysWhere(t *testing.T) {
	w := newWorld(t)
	w.enableCodes()
	ada, pass := w.atHome("ada")
	w.addApp(time.Now(), totp.SHA1)
	app := w.codeOf(ada)
	w.newBrowser()
	w.signInOwn("ada@contoso.example", pass)
	if a := w.post("/security-info/disown", url.Values{"method": {app}}); a.status != http.StatusSeeOther {
		t.Fatalf("disown: %d\n%s", a.status, a.body)
	}
	_, v := w.api(http.MethodGet, "/v1.0/users/"+ada+"/authentication/softwareOathMethods/"+app+"?$select=postern_frozenDateTime", w.appToken(), "")
	if v["postern_frozenDateTime"] == nil {
		t.Errorf("it is not frozen: %v", v)
	}
	all := w.directoryAudits(w.appToken(), "Dispute a change of security info")
	if len(all) != 1 || all[0].(map[string]any)["resultReason"] != "On the person's own page" {
		t.Errorf("the log: %s", mustJSON(t, all))
	}
	// Until somebody looked at it the account is at risk, as rules see it.
	if a := w.authorize(by("prompt", "none")); !strings.Contains(a.location, "code=") {
		t.Errorf("before a rule: %d to %q", a.status, a.location)
	}
	w.rule("Nobody at risk", func(p *access.Policy) { p.Conditions.UserRisk = []access.Risk{access.RiskHigh} })
	if a := w.authorize(by("prompt", "none")); !strings.Contains(a.location, "error=interaction_required") {
		t.Errorf("under a rule for accounts at risk: %d to %q", a.status, a.location)
	}
}
