package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestTheConsoleFederatesADomain(t *testing.T) {
	w := newWorld(t)
	w.create("/v1.0/domains", `{"id":"fabrikam.example"}`)
	w.verifyDomain("fabrikam.example")
	_, pass := w.issue(`{}`)
	w.inConsole("admin@contoso.example", pass)
	const at = "/console/administration/domains/fabrikam.example/federation"
	w.shows(w.get("/console/administration/domains/fabrikam.example"), http.StatusOK, "Its people sign in here.", at)
	w.shows(w.get(at), http.StatusOK, "/federation/oidc/fabrikam.example", "Client secret")
	w.shows(w.get(at+"?protocol=saml"), http.StatusOK, "/federation/saml/metadata", "Signing certificate")
	typed := url.Values{
		"do": {"save"}, "protocol": {"oidc"}, "displayName": {"Fabrikam"}, "issuerUri": {"http://id.fabrikam.example"}, "clientId": {"postern"},
		"clientSecret": {"kept-sealed"}, "mfa": {"rejectMfaByFederatedIdp"}, "passFirst": {"yes"},
	}
	w.shows(w.post(at, typed), http.StatusBadRequest, "issuerUri is the https address", `value="Fabrikam"`)
	typed.Set("issuerUri", "https://id.fabrikam.example")
	if a := w.post(at, typed); a.status != http.StatusSeeOther || !strings.HasPrefix(a.location, at) {
		t.Fatalf("federate: %d %q\n%s", a.status, a.location, a.body)
	}
	page := w.get(at)
	w.shows(page, http.StatusOK, "To let through at lock screens", "=id.fabrikam.example", `value="https://id.fabrikam.example"`, `value="rejectMfaByFederatedIdp" checked`, `name="passFirst" value="yes" checked`)
	if strings.Contains(page.body, "kept-sealed") {
		t.Error("the page shows the secret")
	}
	typed.Set("clientSecret", "")
	typed.Del("passFirst")
	typed.Set("tag", tagOf(page.body))
	if a := w.post(at, typed); a.status != http.StatusSeeOther {
		t.Fatalf("change: %d\n%s", a.status, a.body)
	}
	w.shows(w.post(at, typed), http.StatusPreconditionFailed) // somebody changed it meanwhile
	const config = "/v1.0/domains/fabrikam.example/federationConfiguration?$select=postern_passBeforeFederation,postern_hasClientSecret"
	_, v := w.api(http.MethodGet, config, w.appToken(), "")
	if one := v["value"].([]any)[0].(map[string]any); one["postern_passBeforeFederation"] != false || one["postern_hasClientSecret"] != true {
		t.Errorf("kept %v", v)
	}
	w.shows(w.get("/console/administration/domains/fabrikam.example"), http.StatusOK, "identity provider elsewhere")
	w.shows(w.get(at+"?remove=1"), http.StatusOK, "sign in here again?")
	if a := w.post(at, url.Values{"do": {"remove"}}); a.status != http.StatusSeeOther {
		t.Fatalf("remove: %d\n%s", a.status, a.body)
	}
	if _, v := w.api(http.MethodGet, config, w.appToken(), ""); len(v["value"].([]any)) != 0 {
		t.Errorf("still federated: %v", v)
	}
}
