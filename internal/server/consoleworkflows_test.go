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

const onboardTemplate = "4b2cfd5e-17a8-4f0e-9f43-5c1f6a3de102"

// filled reads what the form of a page would send.
func filled(page string) url.Values {
	v := url.Values{}
	_, page, _ = strings.Cut(page, `<form class="stack wide loose narrow-form" method="post"`)
	for _, in := range regexp.MustCompile(`<input [^>]*>`).FindAllString(page, -1) {
		name, value := regexp.MustCompile(` name="([^"]*)"`).FindStringSubmatch(in), regexp.MustCompile(` value="([^"]*)"`).FindStringSubmatch(in)
		ticked := !strings.Contains(in, `type="checkbox"`) && !strings.Contains(in, `type="radio"`) || strings.Contains(in, " checked")
		if name != nil && value != nil && ticked {
			v.Add(name[1], html.UnescapeString(value[1]))
		}
	}
	for _, s := range regexp.MustCompile(`(?s)<select [^>]*name="([^"]*)"[^>]*>(.*?)</select>`).FindAllStringSubmatch(page, -1) {
		if chosen := regexp.MustCompile(`value="([^"]*)" selected`).FindStringSubmatch(s[2]); chosen != nil {
			v.Set(s[1], chosen[1])
		}
	}
	for _, a := range regexp.MustCompile(`(?s)<textarea [^>]*name="([^"]*)"[^>]*>(.*?)</textarea>`).FindAllStringSubmatch(page, -1) {
		v.Set(a[1], html.UnescapeString(a[2]))
	}
	return v
}

func TestAWorkflowIsMadeFromATemplateChangedRunAndReadInTheConsole(t *testing.T) {
	w := newWorld(t)
	start(t, w.options)
	mira := w.createUser("mira")
	group := w.create("/v1.0/groups", `{"displayName":"Sales, EMEA","mailEnabled":false,"mailNickname":"sales","securityEnabled":true}`)
	w.consoleAs("dana", directory.LifecycleWorkflowsAdministrator, directory.DirectoryReaders)
	if a := w.get("/console/workflows/new"); !strings.Contains(a.body, onboardTemplate) {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	v := filled(w.get("/console/workflows/new?template=" + onboardTemplate).body)
	v.Set("displayName", `First <b>day</b>`)
	v.Set("act", "add")
	v.Set("kind", "22085229-5809-45e8-97fd-270d28d66910")
	page := w.post("/console/workflows/new", v)
	if page.status != http.StatusOK || !strings.Contains(page.body, `name="task.2.groupID"`) {
		t.Fatalf("add a task: %d\n%s", page.status, page.body)
	}
	v = filled(page.body)
	v.Set("act", "remove.1") // the welcome mail
	v = filled(w.post("/console/workflows/new", v).body)
	v.Set("act", "save")
	v.Set("task.1.groupID", "Sales, EMEAA")
	if a := w.post("/console/workflows/new", v); a.status != http.StatusBadRequest || !strings.Contains(a.body, "consoleWorkflowName") || !strings.Contains(a.body, "there is no “Sales, EMEAA”") {
		t.Errorf("a group that is not there: %d\n%s", a.status, a.body)
	}
	v.Set("task.1.groupID", "Sales, EMEA")
	v.Set("rule", "(department")
	if a := w.post("/console/workflows/new", v); a.status != http.StatusBadRequest || !strings.Contains(a.body, "(department") {
		t.Errorf("a rule that is none: %d", a.status)
	}
	v.Set("rule", "(department eq 'Sales')")
	a := w.post("/console/workflows/new", v)
	if a.status != http.StatusSeeOther {
		t.Fatalf("save: %d\n%s", a.status, a.body)
	}
	at, _, _ := strings.Cut(a.location, "?")
	page = w.get(at)
	for _, said := range []string{"First &lt;b&gt;day", "Sales, EMEA", "the first day", "department eq &#39;Sales&#39;", "/versions/1"} {
		if !strings.Contains(page.body, said) {
			t.Errorf("the page does not say %s\n%s", said, page.body)
		}
	}
	if !strings.Contains(page.body, "Nobody meets it now") {
		t.Errorf("the page does not say that nobody meets the rule\n%s", page.body)
	}
	w.do204(http.MethodPatch, "/v1.0/users/"+mira, `{"department":"Sales"}`)
	if a := w.get(at); !strings.Contains(a.body, "One person meets it now") {
		t.Errorf("the page does not say that one meets the rule\n%s", a.body)
	}
	if a := w.get("/console/workflows"); !strings.Contains(a.body, at) {
		t.Errorf("it is not listed\n%s", a.body)
	}

	v = filled(w.get(at + "/edit").body)
	v.Set("act", "save")
	v.Set("description", "only words")
	if a := w.post(at+"/edit", v); a.status != http.StatusSeeOther || strings.Contains(w.get(at).body, "/versions/2") {
		t.Errorf("other words make a version: %d %s", a.status, a.body)
	}
	if a := w.post(at+"/edit", v); a.status != http.StatusPreconditionFailed {
		t.Errorf("somebody was quicker: %d", a.status)
	}
	v = filled(w.get(at + "/edit").body)
	if v.Get("task.1.groupID") == "" || v.Has("task.2.groupID") {
		t.Errorf("two tasks are there to edit as %v", v)
	}
	v.Set("act", "save")
	v.Set("days", "3")
	v.Set("direction", "before")
	if a := w.post(at+"/edit", v); a.status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	if a := w.get(at); !strings.Contains(a.body, "days before the first day") || !strings.Contains(a.body, at+"/versions/1") {
		t.Errorf("%s", a.body)
	}
	if a := w.get(at + "/versions/1"); !strings.Contains(a.body, "On the first day") {
		t.Errorf("version 1: %s", a.body)
	}

	if a := w.get(at + "/run?q=mira"); !strings.Contains(a.body, mira) {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	for typed, nobody := range map[string]bool{"mira&person=" + mira: false, "xaver": true} { // who is found may be chosen already
		if a := w.get(at + "/run?q=" + typed); strings.Contains(a.body, "Nobody called") != nobody {
			t.Errorf("for %s: %d\n%s", typed, a.status, told(a))
		}
	}
	if a := w.post(at+"/run", url.Values{}); a.status != http.StatusBadRequest {
		t.Errorf("for nobody: %d", a.status)
	}
	if a := w.post(at+"/run", url.Values{"person": {mira}}); a.status != http.StatusSeeOther {
		t.Fatalf("run: %d\n%s", a.status, a.body)
	}
	ran := regexp.MustCompile(at + `/runs/[0-9a-f-]+`).FindString(w.get(at).body)
	if ran == "" {
		t.Fatal("the run is not on the page")
	}
	w.until(strings.Replace(at, "/console/workflows/", workflowsAt+"workflows/", 1)+"/runs", w.appToken(), hasEnded)
	if a := w.get(ran); !strings.Contains(a.body, "mira") || strings.Count(a.body, "Done") < 2 {
		t.Errorf("%d\n%s", a.status, a.body)
	}
	if ok, _ := w.api(http.MethodGet, "/v1.0/groups/"+group+"/members/"+mira, w.appToken(), ""); ok == http.StatusInternalServerError {
		t.Error(ok)
	}
	if a := w.post(at+"/switch", url.Values{"to": {"off"}}); a.status != http.StatusSeeOther || !strings.Contains(w.get(at).body, "Turn on") {
		t.Errorf("off: %d", a.status)
	}
	if a := w.get("/console/workflows/jobs"); a.status != http.StatusOK || !strings.Contains(a.body, "Nothing was given up") {
		t.Errorf("%d\n%s", a.status, a.body)
	}
	if a := w.post(at+"/delete", url.Values{}); a.status != http.StatusSeeOther || w.get(at).status != http.StatusNotFound {
		t.Errorf("delete: %d", a.status)
	}
}
