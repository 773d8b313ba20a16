package graph_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/authenticator"
)

// states are the checks of an answer, by source and name.
func states(answer map[string]any) map[string]string {
	all := map[string]string{}
	for _, one := range list(answer) {
		p := one.(map[string]any)
		all[p["source"].(string)+" "+p["name"].(string)] = p["state"].(string)
	}
	return all
}

func TestThePrerequisitesOfWebSignInAreTold(t *testing.T) {
	w := newWorld(t, append(slices.Clone(all), "DeviceManagementConfiguration.ReadWrite.All", "UserAuthenticationMethod.Read.All")...)
	d := w.device(directory.TrustJoined)
	check(t, w.db.SaveDeviceStatus(t.Context(), w.tenant.ID, d.ID, device.Status{
		PolicyApplied: time.Now().UnixMicro(), Prerequisites: []device.Prerequisite{{Name: "clock", State: device.Fail, Detail: "The clock is off.", Fix: "Set it."}},
	}, time.Now()))
	path := "/v1.0/postern/devices/" + string(d.ID) + "/prerequisites"
	got := states(w.call(200, "GET", path, ""))
	for what, want := range map[string]string{
		"server joined": "pass", "server certificate": "fail", "server webSignIn": "pass", "server method": "pass", "server policyReached": "pass", "agent clock": "fail",
	} {
		if got[what] != want {
			t.Errorf("%s: %q, want %q", what, got[what], want)
		}
	}
	w.assign(w.policy("Off", strings.Replace(webOn, "enablewebsignin_1", "enablewebsignin_2", 1)), to("allDevicesAssignmentTarget", ""))
	if got := states(w.call(200, "GET", path, "")); got["server webSignIn"] != "fail" || got["server policyReached"] != "warn" {
		t.Errorf("with a policy that the device has not: %v", got)
	}
	ann := w.create("ann")
	if got := states(w.call(200, "GET", path+"?user=ann@contoso.example", "")); got["server method"] != "fail" {
		t.Errorf("somebody without a method: %v", got)
	}
	w.give(directory.UserID(ann), authenticator.MethodID, `{"key":"c2VhbGVkLXNlY3JldA=="}`)
	if got := w.call(200, "GET", path+"?user="+ann, ""); got["userId"] != ann || states(got)["server method"] == "" {
		t.Errorf("somebody with one: %v", got)
	}
	w.call(404, "GET", path+"?user=nobody@contoso.example", "")
	w.call(404, "GET", "/v1.0/postern/devices/"+ann+"/prerequisites", "")
	w.call(400, "GET", path+"?$select=id", "")
}

// TestTheHelpdeskChecksDevicesButNotMethods: what somebody has to sign in with is read by who may.
func TestTheHelpdeskChecksDevicesButNotMethods(t *testing.T) {
	w := newDeviceWorld(t)
	d := w.device(directory.TrustJoined)
	path := "/v1.0/postern/devices/" + string(d.ID) + "/prerequisites"
	ann := w.create("ann")
	for _, c := range []struct {
		role           directory.RoleID
		device, person int
	}{
		{directory.HelpdeskAdministrator, 200, 403},
		{directory.AuthenticationAdministrator, 200, 200},
		{directory.IntuneAdministrator, 200, 403},
		{directory.ReportsReader, 403, 403},
	} {
		token := w.signIn(w.member("m"+string(c.role)[:8], c.role), everyScope()...)
		back := w.as(token)
		if got := w.status("GET", path, ""); got != c.device {
			t.Errorf("%s: the device is %d", c.role, got)
		}
		if got := w.status("GET", path+"?user="+ann, ""); got != c.person {
			t.Errorf("%s: somebody at it is %d", c.role, got)
		}
		back()
	}
}

func TestAPolicyIsPreviewedWithoutBeingStored(t *testing.T) {
	w := newDeviceWorld(t)
	const preview = "/v1.0/postern/devicePolicies/preview"
	off := strings.Replace(webOn, "enablewebsignin_1", "enablewebsignin_2", 1)
	group := w.group("people", false)
	w.call(204, "POST", "/v1.0/groups/"+group+"/members/$ref", ref(w.create("ann")))
	answer := w.call(200, "POST", preview, `{"name":" Web ","settings":[`+webOn+`],"assignments":[{"target":`+to("groupAssignmentTarget", group)+`}]}`)
	changes := answer["changes"].([]any)
	if answer["name"] != "Web" || answer["id"] != nil || len(changes) != 1 || len(answer["postern_warnings"].([]any)) != 1 {
		t.Errorf("a new policy: %v", answer)
	}
	if c := changes[0].(map[string]any); c["now"] != nil || c["then"] != 1.0 {
		t.Errorf("the change is %v", c)
	}
	id := w.policy("Web", webOn)
	w.assign(id, to("allDevicesAssignmentTarget", ""))
	other := w.policy("Old", webOn)
	w.assign(other, to("allDevicesAssignmentTarget", ""))
	answer = w.call(200, "POST", preview+"?of="+id, `{"settings":[`+off+`]}`)
	if c := answer["changes"].([]any)[0].(map[string]any); c["now"] != 1.0 || c["then"] != 2.0 || len(answer["assignments"].([]any)) != 1 {
		t.Errorf("a change: %v", answer)
	}
	if warned := answer["postern_warnings"].([]any); len(warned) != 1 || !strings.Contains(warned[0].(map[string]any)["message"].(string), "Old") {
		t.Errorf("the warnings are %v", warned)
	}
	answer = w.call(200, "POST", preview, `{"@odata.type":"#microsoft.graph.windows10CustomConfiguration","displayName":"By URI",
		"omaSettings":[{"@odata.type":"#microsoft.graph.omaSettingInteger","omaUri":"./Vendor/MSFT/Policy/Config/Authentication/EnableWebSignIn","value":1}]}`)
	if answer["name"] != "By URI" || len(answer["settings"].([]any)) != 1 {
		t.Errorf("a custom profile: %v", answer)
	}
	if p := w.call(200, "GET", policies+"/"+id, ""); p["settingCount"] != 1.0 {
		t.Errorf("the policy became %v", p)
	}
	if n := len(list(w.call(200, "GET", policies, ""))); n != 2 {
		t.Errorf("there are %d policies", n)
	}
	for name, body := range map[string]string{
		"half JSON": `{"name":"x"`, "no name": `{}`, "a group that is not there": `{"name":"x","assignments":[{"target":` + to("groupAssignmentTarget", w.robot) + `}]}`,
		"a wrong option": `{"name":"x","settings":[` + strings.Replace(webOn, "enablewebsignin_1", "enablewebsignin_7", 1) + `]}`,
		"a platform":     `{"name":"x","platforms":"macOS"}`,
	} {
		if got := w.status("POST", preview, body); got != http.StatusBadRequest {
			t.Errorf("%s: %d", name, got)
		}
	}
	w.call(404, "POST", preview+"?of="+w.robot, `{}`)
}

func TestTheListOfDevicesNamesOwners(t *testing.T) {
	w := newWorld(t, "Device.ReadWrite.All", "User.Read.All")
	d := w.device(directory.TrustJoined)
	found := list(w.call(200, "GET", "/v1.0/devices?$expand=registeredOwners($select=id,displayName)&$select=id,displayName", ""))
	owners := found[0].(map[string]any)["registeredOwners"].([]any)
	if len(found) != 1 || len(owners) != 1 || owners[0].(map[string]any)["displayName"] != "admin" || owners[0].(map[string]any)["userPrincipalName"] != nil {
		t.Errorf("the list is %v", found)
	}
	one := w.call(200, "GET", "/v1.0/devices/"+string(d.ID)+"?$expand=registeredOwners", "")
	if len(one["registeredOwners"].([]any)) != 1 || one["displayName"] != "laptop" {
		t.Errorf("the device is %v", one)
	}
	w.call(204, "DELETE", "/v1.0/devices/"+string(d.ID)+"/registeredOwners/"+string(w.admin.ID)+"/$ref", "")
	if one := w.call(200, "GET", "/v1.0/devices/"+string(d.ID)+"?$expand=registeredOwners", ""); len(one["registeredOwners"].([]any)) != 0 {
		t.Errorf("without an owner it is %v", one)
	}
	w.call(400, "GET", "/v1.0/devices?$expand=registeredUsers", "")
}
