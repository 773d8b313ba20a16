package server_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/recovery/sdjwt/sdjwttest"
)

var (
	etagOfForm = regexp.MustCompile(`name="etag" value="([^"]*)"`)
	nextOfCase = regexp.MustCompile(`data-next="([a-z_]+)"`)
)

// caseFor opens a case for a person in the console, and returns the address of its page.
func (w *world) caseFor(user string, more url.Values) string {
	w.t.Helper()
	form := w.get("/console/recovery/new?person=" + user)
	token := formToken.FindStringSubmatch(form.body)
	if form.status != http.StatusOK || token == nil {
		w.t.Fatalf("the form: %d\n%s", form.status, form.body)
	}
	v := url.Values{"form": {token[1]}, "person": {user}, "channel": {"phone"}, "lost": {"phoneLost"}}
	maps.Copy(v, more)
	a := w.post("/console/recovery/new", v)
	if a.status != http.StatusSeeOther {
		w.t.Fatalf("open: %d\n%s", a.status, a.body)
	}
	at, _, _ := strings.Cut(a.location, "?")
	return at
}

// caseStep sends a form of a case with what its page says of the version.
func (w *world) caseStep(at, step string, v url.Values) answer {
	w.t.Helper()
	page := w.get(at)
	if tag := etagOfForm.FindStringSubmatch(page.body); tag != nil && v.Get("etag") == "" {
		v.Set("etag", strings.ReplaceAll(tag[1], "&#34;", `"`))
	}
	return w.post(at+"/"+step, v)
}

// next is what the page of a case says comes next.
func (w *world) next(at string) string {
	w.t.Helper()
	page := w.get(at)
	found := nextOfCase.FindStringSubmatch(page.body)
	if page.status != http.StatusOK || found == nil {
		w.t.Fatalf("%s: %d\n%s", at, page.status, page.body)
	}
	return found[1]
}

// An employee number that changed a moment ago is how somebody else's credential becomes theirs.
func TestWhoDecidesSeesOnThePageOfTheCaseWhatChanged(t *testing.T) {
	w := newWorld(t)
	mira := w.createUser("mira")
	i := sdjwttest.Issuer(t, sdjwttest.NewKey(t))
	policy, err := json.Marshal(map[string]any{"credentialIssuers": []any{map[string]any{"issuer": i.ID, "types": i.Types, "jwks": i.Keys, "match": i.Match}}})
	if err != nil {
		t.Fatal(err)
	}
	if status, v := w.api(http.MethodPatch, "/v1.0/postern/recovery/policy", w.appToken(), string(policy)); status != http.StatusOK {
		t.Fatalf("policy: %d %v", status, v)
	}
	w.change(http.MethodPatch, "/v1.0/users/"+mira, `{"employeeId":"E-666"}`)
	w.consoleAs("dana", directory.AuthenticationAdministrator)
	page := w.get(w.caseFor(mira, nil))
	if said := regexp.MustCompile(`(?s)data-changed="employeeId">Employee number.*?proves nothing yet.*?</dd>`); !said.MatchString(page.body) {
		t.Errorf("%d\n%s", page.status, page.body)
	}
}

func TestAnAgentTakesACallFromTheCaseToThePassAndTheNextThingIsOneButton(t *testing.T) {
	w := newWorld(t)
	mira := w.createUser("mira")
	w.consoleAs("dana", directory.AuthenticationAdministrator)
	at := w.caseFor(mira, url.Values{"ticket": {"HD-7"}, "note": {`<script>alert(1)</script>`}})
	page := w.get(at)
	if w.next(at) != "prove" || !strings.Contains(page.body, "&lt;script&gt;") || !strings.Contains(page.body, "HD-7") {
		t.Fatalf("%s", page.body)
	}
	if a := w.caseStep(at, "pass", url.Values{}); a.status < 400 {
		t.Errorf("a pass without a proof: %d\n%s", a.status, a.body)
	}
	if a := w.caseStep(at, "proof", url.Values{"way": {"inPerson"}, "note": {"passport"}}); a.status != http.StatusSeeOther {
		t.Fatalf("prove: %d\n%s", a.status, a.body)
	}
	if got := w.next(at); got != "issue" {
		t.Fatalf("after the proof: %s", got)
	}
	form := w.get(at + "/pass")
	token := formToken.FindStringSubmatch(form.body)
	if token == nil {
		t.Fatalf("%d\n%s", form.status, form.body)
	}
	v := url.Values{"form": {token[1]}, "purpose": {"registerMethods"}}
	_, pass := w.readOut(w.caseStep(at, "pass", v))
	page = w.get(at)
	if w.next(at) != "use" || !strings.Contains(page.body, `data-step="issued"`) || strings.Contains(page.body, pass) {
		t.Errorf("%s", page.body)
	}
	if a := w.caseStep(at, "pass", v); a.status != http.StatusConflict {
		t.Errorf("a second click: %d", a.status)
	}
	for _, list := range []string{"/console/recovery", "/console/recovery?show=passIssued", "/console/recovery?show=all", "/console/recovery?person=" + mira} {
		if a := w.get(list); !strings.Contains(a.body, at) {
			t.Errorf("%s: %d\n%s", list, a.status, a.body)
		}
	}
	number := regexp.MustCompile(`R-[A-Z2-9]{6}`).FindString(page.body)
	if a := w.get("/console/recovery?q=" + strings.ToLower(number[2:])); a.status != http.StatusSeeOther || a.location != at {
		t.Errorf("by %s: %d %s", number, a.status, a.location)
	}
	if a := w.get("/console/people/" + mira); !strings.Contains(a.body, at) {
		t.Errorf("the person's page does not know the case\n%s", a.body)
	}

	t.Run("it was somebody else", func(t *testing.T) {
		if a := w.post(at+"/dispute", url.Values{"note": {"she is at her desk"}}); a.status != http.StatusSeeOther || w.next(at) != "decide" {
			t.Fatalf("%d\n%s", a.status, a.body)
		}
		if len(w.passesOf(mira)) != 0 {
			t.Error("the pass is there")
		}
		for _, typed := range []string{"", "R-AAAAAA", "yes"} {
			if a := w.post(at+"/revert", url.Values{"number": {typed}}); a.status != http.StatusBadRequest || w.next(at) != "decide" {
				t.Errorf("%q reverts: %d", typed, a.status)
			}
		}
		if a := w.post(at+"/revert", url.Values{"number": {number}}); a.status != http.StatusSeeOther || w.next(at) != "reverted" {
			t.Errorf("%d\n%s", a.status, a.body)
		}
		for _, step := range []string{"cancel", "refuse", "dispute", "release", "revert"} {
			if a := w.get(at + "/" + step); a.status != http.StatusOK || strings.Contains(a.body, `name="note"`) || !strings.Contains(a.body, "in another state now (Reverted)") {
				t.Errorf("the form to %s a case that is over: %d\n%s", step, a.status, a.body)
			}
		}
	})
}

func TestANumberThatWasChangedLatelyIsShownAndProvesNothing(t *testing.T) {
	w := newWorld(t)
	mira := w.createUser("mira")
	w.do204(http.MethodPatch, "/v1.0/users/"+mira, `{"mobilePhone":"+47 555 0100"}`)
	w.consoleAs("dana", directory.HelpdeskAdministrator)
	at := w.caseFor(mira, nil)
	page := w.get(at)
	if !regexp.MustCompile(`value="callBack:mobilePhone" required disabled`).MatchString(page.body) || !strings.Contains(page.body, "555") {
		t.Errorf("%s", page.body)
	}
	a := w.caseStep(at, "proof", url.Values{"way": {"callBack:mobilePhone"}})
	if a.status != http.StatusConflict || w.next(at) != "prove" {
		t.Errorf("%d\n%s", a.status, a.body)
	}
	if page := w.get(at); !strings.Contains(page.body, `data-step="failed"`) {
		t.Errorf("the refusal is not in the course\n%s", page.body)
	}
	// Who may open cases and not issue passes is told who can.
	if a := w.caseStep(at, "proof", url.Values{"way": {"inPerson"}}); a.status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	if got := w.next(at); got != "issue_others" && got != "issue" {
		t.Errorf("%s", got)
	}
}

func TestOfTwoWhoHadACaseOpenTheSecondIsToldAndChangesNothing(t *testing.T) {
	w := newWorld(t)
	mira := w.createUser("mira")
	w.consoleAs("dana", directory.AuthenticationAdministrator)
	at := w.caseFor(mira, nil)
	old := etagOfForm.FindStringSubmatch(w.get(at).body)[1]
	if a := w.caseStep(at, "proof", url.Values{"way": {"video"}}); a.status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	a := w.post(at+"/proof", url.Values{"way": {"inPerson"}, "etag": {strings.ReplaceAll(old, "&#34;", `"`)}})
	if a.status != http.StatusPreconditionFailed || strings.Count(w.get(at).body, `data-step="proven"`) != 1 {
		t.Errorf("%d\n%s", a.status, a.body)
	}
}

func TestTheRecoveryPolicySaysWhatWouldChangeBeforeItIsSavedAndNobodyIsOverwritten(t *testing.T) {
	w := newWorld(t)
	w.consoleAs("dana", directory.GlobalAdministrator)
	at := "/console/recovery/policy"
	page := w.get(at)
	v := formOf(t, page.body)
	if a := w.post(at, v); a.status != http.StatusOK || strings.Contains(a.body, "<ins>") {
		t.Fatalf("nothing typed changes something: %d\n%s", a.status, a.body)
	}
	v.Set("everyone.low.minutes", "30")
	v.Set("level.callBack", "none")
	v.Set("act", "check")
	if a := w.post(at, v); strings.Count(a.body, "<ins>") != 2 || !strings.Contains(w.get(at).body, `name="everyone.low.minutes" type="number" min="10" max="43200" value="60"`) {
		t.Fatalf("check: %d\n%s", a.status, a.body)
	}
	v.Set("act", "save")
	if a := w.post(at, v); a.status != http.StatusSeeOther {
		t.Fatalf("save: %d\n%s", a.status, a.body)
	}
	if a := w.post(at, v); a.status != http.StatusOK || !strings.Contains(a.body, `id="quicker"`) {
		t.Errorf("an old form: %d\n%s", a.status, a.body)
	}
	bad := formOf(t, w.get(at).body)
	bad.Set("privileged.medium.approvals", "0")
	bad.Set("act", "save")
	if a := w.post(at, bad); a.status != http.StatusBadRequest || !strings.Contains(a.body, `id="trouble"`) {
		t.Errorf("one person for an administrator: %d\n%s", a.status, a.body)
	}
}

func TestAnApproverWhoSignedInByAPassIsLedToSignInAnewAndNobodyApprovesWhatTheyBegan(t *testing.T) {
	w := newWorld(t)
	boss := w.createUser("boss")
	w.create("/v1.0/roleManagement/directory/roleAssignments", `{"roleDefinitionId":"`+string(directory.ReportsReader)+`","principalId":"`+boss+`","directoryScopeId":"/"}`)
	w.consoleAs("dana", directory.AuthenticationAdministrator)
	at := w.caseFor(boss, nil)
	if a := w.caseStep(at, "proof", url.Values{"way": {"inPerson"}}); a.status != http.StatusSeeOther || w.next(at) != "approve_not_you" {
		t.Fatalf("%d %s\n%s", a.status, w.next(at), a.body)
	}
	if a := w.caseStep(at, "approve", url.Values{}); a.status != http.StatusForbidden {
		t.Errorf("dana approves what she began: %d", a.status)
	}
	w.consoleAs("eve", directory.AuthenticationAdministrator)
	if got := w.next(at); got != "approve" {
		t.Fatalf("for eve: %s", got)
	}
	again := "/console/signin/again?to=" + at
	if a := w.caseStep(at, "approve", url.Values{}); a.status != http.StatusForbidden || !strings.Contains(a.body, again) || w.next(at) != "approve" {
		t.Errorf("signed in by a pass: %d\n%s", a.status, a.body)
	}
	if a := w.get(again); a.status != http.StatusSeeOther || !strings.Contains(a.location, "prompt=login") || !strings.Contains(a.location, "acr_values=phr") {
		t.Errorf("%d %s", a.status, a.location)
	}
	w.consoleAs("reader", directory.GlobalReader)
	if got := w.next(at); got != "approve_others" {
		t.Errorf("for a reader: %s", got)
	}
}

// lowMinutes is how long a pass of the weakest proof works, for people without a role.
func lowMinutes(t *testing.T, w *world) float64 {
	t.Helper()
	_, v := w.api(http.MethodGet, "/v1.0/postern/recovery/policy", w.appToken(), "")
	for _, r := range v["rules"].([]any) {
		if r := r.(map[string]any); r["targetClass"] == "everyone" {
			return r["grants"].([]any)[0].(map[string]any)["maximumLifetimeInMinutes"].(float64)
		}
	}
	t.Fatalf("the policy is %v", v)
	return 0
}

func TestTheRecoveryPolicyIsPutBackByWhoMayChangeItAndNoFurther(t *testing.T) {
	const at, policy = "/console/recovery/policy", "/v1.0/postern/recovery/policy"
	w := newWorld(t)
	patch := func(token, body string, want int) {
		t.Helper()
		if status, v := w.api(http.MethodPatch, policy, token, body); status != want {
			t.Fatalf("%.80s: %d %v", body, status, v)
		}
	}
	issuer := `{"credentialIssuers":[{"issuer":"https://hr.example","types":["https://hr.example/employee"],"jwks":{"keys":[{"kty":"EC","crv":"P-256",` +
		`"x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]},"match":[{"claim":"employee_number","attribute":"employeeId"}]}]}`
	patch(w.appToken(), issuer, http.StatusOK)
	patch(w.appToken(), `{"rules":[{"targetClass":"everyone","handOver":["person"],"grants":[{"level":"low","maximumLifetimeInMinutes":30,"isUsableOnce":true,"purposes":["general"]}]}],`+
		`"selfService":"production","workingHours":{"days":["monday"],"from":"08:00","to":"18:00"},"levels":{"callBack":"none"}}`, http.StatusOK)
	_, told := w.api(http.MethodGet, policy+"/history", w.appToken(), "")
	events, _ := told["value"].([]any)
	if len(events) != 2 {
		t.Fatalf("the history has %v", told)
	}
	last, first := events[0].(map[string]any), events[1].(map[string]any)
	whole := func(o any) string {
		text, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}

	// By Graph: a PATCH with what was before puts it back.
	patch(w.appToken(), whole(last["before"]), http.StatusOK)
	if n := lowMinutes(t, w); n != 60 || len(w.trusted()) != 1 {
		t.Errorf("put back, a pass works for %v minutes, and %d issuers are believed", n, len(w.trusted()))
	}
	patch(w.appToken(), whole(first["before"]), http.StatusOK)
	if len(w.trusted()) != 0 || lowMinutes(t, w) != 60 {
		t.Errorf("the first policy is not back: %v", w.trusted())
	}
	patch(w.appToken(), whole(last["after"]), http.StatusOK)

	// In the console: what changes is said before anything is saved.
	w.consoleAs("pol", directory.AuthenticationPolicyAdministrator)
	page := w.get(at + "/history")
	w.wantPage("the history", page, 200, "30 minutes", "Put back what was before")
	back := at + "?back=" + first["id"].(string)
	shown := w.get(back)
	w.wantPage("what would be put back", shown, 200, "<ins>", `id="issuers-stay"`, `name="back"`)
	if lowMinutes(t, w) != 30 {
		t.Error("looking put it back")
	}
	v := formOf(t, shown.body)
	v.Set("act", "save")
	if a := w.post(at, v); a.status != http.StatusSeeOther || lowMinutes(t, w) != 60 || len(w.trusted()) != 1 {
		t.Errorf("without the right to say whom we believe: %d, %v minutes, %v", a.status, lowMinutes(t, w), w.trusted())
	}
	if a := w.post(at, v); a.status != http.StatusOK || !strings.Contains(a.body, `id="quicker"`) {
		t.Errorf("an old form: %d", a.status)
	}
	w.wantPage("no such change", w.get(at+"?back=00000000-0000-4000-8000-000000000000"), 404)

	w.consoleAs("gina", directory.GlobalAdministrator)
	shown = w.get(back)
	w.wantPage("for who says whom we believe", shown, 200, "<del>https://hr.example</del>")
	v = formOf(t, shown.body)
	v.Set("act", "save")
	if a := w.post(at, v); a.status != http.StatusSeeOther || len(w.trusted()) != 0 {
		t.Errorf("with that right: %d, %v", a.status, w.trusted())
	}

	w.consoleAs("rita", directory.GlobalReader)
	if page := w.get(at + "/history"); page.status != http.StatusOK || strings.Contains(page.body, "?back=") {
		t.Errorf("a reader is offered to put back: %d", page.status)
	}
	v.Set("everyone.low.minutes", "45")
	if a := w.post(at, v); a.status != http.StatusForbidden || lowMinutes(t, w) != 60 {
		t.Errorf("a reader puts back: %d", a.status)
	}
	w.consoleAs("hella", directory.HelpdeskAdministrator)
	if page := w.get(at + "/history"); page.status != http.StatusForbidden {
		t.Errorf("the helpdesk reads the history: %d", page.status)
	}
}
