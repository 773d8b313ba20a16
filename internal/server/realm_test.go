package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestInstanceDiscoveryKnowsThisServerOnly(t *testing.T) {
	w := newWorld(t)
	ask := func(endpoint string) answer {
		return w.get("/common/discovery/instance?" + url.Values{"api-version": {"1.1"}, "authorization_endpoint": {endpoint}}.Encode())
	}
	v := w.json(ask(w.site.URL + "/organizations/oauth2/v2.0/authorize"))
	host := strings.TrimPrefix(w.site.URL, "https://")
	network := v["metadata"].([]any)[0].(map[string]any)
	if v["tenant_discovery_endpoint"] != w.site.URL+"/organizations/v2.0/.well-known/openid-configuration" || network["preferred_cache"] != host {
		t.Errorf("it says %v", v)
	}
	for _, endpoint := range []string{
		"", "https://evil.example/common/oauth2/v2.0/authorize", "http://" + host + "/common/oauth2/v2.0/authorize",
		w.site.URL + ".evil.example/common/oauth2/v2.0/authorize", "https://x@" + host + "/common/oauth2/v2.0/authorize",
		w.site.URL + "/common/elsewhere", "://",
	} {
		if a := ask(endpoint); a.status != http.StatusBadRequest || w.json(a)["error"] != "invalid_instance" {
			t.Errorf("%q: %d %s", endpoint, a.status, a.body)
		}
	}
}

func TestUserRealmTellsNothingOfPeople(t *testing.T) {
	w := newWorld(t)
	known := w.get("/common/UserRealm/admin@contoso.example?api-version=1.0")
	unknown := w.get("/common/UserRealm/nobody@contoso.example?api-version=1.0")
	if known.body != unknown.body || w.json(known)["account_type"] != "Managed" {
		t.Errorf("who exists shows: %s %s", known.body, unknown.body)
	}
	if v := w.json(w.get("/common/UserRealm/somebody%40elsewhere.example")); v["account_type"] != "Unknown" {
		t.Errorf("another domain: %v", v)
	}
}

func TestAnErrorLeadsToItsExplanation(t *testing.T) {
	w := newWorld(t)
	a := w.post(w.tokenPath(), url.Values{"grant_type": {"password"}})
	uri, _ := w.json(a)["error_uri"].(string)
	if uri != w.site.URL+"/errors/grantTypeUnsupported" {
		t.Fatalf("error_uri is %q", uri)
	}
	if page := w.get(uri); page.status != http.StatusOK || !strings.Contains(page.body, "This grant type is not offered.") {
		t.Errorf("the page: %d\n%s", page.status, page.body)
	}
	if page := w.get("/errors/AADSTS50126"); page.status != http.StatusOK || !strings.Contains(page.body, "That didn’t work.") {
		t.Errorf("by number: %d\n%s", page.status, page.body)
	}
	if page := w.get("/errors/%3Cscript%3E"); page.status != http.StatusNotFound || strings.Contains(page.body, "<script>") {
		t.Errorf("an unknown code: %d", page.status)
	}
}
