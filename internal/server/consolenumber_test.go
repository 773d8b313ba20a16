package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// entersConsole signs somebody in to the console with their passkey, in a new browser.
func (d *desk) entersConsole(nick string) {
	d.t.Helper()
	d.newBrowser()
	here := func(location string) string { return strings.TrimPrefix(location, d.options.PublicURL) }
	page := d.get(here(d.get("/console/").location)).location
	d.use(page, d.keys[nick])
	a := d.post(page, url.Values{"stay": {"no"}})
	for range 5 {
		if a.status/100 != 3 {
			break
		}
		a = d.get(here(a.location))
	}
	if a.status != http.StatusOK {
		d.t.Fatalf("%s in the console: %d %s", nick, a.status, told(a))
	}
}

func TestWhoGaveTheirWordWithoutTheNumberAddsItInTheConsole(t *testing.T) {
	d := newDesk(t)
	d.policy(`{"rules":[{"targetClass":"everyone","grants":[{"level":"low","maximumLifetimeInMinutes":60,"isUsableOnce":true,"purposes":["general"],"approvals":1,"coolDownInMinutes":0}]}]}`)
	x := trip{world: d.world, clock: d.clock}
	x.newBrowser()
	number := x.ask("lost@contoso.example")
	theirs := x.browser
	d.does("agent", "/"+number+"/prove", `{"kind":"callBack"}`)
	id := d.does("second", "/"+number+"/approve", `{}`)["id"].(string)
	at := "/console/recovery/cases/" + id
	add := func(number string) answer { return d.caseStep(at, "number", url.Values{"theirs": {number}}) }
	shown := func() bool {
		mine := d.browser
		defer func() { d.browser = mine }()
		d.browser = theirs
		return strings.Contains(d.get("/recover/case").body, "Show the pass")
	}

	// Nobody adds it to what somebody else said.
	d.entersConsole("issuer")
	if a := add(number); a.status != http.StatusForbidden || !strings.Contains(a.body, "consoleCaseNothingSaid") || strings.Contains(a.body, `id="add"`) {
		t.Errorf("who said nothing: %d %s", a.status, told(a))
	}

	d.entersConsole("second")
	for _, wrong := range []string{"", "R-AAAAAA"} {
		if a := add(wrong); a.status != http.StatusBadRequest || !strings.Contains(a.body, "That is not the number of this case.") || !strings.Contains(a.body, `id="add"`) || strings.Contains(a.body, number) {
			t.Errorf("%q: %d %s", wrong, a.status, told(a))
		}
	}
	if a := add(strings.ToLower(number[2:])); a.status != http.StatusSeeOther || shown() {
		t.Errorf("the approver's: %d, shown %v\n%s", a.status, shown(), told(a))
	}
	if a := add(number); a.status != http.StatusForbidden || !strings.Contains(a.body, "consoleCaseNothingSaid") {
		t.Errorf("twice: %d", a.status)
	}

	d.entersConsole("agent")
	if a := add(number); a.status != http.StatusSeeOther || !shown() {
		t.Errorf("and the agent's: %d, shown %v\n%s", a.status, shown(), told(a))
	}
	if page := d.get(at); strings.Contains(page.body, `id="add"`) || strings.Count(page.body, "knew the number") != 2 {
		t.Errorf("afterwards: %s", page.body)
	}
	_, v := d.api(http.MethodGet, recoveryCases+"/"+id, d.appToken(), "")
	if proofs, approvals := v["proofs"].([]any), v["approvals"].([]any); len(proofs) != 2 || len(approvals) != 2 {
		t.Errorf("it keeps %v and %v", proofs, approvals)
	}

	// Where nobody waits at the sign-in page there is nobody whom the number names.
	called := d.opens("agent", "lost")
	at = "/console/recovery/cases/" + d.does("agent", called+"/prove", `{"kind":"callBack"}`)["id"].(string)
	if a := add(called[1:]); a.status != http.StatusConflict || !strings.Contains(a.body, "consoleCaseNobodyWaits") || strings.Contains(a.body, `id="add"`) {
		t.Errorf("a case of the helpdesk: %d %s", a.status, told(a))
	}
}

func TestAColleagueMaySayTheNumberLater(t *testing.T) {
	d := newDesk(t)
	x := trip{world: d.world, clock: d.clock}
	x.newBrowser()
	number := x.ask("lost@contoso.example")
	d.does("peer", "/"+number+"/vouch", `{}`)
	for _, c := range []struct{ body, code string }{{`{}`, "caseTwice"}, {`{"caseNumber":"` + number + `"}`, ""}, {`{"caseNumber":"` + number + `"}`, "caseTwice"}} {
		if _, code, v := d.tries("peer", "/"+number+"/vouch", c.body); code != c.code {
			t.Errorf("%s: %v", c.body, v)
		}
	}
	if _, v := d.api(http.MethodGet, recoveryCases+"/"+number, d.appToken(), ""); v["assuranceLevel"] != "none" {
		t.Errorf("one who says it twice is two: %v", v["assuranceLevel"])
	}
}
