package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/server"
)

// keysOnly is a policy for everybody and everything that no pass meets; it returns its path.
func (w *world) keysOnly() string {
	w.t.Helper()
	return rulesPath + "policies/" + w.create(rulesPath+"policies", `{"displayName":"Keys only","state":"enabled","postern_force":true,
		"conditions":{"users":{"includeUsers":["All"]},"applications":{"includeApplications":["All"]}},
		"grantControls":{"operator":"OR","authenticationStrength":{"id":"`+access.StrengthPhishingResistant+`"}}}`)
}

// Somebody who lost the key that every policy wants gets in with a pass, until the exemption
// ends, and both logs say so.
func TestARecoveryExemptionLetsAPassByAndBothLogsSaySo(t *testing.T) {
	w := newWorld(t)
	mira, pim := w.createUser("mira"), w.createUser("pim")
	_, pass := w.passFor(mira)
	_, other := w.passFor(pim)
	policy := w.keysOnly()
	blocked := func(name, pass string) {
		t.Helper()
		w.newBrowser()
		page := w.authorize(nil).location
		w.post(page, by("username", name))
		w.post(page, by("accesspass", pass))
		if a := w.get(page); stepOf(a) != "blocked" || !strings.Contains(a.body, "Keys only") {
			t.Errorf("%s is not stopped: %d\n%s", name, a.status, a.body)
		}
	}
	blocked("mira@contoso.example", pass)

	w.change(http.MethodPatch, policy, fmt.Sprintf(`{"postern_recoveryExemption":{"users":[%q],"groups":[],"expirationDateTime":%q,"reason":"Ticket 4711"}}`,
		mira, time.Now().Add(time.Hour).UTC().Format(time.RFC3339)))
	w.newBrowser()
	status, tokens := w.token(redeem(w.code("mira@contoso.example", pass)))
	if status != http.StatusOK {
		t.Fatalf("tokens: %d %v", status, tokens)
	}
	event := string(mustJSON(t, w.lastSignIn("userId eq '"+mira+"' and status/errorCode eq 0 and signInEventTypes/any(t: t eq 'interactiveUser')")))
	if !strings.Contains(event, `"postern_note":"recoveryExemption"`) {
		t.Errorf("the sign-in log doesn't name it: %s", event)
	}
	_, changes := w.api(http.MethodGet, "/v1.0/auditLogs/directoryAudits?$filter="+url.QueryEscape("activityDisplayName eq '"+audit.UpdateAccessPolicy+"'"), w.appToken(), "")
	if text := string(mustJSON(t, changes)); !strings.Contains(text, "postern_recoveryExemption") || !strings.Contains(text, "Ticket 4711") {
		t.Errorf("the audit log doesn't say who may and why: %s", text)
	}
	blocked("pim@contoso.example", other)

	// With the exemption ends what came from it.
	w.change(http.MethodPatch, policy, `{"postern_recoveryExemption":null}`)
	if status, v := w.token(refresh(tokens["refresh_token"])); status != http.StatusBadRequest {
		t.Errorf("a refresh after its end: %d %v", status, v)
	}
}

// A pass begins and keys go on: the strength of the user action stands in the place of that for
// everything, on the pages where methods are registered and nowhere else.
func TestAPassRegistersTheKeyThatEverythingElseWants(t *testing.T) {
	w := newKeyWorld(t)
	_, pass := w.passFor(w.createUser("mira"))
	w.keysOnly()
	if done := w.signIn(w.get("/security-info").location, "mira@contoso.example", pass); w.cookie(sessionCookie) != "" {
		t.Fatalf("a pass registers under keys only: %d\n%s", done.status, done.body)
	}
	strength := w.create("/v1.0/policies/authenticationStrengthPolicies", `{"displayName":"Begin","allowedCombinations":["temporaryAccessPassOneTime","temporaryAccessPassMultiUse","fido2"]}`)
	w.create(rulesPath+"policies", `{"displayName":"Begin with a pass","state":"enabled",
		"conditions":{"users":{"includeUsers":["All"]},"applications":{"includeUserActions":["`+access.RegisterSecurityInfo+`"]}},
		"grantControls":{"operator":"OR","authenticationStrength":{"id":"`+strength+`"}}}`)
	w.newBrowser()
	w.toOwnPage("mira@contoso.example", pass)
	key := w.newKey()
	w.addKey(key)
	if a := w.authorize(url.Values{"prompt": {"none"}}); !strings.Contains(a.location, "error=interaction_required") {
		t.Errorf("the session of a pass opens an application: %s", a.location)
	}
	w.newBrowser()
	w.codeBy(key)
}

// Recovering access adds the administrator to an exemption that runs, and gives nobody else more time.
func TestRecoveringAccessLengthensNobodysExemption(t *testing.T) {
	w := newWorld(t)
	mira := w.createUser("mira")
	policy := w.keysOnly()
	until := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	w.change(http.MethodPatch, policy, fmt.Sprintf(`{"postern_recoveryExemption":{"users":[%q],"groups":[],"expirationDateTime":%q,"reason":"Ticket 4711"}}`, mira, until))
	created, err := server.Recover(t.Context(), w.options, adminName, true)
	if err != nil {
		t.Fatal(err)
	}
	_, v := w.api(http.MethodGet, policy+"?$select=postern_recoveryExemption", w.appToken(), "")
	e, _ := v["postern_recoveryExemption"].(map[string]any)
	if users, _ := e["users"].([]any); len(users) != 2 || users[0] != mira || e["expirationDateTime"] != until {
		t.Errorf("%v: want %s and the administrator until %s", v, mira, until)
	}
	w.newBrowser()
	w.code(adminName, created.Pass)
}
