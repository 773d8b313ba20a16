package graph_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/directory"
)

const (
	policies = "/beta/deviceManagement/configurationPolicies"
	webOn    = `{"settingInstance":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationChoiceSettingInstance",
		"settingDefinitionId":"device_vendor_msft_policy_config_authentication_enablewebsignin",
		"choiceSettingValue":{"value":"device_vendor_msft_policy_config_authentication_enablewebsignin_1","children":[]}}}`
)

func newDeviceWorld(t *testing.T) *world {
	t.Helper()
	return newWorld(t, append(slices.Clone(all), "DeviceManagementConfiguration.ReadWrite.All")...)
}

func (w *world) policy(name string, settings ...string) string {
	w.t.Helper()
	return w.call(201, "POST", policies, fmt.Sprintf(`{"name":%q,"settings":[%s]}`, name, strings.Join(settings, ",")))["id"].(string)
}

func (w *world) assign(id string, targets ...string) map[string]any {
	w.t.Helper()
	var all []string
	for _, one := range targets {
		all = append(all, `{"target":`+one+`}`)
	}
	return w.call(200, "POST", policies+"('"+id+"')/assign", `{"assignments":[`+strings.Join(all, ",")+`]}`)
}

func to(kind, group string) string {
	if group == "" {
		return `{"@odata.type":"#microsoft.graph.` + kind + `"}`
	}
	return `{"@odata.type":"#microsoft.graph.` + kind + `","groupId":"` + group + `"}`
}

// device joins a device without the join.
func (w *world) device(trust directory.TrustType) directory.Device {
	w.t.Helper()
	d, err := w.db.JoinDevice(w.t.Context(), directory.Device{
		Tenant: w.tenant.ID, ID: directory.DeviceObjectID(uuid.NewString()), DeviceID: uuid.NewString(), DisplayName: "laptop", AccountEnabled: true,
		OperatingSystem: "Linux", TrustType: trust, RegisteredAt: time.Now(), KeyThumbprint: uuid.NewString(), KeyStorage: "software", Owner: w.admin.ID,
	}, 10, func(directory.Device) audit.Event { return w.event() })
	check(w.t, err)
	return d
}

// effective returns what holds for one setting.
func (w *world) effective(d directory.Device, uri, query string) map[string]any {
	w.t.Helper()
	for _, one := range list(w.call(200, "GET", "/v1.0/postern/devices/"+string(d.ID)+"/effectivePolicy"+query, "")) {
		if o := one.(map[string]any); o["omaUri"] == uri {
			return o
		}
	}
	w.t.Fatalf("there is nothing about %s", uri)
	return nil
}

// TestAPolicyIsMadeTheWayIntuneMakesIt sends what scripts for Intune's settings catalog send.
func TestAPolicyIsMadeTheWayIntuneMakesIt(t *testing.T) {
	w := newDeviceWorld(t)
	const globe = "device_vendor_msft_policy_config_admx_credentialproviders_defaultcredentialprovider"
	answer := w.call(201, "POST", policies, `{
		"@odata.type":"#microsoft.graph.deviceManagementConfigurationPolicy",
		"name":"Web sign-in","description":"For everybody","platforms":"windows10","technologies":"mdm","roleScopeTagIds":["0"],
		"templateReference":{"templateId":"","templateFamily":"none"},
		"settings":[`+webOn+`,
			{"@odata.type":"#microsoft.graph.deviceManagementConfigurationSetting","settingInstance":{
				"@odata.type":"#microsoft.graph.deviceManagementConfigurationChoiceSettingInstance","settingDefinitionId":"`+globe+`",
				"choiceSettingValue":{"value":"`+globe+`_1","children":[{
					"@odata.type":"#microsoft.graph.deviceManagementConfigurationSimpleSettingInstance",
					"settingDefinitionId":"`+globe+`_defaultcredentialprovider_message",
					"simpleSettingValue":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationStringSettingValue","value":"`+devicepolicy.ProviderWebSignIn+`"}}]}}},
			{"settingInstance":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationSimpleSettingCollectionInstance",
				"settingDefinitionId":"device_vendor_msft_policy_config_authentication_configurewebsigninallowedurls","settingInstanceTemplateReference":null,
				"simpleSettingCollectionValue":[{"@odata.type":"#microsoft.graph.deviceManagementConfigurationStringSettingValue","value":"idp.example.com"}]}},
			{"settingInstance":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationGroupSettingCollectionInstance",
				"settingDefinitionId":"device_vendor_msft_passportforwork_{tenantid}","groupSettingCollectionValue":[{"children":[
					{"@odata.type":"#microsoft.graph.deviceManagementConfigurationSimpleSettingInstance",
					 "settingDefinitionId":"device_vendor_msft_passportforwork_{tenantid}_policies_pincomplexity_minimumpinlength",
					 "simpleSettingValue":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationIntegerSettingValue","value":8}},
					{"@odata.type":"#microsoft.graph.deviceManagementConfigurationChoiceSettingInstance",
					 "settingDefinitionId":"device_vendor_msft_passportforwork_{tenantid}_policies_requiresecuritydevice",
					 "choiceSettingValue":{"value":"device_vendor_msft_passportforwork_{tenantid}_policies_requiresecuritydevice_true","children":[]}}]}]}}
		]}`)
	id := answer["id"].(string)
	if answer["settingCount"] != 5.0 || answer["isAssigned"] != false || answer["platforms"] != "windows10" || len(answer["postern_warnings"].([]any)) != 0 {
		t.Errorf("it is answered as %v", answer)
	}
	stored, err := w.db.DevicePolicy(t.Context(), w.tenant.ID, id)
	check(t, err)
	want := map[string]devicepolicy.Value{
		devicepolicy.EnableWebSignIn: devicepolicy.IntValue(1), devicepolicy.DefaultCredentialProvider: devicepolicy.TextValue(devicepolicy.ProviderWebSignIn),
		devicepolicy.WebSignInAllowedURLs: devicepolicy.ListValue("idp.example.com"), devicepolicy.MinimumPINLength: devicepolicy.IntValue(8),
		devicepolicy.RequireSecurityDevice: devicepolicy.BoolValue(true),
	}
	if fmt.Sprint(stored.Settings) != fmt.Sprint(want) {
		t.Errorf("stored is %v, want %v", stored.Settings, want)
	}

	// What is read back makes the same policy again.
	raw, err := json.Marshal(map[string]any{"name": "Copy", "settings": list(w.call(200, "GET", policies+"('"+id+"')/settings", ""))})
	check(t, err)
	copied, err := w.db.DevicePolicy(t.Context(), w.tenant.ID, w.call(201, "POST", policies, string(raw))["id"].(string))
	check(t, err)
	if fmt.Sprint(copied.Settings) != fmt.Sprint(want) {
		t.Errorf("the copy has %v, want %v", copied.Settings, want)
	}
	found := list(w.call(200, "GET", policies+"?$filter=name%20eq%20'copy'&$expand=settings,assignments&$select=id,name", ""))
	if len(found) != 1 || len(found[0].(map[string]any)["settings"].([]any)) != 5 {
		t.Errorf("the list has %v", found)
	}
}

// TestEverySettingCanBeSetAndReadBack goes through the catalog on both paths.
func TestEverySettingCanBeSetAndReadBack(t *testing.T) {
	w := newDeviceWorld(t)
	values := map[string]devicepolicy.Value{}
	for _, s := range devicepolicy.Catalog() {
		values[s.URI] = s.Default
	}
	now := time.Now()
	check(t, w.db.CreateDevicePolicy(t.Context(), devicepolicy.Policy{
		Tenant: w.tenant.ID, ID: uuid.NewString(), Name: "All", Settings: values, CreatedAt: now, ModifiedAt: now,
	}, devicepolicy.MaxPolicies, w.event()))
	id := list(w.call(200, "GET", policies, ""))[0].(map[string]any)["id"].(string)
	for _, test := range []struct{ read, member, create, extra string }{
		{policies + "/" + id + "?$expand=settings", "settings", policies, `"name":"Copy"`},
		{"/v1.0/deviceManagement/deviceConfigurations/" + id, "omaSettings", "/v1.0/deviceManagement/deviceConfigurations", `"displayName":"Copy","@odata.type":"#microsoft.graph.windows10CustomConfiguration"`},
	} {
		settings, err := json.Marshal(w.call(200, "GET", test.read, "")[test.member])
		check(t, err)
		made := w.call(201, "POST", test.create, fmt.Sprintf(`{%s,%q:%s}`, test.extra, test.member, settings))
		got, err := w.db.DevicePolicy(t.Context(), w.tenant.ID, made["id"].(string))
		check(t, err)
		for uri, v := range values {
			if !got.Settings[uri].Equal(v) {
				t.Errorf("%s: %s is %v, want %v", test.create, uri, got.Settings[uri], v)
			}
		}
	}
	if n := len(list(w.call(200, "GET", "/v1.0/deviceManagement/configurationSettings", ""))); n != len(values) {
		t.Errorf("there are %d definitions, want %d", n, len(values))
	}
	for _, s := range devicepolicy.Catalog() {
		d := w.call(200, "GET", "/v1.0/deviceManagement/configurationSettings('"+s.DefinitionID()+"')", "")
		whole := strings.ReplaceAll(d["baseUri"].(string)+d["offsetUri"].(string), "{0}", "{TenantId}")
		if whole != s.URI || d["displayName"] != s.Name {
			t.Errorf("the definition of %s is %v", s.URI, d)
		}
	}
	w.call(404, "GET", "/v1.0/deviceManagement/configurationSettings/nothing", "")
}

func TestAPolicyThatMakesNoSenseIsRefused(t *testing.T) {
	w := newDeviceWorld(t)
	id := w.policy("Web", webOn)
	group := uuid.NewString()
	wrong := strings.Replace(webOn, "enablewebsignin_1", "enablewebsignin_7", 1)
	simple := `{"settingInstance":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationSimpleSettingInstance",
		"settingDefinitionId":"device_vendor_msft_passportforwork_{tenantid}_policies_pincomplexity_minimumpinlength","simpleSettingValue":{"value":%s}}}`
	for name, request := range map[string][3]string{
		"no name":                       {"POST", policies, `{"settings":[` + webOn + `]}`},
		"an unknown member":             {"POST", policies, `{"name":"x","colour":"red"}`},
		"an unknown member of a choice": {"POST", policies, `{"name":"x","settings":[` + strings.Replace(webOn, `"children":[]`, `"colour":"red"`, 1) + `]}`},
		"a property that is not kept":   {"POST", policies, `{"name":"x","priorityMetaData":{"priority":1}}`},
		"a template":                    {"POST", policies, `{"name":"x","templateReference":{"templateId":"abc"}}`},
		"an unknown setting":            {"POST", policies, `{"name":"x","settings":[` + strings.ReplaceAll(webOn, "enablewebsignin", "enableall") + `]}`},
		"an option that is not there":   {"POST", policies, `{"name":"x","settings":[` + wrong + `]}`},
		"a setting twice":               {"POST", policies, `{"name":"x","settings":[` + webOn + `,` + webOn + `]}`},
		"a number out of range":         {"POST", policies, `{"name":"x","settings":[` + fmt.Sprintf(simple, "3") + `]}`},
		"a text for a number":           {"POST", policies, `{"name":"x","settings":[` + fmt.Sprintf(simple, `"8"`) + `]}`},
		"a setting of another kind":     {"POST", policies, `{"name":"x","settings":[` + strings.Replace(webOn, "ChoiceSettingInstance", "SimpleSettingInstance", 1) + `]}`},
		"a platform without an agent":   {"POST", policies, `{"name":"x","platforms":"macOS"}`},
		"a group that is not there":     {"POST", policies + "/" + id + "/assign", `{"assignments":[{"target":` + to("groupAssignmentTarget", group) + `}]}`},
		"a target that is not there":    {"POST", policies + "/" + id + "/assign", `{"assignments":[{"target":` + to("someAssignmentTarget", "") + `}]}`},
		"the same target twice": {
			"POST", policies + "/" + id + "/assign",
			`{"assignments":[{"target":` + to("allDevicesAssignmentTarget", "") + `},{"target":` + to("allDevicesAssignmentTarget", "") + `}]}`,
		},
		"an assignment filter": {
			"POST", policies + "/" + id + "/assign",
			`{"assignments":[{"target":{"@odata.type":"#microsoft.graph.allDevicesAssignmentTarget","deviceAndAppManagementAssignmentFilterId":"` + group + `","deviceAndAppManagementAssignmentFilterType":"include"}}]}`,
		},
		"no list of assignments": {"POST", policies + "/" + id + "/assign", `{}`},
		"a profile of another type": {
			"POST", "/v1.0/deviceManagement/deviceConfigurations", `{"@odata.type":"#microsoft.graph.windows10GeneralConfiguration","displayName":"x"}`,
		},
		"an OMA-URI that is not there": {
			"POST", "/v1.0/deviceManagement/deviceConfigurations",
			`{"@odata.type":"#microsoft.graph.windows10CustomConfiguration","displayName":"x","omaSettings":[{"@odata.type":"#microsoft.graph.omaSettingInteger","omaUri":"./Device/Nothing","value":1}]}`,
		},
		"an option of the query that is not there": {"GET", policies + "?$search=x", ""},
		"a filter without an index":                {"GET", policies + "?$filter=description%20eq%20'x'", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if status := w.status(request[0], request[1], request[2]); status != http.StatusBadRequest {
				t.Errorf("the answer is %d", status)
			}
		})
	}
	w.call(404, "GET", policies+"/"+uuid.NewString(), "")
	if stored, err := w.db.DevicePolicies(t.Context(), w.tenant.ID); err != nil || len(stored) != 1 || len(stored[0].Assignments) != 0 {
		t.Errorf("stored is %v, %v", stored, err)
	}
}

func TestChangesOfAPolicyAreWholeAndRecorded(t *testing.T) {
	w := newDeviceWorld(t)
	id := w.policy("Web", webOn)
	w.assign(id, to("allDevicesAssignmentTarget", ""))
	w.call(204, "PATCH", policies+"/"+id, `{"description":"Later"}`)
	if p := w.call(200, "GET", policies+"/"+id, ""); p["description"] != "Later" || p["settingCount"] != 1.0 || p["isAssigned"] != true {
		t.Errorf("after the change it is %v", p)
	}
	w.call(204, "PUT", policies+"/"+id, `{"name":"Other","settings":[]}`)
	if p := w.call(200, "GET", policies+"/"+id, ""); p["description"] != "" || p["settingCount"] != 0.0 || p["isAssigned"] != true {
		t.Errorf("after the replacement it is %v", p)
	}
	w.assign(id)
	if found := list(w.call(200, "GET", policies+"/"+id+"/assignments", "")); len(found) != 0 {
		t.Errorf("assignments are left: %v", found)
	}
	w.call(204, "DELETE", policies+"/"+id, "")
	w.call(404, "DELETE", policies+"/"+id, "")
	seen := map[string]string{}
	for _, e := range w.events(t) {
		if c := e.Change; c.Category == audit.CategoryPolicy {
			for _, m := range c.Targets[0].Modified {
				seen[c.Activity+" "+c.Operation+" "+m.DisplayName] += m.OldValue + ">" + m.NewValue + " "
			}
		}
	}
	for what, want := range map[string]string{
		"Add policy Add " + devicepolicy.EnableWebSignIn:       "null>1 ",
		"Update policy Update " + devicepolicy.EnableWebSignIn: "1>null ",
		"Delete policy Delete name":                            `"Other">null `,
	} {
		if seen[what] != want {
			t.Errorf("the log says of %s: %q, want %q", what, seen[what], want)
		}
	}
	if got := seen["Update policy Assign assignments"]; !strings.Contains(got, `[]>[{"target":"allDevices"}]`) || !strings.Contains(got, `[{"target":"allDevices"}]>[]`) {
		t.Errorf("the log says of the assignments: %s", got)
	}
}

func TestALockScreenSettingForPeopleDrawsAWarning(t *testing.T) {
	w := newDeviceWorld(t)
	id, people, empty, laptops := w.policy("Web", webOn), w.group("people", false), w.group("empty", false), w.group("laptops", false)
	w.call(204, "POST", "/v1.0/groups/"+people+"/members/$ref", ref(w.create("ann")))
	w.inGroup(w.device(directory.TrustJoined), laptops)
	for _, test := range []struct {
		target string
		warns  bool
	}{
		{to("allLicensedUsersAssignmentTarget", ""), true},
		{to("groupAssignmentTarget", people), true},
		{to("groupAssignmentTarget", empty), false},
		{to("groupAssignmentTarget", laptops), false},
		{to("allDevicesAssignmentTarget", ""), false},
	} {
		answer := w.assign(id, test.target)
		found := answer["postern_warnings"].([]any)
		if warned := len(found) == 1; warned != test.warns {
			t.Errorf("%s: the warnings are %v", test.target, found)
		}
		shown := w.call(200, "GET", policies+"/"+id+"?$select=postern_warnings", "")["postern_warnings"]
		if fmt.Sprint(shown) != fmt.Sprint(found) {
			t.Errorf("later they are %v, not %v", shown, found)
		}
	}
}

// inGroup makes a device a member of a group.
func (w *world) inGroup(d directory.Device, group string) {
	w.t.Helper()
	g, err := w.db.Group(w.t.Context(), w.tenant.ID, directory.GroupID(group))
	check(w.t, err)
	check(w.t, w.db.AddLink(w.t.Context(), g, directory.Member, directory.Ref{Kind: directory.KindDevice, ID: string(d.ID)}, w.event()))
}

func TestTheEffectivePolicySaysWhichValueWonAndWhy(t *testing.T) {
	w := newDeviceWorld(t)
	d, personal := w.device(directory.TrustJoined), w.device(directory.TrustRegistered)
	if o := w.effective(d, devicepolicy.EnableWebSignIn, ""); o["value"] != 1.0 || o["reason"] != "joinedDevice" {
		t.Errorf("without a policy a joined device has %v", o)
	}
	if o := w.effective(personal, devicepolicy.EnableWebSignIn, ""); o["value"] != 0.0 || o["reason"] != "nothingSet" {
		t.Errorf("and a personal one %v", o)
	}
	off := strings.Replace(webOn, "enablewebsignin_1", "enablewebsignin_2", 1)
	everywhere, here, laptops, ann := w.policy("Everywhere", webOn), w.policy("Here", off), w.group("laptops", false), w.create("ann")
	w.inGroup(d, laptops)
	w.assign(everywhere, to("allDevicesAssignmentTarget", ""))
	w.assign(here, to("groupAssignmentTarget", laptops))
	o := w.effective(d, devicepolicy.EnableWebSignIn, "?user=ann@contoso.example")
	lost := o["lost"].([]any)
	if o["value"] != 2.0 || o["source"] != "policy" || o["reason"] != "groupFirst" || o["policyName"] != "Here" || len(lost) != 1 ||
		lost[0].(map[string]any)["policyId"] != everywhere || o["conflict"] != false {
		t.Errorf("of two policies %v won", o)
	}
	if o := w.effective(personal, devicepolicy.EnableWebSignIn, "?user="+ann); o["value"] != 1.0 || o["reason"] != "onlyOne" {
		t.Errorf("elsewhere it is %v", o)
	}
	again := w.policy("Again", webOn)
	w.assign(again, to("groupAssignmentTarget", laptops))
	if o := w.effective(d, devicepolicy.EnableWebSignIn, ""); o["policyName"] != "Here" || o["reason"] != "olderFirst" || o["conflict"] != true {
		t.Errorf("two of one rank give %v", o)
	}
	w.assign(here, to("exclusionGroupAssignmentTarget", laptops), to("allDevicesAssignmentTarget", ""))
	if o := w.effective(d, devicepolicy.EnableWebSignIn, ""); o["policyName"] != "Again" {
		t.Errorf("after the exclusion %v", o)
	}
	w.call(200, "GET", "/v1.0/postern/devices(deviceId='"+d.DeviceID+"')/effectivePolicy", "")
	w.call(200, "GET", "/v1.0/postern/devices/"+d.DeviceID+"/effectivePolicy", "")
	w.call(404, "GET", "/v1.0/postern/devices/"+uuid.NewString()+"/effectivePolicy", "")
	w.call(404, "GET", "/v1.0/postern/devices/"+string(d.ID)+"/effectivePolicy?user=nobody@contoso.example", "")
}

func TestWhoSeesDevicePoliciesAndWhoDoesNot(t *testing.T) {
	w := newDeviceWorld(t)
	id, scopes := w.policy("Web", webOn), everyScope()
	d := w.device(directory.TrustJoined)
	effective := "/v1.0/postern/devices/" + string(d.ID) + "/effectivePolicy"
	for _, who := range []struct {
		role        directory.RoleID
		read, write int
	}{
		{directory.IntuneAdministrator, 200, 204}, {directory.GlobalReader, 200, 403}, {directory.UserAdministrator, 403, 403},
	} {
		w.token = w.signIn(w.member("m"+string(who.role[:8]), who.role), scopes...)
		for _, path := range []string{policies, policies + "/" + id, policies + "/" + id + "/settings", "/beta/deviceManagement/configurationSettings", effective} {
			w.call(who.read, "GET", path, "")
		}
		w.call(who.write, "PATCH", policies+"/"+id, `{"description":"x"}`)
		if who.read == 403 {
			w.call(403, "GET", policies+"/"+uuid.NewString(), "")
			w.call(403, "GET", "/v1.0/postern/devices/"+uuid.NewString()+"/effectivePolicy", "")
		}
	}
	w.token = w.signIn(w.admin, "User.Read", "DeviceManagementConfiguration.Read.All")
	w.call(200, "GET", policies, "")
	w.call(403, "DELETE", policies+"/"+id, "")
}
