package server_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/server"
)

// world is a running server with one tenant, and a browser.
type world struct {
	t       *testing.T
	created server.Created
	options server.Options
	server  *server.Server
	site    *httptest.Server
	browser *http.Client
	log     *bytes.Buffer
	agent   string       // User-Agent of the browser; empty for Go's
	address string       // that a proxy says the browser has; empty for none
	seen    func(answer) // looks at every page that a browser gets; nil for nobody
}

// newWorld starts a server on a fresh data directory, through the same doors as the commands.
func newWorld(t *testing.T, set ...func(*server.Options)) *world {
	t.Helper()
	w := newSite(t)
	w.options = server.Options{
		Dir: t.TempDir(), PublicURL: w.site.URL, Hold: time.Millisecond,
		Log: slog.New(slog.NewJSONHandler(w.log, nil)),
	}
	for _, f := range set {
		f(&w.options)
	}
	var err error
	if w.created, err = server.Init(t.Context(), w.options, server.NewTenant{
		Domain: "contoso.example", Admin: "admin", TimeZone: "Europe/Berlin", EnableTAP: true, App: "automation",
	}); err != nil {
		t.Fatal(err)
	}
	w.open()
	return w
}

// openWorld starts a server on data that is there.
func openWorld(t *testing.T, o server.Options, created server.Created) *world {
	t.Helper()
	w := newSite(t)
	o.PublicURL = w.site.URL
	w.options, w.created = o, created
	w.open()
	return w
}

// newSite makes a world without a server, whose address is known.
func newSite(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, log: &bytes.Buffer{}}
	w.site = httptest.NewUnstartedServer(nil)
	w.site.EnableHTTP2 = true
	w.site.StartTLS()
	t.Cleanup(w.site.Close)
	w.newBrowser()
	return w
}

// open opens the server of w.options behind the site.
func (w *world) open() {
	w.t.Helper()
	s, err := server.Open(w.t.Context(), w.options)
	if err != nil {
		w.t.Fatal(err)
	}
	w.server = s
	w.t.Cleanup(w.close)
	w.site.Config.Handler = s.Handler()
}

// close stops the server, as SIGTERM does. A second call does nothing.
func (w *world) close() {
	w.t.Helper()
	if err := w.server.Close(); err != nil {
		w.t.Error(err)
	}
}

// newBrowser forgets all cookies.
func (w *world) newBrowser() {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	w.browser = &http.Client{
		Transport: w.site.Client().Transport, Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// an answer is what came back.
type answer struct {
	status   int
	location string
	header   http.Header
	body     string
}

func (w *world) do(r *http.Request) answer {
	w.t.Helper()
	res, err := w.browser.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	// Where an address may be broken is nothing that it says.
	a := answer{res.StatusCode, res.Header.Get("Location"), res.Header, strings.ReplaceAll(string(body), "<wbr>", "")}
	if m := ledBack.FindStringSubmatch(a.body); m != nil && strings.Contains(a.body, `data-step="back"`) {
		a.location = html.UnescapeString(m[1]) // from an upstream a browser is led on by a page
	}
	if w.seen != nil && strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
		w.seen(a)
	}
	return a
}

var ledBack = regexp.MustCompile(`http-equiv="refresh" content="0; url=([^"]+)"`)

func (w *world) request(method, path string, body io.Reader) *http.Request {
	w.t.Helper()
	if !strings.HasPrefix(path, "https://") {
		path = w.site.URL + path
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, path, body)
	if err != nil {
		w.t.Fatal(err)
	}
	if w.address != "" {
		r.Header.Set("X-Forwarded-For", w.address)
	}
	if w.agent != "" {
		r.Header.Set("User-Agent", w.agent)
	}
	return r
}

func (w *world) get(path string) answer { return w.do(w.request(http.MethodGet, path, nil)) }

func (w *world) post(path string, form url.Values) answer {
	r := w.request(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return w.do(r)
}

// api calls Graph with a token.
func (w *world) api(method, path, token, body string) (int, map[string]any) {
	w.t.Helper()
	r := w.request(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	if strings.Contains(path, "authenticationMethodConfigurations") || strings.Contains(path, "signInMethodsPolicy") {
		r.Header.Set("Postern-Force", "true") // who loses a way back in by a policy is another test's
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	a := w.do(r)
	var v map[string]any
	if a.body != "" {
		if err := json.Unmarshal([]byte(a.body), &v); err != nil {
			w.t.Fatalf("%s %s: %v\n%s", method, path, err, a.body)
		}
	}
	return a.status, v
}

func (w *world) token(form url.Values) (int, map[string]any) {
	w.t.Helper()
	a := w.post("/"+w.created.TenantID+"/oauth2/v2.0/token", form)
	var v map[string]any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		w.t.Fatalf("token: %v\n%s", err, a.body)
	}
	return a.status, v
}

// appToken is a token of the application that init made.
func (w *world) appToken() string {
	w.t.Helper()
	status, v := w.token(url.Values{
		"grant_type": {"client_credentials"}, "client_id": {w.created.ClientID}, "client_secret": {w.created.ClientSecret},
		"scope": {"https://graph.microsoft.com/.default openid offline_access profile"},
	})
	if status != http.StatusOK {
		w.t.Fatalf("client_credentials: %d %v", status, v)
	}
	return v["access_token"].(string)
}

const (
	cli      = "d63505a7-8db9-41a0-88f0-78639b447745"
	callback = "http://localhost:4711"
	verifier = "a-verifier-that-is-long-enough-for-rfc-7636-section-4.1"
)

func (w *world) authorize(more url.Values) answer {
	sum := sha256.Sum256([]byte(verifier))
	q := url.Values{
		"client_id": {cli}, "response_type": {"code"}, "redirect_uri": {callback}, "state": {"st4te"}, "nonce": {"n0nce"},
		"scope":          {"openid profile offline_access User.Read UserAuthenticationMethod.Read"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	maps.Copy(q, more)
	return w.get("/" + w.created.TenantID + "/oauth2/v2.0/authorize?" + q.Encode())
}

// signIn types name and pass on the pages that start at page, and returns where it leads.
func (w *world) signIn(page, name, pass string) answer {
	w.t.Helper()
	if a := w.post(page, url.Values{"username": {name}}); a.status != http.StatusSeeOther {
		w.t.Fatalf("name: %d\n%s", a.status, a.body)
	}
	if a := w.post(page, url.Values{"accesspass": {pass}}); a.status != http.StatusSeeOther {
		return a
	}
	return w.post(page, url.Values{"stay": {"no"}})
}

// code signs in for the CLI and returns the code.
func (w *world) code(name, pass string) string {
	w.t.Helper()
	begin := w.authorize(nil)
	done := w.signIn(begin.location, name, pass)
	if done.status != http.StatusSeeOther {
		w.t.Fatalf("sign-in: %d\n%s", done.status, done.body)
	}
	return w.codeIn(w.get(done.location))
}

func (w *world) codeIn(a answer) string {
	w.t.Helper()
	u, err := url.Parse(a.location)
	if err != nil || u.Query().Get("code") == "" {
		w.t.Fatalf("no code: %d %q %v\n%s", a.status, a.location, err, a.body)
	}
	return u.Query().Get("code")
}

func redeem(code string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "client_id": {cli}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier},
	}
}

func refresh(token any) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "client_id": {cli}, "refresh_token": {token.(string)}}
}

func (w *world) issue(body string) (id, pass string) {
	w.t.Helper()
	status, v := w.api(http.MethodPost, "/v1.0/users/admin@contoso.example/authentication/temporaryAccessPassMethods", w.appToken(), body)
	if status != http.StatusCreated {
		w.t.Fatalf("issue: %d %v", status, v)
	}
	return v["id"].(string), v["temporaryAccessPass"].(string)
}

func TestAPassGetsAPersonIn(t *testing.T) {
	w := newWorld(t)
	_, pass := w.issue(`{"isUsableOnce":true,"postern_reason":"new laptop"}`)
	status, tokens := w.token(redeem(w.code("admin@contoso.example", strings.ToLower(pass[:4])+" - "+pass[4:])))
	if status != http.StatusOK {
		t.Fatalf("redeem: %d %v", status, tokens)
	}
	status, methods := w.api(http.MethodGet, "/v1.0/me/authentication/methods", tokens["access_token"].(string), "")
	if status != http.StatusOK {
		t.Fatalf("methods: %d %v", status, methods)
	}
	list := methods["value"].([]any)
	if len(list) != 1 || list[0].(map[string]any)["methodUsabilityReason"] != "OneTimeUsed" {
		t.Errorf("methods are %v", list)
	}
	if strings.Contains(w.log.String(), pass) {
		t.Error("the log holds the pass")
	}
}

func TestAOneTimePassLetsNobodyElseIn(t *testing.T) {
	w := newWorld(t)
	_, pass := w.issue(`{"isUsableOnce":true}`)
	w.code("admin@contoso.example", pass)
	w.newBrowser()
	if a := w.signIn(w.authorize(nil).location, "admin@contoso.example", pass); a.status != http.StatusBadRequest || !strings.Contains(a.body, `data-error="credentialRefused"`) {
		t.Errorf("a second browser got %d\n%s", a.status, a.body)
	}
}

func TestARepeatedFormLeadsToTheSameSession(t *testing.T) {
	w := newWorld(t)
	_, pass := w.issue(`{"isUsableOnce":true}`)
	page := w.authorize(nil).location
	first := w.signIn(page, "admin@contoso.example", pass)
	for _, again := range []url.Values{{"accesspass": {pass}}, {"stay": {"yes"}}, {"username": {"admin@contoso.example"}}} {
		if a := w.post(page, again); a.location != first.location {
			t.Errorf("%v led to %q, not to %q", again, a.location, first.location)
		}
	}
}

func TestDeletingThePassEndsWhatCameFromIt(t *testing.T) {
	w := newWorld(t)
	id, pass := w.issue(`{}`)
	_, tokens := w.token(redeem(w.code("admin@contoso.example", pass)))
	unredeemed := w.codeIn(w.authorize(url.Values{"prompt": {"none"}}))
	path := "/v1.0/users/admin@contoso.example/authentication/temporaryAccessPassMethods/" + id
	if status, v := w.api(http.MethodDelete, path, w.appToken(), ""); status != http.StatusNoContent {
		t.Fatalf("delete: %d %v", status, v)
	}
	if status, _ := w.api(http.MethodGet, "/v1.0/me/authentication/methods", tokens["access_token"].(string), ""); status != http.StatusUnauthorized {
		t.Errorf("the access token still works at Graph: %d", status)
	}
	if status, v := w.token(refresh(tokens["refresh_token"])); status != http.StatusBadRequest || v["error"] != "invalid_grant" || !strings.Contains(v["error_description"].(string), "AADSTS130507") {
		t.Errorf("refresh: %d %v", status, v)
	}
	if status, v := w.token(redeem(unredeemed)); status != http.StatusBadRequest {
		t.Errorf("a code that was not redeemed yet: %d %v", status, v)
	}
	if a := w.authorize(url.Values{"prompt": {"none"}}); !strings.Contains(a.location, "error=login_required") {
		t.Errorf("the session still signs in: %q", a.location)
	}
}

func TestReuseEndsTheFamily(t *testing.T) {
	w := newWorld(t)
	code := w.code("admin@contoso.example", w.created.Pass)
	_, tokens := w.token(redeem(code))
	_, next := w.token(refresh(tokens["refresh_token"]))
	if status, _ := w.token(refresh(tokens["refresh_token"])); status != http.StatusBadRequest {
		t.Fatalf("a rotated refresh token worked again: %d", status)
	}
	if status, _ := w.token(refresh(next["refresh_token"])); status != http.StatusBadRequest {
		t.Error("the winner's refresh token survived")
	}
	if status, _ := w.api(http.MethodGet, "/v1.0/me/authentication/methods", next["access_token"].(string), ""); status != http.StatusUnauthorized {
		t.Error("the winner's access token survived")
	}
	code = w.codeIn(w.authorize(url.Values{"prompt": {"none"}}))
	_, tokens = w.token(redeem(code))
	if _, v := w.token(redeem(code)); !strings.Contains(v["error_description"].(string), "AADSTS54005") {
		t.Errorf("a code used twice: %v", v)
	}
	if status, _ := w.token(refresh(tokens["refresh_token"])); status != http.StatusBadRequest {
		t.Error("tokens of a code that was used twice survived")
	}
}

func TestAStrangerCantSpendACode(t *testing.T) {
	w := newWorld(t)
	code := w.code("admin@contoso.example", w.created.Pass)
	for name, change := range map[string]func(url.Values){
		"another client":       func(f url.Values) { f.Set("client_id", "04b07795-8ddb-461a-bbee-02f9e1bf7b46") },
		"another verifier":     func(f url.Values) { f.Set("code_verifier", strings.Repeat("x", 50)) },
		"no verifier":          func(f url.Values) { f.Del("code_verifier") },
		"another redirect URI": func(f url.Values) { f.Set("redirect_uri", "http://localhost:4712") },
		"a changed code":       func(f url.Values) { f.Set("code", code[:80]+"AAAAAAA") },
	} {
		f := redeem(code)
		change(f)
		if status, v := w.token(f); status == http.StatusOK {
			t.Errorf("%s: %v", name, v)
		}
	}
	if status, v := w.token(redeem(code)); status != http.StatusOK {
		t.Errorf("the owner: %d %v", status, v)
	}
}

func TestNothingGoesToAnUnregisteredAddress(t *testing.T) {
	w := newWorld(t)
	for _, uri := range []string{
		"https://evil.example/", "http://localhost.evil.example", "http://localhost:4711/other", "http://localhost@evil.example",
		"https://localhost:4711", "http://localhost:4711#x", "javascript:alert(1)", "//evil.example",
	} {
		if a := w.authorize(url.Values{"redirect_uri": {uri}}); a.status < 400 || a.status > 499 || a.location != "" || !strings.Contains(a.body, "AADSTS50011") {
			t.Errorf("%s: %d %q", uri, a.status, a.location)
		}
	}
	if a := w.authorize(url.Values{"client_id": {"11111111-2222-3333-4444-555555555555"}}); a.status < 400 || a.location != "" {
		t.Errorf("unknown client: %d %q", a.status, a.location)
	}
}

// ownID is the short name of a sign-in in an address.
var ownID = regexp.MustCompile(`t=[0-9a-f]{8}`)

func TestUnknownWrongAndLockedLookAlike(t *testing.T) {
	w := newWorld(t)
	page := func(name string) string {
		w.newBrowser()
		a := w.signIn(w.authorize(nil).location, name, "WRONGWRONG")
		if a.status != http.StatusBadRequest {
			t.Fatalf("%s: %d", name, a.status)
		}
		_, main, _ := strings.Cut(a.body, "<main")
		main, _, _ = strings.Cut(main, `<p class="small">`)
		return ownID.ReplaceAllString(strings.ReplaceAll(main, name, "NAME"), "t=ID")
	}
	wrong, unknown := page("admin@contoso.example"), page("nobody@contoso.example")
	if wrong != unknown {
		t.Errorf("a wrong pass and an unknown person differ:\n%s\n%s", wrong, unknown)
	}
	for range 9 {
		page("admin@contoso.example")
	}
	w.newBrowser()
	a := w.signIn(w.authorize(nil).location, "admin@contoso.example", w.created.Pass)
	if a.status != http.StatusBadRequest {
		t.Fatalf("the right pass after ten failures: %d", a.status)
	}
	if locked := page("admin@contoso.example"); locked != wrong {
		t.Error("a locked account looks different")
	}
}

func TestAFormWithoutItsCookieOrFromElsewhereSignsNobodyIn(t *testing.T) {
	w := newWorld(t)
	page := w.authorize(nil).location
	w.post(page, url.Values{"username": {"admin@contoso.example"}})
	r := w.request(http.MethodPost, page, strings.NewReader(url.Values{"accesspass": {w.created.Pass}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://evil.example")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if a := w.do(r); a.status < 400 || a.status > 499 {
		t.Errorf("a foreign Origin: %d", a.status)
	}
	w.newBrowser()
	if a := w.post(page, url.Values{"accesspass": {w.created.Pass}}); a.status < 400 || len(a.header.Values("Set-Cookie")) > 0 {
		t.Errorf("without the cookie: %d %v", a.status, a.header)
	}
}

func TestEveryStepIsInTheLogs(t *testing.T) {
	w := newWorld(t)
	id, pass := w.issue(`{"isUsableOnce":true,"postern_reason":"new laptop"}`)
	w.signIn(w.authorize(nil).location, "admin@contoso.example", "WRONGWRONG")
	w.newBrowser()
	w.code("admin@contoso.example", pass)
	token := w.appToken()
	one := func(path string) map[string]any {
		t.Helper()
		status, v := w.api(http.MethodGet, path, token, "")
		list, _ := v["value"].([]any)
		if status != http.StatusOK || len(list) != 1 {
			t.Fatalf("%s: %d %v", path, status, v)
		}
		return list[0].(map[string]any)
	}
	wrong := one("/v1.0/auditLogs/signIns?$filter=" + url.QueryEscape("status/errorCode eq 130503"))
	if wrong["userPrincipalName"] != "admin@contoso.example" {
		t.Errorf("the wrong pass is logged as %v", wrong)
	}
	status, v := w.api(http.MethodGet, "/beta/auditLogs/signIns?$top=5&$orderby=createdDateTime%20desc&$filter="+
		url.QueryEscape("userId eq '"+wrong["userId"].(string)+"' and status/errorCode eq 0 and createdDateTime ge 2020-01-01"), token, "")
	asked := 0
	for _, e := range v["value"].([]any) {
		in := e.(map[string]any)
		if in["isInteractive"] == true && len(in["authenticationDetails"].([]any)) == 1 {
			asked++
		}
	}
	if status != http.StatusOK || asked != 1 {
		t.Errorf("the sign-in is logged %d times: %d %v", asked, status, v)
	}
	issued := one("/v1.0/auditLogs/directoryAudits?$filter=" +
		url.QueryEscape("activityDisplayName eq 'User registered security info' and targetResources/any(t:t/id eq '"+wrong["userId"].(string)+"')"))
	if raw, err := json.Marshal(issued); err != nil || !strings.Contains(string(raw), "AccessPassUsage") || !strings.Contains(string(raw), id) || strings.Contains(string(raw), pass) {
		t.Errorf("issuing is logged as %s %v", raw, err)
	}
}
