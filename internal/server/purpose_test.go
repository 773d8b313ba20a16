package server_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/agent/tpm/tpmtest"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/totp"
	"github.com/postern-id/postern/internal/token"
)

// passForOnly issues a pass for one purpose, which replaces any other.
func (w *world) passForOnly(user, purpose, deviceID string) string {
	w.t.Helper()
	body := `{"postern_purpose":"` + purpose + `"`
	if deviceID != "" {
		body += `,"postern_deviceId":"` + deviceID + `"`
	}
	status, v := w.api(http.MethodPost, "/v1.0/users/"+user+"/authentication/temporaryAccessPassMethods", w.appToken(), body+`,"isUsableOnce":true}`)
	if status != http.StatusCreated {
		w.t.Fatalf("issue: %d %v", status, v)
	}
	return v["temporaryAccessPass"].(string)
}

// atLock signs in by a request that the device pushed, and returns the answer to the pass.
func (m *machine) atLock(deviceID, name, pass string) answer {
	m.w.t.Helper()
	m.w.newBrowser()
	return m.w.signIn(m.w.present(m.push(webSignIn(deviceID))).location, name, pass)
}

// tokensAtLock are the tokens of such a sign-in.
func (m *machine) tokensAtLock(deviceID, name, pass string) map[string]any {
	m.w.t.Helper()
	done := m.atLock(deviceID, name, pass)
	if done.status != http.StatusSeeOther {
		m.w.t.Fatalf("at the lock screen: %d\n%s", done.status, told(done))
	}
	return m.redeem(m.w.codeIn(m.w.get(done.location)))
}

// elsewhere tries a pass in every place that is not the device, and wants each to say what it is good for.
func (w *world) elsewhere(name, pass, code string, other *machine, otherID, deviceID string) {
	w.t.Helper()
	fresh := func() { w.newBrowser() }
	fresh()
	w.wantFault("an application", w.typed(name, pass), code)
	fresh()
	w.wantFault("the own pages", w.signIn(w.get("/security-info").location, name, pass), code)
	fresh()
	w.wantFault("the console", w.signIn(w.get(w.get("/console/").location).location, name, pass), code)
	if other != nil {
		w.wantFault("another device", other.atLock(otherID, name, pass), code)
		w.wantFault("another device that says it is this one", other.atLockAs(otherID, deviceID, name, pass), code)
	}
	// Words about a device, without a proof of its key.
	fresh()
	q := webSignIn(deviceID)
	q.Set("scope", "openid profile "+string(directory.DeviceRegistrationAppID)+"/"+directory.DeviceScope)
	r := w.request(http.MethodGet, "/"+w.created.TenantID+"/oauth2/v2.0/authorize?"+q.Encode(), nil)
	r.Header.Set("X-Device-Id", deviceID)
	r.Header.Set("X-Ms-DeviceId", deviceID)
	r.AddCookie(&http.Cookie{Name: "postern_device", Value: deviceID})
	w.wantFault("a browser that says it is the device", w.signIn(w.do(r).location, name, pass), code)
	// A request that was pushed without a proof, and one that names a key which nobody proved.
	for _, jkt := range []string{"", thumbprintLike()} {
		fresh()
		form := webSignIn(deviceID)
		if jkt != "" {
			form.Set("dpop_jkt", jkt)
		}
		w.wantFault("a request pushed without the key", w.signIn(w.present(w.push(form)).location, name, pass), code)
	}
	fresh()
	w.wantFault("a device code", w.signIn(w.enter(w.askDevice("organizations")["user_code"]).location, name, pass), code)
	// A machine that is about to join.
	joining := webSignIn("")
	joining.Del("device_id")
	m := newMachine(w)
	_, first := m.signInStep(device.SignInRequest{Request: m.push(joining), Username: name})
	if a, _ := m.signInStep(device.SignInRequest{Transaction: first.Transaction, AccessPass: pass}); a.status == http.StatusOK || !strings.Contains(a.body, code) {
		w.t.Errorf("to join: %d %s", a.status, a.body)
	}
	fresh()
}

func thumbprintLike() string {
	sum := sha256.Sum256([]byte(uuid.NewString()))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// atLockAs pushes a request in which the device says that it is another one; it may be refused
// before there is anything to type a pass into.
func (m *machine) atLockAs(own, said, name, pass string) answer {
	m.w.t.Helper()
	if a := m.post("/oauth2/v2.0/par", webSignIn(said)); a.status == http.StatusCreated {
		m.w.t.Errorf("a request in the name of another device was taken: %s", a.body)
	}
	return m.atLock(own, name, pass)
}

func TestAPassToSignInToADeviceDoesThatAndNothingElse(t *testing.T) {
	w := newWorld(t)
	const name = "mira@contoso.example"
	_, pass := w.addPerson(name)
	mira := w.userID(name)
	p := withPINs(w, name, pass, tpmtest.New(t))
	other := withPINs(w, name, pass, tpmtest.New(t))
	here := p.joined.DeviceID
	only := w.passForOnly(mira, "signIn", here)

	w.elsewhere(name, only, "tapForSignIn", other.machine, other.joined.DeviceID, here)
	if page := other.atLock(other.joined.DeviceID, name, only); !strings.Contains(page.body, "LT-0451") || !strings.Contains(page.body, "signing in to") {
		t.Errorf("the page does not say what the pass is good for:\n%s", told(page))
	}

	got := p.tokensAtLock(here, name, only) // a one-time pass: none of that has used it up
	access, id := claimsOf(t, got["access_token"]), claimsOf(t, got["id_token"])
	if access["postern_purpose"] != "signIn:"+here || id["postern_purpose"] != "signIn:"+here || access["cnf"] == nil {
		t.Errorf("the tokens say %v and %v, bound to %v", access["postern_purpose"], id["postern_purpose"], access["cnf"])
	}

	t.Run("its session opens nothing in the same browser", func(t *testing.T) {
		if a := w.authorize(url.Values{"prompt": {"none"}}); !strings.Contains(a.location, "login_required") {
			t.Errorf("single sign-on: %d %s", a.status, a.location)
		}
		for _, page := range []string{"/security-info", "/security-info/add", "/security-info/add/passkey", "/security-info/lost/phone", "/security-info/forgot"} {
			w.wantFault(page, w.get(page), "purposeBound")
		}
		w.wantFault("ending sessions", w.post("/security-info/everywhere", nil), "purposeBound")
	})
	t.Run("its token does nothing else at the device", func(t *testing.T) {
		p.access = got["access_token"].(string)
		if a := p.call(http.MethodPost, "/containers", p.access, nil); a.status == http.StatusCreated || !strings.Contains(a.body, "purposeBound") {
			t.Errorf("a PIN: %d %s", a.status, a.body)
		}
		if a := p.call(http.MethodPost, "/join", p.access, p.joinRequest(p.access)); a.status < 400 || !strings.Contains(a.body, "purposeBound") {
			t.Errorf("join: %d %s", a.status, a.body)
		}
		if a := other.call(http.MethodPost, "/containers", p.access, nil); a.status < 400 {
			t.Errorf("at another device: %d %s", a.status, a.body)
		}
		for _, scheme := range []string{"Bearer", "DPoP"} {
			for _, path := range []string{"/v1.0/me", "/oidc/userinfo"} {
				r := w.request(http.MethodGet, path, nil)
				r.Header.Set("Authorization", scheme+" "+p.access)
				if a := w.do(r); a.status != http.StatusUnauthorized {
					t.Errorf("%s by %s: %d %s", path, scheme, a.status, a.body)
				}
			}
		}
	})
	t.Run("its refresh token works for that device's key alone, and keeps the purpose", func(t *testing.T) {
		form := url.Values{"grant_type": {"refresh_token"}, "client_id": {string(directory.AgentAppID)}, "refresh_token": {got["refresh_token"].(string)}}
		if status, v := w.token(form); status == http.StatusOK {
			t.Errorf("without the key: %v", v)
		}
		if a := other.post("/oauth2/v2.0/token", form); a.status == http.StatusOK {
			t.Errorf("by another device: %s", a.body)
		}
		form.Set("client_id", cli)
		if a := p.post("/oauth2/v2.0/token", form); a.status == http.StatusOK {
			t.Errorf("by another application: %s", a.body)
		}
		form.Set("client_id", string(directory.AgentAppID))
		form.Set("scope", "openid User.Read")
		if a := p.post("/oauth2/v2.0/token", form); a.status == http.StatusOK {
			t.Errorf("for Graph: %s", a.body)
		}
		if a := p.post("/oauth2/v2.0/token", url.Values{
			"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "client_id": {string(directory.AgentAppID)},
			"subject_token": {got["access_token"].(string)}, "subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"},
		}); a.status == http.StatusOK {
			t.Errorf("token exchange: %s", a.body)
		}
		again := w.json(p.refresh(got["refresh_token"]))
		if v := claimsOf(t, again["access_token"]); v["postern_purpose"] != "signIn:"+here {
			t.Errorf("after a refresh: %v", again)
		}
	})
	w.passFor(mira) // replaces it
	if a := p.refresh(got["refresh_token"]); a.status == http.StatusOK {
		t.Errorf("a refresh after the pass was replaced: %s", a.body)
	}
}

func TestAPassForAPINSetsOneOnThatDeviceAndNothingElse(t *testing.T) {
	w := newWorld(t)
	const name = "mira@contoso.example"
	_, pass := w.addPerson(name)
	mira := w.userID(name)
	p := withPINs(w, name, pass, tpmtest.New(t))
	other := withPINs(w, name, pass, tpmtest.New(t))
	theirs := other.create("246813")
	here := p.joined.DeviceID
	only := w.passForOnly(mira, "resetPin", here)
	w.newBrowser()
	w.wantFault("an application", w.typed(name, only), "tapForPIN")
	w.wantFault("another device", other.atLock(other.joined.DeviceID, name, only), "tapForPIN")

	got := p.tokensAtLock(here, name, only)
	p.access = got["access_token"].(string)
	if v := claimsOf(t, p.access); v["postern_purpose"] != "resetPin:"+here {
		t.Errorf("the token says %v", v["postern_purpose"])
	}
	if a := w.authorize(url.Values{"prompt": {"none"}}); !strings.Contains(a.location, "login_required") {
		t.Errorf("single sign-on: %d %s", a.status, a.location)
	}
	w.wantFault("the own pages", w.get("/security-info/add"), "purposeBound")
	if a := p.call(http.MethodPost, "/join", p.access, p.joinRequest(p.access)); a.status < 400 || !strings.Contains(a.body, "purposeBound") {
		t.Errorf("join: %d %s", a.status, a.body)
	}
	if a := other.call(http.MethodPost, "/containers/"+theirs.IDs.ID+"/reset", p.access, device.ResetRequest{Nonce: make([]byte, 32), Lifetime: 30}); a.status < 400 {
		t.Errorf("the PIN of another device: %d %s", a.status, a.body)
	}
	c := p.create("135790")
	p.tokens(p.signInWith(c, "135790"))
	if err := p.store.Reset(t.Context(), p, p.user, "864209"); err != nil {
		t.Fatal(err)
	}
	p.tokens(p.signInWith(c, "864209"))

	// A PIN that was theirs goes with the pass by which it was replaced.
	only = w.passForOnly(mira, "resetPin", other.joined.DeviceID)
	_, list := w.api(http.MethodGet, "/v1.0/users/"+mira+"/authentication/temporaryAccessPassMethods", w.appToken(), "")
	at := "/v1.0/postern/users/" + mira + "/passes/" + list["value"].([]any)[0].(map[string]any)["id"].(string)
	other.access = other.tokensAtLock(other.joined.DeviceID, name, only)["access_token"].(string)
	if err := other.store.Reset(t.Context(), other, other.user, "975310"); err != nil {
		t.Fatal(err)
	}
	other.tokens(other.signInWith(theirs, "975310"))
	_, lineage := w.api(http.MethodGet, at+"/lineage", w.appToken(), "")
	if status, v := w.api(http.MethodPost, at+"/revert", w.appToken(), `{"etag":"`+lineage["etag"].(string)+`"}`); status != http.StatusOK {
		t.Fatalf("revert: %d %v", status, v)
	}
	if a := other.signInWith(theirs, "975310"); a.status == http.StatusOK {
		t.Errorf("the PIN of a pass that was reverted: %s", a.body)
	}
	p.tokens(p.signInWith(c, "864209"))
}

func TestAPassToRegisterMethodsAddsSomeAndSeesNothingElse(t *testing.T) {
	w := newKeyWorld(t)
	const name = "ada@contoso.example"
	ada := w.createUser("ada")
	_, general := w.passFor(ada)
	w.toOwnPage(name, general)
	w.enableCodes()
	w.addApp(time.Now(), totp.SHA1)
	w.newBrowser()
	old := w.softwareOaths(ada)[0].(map[string]any)["id"].(string)

	only := w.passForOnly(ada, "registerMethods", "")
	w.wantFault("an application", w.typed(name, only), "tapForMethods")
	w.newBrowser()
	w.wantFault("a device code", w.signIn(w.enter(w.askDevice("organizations")["user_code"]).location, name, only), "tapForMethods")
	w.newBrowser()

	w.toOwnPage(name, only)
	if a := w.get("/security-info"); a.status != http.StatusOK || stepOf(a) != "addway" || strings.Contains(a.body, old) {
		t.Errorf("the own page shows more than what can be added: %d\n%s", a.status, told(a))
	}
	for path, form := range map[string]url.Values{
		"/security-info/remove": {"id": {old}}, "/security-info/rename": {"id": {old}, "name": {"Mine"}}, "/security-info/disown": {"id": {old}},
		"/security-info/thaw": {"id": {old}}, "/security-info/end": {"session": {uuid.NewString()}}, "/security-info/everywhere": nil, "/security-info/lost/phone": nil,
	} {
		w.wantFault(path, w.post(path, form), "purposeBound")
	}
	for _, path := range []string{"/security-info/method/" + old, "/security-info/lost/phone", "/security-info/forgot"} {
		w.wantFault(path, w.get(path), "purposeBound")
	}
	if a := w.authorize(url.Values{"prompt": {"none"}}); !strings.Contains(a.location, "login_required") {
		t.Errorf("single sign-on: %d %s", a.status, a.location)
	}
	begin, err := url.Parse(w.enter(w.askDevice("organizations")["user_code"]).location)
	if err != nil {
		t.Fatal(err)
	}
	confirm := func() string { // with the session that the browser has
		t.Helper()
		held, err := token.ParseOpaque(w.cookie(sessionCookie))
		if err != nil {
			t.Fatal(err)
		}
		return "/device/confirm?" + url.Values{"t": {begin.Query().Get("t")}, "s": {held.ID}}.Encode()
	}
	w.wantFault("a device's code in its browser", w.get(confirm()), "signInGone")
	w.wantFault("a device's code that is approved in its browser", w.post(confirm(), url.Values{"answer": {"approve"}}), "signInGone")
	key := w.newKey()
	w.addKey(key)
	if a := w.authorize(url.Values{"prompt": {"none"}}); !strings.Contains(a.location, "login_required") {
		t.Errorf("single sign-on after a method was added: %d %s", a.status, a.location)
	}

	// A full proof by what was registered replaces it, in the same session.
	page := w.get("/security-info/prove").location
	if done := w.use(page, key); done.status != http.StatusSeeOther {
		t.Fatalf("with the key: %d\n%s", done.status, told(done))
	}
	if next := w.get(page); next.status == http.StatusOK {
		w.post(page, url.Values{"stay": {"no"}})
	}
	if a := w.get(confirm()); a.status != http.StatusOK || stepOf(a) != "confirm" {
		t.Errorf("the device's code after a full proof: %d\n%s", a.status, told(a))
	}
	if a := w.get("/security-info"); stepOf(a) == "addway" || !strings.Contains(a.body, old) {
		t.Errorf("after a full proof: %d\n%s", a.status, told(a))
	}
	if a := w.authorize(url.Values{"prompt": {"none"}}); strings.Contains(a.location, "error=") {
		t.Errorf("single sign-on after a full proof: %s", a.location)
	}
}

func TestWhatAPassCanBeFor(t *testing.T) {
	w := newWorld(t)
	const name = "mira@contoso.example"
	_, pass := w.addPerson(name)
	mira := w.userID(name)
	m := newMachine(w)
	joined := m.join(m.token(name, pass))
	off := newMachine(w)
	w.newBrowser()
	gone := off.join(off.token(name, pass))
	w.do204(http.MethodPatch, "/v1.0/devices(deviceId='"+gone.DeviceID+"')", `{"accountEnabled":false}`)
	path := "/v1.0/users/" + mira + "/authentication/temporaryAccessPassMethods"
	for _, body := range []string{
		`{"postern_purpose":"everything"}`, `{"postern_purpose":"signIn"}`, `{"postern_purpose":"resetPin"}`, `{"postern_purpose":"signIn:` + joined.DeviceID + `"}`,
		`{"postern_purpose":"registerMethods","postern_deviceId":"` + joined.DeviceID + `"}`, `{"postern_deviceId":"` + joined.DeviceID + `"}`,
		`{"postern_purpose":"signIn","postern_deviceId":"` + uuid.NewString() + `"}`, `{"postern_purpose":"signIn","postern_deviceId":"` + gone.DeviceID + `"}`,
		`{"postern_purpose":"signIn","postern_deviceId":"*"}`,
	} {
		for _, at := range []string{path, "/v1.0/postern/users/" + mira + "/passes/preview"} {
			status, v := w.api(http.MethodPost, at, w.appToken(), body)
			if at == path && status != http.StatusBadRequest || at != path && status == http.StatusOK && v["allowed"] != false {
				t.Errorf("%s %s: %d %v", at, body, status, v)
			}
		}
	}
	if status, v := w.api(http.MethodPost, path, w.appToken(), `{"postern_caseId":"`+uuid.NewString()+`"}`); status != http.StatusBadRequest {
		t.Errorf("a case of somebody's choice: %d %v", status, v)
	}
	status, v := w.api(http.MethodPost, path, w.appToken(), `{"postern_purpose":"signIn","postern_deviceId":"`+strings.ToUpper(joined.DeviceID)+`"}`)
	if status != http.StatusCreated {
		t.Fatalf("issue: %d %v", status, v)
	}
	_, read := w.api(http.MethodGet, path+"?$select=id,postern_purpose,postern_deviceId,postern_caseId", w.appToken(), "")
	if got := read["value"].([]any)[0].(map[string]any); got["postern_purpose"] != "signIn" || got["postern_deviceId"] != joined.DeviceID || got["postern_caseId"] != nil {
		t.Errorf("read: %v", got)
	}
	if found := fmt.Sprint(w.directoryAudits(w.appToken(), "User registered security info")); !strings.Contains(found, "postern_purpose") || !strings.Contains(found, joined.DeviceID) {
		t.Errorf("the log: %s", found)
	}
}
