package server_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/outbox/smtptest"
)

const workflowsAt = "/v1.0/identityGovernance/lifecycleWorkflows/"

// hired creates somebody and returns their id.
func (w *world) hired(token, body string) string {
	w.t.Helper()
	status, v := w.api(http.MethodPost, "/v1.0/users", token, body)
	if status != http.StatusCreated {
		w.t.Fatalf("create a user: %d %v", status, v)
	}
	return v["id"].(string)
}

// joiner creates somebody who starts tomorrow, with a manager.
func (w *world) joiner(token, name string) string {
	w.t.Helper()
	manager := w.hired(token, `{"accountEnabled":true,"userPrincipalName":"boss-`+name+`@contoso.example","mailNickname":"boss","displayName":"Boss of `+name+`","mail":"boss-`+name+`@contoso.example"}`)
	id := w.hired(token, `{"accountEnabled":false,"userPrincipalName":"`+name+`@contoso.example","mailNickname":"`+name+`","displayName":"`+name+`","mail":"`+name+`@contoso.example",
		"department":"Sales","employeeHireDate":"`+time.Now().UTC().AddDate(0, 0, 1).Format(time.RFC3339)+`"}`)
	if status, v := w.api(http.MethodPut, "/v1.0/users/"+id+"/manager/$ref", token, `{"@odata.id":"https://graph.microsoft.com/v1.0/users/`+manager+`"}`); status != http.StatusNoContent {
		w.t.Fatalf("set the manager: %d %v", status, v)
	}
	return id
}

// until asks for path until ok likes the answer.
func (w *world) until(path, token string, ok func(map[string]any) bool) map[string]any {
	w.t.Helper()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	var v map[string]any
	for late := time.After(30 * time.Second); ; {
		if _, v = w.api(http.MethodGet, path, token, ""); ok(v) {
			return v
		}
		select {
		case <-look.C:
		case <-late:
			w.t.Fatalf("%s still says %v\n%s", path, v, w.log)
		}
	}
}

func hasEnded(v map[string]any) bool {
	all, _ := v["value"].([]any)
	if len(all) == 0 {
		return false
	}
	status := all[0].(map[string]any)["processingStatus"]
	return status != "queued" && status != "inProgress"
}

func dayOnePass(token string, w *world, more string) string {
	w.t.Helper()
	status, v := w.api(http.MethodPost, workflowsAt+"workflows", token, `{"category":"joiner","displayName":"Day-one pass","isEnabled":true,"isSchedulingEnabled":true,
		"executionConditions":{"@odata.type":"#microsoft.graph.identityGovernance.triggerAndScopeBasedConditions",
			"scope":{"@odata.type":"#microsoft.graph.identityGovernance.ruleBasedSubjectSet","rule":"(department eq 'Sales')"},
			"trigger":{"@odata.type":"#microsoft.graph.identityGovernance.timeBasedAttributeTrigger","timeBasedAttribute":"employeeHireDate","offsetInDays":-2}},
		"tasks":[{"isEnabled":true,"continueOnError":false,"displayName":"Generate TAP and Send Email","taskDefinitionId":"1b555e50-7f65-41d5-b514-5894a026d10d",
			"arguments":[{"name":"tapLifetimeInMinutes","value":"480"},{"name":"tapIsUsableOnce","value":"false"}]}`+more+`]}`)
	if status != http.StatusCreated {
		w.t.Fatalf("create a workflow: %d %v", status, v)
	}
	return v["id"].(string)
}

func TestWhoStartsSoonGetsAPassAndTheirManagerIsTold(t *testing.T) {
	mail := &smtptest.Server{}
	mail.Start(t)
	w, o := office(t, mailTo(t, mail))
	token := w.appToken()
	nils := w.joiner(token, "nils")
	id := dayOnePass(token, w, `,{"taskDefinitionId":"6fc52c9d-398b-4305-9763-15f42c1676fc","displayName":"Enable"},
		{"taskDefinitionId":"70b29d51-b59a-4773-9280-8841dfd3f2ea","displayName":"Welcome","arguments":[{"name":"customSubject","value":"Hi {{userDisplayName}}"}]}`)
	start(t, o)
	runs := w.until(workflowsAt+"workflows/"+id+"/runs", token, hasEnded)
	run := runs["value"].([]any)[0].(map[string]any)
	if run["processingStatus"] != "completed" || run["workflowExecutionType"] != "scheduled" || run["successfulUsersCount"] != 1.0 || run["totalTasksCount"] != 3.0 {
		t.Errorf("the run is %v", run)
	}
	got := mail.Wait(t, 2)
	var told, welcomed bool
	for _, m := range got {
		text, _ := m.Parts(t)
		switch m.To[0] {
		case "boss-nils@contoso.example":
			told = strings.Contains(text, "nils") && strings.Contains(text, "/recover/open#")
		case "nils@contoso.example":
			welcomed = strings.Contains(m.Message(t).Header.Get("Subject"), "Hi nils")
		}
	}
	if !told || !welcomed {
		t.Errorf("mail went out as %v", got)
	}
	if _, v := w.api(http.MethodGet, "/v1.0/users/"+nils+"?$select=accountEnabled", token, ""); v["accountEnabled"] != true {
		t.Errorf("the account is %v", v)
	}
	_, passes := w.api(http.MethodGet, "/v1.0/users/"+nils+"/authentication/temporaryAccessPassMethods", token, "")
	all, _ := passes["value"].([]any)
	if len(all) != 1 || all[0].(map[string]any)["lifetimeInMinutes"] != 480.0 || all[0].(map[string]any)["methodUsabilityReason"] != "NotYetValid" {
		t.Errorf("passes are %v", passes)
	}
	shown, err := json.Marshal(w.until(workflowsAt+"workflows/"+id+"?$expand=tasks", token, func(map[string]any) bool { return true }))
	if err != nil || !strings.Contains(string(shown), `"tapLifetimeMinutes"`) {
		t.Errorf("the workflow is %s", shown)
	}
}

func TestATaskThatCannotBeDoneSaysWhyAndEndsTheOthers(t *testing.T) {
	w, o := office(t, mailTo(t, started(t)))
	token := w.appToken()
	alone := w.hired(token, `{"accountEnabled":false,"userPrincipalName":"alone@contoso.example","mailNickname":"alone","displayName":"Alone"}`)
	id := dayOnePass(token, w, `,{"taskDefinitionId":"6fc52c9d-398b-4305-9763-15f42c1676fc","displayName":"Enable"}`)
	start(t, o)
	admin := w.administratorID(token)
	if status, v := w.api(http.MethodPost, workflowsAt+"workflows/"+id+"/microsoft.graph.identityGovernance.activate", token,
		`{"subjects":[{"id":"`+alone+`"},{"id":"`+admin+`"}]}`); status != http.StatusNoContent {
		t.Fatalf("activate: %d %v", status, v)
	}
	w.until(workflowsAt+"workflows/"+id+"/runs", token, hasEnded)
	v := w.until(workflowsAt+"workflows/"+id+"/userProcessingResults?$expand=taskProcessingResults", token, func(map[string]any) bool { return true })
	for _, one := range v["value"].([]any) {
		p := one.(map[string]any)
		tasks := p["taskProcessingResults"].([]any)
		first, second := tasks[0].(map[string]any), tasks[1].(map[string]any)
		if p["processingStatus"] != "failed" || first["processingStatus"] != "failed" || first["failureReason"] != "The person has no manager." || second["processingStatus"] != "canceled" {
			t.Errorf("the result is %v", p)
		}
	}
	if _, v := w.api(http.MethodGet, "/v1.0/users/"+alone+"?$select=accountEnabled", token, ""); v["accountEnabled"] != false {
		t.Errorf("the account is %v", v)
	}
}

func started(t *testing.T) *smtptest.Server {
	t.Helper()
	mail := &smtptest.Server{}
	mail.Start(t)
	return mail
}

func (w *world) administratorID(token string) string {
	w.t.Helper()
	_, v := w.api(http.MethodGet, "/v1.0/users/"+w.created.Administrator, token, "")
	return v["id"].(string)
}

func TestAWorkflowGivesNobodyPowerOverAdministrators(t *testing.T) {
	w, o := office(t, mailTo(t, started(t)))
	token := w.appToken()
	status, v := w.api(http.MethodPost, "/v1.0/groups", token,
		`{"displayName":"Power","mailEnabled":false,"mailNickname":"power","securityEnabled":true,"isAssignableToRole":true}`)
	if status != http.StatusCreated {
		t.Fatalf("create a group: %d %v", status, v)
	}
	leaver := func(tasks string) (int, map[string]any) {
		return w.api(http.MethodPost, workflowsAt+"workflows", token, `{"category":"leaver","displayName":"Leave","isEnabled":true,
			"executionConditions":{"@odata.type":"#microsoft.graph.identityGovernance.onDemandExecutionOnly"},"tasks":[`+tasks+`]}`)
	}
	if status, v := leaver(`{"taskDefinitionId":"22085229-5809-45e8-97fd-270d28d66910","arguments":[{"name":"groupID","value":"` + v["id"].(string) + `"}]}`); status != http.StatusBadRequest {
		t.Errorf("a workflow that adds people to a group with power: %d %v", status, v)
	}
	_, v = leaver(`{"taskDefinitionId":"1dfdfcc7-52fa-4c2e-bf3a-e3919cc12950","continueOnError":true},{"taskDefinitionId":"b3a31406-2a15-4c9a-b25b-a658fa5f07fc"}`)
	id, _ := v["id"].(string)
	start(t, o)
	admin := w.administratorID(token)
	if status, v := w.api(http.MethodPost, workflowsAt+"workflows/"+id+"/activate", token, `{"subjects":[{"id":"`+admin+`"}]}`); status != http.StatusNoContent {
		t.Fatalf("activate: %d %v", status, v)
	}
	w.until(workflowsAt+"workflows/"+id+"/runs", token, hasEnded)
	v = w.until(workflowsAt+"workflows/"+id+"/userProcessingResults?$expand=taskProcessingResults", token, hasEnded)
	for _, one := range v["value"].([]any)[0].(map[string]any)["taskProcessingResults"].([]any) {
		if task := one.(map[string]any); task["processingStatus"] != "failed" || !strings.Contains(task["failureReason"].(string), "holds a role") {
			t.Errorf("the task came to %v", task)
		}
	}
	if _, v := w.api(http.MethodGet, "/v1.0/users/"+admin+"?$select=accountEnabled", token, ""); v["accountEnabled"] != true {
		t.Errorf("the administrator is %v", v)
	}
	if status, _ := w.api(http.MethodPost, workflowsAt+"workflows/"+id+"/activate", token, `{"subjects":[{"id":"`+admin+`"},{"id":"`+admin+`"}]}`); status != http.StatusBadRequest {
		t.Errorf("the same person twice: %d", status)
	}
}
