package server_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/server"
)

const (
	adminName  = "admin@contoso.example"
	passMethod = "/v1.0/users/" + adminName + "/authentication/temporaryAccessPassMethods"
	passPolicy = "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/TemporaryAccessPass"
)

// typed gives name and pass on fresh pages and returns the answer to the pass.
func (w *world) typed(name, pass string) answer {
	w.t.Helper()
	page := w.authorize(nil).location
	if a := w.post(page, url.Values{"username": {name}}); a.status != http.StatusSeeOther {
		w.t.Fatalf("name: %d\n%s", a.status, a.body)
	}
	a := w.post(page, url.Values{"accesspass": {pass}})
	if a.status == http.StatusSeeOther {
		return w.get(page)
	}
	return a
}

// told is what of a page a person reads.
func told(a answer) string {
	_, main, _ := strings.Cut(a.body, "<main")
	main, _, _ = strings.Cut(main, `<p class="small">`)
	return ownID.ReplaceAllString(main, "t=ID")
}

func (w *world) setPolicy(change string) {
	w.t.Helper()
	if status, v := w.api(http.MethodPatch, passPolicy, w.appToken(), change); status != http.StatusNoContent {
		w.t.Fatalf("change the policy: %d %v", status, v)
	}
}

func TestAPassBeforeItsTimeSaysFromWhenToWhoTypesIt(t *testing.T) {
	var c wrist
	w := newWorld(t, func(o *server.Options) { o.Wall = c.now })
	start := c.now().Add(40 * time.Minute).UTC().Truncate(time.Second)
	_, pass := w.issue(`{"startDateTime":"` + start.Format(time.RFC3339) + `"}`)
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	from := "This pass works from"
	early := w.typed(adminName, pass)
	for _, want := range []string{from, start.In(berlin).Format("15:04"), "(Europe/Berlin)", `data-error="credentialRefused"`} {
		if early.status != http.StatusBadRequest || !strings.Contains(early.body, want) {
			t.Errorf("%d, without %q\n%s", early.status, want, early.body)
		}
	}
	w.newBrowser()
	wrong := w.typed(adminName, "WRONGWRONG")
	w.newBrowser()
	unknown := w.typed("nobody@contoso.example", pass)
	if strings.Contains(wrong.body, from) || told(wrong) != strings.ReplaceAll(told(unknown), "nobody@", "admin@") {
		t.Errorf("a wrong pass tells that there is one for later:\n%s", told(wrong))
	}
	c.move(40 * time.Minute)
	w.newBrowser()
	if a := w.typed(adminName, pass); !strings.Contains(a.body, `data-step="stay"`) {
		t.Errorf("at its time: %d\n%s", a.status, a.body)
	}
}

// TestAFamiliarBrowserTakesAPassThatIsForLater: where a person signed in before, only what
// they have is offered, and a pass for later must not be missing there.
func TestAFamiliarBrowserTakesAPassThatIsForLater(t *testing.T) {
	w := newWorld(t)
	if a := w.signIn(w.authorize(nil).location, adminName, w.created.Pass); a.status != http.StatusSeeOther {
		t.Fatalf("sign-in: %d\n%s", a.status, a.body)
	}
	_, pass := w.issue(`{"startDateTime":"` + time.Now().Add(time.Hour).UTC().Format(time.RFC3339) + `"}`)
	page := w.authorize(nil).location
	w.post(page, url.Values{"username": {adminName}})
	if a := w.get(page); !strings.Contains(a.body, `data-step="accesspass"`) {
		t.Fatalf("the pass is not asked for\n%s", a.body)
	}
	if a := w.post(page, url.Values{"accesspass": {pass}}); !strings.Contains(a.body, "This pass works from") {
		t.Errorf("%d\n%s", a.status, a.body)
	}
}

func TestThePersonSeesWhoIssuedThePassAndWhyUnlessPolicyHidesIt(t *testing.T) {
	w := newWorld(t)
	_, pass := w.issue(`{"postern_reason":"new laptop"}`)
	before := w.get(w.authorize(nil).location)
	if strings.Contains(before.body, "automation") {
		t.Error("the issuer is told before the proof")
	}
	a := w.typed(adminName, pass)
	if !strings.Contains(a.body, `data-step="stay"`) || !strings.Contains(a.body, "automation") || !strings.Contains(a.body, "new laptop") {
		t.Errorf("issuer or reason are missing\n%s", a.body)
	}
	w.setPolicy(`{"postern_hideIssuer":true}`)
	w.newBrowser()
	a = w.typed(adminName, pass)
	if !strings.Contains(a.body, `data-step="stay"`) || strings.Contains(a.body, "automation") || strings.Contains(a.body, "new laptop") {
		t.Errorf("issuer or reason are told against the policy\n%s", a.body)
	}
}

func TestThePolicySaysHowHardAPassIsToGuess(t *testing.T) {
	w := newWorld(t)
	w.setPolicy(`{"defaultLength":10}`)
	status, v := w.api(http.MethodGet, passPolicy+"?$select=defaultLength,postern_entropyBits,postern_guessesPerDay,postern_yearsToGuess", w.appToken(), "")
	if status != http.StatusOK || v["postern_entropyBits"] != 50.0 || v["postern_guessesPerDay"] != 9840.0 || v["postern_yearsToGuess"].(float64) < 150e6 {
		t.Errorf("%d %v", status, v)
	}
	if _, all := w.api(http.MethodGet, passPolicy, w.appToken(), ""); all["defaultLength"] != 10.0 || all["postern_entropyBits"] != nil || all["postern_hideIssuer"] != nil {
		t.Errorf("without $select: %v", all)
	}
	if status, v := w.api(http.MethodGet, passPolicy+"?$select=nothing", w.appToken(), ""); status != http.StatusBadRequest {
		t.Errorf("an unknown property: %d %v", status, v)
	}
}

// TestTheWholeLifeOfAPassIsLogged issues, views, mistypes and uses a pass, and waits until it
// has expired and is removed.
func TestTheWholeLifeOfAPassIsLogged(t *testing.T) {
	var c wrist
	w := newWorld(t, func(o *server.Options) { o.Wall = c.now })
	w.setPolicy(`{"minimumLifetimeInMinutes":10}`)
	id, pass := w.issue(`{"lifetimeInMinutes":10}`)
	if status, v := w.api(http.MethodGet, passMethod+"/"+id, w.appToken(), ""); status != http.StatusOK {
		t.Fatalf("view: %d %v", status, v)
	}
	w.typed(adminName, "WRONGWRONG")
	w.newBrowser()
	w.code(adminName, pass)
	c.move(10*time.Minute + time.Second)
	w.server.CleanOnce(t.Context())
	w.server.CleanOnce(t.Context())
	listed := func() int {
		_, v := w.api(http.MethodGet, passMethod, w.appToken(), "")
		return len(v["value"].([]any))
	}
	if listed() != 1 {
		t.Error("a pass that expired is not listed any more")
	}
	c.move(31 * 24 * time.Hour)
	if _, err := server.AcceptClock(t.Context(), w.options); err != nil {
		t.Fatal(err)
	}
	w.server.Look(t.Context())
	w.server.CleanOnce(t.Context())
	if listed() != 0 {
		t.Error("a pass is listed after its retention time")
	}

	token := w.appToken()
	for _, want := range []struct {
		activity string
		n        int
	}{
		{"User registered security info", 1},
		{"Temporary access pass viewed", 2},
		{"Temporary access pass expired", 1},
		{"Temporary access pass removed", 1},
	} {
		status, v := w.api(http.MethodGet, "/v1.0/auditLogs/directoryAudits?$filter="+url.QueryEscape("activityDisplayName eq '"+want.activity+"'"), token, "")
		list, _ := v["value"].([]any)
		if status != http.StatusOK || len(list) != want.n {
			t.Errorf("%s: %d, %d events, want %d", want.activity, status, len(list), want.n)
		}
		for _, e := range list {
			if raw, err := json.Marshal(e); err != nil || !strings.Contains(string(raw), id) || strings.Contains(string(raw), pass) {
				t.Errorf("%s is logged as %s, %v", want.activity, raw, err)
			}
		}
	}
	for code, n := range map[string]int{"0": 1, "130503": 1} {
		status, v := w.api(http.MethodGet, "/v1.0/auditLogs/signIns?$filter="+url.QueryEscape("status/errorCode eq "+code), token, "")
		list, _ := v["value"].([]any)
		if status != http.StatusOK || len(list) < n {
			t.Errorf("sign-ins with %s: %d, %d events", code, status, len(list))
		}
	}
}
