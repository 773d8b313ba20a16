package server_test

import (
	"net/http"
	"testing"
)

func TestAPersonnelSystemWithoutThePermissionNeitherLearnsNorChangesWhenSomebodyLeaves(t *testing.T) {
	w := newWorld(t)
	all, some := w.appToken(), w.scimApp("Some")
	const urn = "urn:ietf:params:scim:schemas:extension:postern:2.0:User"
	made := w.scimOK(http.StatusCreated, "POST", "/Users", some, scimPerson("ida", "hr-1"))
	id := "/Users/" + made["id"].(string)
	graph := "/v1.0" + "/users/" + made["id"].(string)
	if status, v := w.api(http.MethodPatch, graph, all, `{"employeeLeaveDateTime":"2027-03-31T00:00:00Z"}`); status != http.StatusNoContent {
		t.Fatalf("set it: %d %v", status, v)
	}
	date := func(token string) any {
		t.Helper()
		v := w.scimOK(http.StatusOK, "GET", id, token, "")
		more, _ := v[urn].(map[string]any)
		return more["employeeLeaveDateTime"]
	}
	kept := date(all)
	if kept == nil || date(some) != nil {
		t.Fatalf("the one who may is told %v, the other one %v", kept, date(some))
	}
	patch := func(op string) string {
		return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + op + `]}`
	}
	set := func(date string) string {
		return patch(`{"op":"replace","path":"` + urn + `:employeeLeaveDateTime","value":"` + date + `"}`)
	}
	for name, one := range map[string]struct{ method, path, body string }{
		"another date":            {"PATCH", id, set("2027-04-01T00:00:00Z")},
		"the same date, a guess":  {"PATCH", id, set("2027-03-31T00:00:00Z")},
		"in a value without path": {"PATCH", id, patch(`{"op":"add","value":{"` + urn + `":{"employeeLeaveDateTime":"2027-03-31T00:00:00Z"}}}`)},
		"a replacement":           {"PUT", id, scimPerson("ida", "hr-1")[:len(scimPerson("ida", "hr-1"))-1] + `,"` + urn + `":{"employeeLeaveDateTime":"2027-03-31T00:00:00Z"}}`},
		"a new person":            {"POST", "/Users", scimPerson("ole", "hr-2")[:len(scimPerson("ole", "hr-2"))-1] + `,"` + urn + `":{"employeeLeaveDateTime":"2027-03-31T00:00:00Z"}}`},
	} {
		if a, v := w.scim(one.method, one.path, some, one.body); a.status != http.StatusForbidden {
			t.Errorf("%s: %d %v", name, a.status, v)
		}
	}
	for name, one := range map[string]struct{ method, body string }{
		"it is removed":                {"PATCH", patch(`{"op":"remove","path":"` + urn + `:employeeLeaveDateTime"}`)},
		"something else is changed":    {"PATCH", patch(`{"op":"replace","path":"title","value":"Doctor"}`)},
		"they are replaced without it": {"PUT", scimPerson("ida", "hr-1")},
	} {
		if a, v := w.scim(one.method, id, some, one.body); a.status != http.StatusOK || date(all) != kept {
			t.Errorf("%s: %d %v; it is %v now", name, a.status, v, date(all))
		}
	}
	if a, _ := w.scim("GET", "/Users?filter="+urn+":employeeLeaveDateTime%20pr", some, ""); a.status != http.StatusBadRequest {
		t.Errorf("a filter by it: %d", a.status)
	}
}
