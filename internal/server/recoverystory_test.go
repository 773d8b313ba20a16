package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/method/passkey/passkeytest"
	"github.com/postern-id/postern/internal/server"
)

var (
	linkToApprove = regexp.MustCompile(`(/recover/approve/[0-9a-f-]+/[0-9a-f-]+)`)
	linkToVouch   = regexp.MustCompile(`(/recover/vouch/[0-9a-f-]+/[0-9a-f-]+)`)
	linkToDeny    = regexp.MustCompile(`/recover/not-me#([A-Za-z0-9_-]+)`)
	codeInMail    = regexp.MustCompile(`<bdi>([A-Z2-9]{8})</bdi>`)
	numberOfCase  = regexp.MustCompile(`R-[A-Z2-9]{6}`)
)

// trip is Sam, who lost what they sign in with, Mira, their manager, and two colleagues.
type trip struct {
	*world
	sam, mira string
	key       *passkeytest.Authenticator // the manager's
	clock     *wrist
}

func onATrip(t *testing.T) trip {
	t.Helper()
	c := &wrist{}
	w := newKeyWorld(t, func(o *server.Options) { o.Wall, o.Mail.Mailbox = c.now, true })
	x := trip{world: w, clock: c}
	x.sam, _ = w.person("sam")
	x.mira, x.key = w.person("mira")
	w.managed(x.sam, x.mira)
	w.change(http.MethodPatch, "/v1.0/users/"+x.sam, `{"otherMails":["sam@home.example"]}`)
	c.move(8 * 24 * time.Hour) // so that all of it has been on file for a while
	w.newBrowser()
	return x
}

// ask opens a case from the sign-in page for whoever is said to be there, and returns its number.
func (x trip) ask(name string) string {
	x.t.Helper()
	return x.askAt(x.get("/security-info").location, name)
}

// askAt opens a case from a sign-in that waits for a name.
func (x trip) askAt(page, name string) string {
	x.t.Helper()
	x.post(page, url.Values{"username": {name}})
	others := x.get(page + "&go=methods")
	link := regexp.MustCompile(`href="(/recover\?t=[0-9a-f]+)"`).FindStringSubmatch(others.body)
	if link == nil {
		x.t.Fatalf("no way to ask for help:\n%s", others.body)
	}
	if a := x.get(link[1]); a.status != http.StatusOK || !strings.Contains(a.body, `data-step="recover"`) {
		x.t.Fatalf("ask: %d\n%s", a.status, a.body)
	}
	if a := x.post(link[1], url.Values{"lost": {"phoneLost"}}); a.status != http.StatusSeeOther || !strings.HasPrefix(a.location, "/recover/case") {
		x.t.Fatalf("ask: %d %s\n%s", a.status, a.location, a.body)
	}
	number := numberOfCase.FindString(x.get("/recover/case").body)
	if number == "" {
		x.t.Fatalf("no number:\n%s", x.get("/recover/case").body)
	}
	return number
}

// asKey signs in at a path with a passkey, in a browser of its own, and returns what comes.
func (x trip) asKey(path string, key *passkeytest.Authenticator) answer {
	x.t.Helper()
	x.newBrowser()
	page := x.get(path).location
	if !strings.HasPrefix(page, "/signin") {
		x.t.Fatalf("%s asks for no sign-in: %q", path, page)
	}
	x.use(page, key)
	return x.get(x.post(page, url.Values{"stay": {"no"}}).location)
}

// saysNothingOfPasswords fails the test by the first page that asks for a password or speaks of one.
func (w *world) saysNothingOfPasswords() func(answer) {
	return func(a answer) {
		w.t.Helper()
		if found := passwordWords.FindString(a.body); found != "" {
			w.t.Fatalf("a page says %q\n%s", found, a.body)
		}
	}
}

func TestSomebodyOnATripGetsBackInAndTheCaseClosesByItself(t *testing.T) {
	x := onATrip(t)
	x.seen = x.saysNothingOfPasswords()
	number := x.ask("sam@contoso.example")
	theirs := x.browser
	if a := x.post("/recover/case", url.Values{"ask": {"pass"}}); strings.Contains(a.body, "data-pass") {
		t.Fatal("a pass without anybody's word")
	}
	link := x.linked(linkToApprove)
	if mail := x.get("/mailbox"); strings.Contains(mail.body, number) {
		t.Error("the number of the case is in a mail")
	}
	page := x.asKey(link, x.key)
	if page.status != http.StatusOK || !strings.Contains(page.body, "sam@contoso.example") || strings.Contains(page.body, number) {
		t.Fatalf("the manager's page: %d\n%s", page.status, page.body)
	}
	if a := x.post(link, url.Values{"answer": {"yes"}, "number": {"R-AAAAAA"}, "way": {"there"}}); !strings.Contains(a.body, `data-error="caseNumberWrong"`) {
		t.Errorf("a number that nobody read out: %d\n%s", a.status, a.body)
	}
	if a := x.post(link, url.Values{"answer": {"yes"}, "number": {strings.ToLower(number)}, "way": {"there"}}); a.status != http.StatusOK || !strings.Contains(a.body, "go on in their browser") {
		t.Fatalf("approve: %d\n%s", a.status, a.body)
	}

	x.browser = theirs
	if a := x.get("/recover/case"); !strings.Contains(a.body, "Show the pass") {
		t.Fatalf("after the approval:\n%s", a.body)
	}
	shown := x.post("/recover/case", url.Values{"ask": {"pass"}})
	pass := handedPass.FindStringSubmatch(shown.body)
	if pass == nil || shown.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("the pass: %d\n%s", shown.status, shown.body)
	}
	if !strings.Contains(shown.body, "It works from") {
		t.Errorf("the page says not how often it works:\n%s", shown.body)
	}
	if a := x.post("/recover/case", url.Values{"ask": {"pass"}}); a.status != http.StatusSeeOther || a.location != "/recover/case" {
		t.Errorf("asked for the pass a second time: %d %s\n%s", a.status, a.location, a.body)
	}
	if a := x.get("/recover/case"); strings.Contains(a.body, "data-pass") || strings.Contains(a.body, "data-error") || !strings.Contains(a.body, "was shown already") {
		t.Errorf("after it was shown:\n%s", a.body)
	}
	x.toOwnPage("sam@contoso.example", pass[1])
	x.addKey(x.newKey())
	if a := x.get("/recover/case"); !strings.Contains(a.body, "signed in with the pass") || strings.Contains(a.body, "Sign in with it") {
		t.Errorf("after it was used:\n%s", a.body)
	}

	kinds := map[string]bool{}
	if err := x.server.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	box := x.get("/mailbox").body
	for _, subject := range []string{"Somebody asked for help", "A pass was issued to recover", "The pass for your account", "Passkey added", "Is it really sam?"} {
		if kinds[subject] = strings.Contains(box, subject); !kinds[subject] {
			t.Errorf("nobody is told: %s", subject)
		}
	}
	x.clock.move(9 * time.Hour)
	x.server.CleanOnce(t.Context())
	if a := x.directoryAudits(x.appToken(), "Close recovery case"); len(a) != 1 {
		t.Errorf("the case did not close by itself: %v", a)
	}
	for _, activity := range []string{"Open recovery case", "Approve recovery case", "Issue pass for recovery case", "Use pass of recovery case", "Register method in recovery case"} {
		if a := x.directoryAudits(x.appToken(), activity); len(a) == 0 {
			t.Errorf("the log has no %q", activity)
		}
	}
}

func TestAnImpostorsCaseIsFrozenAndRevertedAndTheLogTellsIt(t *testing.T) {
	x := onATrip(t)
	x.seen = x.saysNothingOfPasswords()
	number := x.ask("sam@contoso.example")
	impostor := x.browser
	x.asKey(x.linked(linkToApprove), x.key)
	link := x.linked(linkToApprove)
	if a := x.post(link, url.Values{"answer": {"yes"}, "number": {number}, "way": {"me"}}); a.status != http.StatusOK || !strings.Contains(a.body, "in your mail") {
		t.Fatalf("a manager who was fooled: %d\n%s", a.status, a.body)
	}
	code := x.linked(linkToOpen)
	if a := x.post("/recover/open", url.Values{"code": {code}}); a.status != http.StatusSeeOther || a.location != "/recover/open/now" {
		t.Fatalf("the manager opens it: %d %s", a.status, a.location)
	}
	pass := handedPass.FindStringSubmatch(x.post("/recover/open/now", url.Values{"open": {"yes"}}).body)
	if pass == nil {
		t.Fatal("no pass")
	}
	x.browser = impostor
	x.toOwnPage("sam@contoso.example", pass[1])
	theirKey := x.newKey()
	x.addKey(theirKey)

	deny := x.linked(linkToDeny)
	x.newBrowser()
	for range 2 { // a mail scanner
		if a := x.get("/recover/not-me"); a.status != http.StatusOK || !strings.Contains(a.body, `data-step="deny"`) {
			t.Fatalf("look: %d", a.status)
		}
	}
	for _, bad := range []string{"", "x", deny[:len(deny)-4] + "AAAA"} {
		if a := x.post("/recover/not-me", url.Values{"code": {bad}}); !strings.Contains(a.body, `data-error="denialOver"`) {
			t.Errorf("%q: %d\n%s", bad, a.status, a.body)
		}
	}
	if a := x.post("/recover/not-me", url.Values{"code": {deny}}); a.status != http.StatusOK || !strings.Contains(a.body, "It is stopped") || !strings.Contains(a.body, number) {
		t.Fatalf("deny: %d\n%s", a.status, a.body)
	}
	x.browser = impostor
	if a := x.get("/security-info"); a.status != http.StatusSeeOther {
		t.Errorf("the impostor is still signed in: %d", a.status)
	}
	x.newBrowser()
	page := x.get("/security-info").location
	if a := x.use(page, theirKey); a.status == http.StatusSeeOther && !strings.Contains(x.get(a.location).body, "data-error") && strings.Contains(x.get(page).body, `data-step="stay"`) {
		t.Error("the impostor's key still signs in")
	}
	if said := x.deny(deny); said != "" { // that it is stopped
		t.Errorf("a second time: %s", said)
	}
	app := x.appToken()
	_, found := x.api(http.MethodGet, "/v1.0/postern/recovery/cases?$filter=number%20eq%20%27"+number+"%27", app, "")
	id := found["value"].([]any)[0].(map[string]any)["id"].(string)
	if status, c := x.api(http.MethodPost, "/v1.0/postern/recovery/cases/"+id+"/revert", app, "{}"); status != http.StatusOK || c["state"] != "reverted" || c["outcome"] != "impostor" {
		t.Fatalf("revert: %d %v", status, c)
	}
	if said := x.deny(deny); said != "caseDecided" {
		t.Errorf("after it was reverted: %q", said)
	}
	_, steps := x.api(http.MethodGet, "/v1.0/postern/recovery/cases/"+id+"/timeline", app, "")
	for _, step := range []string{"Hand over temporary access pass", "Open handed-over pass"} {
		if !strings.Contains(fmt.Sprint(steps), step) {
			t.Errorf("the timeline of the case lacks %q: %v", step, steps)
		}
	}
	_, sams := x.api(http.MethodGet, "/v1.0/users/sam@contoso.example/authentication/fido2Methods", app, "")
	if keys := sams["value"].([]any); len(keys) != 1 { // Sam's own
		t.Errorf("after the revert Sam has %d keys: %v", len(keys), keys)
	}
	for _, step := range []string{"Open recovery case", "Issue pass for recovery case", "Dispute recovery case", "Revert recovery case"} {
		if a := x.directoryAudits(app, step); len(a) == 0 {
			t.Errorf("the log does not tell %q", step)
		}
	}
}

func TestANumberThatChangedCountsOnceItWasOnFileForLongEnough(t *testing.T) {
	x := onATrip(t)
	app := x.appToken()
	if status, v := x.api(http.MethodPatch, "/v1.0/postern/recovery/policy", app, `{"contactChangeDelayInHours": 2}`); status != http.StatusOK {
		t.Fatalf("policy: %d %v", status, v)
	}
	x.change(http.MethodPatch, "/v1.0/users/"+x.sam, `{"mobilePhone": "+44 113 496 0000"}`)
	_, opened := x.api(http.MethodPost, "/v1.0/postern/recovery/cases", app, `{"userId": "`+x.sam+`", "openedAs": "automation", "channel": "api"}`)
	counts := func() any {
		_, c := x.api(http.MethodGet, "/v1.0/postern/recovery/cases/"+opened["id"].(string), app, "")
		for _, one := range c["contactChanges"].([]any) {
			if one := one.(map[string]any); one["property"] == "mobilePhone" {
				return one["counts"]
			}
		}
		return nil
	}
	if got := counts(); got != false {
		t.Errorf("at once: %v", got)
	}
	x.clock.move(2*time.Hour + time.Minute)
	app = x.appToken()
	if got := counts(); got != true {
		t.Errorf("after the delay: %v", got)
	}
}

func TestAskingForHelpTellsNobodyWhoIsKnown(t *testing.T) {
	x := onATrip(t)
	plain := regexp.MustCompile(`R-[A-Z2-9]{6}|<bdi>[^<]*@[^<]*</bdi>|[0-9a-f]{8}-[0-9a-f-]{27}|t=[0-9a-f]{8}|<time[^>]*>[^<]*</time>|<p class="small">.*`)
	seen := map[string]string{}
	for _, name := range []string{"sam@contoso.example", "nobody@contoso.example"} {
		x.newBrowser()
		x.ask(name)
		for i, form := range []url.Values{nil, {"ask": {"mail"}}, {"ask": {"colleague"}, "colleague": {"mira@contoso.example"}}, {"code": {"AAAAAAAA"}}, {"ask": {"pass"}}, {"ask": {"phone"}}, {"ask": {"matched"}}} {
			a := x.get("/recover/case")
			if form != nil {
				if a = x.post("/recover/case", form); a.status == http.StatusSeeOther {
					a = x.get(a.location)
				}
			}
			text := plain.ReplaceAllString(a.body, "")
			if i == 5 { // the number to type differs
				text = regexp.MustCompile(`match-number">\d+`).ReplaceAllString(text, "")
			}
			key := form.Encode()
			if former, ok := seen[key]; ok && former != text {
				t.Errorf("%q differs for a name that nobody has:\n%s\n----\n%s", key, former, text)
			}
			seen[key] = text
		}
	}
	var last answer
	for range 4 { // of the same name
		x.newBrowser()
		page := x.get("/security-info").location
		x.post(page, url.Values{"username": {"nobody@contoso.example"}})
		last = x.post(strings.Replace(page, "/signin", "/recover", 1), url.Values{"lost": {"phoneLost"}})
	}
	if last.status != http.StatusTooManyRequests {
		t.Errorf("the fourth case of a name: %d\n%s", last.status, last.body)
	}
}

func (x trip) selfService(mode string) {
	x.t.Helper()
	if status, v := x.api(http.MethodPatch, "/v1.0/postern/recovery/policy", x.appToken(), `{"selfService":"`+mode+`"}`); status != http.StatusOK {
		x.t.Fatalf("policy: %d %v", status, v)
	}
}

func TestACodeByMailAndColleaguesShowWhoAsks(t *testing.T) {
	x := onATrip(t)
	ada, adaKey := x.person("ada")
	bea, beaKey := x.person("bea")
	_, foreign := x.person("otto")
	for _, id := range []string{ada, bea} {
		x.managed(id, x.mira)
	}
	x.clock.move(8 * 24 * time.Hour)
	x.newBrowser()
	number := x.ask("sam@contoso.example")
	theirs := x.browser
	x.post("/recover/case", url.Values{"ask": {"mail"}})
	code := x.linked(codeInMail)
	x.newBrowser() // the code is of one browser
	x.ask("sam@contoso.example")
	if a := x.post("/recover/case", url.Values{"code": {code}}); a.location != "/recover/case?said=wrong" {
		t.Errorf("the code in another browser: %d %s", a.status, a.location)
	}
	x.browser = theirs
	if a := x.post("/recover/case", url.Values{"code": {code}}); a.location != "/recover/case" || !strings.Contains(x.get(a.location).body, "You had the code") {
		t.Errorf("the code: %d %s\n%s", a.status, a.location, a.body)
	}
	x.post("/recover/case", url.Values{"ask": {"colleague"}, "colleague": {"otto@contoso.example"}})
	x.post("/recover/case", url.Values{"ask": {"colleague"}, "colleague": {"ada@contoso.example"}})
	link := x.linked(linkToVouch)
	if a := x.asKey(link, foreign); a.status != http.StatusForbidden || !strings.Contains(a.body, `data-error="caseNotColleague"`) {
		t.Errorf("somebody from elsewhere: %d\n%s", a.status, a.body)
	}
	for _, key := range []*passkeytest.Authenticator{adaKey, beaKey} {
		x.asKey(link, key)
		if a := x.post(link, url.Values{"answer": {"yes"}, "number": {number}}); a.status != http.StatusOK || !strings.Contains(a.body, "It takes two") {
			t.Errorf("vouch: %d\n%s", a.status, a.body)
		}
	}
	if a := x.post(link, url.Values{"answer": {"yes"}, "number": {number}}); !strings.Contains(a.body, `data-error="caseTwice"`) {
		t.Errorf("twice: %d\n%s", a.status, a.body)
	}
	x.browser = theirs
	if a := x.get("/recover/case"); strings.Count(a.body, "vouched for you") != 2 {
		t.Errorf("after two colleagues:\n%s", a.body)
	}
	// Nobody approved, and the policy lets nobody recover by themselves.
	if a := x.post("/recover/case", url.Values{"ask": {"pass"}}); strings.Contains(a.body, "data-pass") {
		t.Error("a pass without approval")
	}
	if a := x.get("/recover/case"); !strings.Contains(a.body, "the helpdesk reads it out to you") {
		t.Errorf("what is next:\n%s", a.body)
	}
	// Where it does, the code of this browser counts, and what others said does not.
	x.selfService("evaluation")
	if a := x.post("/recover/case", url.Values{"ask": {"pass"}}); strings.Contains(a.body, "data-pass") {
		t.Error("a pass while policy only evaluates")
	}
	x.selfService("production")
	if a := x.post("/recover/case", url.Values{"ask": {"pass"}}); !strings.Contains(a.body, "data-pass") || !strings.Contains(a.body, "It works once") {
		t.Errorf("no pass in production:\n%s", a.body)
	}
	_, v := x.api(http.MethodGet, recoveryCases+"/"+number, x.appToken(), "")
	if pass, _ := v["pass"].(map[string]any); v["assuranceLevel"] != "medium" || pass["isUsableOnce"] != true {
		t.Errorf("the pass is for more than a code by mail is good for: %v of a case of level %v", pass, v["assuranceLevel"])
	}
}
