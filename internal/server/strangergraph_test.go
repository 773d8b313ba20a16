package server_test

import (
	"net/http"
	"testing"
)

// Who gives their word at Graph and may not read cases learns nothing of them by it: not the number, which
// they would type next, and not what others wrote down.
func TestWhoGivesTheirWordIsToldNothingOfTheCase(t *testing.T) {
	d := newDesk(t)
	path := d.opens("agent", "lost")
	d.does("agent", path+"/prove", `{"kind":"callBack","note":"mother in hospital"}`)
	for _, step := range []struct{ who, step, body string }{{"peer", "vouch", `{}`}, {"boss", "approve", `{"as":"manager"}`}} {
		v := d.does(step.who, path+"/"+step.step, step.body)
		delete(v, "@odata.context")
		delete(v, "@odata.etag")
		if len(v) != 2 || v["id"] == nil || v["state"] == nil {
			t.Errorf("%s is told %v", step.who, v)
		}
	}
	if v := d.does("agent", path+"/prove", `{"kind":"inPerson"}`); v["number"] == nil || v["proofs"] == nil {
		t.Errorf("who handles cases is told %v", v)
	}
	// A number that nobody has, and somebody else's.
	d.newBrowser()
	_, d.keys["byNobody"] = d.person("byNobody")
	for _, step := range []string{"refuse", "vouch", "approve", "issue", "cancel", "dispute", "release", "revert", "prove"} {
		for _, body := range []string{`{}`, `{"note":7}`, `{`} {
			status, code, _ := d.tries("byNobody", path+"/"+step, body)
			if none, want, _ := d.tries("byNobody", "/R-AAAAAA/"+step, body); status != none || code != want || status != http.StatusNotFound {
				t.Errorf("%s %s: %d %s, and %d %s where there is no case", step, body, status, code, none, want)
			}
		}
	}
	if d.failures("caseNotColleague") == 0 {
		t.Error("what they tried is not in the log")
	}
	for range 5 { // an application
		if status, v := d.api(http.MethodPost, recoveryCases, d.appToken(), `{"userId":"`+d.ids["mate"]+`","channel":"api","openedAs":"automation"}`); status != http.StatusCreated {
			t.Fatalf("automation: %d %v", status, v)
		}
	}
	if status, code, _ := d.tries("agent", "", `{"userId":"`+d.ids["mate"]+`","channel":"phone"}`); status != http.StatusCreated {
		t.Errorf("the helpdesk has no room beside an application: %d %s", status, code)
	}
}
