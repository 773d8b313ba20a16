package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/server"
)

// joinAs joins m for a person, as what they say it is.
func (m *machine) joinAs(kind device.JoinType, name, pass string) answer {
	m.w.t.Helper()
	m.w.newBrowser()
	access := m.token(name, pass)
	in := m.joinRequest(access)
	in.JoinType = kind
	return m.call(http.MethodPost, "/join", access, in)
}

func TestARegisteredDeviceKnowsItsOwnerOnly(t *testing.T) {
	w := newWorld(t)
	_, pass := w.addPerson("mira@contoso.example")
	team := w.create("/v1.0/groups", `{"displayName":"Team","mailEnabled":false,"mailNickname":"team","securityEnabled":true}`)
	board := w.create("/v1.0/groups", `{"displayName":"Board","mailEnabled":false,"mailNickname":"board","securityEnabled":true}`)
	_, mira := w.api(http.MethodGet, "/v1.0/users/mira@contoso.example", w.appToken(), "")
	_, admin := w.api(http.MethodGet, "/v1.0/users/admin@contoso.example", w.appToken(), "")
	w.do204(http.MethodPost, "/v1.0/groups/"+team+"/members/$ref", `{"@odata.id":"https://graph.microsoft.com/v1.0/users/`+mira["id"].(string)+`"}`)

	own, shared := newMachine(w), newMachine(w)
	m := []*machine{own, shared}
	for i, kind := range []device.JoinType{device.Registered, device.Joined} {
		if a := m[i].joinAs(kind, "mira@contoso.example", pass); a.status != http.StatusCreated {
			t.Fatalf("%s: %d %s", kind, a.status, a.body)
		}
	}
	for _, tt := range []struct {
		path        string
		own, shared int
	}{
		{"/accounts/mira", 200, 200},
		{"/accounts/admin", 404, 200},
		{"/accounts/" + admin["id"].(string), 404, 200},
		{"/accounts/nobody", 404, 404},
		{"/groups/" + team, 200, 200},
		{"/groups/" + board, 404, 200},
		{"/policy?user=" + mira["id"].(string), 200, 200},
		{"/policy?user=" + admin["id"].(string), 404, 200},
	} {
		for i, want := range []int{tt.own, tt.shared} {
			if a := m[i].call(http.MethodGet, tt.path, "", nil); a.status != want {
				t.Errorf("device %d, %s: %d, want %d: %s", i, tt.path, a.status, want, a.body)
			}
		}
	}
}

func TestAGuestJoinsNoDevice(t *testing.T) {
	w := newWorld(t)
	_, pass := w.addPerson("gus@contoso.example")
	w.do204(http.MethodPatch, "/v1.0/users/gus@contoso.example", `{"userType":"Guest"}`)
	for _, kind := range []device.JoinType{device.Joined, device.HybridJoined} {
		if a := newMachine(w).joinAs(kind, "gus@contoso.example", pass); a.status != http.StatusForbidden || !strings.Contains(a.body, "guestDevice") {
			t.Errorf("%s: %d %s", kind, a.status, a.body)
		}
	}
	if a := newMachine(w).joinAs(device.Registered, "gus@contoso.example", pass); a.status != http.StatusCreated {
		t.Errorf("a device of their own: %d %s", a.status, a.body)
	}
}

func TestAProofFromBeforeJoinsNoDevice(t *testing.T) {
	clock := &wrist{}
	w := newWorld(t, func(o *server.Options) { o.Wall = clock.now })
	_, pass := w.issue(`{}`)
	m := newMachine(w)
	access := m.token("admin@contoso.example", pass)
	in := m.joinRequest(access)
	clock.ahead.Store(int64(11 * time.Minute))
	m.nonce, m.ahead = "", 11*time.Minute
	if a := m.call(http.MethodPost, "/join", access, in); a.status != http.StatusUnauthorized || !strings.Contains(a.body, "deviceProofTooOld") {
		t.Errorf("eleven minutes after the sign-in: %d %s", a.status, a.body)
	}
}

func TestPeopleOfEveryDomainAreFoundByTheirNamesOnDevices(t *testing.T) {
	w := newWorld(t)
	_, app := w.api(http.MethodGet, "/v1.0/servicePrincipals(appId='"+w.created.ClientID+"')", w.appToken(), "")
	w.create("/v1.0/roleManagement/directory/roleAssignments",
		`{"directoryScopeId":"/","principalId":"`+app["id"].(string)+`","roleDefinitionId":"`+string(directory.GlobalAdministrator)+`"}`)
	w.create("/v1.0/domains", `{"id":"fabrikam.example"}`)
	if status, v := w.api(http.MethodPost, "/v1.0/domains/fabrikam.example/verify", w.appToken(), `{"postern_withoutDns":true}`); status != http.StatusOK {
		t.Fatalf("%d %v", status, v)
	}
	_, pass := w.addPerson("mira@contoso.example")
	w.addPerson("mira@fabrikam.example")
	m := newMachine(w)
	if a := m.joinAs(device.Joined, "mira@contoso.example", pass); a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}
	seen := map[string]string{}
	for name, upn := range map[string]string{"mira": "mira@contoso.example", "mira+fabrikam.example": "mira@fabrikam.example"} {
		var got device.Account
		m.decode(m.call(http.MethodGet, "/accounts/"+name, "", nil), http.StatusOK, &got)
		if got.UserName != name || got.UPN != upn || seen[got.ID] != "" {
			t.Errorf("%s is %+v", name, got)
		}
		seen[got.ID] = name
	}
}
