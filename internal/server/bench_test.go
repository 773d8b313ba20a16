package server_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
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
