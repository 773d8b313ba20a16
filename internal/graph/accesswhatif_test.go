package graph_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/passkey"
	"github.com/postern-id/postern/internal/method/password"
)

const (
	evaluate = "/v1.0/identity/conditionalAccess/evaluate"
	whatIf   = "/v1.0/postern/access/evaluate"
	impact   = "/v1.0/postern/access/impact"
)

// assume is the body of a question about user, in Graph's members.
func assume(user, context, conditions, more string) string {
	return fmt.Sprintf(`{"signInIdentity":{"@odata.type":"#microsoft.graph.userSignIn","userId":%q},
		"signInContext":%s,"signInConditions":%s%s}`, user, context, conditions, more)
}

func inApp(id directory.AppID) string {
	return `{"@odata.type":"#microsoft.graph.applicationContext","includeApplications":["` + string(id) + `"]}`
}

// policyFor is a policy in force for everybody, for applications and with grant controls.
func policyFor(name, state, applications, grant string) string {
	return fmt.Sprintf(`{"displayName":%q,"state":%q,"conditions":{"users":{"includeUsers":["All"]},"applications":%s},"grantControls":%s}`, name, state, applications, grant)
}

const (
	everyApp = `{"includeApplications":["All"]}`
	wantsMFA = `{"operator":"OR","builtInControls":["mfa"]}`
	blocks   = `{"operator":"OR","builtInControls":["block"]}`
)

func TestWhatIfHasGraphsShape(t *testing.T) {
	w := newAccessWorld(t)
	ann := w.create("ann")
	mfa := w.call(201, "POST", caPolicies, policyFor("MFA", "enabled", everyApp, wantsMFA))["id"]
	w.call(201, "POST", caPolicies, strings.Replace(policyFor("Codes", "enabled", everyApp, blocks), `"conditions":{`,
		`"conditions":{"authenticationFlows":{"transferMethods":"deviceCodeFlow"},"platforms":{"includePlatforms":["iOS"]},`, 1))
	w.call(201, "POST", caPolicies, policyFor("Off", "disabled", everyApp, blocks))
	conditions := `{"devicePlatform":"linux","clientAppType":"browser","signInRiskLevel":"high","userRiskLevel":"none","country":"fr","ipAddress":"203.0.113.9",
		"insiderRiskLevel":"none","authenticationFlow":{"transferMethod":"none"},"deviceInfo":{"isCompliant":false,"operatingSystem":"Linux"}}`

	all := w.call(200, "POST", evaluate, assume(ann, inApp(directory.GraphAppID), conditions, ""))["value"].([]any)
	if len(all) != 3 {
		t.Fatalf("%d policies: %v", len(all), all)
	}
	for i, want := range []struct {
		applies bool
		reasons string
	}{{true, "notSet"}, {false, "devicePlatform,authenticationFlow"}, {false, "policyNotEnabled"}} {
		p := all[i].(map[string]any)
		if p["policyApplies"] != want.applies || p["analysisReasons"] != want.reasons || p["conditions"] == nil || p["grantControls"] == nil {
			t.Errorf("%v is %v because of %v, want %v", p["displayName"], p["policyApplies"], p["analysisReasons"], want)
		}
	}
	some := w.call(200, "POST", strings.Replace(evaluate, "v1.0", "beta", 1), assume("ann@contoso.example", inApp(directory.GraphAppID), conditions, `,"appliedPoliciesOnly":true`))["value"].([]any)
	if len(some) != 1 || some[0].(map[string]any)["id"] != mfa {
		t.Errorf("those that apply: %v", some)
	}
}

func TestWhatIfSaysWhichPolicyDecides(t *testing.T) {
	w := newAccessWorld(t)
	ann := w.create("ann")
	mfa := w.call(201, "POST", caPolicies, policyFor("MFA", "enabled", everyApp, wantsMFA))["id"].(string)
	watched := w.call(201, "POST", caPolicies, policyFor("Watched", "enabledForReportingButNotEnforced", everyApp, `{"operator":"OR","builtInControls":["compliantDevice"]}`))["id"]
	body := func(method, drafts string) string {
		return assume(ann, inApp(directory.ConsoleAppID), `{"clientAppType":"browser"}`, `,"proofs":[{"method":"`+method+`"}],"drafts":[`+drafts+`]`)
	}
	ask := func(method, drafts string) map[string]any {
		t.Helper()
		return w.call(200, "POST", whatIf, body(method, drafts))
	}
	decided := func(answer map[string]any, under, result string, by any) {
		t.Helper()
		said := answer[under].(map[string]any)
		var name any
		if p, ok := said["decidedBy"].(map[string]any); ok {
			name = p["id"]
		}
		if said["result"] != result || name != by {
			t.Errorf("%s: %v by %v, want %s by %v", under, said["result"], name, result, by)
		}
	}
	said := ask("password", "")
	decided(said, "today", "moreNeeded", mfa)
	decided(said, "reportOnly", "blocked", watched)
	if said["drafts"] != nil {
		t.Errorf("there is no draft: %v", said["drafts"])
	}
	said = ask("fido2", policyFor("", "disabled", everyApp, blocks))
	decided(said, "today", "granted", nil)
	decided(said, "drafts", "blocked", "draft-1")
	if text := said["drafts"].(map[string]any)["message"]; text != "Draft blocks this." {
		t.Errorf("it says %q", text)
	}
	// A draft of a policy that is there changes it.
	said = ask("password", `{"id":"`+mfa+`","conditions":{"users":{"excludeUsers":["`+ann+`"]}}}`)
	decided(said, "drafts", "granted", nil)
	// Nothing of it was saved.
	if n := len(w.call(200, "GET", caPolicies, "")["value"].([]any)); n != 2 {
		t.Errorf("there are %d policies", n)
	}
	// An exemption for the person is said.
	exempt := strings.TrimSuffix(policyFor("Closed", "enabled", everyApp, blocks), "}") + fmt.Sprintf(`,"postern_recoveryExemption":{"users":[%q],"expirationDateTime":%q,"reason":"Ticket 4711"}}`,
		ann, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	decided(ask("temporaryAccessPassOneTime", exempt), "drafts", "granted", nil)
	if helps := ask("fido2", exempt)["drafts"].(map[string]any)["passHelps"]; helps != true {
		t.Error("nobody is told that a pass helps")
	}
}

func TestWhatIfLooksAtSeveralApplications(t *testing.T) {
	w := newAccessWorld(t)
	ann := w.create("ann")
	one := w.call(201, "POST", caPolicies, policyFor("Computers", "enabled", `{"includeApplications":["`+string(directory.AgentAppID)+`"]}`, blocks))["id"]
	both := `{"@odata.type":"#microsoft.graph.applicationContext","includeApplications":["` + string(directory.GraphAppID) + `","` + string(directory.AgentAppID) + `"]}`
	some := w.call(200, "POST", evaluate, assume(ann, both, `{}`, `,"appliedPoliciesOnly":true`))["value"].([]any)
	if len(some) != 1 || some[0].(map[string]any)["id"] != one {
		t.Errorf("those that apply to one of them: %v", some)
	}
	said := w.call(200, "POST", whatIf, assume(ann, both, `{}`, ""))
	each := said["applications"].([]any)
	if len(each) != 2 || said["today"].(map[string]any)["result"] != "granted" {
		t.Fatalf("said %v", said)
	}
	for i, want := range []string{"granted", "blocked"} {
		if got := each[i].(map[string]any)["today"].(map[string]any)["result"]; got != want {
			t.Errorf("%v: %v, want %s", each[i].(map[string]any)["appId"], got, want)
		}
	}
	if said := w.call(200, "POST", whatIf, assume(ann, inApp(directory.GraphAppID), `{}`, "")); said["applications"] != nil {
		t.Errorf("one application is said twice: %v", said)
	}
}

func TestWhatCantBeAssumedIsRefused(t *testing.T) {
	w := newWorld(t, append([]string{"Policy.Read.All", "AuditLog.Read.All"}, all...)...)
	ann := w.create("ann")
	for name, body := range map[string]string{
		"nobody":                      assume("", inApp(directory.GraphAppID), `{}`, ""),
		"nothing asked":               assume(ann, `{}`, `{}`, ""),
		"another action":              assume(ann, `{"@odata.type":"#microsoft.graph.userActionContext","userAction":"dance"}`, `{}`, ""),
		"a risk that is none":         assume(ann, inApp(directory.GraphAppID), `{"signInRiskLevel":"huge"}`, ""),
		"a proof that is none":        assume(ann, inApp(directory.GraphAppID), `{}`, `,"proofs":[{"method":"smile"}]`),
		"a member too many":           assume(ann, inApp(directory.GraphAppID), `{"mood":"good"}`, ""),
		"a draft that can't be saved": assume(ann, inApp(directory.GraphAppID), `{}`, `,"drafts":[{"displayName":"x"}]`),
		"too many drafts":             assume(ann, inApp(directory.GraphAppID), `{}`, `,"drafts":[`+strings.Repeat(policyFor("x", "enabled", everyApp, blocks)+",", 20)+policyFor("x", "enabled", everyApp, blocks)+`]`),
	} {
		if status := w.status("POST", whatIf, body); status != 400 {
			t.Errorf("%s: %d", name, status)
		}
	}
	if status := w.status("POST", whatIf, assume(uuid.NewString(), inApp(directory.GraphAppID), `{}`, "")); status != 404 {
		t.Errorf("somebody unknown: %d", status)
	}
	for _, body := range []string{`{"days":0}`, `{"days":31}`, `{"day":1}`} {
		if status := w.status("POST", impact, body); status != 400 {
			t.Errorf("%s: %d", body, status)
		}
	}
}

func TestAnImpactReplaysTheLogUnderDrafts(t *testing.T) {
	w := newWorld(t, append([]string{"Policy.Read.All", "Policy.ReadWrite.ConditionalAccess", "AuditLog.Read.All"}, all...)...)
	ann, bob, eve := w.create("ann"), w.create("bob"), w.create("eve")
	w.give(directory.UserID(ann), passkey.MethodID, keyData)
	w.give(directory.UserID(ann), password.MethodID, `{}`)
	w.give(directory.UserID(bob), password.MethodID, `{}`)
	ago := func(user, way string, days int) {
		e := w.event()
		e.At = time.Now().UTC().AddDate(0, 0, -days).Add(time.Minute)
		e.Change, e.SignIn = nil, &audit.SignIn{
			UserID: user, AppID: string(directory.ConsoleAppID), Interactive: true, EventType: audit.InteractiveUser, OperatingSystem: "Linux", IPAddress: "203.0.113.9",
			ClientAppUsed: audit.ClientBrowser, Details: []audit.AuthenticationDetail{{Method: way, At: e.At, Succeeded: true, Requirement: audit.StepPrimary}},
		}
		check(t, w.db.Record(t.Context(), e))
	}
	ago(ann, audit.MethodPassword, 1) // could use her passkey
	ago(ann, audit.MethodPasskey, 1)
	ago(bob, audit.MethodPassword, 2) // has nothing else
	ago(eve, audit.MethodPass, 2)     // nothing at all, but the pass that she used
	ago(bob, audit.MethodPassword, 9) // too long ago
	ago(eve, "Smile", 1)              // nobody knows what that is
	ago(uuid.NewString(), audit.MethodPassword, 1)

	draft := policyFor("Keys", "enabled", everyApp, `{"operator":"OR","authenticationStrength":{"id":"00000000-0000-0000-0000-000000000004"}}`)
	said := w.call(200, "POST", impact, `{"days":7,"drafts":[`+draft+`]}`)
	for member, want := range map[string]any{
		"signIns": 4.0, "people": 3.0, "lockedOutPeople": 2.0, "signInsNotUnderstood": 2.0, "complete": true, "easedSignIns": 0.0,
	} {
		if said[member] != want {
			t.Errorf("%s is %v, want %v", member, said[member], want)
		}
	}
	if text := asText(t, said["askedForMore"]); text != `{"people":3,"signIns":3}` {
		t.Errorf("asked for more are %s", text)
	}
	names := []string{}
	for _, p := range said["affected"].([]any) {
		one := p.(map[string]any)
		names = append(names, fmt.Sprint(one["userPrincipalName"], " ", one["lockedOut"]))
	}
	if len(names) != 3 || names[2] != "ann@contoso.example false" || !strings.HasSuffix(names[0], "true") || !strings.HasSuffix(names[1], "true") {
		t.Errorf("affected are %v", names)
	}
	// Without drafts it is about what only reports.
	if said := w.call(200, "POST", impact, `{}`); asText(t, said["blocked"]) != `{"people":0,"signIns":0}` {
		t.Errorf("without any rule: %v", said)
	}
	w.call(201, "POST", caPolicies, policyFor("Watched", "enabledForReportingButNotEnforced", everyApp, blocks))
	if said := w.call(200, "POST", impact, `{}`); asText(t, said["blocked"]) != `{"people":3,"signIns":4}` {
		t.Errorf("under what only reports: %v", said)
	}
}

func TestWhoMayNotReadPoliciesMayNotTryThem(t *testing.T) {
	w := newWorld(t, all...)
	for _, path := range []string{evaluate, whatIf, impact} {
		if status := w.status("POST", path, `{}`); status != 403 {
			t.Errorf("%s: %d", path, status)
		}
	}
	reader := newWorld(t, append([]string{"Policy.Read.All"}, all...)...) // and no log
	if status := reader.status("POST", impact, `{}`); status != 403 {
		t.Errorf("the log of others: %d", status)
	}
}
