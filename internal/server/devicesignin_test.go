package server_test

import (
	"crypto/ecdsa"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/server"
)

// post sends a form to an OAuth endpoint with a proof by the device's key.
func (m *machine) post(path string, form url.Values) answer {
	m.w.t.Helper()
	r := m.w.request(http.MethodPost, "/"+m.w.created.TenantID+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	kept := m.nonce
	m.nonce = ""
	r.Header.Set("DPoP", m.prove(http.MethodPost, m.w.options.PublicURL+r.URL.EscapedPath(), nil, ""))
	m.nonce = kept
	return m.w.do(r)
}

// webSignIn is the request that a lock screen pushes.
func webSignIn(deviceID string) url.Values {
	return url.Values{
		"client_id": {string(directory.AgentAppID)}, "response_type": {"code"}, "redirect_uri": {callback}, "state": {"s"}, "nonce": {"n"},
		"scope":          {"openid profile offline_access " + string(directory.DeviceRegistrationAppID) + "/" + directory.DeviceScope},
		"code_challenge": {challengeOf(verifier)}, "code_challenge_method": {"S256"}, "device_id": {deviceID},
	}
}

// push returns the request_uri of what the device pushed.
func (m *machine) push(form url.Values) string {
	m.w.t.Helper()
	a := m.post("/oauth2/v2.0/par", form)
	if a.status != http.StatusCreated {
		m.w.t.Fatalf("par: %d %s", a.status, a.body)
	}
	return m.w.json(a)["request_uri"].(string)
}

// present sends the browser with a pushed request.
func (w *world) present(requestURI string) answer {
	w.t.Helper()
	return w.get("/" + w.created.TenantID + "/oauth2/v2.0/authorize?" + url.Values{
		"client_id": {string(directory.AgentAppID)}, "request_uri": {requestURI},
	}.Encode())
}

// redeem gets tokens for the code of an answer to the redirect URI.
func (m *machine) redeem(code string) map[string]any {
	m.w.t.Helper()
	a := m.post("/oauth2/v2.0/token", url.Values{
		"grant_type": {"authorization_code"}, "client_id": {string(directory.AgentAppID)}, "code": {code},
		"redirect_uri": {callback}, "code_verifier": {verifier},
	})
	if a.status != http.StatusOK {
		m.w.t.Fatalf("token: %d %s", a.status, a.body)
	}
	return m.w.json(a)
}

func (m *machine) refresh(tokens map[string]any) answer {
	m.w.t.Helper()
	return m.post("/oauth2/v2.0/token", url.Values{
		"grant_type": {"refresh_token"}, "client_id": {string(directory.AgentAppID)}, "refresh_token": {tokens["refresh_token"].(string)},
	})
}

// joined is a device that the administrator joined, and a pass of theirs for many uses.
func joined(t *testing.T, w *world) (*machine, device.JoinAnswer, string) {
	t.Helper()
	_, pass := w.issue(`{"isUsableOnce":false}`)
	m := newMachine(w)
	out := m.join(m.token("admin@contoso.example", pass))
	w.newBrowser()
	return m, out, pass
}

// signInStep sends one step of a sign-in at a console.
func (m *machine) signInStep(in device.SignInRequest) (answer, device.SignInAnswer) {
	m.w.t.Helper()
	a := m.call(http.MethodPost, "/signin", "", in)
	var out device.SignInAnswer
	if a.status == http.StatusOK {
		m.decode(a, http.StatusOK, &out)
	}
	return a, out
}

func codeOf(t *testing.T, redirect string) string {
	t.Helper()
	u, err := url.Parse(redirect)
	if err != nil || !strings.HasPrefix(redirect, callback) || u.Query().Get("state") != "s" || u.Query().Get("code") == "" {
		t.Fatalf("the redirect is %q", redirect)
	}
	return u.Query().Get("code")
}

func TestAConsoleWithoutABrowserSignsIn(t *testing.T) {
	w := newWorld(t)
	_, pass := w.issue(`{"isUsableOnce":true}`)
	m := newMachine(w)
	form := webSignIn("")
	form.Del("device_id") // it is about to join
	a, first := m.signInStep(device.SignInRequest{Request: m.push(form), Username: "admin@contoso.example"})
	if a.status != http.StatusOK || first.Step != "accesspass" {
		t.Fatalf("the name: %d %s", a.status, a.body)
	}
	a, _ = m.signInStep(device.SignInRequest{Transaction: first.Transaction, AccessPass: "WRONGWRONG"})
	if a.status != http.StatusUnauthorized || !strings.Contains(a.body, "credentialRefused") || strings.Contains(a.header.Get("WWW-Authenticate"), "dpop") {
		t.Errorf("a wrong pass: %d %s %s", a.status, a.header.Get("WWW-Authenticate"), a.body)
	}
	thief := newMachine(w)
	if a, _ := thief.signInStep(device.SignInRequest{Transaction: first.Transaction, AccessPass: pass}); a.status != http.StatusBadRequest || !strings.Contains(a.body, "signInGone") {
		t.Errorf("another key goes on: %d %s", a.status, a.body)
	}
	a, done := m.signInStep(device.SignInRequest{Transaction: first.Transaction, AccessPass: pass})
	if a.status != http.StatusOK {
		t.Fatalf("the pass: %d %s", a.status, a.body)
	}
	_, again := m.signInStep(device.SignInRequest{Transaction: first.Transaction, AccessPass: pass})
	tokens := m.redeem(codeOf(t, again.Redirect))
	m.redeem(codeOf(t, done.Redirect)) // after a lost answer both work for the same session
	out := m.join(tokens["access_token"].(string))
	if out.DeviceID == "" {
		t.Error("no device")
	}
	_, signIns := w.api(http.MethodGet, "/beta/auditLogs/signIns?$filter="+url.QueryEscape("status/errorCode eq 130503"), w.appToken(), "")
	if list, _ := signIns["value"].([]any); len(list) != 1 {
		t.Errorf("the log has of the wrong pass: %v", signIns)
	}
}

// anyTransaction is a sign-in that the browser holds.
func (w *world) anyTransaction() string {
	w.t.Helper()
	u, err := url.Parse(w.site.URL)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range w.browser.Jar.Cookies(u) {
		if strings.HasPrefix(c.Name, "__Host-postern-signin-") {
			return c.Value
		}
	}
	w.t.Fatal("the browser holds no sign-in")
	return ""
}

// public is the key that names the device.
func (m *machine) public() *ecdsa.PublicKey {
	m.w.t.Helper()
	key, ok := m.key.Public().(*ecdsa.PublicKey)
	if !ok {
		m.w.t.Fatal("the device key is no ECDSA key")
	}
	return key
}

func TestAtAConsoleUnknownAndWrongLookTheSame(t *testing.T) {
	w := newWorld(t)
	m := newMachine(w)
	form := webSignIn("")
	form.Del("device_id")
	var said []string
	for _, name := range []string{"admin@contoso.example", "nobody@contoso.example"} {
		a, first := m.signInStep(device.SignInRequest{Request: m.push(form), Username: name})
		b, _ := m.signInStep(device.SignInRequest{Transaction: first.Transaction, AccessPass: "WRONGWRONG"})
		var told device.ErrorAnswer
		if err := json.Unmarshal([]byte(b.body), &told); err != nil {
			t.Fatal(err)
		}
		told.Error.CorrelationID = ""
		said = append(said, http.StatusText(a.status)+first.Step+http.StatusText(b.status)+told.Error.Code+told.Error.Message+told.Error.Remedy)
	}
	if said[0] != said[1] || !strings.Contains(said[0], "credentialRefused") {
		t.Errorf("%q and %q", said[0], said[1])
	}
}

func TestAConsoleTakesOnlyWhatItsKeyPushed(t *testing.T) {
	w := newWorld(t)
	m, thief := newMachine(w), newMachine(w)
	form := webSignIn("")
	form.Del("device_id")
	uri := m.push(form)
	if a, _ := thief.signInStep(device.SignInRequest{Request: uri, Username: "admin@contoso.example"}); a.status != http.StatusBadRequest {
		t.Errorf("another key: %d %s", a.status, a.body)
	}
	// A request that names the key but was pushed without its proof.
	thumbprint, err := device.Thumbprint(m.public())
	if err != nil {
		t.Fatal(err)
	}
	form.Set("dpop_jkt", thumbprint)
	r := w.request(http.MethodPost, "/"+w.created.TenantID+"/oauth2/v2.0/par", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	pushed := w.json(w.do(r))["request_uri"].(string)
	if a, _ := m.signInStep(device.SignInRequest{Request: pushed, Username: "admin@contoso.example"}); a.status != http.StatusBadRequest {
		t.Errorf("a request that nobody proved: %d %s", a.status, a.body)
	}
	if a, _ := m.signInStep(device.SignInRequest{Username: "admin@contoso.example"}); a.status != http.StatusBadRequest {
		t.Errorf("neither request nor transaction: %d %s", a.status, a.body)
	}
	// A transaction of a console is none for a browser, nor the other way round.
	w.authorize(nil)
	if a, _ := m.signInStep(device.SignInRequest{Transaction: w.anyTransaction(), AccessPass: "x"}); a.status != http.StatusBadRequest || !strings.Contains(a.body, "signInGone") {
		t.Errorf("a browser's transaction: %d %s", a.status, a.body)
	}
}

// deviceInLog is the deviceDetail of the newest interactive sign-in on a device.
func (w *world) deviceInLog(deviceID string) map[string]any {
	w.t.Helper()
	_, v := w.api(http.MethodGet, "/v1.0/auditLogs/signIns", w.appToken(), "")
	list, _ := v["value"].([]any)
	for _, one := range list {
		event, _ := one.(map[string]any)
		detail, _ := event["deviceDetail"].(map[string]any)
		if detail["deviceId"] == deviceID && event["isInteractive"] == true {
			return detail
		}
	}
	w.t.Fatalf("no sign-in on device %s in the log: %v", deviceID, v)
	return nil
}

func TestASignInAtALockScreenKnowsTheDevice(t *testing.T) {
	w := newWorld(t)
	m, out, pass := joined(t, w)
	begin := w.present(m.push(webSignIn(out.DeviceID)))
	done := w.signIn(begin.location, "admin@contoso.example", pass)
	tokens := m.redeem(w.codeIn(w.get(done.location)))
	for _, name := range []string{"id_token", "access_token"} {
		if got := claimsOf(t, tokens[name])["deviceid"]; got != out.DeviceID {
			t.Errorf("deviceid in the %s is %v", name, got)
		}
	}
	detail := w.deviceInLog(out.DeviceID)
	if detail["deviceId"] != out.DeviceID || detail["displayName"] != "LT-0451" || detail["operatingSystem"] != "Linux" || detail["trustType"] != "AzureAd" {
		t.Errorf("the event has %v", detail)
	}
	// A browser that is signed in is asked all the same.
	if again := w.present(m.push(webSignIn(out.DeviceID))); !strings.HasPrefix(again.location, "/signin") {
		t.Errorf("a session answers a lock screen: %d %s", again.status, again.location)
	}
}

// The browser of a lock screen is thrown away; what it was given must not outlive it either.
func TestNobodyStaysSignedInAtALockScreen(t *testing.T) {
	w := newWorld(t)
	m, out, pass := joined(t, w)
	page := w.present(m.push(webSignIn(out.DeviceID))).location
	w.post(page, url.Values{"username": {"admin@contoso.example"}})
	w.post(page, url.Values{"accesspass": {pass}})
	a := w.post(page, url.Values{"stay": {"yes"}})
	if a.status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	for _, c := range a.header.Values("Set-Cookie") {
		if strings.Contains(c, "session") && (strings.Contains(c, "Max-Age") || strings.Contains(c, "Expires")) {
			t.Errorf("the session outlives the browser: %s", c)
		}
	}
	if detail := w.deviceInLog(out.DeviceID); detail["deviceId"] != out.DeviceID {
		t.Errorf("the event has %v", detail)
	}
}

func TestOnlyTheKeyMakesADevice(t *testing.T) {
	w := newWorld(t)
	m, out, pass := joined(t, w)
	thumbprint, err := device.Thumbprint(m.public())
	if err != nil {
		t.Fatal(err)
	}
	// Another key that says that it is this device.
	thief := newMachine(w)
	if a := thief.post("/oauth2/v2.0/par", webSignIn(out.DeviceID)); a.status != http.StatusBadRequest || !strings.Contains(a.body, "AADSTS50155") {
		t.Errorf("another key: %d %s", a.status, a.body)
	}
	// A browser that says so by parameter, header and cookie, without a proof.
	form := webSignIn(out.DeviceID)
	form.Set("dpop_jkt", thumbprint)
	w.setCookie("deviceid", out.DeviceID)
	r := w.request(http.MethodGet, "/"+w.created.TenantID+"/oauth2/v2.0/authorize?"+form.Encode(), nil)
	r.Header.Set("x-ms-DeviceCredential", out.DeviceID)
	begin := w.do(r)
	done := w.signIn(begin.location, "admin@contoso.example", pass)
	tokens := m.redeem(w.codeIn(w.get(done.location)))
	if got := claimsOf(t, tokens["id_token"])["deviceid"]; got != nil {
		t.Errorf("a claim makes it the device %v", got)
	}
}

func TestADeviceOfAnotherTenantIsUnknown(t *testing.T) {
	w := newWorld(t)
	w.close()
	other, err := server.Init(t.Context(), w.options, server.NewTenant{Domain: "fabrikam.example", Admin: "admin", EnableTAP: true})
	if err != nil {
		t.Fatal(err)
	}
	w.open()
	m, out, _ := joined(t, w)
	w.created.TenantID, m.nonce = other.TenantID, ""
	if a := m.post("/oauth2/v2.0/par", webSignIn(out.DeviceID)); a.status != http.StatusBadRequest || !strings.Contains(a.body, "AADSTS50155") {
		t.Errorf("at another tenant: %d %s", a.status, a.body)
	}
	if a := m.call(http.MethodGet, "/policy", "", nil); !strings.Contains(a.body, "deviceUnknown") {
		t.Errorf("its policy: %d %s", a.status, a.body)
	}
}

func TestADeviceIsFamiliarToWhomItKnows(t *testing.T) {
	w := newWorld(t)
	w.createUser("ada")
	_, pass := w.issue(`{"isUsableOnce":true}`)
	m := newMachine(w)
	out := m.join(m.token("admin@contoso.example", pass)) // and the pass is used up

	step := func(m *machine, deviceID, name string) string {
		form := webSignIn(deviceID)
		if deviceID == "" {
			form.Del("device_id")
		}
		a, first := m.signInStep(device.SignInRequest{Request: m.push(form), Username: name})
		if a.status != http.StatusOK {
			t.Fatalf("%s: %d %s", name, a.status, a.body)
		}
		return first.Step
	}
	if got := step(m, out.DeviceID, "admin@contoso.example"); got != "methods" {
		t.Errorf("who joined it is asked for %s, and has nothing to type there", got)
	}
	if got := step(m, out.DeviceID, "ada@contoso.example"); got != "accesspass" {
		t.Errorf("somebody new on it is asked for %s", got)
	}
	if got := step(newMachine(w), "", "admin@contoso.example"); got != "accesspass" {
		t.Errorf("another device asks for %s", got)
	}
}

func TestADeviceThatIsSwitchedOffSignsNobodyIn(t *testing.T) {
	w := newWorld(t)
	m, out, pass := joined(t, w)
	signIn := func() map[string]any {
		begin := w.present(m.push(webSignIn(out.DeviceID)))
		return m.redeem(w.codeIn(w.get(w.signIn(begin.location, "admin@contoso.example", pass).location)))
	}
	tokens := signIn()
	w.newBrowser()
	if a := m.refresh(tokens); a.status != http.StatusOK {
		t.Fatalf("a refresh before: %d %s", a.status, a.body)
	}
	pushed, under := m.push(webSignIn(out.DeviceID)), w.present(m.push(webSignIn(out.DeviceID)))
	w.api(http.MethodPatch, "/v1.0/devices/"+out.ObjectID, w.appToken(), `{"accountEnabled":false}`)

	if a := m.refresh(tokens); a.status != http.StatusBadRequest {
		t.Errorf("a refresh: %d %s", a.status, a.body)
	}
	if a := m.post("/oauth2/v2.0/par", webSignIn(out.DeviceID)); a.status != http.StatusBadRequest || !strings.Contains(a.body, "AADSTS135011") {
		t.Errorf("a push: %d %s", a.status, a.body)
	}
	if a := w.present(pushed); a.status != http.StatusForbidden || !strings.Contains(a.body, "switched this device off") {
		t.Errorf("the page: %d %s", a.status, a.body)
	}
	if a := w.signIn(under.location, "admin@contoso.example", pass); a.status != http.StatusForbidden || !strings.Contains(a.body, "switched this device off") {
		t.Errorf("a sign-in under way: %d %s", a.status, a.body)
	}
	w.api(http.MethodPatch, "/v1.0/devices/"+out.ObjectID, w.appToken(), `{"accountEnabled":true}`)
	w.newBrowser()
	fresh := signIn()
	w.api(http.MethodDelete, "/v1.0/devices/"+out.ObjectID, w.appToken(), "")
	if a := m.refresh(fresh); a.status != http.StatusBadRequest {
		t.Errorf("a refresh of a deleted device: %d %s", a.status, a.body)
	}
	if a := m.post("/oauth2/v2.0/par", webSignIn(out.DeviceID)); a.status != http.StatusBadRequest || !strings.Contains(a.body, "AADSTS50155") {
		t.Errorf("a push of a deleted device: %d %s", a.status, a.body)
	}
}
