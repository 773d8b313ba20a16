package server_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/devicepolicy"
)

// TestAnAssignedPolicyReachesTheDevice assigns a policy as scripts for Intune do, and asks both
// sides: what Graph says that holds is what the device is told.
func TestAnAssignedPolicyReachesTheDevice(t *testing.T) {
	w := newWorld(t)
	_, pass := w.issue(`{}`)
	m := newMachine(w)
	joined := m.join(m.token("admin@contoso.example", pass))
	admin := w.appToken()
	status, policy := w.api(http.MethodPost, "/beta/deviceManagement/configurationPolicies", admin, `{"name":"No globe","platforms":"windows10","technologies":"mdm",
		"settings":[{"@odata.type":"#microsoft.graph.deviceManagementConfigurationSetting","settingInstance":{
			"@odata.type":"#microsoft.graph.deviceManagementConfigurationChoiceSettingInstance",
			"settingDefinitionId":"device_vendor_msft_policy_config_authentication_enablewebsignin",
			"choiceSettingValue":{"value":"device_vendor_msft_policy_config_authentication_enablewebsignin_2","children":[]}}}]}`)
	if status != http.StatusCreated {
		t.Fatalf("create: %d %v", status, policy)
	}
	told := func() device.Setting {
		t.Helper()
		var out device.PolicyAnswer
		m.decode(m.call(http.MethodGet, "/policy", "", nil), http.StatusOK, &out)
		return m.settings(out.Policy, out.PolicyKeys).Settings[devicepolicy.EnableWebSignIn]
	}
	if got := told(); got.Value.Int() != 1 || got.Reason != devicepolicy.JoinedDevice {
		t.Errorf("before the assignment the device is told %+v", got)
	}
	id := policy["id"].(string)
	if status, answer := w.api(http.MethodPost, "/beta/deviceManagement/configurationPolicies('"+url.PathEscape(id)+"')/assign", admin,
		`{"assignments":[{"target":{"@odata.type":"#microsoft.graph.allDevicesAssignmentTarget"}}]}`); status != http.StatusOK {
		t.Fatalf("assign: %d %v", status, answer)
	}
	got := told()
	if got.Value.Int() != 2 || got.Source != devicepolicy.FromPolicy || got.PolicyID != id || got.PolicyName != "No globe" {
		t.Errorf("after the assignment the device is told %+v", got)
	}
	status, effective := w.api(http.MethodGet, "/v1.0/postern/devices/"+joined.DeviceID+"/effectivePolicy", admin, "")
	if status != http.StatusOK {
		t.Fatalf("effective: %d %v", status, effective)
	}
	var out device.PolicyAnswer
	m.decode(m.call(http.MethodGet, "/policy", "", nil), http.StatusOK, &out)
	all := m.settings(out.Policy, out.PolicyKeys).Settings
	for _, one := range effective["value"].([]any) {
		o := one.(map[string]any)
		s := all[o["omaUri"].(string)]
		raw, err := json.Marshal(s.Value)
		if err != nil {
			t.Fatal(err)
		}
		shown, err := json.Marshal(o["value"])
		if err != nil {
			t.Fatal(err)
		}
		if string(raw) != string(shown) || string(s.Reason) != o["reason"] || string(s.Source) != o["source"] {
			t.Errorf("%s: the device is told %s (%s), the administrator %s (%s)", o["omaUri"], raw, s.Reason, shown, o["reason"])
		}
	}
}
