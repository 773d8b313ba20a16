package server_test

import (
	"bufio"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/postern-id/postern/internal/directory"
)

var (
	formToken = regexp.MustCompile(`name="form" value="([A-Z0-9]+)"`)
	shownPass = regexp.MustCompile(`data-pass="([^"]+)"`)
)

// passForm opens the form for a person and returns its address and what its button sends.
func (w *world) passForm(user string, more url.Values) (string, url.Values) {
	w.t.Helper()
	at := "/console/people/" + user + "/pass"
	a := w.get(at)
	token := formToken.FindStringSubmatch(a.body)
	if a.status != http.StatusOK || token == nil {
		w.t.Fatalf("the form: %d\n%s", a.status, a.body)
	}
	v := url.Values{"form": {token[1]}, "preset": {"recoverDevice"}}
	maps.Copy(v, more)
	return at, v
}

// readOut opens the page that an issued form leads to, and returns its address and the pass.
func (w *world) readOut(sent answer) (at, pass string) {
	w.t.Helper()
	if sent.status != http.StatusSeeOther {
		w.t.Fatalf("issue: %d\n%s", sent.status, sent.body)
	}
	page := w.get(sent.location)
	found := shownPass.FindStringSubmatch(page.body)
	if page.status != http.StatusOK || found == nil {
		w.t.Fatalf("the page of the pass: %d\n%s", page.status, page.body)
	}
	if page.header.Get("Cache-Control") != "no-store" || strings.Contains(sent.location, found[1]) {
		w.t.Errorf("%s, %s", page.header.Get("Cache-Control"), sent.location)
	}
	return sent.location, found[1]
}

func TestAnAgentIssuesAPassReadsItOutOnceAndFollowsIt(t *testing.T) {
	w := newWorld(t)
	mira := w.createUser("mira")
	dana := w.consoleAs("dana", directory.AuthenticationAdministrator)

	if a := w.get("/console/pass?q=mira"); a.status != http.StatusSeeOther || a.location != "/console/people/"+mira+"/pass" {
		t.Fatalf("by name: %d %s\n%s", a.status, a.location, a.body)
	}
	at, v := w.passForm(mira, url.Values{"check": {"callBack"}, "note": {"0113 <b>"}, "ticket": {"HD-21034"}, "reason": {`"><script>alert(1)</script>`}})
	where, pass := w.readOut(w.post(at, v))
	self, _, _ := strings.Cut(where, "?")

	t.Run("the page shows it this once", func(t *testing.T) {
		for _, again := range []string{where, self, self + "?once=AAAA", at} {
			if a := w.get(again); a.status != http.StatusOK || strings.Contains(strings.ReplaceAll(a.body, "</b>", ""), pass) || shownPass.MatchString(a.body) {
				t.Errorf("%s: %d\n%s", again, a.status, a.body)
			}
		}
		if strings.Contains(w.log.String(), pass) {
			t.Error("the pass is in the log")
		}
	})
	t.Run("what was typed is kept, and is no markup anywhere", func(t *testing.T) {
		_, got := w.api(http.MethodGet, "/v1.0/users/"+mira+"/authentication/temporaryAccessPassMethods/"+self[strings.LastIndex(self, "/")+1:]+
			"?$select=postern_reason,postern_ticket,postern_identityCheck,postern_issuer,isUsableOnce,lifetimeInMinutes", w.appToken(), "")
		check, _ := got["postern_identityCheck"].(map[string]any)
		if got["postern_ticket"] != "HD-21034" || got["postern_issuer"] != "dana" || check["how"] != "callBack" || got["isUsableOnce"] != true || got["lifetimeInMinutes"] != 60.0 {
			t.Errorf("%v", got)
		}
	})
	t.Run("the other tab hears that it was used", func(t *testing.T) {
		page := w.get(self)
		seen := regexp.MustCompile(`data-seen="([0-9a-f]+)"`).FindStringSubmatch(page.body)
		if !strings.Contains(page.body, `data-step="waits"`) || seen == nil {
			t.Fatalf("%s", page.body)
		}
		res, err := w.browser.Do(w.request(http.MethodGet, self+"/events?seen="+seen[1], nil))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		agent := w.browser
		w.newBrowser()
		w.code("mira@contoso.example", pass)
		w.browser = agent
		events := bufio.NewScanner(res.Body)
		for events.Scan() && events.Text() != "event: changed" {
			continue
		}
		if events.Text() != "event: changed" {
			t.Fatalf("no change is told: %d %v", res.StatusCode, events.Err())
		}
		if page := w.get(self); !strings.Contains(page.body, `data-step="used"`) {
			t.Errorf("%s", page.body)
		}
	})
	t.Run("it is taken back", func(t *testing.T) {
		back := w.post(self+"/back", url.Values{})
		if back.status != http.StatusSeeOther {
			t.Fatalf("%d\n%s", back.status, back.body)
		}
		if a := w.get(back.location); !strings.Contains(a.body, `data-step="over"`) || len(w.passesOf(mira)) != 0 {
			t.Errorf("%d\n%s", a.status, a.body)
		}
	})
	t.Run("and not for oneself", func(t *testing.T) {
		if a := w.get("/console/people/" + dana + "/pass"); !strings.Contains(a.body, `data-code="notForYourself"`) || formToken.MatchString(a.body) {
			t.Errorf("%d\n%s", a.status, a.body)
		}
	})
}

func TestOfTwoClicksOneIssuesAPass(t *testing.T) {
	w := newWorld(t)
	mira := w.createUser("mira")
	w.consoleAs("dana", directory.AuthenticationAdministrator)
	at, v := w.passForm(mira, url.Values{"ticket": {"HD-1"}})
	answers := make(chan answer, 6)
	var all sync.WaitGroup
	for range cap(answers) {
		all.Go(func() { answers <- w.post(at, v) })
	}
	all.Wait()
	issued := 0
	for range cap(answers) {
		switch a := <-answers; {
		case a.status == http.StatusSeeOther:
			issued++
		case a.status != http.StatusConflict || !strings.Contains(a.body, `value="HD-1"`):
			t.Errorf("a late click: %d\n%s", a.status, a.body)
		}
	}
	if got := w.directoryAudits(w.appToken(), "Admin registered security info"); issued != 1 || len(got) != 1 {
		t.Errorf("%d led on, %d passes were issued", issued, len(got))
	}
}

func TestTheFormSaysBeforehandWhatStandsInTheWayAndWhomToAsk(t *testing.T) {
	w := newWorld(t)
	mira, boss := w.createUser("mira"), w.createUser("boss")
	w.create("/v1.0/roleManagement/directory/roleAssignments", `{"roleDefinitionId":"`+string(directory.PrivilegedAuthenticationAdministrator)+`","principalId":"`+boss+`","directoryScopeId":"/"}`)
	dana := w.createUser("dana")
	role := w.create("/v1.0/roleManagement/directory/roleAssignments", `{"roleDefinitionId":"`+string(directory.AuthenticationAdministrator)+`","principalId":"`+dana+`","directoryScopeId":"/"}`)
	w.create("/v1.0/roleManagement/directory/roleAssignments", `{"roleDefinitionId":"`+string(directory.HelpdeskAdministrator)+`","principalId":"`+dana+`","directoryScopeId":"/"}`)
	if a := w.inConsole("dana@contoso.example", w.longPass(dana)); a.status != http.StatusOK {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	if a := w.get("/console/people/" + boss + "/pass"); !strings.Contains(a.body, `data-code="targetProtected"`) || !strings.Contains(a.body, adminName) || formToken.MatchString(a.body) {
		t.Errorf("an administrator: %d\n%s", a.status, a.body)
	}
	w.setPolicy(`{"postern_identityCheck":"required"}`)
	at, v := w.passForm(mira, url.Values{"reason": {"lost <i>phone</i>"}})
	a := w.post(at, v)
	if a.status != http.StatusBadRequest || !strings.Contains(a.body, "lost &lt;i&gt;phone&lt;/i&gt;") || !strings.Contains(a.body, `id="trouble"`) || len(w.passesOf(mira)) != 0 {
		t.Errorf("without the check: %d\n%s", a.status, a.body)
	}
	for field, wrong := range map[string]string{"minutes": "481", "start": "2001-01-01T08:00"} {
		if a := w.get(at + "?" + url.Values{field: {wrong}}.Encode()); !strings.Contains(a.body, `id="wrong"`) {
			t.Errorf("%s %s: %d\n%s", field, wrong, a.status, a.body)
		}
	}

	t.Run("a role that is lost while the form is open", func(t *testing.T) {
		at, v := w.passForm(mira, url.Values{"check": {"video"}})
		w.do204(http.MethodDelete, "/v1.0/roleManagement/directory/roleAssignments/"+role, "")
		if a := w.post(at, v); a.status != http.StatusForbidden || len(w.passesOf(mira)) != 0 {
			t.Errorf("%d\n%s", a.status, a.body)
		}
		if a := w.get(at); a.status != http.StatusOK || !strings.Contains(a.body, `data-code="notAllowed"`) {
			t.Errorf("afterwards: %d\n%s", a.status, a.body)
		}
	})
	t.Run("passes that are switched off", func(t *testing.T) {
		w.setPolicy(`{"state":"disabled"}`)
		if a := w.get(at); !strings.Contains(a.body, `data-code="notAllowed"`) {
			t.Errorf("%d\n%s", a.status, a.body)
		}
	})
}

func TestNobodyElsesBrowserTakesThePass(t *testing.T) {
	w := newWorld(t)
	mira := w.createUser("mira")
	w.consoleAs("dana", directory.AuthenticationAdministrator)
	at, v := w.passForm(mira, nil)
	sent := w.post(at, v)
	dana := w.browser
	w.consoleAs("eve", directory.AuthenticationAdministrator)
	if a := w.get(sent.location); a.status != http.StatusOK || shownPass.MatchString(a.body) {
		t.Errorf("another agent: %d\n%s", a.status, a.body)
	}
	w.browser = dana
	w.readOut(sent)
}
