package server_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/server"
)

// json reads an answer.
func (w *world) json(a answer) map[string]any {
	w.t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		w.t.Fatalf("%d: %v\n%s", a.status, err, a.body)
	}
	return v
}

// pushed is an authorization request of the command line, to be pushed.
func pushed() url.Values {
	sum := sha256.Sum256([]byte(verifier))
	return url.Values{
		"client_id": {cli}, "response_type": {"code"}, "redirect_uri": {callback}, "state": {"pushed state"}, "scope": {"openid User.Read"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
}

func (w *world) parPath() string { return "/" + w.created.TenantID + "/oauth2/v2.0/par" }

// push pushes a request and returns its request_uri.
func (w *world) push(form url.Values) string {
	w.t.Helper()
	a := w.post(w.parPath(), form)
	v := w.json(a)
	uri, ok := v["request_uri"].(string)
	if a.status != http.StatusCreated || !ok || a.header.Get("Cache-Control") != "no-store" {
		w.t.Fatalf("push: %d %v", a.status, v)
	}
	return uri
}

// arrive sends the browser with a request_uri.
func (w *world) arrive(uri string, more url.Values) answer {
	q := url.Values{"client_id": {cli}, "request_uri": {uri}}
	maps.Copy(q, more)
	return w.get("/" + w.created.TenantID + "/oauth2/v2.0/authorize?" + q.Encode())
}

func (w *world) wantRefused(name string, a answer) {
	w.t.Helper()
	if a.status != http.StatusBadRequest || a.location != "" || !strings.Contains(a.body, `data-error="requestUriInvalid"`) {
		w.t.Errorf("%s: %d %q", name, a.status, a.location)
	}
}

func TestAPushedRequestSignsAPersonInOnce(t *testing.T) {
	w := newWorld(t)
	w.code("admin@contoso.example", w.created.Pass)
	uri := w.push(pushed())
	// What stands beside request_uri counts for nothing (RFC 9101 section 6.3).
	a := w.arrive(uri, url.Values{"state": {"other"}, "redirect_uri": {"https://evil.example"}, "scope": {"openid Directory.ReadWrite.All"}})
	if !strings.HasPrefix(a.location, callback+"?") || !strings.Contains(a.location, "state=pushed+state") {
		t.Fatalf("arrive: %d %q\n%s", a.status, a.location, a.body)
	}
	status, tokens := w.token(redeem(w.codeIn(a)))
	if status != http.StatusOK || !strings.HasPrefix(tokens["scope"].(string), "User.Read openid") {
		t.Errorf("redeem: %d %v", status, tokens["scope"])
	}
	w.wantRefused("a second use", w.arrive(uri, nil))
}

func TestAPushedRequestIsOfItsClientAndOfNow(t *testing.T) {
	var c wrist
	w := newWorld(t, func(o *server.Options) { o.Wall = c.now })
	uri := w.push(pushed())
	w.wantRefused("another client", w.arrive(uri, url.Values{"client_id": {"04b07795-8ddb-461a-bbee-02f9e1bf7b46"}}))
	w.wantRefused("another secret", w.arrive(uri[:len(uri)-8]+"AAAAAAAA", nil))
	w.wantRefused("an address elsewhere", w.arrive("https://evil.example/request.jwt", nil))
	w.wantRefused("nothing", w.arrive("", nil))
	common := w.get("/common/oauth2/v2.0/authorize?" + url.Values{"client_id": {cli}, "request_uri": {uri}}.Encode())
	w.wantRefused("at common", common)
	c.move(61 * time.Second)
	w.wantRefused("a minute later", w.arrive(uri, nil))
}

func TestOfManyUsesOfAPushedRequestOneCounts(t *testing.T) {
	w := newWorld(t)
	uri := w.push(pushed())
	led := make(chan bool, 16)
	var all sync.WaitGroup
	for range cap(led) {
		all.Go(func() { led <- w.arrive(uri, nil).status == http.StatusSeeOther })
	}
	all.Wait()
	close(led)
	n := 0
	for ok := range led {
		if ok {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d led on", n)
	}
}

func TestAPushedRequestIsCheckedAtOnce(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		change func(url.Values)
		want   string
	}{
		"a redirect URI of somebody else": {func(f url.Values) { f.Set("redirect_uri", "https://evil.example") }, "AADSTS50011"},
		"no PKCE":                         {func(f url.Values) { f.Del("code_challenge") }, "invalid_request"},
		"plain PKCE":                      {func(f url.Values) { f.Set("code_challenge_method", "plain") }, "invalid_request"},
		"a request by reference":          {func(f url.Values) { f.Set("request_uri", "urn:ietf:params:oauth:request_uri:x") }, "invalid_request_uri"},
		"a request object":                {func(f url.Values) { f.Set("request", "e30.e30.") }, "request_not_supported"},
		"an unknown client":               {func(f url.Values) { f.Set("client_id", "11111111-2222-3333-4444-555555555555") }, "unauthorized_client"},
		"a client that proves nothing":    {func(f url.Values) { f.Set("client_id", w.created.ClientID) }, "invalid_client"},
		"a parameter twice":               {func(f url.Values) { f.Add("scope", "openid") }, "invalid_request"},
	} {
		f := pushed()
		c.change(f)
		if a := w.post(w.parPath(), f); a.status < 400 || a.status > 499 || !strings.Contains(a.body, c.want) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

func TestAPushedRequestBindsTheCodeToTheKeyOfItsProof(t *testing.T) {
	w := newWorld(t)
	w.code("admin@contoso.example", w.created.Pass)
	key, other := newDPoPKey(t), newDPoPKey(t)
	f := pushed()
	f.Set("dpop_jkt", other.thumbprint())
	if a := w.postProving(key, w.parPath(), f); a.status != http.StatusBadRequest {
		t.Errorf("a proof of another key than dpop_jkt: %d", a.status)
	}
	uri, _ := w.json(w.postProving(key, w.parPath(), pushed()))["request_uri"].(string)
	code := w.codeIn(w.arrive(uri, nil))
	if a := w.post(w.tokenPath(), redeem(code)); a.status == http.StatusOK {
		t.Error("the code was redeemed without the key")
	}
	if a := w.postProving(other, w.tokenPath(), redeem(code)); a.status == http.StatusOK {
		t.Error("the code was redeemed with another key")
	}
	if a := w.postProving(key, w.tokenPath(), redeem(code)); a.status != http.StatusOK {
		t.Errorf("with its key: %d %s", a.status, w.json(a)["error"])
	}
}

func TestARequestByReferenceIsRefusedElsewhere(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{w.tokenPath(), w.parPath(), "/" + w.created.TenantID + "/oauth2/v2.0/devicecode"} {
		f := pushed()
		f.Set("grant_type", "authorization_code")
		f.Set("request_uri", "https://evil.example/request.jwt")
		if a := w.post(path, f); a.status != http.StatusBadRequest || w.json(a)["error"] != "invalid_request_uri" {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	if a := w.authorize(url.Values{"request": {"e30.e30."}}); a.status != http.StatusBadRequest || a.location != "" {
		t.Errorf("a request object: %d %q", a.status, a.location)
	}
}
