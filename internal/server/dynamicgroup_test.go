package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/devicepolicy"
)

// dynamicGroup creates a group of devices by rule.
func (w *world) dynamicGroup(name, rule string) string {
	w.t.Helper()
	return w.create("/v1.0/groups", fmt.Sprintf(`{"displayName":%q,"mailNickname":%q,"securityEnabled":true,"mailEnabled":false,
		"groupTypes":["DynamicMembership"],"membershipRule":%q,"membershipRuleProcessingState":"On"}`, name, strings.ToLower(name), rule))
}

// noGlobe creates a policy that takes web sign-in away, for a group.
func (w *world) noGlobe(group string) {
	w.t.Helper()
	id := w.create("/beta/deviceManagement/configurationPolicies", `{"name":"No globe","platforms":"linux","technologies":"mdm",
		"settings":[{"@odata.type":"#microsoft.graph.deviceManagementConfigurationSetting","settingInstance":{
			"@odata.type":"#microsoft.graph.deviceManagementConfigurationChoiceSettingInstance",
			"settingDefinitionId":"device_vendor_msft_policy_config_authentication_enablewebsignin",
			"choiceSettingValue":{"value":"device_vendor_msft_policy_config_authentication_enablewebsignin_2","children":[]}}}]}`)
	if status, v := w.api(http.MethodPost, "/beta/deviceManagement/configurationPolicies/"+id+"/assign", w.appToken(),
		`{"assignments":[{"target":{"@odata.type":"#microsoft.graph.groupAssignmentTarget","groupId":"`+group+`"}}]}`); status != http.StatusOK {
		w.t.Fatalf("assign: %d %v", status, v)
	}
}

func (m *machine) globe() int {
	m.w.t.Helper()
	var out device.PolicyAnswer
	m.decode(m.call(http.MethodGet, "/policy", "", nil), http.StatusOK, &out)
	return int(m.settings(out.Policy, out.PolicyKeys).Settings[devicepolicy.EnableWebSignIn].Value.Int())
}

const off = 2 // of EnableWebSignIn

func TestTheAnswerToAJoinHasThePolicyOfDynamicGroups(t *testing.T) {
	w := newWorld(t)
	w.noGlobe(w.dynamicGroup("Laptops", `(device.operatingSystem -eq "Linux") and (device.displayName -startsWith "LT-")`))
	m, out, _ := joined(t, w)
	if got := m.settings(out.Policy, out.PolicyKeys).Settings[devicepolicy.EnableWebSignIn].Value.Int(); got != off {
		t.Errorf("the answer to the join says %d", got)
	}
	if got := w.ids("/v1.0/devices/" + out.ObjectID + "/memberOf"); len(got) != 1 {
		t.Errorf("it is in %v", got)
	}
}

func TestADeviceFollowsTheRulesOfGroupsAtOnce(t *testing.T) {
	w := newWorld(t)
	w.server.Start()
	m, out, _ := joined(t, w)
	laptops := w.dynamicGroup("Laptops", `device.displayName -startsWith "LAP-"`)
	if got := w.ids("/v1.0/groups?$filter=" + url.QueryEscape("groupTypes/any(t:t eq 'DynamicMembership')")); len(got) != 1 || got[0] != laptops {
		t.Errorf("dynamic groups: %v", got)
	}
	above := w.create("/v1.0/groups", `{"displayName":"All","mailNickname":"all","securityEnabled":true,"mailEnabled":false}`)
	w.change(http.MethodPost, "/v1.0/groups/"+above+"/members/$ref", reference(laptops))
	w.noGlobe(above) // through another group, too
	if got := m.globe(); got == off {
		t.Fatal("it is in the group before it has the name")
	}
	events, stop := m.listen("")
	defer stop()
	told := func(what string, want int) {
		t.Helper()
		for begin := time.Now(); ; {
			if e := next(t, events); e.change != string(device.PolicyChanged) {
				continue
			}
			if late := time.Since(begin); late > 5*time.Second {
				t.Errorf("%s: told after %v", what, late)
			}
			if got := m.globe(); (got == off) != (want == off) {
				t.Errorf("%s: the policy says %d", what, got)
			}
			return
		}
	}
	path := "/v1.0/devices/" + out.ObjectID
	w.change(http.MethodPatch, path, `{"displayName":"LAP-0451"}`)
	told("named so", off)
	w.change(http.MethodPatch, path, `{"displayName":"DT-0451"}`)
	told("named otherwise", 0)
	w.change(http.MethodPatch, "/v1.0/groups/"+laptops, `{"membershipRule":"device.displayName -startsWith \"DT-\""}`)
	told("another rule", off)
	if got := w.ids("/v1.0/groups/" + laptops + "/members"); len(got) != 1 || got[0] != out.ObjectID {
		t.Errorf("members: %v", got)
	}
	for activity, n := range map[string]int{"Add member to group": 2, "Remove member from group": 1} { // of the device, and of the group in another one
		if got := w.directoryAudits(w.appToken(), activity); len(got) != n {
			t.Errorf("%s: %v", activity, got)
		}
	}
	w.change(http.MethodPatch, "/v1.0/groups/"+laptops, `{"membershipRuleProcessingState":"Paused"}`)
	told("paused", off)
	w.change(http.MethodPatch, path, `{"displayName":"LAP-0451"}`)
	if got := m.globe(); got != off {
		t.Error("a paused rule was followed")
	}
	w.change(http.MethodPatch, "/v1.0/groups/"+laptops, `{"membershipRuleProcessingState":"On"}`)
	if got := m.globe(); got == off {
		t.Error("a rule that goes on was not followed")
	}
	w.change(http.MethodDelete, path, "")
	if got := w.ids("/v1.0/groups/" + laptops + "/members"); len(got) != 0 {
		t.Errorf("after the deletion: %v", got)
	}
}

func TestNobodyChangesTheMembersOfADynamicGroup(t *testing.T) {
	w := newWorld(t)
	_, out, _ := joined(t, w)
	path := "/v1.0/groups/" + w.dynamicGroup("Linux", `device.operatingSystem -eq "Linux"`)
	ada := w.createUser("ada")
	for _, try := range []struct{ method, path, body string }{
		{http.MethodPost, path + "/members/$ref", reference(ada)},
		{http.MethodPost, path + "/members/$ref", reference(out.ObjectID)},
		{http.MethodDelete, path + "/members/" + out.ObjectID + "/$ref", ""},
		{http.MethodPatch, path, `{"members@odata.bind":["https://graph.microsoft.com/v1.0/directoryObjects/` + ada + `"]}`},
		{http.MethodPost, "/v1.0/groups", `{"displayName":"X","mailNickname":"x","securityEnabled":true,"mailEnabled":false,"groupTypes":["DynamicMembership"],
			"membershipRule":"device.model -eq null","members@odata.bind":["https://graph.microsoft.com/v1.0/directoryObjects/` + ada + `"]}`},
	} {
		status, v := w.api(try.method, try.path, w.appToken(), try.body)
		e, _ := v["error"].(map[string]any)
		if status != http.StatusForbidden || e["code"] != "Authorization_RequestDenied" {
			t.Errorf("%s %s: %d %v", try.method, try.path, status, v)
		}
	}
	if got := w.ids(path + "/members"); len(got) != 1 || got[0] != out.ObjectID {
		t.Errorf("members: %v", got)
	}
	w.change(http.MethodPost, path+"/owners/$ref", reference(ada)) // owners are chosen
}

func TestAGroupBecomesDynamicAndBack(t *testing.T) {
	w := newWorld(t)
	_, out, _ := joined(t, w)
	ada := w.createUser("ada")
	group := w.create("/v1.0/groups", `{"displayName":"Mixed","mailNickname":"mixed","securityEnabled":true,"mailEnabled":false}`)
	path := "/v1.0/groups/" + group
	w.change(http.MethodPost, path+"/members/$ref", reference(ada))
	w.change(http.MethodPatch, path, `{"groupTypes":["DynamicMembership"],"membershipRule":"device.operatingSystem -eq \"Linux\""}`)
	if got := w.ids(path + "/members"); len(got) != 1 || got[0] != out.ObjectID {
		t.Errorf("a dynamic group has %v", got)
	}
	w.change(http.MethodDelete, path, "")
	status, v := w.api(http.MethodPost, "/v1.0/directory/deletedItems/"+group+"/restore", w.appToken(), "")
	if status != http.StatusOK {
		t.Fatalf("restore: %d %v", status, v)
	}
	if got := w.ids(path + "/members"); len(got) != 1 || got[0] != out.ObjectID {
		t.Errorf("after it was restored: %v", got)
	}
	w.change(http.MethodPatch, path, `{"groupTypes":[]}`)
	w.change(http.MethodPatch, "/v1.0/devices/"+out.ObjectID, `{"displayName":"other"}`)
	w.change(http.MethodPost, path+"/members/$ref", reference(ada))
	if got := w.ids(path + "/members"); len(got) != 2 {
		t.Errorf("an ordinary group again: %v", got)
	}
	_, g := w.api(http.MethodGet, path, w.appToken(), "")
	if g["membershipRule"] != nil || g["membershipRuleProcessingState"] != nil {
		t.Errorf("it still has a rule: %v", g)
	}
}

func TestAGroupWithABadRuleIsRefused(t *testing.T) {
	w := newWorld(t)
	for what, more := range map[string]string{
		"no rule":           `"groupTypes":["DynamicMembership"]`,
		"not a rule":        `"groupTypes":["DynamicMembership"],"membershipRule":"all of them"`,
		"a rule of people":  `"groupTypes":["DynamicMembership"],"membershipRule":"user.department -eq \"IT\""`,
		"another state":     `"groupTypes":["DynamicMembership"],"membershipRule":"device.model -eq null","membershipRuleProcessingState":"Off"`,
		"a rule alone":      `"membershipRule":"device.model -eq null"`,
		"a group for roles": `"groupTypes":["DynamicMembership"],"membershipRule":"device.model -eq null","isAssignableToRole":true`,
		"another type":      `"groupTypes":["Unified"]`,
	} {
		status, v := w.api(http.MethodPost, "/v1.0/groups", w.appToken(),
			`{"displayName":"X","mailNickname":"x","securityEnabled":true,"mailEnabled":false,`+more+`}`)
		if status != http.StatusBadRequest {
			t.Errorf("%s: %d %v", what, status, v)
		}
	}
}
