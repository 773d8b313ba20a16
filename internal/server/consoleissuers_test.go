package server_test

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/recovery/sdjwt/sdjwttest"
)

const consoleIssuers = "/console/recovery/policy/issuers"

// trusted are the issuers that the policy names.
func (w *world) trusted() []any {
	w.t.Helper()
	status, v := w.api(http.MethodGet, "/v1.0/postern/recovery/policy", w.appToken(), "")
	if status != http.StatusOK {
		w.t.Fatalf("policy: %d %v", status, v)
	}
	return v["credentialIssuers"].([]any)
}

func TestAnIssuerOfCredentialsIsNamedInTheConsoleWithItsKeysAndWhatIsCompared(t *testing.T) {
	w := newWorld(t)
	w.consoleAs("gina", directory.GlobalAdministrator)
	w.wantPage("none", w.get(consoleIssuers), 200, "No credential counts")
	key := sdjwttest.NewKey(t)
	good := sdjwttest.Issuer(t, key)
	private, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key}}})
	if err != nil {
		t.Fatal(err)
	}
	root := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: newReceiver(t).site.Certificate().Raw}))
	form := func(more map[string]string) url.Values {
		v := url.Values{
			"etag": {w.etagOn(consoleIssuers + "/new")}, "issuer": {good.ID}, "types": {good.Types[0]}, "jwks": {string(good.Keys)}, "roots": {root + "\r\n" + root},
			"claim.employeeId": {"employee_number"}, "claim.surname": {"family_name"},
		}
		for name, value := range more {
			v.Set(name, value)
		}
		return v
	}
	for name, c := range map[string]struct {
		typed        map[string]string
		field, never string
	}{
		"plain http":        {map[string]string{"issuer": `http://x/"><script>alert(1)`}, `id="id-hint wrong`, "<script>alert"},
		"no type":           {map[string]string{"types": "  "}, `types-hint wrong`, ""},
		"no JSON":           {map[string]string{"jwks": "{"}, `jwks-hint wrong`, ""},
		"a private key":     {map[string]string{"jwks": string(private)}, `jwks-hint wrong`, "&#34;d&#34;"},
		"a private PEM":     {map[string]string{"roots": "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----"}, `roots-hint wrong`, "c2VjcmV0"},
		"noise beside":      {map[string]string{"roots": root + "noise"}, `roots-hint wrong`, ""},
		"neither":           {map[string]string{"roots": "", "jwks": ""}, `jwks-hint wrong`, ""},
		"a name alone":      {map[string]string{"claim.employeeId": ""}, `match-hint wrong`, ""},
		"a claim two times": {map[string]string{"claim.mail": "family_name"}, `match-hint wrong`, ""},
	} {
		a := w.post(consoleIssuers+"/new", form(c.typed))
		w.wantPage(name, a, 400, strings.TrimPrefix(c.field, `id="`), `id="wrong"`)
		if c.never != "" && strings.Contains(a.body, c.never) {
			t.Errorf("%s: the page holds %s", name, c.never)
		}
	}
	if len(w.trusted()) != 0 {
		t.Fatal("an issuer was taken")
	}
	v := form(nil)
	if a := w.fromElsewhere(consoleIssuers+"/new", v); a.status != http.StatusForbidden || len(w.trusted()) != 0 {
		t.Errorf("another site names an issuer: %d", a.status)
	}
	if a := w.post(consoleIssuers+"/new", v); a.status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	got := w.trusted()[0].(map[string]any)
	if got["issuer"] != good.ID || len(got["roots"].([]any)) != 2 || len(got["match"].([]any)) != 2 || got["jwks"] == nil {
		t.Errorf("it is %v", got)
	}

	w.wantPage("an old form", w.post(consoleIssuers+"/new", v), http.StatusPreconditionFailed, `id="quicker"`)
	form2 := form(map[string]string{"issuer": "https://state.example", "roots": ""})
	if a := w.post(consoleIssuers+"/new", form2); a.status != http.StatusSeeOther || len(w.trusted()) != 2 {
		t.Fatalf("a second one: %d\n%s", a.status, a.body)
	}
	w.wantPage("the list", w.get(consoleIssuers), 200, "state.example", "by keys and certificates")
	w.wantPage("one", w.get(consoleIssuers+"/1"), 200, `value="https://state.example"`, `value="employee_number"`)
	for _, path := range []string{"/2", "/-1", "/x"} {
		if a := w.get(consoleIssuers + path); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	remove := url.Values{"etag": {w.etagOn(consoleIssuers + "/0")}, "act": {"remove"}}
	if a := w.post(consoleIssuers+"/0", remove); a.status != http.StatusSeeOther {
		t.Errorf("remove: %d\n%s", a.status, a.body)
	}
	w.wantPage("two at once", w.post(consoleIssuers+"/0", remove), http.StatusPreconditionFailed, "state.example")
	if left := w.trusted(); len(left) != 1 || left[0].(map[string]any)["issuer"] != "https://state.example" {
		t.Errorf("left is %v", left)
	}
	policy := formOf(t, w.get("/console/recovery/policy").body)
	policy.Set("everyone.low.minutes", "30")
	policy.Set("act", "save")
	if a := w.post("/console/recovery/policy", policy); a.status != http.StatusSeeOther || len(w.trusted()) != 1 {
		t.Errorf("saving the rest of the policy loses the issuers: %d", a.status)
	}

	// Who may change the policy and not federation reads them.
	tag := w.etagOn(consoleIssuers + "/0")
	w.consoleAs("pol", directory.AuthenticationPolicyAdministrator)
	w.wantPage("a reader's list", w.get(consoleIssuers), 200, "state.example", "change federation, too")
	w.wantPage("a reader's page", w.get(consoleIssuers+"/0"), 200, `loose" disabled`)
	for _, one := range []struct {
		path string
		v    url.Values
	}{{"/new", form2}, {"/0", url.Values{"act": {"remove"}, "etag": {tag}}}} {
		if a := w.post(consoleIssuers+one.path, one.v); a.status != http.StatusForbidden || len(w.trusted()) != 1 {
			t.Errorf("without the right to federation, %s: %d", one.path, a.status)
		}
	}
	if a := w.get(consoleIssuers + "/new"); a.status != http.StatusForbidden {
		t.Errorf("the form: %d", a.status)
	}
}
