package server_test

import (
	"net/http"
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
	}
	d.create("/v1.0/roleManagement/directory/roleAssignments",
		`{"roleDefinitionId":"`+string(directory.AuthenticationAdministrator)+`","principalId":"`+d.ids["second"]+`","directoryScopeId":"/"}`)
	if status, code, v := d.tries("issuer", path+"/issue", ""); status != http.StatusOK {
		t.Errorf("with one that stands: %d %s %v", status, code, v)
	}
}
