package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/directory"
)

func TestWhoIssuesAPassNeverUsesIt(t *testing.T) {
	w := newWorld(t)
	mira := w.createUser("mira")
	dana := w.consoleAs("dana", directory.AuthenticationAdministrator)
	m := newMachine(w) // Dana's own: she joined it, and signs in there
	danasPass := w.longPass(dana)
	w.newBrowser()
	device := m.join(m.token("dana@contoso.example", danasPass)).DeviceID
	if a := m.atLock(device, "dana@contoso.example", danasPass); a.status != http.StatusSeeOther {
		t.Fatalf("Dana at her device: %d\n%s", a.status, told(a))
	}
	w.inConsole("dana@contoso.example", danasPass)

	at, v := w.passForm(mira, url.Values{"check": {"callBack"}})
	_, pass := w.readOut(w.post(at, v))

	const name = "mira@contoso.example"
	_, here := w.answers(name, url.Values{"accesspass": {pass}})
	w.wantFault("in the browser in which it was issued", here, "tapIssuer")
	w.wantFault("at the issuer's device", m.atLock(device, name, pass), "tapIssuer")
	w.newBrowser()
	w.code(name, pass) // none of that used it up, and an office has one address
	for activity, want := range map[string]int{"Refuse pass to its issuer": 2, "Use pass where it was issued": 1} {
		found := w.directoryAudits(w.appToken(), activity)
		if len(found) != want || !strings.Contains(fmt.Sprint(found...), dana) || strings.Contains(fmt.Sprint(found...), pass) {
			t.Errorf("the log has %d times %q: %v", len(found), activity, found)
		}
	}
	_, signIns := w.api(http.MethodGet, "/beta/auditLogs/signIns?$filter="+url.QueryEscape("userId eq '"+mira+"'"), w.appToken(), "")
	if text := fmt.Sprint(signIns); !strings.Contains(text, "address that it was issued from") || strings.Count(text, "or was handed it") < 2 {
		t.Errorf("the sign-in log: %s", text)
	}
}
