package server_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"html"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/directory"
)

const globeSetting = "device_vendor_msft_policy_config_authentication_enablewebsignin"

// wantPage wants a page with a status and all of the words.
func (w *world) wantPage(what string, a answer, status int, words ...string) {
	w.t.Helper()
	if a.status != status {
		w.t.Fatalf("%s: %d %s\n%s", what, a.status, a.location, a.body)
	}
	for _, word := range words {
		if !strings.Contains(a.body, word) {
			w.t.Errorf("%s: the page lacks %q\n%s", what, word, a.body)
		}
	}
}

var draftOnPage = regexp.MustCompile(`name="draft" value="([^"]*)"`)

// step sends a step of the form for policies with what is typed, and the draft of the page before.
func (w *world) step(page answer, step, button string, typed url.Values) answer {
	w.t.Helper()
	found := draftOnPage.FindStringSubmatch(page.body)
	if found == nil {
		w.t.Fatalf("the page has no draft: %d\n%s", page.status, page.body)
	}
	form := url.Values{"draft": {html.UnescapeString(found[1])}, "step": {step}, "go": {button}}
	maps.Copy(form, typed)
	return w.post("/console/settings/draft", form)
}

// joinedDevice joins a device of the administrator's and returns its object id.
func (w *world) joinedDevice() string {
	w.t.Helper()
	_, pass := w.issue(`{}`)
	m := newMachine(w)
	joined := m.join(m.token("admin@contoso.example", pass))
	return w.ids("/v1.0/devices?$filter=deviceId%20eq%20'" + joined.DeviceID + "'")[0]
}

func TestTheConsoleShowsADeviceAndWhatHoldsOnIt(t *testing.T) {
	w := newWorld(t)
	device := w.joinedDevice()
	w.change(http.MethodPatch, "/v1.0/devices/"+device, `{"displayName":"=cmd|' /C calc'!A0 <script>alert(1)</script>"}`)
	w.consoleAs("ina", directory.IntuneAdministrator)
	w.wantPage("the list", w.get("/console/devices"), 200, "&lt;script&gt;alert(1)", "/console/devices/"+device, "devices.csv")
	w.wantPage("a filter that finds it", w.get("/console/devices?q=%3Dcmd&state=on"), 200, "/console/devices/"+device)
	w.wantPage("a filter that finds nothing", w.get("/console/devices?state=pending"), 200, "No device like that")
	w.wantPage("its id", w.get("/console/devices?q="+device), 200, "/console/devices/"+device)
	w.wantPage("a quote", w.get("/console/devices?q='"), 200, "No device like that")
	a := w.get("/console/devices/devices.csv?state=on")
	rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	if err != nil || len(rows) != 2 || !strings.HasPrefix(rows[1][0], "'=cmd") || rows[1][2] != "admin@contoso.example" {
		t.Errorf("the export is %v, %v", rows, err)
	}
	w.wantPage("the device", w.get("/console/devices/"+device), 200, "&lt;script&gt;alert(1)", "Joining switches it on", "Enable web sign-in", "Switch off")
	if a := w.get("/console/devices/" + device); strings.Contains(a.body, "<script>alert") {
		t.Error("the name of a device is markup")
	}
	w.wantPage("every setting", w.get("/console/devices/"+device+"?all=1"), 200, "Shortest PIN", "No effect on this system")
	w.wantPage("somebody at it", w.get("/console/devices/"+device+"?user="+w.ids("/v1.0/devices/" + device + "/registeredUsers")[0]), 200, "selected")
	w.wantPage("no such device", w.get("/console/devices/"+w.created.TenantID), 404)
}

func TestADeviceIsSwitchedOffAndDeletedWithItsConsequencesSaid(t *testing.T) {
	w := newWorld(t)
	device := w.joinedDevice()
	w.change(http.MethodPatch, "/v1.0/devices/"+device, `{"displayName":"LT  0147"}`)
	page := "/console/devices/" + device
	w.consoleAs("ina", directory.CloudDeviceAdministrator)
	w.wantPage("the question", w.get(page+"/switch-off"), 200, "Sessions and tokens from this device end at once", "You can switch it on again")
	if a := w.post(page+"/switch-off", nil); a.status != 303 || a.location != page+"?done=device_switch-off" {
		t.Fatalf("switching off: %d %s", a.status, a.location)
	}
	w.wantPage("afterwards", w.get(page+"?done=device_switch-off"), 200, "Sessions from it have ended", "Switched off", "Switch on")
	if a := w.post(page+"/switch-on", nil); a.status != 303 {
		t.Errorf("switching on: %d", a.status)
	}
	w.wantPage("another name", w.post(page+"/delete", url.Values{"name": {"LT 0148"}}), 400, "That is not the name", `value="LT 0148"`)
	w.wantPage("a deed that is none", w.post(page+"/explode", nil), 404)
	if a := w.post(page+"/delete", url.Values{"name": {"LT 0147"}}); a.status != 303 || a.location != "/console/devices?done=device_delete" {
		t.Errorf("deleting: %d %s\n%s", a.status, a.location, a.body)
	}
	w.wantPage("it is gone", w.get(page), 404)
}

func TestWhatARoleMayNotDoWithDevicesIsNeitherOfferedNorDone(t *testing.T) {
	w := newWorld(t)
	device := w.joinedDevice()
	for _, test := range []struct {
		role                          directory.RoleID
		device, manage, policy, write bool
	}{
		{directory.HelpdeskAdministrator, true, false, false, false},
		{directory.GlobalReader, true, false, true, false},
		{directory.CloudDeviceAdministrator, true, true, false, false},
		{directory.IntuneAdministrator, true, true, true, true},
	} {
		w.consoleAs("p"+string(test.role)[:6], test.role)
		a := w.get("/console/devices/" + device)
		if (a.status == 200) != test.device || strings.Contains(a.body, "/switch-off") != test.manage || strings.Contains(a.body, "What holds on it") != test.policy {
			t.Errorf("%s sees of a device: %d\n%s", test.role, a.status, a.body)
		}
		if got := w.get("/console/devices/" + device + "/delete").status; (got == 200) != test.manage {
			t.Errorf("%s: the question is %d", test.role, got)
		}
		if got := w.get("/console/settings").status; (got == 200) != test.policy {
			t.Errorf("%s: the policies are %d", test.role, got)
		}
		if got := w.get("/console/settings/new").status; (got == 200) != test.write {
			t.Errorf("%s: a new policy is %d", test.role, got)
		}
		form := url.Values{"draft": {`{"name":"x"}`}, "step": {"review"}, "go": {"save"}}
		if got := w.post("/console/settings/draft", form).status; (got == 303) != test.write {
			t.Errorf("%s: saving is %d", test.role, got)
		}
		if !test.manage {
			if got := w.post("/console/devices/"+device+"/switch-off", nil).status; got != 403 {
				t.Errorf("%s: switching off is %d", test.role, got)
			}
		}
	}
}

func TestAPolicyIsMadeStepByStepAndReviewed(t *testing.T) {
	w := newWorld(t)
	group := w.create("/v1.0/groups", `{"displayName":"Laptops <b>","mailNickname":"laptops","securityEnabled":true,"mailEnabled":false}`)
	w.consoleAs("ina", directory.IntuneAdministrator)
	w.wantPage("no policy yet", w.get("/console/settings"), 200, "No policies yet")
	w.wantPage("the catalog", w.get("/console/settings/catalog?q=shortest+pin"), 200, "MinimumPINLength", "to <bdi>127", "Use in a new policy")
	w.wantPage("nothing in the catalog", w.get("/console/settings/catalog?q=nonsense"), 200, "No setting like that")
	a := w.get("/console/settings/new?add=" + globeSetting)
	w.wantPage("without a name", w.step(a, "basics", "review", url.Values{"description": {"kept <i>"}}), 200, "Give the policy a name", "kept &lt;i&gt;")
	a = w.step(a, "basics", "settings", url.Values{"name": {"Web <b>"}, "description": {"On\r\nlaptops"}, "tags": {"east, east, west"}})
	w.wantPage("the settings", a, 200, "Enable web sign-in", "Shows the globe")
	length := "device_vendor_msft_passportforwork_{tenantid}_policies_pincomplexity_minimumpinlength"
	a = w.step(a, "settings", "add", url.Values{"set_" + globeSetting: {"1"}, "add": {length}})
	w.wantPage("a setting more", a, 200, `value="1" checked`, "Shortest PIN", `value="6"`)
	a = w.step(a, "settings", "assignments", url.Values{"set_" + globeSetting: {"1"}, "set_" + length: {"3"}})
	bad := w.step(a, "assignments", "review", nil)
	w.wantPage("a value that can't be", bad, 200, "a whole number from 4 to 127", `aria-invalid="true"`, `value="3"`)
	a = w.step(bad, "settings", "assignments", url.Values{"set_" + globeSetting: {"1"}, "set_" + length: {"8"}})
	a = w.step(a, "assignments", "find", url.Values{"group": {"lapt"}})
	w.wantPage("the groups", a, 200, "Laptops &lt;b&gt;", "include:"+group)
	a = w.step(a, "assignments", "include:"+group, nil)
	a = w.step(a, "assignments", "review", url.Values{"to_people": {"1"}})
	w.wantPage("the review", a, 200, "Before you save", "<ins>", "Laptops &lt;b&gt;", "All people", "Create the policy")
	a = w.step(a, "review", "save", nil)
	id, ok := strings.CutPrefix(a.location, "/console/settings/")
	if a.status != 303 || !ok {
		t.Fatalf("saving: %d %s\n%s", a.status, a.location, a.body)
	}
	id, _, _ = strings.Cut(id, "?")
	w.wantPage("the policy", w.get(a.location), 200, "The policy is saved", "Web &lt;b&gt;", "Laptops &lt;b&gt;", "All people", "east, west")
	_, stored := w.api(http.MethodGet, "/v1.0/deviceManagement/configurationPolicies/"+id+"?$expand=settings,assignments", w.appToken(), "")
	if len(stored["settings"].([]any)) != 2 || len(stored["assignments"].([]any)) != 2 || stored["description"] != "On\nlaptops" {
		t.Errorf("stored is %v", stored)
	}
	w.wantPage("the list", w.get("/console/settings?q=web"), 200, "Web &lt;b&gt;")

	// What is exported makes the same policy again, in both forms.
	for _, form := range []string{"graph", "oma"} {
		exported := w.get("/console/settings/" + id + "/export?form=" + form)
		if !json.Valid([]byte(exported.body)) || !strings.Contains(exported.header.Get("Content-Disposition"), "attachment") {
			t.Fatalf("%s: %s", form, exported.body)
		}
		a := w.post("/console/settings/import", url.Values{"text": {exported.body}})
		w.wantPage(form, a, 200, "Before you save", "Shortest PIN", "Create the policy", "for nobody yet")
		if a = w.step(a, "review", "save", nil); a.status != 303 {
			t.Errorf("%s: %d\n%s", form, a.status, a.body)
		}
	}
	w.wantPage("the wrong name", w.post("/console/settings/"+id+"/delete", url.Values{"name": {"Web"}}), 400, "That is not the name")
	if a := w.post("/console/settings/"+id+"/delete", url.Values{"name": {"Web <b>"}}); a.status != 303 || a.location != "/console/settings?done=policy_deleted" {
		t.Errorf("deleting: %d %s", a.status, a.location)
	}
}

func TestTwoWhoChangeOnePolicyOverwriteNothingSilently(t *testing.T) {
	w := newWorld(t)
	const policies = "/v1.0/deviceManagement/configurationPolicies"
	instance := func(value string) string {
		return `{"settingInstance":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationChoiceSettingInstance","settingDefinitionId":"` + globeSetting +
			`","choiceSettingValue":{"value":"` + globeSetting + `_` + value + `","children":[]}}}`
	}
	id := w.create(policies, `{"name":"Web","description":"first","settings":[`+instance("1")+`]}`)
	w.consoleAs("ina", directory.IntuneAdministrator)
	mine := w.get("/console/settings/" + id + "/edit")
	mine = w.step(mine, "basics", "review", url.Values{"name": {"Web for all"}, "description": {"first"}, "tags": {""}})
	w.wantPage("the review", mine, 200, "Save 1 change", "<del>", "Web for all")
	w.change(http.MethodPatch, policies+"/"+id, `{"description":"theirs","settings":[`+instance("2")+`]}`)
	a := w.step(mine, "review", "save", nil)
	w.wantPage("who was overtaken", a, 412, "Somebody was quicker", "theirs", "Taken over", "Save 1 change")
	_, stored := w.api(http.MethodGet, policies+"/"+id, w.appToken(), "")
	if stored["name"] != "Web" {
		t.Fatalf("stored is %v", stored)
	}
	if a = w.step(a, "review", "save", nil); a.status != 303 {
		t.Fatalf("after looking at both: %d\n%s", a.status, a.body)
	}
	_, stored = w.api(http.MethodGet, policies+"/"+id+"?$expand=settings", w.appToken(), "")
	if raw, _ := json.Marshal(stored["settings"]); stored["name"] != "Web for all" || stored["description"] != "theirs" || !strings.Contains(string(raw), globeSetting+"_2") {
		t.Errorf("stored is %v", stored)
	}
	// Both change the same: what is saved is what the second one has seen beside the first one's.
	mine = w.get("/console/settings/" + id + "/edit")
	w.change(http.MethodPatch, policies+"/"+id, `{"name":"Theirs"}`)
	a = w.step(mine, "basics", "review", url.Values{"name": {"Mine"}, "description": {"theirs"}})
	w.wantPage("both changed the name", a, 200, "Somebody was quicker", "Theirs", "<strong>", "Mine")
}

func TestAnImportThatIsNoneIsRefusedInWords(t *testing.T) {
	w := newWorld(t)
	w.consoleAs("ina", directory.IntuneAdministrator)
	deep := strings.Repeat("[", 20000) + strings.Repeat("]", 20000)
	for name, test := range map[string]struct {
		text   string
		status int
		says   string
	}{
		"nothing":              {" \n", 400, "nothing to import"},
		"half JSON":            {"{\n\"name\": \"x\",\n\"settings\": [", 400, "breaks off or goes wrong in line 3"},
		"a list":               {`[1]`, 400, "can’t be read as a policy"},
		"very deep":            {`{"name":"x","settings":` + deep + `}`, 400, "This"},
		"an unknown setting":   {`{"name":"x","settings":[{"settingInstance":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationChoiceSettingInstance","settingDefinitionId":"<script>","choiceSettingValue":{"value":"a","children":[]}}}]}`, 400, "There is no setting"},
		"an unknown member":    {`{"name":"x","colour":"red"}`, 400, "colour is not a property"},
		"a member twice":       {`{"name":"x","templateReference":{"templateId":"","templateId":"a"}}`, 400, "twice"},
		"no UTF-8":             {"{\"name\":\"\xff\"}", 400, "not text in UTF-8"},
		"a line without value": {"./Vendor/MSFT/Policy/Config/Authentication/EnableWebSignIn integer", 400, "Line 1 is not"},
		"a line of words":      {"./Vendor/MSFT/Policy/Config/Authentication/EnableWebSignIn integer on", 400, "Line 1 is not"},
		"an unknown OMA-URI":   {"./Vendor/MSFT/Nothing integer 1", 400, "There is no setting"},
		"too large":            {strings.Repeat("x", 1<<20), 413, "too large"},
		"a line":               {"# web sign-in\n./Vendor/MSFT/Policy/Config/Authentication/EnableWebSignIn  integer  1\r\n", 200, "Enable web sign-in"},
		"with a mark in front": {"\uFEFF" + `{"name":"x","id":"1","createdDateTime":"2026-01-01T00:00:00Z","settings@odata.context":"y","settings":[]}`, 200, "Before you save"},
	} {
		t.Run(name, func(t *testing.T) {
			var body bytes.Buffer
			form := multipart.NewWriter(&body)
			file, err := form.CreateFormFile("file", "policy.json")
			if err == nil {
				_, err = file.Write([]byte(test.text))
			}
			if err := errors.Join(err, form.Close()); err != nil {
				t.Fatal(err)
			}
			r := w.request(http.MethodPost, "/console/settings/import", &body)
			r.Header.Set("Content-Type", form.FormDataContentType())
			a := w.do(r)
			if a.status != test.status || !strings.Contains(a.body, test.says) {
				t.Errorf("%d, without %q\n%s", a.status, test.says, a.body[:min(len(a.body), 6000)])
			}
			if strings.Contains(a.body, "<script>") {
				t.Error("what was imported is markup")
			}
		})
	}
	half := "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n{"
	r := w.request(http.MethodPost, "/console/settings/import", strings.NewReader(half))
	r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	w.wantPage("half a form", w.do(r), 400, "did not arrive whole")
	if n := len(w.ids("/v1.0/deviceManagement/configurationPolicies")); n != 0 {
		t.Errorf("%d policies were made", n)
	}
}
