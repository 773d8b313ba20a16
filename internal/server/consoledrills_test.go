package server_test

import (
	"encoding/csv"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/server"
)

const consoleDrills = "/console/recovery/drills"

var practiceShown = regexp.MustCompile(`data-practice="([^"]+)"`)

// drillForm reads what the form for a drill sends.
func (w *world) drillForm(query string, more url.Values) url.Values {
	w.t.Helper()
	page := w.get(consoleDrills + "/new?" + query)
	token := formToken.FindStringSubmatch(page.body)
	if page.status != http.StatusOK || token == nil {
		w.t.Fatalf("the form: %d\n%s", page.status, page.body)
	}
	v, err := url.ParseQuery(query)
	if err != nil {
		w.t.Fatal(err)
	}
	v.Set("form", token[1])
	v.Set("where", "anywhere")
	v.Set("answerInDays", "14")
	v.Set("sampleSize", "5")
	maps.Copy(v, more)
	return v
}

// inAnotherTenant does something in a second tenant of the server, before anybody signed in.
func (w *world) inAnotherTenant(do func()) {
	w.t.Helper()
	w.close()
	other, err := server.Init(w.t.Context(), w.options, server.NewTenant{Domain: "fabrikam.example", Admin: "admin", EnableTAP: true, App: "test"})
	if err != nil {
		w.t.Fatal(err)
	}
	w.open()
	here := w.created
	defer func() { w.created = here }()
	w.created = other
	do()
}

func TestADrillIsBegunByNameReadOutOnceFollowedAndReported(t *testing.T) {
	w := newWorld(t)
	const name = "mira@contoso.example"
	w.addPerson(name)
	mira := w.userID(name)
	w.change(http.MethodPatch, "/v1.0/users/"+mira, `{"displayName":"=cmd <script>alert(1)</script>"}`)
	w.consoleAs("dana", directory.AuthenticationAdministrator)
	if a := w.get(consoleDrills + "/new?q=mira"); a.status != http.StatusSeeOther || a.location != consoleDrills+"/new?person="+mira {
		t.Fatalf("by name: %d %s\n%s", a.status, a.location, a.body)
	}
	v := w.drillForm("person="+mira, url.Values{"note": {`"><script>alert(2)</script>`}})
	for days, status := range map[string]int{"two": 400, "0": 400, "61": 400} {
		bad := w.drillForm("person="+mira, url.Values{"answerInDays": {days}})
		if a := w.post(consoleDrills+"/new", bad); a.status != status || !strings.Contains(a.body, `id="days-wrong"`) {
			t.Errorf("%s days: %d\n%s", days, a.status, a.body)
		}
	}
	sent := w.post(consoleDrills+"/new", v)
	page := w.get(sent.location)
	code := practiceShown.FindStringSubmatch(page.body)
	if sent.status != http.StatusSeeOther || code == nil || strings.Contains(sent.location, code[1]) {
		t.Fatalf("begin: %d %s\n%s", sent.status, sent.location, page.body)
	}
	if a := w.post(consoleDrills+"/new", v); a.status != http.StatusConflict {
		t.Errorf("a second click: %d", a.status)
	}
	at, _, _ := strings.Cut(sent.location, "?")
	for _, path := range []string{sent.location, at} {
		if a := w.get(path); a.status != http.StatusOK || strings.Contains(a.body, code[1]) || strings.Contains(a.body, "<script>alert") || !strings.Contains(a.body, `data-state="asked"`) {
			t.Errorf("afterwards at %s: %d\n%s", path, a.status, a.body)
		}
	}
	if a := w.post(consoleDrills+"/new", w.drillForm("person="+mira, nil)); a.status != http.StatusConflict || !strings.Contains(a.body, "in this quarter already") {
		t.Errorf("asked twice in a quarter: %d\n%s", a.status, a.body)
	}

	agent := w.browser
	w.newBrowser()
	w.setPolicy(`{"state":"disabled"}`)
	w.typed(name, code[1])
	w.setPolicy(`{"state":"enabled"}`)
	w.browser = agent
	w.wantPage("the drill", w.get(at), 200, `data-state="failed"`, `data-step="issue" data-result="failed"`, "new?person="+mira)
	list := w.get(consoleDrills)
	w.wantPage("the list", list, 200, at, "&lt;script&gt;", "A pass is issued")
	quarter := regexp.MustCompile(`report\?quarter=(\d{4}-Q\d)`).FindStringSubmatch(list.body)[1]
	w.wantPage("the report", w.get(consoleDrills+"/report?quarter="+quarter), 200, at, "A pass is issued", "&lt;script&gt;")
	w.wantPage("a quarter without a drill", w.get(consoleDrills+"/report?quarter=1999-Q4"), 200, "No drill in", "1999-Q3")
	w.wantPage("no quarter", w.get(consoleDrills+"/report?quarter='"), 200, quarter)
	for _, file := range []string{at + "/csv", consoleDrills + "/report/csv?quarter=" + quarter} {
		rows, err := csv.NewReader(strings.NewReader(w.get(file).body)).ReadAll()
		if err != nil || len(rows) != 2 || rows[1][3] != mira || !strings.HasPrefix(rows[1][4], "'=cmd") || rows[1][13] != "issue" || rows[1][15] != "failed" {
			t.Errorf("%s is %v, %v", file, rows, err)
		}
	}

	w.consoleAs("reader", directory.GlobalReader)
	w.wantPage("a reader", w.get(at), 200, `data-state="failed"`)
	if body := w.get(at).body + w.get(consoleDrills).body; strings.Contains(body, consoleDrills+"/new") {
		t.Error("a reader is offered to begin a drill")
	}
}

func TestASampleAndTheScheduleAreForThePolicyAndNobodyIsOverwritten(t *testing.T) {
	w := newWorld(t)
	mira := w.createUser("mira")
	w.do204(http.MethodPatch, "/v1.0/users/"+mira, `{"mail":"mira@contoso.example"}`)
	w.consoleAs("hella", directory.HelpdeskAdministrator)
	v := w.drillForm("person="+mira, url.Values{"sample": {"1"}})
	if a := w.post(consoleDrills+"/new", v); a.status != http.StatusForbidden {
		t.Errorf("the helpdesk asks a sample: %d\n%s", a.status, a.body)
	}
	if a := w.get(consoleDrills + "/new?sample=1"); a.status != http.StatusForbidden {
		t.Errorf("the helpdesk sees the form of a sample: %d", a.status)
	}
	if a := w.get(consoleDrills + "/schedule"); a.status != http.StatusForbidden {
		t.Errorf("the helpdesk sees the schedule: %d", a.status)
	}

	w.consoleAs("pol", directory.AuthenticationPolicyAdministrator)
	w.wantPage("who may not read reports", w.get(consoleDrills), 200, "not for your role", "/new", "/schedule")
	page := w.get(consoleDrills + "/schedule")
	tag := strings.ReplaceAll(etagOfForm.FindStringSubmatch(page.body)[1], "&#34;", `"`)
	form := url.Values{"etag": {tag}, "isEnabled": {"1"}, "sampleSize": {"1001"}, "answerInDays": {"7"}, "where": {"lockScreen"}}
	w.wantPage("too many", w.post(consoleDrills+"/schedule", form), 400, `id="size-wrong"`, `value="1001"`)
	form.Set("sampleSize", "3")
	if a := w.post(consoleDrills+"/schedule", form); a.status != http.StatusSeeOther {
		t.Fatalf("save: %d\n%s", a.status, a.body)
	}
	form.Set("sampleSize", "9")
	late := w.post(consoleDrills+"/schedule", form)
	w.wantPage("an old form", late, http.StatusPreconditionFailed, `id="quicker"`, "<td>3</td><td>9</td>")
	w.wantPage("what holds", w.get(consoleDrills+"/schedule"), 200, `value="3"`, `name="isEnabled" value="1" checked`)
	sent := w.post(consoleDrills+"/new", w.drillForm("sample=1", nil))
	if sent.status != http.StatusSeeOther || !strings.HasPrefix(sent.location, consoleDrills+"?") {
		t.Errorf("a sample: %d %s\n%s", sent.status, sent.location, sent.body)
	}

	w.consoleAs("reader", directory.GlobalReader)
	w.wantPage("a reader", w.get(consoleDrills+"/schedule"), 200, "fieldset class=\"field stack wide loose\" disabled", "Authentication Policy")
	if a := w.post(consoleDrills+"/schedule", form); a.status != http.StatusForbidden {
		t.Errorf("a reader saves: %d", a.status)
	}
	list := w.get(consoleDrills + "?kind=sample")
	sample := regexp.MustCompile(consoleDrills + `/[0-9a-f-]{36}`).FindString(list.body)
	w.wantPage("the sample", w.get(sample), 200, "Sample of", "not tried yet", "without a mail address")
}

func TestADrillOfAnotherTenantIsNowhereAndNoOtherSiteBeginsOne(t *testing.T) {
	w := newWorld(t)
	mira := w.createUser("mira")
	var theirs, stranger string
	w.inAnotherTenant(func() {
		stranger = w.create("/v1.0/users", `{"accountEnabled":true,"displayName":"x","mailNickname":"x","userPrincipalName":"x@fabrikam.example"}`)
		theirs, _ = w.startDrill(stranger, "anywhere")
	})
	w.consoleAs("dana", directory.GlobalAdministrator)
	for _, path := range []string{"/" + theirs, "/" + theirs + "/csv", "/" + theirs + "/events", "/new?person=" + stranger} {
		if a := w.get(consoleDrills + path); a.status != http.StatusNotFound {
			t.Errorf("%s: %d\n%s", path, a.status, a.body)
		}
	}
	if a := w.post(consoleDrills+"/new", w.drillForm("person="+mira, url.Values{"person": {stranger}})); a.status != http.StatusNotFound {
		t.Errorf("somebody of another tenant: %d\n%s", a.status, a.body)
	}
	r := w.request(http.MethodPost, consoleDrills+"/new", strings.NewReader(w.drillForm("person="+mira, nil).Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://evil.example")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if a := w.do(r); a.status != http.StatusForbidden || len(w.ids(recoveryDrills)) != 0 {
		t.Errorf("another site begins a drill: %d", a.status)
	}
}
