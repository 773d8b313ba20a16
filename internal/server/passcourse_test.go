package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/agent/tpm/tpmtest"
)

// course reads what became of a pass.
func (w *world) course(user, pass string) (course, lineage map[string]any) {
	w.t.Helper()
	status, v := w.api(http.MethodGet, "/v1.0/postern/users/"+user+"/passes/"+pass+"/lineage", w.appToken(), "")
	if status != http.StatusOK {
		w.t.Fatalf("lineage: %d %v", status, v)
	}
	return v["course"].(map[string]any), v
}

func TestWhatBecameOfAPassIsToldFromItsIssueToThePIN(t *testing.T) {
	w := newWorld(t)
	ada := w.createUser("ada")
	id, pass := w.passFor(ada)
	c, _ := w.course(ada, id)
	if c["issuedDateTime"] == nil || c["failedTries"] != 0.0 || c["usedDateTime"] != nil || c["endReason"] != nil || c["pass"].(map[string]any)["isUsable"] != true {
		t.Errorf("just issued: %v", c)
	}
	w.typed("ada@contoso.example", "WRONGWRONG")
	w.newBrowser()
	if c, _ = w.course(ada, id); c["failedTries"] != 1.0 || c["lastFailedTryDateTime"] == nil {
		t.Errorf("after a wrong try: %v", c)
	}
	withPINs(w, "ada@contoso.example", pass, tpmtest.New(t)).create("246813")
	c, all := w.course(ada, id)
	if on, ok := c["usedOn"].(map[string]any); !ok || c["usedDateTime"] == nil || on["ipAddress"] == nil {
		t.Errorf("after the sign-in: %v", c)
	}
	if m := all["methods"].([]any); len(m) != 1 || m[0].(map[string]any)["kind"] != "hello" || m[0].(map[string]any)["deviceDisplayName"] == nil {
		t.Errorf("methods: %v", m)
	}
	next, _ := w.passFor(ada)
	if c, _ = w.course(ada, id); c["endReason"] != "replaced" || c["endedDateTime"] == nil || c["pass"] != nil {
		t.Errorf("after another one was issued: %v", c)
	}
	w.change(http.MethodDelete, "/v1.0/users/"+ada+"/authentication/temporaryAccessPassMethods/"+next, "")
	if c, _ = w.course(ada, next); c["endReason"] != "removed" || c["usedDateTime"] != nil {
		t.Errorf("taken back: %v", c)
	}
}

func TestTheCheckOfIdentityIsAskedForKeptAndLogged(t *testing.T) {
	w := newWorld(t)
	ada := w.createUser("ada")
	passes := "/v1.0/users/" + ada + "/authentication/temporaryAccessPassMethods"
	w.setPolicy(`{"postern_identityCheck":"required"}`)
	if status, v := w.api(http.MethodPost, passes, w.appToken(), `{}`); status != http.StatusBadRequest || !strings.Contains(w.said(v), "how you made sure") {
		t.Errorf("an application that does not say: %d %v", status, v)
	}
	if got := w.passesOf(ada); len(got) != 0 {
		t.Errorf("there is a pass: %v", got)
	}
	status, v := w.api(http.MethodPost, passes, w.appToken(), `{"postern_preset":"recoverDevice","postern_identityCheck":{"how":"callBack","note":"0113 496 0417"}}`)
	if status != http.StatusCreated || v["isUsableOnce"] != true || v["lifetimeInMinutes"] != 60.0 || v["postern_identityCheck"] != nil {
		t.Fatalf("issue: %d %v", status, v)
	}
	_, kept := w.api(http.MethodGet, passes+"/"+v["id"].(string)+"?$select=postern_identityCheck", w.appToken(), "")
	if check, ok := kept["postern_identityCheck"].(map[string]any); !ok || check["how"] != "callBack" || check["note"] != "0113 496 0417" {
		t.Errorf("kept: %v", kept)
	}
	found := false
	for _, e := range w.directoryAudits(w.appToken(), "User registered security info") {
		for _, target := range e.(map[string]any)["targetResources"].([]any) {
			for _, p := range target.(map[string]any)["modifiedProperties"].([]any) {
				m := p.(map[string]any)
				found = found || m["displayName"] == "postern_identityCheck" && m["newValue"] == `"callBack: 0113 496 0417"`
			}
		}
	}
	if !found {
		t.Error("the log does not have the check")
	}
	w.setPolicy(`{"postern_identityCheck":"note"}`)
	if status, v := w.api(http.MethodPost, passes, w.appToken(), `{}`); status != http.StatusCreated {
		t.Errorf("where it is only asked for: %d %v", status, v)
	}
}
