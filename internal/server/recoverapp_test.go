package server_test

import (
	"net/http"
	"testing"
)

// What took part in a case does not say that all was well, be it somebody or an application.
func TestAnApplicationDoesNotLiftTheDisputeOfItsOwnPass(t *testing.T) {
	d := newDesk(t)
	byApp := func(n, step, body string) (int, map[string]any) {
		t.Helper()
		return d.api(http.MethodPost, recoveryCases+n+step, d.appToken(), body)
	}
	_, v := byApp("", "", `{"userId":"`+d.ids["lost"]+`","channel":"api","openedAs":"automation"}`)
	opened, issued := "/"+v["number"].(string), d.opens("agent", "mate")
	for name, n := range map[string]string{"opened by it": opened, "by somebody else": issued} {
		d.does("agent", n+"/prove", `{"kind":"inPerson"}`)
		if status, v := byApp(n, "/issue", `{}`); status != http.StatusOK {
			t.Fatalf("%s: issue: %d %v", name, status, v)
		}
		d.does("agent", n+"/dispute", "")
		if status, v := byApp(n, "/release", `{}`); status != http.StatusForbidden || innerCode(v) != "casePersonOnly" {
			t.Errorf("%s: lifts the dispute of its own pass: %d %v", name, status, v)
		}
	}
	d.does("issuer", opened+"/release", "")
	d.does("issuer", issued+"/revert", "")

	// Nor of a case that it had no part in: whoever took part may hold its secret.
	other := d.opens("agent", "peer")
	d.does("agent", other+"/prove", `{"kind":"inPerson"}`)
	d.does("issuer", other+"/issue", "")
	d.does("agent", other+"/dispute", "")
	if status, v := byApp(other, "/release", `{}`); status != http.StatusForbidden || innerCode(v) != "casePersonOnly" {
		t.Errorf("the dispute of somebody else's: %d %v", status, v)
	}
}
