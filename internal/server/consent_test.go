package server_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func jsonInto(text string, v any) error { return json.Unmarshal([]byte(text), v) }

// grantOf returns the consent of an application.
func (w *world) grantOf(app string) string {
	w.t.Helper()
	_, all := w.api(http.MethodGet, "/v1.0/servicePrincipals?$filter="+url.QueryEscape("appId eq '"+app+"'"), w.appToken(), "")
	principal := all["value"].([]any)[0].(map[string]any)["id"].(string)
	_, all = w.api(http.MethodGet, "/v1.0/oauth2PermissionGrants?$filter="+url.QueryEscape("clientId eq '"+principal+"'"), w.appToken(), "")
	return all["value"].([]any)[0].(map[string]any)["id"].(string)
}

// portal registers a public application.
const portal = `{"displayName":"Portal","signInAudience":"AzureADMyOrg","publicClient":{"redirectUris":["http://localhost"]}}`

func TestConsentIsReadAgainAtEveryRefresh(t *testing.T) {
	w := newWorld(t)
	client := w.register(portal)
	w.code("admin@contoso.example", w.created.Pass)
	tokens := w.tokensOf(client)
	again := func() (int, map[string]any) {
		f := refresh(tokens["refresh_token"])
		f.Set("client_id", client)
		status, v := w.token(f)
		if status == http.StatusOK {
			tokens = v
		}
		return status, v
	}
	grant := "/v1.0/oauth2PermissionGrants/" + w.grantOf(client)
	w.do204(http.MethodPatch, grant, `{"scope":"openid profile offline_access User.Read"}`)
	if status, v := again(); status != http.StatusOK || claimsOf(t, v["access_token"])["scp"] != "User.Read" || strings.Contains(v["scope"].(string), "UserAuthenticationMethod") {
		t.Errorf("after less was granted: %d %v", status, v["scope"])
	}
	w.do204(http.MethodDelete, grant, "")
	if status, v := again(); status != http.StatusBadRequest || v["error"] != "consent_required" {
		t.Errorf("after nothing is granted: %d %v", status, v["error"])
	}
}

func TestARefreshMindsADisabledApplication(t *testing.T) {
	w := newWorld(t)
	client := w.register(portal)
	w.code("admin@contoso.example", w.created.Pass)
	tokens := w.tokensOf(client)
	_, all := w.api(http.MethodGet, "/v1.0/servicePrincipals?$filter="+url.QueryEscape("appId eq '"+client+"'"), w.appToken(), "")
	principal := "/v1.0/servicePrincipals/" + all["value"].([]any)[0].(map[string]any)["id"].(string)
	f := refresh(tokens["refresh_token"])
	f.Set("client_id", client)
	w.do204(http.MethodPatch, principal, `{"appRoleAssignmentRequired":true}`)
	if status, v := w.token(f); status != http.StatusBadRequest || !strings.Contains(v["error_description"].(string), "AADSTS50105") {
		t.Errorf("somebody who is not assigned: %d %v", status, v["error"])
	}
	w.do204(http.MethodPatch, principal, `{"appRoleAssignmentRequired":false,"accountEnabled":false}`)
	if status, v := w.token(f); status != http.StatusBadRequest || !strings.Contains(v["error_description"].(string), "AADSTS7000112") {
		t.Errorf("a disabled application: %d %v", status, v["error"])
	}
	w.do204(http.MethodDelete, principal, "")
	if status, v := w.token(f); status != http.StatusBadRequest || v["error"] != "unauthorized_client" {
		t.Errorf("an application that is gone: %d %v", status, v["error"])
	}
}

func TestARefreshMindsADisabledAccount(t *testing.T) {
	w := newWorld(t)
	_, pass := w.addPerson("mira@contoso.example")
	status, tokens := w.token(redeem(w.code("mira@contoso.example", pass)))
	if status != http.StatusOK {
		t.Fatalf("redeem: %d", status)
	}
	w.do204(http.MethodPatch, "/v1.0/users/mira@contoso.example", `{"accountEnabled":false}`)
	if status, _ := w.token(refresh(tokens["refresh_token"])); status != http.StatusBadRequest {
		t.Errorf("refresh: %d", status)
	}
	if status, _ := w.api(http.MethodGet, "/v1.0/me", tokens["access_token"].(string), ""); status != http.StatusUnauthorized {
		t.Errorf("Graph: %d", status)
	}
}

func TestAChoiceOfAccountIsNoProof(t *testing.T) {
	w := newWorld(t)
	w.code("admin@contoso.example", w.created.Pass)
	chooser := w.authorize(url.Values{"prompt": {"select_account"}}).location
	_, rest, _ := strings.Cut(w.get(chooser).body, `name="account" value="`)
	session, _, _ := strings.Cut(rest, `"`)
	if session == "" {
		t.Fatal("no account to choose")
	}
	for name, q := range map[string]url.Values{
		"prompt=login":               {"prompt": {"login"}},
		"max_age":                    {"max_age": {"0"}},
		"select_account and max_age": {"prompt": {"select_account"}, "max_age": {"0"}},
		"a demand for MFA anew":      {"claims": {`{"id_token":{"amr":{"essential":true,"values":["rsa"]}}}`}},
	} {
		page := w.authorize(q).location
		if !strings.HasPrefix(page, "/signin") {
			t.Fatalf("%s: led to %q", name, page)
		}
		on := w.post(page, url.Values{"account": {session}})
		if on.location == page { // back to the name
			continue
		}
		if a := w.get(on.location); strings.Contains(a.location, "code=") {
			t.Errorf("%s was met by choosing an account", name)
		}
	}
	// The choice itself still works where it was asked for.
	w.codeIn(w.get(w.post(chooser, url.Values{"account": {session}}).location))
}
