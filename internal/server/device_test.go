package server_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

const (
	longGrant  = "urn:ietf:params:oauth:grant-type:device_code"
	shortGrant = "device_code"
)

// askDevice asks for a device code at the named tenant, for the command line.
func (w *world) askDevice(tenant string) map[string]any {
	w.t.Helper()
	a := w.post("/"+tenant+"/oauth2/v2.0/devicecode?mkt=de-DE", url.Values{"client_id": {cli}, "scope": {"openid profile offline_access User.Read"}})
	var v map[string]any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil || a.status != http.StatusOK {
		w.t.Fatalf("device code: %d %s %v", a.status, a.body, err)
	}
	return v
}

func poll(code any) url.Values {
	return url.Values{"grant_type": {shortGrant}, "client_id": {cli}, "device_code": {code.(string)}}
}

// wantPoll polls and wants an error.
func (w *world) wantPoll(code any, want string) {
	w.t.Helper()
	if status, v := w.token(poll(code)); status != http.StatusBadRequest || v["error"] != want {
		w.t.Errorf("a poll got %d %v, not %s", status, v["error"], want)
	}
}

// enter types a user code and returns the page that follows.
func (w *world) enter(code any) answer {
	w.t.Helper()
	return w.post("/device", url.Values{"otc": {code.(string)}})
}

// toConfirm types the code, signs in and returns the address of the page that asks.
func (w *world) toConfirm(code any, name, pass string) string {
	w.t.Helper()
	begin := w.enter(code)
	if begin.status != http.StatusSeeOther {
		w.t.Fatalf("the code led to %d\n%s", begin.status, begin.body)
	}
	done := w.signIn(begin.location, name, pass)
	if done.status != http.StatusSeeOther {
		w.t.Fatalf("sign-in: %d\n%s", done.status, done.body)
	}
	return done.location
}

func (w *world) approve(code any, name, pass string) {
	w.t.Helper()
	if a := w.post(w.toConfirm(code, name, pass), url.Values{"answer": {"approve"}}); a.status != http.StatusOK || !strings.Contains(a.body, `data-step="done"`) {
		w.t.Fatalf("approve: %d\n%s", a.status, a.body)
	}
}

// claimsOf reads a token without verifying it.
func claimsOf(t *testing.T, jwt any) map[string]any {
	t.Helper()
	parts := strings.Split(jwt.(string), ".")
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestADeviceWithoutABrowserGetsAPersonIn(t *testing.T) {
	w := newWorld(t)
	_, pass := w.issue(`{"isUsableOnce":true}`)
	asked := w.askDevice(w.created.TenantID)
	if !strings.HasPrefix(asked["message"].(string), "Öffnen") || !strings.Contains(asked["message"].(string), asked["user_code"].(string)) {
		t.Errorf("the message is %q", asked["message"])
	}
	for _, grant := range []string{longGrant, shortGrant, shortGrant, shortGrant} { // MSAL Go ignores the interval
		f := poll(asked["device_code"])
		f.Set("grant_type", grant)
		if status, v := w.token(f); status != http.StatusBadRequest || v["error"] != "authorization_pending" {
			t.Errorf("an early poll got %d %v", status, v)
		}
	}
	if a := w.get("/device"); a.status != http.StatusOK || !strings.Contains(a.body, `data-step="device"`) || !strings.Contains(a.body, `name="otc"`) {
		t.Errorf("the page for codes: %d\n%s", a.status, a.body)
	}
	typed := strings.ToLower(strings.ReplaceAll(asked["user_code"].(string), "-", " "))
	confirm := w.toConfirm(typed, "admin@contoso.example", pass)
	a := w.get(confirm)
	for _, want := range []string{`data-step="confirm"`, "Postern CLI", "127.0.0.1", "admin@contoso.example"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page that asks lacks %q\n%s", want, a.body)
		}
	}
	w.wantPoll(asked["device_code"], "authorization_pending")
	for range 2 { // a form that is sent twice means the same
		if a := w.post(confirm, url.Values{"answer": {"approve"}}); a.status != http.StatusOK || !strings.Contains(a.body, `data-step="done"`) {
			t.Fatalf("approve: %d\n%s", a.status, a.body)
		}
	}
	status, tokens := w.token(poll(asked["device_code"]))
	if status != http.StatusOK || tokens["refresh_token"] == nil {
		t.Fatalf("redeem: %d %v", status, tokens)
	}
	access := claimsOf(t, tokens["access_token"])
	if access["postern_protocol"] != "deviceCode" || access["sid"] != nil || strings.Contains(tokens["access_token"].(string), "ngcmfa") {
		t.Errorf("the token says %v", access)
	}
	for _, kind := range []string{"access_token", "id_token"} {
		for _, one := range claimsOf(t, tokens[kind])["amr"].([]any) {
			if one == "ngcmfa" {
				t.Errorf("the %s of a device code is fresh for registration", kind)
			}
		}
	}
	if status, v := w.api(http.MethodGet, "/v1.0/me", tokens["access_token"].(string), ""); status != http.StatusOK {
		t.Errorf("me: %d %v", status, v)
	}
	status, next := w.token(refresh(tokens["refresh_token"]))
	if status != http.StatusOK || claimsOf(t, next["access_token"])["postern_protocol"] != "deviceCode" {
		t.Errorf("refresh: %d %v", status, next)
	}
	if a := w.enter(asked["user_code"]); !strings.Contains(a.body, `data-error="userCodeUnknown"`) {
		t.Error("a user code that was used led on")
	}
	if strings.Contains(w.log.String(), asked["device_code"].(string)) || strings.Contains(w.log.String(), asked["user_code"].(string)) {
		t.Error("the log holds a code")
	}
}

func TestASecondUseOfADeviceCodeEndsTheFamily(t *testing.T) {
	w := newWorld(t)
	asked := w.askDevice(w.created.TenantID)
	w.approve(asked["user_code"], "admin@contoso.example", w.created.Pass)
	_, tokens := w.token(poll(asked["device_code"]))
	if _, v := w.token(poll(asked["device_code"])); !strings.Contains(v["error_description"].(string), "AADSTS54005") {
		t.Errorf("a second use: %v", v)
	}
	if status, _ := w.token(refresh(tokens["refresh_token"])); status != http.StatusBadRequest {
		t.Error("the winner's refresh token survived")
	}
}

func TestOfManyParallelPollsAtMostOneWins(t *testing.T) {
	w := newWorld(t)
	asked := w.askDevice(w.created.TenantID)
	w.approve(asked["user_code"], "admin@contoso.example", w.created.Pass)
	won := make(chan bool, 16)
	var all sync.WaitGroup
	for range cap(won) {
		all.Go(func() {
			a := w.post("/"+w.created.TenantID+"/oauth2/v2.0/token", poll(asked["device_code"]))
			won <- a.status == http.StatusOK
		})
	}
	all.Wait()
	close(won)
	n := 0
	for ok := range won {
		if ok {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d polls won", n)
	}
}

func TestAPersonCanRefuseADevice(t *testing.T) {
	w := newWorld(t)
	asked := w.askDevice(w.created.TenantID)
	confirm := w.toConfirm(asked["user_code"], "admin@contoso.example", w.created.Pass)
	if a := w.post(confirm, url.Values{"answer": {"deny"}}); a.status != http.StatusOK || !strings.Contains(a.body, `data-step="done"`) {
		t.Errorf("deny: %d\n%s", a.status, a.body)
	}
	w.wantPoll(asked["device_code"], "authorization_declined")
	w.post(confirm, url.Values{"answer": {"approve"}})
	w.wantPoll(asked["device_code"], "authorization_declined")
}

func TestABrowserThatIsSignedInChoosesItsAccount(t *testing.T) {
	w := newWorld(t)
	w.code("admin@contoso.example", w.created.Pass)
	asked := w.askDevice(w.created.TenantID)
	page := w.enter(asked["user_code"]).location
	a := w.get(page)
	_, rest, ok := strings.Cut(a.body, `name="account" value="`)
	id, _, _ := strings.Cut(rest, `"`)
	if !ok || !strings.Contains(a.body, `data-step="account"`) {
		t.Fatalf("the choice of accounts: %d\n%s", a.status, a.body)
	}
	confirm := w.post(page, url.Values{"account": {id}}).location
	w.wantPoll(asked["device_code"], "authorization_pending")
	if a := w.post(confirm, url.Values{"answer": {"approve"}}); a.status != http.StatusOK {
		t.Fatalf("approve: %d\n%s", a.status, a.body)
	}
	if status, v := w.token(poll(asked["device_code"])); status != http.StatusOK {
		t.Errorf("redeem: %d %v", status, v)
	}
}

func TestADeviceCodeAtCommonFindsTheTenantOfThePerson(t *testing.T) {
	w := newWorld(t)
	asked := w.askDevice("organizations")
	atCommon := func() (int, map[string]any) {
		a := w.post("/organizations/oauth2/v2.0/token", poll(asked["device_code"]))
		var v map[string]any
		if err := json.Unmarshal([]byte(a.body), &v); err != nil {
			t.Fatal(err)
		}
		return a.status, v
	}
	if status, v := atCommon(); status != http.StatusBadRequest || v["error"] != "authorization_pending" {
		t.Errorf("a poll at common got %d %v", status, v)
	}
	w.approve(asked["user_code"], "admin@contoso.example", w.created.Pass)
	if status, v := atCommon(); status != http.StatusOK || claimsOf(t, v["id_token"])["tid"] != w.created.TenantID {
		t.Errorf("redeem at common: %d %v", status, v)
	}
}

func TestADeviceCodeIsOfTheClientThatAsked(t *testing.T) {
	w := newWorld(t)
	asked := w.askDevice(w.created.TenantID)
	w.approve(asked["user_code"], "admin@contoso.example", w.created.Pass)
	for name, change := range map[string]func(url.Values){
		"another client": func(f url.Values) { f.Set("client_id", "04b07795-8ddb-461a-bbee-02f9e1bf7b46") },
		"another secret": func(f url.Values) { f.Set("device_code", f.Get("device_code")[:80]+"AAAAAAA") },
		"not a code":     func(f url.Values) { f.Set("device_code", "x") },
		"a user code":    func(f url.Values) { f.Set("device_code", asked["user_code"].(string)) },
	} {
		f := poll(asked["device_code"])
		change(f)
		if status, v := w.token(f); status != http.StatusBadRequest || v["error"] != "bad_verification_code" {
			t.Errorf("%s: %d %v", name, status, v)
		}
	}
	if status, v := w.token(poll(asked["device_code"])); status != http.StatusOK {
		t.Errorf("the right client: %d %v", status, v)
	}
}

func TestAnApprovedDeviceCodeEndsWithWhatItCameFrom(t *testing.T) {
	for name, end := range map[string]func(w *world, pass string){
		"the pass is deleted": func(w *world, pass string) {
			w.do204(http.MethodDelete, "/v1.0/users/mira@contoso.example/authentication/temporaryAccessPassMethods/"+pass, "")
		},
		"the account is disabled": func(w *world, _ string) {
			w.do204(http.MethodPatch, "/v1.0/users/mira@contoso.example", `{"accountEnabled":false}`)
		},
		"the account is deleted": func(w *world, _ string) {
			w.do204(http.MethodDelete, "/v1.0/users/mira@contoso.example", "")
		},
		"the person signs out everywhere": func(w *world, _ string) {
			w.post("/security-info/everywhere", url.Values{})
		},
		"the browser signs out": func(w *world, _ string) {
			w.post("/"+w.created.TenantID+"/oauth2/v2.0/logout", url.Values{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			id, pass := w.addPerson("mira@contoso.example")
			asked := w.askDevice(w.created.TenantID)
			w.approve(asked["user_code"], "mira@contoso.example", pass)
			end(w, id)
			if status, v := w.token(poll(asked["device_code"])); status != http.StatusBadRequest || v["access_token"] != nil {
				t.Errorf("the code still works: %d %v", status, v["error"])
			}
		})
	}
}

// addPerson makes an account with a pass for many uses.
func (w *world) addPerson(upn string) (passID, pass string) {
	w.t.Helper()
	nick, _, _ := strings.Cut(upn, "@")
	status, v := w.api(http.MethodPost, "/v1.0/users", w.appToken(), `{"accountEnabled":true,"displayName":"Mira Okafor","mailNickname":"`+nick+`","userPrincipalName":"`+upn+`","passwordProfile":{"password":"kept only where policy has passwords"}}`)
	if status != http.StatusCreated {
		w.t.Fatalf("add %s: %d %v", upn, status, v)
	}
	status, v = w.api(http.MethodPost, "/v1.0/users/"+upn+"/authentication/temporaryAccessPassMethods", w.appToken(), "{}")
	if status != http.StatusCreated {
		w.t.Fatalf("issue for %s: %d %v", upn, status, v)
	}
	return v["id"].(string), v["temporaryAccessPass"].(string)
}

// do204 changes something through Graph.
func (w *world) do204(method, path, body string) {
	w.t.Helper()
	if status, v := w.api(method, path, w.appToken(), body); status != http.StatusNoContent {
		w.t.Fatalf("%s %s: %d %v", method, path, status, v)
	}
}

func TestNobodyIsTrickedIntoApprovingADevice(t *testing.T) {
	w := newWorld(t)
	asked := w.askDevice(w.created.TenantID)
	confirm := w.toConfirm(asked["user_code"], "admin@contoso.example", w.created.Pass)
	for _, path := range []string{confirm, "/device"} {
		r := w.request(http.MethodPost, path, strings.NewReader(url.Values{"answer": {"approve"}, "otc": {asked["user_code"].(string)}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "https://evil.example")
		if a := w.do(r); a.status != http.StatusForbidden {
			t.Errorf("a form of another site at %s got %d", path, a.status)
		}
	}
	if a := w.get(confirm + "&answer=approve"); !strings.Contains(a.body, `data-step="confirm"`) {
		t.Errorf("a link led to %d\n%s", a.status, a.body)
	}
	if a := w.get("/device?otc=" + asked["user_code"].(string)); strings.Contains(a.body, asked["user_code"].(string)) {
		t.Error("a link fills in the code")
	}
	w.newBrowser()
	if a := w.post(confirm, url.Values{"answer": {"approve"}}); a.status != http.StatusBadRequest {
		t.Errorf("without the browser's hold on the sign-in: %d", a.status)
	}
	w.wantPoll(asked["device_code"], "authorization_pending")
}

func TestGuessingUserCodesIsThrottled(t *testing.T) {
	w := newWorld(t)
	asked := w.askDevice(w.created.TenantID)
	for i := range 20 {
		if a := w.enter("ABCD-EFGH"); a.status != http.StatusBadRequest || !strings.Contains(a.body, `data-error="userCodeUnknown"`) {
			t.Fatalf("try %d: %d\n%s", i, a.status, a.body)
		}
		if i == 10 && w.enter(asked["user_code"]).status != http.StatusSeeOther { // gives back itself only
			t.Fatal("the right code was refused")
		}
	}
	if a := w.enter(asked["user_code"]); a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" {
		t.Errorf("the next try got %d", a.status)
	}
}

func TestOnlyClientsMadeForItMayUseDeviceCodes(t *testing.T) {
	w := newWorld(t)
	for _, f := range []url.Values{
		{"client_id": {w.created.ClientID}},
		{"client_id": {"35796448-4d41-4a51-8408-8fa34b9e5f1f"}},
	} {
		a := w.post("/"+w.created.TenantID+"/oauth2/v2.0/devicecode", f)
		if a.status != http.StatusUnauthorized || !strings.Contains(a.body, "invalid_client") {
			t.Errorf("%v got %d %s", f, a.status, a.body)
		}
	}
}
