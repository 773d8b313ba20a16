package server_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"image/png"
	"net/http"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/directory"
)

func TestHomeShowsWhatNeedsSomebodyAndHowThingsStand(t *testing.T) {
	w := newWorld(t)
	for range 6 {
		w.newBrowser()
		w.typed(adminName, "WRONGWRONG")
	}
	w.consoleAs("dana", directory.PrivilegedAuthenticationAdministrator)
	if err := w.server.Counted(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := w.get("/console/")
	for _, want := range []string{
		"refused passes in a row for", "administrators have no way back in of their own", "Only one person is a Global Administrator", `href="/console/pass"`,
		"Passes in the last 30 days", "Why people needed a pass", `class="plot"`, `aria-label="Passes a day for 30 days:`, "The numbers", "/console/plots/passes/csv",
	} {
		if a.status != http.StatusOK || !strings.Contains(a.body, want) {
			t.Errorf("%d, without %q", a.status, want)
		}
	}
	if strings.Contains(a.body, "style=") || strings.Contains(a.body, "home_") || strings.Contains(a.body, "/console/reports/people/none") {
		t.Errorf("the page has a style, a missing word, or leads where the role may not go:\n%s", a.body)
	}
	w.consoleAs("gil", directory.GlobalReader)
	a = w.get("/console/")
	if strings.Contains(a.body, `href="/console/pass"`) || !strings.Contains(a.body, "/console/reports/people/none") {
		t.Errorf("a Global Reader: %d\n%s", a.status, a.body)
	}
	if a = w.get("/console/reports/people/none"); a.status != http.StatusOK || !strings.Contains(a.body, "admin@contoso.example") {
		t.Errorf("who has no way back in: %d\n%s", a.status, a.body)
	}
	for _, path := range []string{"/console/reports/people/many", "/console/reports/devices/shiny", "/console/plots/secrets/csv", "/console/plots/secrets/png"} {
		if a = w.get(path); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	for _, name := range []string{"passes", "presets", "ways", "devices", "methods", "strengths"} {
		a = w.get("/console/plots/" + name + "/csv")
		rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
		if err != nil || len(rows) < 3 || !strings.Contains(a.header.Get("Content-Disposition"), name+"-20") {
			t.Errorf("%s as CSV: %d, %d rows, %v", name, a.status, len(rows), err)
		}
		a = w.get("/console/plots/" + name + "/png")
		if _, err := png.Decode(bytes.NewReader([]byte(a.body))); err != nil || a.header.Get("Content-Type") != "image/png" {
			t.Errorf("%s as PNG: %d, %v", name, a.status, err)
		}
	}
}

func TestHomeOfWhoMayNotReadReportsHasNoNumbers(t *testing.T) {
	w := newWorld(t)
	w.consoleAs("grace", directory.GroupsAdministrator)
	if a := w.get("/console/"); a.status != http.StatusOK || strings.Contains(a.body, `class="plot"`) || !strings.Contains(a.body, "is in the menu") {
		t.Errorf("%d\n%s", a.status, a.body)
	}
	for _, path := range []string{"csv", "png"} {
		if a := w.get("/console/plots/passes/" + path); a.status != http.StatusForbidden {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	if a := w.get("/console/reports/people/none"); a.status != http.StatusForbidden {
		t.Errorf("the list: %d", a.status)
	}
}

func TestHomeOfANewTenantSaysWhatWillAppear(t *testing.T) {
	w := newWorld(t)
	if a := w.inConsole(adminName, w.created.Pass); a.status != http.StatusOK || !strings.Contains(a.body, "Nothing has happened here yet") {
		t.Errorf("%d\n%s", a.status, a.body)
	}
}

func TestNamesOnHomeAreText(t *testing.T) {
	w := newWorld(t)
	evil := `<img src=x onerror=alert(1)>`
	status, v := w.api(http.MethodPost, "/v1.0/users", w.appToken(), fmt.Sprintf(`{"accountEnabled":true,"displayName":%q,"mailNickname":"eve",
		"userPrincipalName":"eve@contoso.example","passwordProfile":{"password":"Xq7-harbour-lamp"}}`, evil))
	if status != http.StatusCreated {
		t.Fatalf("%d %v", status, v)
	}
	for range 6 {
		w.newBrowser()
		w.typed("eve@contoso.example", "WRONGWRONG")
	}
	w.consoleAs("dana", directory.GlobalReader)
	if err := w.server.Counted(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/console/", "/console/reports/people/none"} {
		if a := w.get(path); a.status != http.StatusOK || strings.Contains(a.body, "<img") || !strings.Contains(a.body, "&lt;img") {
			t.Errorf("%s: %d\n%s", path, a.status, a.body)
		}
	}
}
