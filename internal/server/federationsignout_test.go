package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestWhoCameFromAnUpstreamIsToldWhereToSignOutThereToo(t *testing.T) {
	const out = "https://idp.fabrikam.example/logout"
	w, config := newSAMLFederated(t, map[string]any{"signOutUri": out})
	offered := func(how string, want bool) {
		t.Helper()
		a := w.post("/"+w.created.TenantID+"/oauth2/v2.0/logout", url.Values{})
		if a.status != http.StatusOK || strings.Contains(a.body, `href="`+out+`"`) != want {
			t.Errorf("%s: %d\n%s", how, a.status, a.body)
		}
	}
	signIn := func() {
		t.Helper()
		page, q, state := w.askSAML()
		w.bring(w.answerSAML(q, state, samlUpstream(), nil))
		w.post(page, url.Values{"stay": {"no"}})
	}
	offered("signed in nowhere", false)
	signIn()
	offered("signed in there", true)
	offered("signed out already", false)
	signIn()
	if status, body := w.api(http.MethodPatch, config, w.appToken(), `{"signOutUri":null}`); status != http.StatusNoContent && status != http.StatusOK {
		t.Fatalf("%d %v", status, body)
	}
	offered("an upstream that has no such address", false)
}
