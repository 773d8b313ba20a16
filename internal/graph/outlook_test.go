package graph_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/method/authenticator"
	"github.com/postern-id/postern/internal/method/passkey"
	"github.com/postern-id/postern/internal/method/password"
	"github.com/postern-id/postern/internal/method/totp"
)

const whatIfReadiness = "/v1.0/postern/recovery/readiness/whatIf"

func TestWhatIfTellsWhoLosesTheirLastWay(t *testing.T) {
	w := newWorld(t, "UserAuthenticationMethod.Read.All", "Policy.ReadWrite.AuthenticationMethod", "AuditLog.Read.All", "Policy.Read.All", "User.Read.All")
	w.call(204, "PATCH", configurations+"/TemporaryAccessPass", `{"state":"enabled"}`)
	w.call(204, "PATCH", configurations+"/Password", `{"state":"enabled"}`)
	w.call(204, "PATCH", configurations+"/SoftwareOath", `{"state":"enabled"}`)
	keys, phone, typing := w.member("keys"), w.member("phone"), w.member("typing")
	w.give(keys.ID, passkey.MethodID, strings.Replace(keyData, `"rpId"`, `"transports":["usb"],"rpId"`, 1))
	w.give(phone.ID, authenticator.MethodID, `{"verifies":true}`)
	w.give(typing.ID, password.MethodID, `{}`)
	w.give(typing.ID, totp.MethodID, `{}`)
	ask := func(body string) (stranded, dependent float64, names []string) {
		t.Helper()
		got := w.call(200, "POST", whatIfReadiness, body)
		if got["isComplete"] != true {
			t.Errorf("%s: not complete: %v", body, got)
		}
		for _, one := range got["losing"].([]any) {
			names = append(names, one.(map[string]any)["displayName"].(string))
		}
		return got["leftWithoutAWay"].(float64), got["leftWithAPassOnly"].(float64), names
	}
	for _, c := range []struct {
		name, body          string
		stranded, dependent float64
	}{
		{"nothing changes", `{}`, 0, 0},
		{"without passwords codes alone are half a way", `{"passwordsOff":true}`, 0, 1},
		{"without keys", `{"methods":[{"id":"Fido2","state":"disabled"}]}`, 0, 1},
		{"passes for one use still let in", `{"passesOneTime":true}`, 0, 0},
		{"without passes nobody is left a way who loses the rest", `{"methods":[{"id":"TemporaryAccessPass","state":"disabled"}]}`, 4, 0},
		{"phishing-resistant for everybody keeps passes out, too", `{"requirePhishingResistant":true}`, 4, 0},
	} {
		if s, d, names := ask(c.body); s != c.stranded || d != c.dependent {
			t.Errorf("%s: %v without a way and %v with a pass only (%v), want %v and %v", c.name, s, d, names, c.stranded, c.dependent)
		}
	}
	w.refused(400, "POST", whatIfReadiness, `{"passwords":true}`)
	w.refused(404, "POST", whatIfReadiness, `{"methods":[{"id":"Sms","state":"disabled"}]}`)
}

func TestAPolicyThatLeavesPeopleWithoutAWayIsSavedOnlyForWhoInsists(t *testing.T) {
	w := newWorld(t, "Policy.ReadWrite.AuthenticationMethod", "User.Read.All", "AuditLog.Read.All", "Policy.Read.All")
	w.member("ann")
	w.call(204, "PATCH", configurations+"/TemporaryAccessPass", `{"state":"enabled"}`)
	if text := asText(t, w.call(409, "PATCH", configurations+"/TemporaryAccessPass", `{"state":"disabled"}`)); !strings.Contains(text, "policyStrandsPeople") {
		t.Errorf("refused as %v", text)
	}
	w.refused(409, "DELETE", configurations+"/TemporaryAccessPass", "")
	if state := w.call(200, "GET", configurations+"/TemporaryAccessPass", "")["state"]; state != "enabled" {
		t.Errorf("what was refused was saved: %v", state)
	}
	w.call(204, "PATCH", configurations+"/TemporaryAccessPass", `{"defaultLength":12}`) // takes nobody anything
	w.call(204, "PATCH", configurations+"/TemporaryAccessPass", `{"state":"disabled","postern_force":true}`)
	w.call(204, "PATCH", configurations+"/TemporaryAccessPass", `{"minimumLifetimeInMinutes":60}`) // nobody has a way to lose
}

func TestARecoveryPolicyThatLeavesPeopleWithoutAWayIsSavedOnlyForWhoInsists(t *testing.T) {
	w := newWorld(t, "Policy.ReadWrite.AuthenticationMethod", "User.Read.All", "AuditLog.Read.All", "Policy.Read.All")
	w.member("ann")
	w.call(204, "PATCH", configurations+"/TemporaryAccessPass", `{"state":"enabled"}`)
	const policy = "/v1.0/postern/recovery/policy"
	// A case is needed, and nothing that anybody shows is good for a pass.
	none := `"caseRequired":["everyone"],"rules":[{"targetClass":"everyone","grants":[]}]`
	if got := w.call(200, "POST", whatIfReadiness, `{"recoveryPolicy":{`+none+`}}`); got["leftWithoutAWay"] != 1.0 {
		t.Errorf("what if: %v", got)
	}
	if text := asText(t, w.call(409, "PATCH", policy, `{`+none+`}`)); !strings.Contains(text, "policyStrandsPeople") {
		t.Errorf("refused as %v", text)
	}
	if got := w.call(200, "GET", policy, "")["caseRequired"]; fmt.Sprint(got) != "[]" {
		t.Errorf("what was refused was saved: %v", got)
	}
	w.call(200, "PATCH", policy, `{"caseRequired":["everyone"]}`) // a case does it
	w.call(200, "PATCH", policy, `{`+none+`,"postern_force":true}`)
	w.call(200, "PATCH", policy, `{"disputeWindowInDays":20}`) // nobody has a way to lose
}

func TestARuleThatLeavesPeopleWithoutAWayIsSavedOnlyForWhoInsists(t *testing.T) {
	w := newWorld(t, "Policy.ReadWrite.AuthenticationMethod", "Policy.ReadWrite.ConditionalAccess", "Application.Read.All", "User.Read.All", "AuditLog.Read.All", "Policy.Read.All")
	ann := w.member("ann")
	w.call(204, "PATCH", configurations+"/TemporaryAccessPass", `{"state":"enabled"}`)
	const policies, strengths = "/v1.0/identity/conditionalAccess/policies", "/v1.0/policies/authenticationStrengthPolicies"
	policy := func(state, where, strength string) string {
		return `{"displayName":"Keys","state":"` + state + `","conditions":{"users":{"includeUsers":["` + string(ann.ID) + `"]},"applications":` + where + `},
			"grantControls":{"operator":"OR","authenticationStrength":{"id":"` + strength + `"}}}`
	}
	const all, adding, resistant = `{"includeApplications":["All"]}`, `{"includeUserActions":["urn:user:registersecurityinfo"]}`, "00000000-0000-0000-0000-000000000004"
	strands := func(method, path, body string) {
		t.Helper()
		if text := asText(t, w.call(409, method, path, body)); !strings.Contains(text, "policyStrandsPeople") {
			t.Errorf("%s %s: refused as %v", method, path, text)
		}
	}
	strands("POST", policies, policy("enabled", all, resistant))
	off := w.call(201, "POST", policies, policy("enabledForReportingButNotEnforced", all, resistant))["id"].(string)
	strands("PATCH", policies+"/"+off, `{"state":"enabled"}`)
	w.call(204, "PATCH", policies+"/"+off, `{"displayName":"Keys only"}`)

	// With a rule of its own for registration a pass is a way again, and this rule can't just go.
	mine := w.call(201, "POST", strengths, `{"displayName":"Passes","allowedCombinations":["temporaryAccessPassOneTime","temporaryAccessPassMultiUse","fido2"]}`)["id"].(string)
	first := w.call(201, "POST", policies, policy("enabled", adding, mine))["id"].(string)
	w.call(204, "PATCH", policies+"/"+off, `{"state":"enabled"}`)
	strands("DELETE", policies+"/"+first, "")
	strands("PATCH", policies+"/"+first, `{"state":"disabled"}`)
	strands("POST", strengths+"/"+mine+"/updateAllowedCombinations", `{"allowedCombinations":["fido2"]}`)
	w.call(204, "PATCH", policies+"/"+first, `{"displayName":"Registration"}`) // takes nobody anything

	// Who insists is heard, and the log says so; afterwards nobody has a way to lose.
	w.call(204, "PATCH", policies+"/"+first, `{"state":"disabled","postern_force":true}`)
	w.call(204, "DELETE", policies+"/"+first, "")
}

// Where a tenant has too many people to count them in time, the change asks instead of going by.
func TestWhatCantBeCountedInTimeIsAskedAbout(t *testing.T) {
	w := newWorld(t, "Policy.ReadWrite.AuthenticationMethod", "User.Read.All", "AuditLog.Read.All", "Policy.Read.All", "Policy.ReadWrite.ConditionalAccess", "Application.Read.All")
	w.member("ann")
	w.call(204, "PATCH", configurations+"/TemporaryAccessPass", `{"state":"enabled"}`)
	w.api.GuardTime = time.Nanosecond
	rule := func(more string) string {
		return `{"displayName":"MFA","state":"enabled","conditions":{"users":{"includeUsers":["All"]},"applications":{"includeApplications":["All"]}},
			"grantControls":{"operator":"OR","builtInControls":["mfa"]}` + more + `}`
	}
	for _, text := range []string{
		asText(t, w.call(409, "PATCH", configurations+"/TemporaryAccessPass", `{"state":"disabled"}`)),
		asText(t, w.call(409, "POST", "/v1.0/identity/conditionalAccess/policies", rule(""))),
	} {
		if !strings.Contains(text, "policyUncounted") {
			t.Errorf("refused as %v", text)
		}
	}
	w.call(201, "POST", "/v1.0/identity/conditionalAccess/policies", rule(`,"postern_force":true`))
	w.call(204, "PATCH", configurations+"/TemporaryAccessPass", `{"state":"disabled","postern_force":true}`)
}
