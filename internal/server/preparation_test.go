package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/agent/tpm/tpmtest"
	"github.com/postern-id/postern/internal/directory"
)

// prepare makes the device of p wait for a person.
func (p *pins) prepare(user string) (int, map[string]any) {
	p.w.t.Helper()
	return p.w.api(http.MethodPut, "/v1.0/postern/devices/"+p.joined.ObjectID+"/preparation", p.w.appToken(), `{"userId":"`+user+`"}`)
}

// A technician joins a laptop as themself, with a PIN, and it is handed over to its user.
func TestWhoPreparedADeviceHasNothingOnItAfterTheHandOver(t *testing.T) {
	w := newWorld(t)
	const tech, name, eve = "theo@contoso.example", "mira@contoso.example", "eve@contoso.example"
	_, techPass := w.addPerson(tech)
	w.addPerson(name)
	_, evePass := w.addPerson(eve)
	p := withPINs(w, tech, techPass, tpmtest.New(t))
	here, theo := p.joined.DeviceID, p.user
	c := p.create("246813")
	old := p.tokens(p.signInWith(c, "246813"))
	byPass := p.tokensAtLock(here, tech, techPass)
	joinToken := p.access

	path := "/v1.0/postern/devices/" + p.joined.ObjectID + "/preparation"
	for what, one := range map[string]struct {
		body string
		want int
	}{
		"for somebody with a role": {`{"userId":"admin@contoso.example"}`, http.StatusForbidden},
		"for nobody there is":      {`{"userId":"nobody@contoso.example"}`, http.StatusNotFound},
		"for no group there is":    {`{"groupId":"` + here + `"}`, http.StatusNotFound},
		"for nobody":               {`{}`, http.StatusBadRequest},
	} {
		if status, v := w.api(http.MethodPut, path, w.appToken(), one.body); status != one.want {
			t.Errorf("prepared %s: %d %v", what, status, v)
		}
	}
	if status, _ := w.api(http.MethodGet, path, w.appToken(), ""); status != http.StatusNotFound {
		t.Errorf("a device that is prepared for nobody: %d", status)
	}
	if status, v := p.prepare(name); status != http.StatusOK || v["state"] != "waiting" || v["userId"] != w.userID(name) {
		t.Fatalf("prepare: %d %v", status, v)
	}
	only := w.passForOnly(w.userID(name), "resetPin", here)
	w.wantFault("somebody else before the hand-over", p.atLock(here, eve, evePass), "devicePrepared")
	p.tokens(p.signInWith(c, "246813")) // who prepares it still may

	theirs := p.tokensAtLock(here, name, only)

	for _, one := range []struct {
		what  string
		token any
	}{{"PIN", old["refresh_token"]}, {"pass", byPass["refresh_token"]}} {
		if a := p.refresh(one.token); a.status == http.StatusOK {
			t.Errorf("the technician's refresh token by %s: %s", one.what, a.body)
		}
	}
	for what, access := range map[string]string{"join": joinToken, "PIN": old["access_token"].(string)} {
		if a := p.call(http.MethodPost, "/containers", access, nil); a.status < 400 {
			t.Errorf("the technician's token by %s sets a PIN: %s", what, a.body)
		}
		if a := p.call(http.MethodPost, "/join", access, p.joinRequest(p.access)); a.status < 400 {
			t.Errorf("the technician's token by %s joins it again: %s", what, a.body)
		}
	}
	if a := p.signInWith(c, "246813"); a.status == http.StatusOK {
		t.Errorf("the technician's PIN: %s", a.body)
	}
	w.wantFault("the technician's pass", p.atLock(here, tech, techPass), "devicePrepared")
	w.wantFault("somebody else", p.atLock(here, eve, evePass), "devicePrepared")

	p.access, p.user = theirs["access_token"].(string), w.userID(name)
	mine := p.create("135791")
	p.tokens(p.signInWith(mine, "135791"))

	_, v := w.api(http.MethodGet, "/v1.0/postern/devices/"+p.joined.ObjectID+"/preparation", w.appToken(), "")
	if v["state"] != "handedOver" || v["handedOverTo"] != p.user || v["handedOverDateTime"] == nil {
		t.Errorf("it is %v", v)
	}
	if _, v := w.api(http.MethodGet, "/v1.0/devices/"+p.joined.ObjectID+"/registeredOwners", w.appToken(), ""); !strings.Contains(fmt.Sprint(v), p.user) || strings.Contains(fmt.Sprint(v), theo) {
		t.Errorf("its owners are %v", v)
	}
	if found := w.directoryAudits(w.appToken(), "Hand over device to user"); len(found) != 1 || !strings.Contains(fmt.Sprint(found[0]), theo) {
		t.Errorf("the log has %v", found)
	}
	if a := p.call(http.MethodGet, "/containers/"+c.IDs.ID, "", nil); a.status != http.StatusNotFound {
		t.Errorf("the technician's PIN is there: %d %s", a.status, a.body)
	}

	// Who had been at it can't issue for it, although their PIN and its sessions are gone.
	w.create("/v1.0/roleManagement/directory/roleAssignments",
		`{"roleDefinitionId":"`+string(directory.AuthenticationAdministrator)+`","principalId":"`+theo+`","directoryScopeId":"/"}`)
	w.inConsole(tech, techPass)
	at, form := w.passForm(p.user, url.Values{"check": {"callBack"}})
	_, next := w.readOut(w.post(at, form))
	w.wantFault("a pass by the technician", p.atLock(here, name, next), "tapIssuer")

	// Nobody takes it from an owner beyond their reach.
	w.create("/v1.0/roleManagement/directory/roleAssignments",
		`{"roleDefinitionId":"`+string(directory.GlobalReader)+`","principalId":"`+p.user+`","directoryScopeId":"/"}`)
	if status, v := p.prepare(eve); status != http.StatusForbidden || !strings.Contains(fmt.Sprint(v), "role") {
		t.Errorf("prepared for the next one: %d %v", status, v)
	}

	// The machine's root makes a request, and opens it where the technician is signed in already.
	w.newBrowser()
	w.typed(tech, techPass)
	if a := w.present(p.push(webSignIn(here))); strings.Contains(a.location, "code=") {
		t.Errorf("a session from elsewhere: %d %s", a.status, a.location)
	}
}
