package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/agent/tpm/tpmtest"
	"github.com/postern-id/postern/internal/directory"
)

func TestADeviceThatAnImpostorJoinedGoesOffWithTheirCaseAndIsBackIfTheyWereNone(t *testing.T) {
	w := newWorld(t)
	mira := w.createUser("mira")
	w.consoleAs("vera", directory.AuthenticationAdministrator)
	agent := w.browser
	at := w.caseFor(mira, nil)
	if a := w.caseStep(at, "proof", url.Values{"way": {"inPerson"}}); a.status != http.StatusSeeOther {
		t.Fatalf("prove: %d\n%s", a.status, a.body)
	}
	id := at[strings.LastIndex(at, "/")+1:]
	status, v := w.api(http.MethodPost, recoveryCases+"/"+id+"/issue", w.appToken(), `{"isUsableOnce":false}`)
	if status != http.StatusOK {
		t.Fatalf("issue: %d %v", status, v)
	}
	withPINs(w, "mira@contoso.example", v["temporaryAccessPassMethod"].(map[string]any)["temporaryAccessPass"].(string), tpmtest.New(t))
	on := func() bool {
		t.Helper()
		_, v := w.api(http.MethodGet, "/v1.0/devices", w.appToken(), "")
		all := v["value"].([]any)
		if len(all) != 1 {
			t.Fatalf("devices: %v", all)
		}
		return all[0].(map[string]any)["accountEnabled"].(bool)
	}
	for _, step := range []struct {
		name, does, course string
		on                 bool
	}{
		{"dispute", "is switched off", "Device switched off", false},
		{"release", "is on again", "Device switched on again", true},
		{"dispute", "is switched off", "Device switched off", false},
		{"revert", "stays off", "Reverted", false},
	} {
		w.browser = agent
		page := w.get(at + "/" + step.name)
		if !strings.Contains(page.body, "LT-0451") || !strings.Contains(page.body, step.does) {
			t.Errorf("before %s: %d\n%s", step.name, page.status, page.body)
		}
		form := url.Values{"number": {numberOfCase.FindString(page.body)}}
		if step.name == "release" { // who issued it lifts no dispute
			w.newBrowser()
			w.consoleAs("dana", directory.AuthenticationAdministrator)
		}
		if a := w.caseStep(at, step.name, form); a.status != http.StatusSeeOther {
			t.Fatalf("%s: %d\n%s", step.name, a.status, a.body)
		}
		if got := on(); got != step.on {
			t.Errorf("after %s it is on: %v", step.name, got)
		}
		if page := w.get(at); !strings.Contains(page.body, step.course) || !strings.Contains(page.body, "LT-0451") {
			t.Errorf("after %s the course says\n%s", step.name, page.body)
		}
	}
}
