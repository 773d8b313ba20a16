package server_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/console/site"
	"github.com/postern-id/postern/internal/directory"
)

var (
	linkOfPage = regexp.MustCompile(`href="(/console[^"#]*)`)
	wildcard   = regexp.MustCompile(`\{[^}]*\}`)
)

// walkConsole follows every link from the first page on, and returns the paths of the pages, the
// most it looks at being limit.
func (w *world) walkConsole(limit int) (paths []string) {
	w.t.Helper()
	waiting, seen := []string{"/console/"}, map[string]bool{}
	for len(waiting) > 0 && len(paths) < limit {
		path := waiting[0]
		waiting = waiting[1:]
		if seen[path] || strings.Contains(path, "/assets/") || strings.Contains(path, "after=") {
			continue
		}
		seen[path] = true
		a := w.get(path)
		if a.status == http.StatusSeeOther && strings.HasPrefix(a.location, "/console/") {
			waiting = append(waiting, a.location)
			continue
		}
		if a.status != http.StatusOK {
			w.t.Errorf("%s is offered and answers %d %s", path, a.status, said(a))
			continue
		}
		paths = append(paths, path)
		if !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			continue
		}
		if n := strings.Count(a.body, "<h1"); n != 1 {
			w.t.Errorf("%s has %d first headings", path, n)
		}
		if title := regexp.MustCompile(`<title>(.*?)</title>`).FindString(a.body); strings.Contains(title, "&lt;") {
			w.t.Errorf("%s is titled %s", path, title)
		}
		if regexp.MustCompile(`<(script|style)>| style="| on[a-z]+="|javascript:`).MatchString(a.body) {
			w.t.Errorf("%s has script or style in it", path)
		}
		for _, link := range linkOfPage.FindAllStringSubmatch(a.body, -1) {
			waiting = append(waiting, strings.ReplaceAll(link[1], "&amp;", "&"))
		}
	}
	return paths
}

// said is the heading of a page.
func said(a answer) string {
	m := regexp.MustCompile(`(?s)<h1[^>]*>(.*?)</h1>(.*?)</section>`).FindString(a.body)
	return strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(m, " ")), " ")
}

// consoleRoles are those who work in the console.
var consoleRoles = map[string]directory.RoleID{
	"global": directory.GlobalAdministrator, "helpdesk": directory.HelpdeskAdministrator,
	"authentication": directory.AuthenticationAdministrator, "policy": directory.AuthenticationPolicyAdministrator,
	"reader": directory.GlobalReader,
}

func TestWhatTheConsoleOffersOpensForEveryRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("/v1.0/postern/recovery/cases", `{"userId":"`+w.createUser("mira")+`","channel":"api"}`)
	pages := map[string][]string{}
	for nick, role := range consoleRoles {
		w.consoleAs(nick, role)
		pages[nick] = w.walkConsole(150)
	}
	if len(pages["global"]) < 30 {
		t.Errorf("a Global Administrator sees %d pages", len(pages["global"]))
	}
	for _, path := range []string{"/console/people", "/console/recovery", "/console/groups", "/console/applications", "/console/devices"} {
		if !slices.Contains(pages["reader"], path) {
			t.Errorf("a Global Reader does not find %s", path)
		}
	}
}

// TestNobodyDoesByAddressOrFormWhatTheirRoleMayNot sends a form to every address of the console.
func TestNobodyDoesByAddressOrFormWhatTheirRoleMayNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	victim := w.createUser("victim")
	kase := w.create("/v1.0/postern/recovery/cases", `{"userId":"`+victim+`","channel":"api"}`)
	form := url.Values{
		"name": {"x"}, "displayName": {"x"}, "userPrincipalName": {"x@contoso.example"}, "confirmed": {"yes"}, "preset": {"recoverDevice"},
		"check": {"callBack"}, "member": {victim}, "id": {victim}, "role": {string(directory.GlobalAdministrator)}, "person": {victim}, "method": {"fido2"}, "way": {"inPerson"}, "channel": {"phone"},
	}
	send := func(who string, want func(status int) bool) {
		t.Helper()
		for _, section := range site.Sections() {
			for _, route := range section.Routes {
				verb, pattern, _ := strings.Cut(route.Pattern, " ")
				id := victim
				if strings.HasPrefix(pattern, "/console/recovery/cases/") {
					id, pattern = kase, strings.ReplaceAll(pattern, "{step}", "cancel")
				}
				path := wildcard.ReplaceAllString(strings.ReplaceAll(pattern, "{$}", ""), id)
				if verb != http.MethodPost {
					continue
				}
				if a := w.post(path, form); !want(a.status) {
					t.Errorf("%s posts to %s: %d %s", who, path, a.status, said(a))
				}
			}
		}
	}
	w.consoleAs("ewan")
	send("somebody without a role", func(status int) bool { return status == http.StatusForbidden })

	reader := w.consoleAs("reader", directory.GlobalReader)
	send("a Global Reader", func(status int) bool { return status < 500 })
	if done := w.changedBy(reader); len(done) > 0 {
		t.Errorf("a Global Reader did %v", done)
	}
	// The same forms do something for who may.
	global := w.consoleAs("global", directory.GlobalAdministrator)
	send("a Global Administrator", func(status int) bool { return status < 500 })
	if done := w.changedBy(global); len(done) < 3 {
		t.Errorf("a Global Administrator did no more than %v", done)
	}
}

// changedBy lists the changes that somebody made, in words.
func (w *world) changedBy(id string) (activities []string) {
	w.t.Helper()
	status, v := w.api(http.MethodGet, "/v1.0/auditLogs/directoryAudits?$filter=initiatedBy/user/id%20eq%20'"+id+"'", w.appToken(), "")
	if status != http.StatusOK {
		w.t.Fatalf("audits: %d %v", status, v)
	}
	for _, e := range v["value"].([]any) {
		e := e.(map[string]any)
		activity := e["activityDisplayName"].(string)
		if own := strings.HasSuffix(activity, " view"); e["result"] == "success" && !own { // views are everybody's own
			activities = append(activities, activity)
		}
	}
	return activities
}
