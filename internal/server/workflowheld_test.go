package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/directory"
)

const heldTasks = "/userProcessingResults?$expand=taskProcessingResults($select=processingStatus,failureReason,postern_waitsUntilDateTime,postern_waitsFor)"

// firstTask is what the latest run says of its only person's first task.
func firstTask(v map[string]any) map[string]any {
	all, _ := v["value"].([]any)
	if len(all) == 0 {
		return nil
	}
	return all[0].(map[string]any)["taskProcessingResults"].([]any)[0].(map[string]any)
}

func TestAPassForANewManagerWaitsAndSaysWhyUnlessWhoMayIssuePassesRunsIt(t *testing.T) {
	w, o := office(t, mailTo(t, started(t)))
	start(t, o)
	token := w.appToken()
	nils := w.joiner(token, "nils")
	evil := w.hired(token, `{"accountEnabled":true,"userPrincipalName":"evil@contoso.example","mailNickname":"evil","displayName":"Evil","mail":"evil@contoso.example"}`)
	if status, v := w.api(http.MethodPut, "/v1.0/users/"+nils+"/manager/$ref", token, `{"@odata.id":"https://graph.microsoft.com/v1.0/users/`+evil+`"}`); status != http.StatusNoContent {
		t.Fatalf("set the manager: %d %v", status, v)
	}
	status, v := w.api(http.MethodPost, workflowsAt+"workflows", token, `{"category":"joiner","displayName":"Pass","isEnabled":true,
		"executionConditions":{"@odata.type":"#microsoft.graph.identityGovernance.onDemandExecutionOnly"},
		"tasks":[{"taskDefinitionId":"1b555e50-7f65-41d5-b514-5894a026d10d","displayName":"Pass",
			"arguments":[{"name":"tapLifetimeMinutes","value":"60"},{"name":"tapIsUsableOnce","value":"true"}]}]}`)
	if status != http.StatusCreated {
		t.Fatalf("create a workflow: %d %v", status, v)
	}
	id := v["id"].(string)
	w.consoleAs("dana", directory.LifecycleWorkflowsAdministrator, directory.DirectoryReaders) // who may issue no pass
	at := "/console/workflows/" + id
	if a := w.post(at+"/run", url.Values{"person": {nils}}); a.status != http.StatusSeeOther {
		t.Fatalf("run: %d\n%s", a.status, a.body)
	}
	task := firstTask(w.until(workflowsAt+"workflows/"+id+heldTasks, token, func(v map[string]any) bool {
		return firstTask(v)["postern_waitsFor"] != nil || hasEnded(v)
	}))
	until, err := time.Parse(time.RFC3339, fmt.Sprint(task["postern_waitsUntilDateTime"]))
	if err != nil || time.Until(until) < 6*24*time.Hour || time.Until(until) > 7*24*time.Hour || task["processingStatus"] != "inProgress" || task["failureReason"] != nil ||
		task["postern_waitsFor"] != "The person has had this manager for a short time only." {
		t.Errorf("the task says %v", task)
	}
	if _, v := w.api(http.MethodGet, workflowsAt+"workflows/"+id+"/userProcessingResults?$expand=taskProcessingResults", token, ""); firstTask(v)["postern_waitsFor"] != nil {
		t.Error("it says so to who did not ask")
	}
	page := w.get(regexp.MustCompile(at + `/runs/[0-9a-f-]+`).FindString(w.get(at).body))
	for _, said := range []string{"Waits", "Until", "has had this manager for a short time only", "Whoever may issue passes"} {
		if !strings.Contains(page.body, said) {
			t.Errorf("the page does not say %q\n%s", said, page.body)
		}
	}
	if strings.Contains(page.body, "hx-trigger") {
		t.Error("the page asks again and again")
	}
	passes := func() int {
		_, v := w.api(http.MethodGet, "/v1.0/users/"+nils+"/authentication/temporaryAccessPassMethods", token, "")
		return len(v["value"].([]any))
	}
	if n := passes(); n != 0 {
		t.Errorf("%d passes", n)
	}
	activate := func() {
		t.Helper()
		if status, v := w.api(http.MethodPost, workflowsAt+"workflows/"+id+"/activate", token, `{"subjects":[{"id":"`+nils+`"}]}`); status != http.StatusNoContent {
			t.Fatalf("activate: %d %v", status, v)
		}
	}
	// Where policy lets nobody read a pass out, they could issue none for a manager of a moment ago either.
	w.handPolicy(`"handOver":["manager","person"]`)
	activate()
	w.until(workflowsAt+"workflows/"+id+heldTasks, token, func(v map[string]any) bool {
		all, _ := v["value"].([]any)
		return len(all) == 2 && (firstTask(v)["postern_waitsFor"] != nil || hasEnded(v))
	})
	if n := passes(); n != 0 {
		t.Errorf("%d passes, which nobody may read out", n)
	}
	w.handPolicy(`"handOver":["slip","manager"]`)
	activate()
	w.until(workflowsAt+"workflows/"+id+"/userProcessingResults", token, hasEnded) // the newest first
	if n := passes(); n != 1 {
		t.Errorf("who may issue passes ran it, and there are %d", n)
	}
}
