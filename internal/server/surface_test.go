package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/agent/tpm/tpmtest"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/server"
)

const surfacePolicy = "/v1.0/postern/signInMethodsPolicy"

func (w *world) restrict(change string) {
	w.t.Helper()
	if status, v := w.api(http.MethodPatch, surfacePolicy, w.appToken(), change); status != http.StatusNoContent {
		w.t.Fatalf("restrict: %d %v", status, v)
	}
}

// enableBoth turns codes and passwords on, which together are enough.
func (w *world) enableBoth() {
	w.t.Helper()
	w.enableCodes()
	w.enablePasswords()
}

// signIns are the sign-in events with an error code, 0 for successes.
func (w *world) signIns(code string) []any {
	w.t.Helper()
	status, v := w.api(http.MethodGet, "/v1.0/auditLogs/signIns?$filter=status/errorCode%20eq%20"+code, w.appToken(), "")
	if status != http.StatusOK {
		w.t.Fatalf("sign-ins: %d %v", status, v)
	}
	return v["value"].([]any)
}

func TestASurfaceTakesTheMethodsThatItsPolicyNames(t *testing.T) {
	w := newWorld(t)
	w.enableBoth()
	_, pass := w.issue(`{"isUsableOnce":false}`)
	w.restrict(`{"browserMethods":["password","softwareOath"],"breakGlassMethods":[]}`)
	w.newBrowser()
	page := w.authorize(nil).location
	w.post(page, url.Values{"username": {adminName}})
	if a := w.get(page); !strings.Contains(a.body, `data-step="otc"`) || strings.Contains(a.body, "accesspass") {
		t.Errorf("asked:\n%s", a.body)
	}
	if a := w.get(page + "&go=methods"); strings.Contains(a.body, "go=accesspass") {
		t.Errorf("the list has what policy hides:\n%s", a.body)
	}
	if a := w.get(page + "&go=accesspass"); !strings.Contains(a.body, `data-step="otc"`) {
		t.Errorf("chosen by its address:\n%s", a.body)
	}
	if a := w.post(page, url.Values{"accesspass": {pass}}); a.status != http.StatusBadRequest || !strings.Contains(a.body, `data-error="credentialRefused"`) {
		t.Errorf("a right pass: %d\n%s", a.status, a.body)
	}
	if got := w.signIns("130506"); len(got) != 1 {
		t.Errorf("the log: %v", got)
	}
	// Taken away while the sign-in is under way, after the pass was taken.
	w.restrict(`{"browserMethods":["all"]}`)
	page = w.authorize(nil).location
	w.post(page, url.Values{"username": {adminName}})
	if a := w.post(page, url.Values{"accesspass": {pass}}); a.status != http.StatusSeeOther {
		t.Fatalf("pass: %d\n%s", a.status, a.body)
	}
	w.restrict(`{"browserMethods":["password","softwareOath"]}`)
	if a := w.post(page, url.Values{"stay": {"no"}}); a.status != http.StatusBadRequest || w.cookie(sessionCookie) != "" {
		t.Errorf("after the policy changed: %d\n%s", a.status, a.body)
	}
}

func TestABreakGlassMethodSurvivesAndIsTold(t *testing.T) {
	w := newWorld(t)
	w.enableBoth()
	_, pass := w.issue(`{"isUsableOnce":false}`)
	w.restrict(`{"browserMethods":["password","softwareOath"]}`)
	w.newBrowser()
	if w.signIn(w.authorize(nil).location, adminName, pass); w.cookie(sessionCookie) == "" {
		t.Fatal("the pass was not taken")
	}
	told := 0
	for _, one := range w.signIns("0") {
		_, v := w.api(http.MethodGet, "/v1.0/auditLogs/signIns/"+one.(map[string]any)["id"].(string), w.appToken(), "")
		if strings.Contains(string(mustJSON(t, v)), "Break-glass method") {
			told++
		}
	}
	if told != 1 {
		t.Errorf("%d events tell of it, want 1", told)
	}
	list := w.directoryAudits(w.appToken(), "Update policy")
	if len(list) != 1 || !strings.Contains(string(mustJSON(t, list)), "lockScreen") && !strings.Contains(string(mustJSON(t, list)), "browser") {
		t.Errorf("the change of the policy: %s", mustJSON(t, list))
	}
}

func TestSingleSignOnLeadsAroundNoPolicy(t *testing.T) {
	w := newWorld(t)
	pass := holder(w)
	w.codeIn(w.authorize(url.Values{"prompt": {"none"}}))
	w.enableBoth()
	w.restrict(`{"browserMethods":["password","softwareOath"],"breakGlassMethods":[]}`)
	if a := w.authorize(url.Values{"prompt": {"none"}}); !strings.Contains(a.location, "login_required") {
		t.Errorf("silently: %q", a.location)
	}
	page := w.authorize(nil).location
	if a := w.post(page, url.Values{"accesspass": {pass}}); a.status == http.StatusSeeOther {
		t.Errorf("the pass once more: %d", a.status)
	}
	chooser := w.authorize(url.Values{"prompt": {"select_account"}}).location
	_, rest, _ := strings.Cut(w.get(chooser).body, `name="account" value="`)
	session, _, _ := strings.Cut(rest, `"`)
	a := w.get(w.post(chooser, url.Values{"account": {session}}).location)
	if strings.Contains(a.location, "code=") {
		t.Errorf("by choosing the account: %q", a.location)
	}
}

func TestThePolicyOfSurfacesIsCheckedAndKept(t *testing.T) {
	w := newWorld(t)
	token := w.appToken()
	for _, bad := range []string{
		`{"browserMethods":["carrierPigeon"]}`, `{"browserMethods":"fido2"}`, `{"moonMethods":["fido2"]}`, `{"breakGlassMethods":["all"]}`,
		`{"consoleMethods":[],"breakGlassMethods":[]}`, `{"browserMethods":["all","fido2"]}`,
	} {
		if status, _ := w.api(http.MethodPatch, surfacePolicy, token, bad); status != http.StatusBadRequest {
			t.Errorf("%s: %d", bad, status)
		}
	}
	w.restrict(`{"lockScreenMethods":["temporaryAccessPass","windowsHelloForBusiness","fido2"],"consoleMethods":["fido2"]}`)
	w.restrict(`{"consoleMethods":["all"],"breakGlassMethods":["softwareOath"]}`)
	_, v := w.api(http.MethodGet, surfacePolicy, token, "")
	want := map[string]string{
		"browserMethods": `["all"]`, "consoleMethods": `["all"]`, "textConsoleMethods": `["all"]`,
		"lockScreenMethods": `["fido2","temporaryAccessPass","windowsHelloForBusiness"]`, "breakGlassMethods": `["softwareOath"]`, "id": `"signInMethods"`,
	}
	for name, text := range want {
		if got := string(mustJSON(t, v[name])); got != text {
			t.Errorf("%s is %s, want %s", name, got, text)
		}
	}
	if status, _ := w.api(http.MethodPatch, surfacePolicy, "", `{}`); status != http.StatusUnauthorized {
		t.Errorf("by nobody: %d", status)
	}
}

func TestATextConsoleTakesWhatALineOfTextCanAnswer(t *testing.T) {
	w, _, code, _ := twoFactors(t)
	m := newMachine(w)
	form := webSignIn("")
	form.Del("device_id")
	begin := func() string {
		a, first := m.signInStep(device.SignInRequest{Request: m.push(form), Username: mira})
		if a.status != http.StatusOK || first.Step != "accesspass" {
			t.Fatalf("the name: %d %s", a.status, a.body)
		}
		return first.Transaction
	}
	transaction := begin()
	a, _ := m.signInStep(device.SignInRequest{Transaction: transaction, Password: "falsch geraten"})
	if a.status != http.StatusUnauthorized || !strings.Contains(a.body, "credentialRefused") {
		t.Errorf("a wrong password: %d %s", a.status, a.body)
	}
	if _, next := m.signInStep(device.SignInRequest{Transaction: transaction, Password: firstWords}); next.Step != "otc" || next.Redirect != "" {
		t.Errorf("after the password: %+v", next)
	}
	_, done := m.signInStep(device.SignInRequest{Transaction: transaction, OTC: code()})
	if tokens := m.redeem(codeOf(t, done.Redirect)); tokens["access_token"] == nil {
		t.Errorf("both: %v", tokens)
	}
	if _, both := m.signInStep(device.SignInRequest{Transaction: begin(), Password: firstWords, OTC: code()}); both.Redirect == "" {
		t.Errorf("both in one: %+v", both)
	}
	w.restrict(`{"textConsoleMethods":["softwareOath"]}`)
	a, _ = m.signInStep(device.SignInRequest{Transaction: begin(), Password: firstWords, OTC: code()})
	if a.status != http.StatusUnauthorized || !strings.Contains(a.body, "credentialRefused") {
		t.Errorf("a password that is not for consoles: %d %s", a.status, a.body)
	}
	if n := len(w.signIns("130506")); n != 1 {
		t.Errorf("%d events", n)
	}
}

func TestADevicePINIsAMethodOfTheLockScreen(t *testing.T) {
	w := newWorld(t)
	_, pass := w.addPerson(mira)
	p := withPINs(w, mira, pass, tpmtest.New(t))
	c := p.create("246813")
	w.restrict(`{"lockScreenMethods":["temporaryAccessPass"]}`)
	a := p.signInWith(c, "246813")
	if a.status == http.StatusOK || !strings.Contains(a.body, "AADSTS53003") {
		t.Errorf("not on the list: %d %s", a.status, a.body)
	}
	w.restrict(`{"breakGlassMethods":["windowsHelloForBusiness"]}`)
	p.tokens(p.signInWith(c, "246813"))
	_, v := w.api(http.MethodGet, "/beta/auditLogs/signIns?$filter="+url.QueryEscape("userId eq '"+p.user+"'"), w.appToken(), "")
	if text := string(mustJSON(t, v)); strings.Count(text, "Break-glass method") != 1 {
		t.Errorf("the log: %s", text)
	}
	w.restrict(`{"lockScreenMethods":["windowsHelloForBusiness"],"breakGlassMethods":[]}`)
	p.tokens(p.signInWith(c, "246813"))
}

func TestPeopleAreAskedForTheStrongestWherePolicyPrefersIt(t *testing.T) {
	w, _, code, _ := twoFactors(t)
	page, _ := w.answers(mira, by("password", firstWords), by("otc", code()))
	w.post(page, by("stay", "no"))
	_, a := w.answers(mira)
	w.wantStep("what was used last", a, "password")
	preferred := method.DefaultPreferred()
	preferred.State = "enabled"
	if err := w.server.SetMethodPolicy(t.Context(), w.created.TenantID, method.PreferredID, preferred); err != nil {
		t.Fatal(err)
	}
	_, a = w.answers(mira)
	w.wantStep("the strongest", a, "otc")
}

// Neither policy locks everybody out of a surface, and who recovers access is let in whatever a
// policy says.
func TestNoPolicyLocksEverybodyOut(t *testing.T) {
	w := newWorld(t)
	refused := func(what, path, change string) {
		t.Helper()
		if status, v := w.api(http.MethodPatch, path, w.appToken(), change); status != http.StatusBadRequest || !strings.Contains(string(mustJSON(t, v)), "Nobody could sign in") {
			t.Errorf("%s: %d %v", what, status, v)
		}
	}
	refused("a method that is off", surfacePolicy, `{"browserMethods":["password","softwareOath"],"breakGlassMethods":[]}`)
	w.enableBoth()
	refused("one factor", surfacePolicy, `{"browserMethods":["softwareOath"],"breakGlassMethods":[]}`)
	w.restrict(`{"browserMethods":["password","softwareOath"],"breakGlassMethods":[]}`)
	refused("turning one of two off", "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/SoftwareOath",
		`{"@odata.type":"#microsoft.graph.softwareOathAuthenticationMethodConfiguration","state":"disabled"}`)

	created, err := server.Recover(t.Context(), w.options, adminName, false)
	if err != nil {
		t.Fatal(err)
	}
	w.newBrowser()
	if w.signIn(w.authorize(nil).location, adminName, created.Pass); w.cookie(sessionCookie) == "" {
		t.Error("the pass of a recovery was not taken")
	}
	if list := w.directoryAudits(w.appToken(), "Update policy"); len(list) != 2 || !strings.Contains(string(mustJSON(t, list)), "Access was recovered") {
		t.Errorf("the changes of the policy: %s", mustJSON(t, list))
	}
}
