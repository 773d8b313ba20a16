package graph_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
)

func namesIn(list any) string {
	var all []string
	for _, one := range list.([]any) {
		all = append(all, one.(map[string]any)["displayName"].(string))
	}
	return strings.Join(all, ", ")
}

func TestARoleSaysWhatItAllowsAndOnWhom(t *testing.T) {
	w := newWorld(t, "RoleManagement.Read.Directory")
	reach := func(r directory.RoleID) map[string]any {
		return w.call(200, "GET", "/v1.0/postern/roles/"+string(r)+"/reach", "")
	}
	helpdesk := reach(directory.HelpdeskAdministrator)
	allowed := map[string]map[string]any{}
	for _, one := range helpdesk["actions"].([]any) {
		a := one.(map[string]any)
		allowed[a["action"].(string)] = a
	}
	if a := allowed["revokeSessions"]; a["limitedToReach"] != true || a["openToMembers"] != false {
		t.Errorf("ends sessions: %v", a)
	}
	if a := allowed["readUser"]; a["limitedToReach"] != false || a["openToMembers"] != true {
		t.Errorf("reads people: %v", a)
	}
	if _, ok := allowed["issuePass"]; ok {
		t.Error("a Helpdesk Administrator is said to issue passes")
	}
	if got := namesIn(helpdesk["reachesRoles"]); helpdesk["reachesEverybody"] != false || !strings.Contains(got, "Password Administrator") {
		t.Errorf("reaches %v, %s", helpdesk["reachesEverybody"], got)
	}
	if got := namesIn(helpdesk["passesIssuedBy"]); got != "Privileged Authentication Administrator, Global Administrator" {
		t.Errorf("passes for a Helpdesk Administrator come from %s", got)
	}
	if global := reach(directory.GlobalAdministrator); global["reachesEverybody"] != true || global["isPrivileged"] != true || len(global["reachesRoles"].([]any)) != 0 {
		t.Errorf("a Global Administrator: %v", global)
	}
	w.call(404, "GET", "/v1.0/postern/roles/"+uuid.NewString()+"/reach", "")
	w.call(400, "GET", "/v1.0/postern/roles/"+string(directory.GlobalReader)+"/reach?$top=1", "")
}

func TestARuleIsTriedBeforeItIsSaved(t *testing.T) {
	w := newWorld(t, "Device.Read.All", "Group.ReadWrite.All")
	for i := range 30 {
		system := "Linux"
		if i%3 == 0 {
			system = "Windows"
		}
		_, err := w.db.JoinDevice(t.Context(), directory.Device{
			Tenant: w.tenant.ID, ID: directory.DeviceObjectID(uuid.NewString()), DeviceID: uuid.NewString(), AccountEnabled: true,
			DisplayName: fmt.Sprintf("desk-%02d", i), OperatingSystem: system, TrustType: directory.TrustJoined, RegisteredAt: time.Now(),
			KeyThumbprint: uuid.NewString(), KeyStorage: "software", Owner: w.admin.ID,
		}, 50, func(directory.Device) audit.Event { return w.event() })
		check(t, err)
	}
	try := func(status int, rule string) map[string]any {
		return w.call(status, "POST", "/v1.0/postern/groups/tryMembershipRule", fmt.Sprintf(`{"membershipRule":%q}`, rule))
	}
	got := try(200, `device.deviceOSType -eq "Linux"`)
	if got["looked"] != 30.0 || got["matched"] != 20.0 || got["lookedAtAll"] != true || len(got["devices"].([]any)) != 20 {
		t.Errorf("got %v", got)
	}
	if got := try(200, `device.deviceOSType -eq "Plan 9"`); got["matched"] != 0.0 || len(got["devices"].([]any)) != 0 {
		t.Errorf("got %v", got)
	}
	for _, wrong := range []string{"", "device.colour -eq \"red\"", "device.deviceOSType -eq", strings.Repeat("(", 4000)} {
		try(400, wrong)
	}
	if list := w.call(200, "GET", "/v1.0/groups", "")["value"].([]any); len(list) != 0 {
		t.Errorf("trying made %d groups", len(list))
	}
}

func TestMembersAreFoundByIdAmongMany(t *testing.T) {
	w := newWorld(t, all...)
	ann, bob, team := w.create("ann"), w.create("bob"), w.group("team", false)
	w.call(204, "POST", "/v1.0/groups/"+team+"/members/$ref", ref(ann))
	find := func(link string) string {
		return namesIn(w.call(200, "GET", "/v1.0/groups/"+team+"/"+link+"?$filter=id%20in%20('"+ann+"','"+bob+"')", "")["value"])
	}
	if got := find("members"); got != "ann" {
		t.Errorf("among the members: %s", got)
	}
	if got := find("members/microsoft.graph.user"); got != "ann" {
		t.Errorf("among the people: %s", got)
	}
	if got := find("owners"); got != "" {
		t.Errorf("among the owners: %s", got)
	}
	w.call(400, "GET", "/v1.0/groups/"+team+"/members?$filter=displayName%20eq%20'ann'", "")
}
