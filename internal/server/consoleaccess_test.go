package server_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/directory"
)

// policyForm is the form of a policy as a browser sends it.
func policyForm(change url.Values) url.Values {
	form := url.Values{
		"name": {"MFA for all"}, "state": {"enabledForReportingButNotEnforced"}, "inEverybody": {"1"}, "aim": {"all"}, "where": {"anywhere"}, "mode": {"exclude"},
		"outcome": {"ask"}, "control": {"mfa"}, "every": {"one"}, "frequency": {"never"}, "go": {"save"},
	}
	maps.Copy(form, change)
	return form
}

func TestAPolicyIsMadeInTheConsoleWithWhatItComesToSaid(t *testing.T) {
	w := newWorld(t)
	w.consoleAs("cora", directory.ConditionalAccessAdministrator)
	w.wantPage("no policies", w.get("/console/access"), 200, "No policies yet", "Make the first policy")
	w.wantPage("a new one", w.get("/console/access/new"), 200, "Begin with a template", `value="enabledForReportingButNotEnforced" checked`, "See what it comes to")
	checked := w.post("/console/access/new", policyForm(url.Values{"go": {"check"}, "frequency": {"hours"}, "span": {"4"}, "person": {""}}))
	w.wantPage("what it comes to", checked, 200, "What it comes to", "Everybody", "prove themselves with two factors; Again after 4 h", "It only reports", "Nobody is left out", `value="4"`)

	found := w.post("/console/access/new", policyForm(url.Values{"go": {"find"}, "person": {"adm"}}))
	admin := w.ids("/v1.0/users?$filter=userPrincipalName%20eq%20'admin@contoso.example'")[0]
	w.wantPage("who is found", found, 200, "add:outUser:"+admin, "add:inUser:"+admin)
	added := w.post("/console/access/new", policyForm(url.Values{"go": {"add:outUser:" + admin}, "checked": {"1"}}))
	w.wantPage("who is left out", added, 200, `name="outUser" value="`+admin+`"`, "but not")
	if strings.Contains(added.body, "Nobody is left out") {
		t.Error("it says that nobody is left out")
	}
	saved := w.post("/console/access/new", policyForm(url.Values{"outUser": {admin}, "frequency": {"hours"}, "span": {"4"}, "platform": {"linux"}}))
	if saved.status != http.StatusSeeOther {
		t.Fatalf("saving: %d\n%s", saved.status, saved.body)
	}
	page := strings.TrimSuffix(saved.location, "?done=access_saved")
	w.wantPage("the policy", w.get(saved.location), 200, "Saved.", "MFA for all", "On Linux", "Again after 4 h", "Report-only")
	w.wantPage("the list", w.get("/console/access"), 200, page, "MFA for all", "Everybody")

	// Its form has all of it, and sends it back as it was.
	edit := w.get(page + "/edit")
	w.wantPage("its form", edit, 200, `name="platform" value="linux" checked`, `name="control" value="mfa" checked`, `value="4"`, admin)
	tag := etag.FindStringSubmatch(edit.body)[1]
	renamed := policyForm(url.Values{"name": {"MFA"}, "outUser": {admin}, "etag": {strings.ReplaceAll(tag, "&#34;", `"`)}})
	if a := w.post(page+"/edit", renamed); a.status != http.StatusSeeOther {
		t.Fatalf("changing it: %d\n%s", a.status, a.body)
	}
	a := w.get(page)
	w.wantPage("afterwards", a, 200, "<h1>", "MFA")
	if strings.Contains(a.body, "On Linux") || strings.Contains(a.body, "Again after") {
		t.Error("what was taken out is still there")
	}
	w.wantPage("with an old version", w.post(page+"/edit", renamed), 412, "Somebody else changed this policy meanwhile")

	w.wantPage("turning it on", w.get(page), 200, "On or off")
	if a := w.post(page, url.Values{"state": {"enabled"}}); a.status != http.StatusSeeOther {
		t.Errorf("turning it on: %d\n%s", a.status, a.body)
	}
	w.wantPage("a wrong name", w.post(page+"/delete", url.Values{"name": {"Other"}}), 400, "That is not the name")
	if a := w.post(page+"/delete", url.Values{"name": {"MFA"}}); a.status != http.StatusSeeOther {
		t.Errorf("deleting it: %d\n%s", a.status, a.body)
	}
}

func TestTheConsoleSaysWhatWouldBecomeOfASignIn(t *testing.T) {
	w := newWorld(t)
	cora := w.consoleAs("cora", directory.GlobalAdministrator)
	w.api(http.MethodPost, "/v1.0/identity/conditionalAccess/policies", w.appToken(), `{"displayName":"Keys for all","state":"enabledForReportingButNotEnforced",
		"conditions":{"users":{"includeUsers":["All"]},"applications":{"includeApplications":["All"]}},
		"grantControls":{"operator":"OR","authenticationStrength":{"id":"00000000-0000-0000-0000-000000000004"}}}`)
	w.wantPage("the question", w.get("/console/access/try"), 200, "What if", `value="registerSecurityInformation"`)
	app := string(directory.ConsoleAppID)
	w.wantPage("the answer", w.get("/console/access/try?person=cora@contoso.example&client=browser&proof=password&app="+app), 200,
		"As it is today", "They get in.", "If what only reports were on", "Keys for all wants more than was shown.", "decides")
	w.wantPage("with a key", w.get("/console/access/try?person="+cora+"&client=browser&proof=fido2&app="+app), 200, "They get in.")
	w.wantPage("nobody", w.get("/console/access/try?person=nobody@contoso.example&app="+app), 200, `role="alert"`)
	policy := w.ids("/v1.0/identity/conditionalAccess/policies")[0]
	if a := w.get("/console/access/impact?policy=" + policy); a.status != http.StatusOK || !strings.Contains(a.body, ">Count</button>") || strings.Contains(a.body, "Sign-ins looked at") {
		t.Errorf("before somebody wants it counted: %d\n%s", a.status, a.body)
	}
	w.wantPage("while it is counted", w.get("/console/access/impact?days=7&policy="+policy), 200, "<progress", `hx-get="/console/access/impact?count=1&amp;days=7&amp;policy=`+policy, "You can leave this page")
	w.wantPage("what it would have done", w.get("/console/access/impact?count=1&days=7&policy="+policy), 200, "Sign-ins looked at", "Locked out for good", "Keys for all")
	again := `href="/console/access/impact?again=1&amp;days=7&amp;policy=` + policy
	w.wantPage("when one comes back", w.get("/console/access/impact?policy="+policy), 200, "Sign-ins looked at", "Counted:", again, "(of one person)")
	w.wantPage("counted again", w.get("/console/access/impact?again=1&days=7&policy="+policy), 200, "<progress", `hx-get="/console/access/impact?again=1&amp;count=1&amp;days=7`)
	if a := w.get("/console/access/impact?policy=" + policy); strings.Contains(a.body, "map[") {
		t.Errorf("numbers are not shown as such:\n%s", a.body)
	}
	w.do204(http.MethodPatch, "/v1.0/identity/conditionalAccess/policies/"+policy, `{"displayName":"Keys for everybody"}`)
	if a := w.get("/console/access/impact?policy=" + policy); a.status != http.StatusOK || strings.Contains(a.body, "Sign-ins looked at") {
		t.Errorf("of a policy that was changed since: %d\n%s", a.status, a.body)
	}
	w.wantPage("what all would have done", w.get("/console/access/impact?count=1&days=3"), 200, "Sign-ins looked at")
	draft := policyForm(url.Values{"go": {"count"}, "outcome": {"block"}})
	w.wantPage("a draft while it is counted", w.post("/console/access/new", draft), 200, "<progress", "You can leave this page")
	draft.Set("counting", "1")
	w.wantPage("what a draft would have done", w.post("/console/access/new", draft), 200, "Sign-ins looked at", "Blocked")
	draft.Set("aim", "apps")
	w.wantPage("a draft that can't be", w.post("/console/access/new", draft), 200, `role="alert"`)
	w.wantPage("too many days", w.get("/console/access/impact?days=99"), 200, "days is a number from 1 to 30")
}

func TestTheConsoleSaysWhenAPolicyWouldLockOutEveryAdministrator(t *testing.T) {
	w := newWorld(t)
	w.consoleAs("cora", directory.ConditionalAccessAdministrator)
	block := policyForm(url.Values{"name": {"Nobody"}, "state": {"enabled"}, "outcome": {"block"}})
	w.wantPage("refused", w.post("/console/access/new", block), 400, "because of Nobody", `name="force"`, "Everybody whom it is for is kept out of everything")
	block.Set("state", "enabledForReportingButNotEnforced")
	saved := w.post("/console/access/new", block)
	if saved.status != http.StatusSeeOther {
		t.Fatalf("report-only: %d\n%s", saved.status, saved.body)
	}
	page := strings.TrimSuffix(saved.location, "?done=access_saved")
	w.wantPage("turning it on", w.post(page, url.Values{"state": {"enabled"}}), 400, "because of Nobody", `name="force"`)
}

func TestTemplatesPlacesAndStrengthsAreKeptInTheConsole(t *testing.T) {
	w := newWorld(t)
	w.consoleAs("cora", directory.ConditionalAccessAdministrator)
	w.wantPage("a template", w.get("/console/access/new?template=5a5c7f1e-0c1b-4f6c-9a3e-1f2f64d0c001"), 200, "Register with a pass", `value="register" checked`, "What it comes to")

	w.wantPage("no places", w.get("/console/places"), 200, "No places yet")
	w.wantPage("a wrong network", w.post("/console/places/new", url.Values{"kind": {"networks"}, "name": {"HQ"}, "where": {"203.0.113.0/99"}}), 400, "203.0.113.0/99")
	if a := w.post("/console/places/new", url.Values{"kind": {"networks"}, "name": {"HQ"}, "where": {"203.0.113.0/24\n2001:db8::/32"}, "trusted": {"1"}}); a.status != http.StatusSeeOther {
		t.Fatalf("a place: %d\n%s", a.status, a.body)
	}
	place := w.ids("/v1.0/identity/conditionalAccess/namedLocations")[0]
	w.wantPage("the places", w.get("/console/places"), 200, "HQ", "2001:db8::/32", "Trusted")
	if a := w.post("/console/places/"+place, url.Values{"name": {"HQ"}, "where": {"203.0.113.0/24\n2001:db8::/32"}, "trusted": {"1"}, "exit": {"1"}}); a.status != http.StatusSeeOther {
		t.Fatalf("an exit: %d\n%s", a.status, a.body)
	}
	w.wantPage("an exit", w.get("/console/places/"+place), 200, `name="exit" value="1" checked`, "counts as impossible travel")
	if a := w.post("/console/access/new", policyForm(url.Values{"where": {"chosen"}, "notPlace": {place}})); a.status != http.StatusSeeOther {
		t.Fatalf("a policy with it: %d\n%s", a.status, a.body)
	}
	w.wantPage("the list", w.get("/console/access"), 200, "From anywhere, but not HQ")
	w.wantPage("a place in use", w.post("/console/places/"+place, url.Values{"do": {"remove"}}), 400, "used by MFA for all")

	w.wantPage("the strengths", w.get("/console/strengths"), 200, "Phishing resistant MFA", "A device PIN", "Built in")
	made := url.Values{"name": {"Keys and passes"}, "way": {"fido2", "temporaryAccessPassOneTime"}, "models": {"ee882879-721c-4913-9775-3dfcce97072a"}}
	if a := w.post("/console/strengths/new", made); a.status != http.StatusSeeOther {
		t.Fatalf("a strength: %d\n%s", a.status, a.body)
	}
	own := w.ids("/v1.0/policies/authenticationStrengthPolicies?$filter=policyType%20eq%20'custom'")[0]
	w.wantPage("its form", w.get("/console/strengths/"+own), 200, `value="fido2" checked`, "ee882879-721c-4913-9775-3dfcce97072a")
	if a := w.post("/console/strengths/"+own, url.Values{"name": {"Keys"}, "way": {"fido2"}, "models": {""}}); a.status != http.StatusSeeOther {
		t.Errorf("changing it: %d\n%s", a.status, a.body)
	}
	a := w.get("/console/strengths")
	w.wantPage("afterwards", a, 200, "Keys")
	if strings.Contains(a.body, "ee882879") {
		t.Error("the models are still there")
	}
	w.wantPage("nobody changes what is built in", w.get("/console/strengths/00000000-0000-0000-0000-000000000002"), 404)
	if a := w.post("/console/strengths/"+own, url.Values{"do": {"remove"}}); a.status != http.StatusSeeOther {
		t.Errorf("deleting it: %d\n%s", a.status, a.body)
	}
}

func TestWhoMayOnlyReadConditionalAccessIsOfferedNoChange(t *testing.T) {
	w := newWorld(t)
	w.api(http.MethodPost, "/v1.0/identity/conditionalAccess/policies", w.appToken(), `{"displayName":"MFA","state":"disabled","conditions":{"users":{"includeUsers":["All"]},
		"applications":{"includeApplications":["All"]}},"grantControls":{"operator":"OR","builtInControls":["mfa"]}}`)
	w.consoleAs("rita", directory.SecurityReader)
	page := "/console/access/" + w.ids("/v1.0/identity/conditionalAccess/policies")[0]
	w.wantPage("the policy", w.get(page), 200, "MFA")
	if a := w.get(page); strings.Contains(a.body, page+"/edit") || strings.Contains(a.body, `name="state"`) {
		t.Error("a change is offered")
	}
	w.wantPage("the form", w.get(page+"/edit"), 403)
	w.wantPage("the change", w.post(page, url.Values{"state": {"enabled"}}), 403)
	w.consoleAs("hal", directory.HelpdeskAdministrator)
	w.wantPage("others", w.get("/console/access"), 403)
}
