package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent/tpm/tpmtest"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/totp"
	"github.com/postern-id/postern/internal/server"
)

// campaign replaces the tenant's campaign by a changed default.
func (w *world) campaign(change func(*method.Campaign)) {
	w.t.Helper()
	c := method.DefaultCampaign()
	c.Include[0].Method = "fido2"
	if change != nil {
		change(&c)
	}
	if err := c.Check(); err != nil {
		w.t.Fatal(err)
	}
	if err := w.server.SetMethodPolicy(w.t.Context(), w.created.TenantID, method.CampaignID, c); err != nil {
		w.t.Fatal(err)
	}
}

// toWizard signs in with a pass and returns the page that stands before the application.
func (w *world) toWizard(name, pass string) string {
	w.t.Helper()
	w.newBrowser()
	done := w.signIn(w.authorize(nil).location, name, pass)
	if done.status != http.StatusSeeOther {
		w.t.Fatalf("sign-in: %d\n%s", done.status, done.body)
	}
	a := w.get(done.location)
	if !strings.HasPrefix(a.location, "/signin/register?t=") {
		w.t.Fatalf("nothing is asked: %d %s", a.status, a.location)
	}
	return a.location
}

// onward returns the code of the application to which an answer of the wizard leads.
func (w *world) onward(a answer) string {
	w.t.Helper()
	return w.codeIn(w.get(a.location))
}

func TestAfterAPassPeopleAreAskedToRegisterOnTheWay(t *testing.T) {
	var c wrist
	w := newKeyWorld(t, func(o *server.Options) { o.Wall = c.now })
	ada := w.createUser("ada")
	pass := w.longPass(ada)
	w.code("ada@contoso.example", pass) // before an administrator decides on methods nobody is held up
	w.enableCodes()
	wizard := w.toWizard("ada@contoso.example", pass)
	page := w.get(wizard)
	if page.status != http.StatusOK || !strings.Contains(page.body, `data-step="register"`) || !strings.Contains(page.body, addPasskey) || !strings.Contains(page.body, `name="later"`) {
		t.Fatalf("the wizard: %d\n%s", page.status, page.body)
	}

	// What was started in time is finished in time, then it goes on to the application.
	c.move(9 * time.Minute)
	w.get(wizard)
	c.move(5 * time.Minute)
	done := w.post(addPasskey, w.newAnswer(w.newKey()))
	if done.status != http.StatusSeeOther || done.location != wizard {
		t.Fatalf("add: %d %s\n%s", done.status, done.location, done.body)
	}
	if page := w.get(wizard); !strings.Contains(page.body, `name="go"`) || strings.Contains(page.body, `name="later"`) {
		t.Errorf("the wizard afterwards:\n%s", page.body)
	}
	if _, tokens := w.token(redeem(w.onward(w.post(wizard, url.Values{"go": {"1"}})))); tokens["access_token"] == nil {
		t.Errorf("no tokens: %v", tokens)
	}
	// Who has a way of their own is asked no more.
	w.newBrowser()
	w.code("ada@contoso.example", pass)
}

func TestLaterHoldsForADayAndAnotherBrowserCanNotSayIt(t *testing.T) {
	var c wrist
	w := newKeyWorld(t, func(o *server.Options) { o.Wall = c.now })
	ada := w.createUser("ada")
	status, v := w.api(http.MethodPost, "/v1.0/users/"+ada+"/authentication/temporaryAccessPassMethods", w.appToken(), `{"isUsableOnce":false,"lifetimeInMinutes":480}`)
	if status != http.StatusCreated {
		t.Fatal(v)
	}
	pass := v["temporaryAccessPass"].(string)
	w.campaign(nil)
	wizard := w.toWizard("ada@contoso.example", pass)
	mine := w.browser
	w.newBrowser()
	if a := w.post(wizard, url.Values{"later": {"1"}}); a.status != http.StatusBadRequest {
		t.Errorf("another browser: %d", a.status)
	}
	w.browser = mine
	if code := w.onward(w.post(wizard, url.Values{"later": {"1"}})); code == "" {
		t.Error("Later leads nowhere")
	}
	if n := len(w.directoryAudits(w.appToken(), "User canceled security info registration")); n != 1 {
		t.Errorf("%d events", n)
	}
	w.newBrowser()
	w.code("ada@contoso.example", pass) // the same day nobody asks again
	w.campaign(func(c *method.Campaign) { c.SnoozeDuration = 0 })
	w.toWizard("ada@contoso.example", pass)
	w.campaign(func(c *method.Campaign) { c.AfterPass = "none" })
	w.newBrowser()
	w.code("ada@contoso.example", pass)
}

func TestADemandedRegistrationHoldsAtEveryDoor(t *testing.T) {
	var c wrist
	w := newKeyWorld(t, func(o *server.Options) { o.Wall = c.now })
	ada := w.createUser("ada")
	pass := w.longPass(ada)
	w.campaign(func(c *method.Campaign) { c.AfterPass = "required" })
	wizard := w.toWizard("ada@contoso.example", pass)
	if page := w.get(wizard); strings.Contains(page.body, `name="later"`) || !strings.Contains(page.body, "wants this before you go on") {
		t.Errorf("the wizard:\n%s", page.body)
	}
	for name, form := range map[string]url.Values{"later": {"later": {"1"}}, "go": {"go": {"1"}}, "nothing": {}} {
		if a := w.post(wizard, form); a.location != wizard {
			t.Errorf("%s: %d %s", name, a.status, a.location)
		}
	}
	handle := strings.TrimPrefix(wizard, "/signin/register?t=")
	for name, a := range map[string]answer{
		"round the page":              w.get("/oauth2/resume?t=" + handle),
		"a second authorization":      w.authorize(nil),
		"one for another application": w.authorize(url.Values{"state": {"other"}}),
	} {
		if strings.Contains(a.location, "code=") {
			t.Errorf("%s: %d %s", name, a.status, a.location)
		}
	}
	again := w.authorize(nil)
	if !strings.HasPrefix(again.location, "/signin/register?t=") {
		t.Fatalf("a session that owes it: %d %s", again.status, again.location)
	}
	if a := w.authorize(url.Values{"prompt": {"none"}}); !strings.Contains(a.location, "error=interaction_required") {
		t.Errorf("without a page: %s", a.location)
	}
	if a := w.get("/security-info"); a.status != http.StatusOK {
		t.Errorf("the own page: %d", a.status)
	}

	// An hour later the proof is too old: it is asked for, and then the person is where they were.
	c.move(time.Hour)
	if page := w.get(again.location); page.status == http.StatusOK && !strings.Contains(page.body, `name="prove"`) {
		t.Errorf("an hour later: %d\n%s", page.status, page.body)
	}
	late := w.authorize(nil).location
	prove := w.post(late, url.Values{"prove": {"1"}})
	if prove.status != http.StatusSeeOther || !strings.HasPrefix(prove.location, "/signin?t=") {
		t.Fatalf("prove: %d %s\n%s", prove.status, prove.location, prove.body)
	}
	if a := w.post(prove.location, url.Values{"accesspass": {pass}}); a.status != http.StatusSeeOther {
		t.Fatalf("the pass again: %d\n%s", a.status, a.body)
	}
	next := w.get(prove.location)
	for next.status == http.StatusSeeOther && !strings.HasPrefix(next.location, "/signin/register") {
		next = w.get(next.location)
	}
	if next.status == http.StatusOK { // stay signed in?
		next = w.post(prove.location, url.Values{"stay": {"no"}})
		next = w.get(next.location)
	}
	if !strings.HasPrefix(next.location, "/signin/register?t=") {
		t.Fatalf("after the proof: %d %s\n%s", next.status, next.location, next.body)
	}
	wizard = next.location
	w.get(wizard)
	if done := w.post(addPasskey, w.newAnswer(w.newKey())); done.location != wizard {
		t.Fatalf("add: %d %s\n%s", done.status, done.location, done.body)
	}
	if code := w.onward(w.post(wizard, url.Values{"go": {"1"}})); code == "" {
		t.Error("it leads nowhere")
	}
}

func TestADeviceIsOpenedByAPassAndNothingElseBeforeAMethodIsThere(t *testing.T) {
	w := newKeyWorld(t)
	_, pass := w.addPerson("mira@contoso.example")
	p := withPINs(w, "mira@contoso.example", pass, tpmtest.New(t))
	pass = w.longPass(w.createUser("ada"))
	w.campaign(func(c *method.Campaign) { c.AfterPass = "required" })
	if got := p.tokensAtLock(p.joined.DeviceID, "ada@contoso.example", pass); got["id_token"] == nil {
		t.Fatalf("the device stays shut: %v", got)
	}
	wizard := w.toWizard("ada@contoso.example", pass)
	if a := w.authorize(nil); !strings.HasPrefix(a.location, "/signin/register?t=") {
		t.Errorf("an application without a method: %d %s", a.status, a.location)
	}
	w.get(wizard)
	if done := w.post(addPasskey, w.newAnswer(w.newKey())); done.location != wizard {
		t.Fatalf("add: %d %s\n%s", done.status, done.location, done.body)
	}
	if code := w.onward(w.post(wizard, url.Values{"go": {"1"}})); code == "" {
		t.Error("it leads nowhere")
	}
}

func TestACampaignAsksWhoHasNotWhatItWants(t *testing.T) {
	w := newKeyWorld(t)
	w.enableCodes()
	ada, key := w.person("ada")
	w.campaign(func(c *method.Campaign) {
		c.State, c.Enforce, c.SnoozeDuration, c.AllowedSnoozes = "enabled", true, 0, 1
		c.Include = []method.CampaignTarget{{ID: ada, TargetType: "user", Method: "softwareOath"}, {ID: directory.AllUsers, TargetType: "group", Method: "fido2"}}
	})
	to := func() string {
		t.Helper()
		w.newBrowser()
		page := w.authorize(nil).location
		w.use(page, key)
		return w.get(w.post(page, url.Values{"stay": {"no"}}).location).location
	}
	wizard := to()
	if page := w.get(wizard); !strings.Contains(page.body, addCode) || !strings.Contains(page.body, "once more") {
		t.Fatalf("the wizard:\n%s", page.body)
	}
	w.onward(w.post(wizard, url.Values{"later": {"1"}}))
	wizard = to()
	if a := w.post(wizard, url.Values{"later": {"1"}}); a.location != wizard {
		t.Errorf("a Later too many: %d %s", a.status, a.location)
	}
	w.get(wizard)
	k, ticket := w.keyOn(w.get(addCode))
	if a := w.post(addCode, url.Values{"ticket": {ticket}, "otc": {k.Code(totp.Step(time.Now()))}}); a.location != wizard {
		t.Fatalf("add: %d %s\n%s", a.status, a.location, a.body)
	}
	w.onward(w.post(wizard, url.Values{"go": {"1"}}))
	w.newBrowser()
	w.codeBy(key)
}
