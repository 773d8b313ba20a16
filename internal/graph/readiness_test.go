package graph_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/authenticator"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/method/passkey"
	"github.com/postern-id/postern/internal/method/totp"
)

// standings returns how a person stands, by case, and what would make most of it better.
func (w *world) standings(user directory.UserID) (all map[string]string, best any, ways any) {
	w.t.Helper()
	answer := w.call(200, "GET", "/v1.0/postern/users/"+string(user)+"/readiness", "")
	if list, ok := answer["best"].(map[string]any)["cases"].([]any); !ok {
		w.t.Errorf("no list of cases: %v", list)
	}
	all = map[string]string{}
	for _, one := range answer["cases"].([]any) {
		c := one.(map[string]any)
		if _, ok := c["closedBy"].([]any); !ok {
			w.t.Errorf("%s is closed by no list: %v", c["case"], c["closedBy"])
		}
		all[c["case"].(string)] = c["standing"].(string)
	}
	return all, answer["best"].(map[string]any)["remedy"], answer["waysBack"]
}

// pin gives a person a device PIN.
func (w *world) pin(d directory.Device, user directory.UserID) {
	w.t.Helper()
	c := hello.Container{Tenant: w.tenant.ID, ID: uuid.NewString(), Device: d.ID, User: user, CreatedAt: time.Now(), DeviceID: d.DeviceID}
	check(w.t, w.db.BeginContainer(w.t.Context(), c))
	c.Method, c.Key, c.RegisteredAt = uuid.NewString(), []byte("key"), time.Now()
	_, err := w.db.RegisterKey(w.t.Context(), c, w.event(), nil)
	check(w.t, err)
}

func TestReadinessFollowsMethodsDevicesAndPolicies(t *testing.T) {
	w := newWorld(t, "UserAuthenticationMethod.Read.All", "Policy.ReadWrite.AuthenticationMethod", "User.ReadWrite.All", "DeviceManagementConfiguration.ReadWrite.All")
	ann := w.member("ann")
	want := func(step, phone, pin, device, both, offline, best string) {
		t.Helper()
		got, remedy, _ := w.standings(ann.ID)
		for name, standing := range map[string]string{"phoneLost": phone, "pinBroken": pin, "newDevice": device, "deviceAndPhoneLost": both, "offline": offline} {
			if got[name] != standing {
				t.Errorf("%s: %s is %s, want %s", step, name, got[name], standing)
			}
		}
		if fmt.Sprint(remedy) != best {
			t.Errorf("%s: best is %v, want %s", step, remedy, best)
		}
	}
	if list, ok := w.call(200, "GET", "/v1.0/users/"+string(ann.ID)+"?$select=identities", "")["identities"].([]any); !ok {
		t.Errorf("who has no identities has no list of them: %v", list)
	}
	want("at first", "nothing", "notApplicable", "nothing", "nothing", "notApplicable", "addSecurityKey")
	w.call(204, "PATCH", configurations+"/TemporaryAccessPass", `{"state":"enabled"}`)
	want("with passes on", "passOnly", "notApplicable", "passOnly", "passOnly", "notApplicable", "addSecurityKey")
	for _, policy := range []string{"Fido2", "MicrosoftAuthenticator"} {
		w.call(204, "PATCH", configurations+"/"+policy, `{"state":"disabled"}`)
	}
	want("with keys and phones off", "passOnly", "notApplicable", "passOnly", "passOnly", "notApplicable", "<nil>")
	for _, policy := range []string{"Fido2", "MicrosoftAuthenticator"} {
		w.call(204, "PATCH", configurations+"/"+policy, `{"state":"enabled"}`)
	}
	w.give(ann.ID, authenticator.MethodID, `{"verifies":true}`)
	want("with a phone", "passOnly", "notApplicable", "oneLeft", "passOnly", "notApplicable", "addSecurityKey")
	laptop := w.device(directory.TrustJoined)
	laptop.Owner, laptop.SeenAt = ann.ID, time.Now()
	check(t, w.db.UpdateDevice(t.Context(), laptop, time.Now(), w.event()))
	w.pin(laptop, ann.ID)
	want("with a PIN", "oneLeft", "oneLeft", "oneLeft", "passOnly", "oneLeft", "addSecurityKey")
	w.give(ann.ID, passkey.MethodID, strings.Replace(keyData, `"rpId"`, `"transports":["usb"],"rpId"`, 1))
	want("with a key", "ready", "ready", "ready", "oneLeft", "oneLeft", "addSecurityKey")
	w.call(204, "PATCH", configurations+"/Fido2", `{"state":"disabled"}`)
	want("when keys are off again", "oneLeft", "oneLeft", "oneLeft", "passOnly", "oneLeft", "addPhone")
	w.call(204, "PATCH", "/v1.0/users/"+string(ann.ID), `{"accountEnabled":false}`)
	want("when the account is off", "nothing", "nothing", "nothing", "nothing", "nothing", "enableAccount")
}

func TestReadinessIsForWhoHelpsThePerson(t *testing.T) {
	w := newWorld(t)
	ann := w.member("ann")
	path := "/v1.0/postern/users/" + string(ann.ID) + "/readiness"
	for _, c := range []struct {
		name   string
		role   directory.RoleID
		status int
		onBoss int
	}{
		{"helpdesk", directory.HelpdeskAdministrator, 200, 403},
		{"authentication", directory.AuthenticationAdministrator, 200, 403},
		{"reader", directory.GlobalReader, 200, 200},
		{"groups", directory.GroupsAdministrator, 403, 403},
	} {
		back := w.as(w.signIn(w.member(c.name, c.role), everyScope()...))
		for _, part := range []string{"readiness", "sessions", "history"} {
			if got := w.status("GET", strings.Replace(path, "readiness", part, 1), ""); got != c.status {
				t.Errorf("%s of ann to %s: %d, want %d", part, c.name, got, c.status)
			}
			if got := w.status("GET", "/v1.0/postern/users/"+string(w.admin.ID)+"/"+part, ""); got != c.onBoss {
				t.Errorf("%s of the administrator to %s: %d, want %d", part, c.name, got, c.onBoss)
			}
		}
		back()
	}
	back := w.as(w.signIn(ann, everyScope()...))
	defer back()
	w.call(200, "GET", "/v1.0/me", "")
	w.call(200, "GET", path, "") // one's own
	w.refused(403, "GET", "/v1.0/postern/users/"+string(w.admin.ID)+"/readiness", "")
	w.refused(403, "GET", "/v1.0/postern/users/"+uuid.NewString()+"/history", "")
}

func TestTheListOfPeopleCountsTheirWaysBack(t *testing.T) {
	w := newWorld(t, "UserAuthenticationMethod.Read.All", "Policy.ReadWrite.AuthenticationMethod", "User.Read.All")
	w.call(204, "PATCH", configurations+"/MicrosoftAuthenticator", `{"state":"enabled"}`)
	ann, ben := w.member("ann"), w.member("ben")
	w.give(ann.ID, authenticator.MethodID, `{"verifies":true}`)
	w.give(ben.ID, totp.MethodID, `{}`)
	counts := func(query string) map[string]string {
		found := map[string]string{}
		for _, one := range list(w.call(200, "GET", "/v1.0/users?"+query, "")) {
			u := one.(map[string]any)
			found[u["displayName"].(string)] = fmt.Sprint(u["postern_waysBack"])
		}
		return found
	}
	all := counts("$select=displayName,postern_waysBack")
	if all["ann"] != "map[count:1 types:[microsoftAuthenticator]]" || all["ben"] != "map[count:0 types:[]]" {
		t.Errorf("counted %v", all)
	}
	if plain := counts("$top=5"); plain["ann"] != "<nil>" {
		t.Errorf("without being asked: %v", plain)
	}
	// Who may not know it of somebody finds null there.
	back := w.as(w.signIn(w.member("agent", directory.AuthenticationAdministrator), everyScope()...))
	defer back()
	if mixed := counts("$select=displayName,postern_waysBack"); mixed["ann"] == "<nil>" || mixed["admin"] != "<nil>" {
		t.Errorf("to an agent: %v", mixed)
	}
}

func TestASessionIsEndedByWhoMay(t *testing.T) {
	w := newWorld(t, "AuditLog.Read.All")
	ann := w.member("ann")
	own := w.signIn(ann, everyScope()...)
	sessions := "/v1.0/postern/users/" + string(ann.ID) + "/sessions"
	robot := w.token
	back := w.as(w.signIn(w.member("agent", directory.HelpdeskAdministrator), everyScope()...))
	defer back()
	found := list(w.call(200, "GET", sessions, ""))
	if len(found) != 1 {
		t.Fatalf("%d sessions", len(found))
	}
	id := found[0].(map[string]any)["id"].(string)
	w.refused(404, "DELETE", sessions+"/"+uuid.NewString(), "")
	w.refused(404, "DELETE", "/v1.0/postern/users/"+string(w.member("ben").ID)+"/sessions/"+id, "") // not theirs
	mine := w.token
	w.token = own
	w.call(200, "GET", "/v1.0/me", "")
	w.token = mine
	w.call(204, "DELETE", sessions+"/"+id, "")
	w.refused(404, "DELETE", sessions+"/"+id, "")
	w.token = own
	w.refused(401, "GET", "/v1.0/me", "")
	w.token = robot
	events := list(w.call(200, "GET", "/v1.0/auditLogs/directoryAudits?$filter="+url.QueryEscape("activityDisplayName eq '"+audit.SessionEnded+"'"), ""))
	if len(events) != 1 {
		t.Errorf("%d events of a session that ended", len(events))
	}
}

func TestTheHistoryOfAPersonIsWholeAndInOrder(t *testing.T) {
	w := newWorld(t, "AuditLog.Read.All", "Directory.Read.All", "User.ReadWrite.All")
	ann, ben := w.member("ann"), w.member("ben")
	for i := range 25 {
		for _, u := range []directory.User{ann, ben} {
			w.call(204, "PATCH", "/v1.0/users/"+string(u.ID), fmt.Sprintf(`{"city":"c%d"}`, i))
			check(t, w.db.Record(t.Context(), audit.Event{Tenant: string(w.tenant.ID), ID: uuid.NewString(), At: time.Now(), SignIn: &audit.SignIn{
				UserID: string(u.ID), UserPrincipalName: u.UserPrincipalName, EventType: "InteractiveUser", Interactive: true,
			}}))
		}
	}
	path := "/v1.0/postern/users/" + string(ann.ID) + "/history?$top=7"
	var times, kinds []string
	seen := map[string]bool{}
	for link := path; link != ""; {
		page := w.call(200, "GET", link, "")
		for _, one := range list(page) {
			e := one.(map[string]any)
			at, _ := e["createdDateTime"].(string)
			if at == "" {
				at, _ = e["activityDateTime"].(string)
			}
			if seen[e["id"].(string)] || e["userId"] != nil && e["userId"] != string(ann.ID) {
				t.Fatalf("twice, or not hers: %v", e)
			}
			seen[e["id"].(string)] = true
			times, kinds = append(times, at), append(kinds, e["@odata.type"].(string))
		}
		link, _ = page["@odata.nextLink"].(string)
	}
	if len(times) != 50 || !slices.Contains(kinds, "#microsoft.graph.signIn") || !slices.Contains(kinds, "#microsoft.graph.directoryAudit") {
		t.Errorf("%d entries: %v", len(times), kinds)
	}
	for i := 1; i < len(times); i++ {
		a, _ := time.Parse(time.RFC3339Nano, times[i-1])
		b, _ := time.Parse(time.RFC3339Nano, times[i])
		if b.After(a) {
			t.Fatalf("%s comes after %s", times[i], times[i-1])
		}
	}
	w.refused(400, "GET", path+"&$skiptoken=abc", "")
	w.refused(404, "GET", "/v1.0/postern/users/"+uuid.NewString()+"/history", "")
}
