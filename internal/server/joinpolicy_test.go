package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent/tpm/tpmtest"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/server"
)

const joinPolicyPath = "/v1.0/policies/deviceRegistrationPolicy"

// joinPolicy changes who may join.
func (w *world) joinPolicy(change string) {
	w.t.Helper()
	if status, v := w.api(http.MethodPatch, joinPolicyPath, w.appToken(), change); status != http.StatusOK {
		w.t.Fatalf("%s: %d %v", change, status, v)
	}
}

func only(member, kind, more string) string {
	name := map[string]string{"allowedToJoin": "azureADJoin", "allowedToRegister": "azureADRegistration"}[member]
	return `{"` + name + `":{"` + member + `":{"@odata.type":"#microsoft.graph.` + kind + `DeviceRegistrationMembership"` + more + `}}}`
}

func TestThePolicySaysWhoMayJoin(t *testing.T) {
	w := newWorld(t)
	_, ada := w.addPerson("ada@contoso.example")
	_, bea := w.addPerson("bea@contoso.example")
	staff := w.create("/v1.0/groups", `{"displayName":"Staff","mailEnabled":false,"mailNickname":"staff","securityEnabled":true}`)
	within := w.create("/v1.0/groups", `{"displayName":"Within","mailEnabled":false,"mailNickname":"within","securityEnabled":true}`)
	_, adaID := w.api(http.MethodGet, "/v1.0/users/ada@contoso.example", w.appToken(), "")
	w.do204(http.MethodPost, "/v1.0/groups/"+within+"/members/$ref", reference(adaID["id"].(string)))
	w.do204(http.MethodPost, "/v1.0/groups/"+staff+"/members/$ref", reference(within))
	refused := func(what, name, pass string, kind device.JoinType, code string) {
		t.Helper()
		a := newMachine(w).joinAs(kind, name+"@contoso.example", pass)
		if code == "" && a.status != http.StatusCreated || code != "" && (a.status != http.StatusForbidden || !strings.Contains(a.body, code)) {
			t.Errorf("%s: %d %s, want %q", what, a.status, a.body, code)
		}
	}

	w.joinPolicy(only("allowedToJoin", "enumerated", `,"users":[],"groups":["`+staff+`"]`))
	refused("through a group in the group", "ada", ada, device.Joined, "")
	refused("somebody else", "bea", bea, device.Joined, "joinNotAllowed")
	refused("a device that says it is a domain's", "bea", bea, device.HybridJoined, "joinNotAllowed")
	refused("a device of their own", "bea", bea, device.Registered, "")

	w.joinPolicy(only("allowedToRegister", "no", ""))
	refused("nobody registers", "ada", ada, device.Registered, "joinNotAllowed")

	w.joinPolicy(`{"userDeviceQuota":1}`)
	refused("beyond the quota", "ada", ada, device.Joined, "deviceQuota")

	w.joinPolicy(`{"userDeviceQuota":50,"multiFactorAuthConfiguration":"required"}`)
	refused("a pass counts as multifactor", "ada", ada, device.Joined, "")
}

func TestTheDeviceRegistrationPolicyIsGraphs(t *testing.T) {
	w := newWorld(t)
	_, p := w.api(http.MethodGet, joinPolicyPath, w.appToken(), "")
	if p["id"] != "deviceRegistrationPolicy" || p["userDeviceQuota"] != 50.0 || p["multiFactorAuthConfiguration"] != "notRequired" || p["postern_approval"] != nil {
		t.Errorf("a new tenant has %v", p)
	}
	join, _ := p["azureADJoin"].(map[string]any)
	if to, _ := join["allowedToJoin"].(map[string]any); to["@odata.type"] != "#microsoft.graph.allDeviceRegistrationMembership" {
		t.Errorf("who may join: %v", p)
	}
	all := `"azureADRegistration":{"isAdminConfigurable":false,"allowedToRegister":{"@odata.type":"#microsoft.graph.allDeviceRegistrationMembership"}},
		"azureADJoin":{"isAdminConfigurable":true,"allowedToJoin":{"@odata.type":"#microsoft.graph.noDeviceRegistrationMembership"}}`
	w.joinPolicy(`{"postern_approval":"all"}`)
	if status, v := w.api(http.MethodPut, joinPolicyPath, w.appToken(), `{"id":"deviceRegistrationPolicy","userDeviceQuota":7,`+all+`}`); status != http.StatusOK {
		t.Fatalf("put: %d %v", status, v)
	}
	_, p = w.api(http.MethodGet, joinPolicyPath+"?$select=userDeviceQuota,azureADJoin,postern_approval", w.appToken(), "")
	join, _ = p["azureADJoin"].(map[string]any)
	if to, _ := join["allowedToJoin"].(map[string]any); to["@odata.type"] != "#microsoft.graph.noDeviceRegistrationMembership" ||
		p["userDeviceQuota"] != 7.0 || p["postern_approval"] != "all" {
		t.Errorf("after PUT: %v", p)
	}
	if status, v := w.api(http.MethodPut, joinPolicyPath, w.appToken(), `{`+all+`}`); status != http.StatusOK || v["userDeviceQuota"] != 0.0 {
		t.Errorf("a quota that is not sent: %d %v", status, v)
	}
	for _, bad := range []string{
		`{"userDeviceQuota":-1}`, `{"multiFactorAuthConfiguration":"maybe"}`, `{"postern_approval":"some"}`, `{"x":1}`,
		only("allowedToJoin", "some", ""), only("allowedToJoin", "enumerated", `,"users":["x"]`),
		only("allowedToJoin", "enumerated", `,"groups":["00000000-0000-4000-8000-000000000001"]`),
		`{"localAdminPassword":{"isEnabled":true}}`, `{"azureADJoin":{"localAdmins":{"enableGlobalAdmins":true}}}`,
		`{"azureADJoin":{"localAdmins":{"registeringUsers":{"@odata.type":"#microsoft.graph.allDeviceRegistrationMembership"}}}}`,
	} {
		if status, v := w.api(http.MethodPatch, joinPolicyPath, w.appToken(), bad); status != http.StatusBadRequest {
			t.Errorf("%s: %d %v", bad, status, v)
		}
	}
	if status, v := w.api(http.MethodPut, joinPolicyPath, w.appToken(), `{"userDeviceQuota":7}`); status != http.StatusBadRequest {
		t.Errorf("without who may join: %d %v", status, v)
	}
	_, whole := w.api(http.MethodGet, joinPolicyPath, w.appToken(), "")
	delete(whole, "@odata.context")
	if status, v := w.api(http.MethodPut, joinPolicyPath, w.appToken(), string(mustJSON(t, whole))); status != http.StatusOK {
		t.Errorf("what was read is not written back: %d %v", status, v)
	}
	if got := w.directoryAudits(w.appToken(), "Set device registration policies"); len(got) != 4 {
		t.Errorf("the log has %v", got)
	}
}

// TestADeviceWaitsForApproval joins one where the policy wants each to be approved, and tries
// all that a device could do meanwhile.
func TestADeviceWaitsForApproval(t *testing.T) {
	w := newWorld(t)
	w.server.Start()
	w.joinPolicy(`{"postern_approval":"joined"}`)
	_, pass := w.issue(`{"isUsableOnce":false}`)
	m := newMachine(w)
	access := m.token("admin@contoso.example", pass)
	var out device.JoinAnswer
	m.decode(m.call(http.MethodPost, "/join", access, m.joinRequest(access)), http.StatusCreated, &out)
	w.newBrowser()
	if out.Approval != "pending" || out.Policy == "" || len(out.Certificate) == 0 {
		t.Errorf("the answer to the join is %+v", out)
	}
	if got := w.ids("/v1.0/devices?$filter=" + url.QueryEscape("postern_approvalState eq 'pending'")); len(got) != 1 || got[0] != out.ObjectID {
		t.Errorf("pending devices: %v", got)
	}
	events, stop := m.listen("")
	defer stop()
	waits := func(what string) {
		t.Helper()
		for _, try := range []struct{ method, path, access string }{
			{http.MethodGet, "/policy", ""}, {http.MethodGet, "/accounts/admin", ""}, {http.MethodPost, "/renew", ""}, {http.MethodPost, "/containers", access},
		} {
			if a := m.call(try.method, try.path, try.access, nil); a.status != http.StatusForbidden || !strings.Contains(a.body, what) {
				t.Errorf("%s %s: %d %s", try.method, try.path, a.status, a.body)
			}
		}
		if a := m.post("/oauth2/v2.0/par", webSignIn(out.DeviceID)); a.status == http.StatusCreated {
			t.Errorf("web sign-in began on a device that is not approved: %s", a.body)
		}
	}
	waits("devicePending")
	// Nor does a token from before the join help, nor joining once more.
	again := m.call(http.MethodPost, "/join", access, m.joinRequest(access))
	if again.status != http.StatusCreated || !strings.Contains(again.body, `"approval":"pending"`) {
		t.Errorf("joining again: %d %s", again.status, again.body)
	}
	waits("devicePending")

	path, approve := "/v1.0/devices/"+out.ObjectID, `{"postern_approvalState":"approved"}`
	if status, v := w.api(http.MethodPatch, path, w.appToken(), `{"postern_approvalState":"pending"}`); status != http.StatusNoContent {
		t.Errorf("what it is already: %d %v", status, v)
	}
	begin := time.Now()
	w.change(http.MethodPatch, path, approve)
	for {
		if e := next(t, events); e.change == string(device.DeviceChanged) {
			if m.call(http.MethodGet, "/policy", "", nil).status == http.StatusOK {
				break
			}
		}
	}
	if late := time.Since(begin); late > 5*time.Second {
		t.Errorf("told after %v", late)
	}
	tokens := m.redeem(codeOf(t, w.get(w.signIn(w.present(m.push(webSignIn(out.DeviceID))).location, "admin@contoso.example", pass).location).location))
	if got := w.directoryAudits(w.appToken(), "Approve device"); len(got) != 1 {
		t.Errorf("the log has %v", got)
	}
	for _, bad := range []string{`{"postern_approvalState":"pending"}`, `{"postern_approvalState":"maybe"}`} {
		if status, v := w.api(http.MethodPatch, path, w.appToken(), bad); status != http.StatusBadRequest {
			t.Errorf("%s: %d %v", bad, status, v)
		}
	}

	// Refused afterwards, it is out at once, stays out, and can't join itself back in.
	w.change(http.MethodPatch, path, `{"postern_approvalState":"refused"}`)
	if a := m.refresh(tokens); a.status == http.StatusOK {
		t.Error("its tokens are renewed")
	}
	waits("deviceRefused")
	w.joinPolicy(`{"postern_approval":"none"}`)
	if a := m.call(http.MethodPost, "/join", access, m.joinRequest(access)); a.status != http.StatusForbidden || !strings.Contains(a.body, "deviceRefused") {
		t.Errorf("a refused device joins again: %d %s", a.status, a.body)
	}
	w.change(http.MethodPatch, path, approve)
	if a := m.call(http.MethodGet, "/policy", "", nil); a.status != http.StatusOK {
		t.Errorf("approved after all: %d %s", a.status, a.body)
	}
}

// Somebody else who joins an approved machine does not get its approval.
func TestAnApprovedMachineWaitsAgainForAnotherPerson(t *testing.T) {
	chip := tpmtest.New(t)
	w := newWorld(t, func(o *server.Options) { o.TPMRoots = chip.CA() })
	w.joinPolicy(`{"postern_approval":"all"}`)
	_, ada := w.addPerson("ada@contoso.example")
	_, bea := w.addPerson("bea@contoso.example")
	first := withTPM(w, chip)
	var was device.JoinAnswer
	w.newBrowser()
	first.decode(first.joinAs(device.Joined, "ada@contoso.example", ada), http.StatusCreated, &was)
	w.change(http.MethodPatch, "/v1.0/devices/"+was.ObjectID, `{"postern_approvalState":"approved"}`)
	w.newBrowser()
	tokens := first.redeem(codeOf(t, w.get(w.signIn(w.present(first.push(webSignIn(was.DeviceID))).location, "ada@contoso.example", ada).location).location))

	var again device.JoinAnswer
	first.decode(first.joinAs(device.Joined, "ada@contoso.example", ada), http.StatusCreated, &again)
	if again.Approval != "" || again.ObjectID != was.ObjectID {
		t.Errorf("the same person again: %s, approval %q", again.ObjectID, again.Approval)
	}
	if a := first.refresh(tokens); a.status != http.StatusOK {
		t.Errorf("their tokens ended: %d %s", a.status, a.body)
	}
	second := withTPM(w, chip)
	var now device.JoinAnswer
	second.decode(second.joinAs(device.Joined, "bea@contoso.example", bea), http.StatusCreated, &now)
	if now.ObjectID != was.ObjectID || now.Approval != "pending" {
		t.Errorf("another person: %s, approval %q", now.ObjectID, now.Approval)
	}
	if a := first.refresh(tokens); a.status == http.StatusOK {
		t.Error("what came from the machine before goes on")
	}
	if a := second.call(http.MethodGet, "/accounts/ada", "", nil); a.status != http.StatusForbidden {
		t.Errorf("it looks people up: %d %s", a.status, a.body)
	}
}
