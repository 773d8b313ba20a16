package server_test

import (
	"encoding/csv"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/design"
	"github.com/postern-id/postern/internal/directory"
)

func TestAnAuditorReadsTheLogsInTheConsole(t *testing.T) {
	w := newWorld(t)
	w.consoleAs("fatima", directory.ReportsReader)
	ids := w.ids("/v1.0/auditLogs/signIns?$filter=" + url.QueryEscape("userPrincipalName eq 'fatima@contoso.example' and authenticationMethodsUsed/any(m: m eq 'Temporary Access Pass')"))
	_, one := w.api(http.MethodGet, "/v1.0/auditLogs/signIns/"+ids[0], w.appToken(), "")
	correlation := one["correlationId"].(string)
	w.seal()
	for path, want := range map[string][]string{
		"/console/logs/signins":                              {"Signed in", "fatima", "Sealed and signed until", "/console/logs/changes"},
		"/console/logs/signins?result=refused":               {"No entry fits these filters", "Result: Refused"},
		"/console/logs/signins?entry=" + ids[0]:              {`aria-current="true"`, "As it was sealed", `id="story"`},
		"/console/logs/signins/" + ids[0]:                    {"Pass", "Facts", html.EscapeString(`"correlationId"`), correlation, design.ShortCode(correlation)[:4]},
		"/console/logs/signins?method=Temporary+Access+Pass": {"Signed in", "Method: Pass"},
		"/console/logs/story/" + correlation:                 {"Signed in", "Issued a pass", "about the pass that was used"},
		"/console/logs/changes":                              {"Issued a pass", "Gave a role"},
		"/console/logs/changes?category=RoleManagement":      {"Gave a role", "Kind: Roles"},
		"/console/logs/seal":                                 {"the signature is right", "postern log verify"},
	} {
		a := w.get(path)
		if a.status != http.StatusOK {
			t.Errorf("%s: %d\n%s", path, a.status, a.body)
			continue
		}
		for _, words := range want {
			if !strings.Contains(a.body, words) {
				t.Errorf("%s does not say %q\n%s", path, words, mainOf(a.body))
			}
		}
	}
	if a := w.get("/console/logs"); a.location != "/console/logs/signins" {
		t.Errorf("the logs begin at %q", a.location)
	}
	if a := w.get("/console/logs/signins?q=" + strings.ToLower(design.ShortCode(correlation))); a.location != "/console/logs/story/"+correlation {
		t.Errorf("the short code leads to %d %q", a.status, a.location)
	}
	if a := w.get("/console/logs/signins?q=" + correlation); a.location != "/console/logs/story/"+correlation {
		t.Errorf("the id leads to %d %q", a.status, a.location)
	}
	if a := w.get("/console/logs/signins?result=done&q=fatima%40contoso.example"); !strings.Contains(a.location, "person=") || !strings.Contains(a.location, "result=done") {
		t.Errorf("the name leads to %d %q", a.status, a.location)
	}
	if a := w.get("/console/logs/signins?q=nobody"); a.status != http.StatusOK || !strings.Contains(a.body, "Nothing called") {
		t.Errorf("nobody: %d\n%s", a.status, a.body)
	}
	if a := w.get("/console/logs/story/00000000-0000-4000-8000-000000000000"); a.status != http.StatusNotFound || !strings.Contains(a.body, "No entry of the log") {
		t.Errorf("no story: %d\n%s", a.status, a.body)
	}
}

func mainOf(body string) string {
	_, rest, _ := strings.Cut(body, "<main")
	inside, _, _ := strings.Cut(rest, "</main>")
	return inside
}

func TestWhoMayNotReadLogsIsNotShownThem(t *testing.T) {
	w := newWorld(t)
	w.consoleAs("dana", directory.HelpdeskAdministrator)
	if a := w.get("/console/"); strings.Contains(a.body, "/console/logs") {
		t.Error("the helpdesk is offered the logs")
	}
	for _, path := range []string{"", "/signins", "/changes", "/signins/x", "/story/x", "/seal", "/signins/events", "/changes/events", "/signins/export", "/changes/export?format=jsonl"} {
		if a := w.get("/console/logs" + path); a.status != http.StatusForbidden {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	for _, path := range []string{"/views", "/views/x/remove"} {
		if a := w.post("/console/logs"+path, url.Values{"name": {"x"}, "trail": {"signins"}}); a.status != http.StatusForbidden {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}

// TestWhatStrangersWroteIntoTheLogIsText puts HTML and formulas where anybody can write: the
// name of a browser, the reason of a pass, a display name.
func TestWhatStrangersWroteIntoTheLogIsText(t *testing.T) {
	const evil = `=HYPERLINK("https://evil.example/","x")<img src=x onerror=alert(1)>`
	w := newWorld(t)
	id := w.createUser("mira")
	w.do204(http.MethodPatch, "/v1.0/users/"+id, `{"displayName":`+quoted(evil)+`}`)
	w.create("/v1.0/users/"+id+"/authentication/temporaryAccessPassMethods", `{"postern_reason":`+quoted(evil)+`}`)
	w.consoleAs("gina", directory.GlobalReader)
	for _, set := range []string{"signIns", "directoryAudits"} {
		trail := map[string]string{"signIns": "signins", "directoryAudits": "changes"}[set]
		for _, path := range []string{"", "?entry=" + w.ids("/v1.0/auditLogs/" + set)[0], "/" + w.ids("/v1.0/auditLogs/" + set)[0]} {
			if a := w.get("/console/logs/" + trail + path); a.status != http.StatusOK || strings.Contains(a.body, "<img") {
				t.Errorf("%s%s: %d\n%s", trail, path, a.status, mainOf(a.body))
			}
		}
	}
	about := w.get("/console/logs/changes?about=" + id)
	issued := regexp.MustCompile(`entry=([0-9a-f-]{36})`).FindAllStringSubmatch(about.body, -1)
	shown := false
	for _, m := range issued {
		a := w.get("/console/logs/changes/" + m[1])
		shown = shown || strings.Contains(a.body, "&lt;img src=x")
		if strings.Contains(a.body, "<img") {
			t.Errorf("an entry runs:\n%s", mainOf(a.body))
		}
	}
	if !shown {
		t.Errorf("the reason is shown nowhere\n%s", mainOf(about.body))
	}
	a := w.get("/console/logs/changes/export")
	rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	if err != nil || len(rows) < 3 || !strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment;") {
		t.Fatalf("%v: %s", err, a.body)
	}
	for _, row := range rows {
		if slices.ContainsFunc(row, func(cell string) bool { return cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") }) {
			t.Errorf("a spreadsheet would run %q", row)
		}
	}
	lines := w.get("/console/logs/changes/export?format=jsonl")
	for line := range strings.Lines(lines.body) {
		if !json.Valid([]byte(line)) {
			t.Errorf("a line is %s", line)
		}
	}
	if n := strings.Count(lines.body, "\n"); n != len(rows)-1 {
		t.Errorf("%d lines, %d rows", n, len(rows)-1)
	}
}

func quoted(s string) string {
	raw, _ := json.Marshal(s)
	return string(raw)
}

func TestViewsAreSavedAndRemovedInTheConsole(t *testing.T) {
	w := newWorld(t)
	w.consoleAs("gina", directory.GlobalReader)
	form := url.Values{"trail": {"signins"}, "filters": {"result=refused&entry=x&after=y"}, "name": {`Refused <b>`}}
	a := w.post("/console/logs/views", form)
	if a.status != http.StatusSeeOther || !strings.HasPrefix(a.location, "/console/logs/signins?result=refused") {
		t.Fatalf("saved: %d %s\n%s", a.status, a.location, a.body)
	}
	a = w.get(a.location)
	if !strings.Contains(a.body, "The view is saved.") || !strings.Contains(a.body, "Refused &lt;b&gt;") || !strings.Contains(a.body, `href="/console/logs/signins?result=refused"`) {
		t.Errorf("afterwards:\n%s", mainOf(a.body))
	}
	if a := w.post("/console/logs/views", form); a.status != http.StatusBadRequest || !strings.Contains(a.body, "You have a view with this name") || !strings.Contains(a.body, `value="Refused &lt;b&gt;"`) {
		t.Errorf("the same name: %d\n%s", a.status, mainOf(a.body))
	}
	id := regexp.MustCompile(`/console/logs/views/([0-9a-f-]+)/remove`).FindStringSubmatch(a.body)
	if id == nil {
		t.Fatal("the view can't be removed")
	}
	if a := w.post("/console/logs/views/"+id[1]+"/remove", url.Values{"trail": {"signins"}, "filters": {"result=refused"}}); a.status != http.StatusSeeOther || strings.Contains(w.get(a.location).body, "views/"+id[1]) {
		t.Errorf("removed: %d %s", a.status, a.location)
	}
}

func TestPagesOfALogHaveNoGaps(t *testing.T) {
	w := newWorld(t)
	id := w.createUser("mira")
	for range 60 {
		w.do204(http.MethodPatch, "/v1.0/users/"+id, `{"jobTitle":"x"}`)
		w.do204(http.MethodPatch, "/v1.0/users/"+id, `{"jobTitle":"y"}`)
	}
	w.consoleAs("gina", directory.GlobalReader)
	seen := map[string]bool{}
	pages := 0
	next := regexp.MustCompile(`href="([^"]+)" rel="next"`)
	for path := "/console/logs/changes?time=hour&about=" + id; path != ""; pages++ {
		a := w.get(path)
		if a.status != http.StatusOK {
			t.Fatalf("%s: %d\n%s", path, a.status, a.body)
		}
		for _, m := range regexp.MustCompile(`entry=([0-9a-f-]{36})[^"]*#story`).FindAllStringSubmatch(a.body, -1) {
			if seen[m[1]] {
				t.Errorf("%s comes twice", m[1])
			}
			seen[m[1]] = true
		}
		if path = ""; next.MatchString(a.body) {
			path = html.UnescapeString(next.FindStringSubmatch(a.body)[1])
		}
	}
	if len(seen) < 121 || pages != 3 { // and the creation
		t.Errorf("%d entries on %d pages", len(seen), pages)
	}
}

func TestTheLogSaysWhichRuleRefusedASignIn(t *testing.T) {
	w := newWorld(t)
	_, pass := w.issue(`{"isUsableOnce":true}`)
	change := w.rule("Nobody may in", blocks)
	w.rule("Keys for all", func(p *access.Policy) { asks("00000000-0000-0000-0000-000000000004")(p); p.State = access.ReportOnly })
	w.newBrowser()
	page := w.authorize(nil).location
	w.post(page, by("username", adminName))
	w.post(page, by("accesspass", pass))
	change(switchedOff)
	w.newBrowser()
	w.consoleAs("sasha", directory.SecurityReader)
	id, _ := w.lastSignIn("status/errorCode eq 53003")["id"].(string)
	w.wantPage("the list", w.get("/console/logs/signins?result=refused"), http.StatusOK, "The rule: ", "Nobody may in")
	w.wantPage("the entry", w.get("/console/logs/signins/"+id), http.StatusOK,
		"The rule: <strong>", "Nobody may in</bdi></a>: not met", "Keys for all</bdi></a>: would ", `href="/console/access/`)
}
