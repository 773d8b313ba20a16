package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestARefreshGivesLessWhenAskedAndNeverMore(t *testing.T) {
	w := newWorld(t)
	_, tokens := w.token(redeem(w.code("admin@contoso.example", w.created.Pass)))
	again := func(scope string) (int, map[string]any) {
		f := refresh(tokens["refresh_token"])
		f.Set("scope", scope)
		status, v := w.token(f)
		if status == http.StatusOK {
			tokens = v
		}
		return status, v
	}
	status, v := again("User.Read")
	if status != http.StatusOK || claimsOf(t, v["access_token"])["scp"] != "User.Read" || v["id_token"] != nil || v["refresh_token"] == nil {
		t.Errorf("less: %d %v", status, v)
	}
	status, v = again("https://graph.microsoft.com/user.read openid offline_access")
	if status != http.StatusOK || claimsOf(t, v["access_token"])["scp"] != "User.Read" || v["id_token"] == nil || !strings.Contains(v["scope"].(string), "https://graph.microsoft.com/user.read") {
		t.Errorf("by its long name: %d %v", status, v)
	}
	for name, scope := range map[string]string{
		"a scope that nobody asked for":  "User.Read User.Read.All",
		"another API":                    "api://" + cli + "/read",
		"an API that is not there":       "https://contoso.example/none/read",
		"one that the API does not have": "Nothing",
	} {
		if status, v := again(scope); status != http.StatusBadRequest || v["access_token"] != nil {
			t.Errorf("%s: %d %v", name, status, v)
		}
	}
	status, v = again("")
	if scp := claimsOf(t, v["access_token"])["scp"]; status != http.StatusOK || scp != "User.Read UserAuthenticationMethod.Read" || v["id_token"] == nil {
		t.Errorf("all again: %d %v", status, scp)
	}
	if status, v = again("https://graph.microsoft.com/.default"); status != http.StatusOK || claimsOf(t, v["access_token"])["scp"] != "User.Read UserAuthenticationMethod.Read" {
		t.Errorf(".default: %d %v", status, v)
	}
}

func TestAnAPIIsKnownByItsIdentifierURI(t *testing.T) {
	w := newWorld(t)
	api := w.register(`{"displayName":"Orders","signInAudience":"AzureADMyOrg","publicClient":{"redirectUris":["http://localhost"]},"identifierUris":["https://contoso.example/Orders"],
		"appRoles":[{"id":"7b1c52f0-0c0e-4c55-9d5e-2f6a3a9d4e99","value":"Orders.Read","displayName":"Read","description":"Read","isEnabled":true,"allowedMemberTypes":["Application"]}]}`)
	ask := func(scope string) (int, map[string]any) {
		return w.token(url.Values{
			"grant_type": {"client_credentials"}, "client_id": {w.created.ClientID}, "client_secret": {w.created.ClientSecret}, "scope": {scope},
		})
	}
	for _, scope := range []string{"https://contoso.example/orders/.default", "api://" + api + "/.default", api + "/.default"} {
		if status, v := ask(scope); status != http.StatusOK || claimsOf(t, v["access_token"])["aud"] != api {
			t.Errorf("%s: %d %v", scope, status, v)
		}
	}
	if status, v := ask("https://contoso.example/other/.default"); status != http.StatusBadRequest || !strings.Contains(v["error_description"].(string), "AADSTS500011") {
		t.Errorf("an identifier of nothing: %d %v", status, v)
	}
}
