package server_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/server"
)

// The benchmarks of the whole handler, without network and TLS; ./bench measures those too.

func open(b *testing.B) (http.Handler, server.Created) {
	b.Helper()
	o := server.Options{Dir: b.TempDir(), PublicURL: "https://localhost", Log: slog.New(slog.DiscardHandler)}
	created, err := server.Init(b.Context(), o, server.NewTenant{Domain: "contoso.example", Admin: "admin", TimeZone: "UTC", EnableTAP: true, App: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	s, err := server.Open(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	s.Start()
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return s.Handler(), created
}

func ask(b *testing.B, h http.Handler, method, path, body string, want int) string {
	r := httptest.NewRequestWithContext(b.Context(), method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != want {
		b.Errorf("%s %s: %d\n%s", method, path, w.Code, w.Body)
	}
	return w.Body.String()
}

func BenchmarkClientCredentials(b *testing.B) {
	for _, algorithm := range []string{"RS256", "ES256"} {
		b.Run(algorithm, func(b *testing.B) { clientCredentials(b, algorithm) })
	}
}

func clientCredentials(b *testing.B, algorithm string) {
	h, created := open(b)
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {created.ClientID}, "client_secret": {created.ClientSecret},
		"scope": {"https://graph.microsoft.com/.default"},
	}.Encode()
	path := "/" + created.TenantID + "/oauth2/v2.0/token"
	var got struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(ask(b, h, http.MethodPost, path, form, http.StatusOK)), &got); err != nil {
		b.Fatal(err)
	}
	r := httptest.NewRequestWithContext(b.Context(), http.MethodPatch, "/v1.0/applications(appId='"+created.ClientID+"')",
		strings.NewReader(`{"postern_tokenSigningAlgorithm":"`+algorithm+`"}`))
	r.Header.Set("Authorization", "Bearer "+got.Token)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != http.StatusNoContent {
		b.Fatalf("choose %s: %d %s", algorithm, w.Code, w.Body)
	}
	b.SetParallelism(32) // callers a core: those that wait share one commit
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			ask(b, h, http.MethodPost, path, form, http.StatusOK)
		}
	})
}

func BenchmarkDiscovery(b *testing.B) {
	h, created := open(b)
	path := "/" + created.TenantID + "/v2.0/.well-known/openid-configuration"
	b.SetParallelism(32)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			ask(b, h, http.MethodGet, path, "", http.StatusOK)
		}
	})
}

// BenchmarkRefresh is of a person's refresh token, with and without rules of Conditional Access:
// of 500 five apply.
func BenchmarkRefresh(b *testing.B) {
	for _, rules := range []int{0, 500} {
		b.Run(fmt.Sprintf("%d rules", rules), func(b *testing.B) { refreshUnder(b, rules) })
	}
}

func refreshUnder(b *testing.B, rules int) {
	h, created := open(b)
	makeRules(b, h, created, rules)
	token := "/" + created.TenantID + "/oauth2/v2.0/token"
	var got struct {
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal([]byte(ask(b, h, http.MethodPost, token, redeem(benchCode(b, h, created)).Encode(), http.StatusOK)), &got); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		form := refresh(got.Refresh).Encode()
		if err := json.Unmarshal([]byte(ask(b, h, http.MethodPost, token, form, http.StatusOK)), &got); err != nil {
			b.Fatal(err)
		}
	}
}

// makeRules makes n rules: each hundredth is for everybody, the others for other people.
func makeRules(b *testing.B, h http.Handler, created server.Created, n int) {
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {created.ClientID}, "client_secret": {created.ClientSecret}, "scope": {"https://graph.microsoft.com/.default"},
	}.Encode()
	var got struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(ask(b, h, http.MethodPost, "/"+created.TenantID+"/oauth2/v2.0/token", form, http.StatusOK)), &got); err != nil {
		b.Fatal(err)
	}
	for i := range n {
		who := `"includeRoles":["e8611ab8-c189-46e8-94e1-60213ab1f814"]`
		if i%100 == 0 {
			who = `"includeUsers":["All"]`
		}
		body := fmt.Sprintf(`{"displayName":"CA%03d","state":"enabled","conditions":{"users":{%s},"applications":{"includeApplications":["All"]},"clientAppTypes":["all"]},
			"grantControls":{"operator":"OR","builtInControls":["mfa"]}}`, i, who)
		r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/v1.0/identity/conditionalAccess/policies", strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+got.Token)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != http.StatusCreated {
			b.Fatalf("rule %d: %d %s", i, w.Code, w.Body)
		}
	}
}

// benchCode signs the administrator in by a pass, and returns a code.
func benchCode(b *testing.B, h http.Handler, created server.Created) string {
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.Fatal(err)
	}
	at := "https://localhost"
	send := func(method, path, form string) string {
		u, err := url.Parse(at + strings.TrimPrefix(path, at))
		if err != nil {
			b.Fatal(err)
		}
		r := httptest.NewRequestWithContext(b.Context(), method, u.RequestURI(), strings.NewReader(form))
		r.Host = "localhost"
		if form != "" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		for _, c := range jar.Cookies(u) {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		jar.SetCookies(u, w.Result().Cookies())
		if w.Code != http.StatusSeeOther && w.Code != http.StatusFound {
			b.Fatalf("%s %s: %d\n%s", method, path, w.Code, w.Body)
		}
		return w.Header().Get("Location")
	}
	sum := sha256.Sum256([]byte(verifier))
	page := send(http.MethodGet, "/"+created.TenantID+"/oauth2/v2.0/authorize?"+url.Values{
		"client_id": {cli}, "response_type": {"code"}, "redirect_uri": {callback}, "scope": {"openid offline_access User.Read"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}.Encode(), "")
	send(http.MethodPost, page, url.Values{"username": {"admin@contoso.example"}}.Encode())
	send(http.MethodPost, page, url.Values{"accesspass": {created.Pass}}.Encode())
	back, err := url.Parse(send(http.MethodGet, send(http.MethodPost, page, url.Values{"stay": {"no"}}.Encode()), ""))
	if err != nil {
		b.Fatal(err)
	}
	return back.Query().Get("code")
}
