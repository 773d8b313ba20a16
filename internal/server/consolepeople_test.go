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

// hostileEverywhere is what somebody may put in every field.
const hostileEverywhere = `<img src=x onerror=alert(1)>"'><script>alert(2)</script>{{.}}`

func has(body, what string) bool { return strings.Contains(body, what) }

// wantParts says which of parts a page has and which not; a part that begins with - is to be missing.
func wantParts(t *testing.T, name, body string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		text, missing := strings.CutPrefix(part, "-")
		if has(body, text) == missing {
			t.Errorf("%s: %q is there: %v\n%s", name, text, missing, body)
		}
	}
}

func TestPeopleAreFoundByWhatIsTypedAndByWhatTheyAre(t *testing.T) {
	w := newWorld(t)
	w.setPolicy(`{"state":"enabled"}`)
	for i, name := range []string{"Mira Okafor", "Jonas Lindqvist"} {
		nick := strings.ToLower(strings.Fields(name)[0])
		w.create("/v1.0/users", fmt.Sprintf(`{"accountEnabled":%t,"displayName":%q,"mailNickname":%q,"userPrincipalName":"%s@contoso.example","employeeId":"10441%d","department":"Logistics"}`, i == 0, name, nick, nick, i))
	}
	w.consoleAs("dana", directory.AuthenticationAdministrator)
	for query, want := range map[string][]string{
		"":                      {"Mira Okafor", "Jonas Lindqvist", `/pass"`, "-/people/new", "Not for your roles"}, // of the administrator
		"?q=mir+oka":            {"Mira Okafor", "-Jonas", "None of their own"},
		"?q=MIRA%40contoso":     {"Mira Okafor", "-Jonas"},
		"?q=104411":             {"-Mira", "Jonas Lindqvist"},
		"?q=10441":              {"Mira Okafor", "Jonas Lindqvist"},
		"?show=off":             {"-Mira", "Jonas Lindqvist"},
		"?show=guests":          {"Nobody here", "-Mira"},
		"?show=new":             {"Mira Okafor"},
		"?show=noway":           {"Mira Okafor"}, // not offered to this role, and everybody is shown
		"?department=Logistics": {"Mira Okafor", "Every department"},
		"?q=okafro":             {"Nobody called", "okafro", "-Mira"},
		"?q=%22%29":             {"Mira Okafor"}, // signs are no words
	} {
		wantParts(t, query, w.page("/console/people"+query), want...)
	}
	if body := w.page("/console/people"); has(body, `value="noway"`) {
		t.Error("the report is offered to who may not read it")
	}
	w.consoleAs("rea", directory.GlobalReader)
	wantParts(t, "a reader", w.page("/console/people?show=noway"), "Mira Okafor", `value="noway" selected`, `-/pass"`)
	if a := w.get("/console/people/new"); a.status != http.StatusForbidden {
		t.Errorf("adding, to a reader: %d", a.status)
	}
}

func TestNothingThatPeopleAreCalledBecomesHTML(t *testing.T) {
	w := newWorld(t)
	body := fmt.Sprintf(`"displayName":%q,"givenName":%[1]q,"surname":%[1]q,"jobTitle":%[1]q,"department":%[1]q,"officeLocation":%[1]q,"mobilePhone":"+44 113 496 0417"`, hostileEverywhere)
	id := w.create("/v1.0/users", `{"accountEnabled":true,"mailNickname":"x","userPrincipalName":"x@contoso.example",`+body+`}`)
	group := w.create("/v1.0/groups", fmt.Sprintf(`{"displayName":%q,"mailNickname":"g","securityEnabled":true,"mailEnabled":false}`, hostileEverywhere))
	w.change(http.MethodPost, "/v1.0/groups/"+group+"/members/$ref", reference(id))
	w.change(http.MethodPut, "/v1.0/users/"+id+"/manager/$ref", reference(w.userID(w.created.Administrator)))
	w.consoleAs("dana", directory.GlobalAdministrator)
	typed := url.QueryEscape(hostileEverywhere)
	for _, path := range []string{
		"", "?q=" + typed, "?department=" + typed, "?show=" + typed, "?done=" + typed, "?done=people_deleted&id=" + typed,
		"/" + id, "/" + id + "/edit", "/" + id + "/delete", "/" + id + "/lost", "/" + id + "/signout", "/" + id + "/history", "/new",
	} {
		if body := w.page("/console/people" + path); has(body, "<img") || has(body, "<script>") || has(body, "onerror=alert(1)>\"") {
			t.Errorf("%s has it\n%s", path, body)
		}
	}
	a := w.post("/console/people/new", url.Values{"displayName": {hostileEverywhere}, "userPrincipalName": {hostileEverywhere}})
	if a.status != http.StatusBadRequest || has(a.body, "<script>") || !has(a.body, "&lt;script&gt;") {
		t.Errorf("a refused form: %d\n%s", a.status, a.body)
	}
}

func TestAPersonsPageOffersWhatTheRoleMayDoToThem(t *testing.T) {
	w := newWorld(t)
	w.setPolicy(`{"state":"enabled"}`)
	mira := w.createUser("mira")
	boss := w.userID(w.created.Administrator)
	for _, c := range []struct {
		role       directory.RoleID
		mira, boss []string
	}{
		{directory.AuthenticationAdministrator, []string{"/pass\"", "/lost\"", "/edit\"", "/delete\"", "Ways back in", "Only a pass", "Lately"}, []string{"-/pass\"", "-/lost\"", "-/delete\"", "do not reach"}},
		{directory.HelpdeskAdministrator, []string{"-/pass\"", "-/edit\"", "-/delete\"", "Ways back in", "Lately"}, []string{"-/pass\"", "-/delete\"", "-Sign out everywhere"}},
		{directory.GlobalReader, []string{"-/pass\"", "-/lost\"", "-/edit\"", "-/delete\"", "Ways back in"}, []string{"-/pass\"", "-/lost\"", "Ways back in"}},
		{directory.GroupsAdministrator, []string{"-/pass\"", "-/lost\"", "-/edit\"", "-Ways back in", "-Lately"}, []string{"-/pass\""}},
		{directory.GlobalAdministrator, []string{"/pass\"", "/lost\"", "/edit\"", "/delete\"", "Ways back in"}, []string{"/pass\"", "/lost\"", "/delete\""}},
	} {
		w.consoleAs("a"+string(c.role)[:8], c.role)
		wantParts(t, string(c.role)+" at mira", w.page("/console/people/"+mira), c.mira...)
		wantParts(t, string(c.role)+" at the administrator", w.page("/console/people/"+boss), c.boss...)
	}
	if a := w.get("/console/people/" + w.created.TenantID); a.status != http.StatusNotFound {
		t.Errorf("nobody: %d", a.status)
	}
}

var etag = regexp.MustCompile(`name="etag" value="([^"]*)"`)

func TestWhoeverIsSlowerIsToldAndOverwritesNothing(t *testing.T) {
	w := newWorld(t)
	mira := w.createUser("mira")
	w.consoleAs("dana", directory.UserAdministrator)
	path := "/console/people/" + mira + "/edit"
	read := etag.FindStringSubmatch(w.page(path))
	if read == nil {
		t.Fatal("the form has no tag")
	}
	tag := strings.ReplaceAll(strings.ReplaceAll(read[1], "&#34;", `"`), "&#43;", "+")
	w.do204(http.MethodPatch, "/v1.0/users/"+mira, `{"city":"Leeds","department":"Finance"}`)
	form := url.Values{"etag": {tag}, "displayName": {"Mira Okafor"}, "department": {"Logistics"}, "account": {"shown"}, "accountEnabled": {"on"}}
	a := w.post(path, form)
	wantParts(t, "the slower one", a.body, "Somebody was quicker", `value="Logistics"`, "Finance", "Saving puts yours in its place")
	if a.status != http.StatusConflict {
		t.Errorf("answered %d", a.status)
	}
	if _, u := w.api(http.MethodGet, "/v1.0/users/"+mira+"?$select=department,displayName", w.appToken(), ""); u["department"] != "Finance" || u["displayName"] != "mira" {
		t.Errorf("overwritten: %v", u)
	}
	form.Set("etag", strings.ReplaceAll(etag.FindStringSubmatch(a.body)[1], "&#34;", `"`))
	if a := w.post(path, form); a.status != http.StatusSeeOther || !has(a.location, "done=people_saved") {
		t.Fatalf("with the new tag: %d\n%s", a.status, a.body)
	}
	form.Del("accountEnabled")
	form.Set("etag", "")
	w.post(path, form)
	_, u := w.api(http.MethodGet, "/v1.0/users/"+mira+"?$select=department,accountEnabled", w.appToken(), "")
	if u["department"] != "Logistics" || u["accountEnabled"] != false {
		t.Errorf("saved: %v", u)
	}
}

func TestAPersonIsAddedDeletedAndBroughtBack(t *testing.T) {
	w := newWorld(t)
	w.consoleAs("dana", directory.UserAdministrator)
	a := w.post("/console/people/new", url.Values{
		"displayName": {"Ewan MacLeod"}, "userPrincipalName": {"ewan@contoso.example"}, "account": {"shown"}, "accountEnabled": {"on"}, "manager": {"dana@contoso.example"}, "businessPhone": {"0113 496"},
	})
	if a.status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	body := w.page(a.location)
	wantParts(t, "added", body, "Ewan MacLeod", "Added.", ">dana<", "0113 496")
	path, _, _ := strings.Cut(a.location, "?")
	again := w.post("/console/people/new", url.Values{"displayName": {"Ewan II"}, "userPrincipalName": {"ewan@contoso.example"}, "accountEnabled": {"on"}})
	wantParts(t, "a name that is taken", again.body, `role="alert"`, "Ewan II")
	wantParts(t, "the question", w.page(path+"/delete"), "Delete", "30 days", "Ewan MacLeod")
	a = w.post(path+"/delete", nil)
	body = w.page(a.location)
	wantParts(t, "deleted", body, "The account was deleted", "Undo")
	wantParts(t, "who can be brought back", w.page("/console/people/deleted"), "Deleted people", `action="`+path+`/restore"`)
	if a := w.get(path); a.status != http.StatusNotFound {
		t.Errorf("afterwards: %d", a.status)
	}
	a = w.post(path+"/restore", nil)
	wantParts(t, "back", w.page(a.location), "Ewan MacLeod", "Brought back")
	wantParts(t, "once it is back", w.page("/console/people?done=people_deleted&id="+strings.TrimPrefix(path, "/console/people/")), "-Undo")
	if a := w.get(path + "/purge"); a.status != http.StatusNotFound {
		t.Errorf("somebody who is not deleted is deleted for good: %d", a.status)
	}
}

func TestSomebodyIsDeletedForGoodOnceTheirNameWasTyped(t *testing.T) {
	w := newWorld(t)
	mira := w.createUser("mira")
	w.do204(http.MethodDelete, "/v1.0/users/"+mira, "")
	purge := "/console/people/" + mira + "/purge"
	w.consoleAs("hal", directory.HelpdeskAdministrator)
	if a := w.post(purge, url.Values{"name": {"mira"}}); a.status != http.StatusForbidden {
		t.Errorf("by a helpdesk: %d", a.status)
	}
	w.consoleAs("dana", directory.UserAdministrator)
	wantParts(t, "the list", w.page("/console/people/deleted"), `href="`+purge+`"`)
	wantParts(t, "the question", w.page(purge), "for good?", `name="name"`)
	if a := w.post(purge, url.Values{"name": {"mora"}}); a.status != http.StatusBadRequest || !strings.Contains(a.body, "That is not the name.") {
		t.Errorf("another name: %d\n%s", a.status, a.body)
	}
	wantParts(t, "still there", w.page("/console/people/deleted"), `href="`+purge+`"`)
	a := w.post(purge, url.Values{"name": {" mira "}})
	wantParts(t, "gone", w.page(a.location), "Deleted for good.", "-"+purge)
	if a := w.get(purge); a.status != http.StatusNotFound {
		t.Errorf("afterwards: %d", a.status)
	}
}

func TestWhatIsLostIsTakenAwayAndTheRestSaid(t *testing.T) {
	w := newWorld(t)
	w.setPolicy(`{"state":"enabled"}`)
	w.consoleAs("dana", directory.AuthenticationAdministrator)
	console := w.browser
	w.enableCodes()
	mira, pass := w.createUser("mira"), ""
	_, pass = w.passFor(mira)
	w.signInOwn("mira@contoso.example", pass)
	w.addApp(w.wall(), "SHA1")
	codes := w.softwareOaths(mira)[0].(map[string]any)["id"].(string)
	w.browser = console
	path := "/console/people/" + mira
	wantParts(t, "the page", w.page(path), "Codes from an app", "Signed in now", "Sign out everywhere")
	wantParts(t, "what may be lost", w.page(path+"/lost"), `value="method:`+codes+`"`, "Its codes work no more", "Sign out everywhere")
	if a := w.post(path+"/lost", url.Values{"signout": {"on"}}); a.status != http.StatusBadRequest || !has(a.body, "Choose what is gone") {
		t.Errorf("nothing chosen: %d", a.status)
	}
	if a := w.post(path+"/methods/"+codes+"/freeze", nil); a.status != http.StatusSeeOther {
		t.Fatalf("freeze: %d\n%s", a.status, a.body)
	}
	wantParts(t, "frozen", w.page(path), "Frozen", "/thaw")
	wantParts(t, "removing", w.page(path+"/methods/"+codes+"/remove"), "Its codes work no more", "last way in")
	a := w.post(path+"/lost", url.Values{"gone": {"method:" + codes, "method:" + w.created.TenantID}, "signout": {"on"}})
	if a.status != http.StatusSeeOther {
		t.Fatalf("take away: %d\n%s", a.status, a.body)
	}
	wantParts(t, "afterwards", w.page(path), "-Codes from an app", "Nowhere.")
	if left := w.softwareOaths(mira); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestWhatARoleMayNotDoToAPersonIsRefusedByAddressToo(t *testing.T) {
	w := newWorld(t)
	mira, boss := w.createUser("mira"), w.userID(w.created.Administrator)
	w.consoleAs("dana", directory.HelpdeskAdministrator)
	for _, path := range []string{"/delete", "/edit", "/restore", "/methods/" + mira + "/freeze"} {
		if a := w.post("/console/people/"+mira+path, url.Values{"displayName": {"x"}}); a.status != http.StatusForbidden {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	if a := w.post("/console/people/"+boss+"/signout", nil); a.status != http.StatusConflict || !has(a.body, "protected") {
		t.Errorf("signing the administrator out: %d\n%s", a.status, a.body)
	}
	if a := w.post("/console/people/"+mira+"/signout", nil); a.status != http.StatusSeeOther {
		t.Errorf("signing mira out: %d", a.status)
	}
}

func TestAnExportHoldsNoFormula(t *testing.T) {
	w := newWorld(t)
	for i, name := range []string{"=1+2", "+cmd", "-x", "@sum", "plain"} {
		w.create("/v1.0/users", fmt.Sprintf(`{"accountEnabled":true,"displayName":%q,"mailNickname":"n%d","userPrincipalName":"n%[2]d@contoso.example"}`, name, i))
	}
	w.consoleAs("dana", directory.GlobalReader)
	a := w.get("/console/people/export?q=")
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "text/csv; charset=utf-8" || !has(a.header.Get("Content-Disposition"), "people.csv") {
		t.Fatalf("%d %v", a.status, a.header)
	}
	wantParts(t, "the file", a.body, "'=1+2", "'+cmd", "'-x", "'@sum", ",plain,", "-,=1", "-,@sum")
	if lines := strings.Count(a.body, "\n"); lines != 8 { // a head, five, the administrator and dana
		t.Errorf("%d lines\n%s", lines, a.body)
	}
}
