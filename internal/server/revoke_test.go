package server_test

import (
	"net/http"
	"net/url"
	"testing"
)

func TestWhoSignsOutOfAnApplicationEndsAllThatCameFromIt(t *testing.T) {
	w := newWorld(t)
	_, pass := w.issue(`{}`)
	_, first := w.token(redeem(w.code("admin@contoso.example", pass)))
	_, second := w.token(refresh(first["refresh_token"]))
	revoke := "/" + w.created.TenantID + "/oauth2/v2.0/revoke"
	token := second["refresh_token"].(string)

	for name, form := range map[string]url.Values{
		"no token":            {"client_id": {cli}},
		"no client":           {"token": {token}},
		"unknown client":      {"client_id": {"6ff2e4a3-9b1a-4bde-9b7e-000000000000"}, "token": {token}},
		"a secret is missing": {"client_id": {w.created.ClientID}, "token": {token}},
	} {
		if a := w.post(revoke, form); a.status < 400 || a.status > 499 {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	// Nobody learns whether a token is real, and nobody ends another application's.
	for name, form := range map[string]url.Values{
		"another client's": {"client_id": {w.created.ClientID}, "client_secret": {w.created.ClientSecret}, "token": {token}},
		"made up":          {"client_id": {cli}, "token": {token[:80] + "AAAAAAA"}},
		"no token at all":  {"client_id": {cli}, "token": {"x"}},
	} {
		if a := w.post(revoke, form); a.status != http.StatusOK {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if status, v := w.api(http.MethodGet, "/v1.0/me", second["access_token"].(string), ""); status != http.StatusOK {
		t.Fatalf("the sign-in ended too early: %d %v", status, v)
	}

	if a := w.post(revoke, url.Values{"client_id": {cli}, "token": {token}}); a.status != http.StatusOK {
		t.Fatalf("revoke: %d %s", a.status, a.body)
	}
	if status, v := w.token(refresh(token)); status != http.StatusBadRequest || v["error"] != "invalid_grant" {
		t.Errorf("the refresh token: %d %v", status, v)
	}
	if status, v := w.api(http.MethodGet, "/v1.0/me", second["access_token"].(string), ""); status != http.StatusUnauthorized {
		t.Errorf("the access token: %d %v", status, v)
	}
	_, v := w.api(http.MethodGet, "/v1.0/auditLogs/directoryAudits?$filter=activityDisplayName+eq+'End+session'", w.appToken(), "")
	if list, ok := v["value"].([]any); !ok || len(list) != 1 {
		t.Errorf("the log has %v", v)
	}
}
