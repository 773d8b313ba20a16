package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestTheConsoleSetsUpAnApplicationThatSpeaksSAML(t *testing.T) {
	w := newWorld(t)
	object := w.create("/v1.0/applications", `{"displayName":"Orders"}`)
	_, v := w.api(http.MethodGet, "/v1.0/applications/"+object, w.appToken(), "")
	service := w.create("/v1.0/servicePrincipals", `{"appId":"`+v["appId"].(string)+`"}`)
	_, pass := w.issue(`{}`)
	w.inConsole("admin@contoso.example", pass)
	at := "/console/applications/" + object
	w.shows(w.get(at), http.StatusOK, at+"/saml")
	page := w.get(at + "/saml")
	w.shows(page, http.StatusOK, "/federationmetadata/2007-06/federationmetadata.xml", "/saml2/launch/"+v["appId"].(string))
	etag, _, _ := strings.Cut(page.body[strings.Index(page.body, `name="etag" value="`)+len(`name="etag" value="`):], `"`)
	typed := url.Values{
		"etag": {strings.ReplaceAll(strings.ReplaceAll(etag, "&#34;", `"`), "&quot;", `"`)}, "on": {"true"}, "signed": {"true"}, "only": {"true"},
		"entities": {"https://orders.example/sp"}, "replies": {"http://orders.example/acs\n"}, "logoutUrl": {"https://orders.example/slo"}, "logoutSoapUrl": {"http://orders.example/soap"},
		"format": {"persistent"}, "sign": {"both"}, "claims": {"department = user.department\nnick=user.mailnickname"},
	}
	w.shows(w.post(at+"/saml", typed), http.StatusBadRequest, "http://orders.example/acs", `value="persistent" selected`)
	typed.Set("replies", "https://orders.example/acs")
	w.shows(w.post(at+"/saml", typed), http.StatusBadRequest, "logoutSoapUrl", `value="http://orders.example/soap"`)
	typed.Set("logoutSoapUrl", "https://orders.example/soap")
	typed.Set("claims", "secret = user.password")
	w.shows(w.post(at+"/saml", typed), http.StatusBadRequest, "secret = user.password")
	typed.Set("claims", "department = user.department\nnick=user.mailnickname")
	if a := w.post(at+"/saml", typed); a.status != http.StatusSeeOther {
		t.Fatalf("save: %d\n%s", a.status, a.body)
	}
	w.shows(w.get(at+"/saml"), http.StatusOK, "https://orders.example/sp", "department = user.department", `name="on" value="true" checked`, `value="both" selected`, `value="https://orders.example/soap"`)
	w.shows(w.post(at+"/saml", typed), http.StatusPreconditionFailed)
	if _, p := w.api(http.MethodGet, "/v1.0/servicePrincipals/"+service, w.appToken(), ""); p["preferredSingleSignOnMode"] != "saml" {
		t.Errorf("its mode is %v", p["preferredSingleSignOnMode"])
	}
	_, kept := w.api(http.MethodGet, "/v1.0/applications/"+object+"?$select=identifierUris,web,postern_saml,requestSignatureVerification", w.appToken(), "")
	saml, _ := kept["postern_saml"].(map[string]any)
	signed, _ := kept["requestSignatureVerification"].(map[string]any)
	if saml["nameIdFormat"] != "persistent" || saml["onlyTheseClaims"] != true || len(saml["claims"].([]any)) != 2 || signed["isSignedRequestRequired"] != true {
		t.Errorf("kept %v", kept)
	}
}
