package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/directory"
)

func TestAnApprovalFallsWithWhatItWasGivenBy(t *testing.T) {
	d := newDesk(t)
	d.policy(`{"rules":[{"targetClass":"everyone","grants":[{"level":"low","maximumLifetimeInMinutes":60,"isUsableOnce":true,"purposes":["general"],"approvals":1,"coolDownInMinutes":0}]}]}`)
	path := d.opens("agent", "lost")
	d.does("agent", path+"/prove", `{"kind":"callBack"}`)
	for _, c := range []struct {
		who, body string
		lose      func()
	}{
		{"second", `{}`, func() {
			_, v := d.api(http.MethodGet, "/v1.0/roleManagement/directory/roleAssignments?$filter=principalId%20eq%20'"+d.ids["second"]+"'", d.appToken(), "")
			d.change(http.MethodDelete, "/v1.0/roleManagement/directory/roleAssignments/"+v["value"].([]any)[0].(map[string]any)["id"].(string), "")
		}},
		{"boss", `{"as":"manager"}`, func() {
			d.change(http.MethodPut, "/v1.0/users/"+d.ids["lost"]+"/manager/$ref", reference(d.ids["mate"]))
		}},
		{"crown", `{}`, func() {
			admin := d.tokenFor(adminName, d.created.Pass, "User.ReadWrite.All")
			if status, v := d.api(http.MethodPatch, "/v1.0/users/"+d.ids["crown"], admin, `{"accountEnabled":false}`); status != http.StatusNoContent {
				t.Fatalf("switch off: %d %v", status, v)
			}
		}},
	} {
		d.signInAs(c.who)
		d.does(c.who, path+"/approve", c.body)
		c.lose()
		if status, code, v := d.tries("issuer", path+"/issue", ""); code != "caseNotApproved" {
			t.Errorf("after %s: %d %v", c.who, status, v)
		}
		_, v := d.api(http.MethodGet, recoveryCases+path, d.appToken(), "")
		if v["state"] != "proven" || v["assuranceLevel"] != "low" || v["missingApprovals"] != 1.0 { // what a manager said of who asks is gone, too
			t.Errorf("after %s it stands at %v, %v, %v", c.who, v["state"], v["assuranceLevel"], v["missingApprovals"])
		}
	}
	d.create("/v1.0/roleManagement/directory/roleAssignments",
		`{"roleDefinitionId":"`+string(directory.AuthenticationAdministrator)+`","principalId":"`+d.ids["second"]+`","directoryScopeId":"/"}`)
	if status, code, v := d.tries("issuer", path+"/issue", ""); status != http.StatusOK {
		t.Errorf("with one that stands: %d %s %v", status, code, v)
	}
}

func TestAnApproverMaySayTheNumberLater(t *testing.T) {
	d := newDesk(t)
	x := trip{world: d.world, clock: d.clock}
	x.newBrowser()
	number := x.ask("lost@contoso.example")
	theirs := x.browser
	d.does("boss", "/"+number+"/approve", `{"as":"manager"}`)
	if status, code, v := d.tries("boss", "/"+number+"/approve", `{"as":"manager"}`); code != "caseOwnRequest" {
		t.Errorf("the same again: %d %v", status, v)
	}
	d.does("boss", "/"+number+"/approve", `{"as":"manager","caseNumber":"`+number+`"}`)
	x.browser = theirs
	if a := x.get("/recover/case"); !strings.Contains(a.body, "Show the pass") {
		t.Errorf("%d %s", a.status, told(a))
	}
}
