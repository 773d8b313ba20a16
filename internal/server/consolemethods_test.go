package server_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/directory"
)

var (
	inputs    = regexp.MustCompile(`<input[^>]*>`)
	textAreas = regexp.MustCompile(`(?s)<textarea[^>]* name="([^"]*)"[^>]*>(.*?)</textarea>`)
	selects   = regexp.MustCompile(`(?s)<select[^>]* name="([^"]*)".*?</select>`)
	chosen    = regexp.MustCompile(`<option value="([^"]*)" selected>`)
	attribute = regexp.MustCompile(` (name|value|type)="([^"]*)"`)
)

// formOf returns what a browser would send of the form of the policy on a page.
func formOf(t *testing.T, page string) url.Values {
	t.Helper()
	_, below, ok := strings.Cut(page, `method="post" action="/console/methods/`)
	if !ok {
		_, below, ok = strings.Cut(page, `method="post" action="`+joining+`"`)
	}
	if !ok {
		_, below, ok = strings.Cut(page, `method="post" action="/console/recovery/policy"`)
	}
	if page = below; !ok {
		t.Fatalf("there is no form:\n%s", page)
	}
	form := url.Values{}
	for _, one := range inputs.FindAllString(page, -1) {
		is := map[string]string{}
		for _, m := range attribute.FindAllStringSubmatch(one, -1) {
			is[m[1]] = html.UnescapeString(m[2])
		}
		if is["name"] != "" && (is["type"] != "radio" && is["type"] != "checkbox" || strings.Contains(one, " checked")) {
			form.Add(is["name"], is["value"])
		}
	}
	for _, m := range textAreas.FindAllStringSubmatch(page, -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	for _, m := range selects.FindAllStringSubmatch(page, -1) {
		for _, option := range chosen.FindAllStringSubmatch(m[0], 1) {
			form.Set(m[1], html.UnescapeString(option[1]))
		}
	}
	return form
}

const joining = "/console/devices/joining"

// policyPage opens the form of a policy.
func (w *world) policyPage(policy string) url.Values {
	w.t.Helper()
	a := w.get("/console/methods/" + policy)
	if a.status != http.StatusOK {
		w.t.Fatalf("%s: %d\n%s", policy, a.status, a.body)
	}
	return formOf(w.t, a.body)
}

func (w *world) press(policy, act string, form url.Values) answer {
	form.Set("act", act)
	return plain(w.post("/console/methods/"+policy, form))
}

// plain is an answer without what keeps words of other directions apart.
func plain(a answer) answer {
	a.body = strings.NewReplacer("<bdi>", "", "</bdi>", "").Replace(a.body)
	return a
}

func (w *world) configuration(id string) map[string]any {
	w.t.Helper()
	status, v := w.api(http.MethodGet, "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/"+id, w.appToken(), "")
	if status != http.StatusOK {
		w.t.Fatalf("%s: %d %v", id, status, v)
	}
	return v
}

var everyPolicy = []string{"TemporaryAccessPass", "Fido2", "MicrosoftAuthenticator", "SoftwareOath", "Password", "signin", "campaign"}

func TestEveryPolicyHasAFormThatSaysWhatIsThereAndChangesNothingByItself(t *testing.T) {
	w := newWorld(t)
	w.consoleAs("pia", directory.AuthenticationPolicyAdministrator)
	list := w.get("/console/methods")
	if list.status != http.StatusOK {
		t.Fatalf("%d\n%s", list.status, list.body)
	}
	for _, policy := range everyPolicy {
		if !strings.Contains(list.body, `href="/console/methods/`+policy+`"`) {
			t.Errorf("the list lacks %s", policy)
		}
		a := w.press(policy, "check", w.policyPage(policy))
		if a.status != http.StatusOK || !strings.Contains(a.body, "Nothing is changed yet.") || strings.Contains(a.body, "<del>") {
			t.Errorf("%s: the form as it is: %d\n%s", policy, a.status, a.body)
		}
		if a := w.press(policy, "save", w.policyPage(policy)); a.status != http.StatusOK {
			t.Errorf("%s: saving nothing: %d %s", policy, a.status, a.location)
		}
	}
	if a := w.get("/console/methods/Sms"); a.status != http.StatusNotFound {
		t.Errorf("a method that is not there: %d", a.status)
	}
}

func TestAPolicyIsSavedAfterItSaidWhatChanges(t *testing.T) {
	w := newWorld(t)
	w.consoleAs("pia", directory.AuthenticationPolicyAdministrator)
	form := w.policyPage("TemporaryAccessPass")
	form.Set("maximumLifetimeInMinutes", "4")
	form.Set("maximumLifetimeInMinutes.unit", "hours")
	form.Set("defaultLifetimeInMinutes", "6")
	form.Set("defaultLifetimeInMinutes.unit", "hours")
	a := w.press("TemporaryAccessPass", "save", form)
	for _, want := range []string{"Longest life", "8 hours", "4 hours", "Save 2 changes", " disabled>", `href="#defaultLifetimeInMinutes"`, "The usual life lies between", `value="6"`} {
		if !strings.Contains(a.body, want) {
			t.Errorf("a draft that breaks a rule lacks %q", want)
		}
	}
	if now := w.configuration("TemporaryAccessPass"); now["maximumLifetimeInMinutes"] != 480.0 {
		t.Fatalf("it was saved: %v", now)
	}
	form = formOf(t, a.body)
	form.Set("defaultLifetimeInMinutes", "90")
	form.Set("defaultLifetimeInMinutes.unit", "minutes")
	form.Set("defaultLength", "ten")
	if a = w.press("TemporaryAccessPass", "save", form); !strings.Contains(a.body, "Write a whole number.") || !strings.Contains(a.body, `value="ten"`) {
		t.Errorf("no number: %d\n%s", a.status, a.body)
	}
	form.Set("defaultLength", "10")
	if a = w.press("TemporaryAccessPass", "save", form); a.status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	if a = w.get(a.location); !strings.Contains(a.body, "Saved. It holds from now on.") {
		t.Errorf("nothing says that it is saved:\n%s", a.body)
	}
	if now := w.configuration("TemporaryAccessPass"); now["maximumLifetimeInMinutes"] != 240.0 || now["defaultLifetimeInMinutes"] != 90.0 || now["defaultLength"] != 10.0 {
		t.Errorf("saved was %v", now)
	}

	past := w.get("/console/methods/TemporaryAccessPass/history")
	if past.status != http.StatusOK || !strings.Contains(past.body, "8 hours") || !strings.Contains(past.body, "Pia") && !strings.Contains(past.body, "pia") {
		t.Fatalf("the history: %d\n%s", past.status, past.body)
	}
	back := regexp.MustCompile(`/console/methods/TemporaryAccessPass\?back=[^"]*`).FindString(past.body)
	a = plain(w.get(html.UnescapeString(back)))
	if !strings.Contains(a.body, "Save 3 changes") {
		t.Fatalf("putting it back: %d\n%s", a.status, a.body)
	}
	if a = w.press("TemporaryAccessPass", "save", formOf(t, a.body)); a.status != http.StatusSeeOther {
		t.Fatalf("putting it back: %d\n%s", a.status, a.body)
	}
	if now := w.configuration("TemporaryAccessPass"); now["maximumLifetimeInMinutes"] != 480.0 || now["defaultLength"] != 8.0 {
		t.Errorf("put back was %v", now)
	}
}

func TestOfTwoAdministratorsTheSecondSeesBothAndChooses(t *testing.T) {
	w := newWorld(t)
	w.consoleAs("pia", directory.AuthenticationPolicyAdministrator)
	form := w.policyPage("TemporaryAccessPass")
	w.patch("TemporaryAccessPass", `{"defaultLength":12,"maximumLifetimeInMinutes":600}`)
	form.Set("defaultLength", "10")
	form.Set("isUsableOnce", "true")
	a := w.press("TemporaryAccessPass", "save", form)
	if a.status != http.StatusPreconditionFailed || !strings.Contains(a.body, "Somebody was quicker") || !strings.Contains(a.body, "You both changed it.") ||
		!strings.Contains(a.body, "Only you changed it.") || !strings.Contains(a.body, "Only the other changed it.") {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	if now := w.configuration("TemporaryAccessPass"); now["defaultLength"] != 12.0 || now["isUsableOnce"] != false {
		t.Fatalf("it was overwritten: %v", now)
	}
	both := formOf(t, a.body)
	if a = w.press("TemporaryAccessPass", "merge", both); a.status != http.StatusPreconditionFailed || !strings.Contains(a.body, "Choose one of the two.") {
		t.Errorf("without a choice: %d\n%s", a.status, a.body)
	}
	both.Set("pick:defaultLength", "mine")
	a = w.press("TemporaryAccessPass", "merge", both)
	if a.status != http.StatusOK || !strings.Contains(a.body, "Save 2 changes") {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	if a = w.press("TemporaryAccessPass", "save", formOf(t, a.body)); a.status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	if now := w.configuration("TemporaryAccessPass"); now["defaultLength"] != 10.0 || now["isUsableOnce"] != true || now["maximumLifetimeInMinutes"] != 600.0 {
		t.Errorf("saved was %v", now)
	}
}

func (w *world) patch(method, body string) {
	w.t.Helper()
	w.do204(http.MethodPatch, "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/"+method, body)
}

func TestGroupsAreFoundLetInAndLeftOutWhateverTheyAreCalled(t *testing.T) {
	w := newWorld(t)
	w.consoleAs("pia", directory.GlobalAdministrator)
	const hostile = `\"><script>alert(1)</script> <b>break</b> glass`
	group := w.create("/v1.0/groups", `{"displayName":"`+hostile+`","mailNickname":"glass","mailEnabled":false,"securityEnabled":true}`)
	form := w.policyPage("Fido2")
	form.Set("group", "glass")
	a := w.press("Fido2", "find", form)
	if !strings.Contains(a.body, `value="exclude:`+group+`"`) {
		t.Fatalf("not found:\n%s", a.body)
	}
	form = formOf(t, a.body)
	form.Set("add", "exclude:"+group)
	a = w.press("Fido2", "check", form)
	if !strings.Contains(a.body, "Save 1 change") || !strings.Contains(a.body, "0 people") {
		t.Errorf("%d\n%s", a.status, a.body)
	}
	saved := w.press("Fido2", "save", formOf(t, a.body))
	if saved.status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", saved.status, saved.body)
	}
	a = w.get(saved.location)
	past := w.get("/console/methods/Fido2/history")
	for _, page := range []string{a.body, past.body} {
		if strings.Contains(page, "<script>alert") || strings.Contains(page, "<b>break") || !strings.Contains(page, "glass") {
			t.Errorf("the name is taken for HTML:\n%s", page)
		}
	}
	form = formOf(t, a.body)
	form.Set("remove", "exclude:"+group)
	if a = w.press("Fido2", "save", form); a.status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	if now := w.configuration("Fido2"); len(now["excludeTargets"].([]any)) != 0 {
		t.Errorf("%v", now)
	}
}

func TestWhoOnlyReadsPoliciesIsOfferedNoChangeAndMakesNone(t *testing.T) {
	w := newWorld(t)
	w.consoleAs("gus", directory.GlobalReader)
	for _, policy := range everyPolicy {
		a := w.get("/console/methods/" + policy)
		if a.status != http.StatusOK || strings.Contains(a.body, `value="save"`) || strings.Contains(a.body, `name="remove"`) {
			t.Errorf("%s: %d offers a change", policy, a.status)
		}
		if a := w.press(policy, "save", url.Values{"state": {"disabled"}}); a.status != http.StatusForbidden {
			t.Errorf("%s: %d", policy, a.status)
		}
	}
	w.consoleAs("dana", directory.HelpdeskAdministrator)
	if a := w.get("/console/methods"); a.status != http.StatusForbidden {
		t.Errorf("a helpdesk: %d", a.status)
	}
}

func TestWhatIsTakenWhereAndWhoIsAskedAreChangedInTheConsole(t *testing.T) {
	w := newWorld(t)
	w.consoleAs("pia", directory.GlobalAdministrator)
	form := w.policyPage("signin")
	form.Set("consoleMethods", "only")
	form["consoleMethods.one"] = []string{"fido2", "temporaryAccessPass"}
	if a := w.press("signin", "save", form); a.status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	form = w.policyPage("signin")
	form["breakGlassMethods.one"] = nil
	form.Set("consoleMethods", "only")
	form["consoleMethods.one"] = []string{"softwareOath"}
	if a := w.press("signin", "save", form); a.status != http.StatusBadRequest || !strings.Contains(a.body, "Nobody could sign in at console") || !strings.Contains(a.body, `value="softwareOath" checked`) {
		t.Errorf("nobody could sign in any more: %d\n%s", a.status, a.body)
	}
	form = w.policyPage("campaign")
	form.Set("snoozeDurationInDays", "3")
	form.Set("postern_afterPass", "required")
	if a := w.press("campaign", "save", form); a.status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	form = w.policyPage("campaign")
	if form.Get("snoozeDurationInDays") != "3" || form.Get("postern_afterPass") != "required" {
		t.Errorf("the campaign is %v", form)
	}
	form.Set("snoozeDurationInDays", "99")
	if a := w.press("campaign", "save", form); a.status != http.StatusBadRequest || !strings.Contains(a.body, `value="99"`) {
		t.Errorf("99 days: %d\n%s", a.status, a.body)
	}
}

func TestWhatWasTakenWhereAndWhoWasAskedIsPutBack(t *testing.T) {
	w := newWorld(t)
	w.consoleAs("pia", directory.AuthenticationPolicyAdministrator)
	for policy, change := range map[string]func(url.Values){
		"signin": func(form url.Values) {
			form.Set("consoleMethods", "only")
			form["consoleMethods.one"] = []string{"fido2", "temporaryAccessPass"}
		},
		"campaign": func(form url.Values) {
			form.Set("snoozeDurationInDays", "9")
			form.Set("postern_afterPass", "required")
		},
	} {
		before := w.policyPage(policy)
		form := w.policyPage(policy)
		change(form)
		if a := w.press(policy, "save", form); a.status != http.StatusSeeOther {
			t.Fatalf("%s: %d\n%s", policy, a.status, a.body)
		}
		past := w.get("/console/methods/" + policy + "/history")
		if past.status != http.StatusOK || !strings.Contains(past.body, "<del>") || !strings.Contains(strings.ToLower(past.body), "pia") {
			t.Fatalf("%s: the history: %d\n%s", policy, past.status, past.body)
		}
		back := regexp.MustCompile(`/console/methods/` + policy + `\?back=[^"]*`).FindString(past.body)
		a := w.get(html.UnescapeString(back))
		if a.status != http.StatusOK || !strings.Contains(a.body, "<ins>") {
			t.Fatalf("%s: %q shows what is put back: %d\n%s", policy, back, a.status, a.body)
		}
		if a = w.press(policy, "save", formOf(t, a.body)); a.status != http.StatusSeeOther {
			t.Fatalf("%s: %d\n%s", policy, a.status, a.body)
		}
		after := w.policyPage(policy)
		for name := range before {
			if name != "etag" && before.Get(name) != after.Get(name) {
				t.Errorf("%s: %s is %q, was %q", policy, name, after[name], before[name])
			}
		}
	}
}

func TestWhoMayJoinDevicesIsSaidInTheConsole(t *testing.T) {
	w := newWorld(t)
	const hostile = `\"><script>alert(1)</script> engineers`
	group := w.create("/v1.0/groups", `{"displayName":"`+hostile+`","mailNickname":"engineers","mailEnabled":false,"securityEnabled":true}`)
	w.consoleAs("cleo", directory.CloudDeviceAdministrator)
	if a := w.get("/console/devices"); !strings.Contains(a.body, `href="`+joining+`"`) {
		t.Errorf("the devices don't lead there:\n%s", a.body)
	}
	open := func(act string, form url.Values) answer {
		form.Set("act", act)
		return plain(w.post(joining, form))
	}
	form := formOf(t, w.get(joining).body)
	form.Set("azureADJoin_allowedToJoin", "selected")
	form.Set("group", "engineers")
	a := open("find", form)
	if !strings.Contains(a.body, `name="azureADJoin_allowedToJoin.one" value="groups:`+group+`"`) || strings.Contains(a.body, "<script>alert") {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	form = formOf(t, a.body)
	form.Add("azureADJoin_allowedToJoin.one", "groups:"+group)
	form.Set("azureADRegistration_allowedToRegister", "none")
	form.Set("multiFactorAuthConfiguration", "required")
	form.Set("postern_approval", "joined")
	form.Set("userDeviceQuota", "3")
	if a = open("check", form); !strings.Contains(a.body, "Save 5 changes") || !strings.Contains(a.body, "engineers") {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	if a = open("save", formOf(t, a.body)); a.status != http.StatusSeeOther || a.location != joining+"?done=methodSaved" {
		t.Fatalf("%d %s\n%s", a.status, a.location, a.body)
	}
	_, now := w.api(http.MethodGet, "/v1.0/policies/deviceRegistrationPolicy?$select=userDeviceQuota,multiFactorAuthConfiguration,azureADJoin,azureADRegistration,postern_approval", w.appToken(), "")
	join, _ := now["azureADJoin"].(map[string]any)
	allowed, _ := join["allowedToJoin"].(map[string]any)
	if groups, _ := allowed["groups"].([]any); len(groups) != 1 || groups[0] != group || now["userDeviceQuota"] != 3.0 || now["postern_approval"] != "joined" || now["multiFactorAuthConfiguration"] != "required" {
		t.Errorf("saved was %v", now)
	}
	past := w.get(joining + "/history")
	back := regexp.MustCompile(joining + `\?back=[^"]*`).FindString(past.body)
	if !strings.Contains(past.body, "Everybody") || back == "" {
		t.Fatalf("the history: %d\n%s", past.status, past.body)
	}
	stale := formOf(t, w.get(joining).body)
	if a = open("save", formOf(t, w.get(html.UnescapeString(back)).body)); a.status != http.StatusSeeOther {
		t.Errorf("putting it back: %d\n%s", a.status, a.body)
	}
	stale.Set("userDeviceQuota", "7")
	if a = open("save", stale); a.status != http.StatusPreconditionFailed || !strings.Contains(a.body, "Somebody was quicker") {
		t.Errorf("a form that is out of date: %d\n%s", a.status, a.body)
	}
	w.consoleAs("ina", directory.IntuneAdministrator) // reads it
	if a = w.get(joining); a.status != http.StatusOK || strings.Contains(a.body, `value="save"`) {
		t.Errorf("%d offers a change", a.status)
	}
	if a = open("save", stale); a.status != http.StatusForbidden {
		t.Errorf("a change by somebody who may read: %d", a.status)
	}
	w.consoleAs("hal", directory.HelpdeskAdministrator)
	if a = w.get(joining); a.status != http.StatusForbidden {
		t.Errorf("a helpdesk: %d", a.status)
	}
}
