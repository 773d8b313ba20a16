package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// scimDo sends a request of SCIM and returns the answer with its body as JSON.
func (w *world) scim(method, path, token, body string, headers ...string) (answer, map[string]any) {
	w.t.Helper()
	r := w.request(method, "/scim/v2"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		r.Header.Set("Content-Type", "application/scim+json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	a := w.do(r)
	var v map[string]any
	if a.body != "" {
		if err := json.Unmarshal([]byte(a.body), &v); err != nil {
			w.t.Fatalf("%s %s: %v\n%s", method, path, err, a.body)
		}
	}
	return a, v
}

// scimOK is scim, and fails the test unless the status is the expected one.
func (w *world) scimOK(status int, method, path, token, body string, headers ...string) map[string]any {
	w.t.Helper()
	a, v := w.scim(method, path, token, body, headers...)
	if a.status != status {
		w.t.Fatalf("%s %s: %d instead of %d\n%s", method, path, a.status, status, a.body)
	}
	return v
}

func scimPerson(name, externalID string) string {
	return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
		"userName":"%s@contoso.example","externalId":%q,"active":true,"displayName":"Display %s","title":"Nurse",
		"name":{"givenName":"Given","familyName":"Family"},"emails":[{"value":"%s@contoso.example","type":"work","primary":true}],
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"4711","department":"Ward 3","costCenter":"CC1"}}`, name, externalID, name, name)
}

func TestAPersonnelSystemKeepsPeopleUpToDateBySCIM(t *testing.T) {
	w := newWorld(t)
	token := w.appToken()
	made := w.scimOK(http.StatusCreated, "POST", "/Users", token, scimPerson("ida", "hr-1"))
	id := made["id"].(string)
	if made["externalId"] != "hr-1" || made["meta"].(map[string]any)["version"] == "" {
		t.Errorf("created %v", made)
	}
	again, said := w.scim("POST", "/Users", token, scimPerson("ida2", "hr-1"))
	if again.status != http.StatusConflict || said["scimType"] != "uniqueness" {
		t.Errorf("a second one with this externalId: %d %v", again.status, said)
	}
	found := w.scimOK(http.StatusOK, "GET", "/Users?filter="+url.QueryEscape(`userName eq "IDA@contoso.example"`), token, "")
	if found["totalResults"] != float64(1) {
		t.Errorf("found %v", found)
	}
	patched := w.scimOK(http.StatusOK, "PATCH", "/Users/"+id, token, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
		"Operations":[{"op":"Replace","path":"active","value":"False"},{"op":"Add","path":"phoneNumbers[type eq \"mobile\"].value","value":"+49 30 1"}]}`)
	if patched["active"] != false || patched["phoneNumbers"] == nil {
		t.Errorf("patched %v", patched)
	}
	group := w.scimOK(http.StatusCreated, "POST", "/Groups", token, fmt.Sprintf(
		`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Nurses","externalId":"g1","members":[{"value":%q}]}`, id))
	if len(group["members"].([]any)) != 1 {
		t.Errorf("group %v", group)
	}
	w.scimOK(http.StatusNoContent, "DELETE", "/Users/"+id, token, "")
	w.scimOK(http.StatusNotFound, "GET", "/Users/"+id, token, "")
}
