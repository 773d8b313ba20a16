package graph_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
)

const configurations = "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations"

// ids returns the ids of the objects in a list.
func ids(list any) string {
	var all []string
	objects, _ := list.([]any)
	for _, one := range objects {
		id, _ := one.(map[string]any)["id"].(string)
		all = append(all, id)
	}
	return strings.Join(all, " ")
}

func TestThePolicyHasTheConfigurationOfEveryMethodThatIsThere(t *testing.T) {
	w := newWorld(t, "Policy.Read.AuthenticationMethod")
	whole := w.call(200, "GET", "/v1.0/policies/authenticationMethodsPolicy", "")
	list := w.call(200, "GET", configurations, "")
	all := ids(list["value"])
	if got := ids(whole["authenticationMethodConfigurations"]); got != all || !strings.Contains(all, "TemporaryAccessPass") {
		t.Errorf("the policy has %q, the list %q", got, all)
	}
	for id := range strings.SplitSeq(all, " ") {
		one := w.call(200, "GET", configurations+"/"+strings.ToUpper(id), "")
		kind, _ := one["@odata.type"].(string)
		if one["id"] != id || !strings.HasPrefix(kind, "#microsoft.graph.") || !strings.HasSuffix(kind, "AuthenticationMethodConfiguration") {
			t.Errorf("%s: %v", id, one)
		}
		for _, name := range []string{"state", "includeTargets", "excludeTargets"} {
			if one[name] == nil {
				t.Errorf("%s has no %s", id, name)
			}
		}
		w.refused(403, "PATCH", configurations+"/"+id, `{"state":"enabled"}`)
		w.refused(403, "DELETE", configurations+"/"+id, "")
	}
}

func TestEveryConfigurationIsChangedStrictlyAndReset(t *testing.T) {
	w := newWorld(t, "Group.ReadWrite.All", "Policy.ReadWrite.AuthenticationMethod")
	group := w.group("pilots", false)
	known := ids(w.call(200, "GET", configurations, "")["value"])
	for id := range strings.SplitSeq(known, " ") {
		path := configurations + "/" + id
		fresh := w.call(200, "GET", path, "")
		for _, body := range []string{
			`{"state":"on"}`, `{"state":null}`, `{"State":"enabled"}`, `{"colour":"red"}`, `{"includeTargets":[{"id":"` + group + `","targetType":"user"}]}`,
			`{"includeTargets":[{"id":"` + group + `","colour":"red"}]}`, `{"excludeTargets":[{"id":"all_users"}]}`, `{"excludeTargets":[{"id":"nobody"}]}`,
			`{"excludeTargets":[{"id":"` + uuid.NewString() + `"}]}`, `{"includeTargets":{}}`, `[]`, ``,
		} {
			if code := w.refused(400, "PATCH", path, body); code == "" {
				t.Errorf("%s: %s has no code", id, body)
			}
		}
		if now := w.call(200, "GET", path, ""); now["state"] != fresh["state"] {
			t.Errorf("%s: refused changes left %v", id, now)
		}
		w.call(204, "PATCH", path, `{"@odata.type":"#microsoft.graph.x","state":"enabled","excludeTargets":[{"targetType":"group","id":"`+strings.ToUpper(group)+`"}]}`)
		changed := w.call(200, "GET", path, "")
		if changed["state"] != "enabled" || ids(changed["excludeTargets"]) != group || ids(changed["includeTargets"]) != directory.AllUsers {
			t.Errorf("%s: %v", id, changed)
		}
		w.insists = true
		w.call(204, "DELETE", path, "")
		w.insists = false
		if reset := w.call(200, "GET", path, ""); reset["state"] != fresh["state"] || ids(reset["excludeTargets"]) != "" {
			t.Errorf("%s: reset to %v, want %v", id, reset, fresh)
		}
		w.changes(audit.MethodsPolicyUpdate, id)
		w.changes(audit.MethodsPolicyReset, id)
	}
}

func TestAMethodThatPosternDoesNotHaveCanBeNeitherReadNorChanged(t *testing.T) {
	w := newWorld(t, "Policy.ReadWrite.AuthenticationMethod")
	for _, id := range []string{"Sms", "voice", "HardwareOath", "Pigeon"} {
		w.refused(404, "GET", configurations+"/"+id, "")
		w.refused(404, "DELETE", configurations+"/"+id, "")
	}
	w.refused(404, "PATCH", configurations+"/Pigeon", `{"state":"enabled"}`)
	if code := w.refused(400, "PATCH", configurations+"/Sms", `{"state":"enabled"}`); code != "notSupported" {
		t.Errorf("the code is %s", code)
	}
}

func TestTheConfigurationOfAnotherTenantIsItsOwn(t *testing.T) {
	w := newWorld(t, "Policy.ReadWrite.AuthenticationMethod")
	w.call(204, "PATCH", configurations+"/TemporaryAccessPass", `{"state":"enabled","defaultLength":20}`)
	policy, err := w.db.PassPolicy(t.Context(), directory.TenantID(uuid.NewString()))
	if err != nil || policy.Enabled() {
		t.Errorf("another tenant's policy is %+v, %v", policy, err)
	}
	if own, err := w.db.PassPolicy(t.Context(), w.tenant.ID); err != nil || own.DefaultLength != 20 {
		t.Errorf("the own policy is %+v, %v", own, err)
	}
}

// refused sends a request that is refused with a status, and returns the code of the answer.
func (w *world) refused(status int, method, path, body string) string {
	w.t.Helper()
	failure, _ := w.call(status, method, path, body)["error"].(map[string]any)
	code, _ := failure["code"].(string)
	return code
}

// changes wants one event of an activity on a target, which names old and new value.
func (w *world) changes(activity, target string) {
	w.t.Helper()
	found := 0
	for _, e := range w.events(w.t) {
		if e.Change == nil || e.Change.Activity != activity {
			continue
		}
		for _, on := range e.Change.Targets {
			if on.ID == target && len(on.Modified) == 1 && strings.Contains(on.Modified[0].OldValue+on.Modified[0].NewValue, `"state":"enabled"`) {
				found++
			}
		}
	}
	if found != 1 {
		w.t.Errorf("%d events %q of %s, want 1", found, activity, target)
	}
}

func TestTheCampaignIsPartOfTheWholePolicy(t *testing.T) {
	const whole = "/v1.0/policies/authenticationMethodsPolicy"
	w := newWorld(t, "Policy.ReadWrite.AuthenticationMethod", "Group.ReadWrite.All", "User.ReadWrite.All")
	group, ann := w.group("pilots", false), w.create("ann")
	campaign := func(query string) map[string]any {
		part, _ := w.call(200, "GET", whole+query, "")["registrationEnforcement"].(map[string]any)
		c, _ := part["authenticationMethodsRegistrationCampaign"].(map[string]any)
		return c
	}
	if c := campaign(""); c["state"] != "default" || c["postern_afterPass"] != nil {
		t.Errorf("a new tenant's is %v", c)
	}
	body := func(inner string) string {
		return `{"registrationEnforcement":{"authenticationMethodsRegistrationCampaign":` + inner + `}}`
	}
	w.call(204, "PATCH", whole, body(`{"state":"enabled","snoozeDurationInDays":3,"postern_afterPass":"required",
		"includeTargets":[{"id":"`+group+`","targetType":"group","targetedAuthenticationMethod":"fido2"}],"excludeTargets":[{"id":"`+strings.ToUpper(ann)+`","targetType":"user"}]}`))
	c := campaign("?$select=registrationEnforcement")
	if c["state"] != "enabled" || c["snoozeDurationInDays"] != 3.0 || ids(c["includeTargets"]) != group || ids(c["excludeTargets"]) != ann || c["postern_afterPass"] != "required" {
		t.Errorf("the campaign is %v", c)
	}
	w.changes(audit.MethodsPolicyUpdate, "registrationCampaign")
	for _, refused := range []string{
		body(`{"state":"on"}`), body(`{"snoozeDurationInDays":15}`), body(`{"colour":"red"}`), `{"registrationEnforcement":{"colour":1}}`,
		body(`{"includeTargets":[{"id":"` + group + `","targetedAuthenticationMethod":"sms"}]}`),
		body(`{"includeTargets":[{"id":"` + uuid.NewString() + `","targetedAuthenticationMethod":"fido2"}]}`),
		body(`{"excludeTargets":[{"id":"` + group + `","targetType":"user"}]}`), body(`{"excludeTargets":[{"id":"all_users"}]}`),
		`{"colour":"red"}`, `{"policyMigrationState":"preMigration"}`, `{"reconfirmationInDays":30}`, `{"authenticationMethodConfigurations":[]}`,
	} {
		w.refused(400, "PATCH", whole, refused)
	}
	if now := campaign("?$select=registrationEnforcement"); now["state"] != "enabled" || ids(now["includeTargets"]) != group {
		t.Errorf("refused changes left %v", now)
	}
	preferred := func() string {
		part, _ := w.call(200, "GET", whole, "")["systemCredentialPreferences"].(map[string]any)
		return fmt.Sprint(part["state"], " ", ids(part["includeTargets"]), " ", ids(part["excludeTargets"]))
	}
	if got := preferred(); got != "default all_users " {
		t.Errorf("the preferences of a new tenant are %s", got)
	}
	w.call(204, "PATCH", whole, `{"systemCredentialPreferences":{"state":"enabled","includeTargets":[{"id":"`+group+`"}],"excludeTargets":[]}}`)
	if got := preferred(); got != "enabled "+group+" " {
		t.Errorf("the preferences are %s", got)
	}
	w.changes(audit.MethodsPolicyUpdate, "systemCredentialPreferences")
	for _, refused := range []string{
		`{"systemCredentialPreferences":{"state":"on"}}`, `{"systemCredentialPreferences":{"excludeTargets":[{"id":"` + ann + `"}]}}`,
		`{"systemCredentialPreferences":{"state":"default"},"registrationEnforcement":{"authenticationMethodsRegistrationCampaign":{"state":"disabled"}}}`,
	} {
		w.refused(400, "PATCH", whole, refused)
	}
	// What was read can be sent back.
	w.call(204, "PATCH", whole, `{"@odata.context":"x","id":"authenticationMethodsPolicy","policyVersion":"1.5","policyMigrationState":"migrationComplete","reconfirmationInDays":null}`)
	parts := w.call(200, "GET", whole+"?$select=registrationEnforcement,systemCredentialPreferences", "")
	parts["systemCredentialPreferences"].(map[string]any)["state"] = "disabled"
	sent, err := json.Marshal(parts)
	check(t, err)
	w.call(204, "PATCH", whole, string(sent))
	if got := preferred(); got != "disabled "+group+" " {
		t.Errorf("after one change in all that was read the preferences are %s", got)
	}
	w.refused(413, "PATCH", whole, `{"displayName":"`+strings.Repeat("x", 2<<20)+`"}`)
	defer w.as(w.signIn(w.member("reader", directory.GlobalReader), everyScope()...))()
	campaign("")
	w.refused(403, "PATCH", whole, body(`{"state":"disabled"}`))
}
