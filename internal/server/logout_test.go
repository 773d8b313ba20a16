package server_test

import (
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/postern-id/postern/internal/server"
)

// listener is an application that is told of logouts.
type listener struct {
	site   *httptest.Server
	mu     sync.Mutex
	status int // to answer
	tokens []string
}

func newListener(t *testing.T) *listener {
	t.Helper()
	a := &listener{status: http.StatusOK}
	a.site = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if r.Method == http.MethodPost && r.URL.Path == "/backchannel" {
			a.tokens = append(a.tokens, r.PostFormValue("logout_token"))
		}
		if a.status == http.StatusFound {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(a.status)
	}))
	t.Cleanup(a.site.Close)
	return a
}

func (a *listener) answer(status int) { a.mu.Lock(); a.status = status; a.mu.Unlock() }

func (a *listener) got() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string(nil), a.tokens...)
}

// trust makes a server trust the certificate of a.
func (a *listener) trust(o *server.Options) {
	o.Roots = x509.NewCertPool()
	o.Roots.AddCert(a.site.Certificate())
	o.LogoutNetworks = server.Loopback
}

// register registers an application with a back channel at a; redirect puts it on this machine
// or elsewhere. It returns the client id.
func (w *world) register(body string) string {
	w.t.Helper()
	token := w.appToken()
	status, app := w.api(http.MethodPost, "/v1.0/applications", token, body)
	if status != http.StatusCreated {
		w.t.Fatalf("register: %d %v", status, app)
	}
	id := app["appId"].(string)
	status, principal := w.api(http.MethodPost, "/v1.0/servicePrincipals", token, `{"appId":"`+id+`"}`)
	if status != http.StatusCreated {
		w.t.Fatalf("let in: %d %v", status, principal)
	}
	_, all := w.api(http.MethodGet, "/v1.0/servicePrincipals?$filter="+url.QueryEscape("appId eq '00000003-0000-0000-c000-000000000000'"), token, "")
	graph := all["value"].([]any)[0].(map[string]any)["id"].(string)
	status, v := w.api(http.MethodPost, "/v1.0/oauth2PermissionGrants", token,
		`{"clientId":"`+principal["id"].(string)+`","consentType":"AllPrincipals","resourceId":"`+graph+`","scope":"openid profile offline_access User.Read UserAuthenticationMethod.Read"}`)
	if status != http.StatusCreated {
		w.t.Fatalf("consent: %d %v", status, v)
	}
	return id
}

// tokensOf signs in to an application silently, with the session that the browser has.
func (w *world) tokensOf(app string) map[string]any {
	w.t.Helper()
	f := redeem(w.codeIn(w.authorize(url.Values{"client_id": {app}, "prompt": {"none"}})))
	f.Set("client_id", app)
	status, v := w.token(f)
	if status != http.StatusOK {
		w.t.Fatalf("tokens: %d %v", status, v)
	}
	return v
}

func (w *world) tell() {
	w.t.Helper()
	if err := w.server.TellApplications(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func TestApplicationsAreToldThatASessionEnded(t *testing.T) {
	for name, end := range map[string]func(w *world, pass string){
		"the pass is deleted": func(w *world, pass string) {
			w.do204(http.MethodDelete, "/v1.0/users/mira@contoso.example/authentication/temporaryAccessPassMethods/"+pass, "")
		},
		"the account is disabled": func(w *world, _ string) {
			w.do204(http.MethodPatch, "/v1.0/users/mira@contoso.example", `{"accountEnabled":false}`)
		},
		"the account is deleted":          func(w *world, _ string) { w.do204(http.MethodDelete, "/v1.0/users/mira@contoso.example", "") },
		"the person signs out everywhere": func(w *world, _ string) { w.post("/security-info/everywhere", url.Values{}) },
		"the browser signs out":           func(w *world, _ string) { w.post("/"+w.created.TenantID+"/oauth2/v2.0/logout", url.Values{}) },
	} {
		t.Run(name, func(t *testing.T) {
			app := newListener(t)
			w := newWorld(t, app.trust)
			client := w.register(`{"displayName":"Portal","signInAudience":"AzureADMyOrg","publicClient":{"redirectUris":["http://localhost"]},"postern_backchannelLogoutUri":"` + app.site.URL + `/backchannel"}`)
			pass, code := w.addPerson("mira@contoso.example")
			w.code("mira@contoso.example", code)
			id := claimsOf(t, w.tokensOf(client)["id_token"])
			w.tell()
			if len(app.got()) > 0 {
				t.Fatal("told of a session that lives")
			}
			end(w, pass)
			w.tell()
			w.tell()
			tokens := app.got()
			if len(tokens) != 1 {
				t.Fatalf("told %d times\n%s", len(tokens), w.log)
			}
			w.checkLogoutToken(tokens[0], client, id)
		})
	}
}

// What began at a device ends with it: also an application that a browser there was signed in to.
func TestAnApplicationIsToldWhenTheDeviceIsSwitchedOff(t *testing.T) {
	app := newListener(t)
	w := newWorld(t, app.trust)
	m, out, pass := joined(t, w)
	client := w.register(`{"displayName":"Portal","signInAudience":"AzureADMyOrg","publicClient":{"redirectUris":["http://localhost"]},"postern_backchannelLogoutUri":"` + app.site.URL + `/backchannel"}`)
	w.code("admin@contoso.example", pass) // a session elsewhere
	w.tokensOf(client)
	w.newBrowser()
	w.codeIn(w.get(w.signIn(w.present(m.push(webSignIn(out.DeviceID))).location, "admin@contoso.example", pass).location))
	id := claimsOf(t, w.tokensOf(client)["id_token"])
	w.do204(http.MethodPatch, "/v1.0/devices/"+out.ObjectID, `{"accountEnabled":false}`)
	w.tell()
	tokens := app.got()
	if len(tokens) != 1 {
		t.Fatalf("told %d times\n%s", len(tokens), w.log)
	}
	w.checkLogoutToken(tokens[0], client, id)
}

// checkLogoutToken checks a logout token as OpenID Connect Back-Channel Logout 1.0 section 2.6
// tells applications to.
func (w *world) checkLogoutToken(text, client string, id map[string]any) {
	w.t.Helper()
	var set jose.JSONWebKeySet
	if err := jsonInto(w.get("/"+w.created.TenantID+"/discovery/v2.0/keys").body, &set); err != nil {
		w.t.Fatal(err)
	}
	parsed, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		w.t.Fatal(err)
	}
	var standard jwt.Claims
	var own map[string]any
	if err := parsed.Claims(set.Key(parsed.Headers[0].KeyID)[0], &standard, &own); err != nil {
		w.t.Fatal(err)
	}
	events, _ := own["events"].(map[string]any)
	_, event := events["http://schemas.openid.net/event/backchannel-logout"].(map[string]any)
	if err := standard.Validate(jwt.Expected{Issuer: w.site.URL + "/" + w.created.TenantID + "/v2.0", AnyAudience: jwt.Audience{client}, Time: time.Now()}); err != nil ||
		!event || own["sid"] != id["sid"] || own["sub"] != id["sub"] || own["nonce"] != nil || own["jti"] == nil ||
		parsed.Headers[0].ExtraHeaders[jose.HeaderType] != "logout+jwt" {
		w.t.Errorf("the logout token says %v, %v; the id token %v", own, err, id)
	}
}

func TestAnApplicationThatIsDownIsToldLater(t *testing.T) {
	var c wrist
	app := newListener(t)
	w := newWorld(t, app.trust, func(o *server.Options) { o.Wall = c.now })
	client := w.register(`{"displayName":"Portal","signInAudience":"AzureADMyOrg","publicClient":{"redirectUris":["http://localhost"]},"postern_backchannelLogoutUri":"` + app.site.URL + `/backchannel"}`)
	w.code("admin@contoso.example", w.created.Pass)
	w.tokensOf(client)
	w.post("/"+w.created.TenantID+"/oauth2/v2.0/logout", url.Values{})
	for n, status := range []int{http.StatusServiceUnavailable, http.StatusFound, http.StatusOK, http.StatusOK} {
		app.answer(status) // a redirect is not followed, and counts as a failure
		w.tell()
		if got := len(app.got()); got != min(n+1, 3) {
			t.Fatalf("after try %d it was told %d times", n, got)
		}
		w.tell() // not due yet
		if got := len(app.got()); got != min(n+1, 3) {
			t.Fatalf("it was told again at once: %d", got)
		}
		c.move(10 * time.Minute)
	}
	if strings.Contains(w.log.String(), app.got()[0]) {
		t.Error("the log holds a logout token")
	}
}

// Whoever registers applications must not reach what only the server reaches: not by an
// address, not by a name, and not by a redirect URI on the same machine.
func TestABackChannelReachesNothingThatIsNotPublic(t *testing.T) {
	app := newListener(t)
	w := newWorld(t, app.trust, func(o *server.Options) { o.LogoutNetworks = nil })
	byName := strings.Replace(app.site.URL, "127.0.0.1", "localhost", 1)
	for name, uri := range map[string]string{"an address": app.site.URL, "a name": byName} {
		client := w.register(`{"displayName":"` + name + `","signInAudience":"AzureADMyOrg","isFallbackPublicClient":true,"publicClient":{"redirectUris":["http://localhost"]},"postern_backchannelLogoutUri":"` + uri + `/backchannel?key=known-to-it-alone"}`)
		_, code := w.issue(`{"isUsableOnce":true}`)
		w.newBrowser()
		w.code("admin@contoso.example", code)
		w.tokensOf(client)
		w.post("/"+w.created.TenantID+"/oauth2/v2.0/logout", url.Values{})
		w.log.Reset()
		w.tell()
		if len(app.got()) > 0 || !strings.Contains(w.log.String(), "not told of a logout yet") || !strings.Contains(w.log.String(), "--logout-network") {
			t.Errorf("%s: an application made the server call itself\n%s", name, w.log)
		}
		if strings.Contains(w.log.String(), "known-to-it-alone") {
			t.Errorf("%s: the log quotes the address\n%s", name, w.log)
		}
	}
}

func TestTheBrowserTellsApplicationsWithALogoutPage(t *testing.T) {
	w := newWorld(t)
	client := w.register(`{"displayName":"Portal","signInAudience":"AzureADMyOrg","web":{"logoutUrl":"https://portal.example/out?x=1"},"publicClient":{"redirectUris":["http://localhost"]}}`)
	w.code("admin@contoso.example", w.created.Pass)
	tokens := w.tokensOf(client)
	id := claimsOf(t, tokens["id_token"])
	a := w.get("/" + w.created.TenantID + "/oauth2/v2.0/logout?" + url.Values{
		"id_token_hint": {tokens["id_token"].(string)}, "post_logout_redirect_uri": {"http://localhost"}, "state": {"s"},
	}.Encode())
	want := "https://portal.example/out?iss=" + url.QueryEscape(id["iss"].(string)) + "&amp;sid=" + id["sid"].(string) + "&amp;x=1"
	if a.status != http.StatusOK || !strings.Contains(a.body, want) || !strings.Contains(a.header.Get("Content-Security-Policy"), "frame-src https://portal.example;") {
		t.Errorf("signed out: %d %s\n%s", a.status, a.header.Get("Content-Security-Policy"), a.body)
	}
	if a.header.Get("Refresh") != "3; url=http://localhost?state=s" {
		t.Errorf("it goes on to %q", a.header.Get("Refresh"))
	}
	if again := w.authorize(url.Values{"prompt": {"none"}}); !strings.Contains(again.location, "login_required") {
		t.Error("the session lives on")
	}
}

func TestNobodyIsSignedOutByAnotherSite(t *testing.T) {
	w := newWorld(t)
	_, pass := w.addPerson("mira@contoso.example")
	w.code("mira@contoso.example", pass)
	foreign := w.tokensOf(cli)["id_token"].(string)
	w.newBrowser()
	w.code("admin@contoso.example", w.created.Pass)
	path := "/" + w.created.TenantID + "/oauth2/v2.0/logout"
	for name, hint := range map[string]string{"no hint": "", "somebody else's id token": foreign, "nonsense": "x.y.z"} {
		if a := w.get(path + "?id_token_hint=" + hint); !strings.Contains(a.body, `data-step="confirm"`) {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	r := w.request(http.MethodPost, path, strings.NewReader("state=x&post_logout_redirect_uri=https%3A%2F%2Fevil.example"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://evil.example")
	if a := w.do(r); a.status != http.StatusSeeOther || !strings.HasPrefix(a.location, path+"?") {
		t.Errorf("a form of another site: %d %q", a.status, a.location)
	}
	w.codeIn(w.authorize(url.Values{"prompt": {"none"}}))
	for _, uri := range []string{"https://evil.example", "http://localhost.evil.example", "http://localhost/x", "//evil.example"} {
		w.newBrowser()
		w.code("mira@contoso.example", pass)
		a := w.get(path + "?" + url.Values{"id_token_hint": {w.tokensOf(cli)["id_token"].(string)}, "post_logout_redirect_uri": {uri}}.Encode())
		if a.location != "" || a.header.Get("Refresh") != "" {
			t.Errorf("%s: led to %q", uri, a.location)
		}
	}
}

func TestALogoutHintEndsThatSessionOnly(t *testing.T) {
	w := newWorld(t)
	_, pass := w.addPerson("mira@contoso.example")
	w.code("admin@contoso.example", w.created.Pass)
	w.signIn(w.authorize(url.Values{"prompt": {"login"}}).location, "mira@contoso.example", pass)
	w.post("/"+w.created.TenantID+"/oauth2/v2.0/logout?logout_hint=MIRA@contoso.example", url.Values{})
	if a := w.authorize(url.Values{"prompt": {"none"}, "login_hint": {"mira@contoso.example"}}); !strings.Contains(a.location, "login_required") {
		t.Error("the named session lives on")
	}
	w.codeIn(w.authorize(url.Values{"prompt": {"none"}, "login_hint": {"admin@contoso.example"}}))
}
