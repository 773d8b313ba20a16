package graph_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
)

const (
	caPolicies  = "/v1.0/identity/conditionalAccess/policies"
	caLocations = "/v1.0/identity/conditionalAccess/namedLocations"
	caContexts  = "/v1.0/identity/conditionalAccess/authenticationContextClassReferences"
	strengths   = "/v1.0/policies/authenticationStrengthPolicies"
)

func newAccessWorld(t *testing.T) *world {
	t.Helper()
	return newWorld(t, append([]string{"Policy.Read.All", "Policy.ReadWrite.ConditionalAccess"}, all...)...)
}

// mfaForAdmins is the body that Microsoft's pages send, with what is empty.
const mfaForAdmins = `{"displayName":"MFA for admins","state":"enabled",
 "conditions":{"clientAppTypes":["all"],
  "users":{"includeUsers":[],"excludeUsers":[%q],"includeGroups":[],"excludeGroups":[],"includeRoles":["62E90394-69f5-4237-9190-012177145e10"],"excludeRoles":[]},
  "applications":{"includeApplications":["All"],"excludeApplications":[],"includeUserActions":[],"includeAuthenticationContextClassReferences":[]},
  "locations":{"includeLocations":["All"],"excludeLocations":["AllTrusted"]},
  "platforms":null,"devices":null,"userRiskLevels":[],"signInRiskLevels":[],"servicePrincipalRiskLevels":[],"insiderRiskLevels":null,"authenticationFlows":null,"clientApplications":null},
 "grantControls":{"operator":"OR","builtInControls":["mfa"],"customAuthenticationFactors":[],"termsOfUse":[],"authenticationStrength":null},
 "sessionControls":null}`

func (w *world) eventsOf(activity string) []audit.Event {
	w.t.Helper()
	all, _, err := w.db.Events(w.t.Context(), w.tenant.ID, audit.KindDirectory, nil, nil, nil, 1000)
	check(w.t, err)
	var found []audit.Event
	for _, e := range all {
		if e.Change.Activity == activity {
			found = append(found, e)
		}
	}
	return found
}

func TestAPolicyOfConditionalAccessIsKeptAsItWasSent(t *testing.T) {
	w := newAccessWorld(t)
	made := w.call(201, "POST", caPolicies, fmt.Sprintf(mfaForAdmins, w.admin.ID))
	id := made["id"].(string)
	there, err := w.db.AccessRules(t.Context(), w.tenant.ID)
	check(t, err)
	if len(there.Policies) != 1 || there.Policies[0].Conditions.Users.IncludeRoles[0] != string(directory.GlobalAdministrator) {
		t.Fatalf("kept is %+v", there.Policies)
	}
	read := w.call(200, "GET", caPolicies+"/"+id, "")
	if read["state"] != "enabled" || read["displayName"] != "MFA for admins" || read["createdDateTime"] == nil || read["modifiedDateTime"] != nil {
		t.Errorf("it is read as %v", read)
	}

	if !strings.Contains(asText(t, read["conditions"]), `"includeGroups":[]`) || !strings.Contains(asText(t, read["conditions"]), `"userRiskLevels":[]`) {
		t.Errorf("empty lists are shown as %v", read["conditions"])
	}

	// What was read can be sent back, and changes nothing but when it was changed.
	raw, err := json.Marshal(read)
	check(t, err)
	w.call(204, "PATCH", caPolicies+"/"+id, string(raw))
	again := w.call(200, "GET", caPolicies+"/"+id, "")
	for _, member := range []string{"conditions", "grantControls", "sessionControls", "state", "createdDateTime"} {
		if a, b := asText(t, read[member]), asText(t, again[member]); a != b {
			t.Errorf("%s was %s and is %s", member, a, b)
		}
	}
	if again["modifiedDateTime"] == nil {
		t.Error("nobody sees that it was changed")
	}

	// What is not sent stays, within conditions, too.
	w.call(204, "PATCH", caPolicies+"/"+id, `{"state":"enabledForReportingButNotEnforced","conditions":{"signInRiskLevels":["high"]}}`)
	again = w.call(200, "GET", caPolicies+"/"+id, "")
	conditions := again["conditions"].(map[string]any)
	if asText(t, conditions["signInRiskLevels"]) != `["high"]` || !strings.Contains(asText(t, conditions["users"]), string(w.admin.ID)) ||
		again["state"] != "enabledForReportingButNotEnforced" || again["grantControls"] == nil {
		t.Errorf("after the change it is %v", again)
	}

	list := w.call(200, "GET", caPolicies+"?$filter=state%20eq%20'enabledForReportingButNotEnforced'&$select=id,displayName", "")["value"].([]any)
	if len(list) != 1 || len(list[0].(map[string]any)) != 3 {
		t.Errorf("the list has %v", list)
	}
	w.call(204, "DELETE", caPolicies+"/"+id, "")
	w.call(404, "GET", caPolicies+"/"+id, "")
	for activity, n := range map[string]int{audit.AddAccessPolicy: 1, audit.UpdateAccessPolicy: 2, audit.DeleteAccessPolicy: 1} {
		if events := w.eventsOf(activity); len(events) != n {
			t.Errorf("%d events %q, want %d", len(events), activity, n)
		}
	}
	told := w.eventsOf(audit.UpdateAccessPolicy)[1].Change.Targets[0]
	if told.ID != id || len(told.Modified) != 2 || told.Modified[0].DisplayName != "state" || told.Modified[0].OldValue != `"enabled"` {
		t.Errorf("the event tells %+v", told)
	}
}

func asText(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	check(t, err)
	return string(raw)
}

func TestWhatCannotBeEnforcedOrNamesNothingIsRefused(t *testing.T) {
	w := newAccessWorld(t)
	policy := func(old, fresh string) string {
		body := fmt.Sprintf(mfaForAdmins, w.admin.ID)
		if !strings.Contains(body, old) {
			t.Fatalf("there is no %s", old)
		}
		return strings.Replace(body, old, fresh, 1)
	}
	for name, body := range map[string]string{
		"a person who is not there":      policy(`"includeGroups":[]`, `"includeGroups":["`+string(w.admin.ID)+`"]`),
		"a role that is not there":       policy(`62E90394-69f5-4237-9190-012177145e10`, `62e90394-69f5-4237-9190-012177145e11`),
		"an application nobody has":      policy(`"includeApplications":["All"]`, `"includeApplications":["62e90394-69f5-4237-9190-012177145e11"]`),
		"a location nobody made":         policy(`"excludeLocations":["AllTrusted"]`, `"excludeLocations":["62e90394-69f5-4237-9190-012177145e11"]`),
		"a strength nobody made":         policy(`"builtInControls":["mfa"]`, `"builtInControls":[],"authenticationStrength@odata.bind":"https://graph.microsoft.com/v1.0/policies/authenticationStrengthPolicies/62e90394-69f5-4237-9190-012177145e11"`),
		"terms of use":                   policy(`"termsOfUse":[]`, `"termsOfUse":["62e90394-69f5-4237-9190-012177145e11"]`),
		"insider risk":                   policy(`"insiderRiskLevels":null`, `"insiderRiskLevels":"moderate"`),
		"an approved application":        policy(`["mfa"]`, `["approvedApplication"]`),
		"a state that there is not":      policy(`"enabled"`, `"on"`),
		"a member that there is not":     policy(`"state"`, `"stat":1,"state"`),
		"session controls of Exchange":   policy(`"sessionControls":null`, `"sessionControls":{"applicationEnforcedRestrictions":{"isEnabled":true}}`),
		"a strength beside mfa":          policy(`"authenticationStrength":null`, `"authenticationStrength":{"id":"00000000-0000-0000-0000-000000000004"}`),
		"a rule that no device can meet": policy(`"devices":null`, `"devices":{"deviceFilter":{"mode":"include","rule":"device.colour -eq \"red\""}}`),
	} {
		t.Run(name, func(t *testing.T) {
			if rec := w.send("POST", caPolicies, body); rec.Code != http.StatusBadRequest {
				t.Errorf("it answers %d %s", rec.Code, rec.Body)
			}
		})
	}
	if there, err := w.db.AccessRules(t.Context(), w.tenant.ID); err != nil || there.Version != 0 {
		t.Errorf("the rules are at version %d, %v", there.Version, err)
	}
}

func TestAStrengthIsNamedByIDOrByLink(t *testing.T) {
	w := newAccessWorld(t)
	for _, strength := range []string{
		`"authenticationStrength":{"id":"00000000-0000-0000-0000-000000000004","displayName":"as it was read"}`,
		`"authenticationStrength@odata.bind":"https://graph.microsoft.com/v1.0/policies/authenticationStrengthPolicies('00000000-0000-0000-0000-000000000004')"`,
		`"authenticationStrength@odata.bind":"https://graph.microsoft.com/v1.0/policies/authenticationStrengthPolicies/00000000-0000-0000-0000-000000000004"`,
	} {
		made := w.call(201, "POST", caPolicies, `{"displayName":"x","state":"disabled","conditions":{"users":{"includeUsers":["All"]},"applications":{"includeApplications":["All"]}},
			"grantControls":{"operator":"OR",`+strength+`}}`)
		shown := made["grantControls"].(map[string]any)["authenticationStrength"].(map[string]any)
		if shown["displayName"] != "Phishing resistant MFA" || len(shown["allowedCombinations"].([]any)) != 3 {
			t.Errorf("%s is shown as %v", strength, shown)
		}
	}
	usage := w.call(200, "GET", strengths+"/00000000-0000-0000-0000-000000000004/usage", "")
	if len(usage["mfa"].([]any)) != 3 || len(usage["none"].([]any)) != 0 {
		t.Errorf("it is used by %v", usage)
	}
}

func TestNamedLocationsAreKeptAndNotDeletedUnderAPolicy(t *testing.T) {
	w := newAccessWorld(t)
	made := w.call(201, "POST", caLocations, `{"@odata.type":"#microsoft.graph.ipNamedLocation","displayName":"HQ","isTrusted":true,"ipRanges":[
		{"@odata.type":"#microsoft.graph.iPv4CidrRange","cidrAddress":"203.0.113.7/24"},{"@odata.type":"#microsoft.graph.iPv6CidrRange","cidrAddress":"2001:db8::/32"}]}`)
	id := made["id"].(string)
	ranges := asText(t, made["ipRanges"])
	if made["isTrusted"] != true || !strings.Contains(ranges, "203.0.113.0/24") || !strings.Contains(ranges, "iPv6CidrRange") {
		t.Errorf("it is made as %v", made)
	}
	w.call(204, "PATCH", caLocations+"/"+id, `{"@odata.type":"#microsoft.graph.ipNamedLocation","displayName":"Head office"}`)
	if read := w.call(200, "GET", caLocations+"/"+id, ""); read["displayName"] != "Head office" || asText(t, read["ipRanges"]) != ranges {
		t.Errorf("it is read as %v", read)
	}
	w.call(400, "PATCH", caLocations+"/"+id, `{"@odata.type":"#microsoft.graph.countryNamedLocation"}`)
	w.call(400, "POST", caLocations, `{"@odata.type":"#microsoft.graph.ipNamedLocation","displayName":"Nowhere","ipRanges":[]}`)
	w.call(400, "POST", caLocations, `{"displayName":"No kind"}`)

	policy := w.call(201, "POST", caPolicies, `{"displayName":"Abroad","state":"disabled","conditions":{"users":{"includeUsers":["All"]},"applications":{"includeApplications":["All"]},
		"locations":{"includeLocations":["All"],"excludeLocations":["`+id+`"]}},"grantControls":{"operator":"OR","builtInControls":["mfa"]}}`)["id"].(string)
	if answer := w.call(409, "DELETE", caLocations+"/"+id, ""); !strings.Contains(asText(t, answer), "Abroad") {
		t.Errorf("the refusal is %v", answer)
	}
	w.call(204, "DELETE", caPolicies+"/"+policy, "")
	w.call(204, "DELETE", caLocations+"/"+id, "")
}

func TestStrengthsAreBuiltInOrTheTenants(t *testing.T) {
	w := newAccessWorld(t)
	if all := list(w.call(200, "GET", strengths+"?$filter=policyType%20eq%20'builtIn'", "")); len(all) != 3 || all[0].(map[string]any)["id"] != access.StrengthMFA {
		t.Errorf("built in are %v", all)
	}
	w.call(403, "PATCH", strengths+"/"+access.StrengthMFA, `{"displayName":"Mine"}`)
	w.call(403, "DELETE", strengths+"/"+access.StrengthMFA, "")

	made := w.call(201, "POST", strengths, `{"@odata.type":"#microsoft.graph.authenticationStrengthPolicy","displayName":"Keys and passes","description":"x","policyType":"custom",
		"requirementsSatisfied":"mfa","allowedCombinations":["fido2","temporaryAccessPassOneTime"],"combinationConfigurations@odata.context":"x","combinationConfigurations":[]}`)
	id := made["id"].(string)
	if made["policyType"] != "custom" || made["requirementsSatisfied"] != "mfa" {
		t.Errorf("it is made as %v", made)
	}
	if all := list(w.call(200, "GET", strengths+"?$filter=policyType%20eq%20'custom'", "")); len(all) != 1 {
		t.Errorf("custom are %v", all)
	}
	has := list(w.call(200, "GET", "/v1.0/identity/conditionalAccess/authenticationStrength/policies?$filter=allowedCombinations/any(x:x%20has%20'sms,%20password')", ""))
	if len(has) != 1 || has[0].(map[string]any)["id"] != access.StrengthMFA {
		t.Errorf("with sms and password there are %v", has)
	}
	changed := w.call(200, "POST", strengths+"/"+id+"/updateAllowedCombinations", `{"allowedCombinations":["password,softwareOath","fido2"]}`)
	if asText(t, changed["previousCombinations"]) != `["fido2","temporaryAccessPassOneTime"]` || len(changed["currentCombinations"].([]any)) != 2 {
		t.Errorf("the change answers %v", changed)
	}
	w.call(400, "POST", strengths+"/"+id+"/updateAllowedCombinations", `{"allowedCombinations":["telepathy"]}`)
	w.call(400, "POST", strengths+"/"+id+"/updateAllowedCombinations", `{"allowedCombinations":[]}`)
	w.call(400, "PATCH", strengths+"/"+id, `{"allowedCombinations":["fido2"]}`)
	if got := w.call(200, "PATCH", strengths+"/"+id, `{"displayName":"Keys"}`); got["displayName"] != "Keys" {
		t.Errorf("it is renamed as %v", got)
	}

	part := strengths + "/" + id + "/combinationConfigurations"
	model := `{"@odata.type":"#microsoft.graph.fido2CombinationConfiguration","appliesToCombinations":["fido2"],"allowedAAGUIDs":["EE882879-721c-4913-9775-3dfcce97072a"]}`
	one := w.call(201, "POST", part, model)["id"].(string)
	w.call(409, "POST", part, model)
	if got := list(w.call(200, "GET", part, "")); asText(t, got[0].(map[string]any)["allowedAAGUIDs"]) != `["ee882879-721c-4913-9775-3dfcce97072a"]` {
		t.Errorf("the configurations are %v", got)
	}
	if got := w.call(200, "GET", strengths+"/"+id, ""); len(got["combinationConfigurations"].([]any)) != 1 {
		t.Errorf("the strength shows %v", got)
	}
	w.call(204, "DELETE", part+"/"+one, "")
	w.call(404, "GET", part+"/"+one, "")
	for activity, n := range map[string]int{audit.StrengthPolicyCreate: 1, audit.StrengthPolicyUpdate: 4} {
		if events := w.eventsOf(activity); len(events) != n {
			t.Errorf("%d events %q, want %d", len(events), activity, n)
		}
	}
	policy := w.call(201, "POST", caPolicies, `{"displayName":"Keys for all","state":"disabled","conditions":{"users":{"includeUsers":["All"]},"applications":{"includeApplications":["All"]}},
		"grantControls":{"operator":"OR","authenticationStrength":{"id":"`+id+`"}}}`)["id"].(string)
	w.call(409, "DELETE", strengths+"/"+id, "")
	w.call(204, "DELETE", caPolicies+"/"+policy, "")
	w.call(204, "DELETE", strengths+"/"+id, "")
}

func TestAuthenticationContextsHaveTheIDsThatApplicationsAskFor(t *testing.T) {
	w := newAccessWorld(t)
	w.call(201, "POST", caContexts, `{"id":"c2","displayName":"Payments","description":"x","isAvailable":true}`)
	w.call(204, "PATCH", caContexts+"/c1", `{"displayName":"Sensitive"}`) // Graph makes it
	w.call(409, "POST", caContexts, `{"id":"c1","displayName":"Again"}`)
	w.call(400, "POST", caContexts, `{"id":"c100","displayName":"Too far"}`)
	w.call(400, "PATCH", caContexts+"/c1", `{"id":"c3"}`)
	all := list(w.call(200, "GET", caContexts, ""))
	if len(all) != 2 || all[0].(map[string]any)["id"] != "c1" {
		t.Errorf("there are %v", all)
	}
	w.call(201, "POST", caPolicies, `{"displayName":"Step up","state":"disabled","conditions":{"users":{"includeUsers":["All"]},
		"applications":{"includeAuthenticationContextClassReferences":["c1"]}},"grantControls":{"operator":"OR","builtInControls":["mfa"]}}`)
	w.call(409, "DELETE", caContexts+"/c1", "")
	w.call(204, "DELETE", caContexts+"/c2", "")
}

func TestEveryTemplateMakesAPolicy(t *testing.T) {
	w := newAccessWorld(t)
	all := list(w.call(200, "GET", "/v1.0/identity/conditionalAccess/templates", ""))
	if len(all) < 6 {
		t.Fatalf("there are %d templates", len(all))
	}
	for _, one := range all {
		template := one.(map[string]any)
		body := template["details"].(map[string]any)
		body["displayName"], body["state"], body["templateId"] = template["name"], "enabledForReportingButNotEnforced", template["id"]
		made := w.call(201, "POST", caPolicies, asText(t, body))
		if made["templateId"] != template["id"] {
			t.Errorf("%v comes from %v", made["displayName"], made["templateId"])
		}
	}
	w.call(404, "GET", "/v1.0/identity/conditionalAccess/templates/nothing", "")
}

func TestWhoMayReadAndChangeConditionalAccess(t *testing.T) {
	for _, row := range []struct {
		permissions                []string
		read, write, strengthWrite int
	}{
		{[]string{"Policy.Read.All"}, 200, 403, 403},
		{[]string{"Policy.ReadWrite.ConditionalAccess"}, 200, 400, 400},
		{[]string{"Policy.ReadWrite.AuthenticationMethod"}, 403, 403, 400},
		{[]string{"User.Read.All"}, 403, 403, 403},
	} {
		w := newWorld(t, row.permissions...)
		if got := w.status("GET", caPolicies, ""); got != row.read {
			t.Errorf("%v reads policies: %d", row.permissions, got)
		}
		if got := w.status("POST", caPolicies, "{}"); got != row.write {
			t.Errorf("%v makes policies: %d", row.permissions, got)
		}
		if got := w.status("POST", strengths, "{}"); got != row.strengthWrite {
			t.Errorf("%v makes strengths: %d", row.permissions, got)
		}
	}
}

func TestAListOfPoliciesIsReadPageByPage(t *testing.T) {
	w := newAccessWorld(t)
	for i := range 5 {
		w.call(201, "POST", caPolicies, fmt.Sprintf(`{"displayName":"p%d","state":"disabled","conditions":{"users":{"includeUsers":["All"]},"applications":{"includeApplications":["All"]}},
			"grantControls":{"operator":"OR","builtInControls":["mfa"]}}`, i))
	}
	for _, order := range []string{"", "&$orderby=displayName%20desc"} {
		var names []string
		for link := caPolicies + "?$top=2" + order; link != ""; {
			page := w.call(200, "GET", link, "")
			for _, one := range list(page) {
				names = append(names, one.(map[string]any)["displayName"].(string))
			}
			link, _ = page["@odata.nextLink"].(string)
		}
		want := "p0 p1 p2 p3 p4"
		if order != "" {
			want = "p4 p3 p2 p1 p0"
		}
		if strings.Join(names, " ") != want {
			t.Errorf("%s gives %v", order, names)
		}
	}
}

// blockAll is a policy that blocks whom it names from everything.
func blockAll(state, exclude string) string {
	return `{"displayName":"Nobody","state":"` + state + `","conditions":{"users":{"includeUsers":["All"],"excludeUsers":[` + exclude + `]},
		"applications":{"includeApplications":["All"]}},"grantControls":{"operator":"OR","builtInControls":["block"]}}`
}

func TestAPolicyThatLocksOutEveryAdministratorIsRefusedUnlessForced(t *testing.T) {
	w := newAccessWorld(t)
	refused := w.call(409, "POST", caPolicies, blockAll("enabled", ""))
	if text := asText(t, refused); !strings.Contains(text, "accessLockout") || !strings.Contains(text, "Nobody") {
		t.Errorf("the refusal is %s", text)
	}
	w.call(201, "POST", caPolicies, blockAll("enabled", `"`+string(w.admin.ID)+`"`)) // one of them is left
	only := w.call(201, "POST", caPolicies, blockAll("enabledForReportingButNotEnforced", ""))["id"].(string)
	w.call(409, "PATCH", caPolicies+"/"+only, `{"state":"enabled"}`)

	// Who has registered nothing comes with a pass, which is two factors and can be phished.
	w.call(201, "POST", caPolicies, `{"displayName":"MFA","state":"enabled","conditions":{"users":{"includeUsers":["All"]},"applications":{"includeApplications":["All"]}},
		"grantControls":{"operator":"OR","builtInControls":["mfa"]}}`)
	strength := w.call(201, "POST", strengths, `{"displayName":"Ours","allowedCombinations":["temporaryAccessPassOneTime","fido2"]}`)["id"].(string)
	w.call(201, "POST", caPolicies, `{"displayName":"Ours","state":"enabled","conditions":{"users":{"includeUsers":["All"]},"applications":{"includeApplications":["All"]}},
		"grantControls":{"operator":"OR","authenticationStrength":{"id":"`+strength+`"}}}`)
	w.call(409, "POST", strengths+"/"+strength+"/updateAllowedCombinations", `{"allowedCombinations":["fido2"]}`)

	w.call(204, "PATCH", caPolicies+"/"+only, `{"state":"enabled","postern_force":true}`)
	if told := w.eventsOf(audit.UpdateAccessPolicy)[0].Change.Details; len(told) != 1 || told[0].Key != "postern_force" {
		t.Errorf("the event of what was forced tells %v", told)
	}
	w.call(201, "POST", caPolicies, blockAll("enabled", "")) // nothing is left to lose
	w.call(204, "PATCH", caPolicies+"/"+only, `{"state":"disabled"}`)
}

func TestAnAdministratorsOwnPlaceCounts(t *testing.T) {
	w := newAccessWorld(t)
	home := w.call(201, "POST", caLocations, `{"@odata.type":"#microsoft.graph.ipNamedLocation","displayName":"HQ","ipRanges":[
		{"@odata.type":"#microsoft.graph.iPv4CidrRange","cidrAddress":"203.0.113.0/24"}]}`)["id"].(string)
	elsewhere := `{"displayName":"From HQ only","state":"enabled","conditions":{"users":{"includeUsers":["All"]},"applications":{"includeApplications":["All"]},
		"locations":{"includeLocations":["All"],"excludeLocations":["` + home + `"]}},"grantControls":{"operator":"OR","builtInControls":["block"]}}`
	w.call(409, "POST", caPolicies, elsewhere)
	e := w.event()
	e.Change, e.SignIn = nil, &audit.SignIn{
		UserID: string(w.admin.ID), IPAddress: "203.0.113.9", Interactive: true, EventType: audit.InteractiveUser, OperatingSystem: "Linux",
	}
	check(t, w.db.Record(t.Context(), e))
	w.call(201, "POST", caPolicies, elsewhere)
	away := `{"ipRanges":[{"@odata.type":"#microsoft.graph.iPv4CidrRange","cidrAddress":"198.51.100.0/24"}]}`
	w.call(409, "PATCH", caLocations+"/"+home, away)
	w.call(204, "PATCH", caLocations+"/"+home, strings.Replace(away, "{", `{"postern_force":true,`, 1))
}

// Who saves or deletes what somebody else changed meanwhile is told so.
func TestAPolicyIsChangedAsItWasReadOnly(t *testing.T) {
	w := newAccessWorld(t)
	made := w.call(201, "POST", caPolicies, fmt.Sprintf(mfaForAdmins, w.admin.ID))
	path, tag := caPolicies+"/"+made["id"].(string), made["@odata.etag"].(string)
	w.wantStatus(204, w.stream("PATCH", path, "application/json", []byte(`{"displayName":"Second"}`), "If-Match", tag))
	w.wantStatus(412, w.stream("PATCH", path, "application/json", []byte(`{"displayName":"Late"}`), "If-Match", tag))
	w.wantStatus(412, w.stream("DELETE", path, "", nil, "If-Match", tag))
	now := w.call(200, "GET", path, "")
	if now["displayName"] != "Second" {
		t.Errorf("it is %v", now["displayName"])
	}
	w.wantStatus(204, w.stream("DELETE", path, "", nil, "If-Match", now["@odata.etag"].(string)))
}
