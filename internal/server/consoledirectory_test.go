package server_test

import (
	"encoding/pem"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/directory"
)

// hostile is a name that is markup, an attribute, a template and a formula at once.
const hostile = `=<img src=x onerror=alert(1)>"' {{.}} ${7*7}`

// page gets a page of the console and wants it whole.
func (w *world) page(path string) string {
	w.t.Helper()
	a := w.get(path)
	if a.status != http.StatusOK {
		w.t.Fatalf("%s: %d %s\n%s", path, a.status, a.location, a.body)
	}
	if strings.Contains(a.body, "<img src=x") || strings.Contains(a.body, "ZgotmplZ") {
		w.t.Errorf("%s holds markup that somebody typed:\n%s", path, a.body)
	}
	return a.body
}

// submit posts a form of the console, wants to be led on, and returns where to.
func (w *world) submit(path string, form url.Values) string {
	w.t.Helper()
	a := w.post(path, form)
	if a.status != http.StatusSeeOther || !strings.HasPrefix(a.location, "/console/") {
		w.t.Fatalf("POST %s: %d %s\n%s", path, a.status, a.location, a.body)
	}
	return a.location
}

func wantWords(t *testing.T, what, body string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(body, word) {
			t.Errorf("%s does not say %q:\n%s", what, word, body)
		}
	}
}

func wantNoWords(t *testing.T, what, body string, words ...string) {
	t.Helper()
	for _, word := range words {
		if strings.Contains(body, word) {
			t.Errorf("%s says %q:\n%s", what, word, body)
		}
	}
}

func TestAGroupIsMadeChangedDeletedAndBroughtBackInTheConsole(t *testing.T) {
	w := newWorld(t)
	w.consoleAs("gerd", directory.GroupsAdministrator)
	ann := w.createUser("ann")
	wantWords(t, "the empty list", w.page("/console/groups"), "No groups yet", `href="/console/groups/new"`)
	w.page("/console/groups/new")

	group, _, _ := strings.Cut(w.submit("/console/groups/new", url.Values{"displayName": {hostile}, "description": {hostile}, "membership": {"assigned"}}), "?")
	wantWords(t, "the page of a group", w.page(group+"?done=directory_group_made"), "Nobody is in this group", "The group is there")
	wantWords(t, "the list", w.page("/console/groups?q=src"), group)
	wantWords(t, "a search for nothing", w.page("/console/groups?q=nowhere"), "Nothing called")
	w.page("/console/groups?only=dynamic")
	w.page(`/console/groups?q=%22%5C`)

	wantWords(t, "the search for a member", w.page(group+"/members/add?q=ann"), `value="`+ann+`"`)
	w.submit(group+"/members/add?q=ann", url.Values{"id": {ann}})
	if a := w.post(group+"/members/add?q=ann", url.Values{"id": {ann}}); a.status != http.StatusBadRequest || !strings.Contains(a.body, "already exist") || !strings.Contains(a.body, `value="ann"`) {
		t.Errorf("twice: %d\n%s", a.status, a.body)
	}
	w.submit(group+"/owners/add", url.Values{"id": {ann}})
	wantWords(t, "its page", w.page(group+"?find=ann"), "ann@contoso.example", group+"/members/remove", group+"/owners/remove")
	w.submit(group+"/members/remove", url.Values{"id": {ann}})
	wantWords(t, "without a member", w.page(group), "Nobody is in this group")

	edit := w.page(group + "/edit")
	tag := regexp.MustCompile(`name="etag" value="([^"]*)"`).FindStringSubmatch(edit)
	if tag == nil || tag[1] == "" {
		t.Fatalf("the form names no version:\n%s", edit)
	}
	etag := strings.ReplaceAll(tag[1], "&#34;", `"`)
	w.submit(group+"/edit", url.Values{"displayName": {"Pilot"}, "membership": {"assigned"}, "etag": {etag}})
	late := w.post(group+"/edit", url.Values{"displayName": {"Mine"}, "membership": {"assigned"}, "etag": {etag}})
	if late.status != http.StatusPreconditionFailed || !strings.Contains(late.body, "Somebody was quicker") || !strings.Contains(late.body, `value="Mine"`) || !strings.Contains(late.body, "<bdi>Pilot</bdi>") {
		t.Errorf("the second to save: %d\n%s", late.status, late.body)
	}

	wantWords(t, "before it is deleted", w.page(group+"/delete"), "bring it back for 30 days", "0</bdi> members")
	list := w.submit(group+"/delete", nil)
	restore := strings.Replace(group, "/groups/", "/groups/deleted/", 1) + "/restore"
	wantWords(t, "after it is deleted", w.page(list), restore, "Undo")
	wantWords(t, "what was deleted", w.page("/console/groups/deleted"), "Pilot", restore)
	if back := w.submit(restore, nil); !strings.HasPrefix(back, group+"?") {
		t.Errorf("brought back to %s", back)
	}
	w.submit(group+"/delete", nil)
	purge := strings.Replace(restore, "/restore", "/purge", 1)
	w.page(purge)
	if a := w.post(purge, url.Values{"name": {"Another"}}); a.status != http.StatusBadRequest || !strings.Contains(a.body, "not its name") {
		t.Errorf("under another name: %d\n%s", a.status, a.body)
	}
	w.submit(purge, url.Values{"name": {" Pilot "}})
	wantWords(t, "what was deleted", w.page("/console/groups/deleted"), "Nothing to restore")
}

func TestARuleIsTriedInTheConsoleBeforeItIsSaved(t *testing.T) {
	w := newWorld(t)
	w.consoleAs("gerd", directory.GroupsAdministrator)
	form := url.Values{"displayName": {"Kiosks"}, "membership": {"rule"}, "membershipRule": {`device.colour -eq "red"`}, "try": {"1"}}
	if a := w.post("/console/groups/new", form); a.status != http.StatusOK || !strings.Contains(a.body, "colour") || !strings.Contains(a.body, `class="problem"`) || !strings.Contains(a.body, `value="Kiosks"`) {
		t.Errorf("a wrong rule: %d\n%s", a.status, a.body)
	}
	form.Set("membershipRule", `device.deviceOSType -eq "Linux"`)
	if a := w.post("/console/groups/new", form); a.status != http.StatusOK || !strings.Contains(a.body, "devices would be members") {
		t.Errorf("a right rule: %d\n%s", a.status, a.body)
	}
	wantWords(t, "the list", w.page("/console/groups"), "No groups yet")
	form.Del("try")
	group, _, _ := strings.Cut(w.submit("/console/groups/new", form), "?")
	body := w.page(group)
	wantWords(t, "its page", body, "device.deviceOSType", "No device meets the rule")
	wantNoWords(t, "its page", body, "/members/add")
	wantWords(t, "the list of such", w.page("/console/groups?only=dynamic"), group)
}

func TestARoleSaysWhatItComesToBeforeItIsGiven(t *testing.T) {
	w := newWorld(t)
	me := w.consoleAs("rosa", directory.PrivilegedRoleAdministrator)
	ann := w.createUser("ann")
	w.page("/console/roles")
	global := "/console/roles/" + string(directory.GlobalAdministrator)
	wantWords(t, "a role that reaches everybody", w.page(global), "Everybody, administrators too", "issue passes", "keeps the role")
	helpdesk := "/console/roles/" + string(directory.HelpdeskAdministrator)
	wantWords(t, "a role that reaches some", w.page(helpdesk), "Nobody holds this role", "end people’s sessions", "Password Administrator")
	wantWords(t, "the search", w.page(helpdesk+"/assign?q=ann"), helpdesk+"/assign/"+ann)
	wantWords(t, "before it is given", w.page(helpdesk+"/assign/"+ann), "ann</bdi> gets", "can be issued only by", "Privileged Authentication Administrator")
	w.submit(helpdesk+"/assign/"+ann, nil)
	if a := w.post(helpdesk+"/assign/"+ann, nil); a.status != http.StatusConflict && a.status != http.StatusBadRequest {
		t.Errorf("twice: %d\n%s", a.status, a.body)
	}
	held := w.page(helpdesk)
	takes := regexp.MustCompile(helpdesk + `/take/[^"]+`).FindString(held)
	wantWords(t, "before it is taken", w.page(takes), "ann</bdi> loses")
	w.submit(takes, nil)
	wantWords(t, "afterwards", w.page(helpdesk), "Nobody holds this role")

	// One's own, and the last Global Administrator's, are not offered, and not possible by form.
	own := "/console/roles/" + string(directory.PrivilegedRoleAdministrator)
	body := w.page(own)
	wantWords(t, "one's own role", body, "take a role from yourself")
	wantNoWords(t, "one's own role", body, "/take/")
	wantNoWords(t, "the last Global Administrator", w.page(global), "/take/")
	for _, role := range []string{own, global} {
		id := strings.TrimPrefix(role, "/console/roles/")
		_, v := w.api(http.MethodGet, "/v1.0/roleManagement/directory/roleAssignments?$filter=roleDefinitionId%20eq%20'"+id+"'", w.appToken(), "")
		assignment := v["value"].([]any)[0].(map[string]any)["id"].(string)
		if a := w.post(role+"/take/"+assignment, nil); a.status != http.StatusForbidden {
			t.Errorf("by form: %d\n%s", a.status, a.body)
		}
	}
	_ = me
}

func TestEveryActionOfEveryRoleHasWordsInTheConsole(t *testing.T) {
	w := newWorld(t)
	w.consoleAs("rosa", directory.PrivilegedRoleAdministrator)
	for _, r := range directory.BuiltInRoles {
		body := w.page("/console/roles/" + string(r.ID))
		for _, a := range r.ID.Allows() {
			if strings.Contains(body, "<bdi>"+string(a.Action)+"</bdi>") {
				t.Errorf("%s: no directory_action_%s in the words of internal/console/directory", r.DisplayName, a.Action)
			}
		}
	}
}

func TestAnApplicationIsRegisteredWithASecretThatIsShownOnce(t *testing.T) {
	w := newWorld(t)
	w.consoleAs("ada", directory.ApplicationAdministrator)
	w.page("/console/applications")
	w.page("/console/applications/new?preset=spa")
	if a := w.post("/console/applications/new", url.Values{"displayName": {hostile}, "preset": {"web"}, "redirects": {"http://elsewhere.example/cb"}}); a.status != http.StatusBadRequest || !strings.Contains(a.body, "http://elsewhere.example/cb") {
		t.Errorf("a redirect address without TLS: %d\n%s", a.status, a.body)
	}
	app, _, _ := strings.Cut(w.submit("/console/applications/new", url.Values{
		"displayName": {hostile}, "description": {hostile}, "preset": {"web"}, "redirects": {"https://app.example/cb\r\nhttps://app.example/cb2\r\n"},
	}), "?")
	wantWords(t, "its page", w.page(app), "https://app.example/cb2", "It has no secret", "Web application")

	w.page(app + "/secrets/new")
	made := w.submit(app+"/secrets/new", url.Values{"displayName": {hostile}, "days": {"90"}})
	first := w.get(made)
	secret := regexp.MustCompile(`id="secret" value="([^"]{30,})"`).FindStringSubmatch(first.body)
	if first.status != http.StatusOK || secret == nil || first.header.Get("Cache-Control") != "no-store" || strings.Contains(made, secret[1]) {
		t.Fatalf("the new secret: %d at %s\n%s", first.status, made, first.body)
	}
	if again := w.get(made); again.status < 400 || !strings.Contains(again.body, "shown once") || strings.Contains(again.body, secret[1]) {
		t.Errorf("shown again: %d\n%s", again.status, again.body)
	}
	body := w.page(app)
	wantWords(t, "its page", body, "begins with", "Works")
	wantNoWords(t, "its page", body, secret[1])
	remove := regexp.MustCompile(app + `/secrets/[^/"]+/remove`).FindString(body)
	wantWords(t, "before it is removed", w.page(remove), "the only thing")
	w.submit(remove, nil)
	wantWords(t, "its page", w.page(app), "It has no secret")

	w.page(app + "/certificates/new")
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("secret")}))
	if a := w.post(app+"/certificates/new", url.Values{"certificate": {key}}); a.status != http.StatusBadRequest || strings.Contains(a.body, "BEGIN PRIVATE KEY") {
		t.Errorf("a private key: %d\n%s", a.status, a.body)
	}

	edit := w.page(app + "/edit")
	tag := strings.ReplaceAll(regexp.MustCompile(`name="etag" value="([^"]*)"`).FindStringSubmatch(edit)[1], "&#34;", `"`)
	w.submit(app+"/edit", url.Values{"displayName": {"Portal"}, "spa": {"https://app.example/spa"}, "etag": {tag}})
	if a := w.post(app+"/edit", url.Values{"displayName": {"Mine"}, "etag": {tag}}); a.status != http.StatusPreconditionFailed || !strings.Contains(a.body, "Somebody was quicker") || !strings.Contains(a.body, `value="Mine"`) {
		t.Errorf("the second to save: %d\n%s", a.status, a.body)
	}
	w.submit(app+"/switch", url.Values{"on": {"false"}})
	wantWords(t, "switched off", w.page(app), "Switched off")
	w.submit(app+"/switch", url.Values{"on": {"true"}})

	wantWords(t, "before it is deleted", w.page(app+"/delete"), "Portal")
	list := w.submit(app+"/delete", nil)
	wantWords(t, "after it is deleted", w.page(list), "Undo")
	w.submit(strings.Replace(app, "/applications/", "/applications/deleted/", 1)+"/restore", nil)
	wantWords(t, "brought back", w.page(app), "https://app.example/spa")
}

func TestPermissionsAreGrantedInWordsByWhoMay(t *testing.T) {
	w := newWorld(t)
	w.consoleAs("ada", directory.ApplicationAdministrator)
	app, _, _ := strings.Cut(w.submit("/console/applications/new", url.Values{"displayName": {"Portal"}, "preset": {"service"}}), "?")
	grant := app + "/permissions/new"
	body := w.page(grant + "?for=itself") // an Application Administrator may not grant power of its own
	wantWords(t, "what can be granted", body, "never more than that person", `value="User.Read"`)
	wantNoWords(t, "what can be granted", body, "for=itself")
	w.submit(grant, url.Values{"for": {"person"}, "permission": {"User.Read", "Group.Read.All"}})
	w.submit(grant, url.Values{"for": {"person"}, "permission": {"Device.Read.All"}})
	body = w.page(app)
	wantWords(t, "its permissions", body, "Reads all groups and who belongs to them.", "Device.Read.All", "Of whoever is signed in")
	id := regexp.MustCompile(`name="grant" value="([^"]+)"`).FindStringSubmatch(body)[1]
	w.submit(app+"/permissions/remove", url.Values{"grant": {id}, "scope": {"Group.Read.All"}})
	wantNoWords(t, "its permissions", w.page(app), "Group.Read.All")

	w.consoleAs("gina", directory.GlobalAdministrator)
	w.submit(grant, url.Values{"for": {"itself"}, "permission": {"User.Read.All"}})
	wantWords(t, "its permissions", w.page(app), "Its own, without a person", "Reads the whole profile of every user.")
}

// TestWhatARoleMayNotDoIsNeitherShownNorPossible goes to every page and form of groups, roles and
// applications as somebody who may only look.
func TestWhatARoleMayNotDoIsNeitherShownNorPossible(t *testing.T) {
	w := newWorld(t)
	group := w.create("/v1.0/groups", `{"displayName":"Pilot","mailNickname":"pilot","mailEnabled":false,"securityEnabled":true}`)
	app := w.create("/v1.0/applications", `{"displayName":"Portal"}`)
	ann := w.createUser("ann")
	w.do204(http.MethodPost, "/v1.0/groups/"+group+"/members/$ref", reference(ann))
	w.consoleAs("dana", directory.HelpdeskAdministrator)
	g, a, r := "/console/groups/"+group, "/console/applications/"+app, "/console/roles/"+string(directory.GlobalReader)
	for _, path := range []string{"/console/groups", g, "/console/roles", r, "/console/applications", a, "/console/applications/deleted"} {
		body := w.page(path)
		_, main, _ := strings.Cut(body, `<main id="main">`)
		wantNoWords(t, path, main, `method="post"`, "/edit", "/delete\"", "/add\"", "/new\"", "/assign", "/take/", "/switch")
	}
	for _, path := range []string{
		"/console/groups/new", "/console/groups/deleted", g + "/edit", g + "/delete", g + "/members/add", g + "/owners/add", r + "/assign", r + "/assign/" + ann,
		"/console/applications/new", a + "/edit", a + "/delete", a + "/secrets/new", a + "/certificates/new", a + "/permissions/new", a + "/owners/add",
	} {
		if got := w.get(path); got.status != http.StatusForbidden {
			t.Errorf("GET %s: %d", path, got.status)
		}
	}
	form := url.Values{"displayName": {"Taken"}, "id": {ann}, "membership": {"assigned"}, "on": {"false"}, "permission": {"User.Read"}, "preset": {"web"}}
	for _, path := range []string{
		"/console/groups/new", g + "/edit", g + "/delete", g + "/members/add", g + "/members/remove", g + "/owners/add", r + "/assign/" + ann,
		"/console/groups/deleted/" + group + "/restore", "/console/groups/deleted/" + group + "/purge", "/console/applications/new", a + "/edit",
		a + "/delete", a + "/secrets/new", a + "/certificates/new", a + "/permissions/new", a + "/permissions/remove", a + "/owners/add", a + "/switch",
		"/console/applications/deleted/" + app + "/restore",
	} {
		if got := w.post(path, form); got.status != http.StatusForbidden && got.status != http.StatusNotFound {
			t.Errorf("POST %s: %d", path, got.status)
		}
	}
	if status, v := w.api(http.MethodGet, "/v1.0/groups/"+group+"/members", w.appToken(), ""); status != http.StatusOK || len(v["value"].([]any)) != 1 {
		t.Errorf("the members are %v", v)
	}
}

// TestAnOwnerManagesTheirGroupWithoutARoleForGroups shows what a role alone would not.
func TestAnOwnerManagesTheirGroupWithoutARoleForGroups(t *testing.T) {
	w := newWorld(t)
	group := w.create("/v1.0/groups", `{"displayName":"Pilot","mailNickname":"pilot","mailEnabled":false,"securityEnabled":true}`)
	ann := w.createUser("ann")
	dana := w.consoleAs("dana", directory.HelpdeskAdministrator)
	w.do204(http.MethodPost, "/v1.0/groups/"+group+"/owners/$ref", reference(dana))
	wantWords(t, "a group of one's own", w.page("/console/groups/"+group), "/members/add", "/edit")
	w.submit("/console/groups/"+group+"/members/add", url.Values{"id": {ann}})
}

func TestWhoAnApplicationIsAssignedToIsSeenAndChangedInTheConsole(t *testing.T) {
	w := newWorld(t)
	app := w.create("/v1.0/applications", `{"displayName":"Travel"}`)
	_, o := w.api(http.MethodGet, "/v1.0/applications/"+app, w.appToken(), "")
	principal := w.create("/v1.0/servicePrincipals", `{"appId":"`+o["appId"].(string)+`"}`)
	group := w.create("/v1.0/groups", `{"displayName":"Drivers `+strings.ReplaceAll(hostile, `"`, `\"`)+`","mailNickname":"drivers","mailEnabled":false,"securityEnabled":true}`)
	list := "/console/applications/" + app + "/assigned"
	w.consoleAs("abe", directory.ApplicationAdministrator)
	wantWords(t, "the application", w.page("/console/applications/"+app), `href="`+list+`"`)
	wantWords(t, "before", w.page(list), "Everybody here can sign in", "Assigned to nobody", list+"/"+"00000000-0000-0000-0000-000000000000/add")
	w.submit(list+"/open", url.Values{"only": {"true"}})
	add := list + "/00000000-0000-0000-0000-000000000000/add"
	wantWords(t, "the search", w.page(add+"?q=driv"), `value="`+group+`"`)
	to := w.submit(add, url.Values{"id": {group}})
	body := w.page(to)
	wantWords(t, "assigned", body, "Assigned.", "Only these people", "Drivers")
	if a := w.post(add, url.Values{"id": {group}}); a.status != http.StatusBadRequest && a.status != http.StatusConflict {
		t.Errorf("twice: %d", a.status)
	}
	_, all := w.api(http.MethodGet, "/v1.0/servicePrincipals/"+principal+"/appRoleAssignedTo", w.appToken(), "")
	if n := len(all["value"].([]any)); n != 1 {
		t.Errorf("%d assignments", n)
	}
	assignment := regexp.MustCompile(`name="assignment" value="([^"]*)"`).FindStringSubmatch(body)
	wantWords(t, "afterwards", w.page(w.submit(list+"/remove", url.Values{"assignment": {assignment[1]}})), "No longer assigned.", "Nobody can sign in to it")
	w.consoleAs("gus", directory.GlobalReader)
	wantNoWords(t, "a reader", w.page(list), "/add", "/open")
	for _, path := range []string{add, list + "/remove"} {
		if a := w.post(path, url.Values{"id": {group}}); a.status != http.StatusForbidden {
			t.Errorf("%s by a reader: %d", path, a.status)
		}
	}
	if a := w.post(list+"/open", url.Values{"only": {"false"}}); a.status != http.StatusForbidden {
		t.Errorf("opened by a reader: %d", a.status)
	}
}
