package server_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// winners posts the same form 16 times at once and returns how many succeeded.
func (w *world) winners(form url.Values) int {
	won := make(chan bool, 16)
	var all sync.WaitGroup
	for range cap(won) {
		all.Go(func() { won <- w.post(w.tokenPath(), form).status == http.StatusOK })
	}
	all.Wait()
	close(won)
	n := 0
	for ok := range won {
		if ok {
			n++
		}
	}
	return n
}

func TestOfManyParallelUsesOneWinsAtMost(t *testing.T) {
	w := newWorld(t)
	if n := w.winners(redeem(w.code("admin@contoso.example", w.created.Pass))); n > 1 {
		t.Errorf("a code was redeemed %d times", n)
	}
	_, tokens := w.token(redeem(w.codeIn(w.authorize(url.Values{"prompt": {"none"}}))))
	if n := w.winners(refresh(tokens["refresh_token"])); n > 1 {
		t.Errorf("a refresh token worked %d times", n)
	}
	if status, _ := w.api(http.MethodGet, "/v1.0/me", tokens["access_token"].(string), ""); status != http.StatusUnauthorized {
		t.Errorf("the family lives on after the race: %d", status)
	}
}

func TestARefreshTokenIsOfItsClient(t *testing.T) {
	w := newWorld(t)
	_, tokens := w.token(redeem(w.code("admin@contoso.example", w.created.Pass)))
	for name, change := range map[string]func(url.Values){
		"another client": func(f url.Values) { f.Set("client_id", "04b07795-8ddb-461a-bbee-02f9e1bf7b46") },
		"another client with a proof": func(f url.Values) {
			f.Set("client_id", w.created.ClientID)
			f.Set("client_secret", w.created.ClientSecret)
		},
		"an unknown client": func(f url.Values) { f.Set("client_id", "11111111-2222-3333-4444-555555555555") },
		"no client":         func(f url.Values) { f.Del("client_id") },
		"as a code":         func(f url.Values) { f.Set("grant_type", "authorization_code"); f.Set("code", f.Get("refresh_token")) },
		"as a device code":  func(f url.Values) { f.Set("grant_type", shortGrant); f.Set("device_code", f.Get("refresh_token")) },
		"twice in a form":   func(f url.Values) { f.Add("refresh_token", f.Get("refresh_token")) },
	} {
		f := refresh(tokens["refresh_token"])
		change(f)
		if status, v := w.token(f); status < 400 || v["access_token"] != nil {
			t.Errorf("%s: %d", name, status)
		}
	}
	if status, v := w.token(refresh(tokens["refresh_token"])); status != http.StatusOK {
		t.Errorf("its client, after all that: %d %v", status, v["error"])
	}
}

func TestPKCEIsNeverWeakened(t *testing.T) {
	w := newWorld(t)
	w.code("admin@contoso.example", w.created.Pass)
	for name, q := range map[string]url.Values{
		"plain":              {"code_challenge_method": {"plain"}},
		"an unknown method":  {"code_challenge_method": {"S512"}},
		"another case":       {"code_challenge_method": {"s256"}},
		"no method":          {"code_challenge_method": {""}},
		"no challenge":       {"code_challenge": {""}},
		"neither":            {"code_challenge": {""}, "code_challenge_method": {""}},
		"too short to be it": {"code_challenge": {"abc"}},
	} {
		q.Set("prompt", "none")
		if a := w.authorize(q); strings.Contains(a.location, "code=") || !strings.Contains(a.location, "error=invalid_request") {
			t.Errorf("%s: %q", name, a.location)
		}
	}
}

func TestNoAccessTokenComesThroughTheBrowser(t *testing.T) {
	w := newWorld(t)
	w.code("admin@contoso.example", w.created.Pass)
	for _, kind := range []string{"token", "id_token token", "code token", "code id_token", "id_token", "none"} {
		if a := w.authorize(url.Values{"response_type": {kind}, "prompt": {"none"}}); strings.Contains(a.location, "_token=") || !strings.Contains(a.location, "error=unsupported_response_type") {
			t.Errorf("%s: %q", kind, a.location)
		}
	}
	for _, grant := range []string{"password", "implicit", "urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:grant-type:jwt-bearer"} {
		if status, v := w.token(url.Values{"grant_type": {grant}, "client_id": {cli}, "username": {"admin@contoso.example"}, "password": {w.created.Pass}}); status != http.StatusBadRequest || v["error"] != "unsupported_grant_type" {
			t.Errorf("%s: %d %v", grant, status, v["error"])
		}
	}
}

func TestAnswersSayWhoGivesThem(t *testing.T) {
	w := newWorld(t)
	issuer := url.QueryEscape(w.site.URL + "/" + w.created.TenantID + "/v2.0")
	if a := w.authorize(url.Values{"prompt": {"none"}}); !strings.Contains(a.location, "iss="+issuer) {
		t.Errorf("an error: %q", a.location)
	}
	w.code("admin@contoso.example", w.created.Pass)
	a := w.authorize(url.Values{"prompt": {"none"}})
	if !strings.Contains(a.location, "iss="+issuer) || a.status != http.StatusSeeOther || a.header.Get("Referrer-Policy") != "no-referrer" || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("a code: %d %q %v", a.status, a.location, a.header)
	}
}

func TestAClientThatHandlesChallengesIsAskedForANewerToken(t *testing.T) {
	w := newWorld(t)
	w.code("admin@contoso.example", w.created.Pass)
	_, tokens := w.token(redeem(w.codeIn(w.authorize(url.Values{"prompt": {"none"}, "claims": {`{"access_token":{"xms_cc":{"values":["CP1"]}}}`}}))))
	w.post("/"+w.created.TenantID+"/oauth2/v2.0/logout", url.Values{})
	r := w.request(http.MethodGet, "/v1.0/me", nil)
	r.Header.Set("Authorization", "Bearer "+tokens["access_token"].(string))
	a := w.do(r)
	_, rest, _ := strings.Cut(a.header.Get("WWW-Authenticate"), `claims="`)
	text, _, _ := strings.Cut(rest, `"`)
	claims, err := base64.StdEncoding.DecodeString(text)
	if a.status != http.StatusUnauthorized || !strings.Contains(a.header.Get("WWW-Authenticate"), `error="insufficient_claims"`) || err != nil || !strings.Contains(string(claims), `"nbf"`) {
		t.Fatalf("%d %q %s", a.status, a.header.Get("WWW-Authenticate"), claims)
	}
	w.newBrowser()
	if page := w.authorize(url.Values{"claims": {string(claims)}}).location; !strings.HasPrefix(page, "/signin") {
		t.Errorf("with the claims it led to %q", page)
	}
}
