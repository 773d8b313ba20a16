package server_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/postern-id/postern/internal/device"
)

// ids are the ids of a list.
func (w *world) ids(path string) []string {
	w.t.Helper()
	status, v := w.api(http.MethodGet, path, w.appToken(), "")
	if status != http.StatusOK {
		w.t.Fatalf("GET %s: %d %v", path, status, v)
	}
	all := []string{}
	list, _ := v["value"].([]any)
	for _, one := range list {
		all = append(all, one.(map[string]any)["id"].(string))
	}
	return all
}

func TestGraphShowsDevices(t *testing.T) {
	w := newWorld(t)
	m, out, _ := joined(t, w)
	m.decode(m.call(http.MethodPost, "/status", "", device.Status{AgentVersion: "1.2.3"}), http.StatusNoContent, nil)
	admin := out.Accounts[0].ID

	for _, filter := range []string{
		"displayName eq 'lt-0451'", "startsWith(displayName,'LT')", "deviceId eq '" + out.DeviceID + "'", "operatingSystem eq 'Linux'",
		"trustType eq 'AzureAd'", "accountEnabled eq true", "approximateLastSignInDateTime ge 2020-01-01T00:00:00Z",
	} {
		if got := w.ids("/v1.0/devices?$filter=" + url.QueryEscape(filter)); len(got) != 1 || got[0] != out.ObjectID {
			t.Errorf("%s: %v", filter, got)
		}
	}
	if got := w.ids("/v1.0/devices?$filter=" + url.QueryEscape("trustType eq 'Workplace'")); len(got) != 0 {
		t.Errorf("registered devices: %v", got)
	}
	if status, v := w.api(http.MethodGet, "/v1.0/devices?$filter="+url.QueryEscape("model eq 'x'"), w.appToken(), ""); status != http.StatusBadRequest {
		t.Errorf("a filter without an index: %d %v", status, v)
	}
	_, d := w.api(http.MethodGet, "/v1.0/devices(deviceId='"+out.DeviceID+"')", w.appToken(), "")
	if d["id"] != out.ObjectID || d["trustType"] != "AzureAd" || d["accountEnabled"] != true || d["postern_status"] != nil {
		t.Errorf("the device is %v", d)
	}
	_, d = w.api(http.MethodGet, "/v1.0/devices/"+out.ObjectID+"?$select=id,postern_status,postern_keyStorage", w.appToken(), "")
	status, _ := d["postern_status"].(map[string]any)
	report, _ := status["report"].(map[string]any)
	if report["agentVersion"] != "1.2.3" || d["postern_keyStorage"] != "software" {
		t.Errorf("of itself it says %v", d)
	}
	for path, want := range map[string]string{
		"/v1.0/devices/" + out.ObjectID + "/registeredOwners": admin, "/v1.0/devices/" + out.ObjectID + "/registeredUsers": admin,
		"/v1.0/users/" + admin + "/ownedDevices": out.ObjectID, "/v1.0/users/" + admin + "/registeredDevices": out.ObjectID,
	} {
		if got := w.ids(path); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}

func TestDevicesAreInGroups(t *testing.T) {
	w := newWorld(t)
	_, out, _ := joined(t, w)
	group := w.create("/v1.0/groups", `{"displayName":"Laptops","mailNickname":"laptops","securityEnabled":true,"mailEnabled":false}`)
	above := w.create("/v1.0/groups", `{"displayName":"All","mailNickname":"all","securityEnabled":true,"mailEnabled":false}`)
	w.change(http.MethodPost, "/v1.0/groups/"+group+"/members/$ref", reference(out.ObjectID))
	w.change(http.MethodPost, "/v1.0/groups/"+above+"/members/$ref", reference(group))
	if status, v := w.api(http.MethodPost, "/v1.0/groups/"+group+"/owners/$ref", w.appToken(), reference(out.ObjectID)); status != http.StatusBadRequest {
		t.Errorf("a device owns a group: %d %v", status, v)
	}
	device := "/v1.0/devices/" + out.ObjectID
	for path, want := range map[string]int{
		device + "/memberOf": 1, device + "/transitiveMemberOf": 2, "/v1.0/groups/" + group + "/members/microsoft.graph.device": 1,
		"/v1.0/groups/" + above + "/transitiveMembers/microsoft.graph.device": 1,
	} {
		if got := w.ids(path); len(got) != want {
			t.Errorf("%s: %v", path, got)
		}
	}
	w.change(http.MethodDelete, device, "")
	if got := w.ids("/v1.0/groups/" + group + "/members"); len(got) != 0 {
		t.Errorf("after its deletion it is a member: %v", got)
	}
}

func TestADeviceIsRenamedAndNotMore(t *testing.T) {
	w := newWorld(t)
	_, out, _ := joined(t, w)
	path := "/v1.0/devices/" + out.ObjectID
	w.change(http.MethodPatch, path, `{"displayName":"LT-0452"}`)
	if got := w.ids("/v1.0/devices?$filter=" + url.QueryEscape("displayName eq 'LT-0452'")); len(got) != 1 {
		t.Errorf("after it was renamed: %v", got)
	}
	for _, body := range []string{`{"trustType":"ServerAd"}`, `{"displayName":" "}`, `{"postern_attested":true}`, `{"x":1}`} {
		if status, v := w.api(http.MethodPatch, path, w.appToken(), body); status != http.StatusBadRequest {
			t.Errorf("%s: %d %v", body, status, v)
		}
	}
	if got := w.directoryAudits(w.appToken(), "Update device"); len(got) != 1 {
		t.Errorf("the log has %v", got)
	}
}
