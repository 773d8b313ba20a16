package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/directory"
)

func TestALinkDoesNotEndASessionOfTheConsole(t *testing.T) {
	w := newWorld(t)
	mira := w.createUser("mira")
	w.consoleAs("dana", directory.GlobalAdministrator)
	for _, path := range []string{
		"/console/people/" + mira + "/pass/" + mira + "?once=session", "/console/signout", "/console/people/" + mira + "/pass?form=session",
	} {
		w.get(path)
		if a := w.get("/console/people"); a.status != http.StatusOK {
			t.Errorf("after GET %s: %d", path, a.status)
		}
	}
}

func TestAHeadOfThePageDoesNotSpendThePass(t *testing.T) {
	w := newWorld(t)
	mira := w.createUser("mira")
	w.consoleAs("dana", directory.AuthenticationAdministrator)
	sent := w.post(w.passForm(mira, nil))
	w.do(w.request(http.MethodHead, sent.location, nil))
	w.readOut(sent)
}

func TestOnePersonHoldsFewStreams(t *testing.T) {
	w := newWorld(t)
	w.consoleAs("dana", directory.GlobalReader)
	refused := 0
	for range 10 {
		res, err := w.browser.Do(w.request(http.MethodGet, "/console/logs/signins/events", nil))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		if res.StatusCode == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused != 2 {
		t.Errorf("of ten streams %d are refused", refused)
	}
}

func TestTriesOnSomebodyAreToldToThoseWhoHelpThem(t *testing.T) {
	w := newWorld(t)
	for range 6 {
		w.newBrowser()
		w.typed(adminName, "WRONGWRONG")
	}
	if err := w.server.Counted(t.Context()); err != nil {
		t.Fatal(err)
	}
	for role, told := range map[directory.RoleID]bool{
		directory.SecurityReader: true, directory.PrivilegedAuthenticationAdministrator: true,
		directory.HelpdeskAdministrator: false, directory.CloudDeviceAdministrator: false,
	} {
		w.consoleAs("r"+string(role)[:4], role)
		if a := w.get("/console/"); a.status != http.StatusOK || strings.Contains(a.body, "refused passes in a row") != told {
			t.Errorf("%s: %d, told %v", role, a.status, !told)
		}
	}
}
