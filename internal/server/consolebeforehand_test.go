package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/directory"
)

// offered reports whether a way of a form is there and can be chosen.
func offered(page answer, way string) bool {
	found := regexp.MustCompile(`name="hand" value="` + way + `"([^>]*)>`).FindStringSubmatch(page.body)
	return found != nil && !strings.Contains(found[1], "disabled")
}

func TestALinkThatNobodyCouldOpenIsNotOffered(t *testing.T) {
	w := newWorld(t)
	mira, sam, luca := w.createUser("mira"), w.createUser("sam"), w.createUser("luca")
	w.managed(mira, sam)
	w.handPolicy(`"handOver":["read","manager","person","managerLink"]`)
	w.consoleAs("dana", directory.AuthenticationAdministrator)
	at, _ := w.agentCase(mira)
	page := w.get(at + "/pass")
	for way, want := range map[string]bool{"read": true, "manager": false, "managerLink": false, "person": false} {
		if offered(page, way) != want {
			t.Errorf("%s: %v, want %v\n%s", way, !want, want, page.body)
		}
	}
	w.handPolicy(`"handOver":["person"]`)
	at, _ = w.agentCase(luca)
	if page := w.get(at + "/pass"); offered(page, "person") || !strings.Contains(page.body, "no passkey, security key or device PIN to open a link with") {
		t.Errorf("the only way\n%s", page.body)
	}
	w.handPolicy(`"handOver":["person"],"personOpensBy":"spokenCode"`)
	if page := w.get(at + "/pass"); !offered(page, "person") {
		t.Errorf("with a spoken code\n%s", page.body)
	}
}

func TestOnlyWhoIssuesAPassIsToldWhoseLinkWouldStayClosed(t *testing.T) {
	w := newKeyWorld(t)
	noor, _ := w.person("noor")
	otto := w.createUser("otto")
	w.managed(otto, noor)
	w.handPolicy(`"handOver":["read","manager","person","managerLink"]`)
	as := func(nick string, role directory.RoleID) string {
		id := w.createUser(nick)
		w.create("/v1.0/roleManagement/directory/roleAssignments", `{"roleDefinitionId":"`+string(role)+`","principalId":"`+id+`","directoryScopeId":"/"}`)
		return w.tokenFor(nick+"@contoso.example", w.longPass(id), "UserAuthenticationMethod.ReadWrite.All")
	}
	agent, reader := as("dana", directory.AuthenticationAdministrator), as("rita", directory.GlobalReader)
	const cases = "/v1.0/postern/recovery/cases"
	for user, want := range map[string]string{noor: "[]", otto: "[person managerLink]"} { // the manager's key is new
		_, v := w.api(http.MethodPost, cases, agent, `{"userId":"`+user+`","channel":"phone"}`)
		if fmt.Sprint(v["handOverWithoutMethod"]) != "[]" {
			t.Errorf("before anything is proven: %v", v)
		}
		at := cases + "/" + fmt.Sprint(v["id"])
		if status, v := w.api(http.MethodPost, at+"/prove", agent, `{"kind":"inPerson"}`); status != http.StatusOK || fmt.Sprint(v["handOverWithoutMethod"]) != want {
			t.Errorf("%d %v, want %s", status, v, want)
		}
		if status, v := w.api(http.MethodGet, at, reader, ""); status != http.StatusOK || v["state"] != "approved" || fmt.Sprint(v["handOverWithoutMethod"]) != "[]" {
			t.Errorf("a reader: %d %v", status, v)
		}
	}
}

func TestTheFormOfACaseSaysWhichPassAndCasesEndAndForHowLongAPassMayWork(t *testing.T) {
	w := newWorld(t)
	mira := w.createUser("mira")
	w.handPolicy(`"handOver":["read"]`)
	w.consoleAs("dana", directory.AuthenticationAdministrator)
	first, form := w.agentCase(mira)
	if page := w.get(first + "/pass"); strings.Contains(page.body, `id="will"`) || !strings.Contains(page.body, `min="60" max="120"`) {
		t.Errorf("nothing ends\n%s", page.body)
	}
	w.readOut(w.caseStep(first, "pass", form))
	waits := w.caseFor(mira, nil)
	second, form := w.agentCase(mira)
	page := w.get(second + "/pass")
	for _, want := range []string{`id="will"`, "stops working", `href="` + first + `"`, `href="` + waits + `"`} {
		if !strings.Contains(page.body, want) {
			t.Errorf("without %s\n%s", want, page.body)
		}
	}
	for _, typed := range []string{"10", "121", "a"} {
		form.Set("minutes", typed)
		a := w.caseStep(second, "pass", form)
		if a.status != http.StatusBadRequest || strings.Contains(a.body, "lifetimeInMinutes") || typed != "a" && !strings.Contains(a.body, "60 to 120 minutes") || w.next(second) != "issue" {
			t.Errorf("%s minutes: %d\n%s", typed, a.status, a.body)
		}
	}
	form.Set("minutes", "60")
	w.readOut(w.caseStep(second, "pass", form))
	if w.next(first) != "cancelled" || w.next(waits) != "cancelled" {
		t.Errorf("the others are %s and %s", w.next(first), w.next(waits))
	}
	w.wantIn(w.counts("reports/daily?days=1"), map[string]any{"total.passes.byPreset.recoveryCase": 2})

	w.setPolicy(`{"minimumLifetimeInMinutes":240,"defaultLifetimeInMinutes":240}`)
	third, _ := w.agentCase(mira)
	if page := w.get(third + "/pass"); !strings.Contains(page.body, `id="no-time"`) || strings.Contains(page.body, `name="minutes"`) {
		t.Errorf("no time suits both policies\n%s", page.body)
	}
}

func TestACaseSaysWhyNobodyCanCallBack(t *testing.T) {
	w := newWorld(t)
	mira, ben := w.createUser("mira"), w.createUser("ben")
	w.do204(http.MethodPatch, "/v1.0/users/"+ben, `{"mobilePhone":"+47 555 0100"}`)
	w.consoleAs("dana", directory.HelpdeskAdministrator)
	at := w.caseFor(mira, nil)
	if page := w.get(at); !strings.Contains(page.body, `id="no-number"`) || strings.Contains(page.body, "callBack:") {
		t.Errorf("%s", page.body)
	}
	if page := w.get(w.caseFor(ben, nil)); strings.Contains(page.body, `id="no-number"`) {
		t.Errorf("there is a number\n%s", page.body)
	}
	if status, v := w.api(http.MethodPatch, "/v1.0/postern/recovery/policy", w.appToken(), `{"levels":{"callBack":"none"}}`); status != http.StatusOK {
		t.Fatalf("policy: %d %v", status, v)
	}
	if page := w.get(at); strings.Contains(page.body, `id="no-number"`) {
		t.Errorf("it would count for nothing\n%s", page.body)
	}
}

func TestWhoMayNotOpenACaseIsToldBeforeTheForm(t *testing.T) {
	w := newWorld(t)
	mira, boss := w.createUser("mira"), w.createUser("boss")
	w.create("/v1.0/roleManagement/directory/roleAssignments", `{"roleDefinitionId":"`+string(directory.PrivilegedAuthenticationAdministrator)+`","principalId":"`+boss+`","directoryScopeId":"/"}`)
	dana := w.consoleAs("dana", directory.AuthenticationAdministrator)
	for user, code := range map[string]string{mira: "", boss: "targetProtected", dana: "notForYourself"} {
		page := w.get("/console/recovery/new?person=" + user)
		if page.status != http.StatusOK || formToken.MatchString(page.body) != (code == "") || strings.Contains(page.body, `id="barred"`) != (code != "") || code != "" && !strings.Contains(page.body, `data-code="`+code+`"`) {
			t.Errorf("%q: %d\n%s", code, page.status, page.body)
		}
	}
	if a := w.post("/console/recovery/new", url.Values{"person": {boss}, "channel": {"phone"}}); a.status < 400 {
		t.Errorf("sent all the same: %d", a.status)
	}
}

func TestTheManagerIsNamedOnlyWhereAMailAskedThem(t *testing.T) {
	w := newWorld(t)
	mira, sam := w.createUser("mira"), w.createUser("sam")
	w.managed(mira, sam)
	if status, v := w.api(http.MethodPatch, "/v1.0/postern/recovery/policy", w.appToken(), `{"rules":[{"targetClass":"everyone","grants":[{"level":"medium","maximumLifetimeInMinutes":120,"purposes":["general"],"approvals":1}]}]}`); status != http.StatusOK {
		t.Fatalf("policy: %d %v", status, v)
	}
	w.consoleAs("dana", directory.AuthenticationAdministrator)
	at := w.caseFor(mira, nil)
	if a := w.caseStep(at, "proof", url.Values{"way": {"inPerson"}}); a.status != http.StatusSeeOther || w.next(at) != "approve_not_you" {
		t.Fatalf("%d %s\n%s", a.status, w.next(at), a.body)
	}
	if page := w.get(at); !strings.Contains(page.body, "An Authentication Administrator can") || strings.Contains(page.body, "The manager can") {
		t.Errorf("an agent's case\n%s", page.body)
	}
	w.newBrowser()
	page := w.get("/security-info").location
	w.post(page, url.Values{"username": {"mira@contoso.example"}})
	if a := w.post("/recover"+page[len("/signin"):], url.Values{"lost": {"phoneLost"}}); a.status >= 400 {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	_, all := w.api(http.MethodGet, "/v1.0/postern/recovery/cases?$filter=state%20eq%20%27open%27", w.appToken(), "")
	found, _ := all["value"].([]any)
	if len(found) != 1 {
		t.Fatalf("%v", all)
	}
	w.consoleAs("eve", directory.AuthenticationAdministrator)
	at = "/console/recovery/cases/" + found[0].(map[string]any)["id"].(string)
	if a := w.caseStep(at, "proof", url.Values{"way": {"inPerson"}}); a.status != http.StatusSeeOther || !strings.Contains(w.get(at).body, "The manager can") {
		t.Errorf("%d\n%s\n%s", a.status, a.body, w.get(at).body)
	}
}
