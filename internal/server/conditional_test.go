package server_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/server"
)

const rulesPath = "/v1.0/identity/conditionalAccess/"

// rule makes a policy of Conditional Access for everybody and all applications, changed by change.
// It returns what changes it again.
func (w *world) rule(name string, change func(*access.Policy)) func(change func(*access.Policy)) {
	w.t.Helper()
	p := access.Policy{
		DisplayName: name, State: access.Enabled,
		Conditions: access.Conditions{
			Users: access.Users{IncludeUsers: []string{access.All}}, Applications: access.Applications{Include: []string{access.All}},
		},
		Grant: &access.Grant{Operator: "OR", Controls: []access.Control{access.Block}},
	}
	change(&p)
	id := w.create(rulesPath+"policies", w.policyBody(p))
	return func(change func(*access.Policy)) {
		w.t.Helper()
		change(&p)
		w.change(http.MethodPatch, rulesPath+"policies/"+id+"", w.policyBody(p))
	}
}

func (w *world) policyBody(p access.Policy) string {
	body := map[string]any{"displayName": p.DisplayName, "state": p.State, "conditions": p.Conditions, "grantControls": p.Grant, "postern_force": true}
	if p.Session != nil {
		body["sessionControls"] = p.Session
	}
	if p.Exemption != nil {
		body["postern_recoveryExemption"] = p.Exemption
	}
	return string(mustJSON(w.t, body))
}

// switchedOff switches a policy off.
func switchedOff(p *access.Policy) { p.State = access.Disabled }

// asks makes a policy ask for a strength.
func asks(strength string) func(*access.Policy) {
	return func(p *access.Policy) {
		p.Grant = &access.Grant{Operator: "OR", Strength: &access.Reference{ID: strength}}
	}
}

// blocks leaves a policy as it is.
func blocks(*access.Policy) {}

// onLocalhost puts the server behind a proxy on its own machine, so that X-Forwarded-For says
// where somebody is.
func onLocalhost(o *server.Options) {
	o.Proxies = request.Proxies{netip.MustParsePrefix("127.0.0.0/8")}
}

// outside is a policy that blocks whoever is not in the office, which is 192.0.2.0/24.
func (w *world) outside() func(func(*access.Policy)) {
	office := w.create(rulesPath+"namedLocations", `{"@odata.type":"#microsoft.graph.ipNamedLocation","displayName":"Office","isTrusted":true,
		"ipRanges":[{"@odata.type":"#microsoft.graph.iPv4CidrRange","cidrAddress":"192.0.2.0/24"}]}`)
	return w.rule("Nobody from outside", func(p *access.Policy) {
		p.Conditions.Locations = &access.Targets{Include: []string{access.All}, Exclude: []string{office}}
	})
}

func (w *world) lastSignIn(query string) map[string]any {
	w.t.Helper()
	_, v := w.api(http.MethodGet, "/beta/auditLogs/signIns?$top=1&$filter="+url.QueryEscape(query), w.appToken(), "")
	list, _ := v["value"].([]any)
	if len(list) == 0 {
		w.t.Fatalf("no sign-in with %s: %v", query, v)
	}
	return list[0].(map[string]any)
}

// A one-time pass that a rule blocked is not used up: it works once the rule is lifted, in another
// browser, at once.
func TestABlockBurnsNoPass(t *testing.T) {
	w := newWorld(t)
	_, pass := w.issue(`{"isUsableOnce":true}`)
	change := w.rule("Nobody may in", blocks)
	w.newBrowser()
	page := w.authorize(nil).location
	if a := w.post(page, by("username", adminName)); a.status != http.StatusSeeOther {
		t.Fatalf("name: %d", a.status)
	}
	if a := w.get(page); stepOf(a) != "accesspass" || strings.Contains(a.body, "Nobody may in") {
		t.Fatalf("the rule shows before a proof: %s\n%s", stepOf(a), a.body)
	}
	w.post(page, by("accesspass", pass))
	a := w.get(page)
	if stepOf(a) != "blocked" || a.status != http.StatusForbidden || !strings.Contains(a.body, `data-error="accessBlocked"`) || !strings.Contains(a.body, "Nobody may in") {
		t.Fatalf("blocked: %d\n%s", a.status, a.body)
	}
	for _, form := range []url.Values{by("stay", "no"), by("accesspass", pass)} {
		if a := w.post(page, form); w.cookie(sessionCookie) != "" {
			t.Fatalf("a session by %v: %d\n%s", form, a.status, a.body)
		}
	}
	event := w.lastSignIn("status/errorCode eq 53003")
	if event["conditionalAccessStatus"] != "failure" || !strings.Contains(string(mustJSON(t, event["appliedConditionalAccessPolicies"])), `"displayName":"Nobody may in"`) {
		t.Errorf("the log: %s", mustJSON(t, event))
	}
	if n := len(w.signIns("53003")); n != 1 {
		t.Errorf("%d events of the block, want 1", n)
	}
	change(switchedOff)
	w.newBrowser()
	w.code(adminName, pass)
	again := w.signIn(w.authorize(url.Values{"prompt": {"login"}}).location, adminName, pass)
	if again.status != http.StatusBadRequest {
		t.Errorf("the pass works twice: %d", again.status)
	}
}

// Also a rule that came between the last proof and the end leaves the pass as it was.
func TestARuleThatCameLateBurnsNoPass(t *testing.T) {
	w := newWorld(t)
	_, pass := w.issue(`{"isUsableOnce":true}`)
	w.newBrowser()
	page := w.authorize(nil).location
	w.post(page, by("username", adminName))
	if a := w.post(page, by("accesspass", pass)); a.status != http.StatusSeeOther {
		t.Fatalf("pass: %d", a.status)
	}
	change := w.rule("Nobody may in", blocks)
	if a := w.post(page, by("stay", "no")); stepOf(a) != "blocked" || w.cookie(sessionCookie) != "" {
		t.Fatalf("after the rule came: %d\n%s", a.status, a.body)
	}
	change(switchedOff)
	if a := w.post(page, by("stay", "no")); w.cookie(sessionCookie) != "" {
		t.Fatalf("a proof from before the block counts: %d\n%s", a.status, a.body)
	}
	// The same window may begin again, with the same pass.
	if a := w.get(page + "&go=forget"); stepOf(a) != "identify" {
		t.Fatalf("again: %d\n%s", a.status, a.body)
	}
	if w.signIn(page, adminName, pass); w.cookie(sessionCookie) == "" {
		t.Error("the pass was burnt")
	}
}

func TestAStrengthIsAskedForAfterTheFirstProof(t *testing.T) {
	w := newKeyWorld(t)
	id, key := w.person("mira")
	_, pass := w.passFor(id)
	w.rule("Keys only", asks(access.StrengthPhishingResistant))
	page := w.authorize(nil).location
	w.post(page, by("username", "mira@contoso.example"))
	w.wantStep("the name", w.get(page), "accesspass")
	w.post(page, by("accesspass", pass))
	a := w.get(page)
	w.wantStep("the pass", a, "passkey")
	if done := w.use(page, key); done.status != http.StatusSeeOther {
		t.Fatalf("key: %d\n%s", done.status, done.body)
	}
	w.codeIn(w.get(w.post(page, by("stay", "no")).location))
	event := w.lastSignIn("userId eq '" + id + "'")
	if event["conditionalAccessStatus"] != "success" || !strings.Contains(string(mustJSON(t, event)), `"Keys only"`) {
		t.Errorf("the log: %s", mustJSON(t, event))
	}
	// The key alone is enough, without a question more.
	w.newBrowser()
	w.codeBy(key)
}

func TestWhoCantMeetAStrengthIsToldHowTheyCould(t *testing.T) {
	w := newKeyWorld(t)
	id := w.createUser("mira")
	_, pass := w.passFor(id)
	w.rule("Keys only", func(p *access.Policy) {
		asks(access.StrengthPhishingResistant)(p)
		p.Conditions.Applications = access.Applications{Include: []string{cli}}
	})
	page := w.authorize(nil).location
	w.post(page, by("username", "mira@contoso.example"))
	w.post(page, by("accesspass", pass))
	a := w.get(page)
	if stepOf(a) != "blocked" || !strings.Contains(a.body, "Keys only") || !strings.Contains(a.body, "moreProofNeeded") || !strings.Contains(a.body, `href="/security-info"`) {
		t.Fatalf("told: %d\n%s", a.status, a.body)
	}
	if n := len(w.signIns("50079")); n != 1 {
		t.Errorf("%d events, want 1", n)
	}
	// With the same pass the person adds what would do.
	w.toOwnPage("mira@contoso.example", pass)
	key := w.newKey()
	w.addKey(key)
	w.newBrowser()
	w.codeBy(key)
}

func TestAPlaceIsAskedAtSignInAndAtEachRefresh(t *testing.T) {
	var c wrist
	w := newWorld(t, onLocalhost, func(o *server.Options) { o.Wall = c.now })
	_, pass := w.issue(`{"isUsableOnce":false}`)
	w.outside()
	c.move(2 * time.Second) // what a replica knows of the rules is a second old at most
	w.newBrowser()
	w.address = "198.51.100.7"
	page := w.authorize(nil).location
	w.post(page, by("username", adminName))
	w.post(page, by("accesspass", pass))
	if a := w.get(page); stepOf(a) != "blocked" || !strings.Contains(a.body, "another one, such as") {
		t.Fatalf("from outside: %d\n%s", a.status, a.body)
	}
	w.newBrowser()
	w.address = "192.0.2.9"
	_, tokens := w.token(redeem(w.code(adminName, pass)))
	refresh, _ := tokens["refresh_token"].(string)
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {cli}, "refresh_token": {refresh}}
	w.address = "198.51.100.7"
	if a := w.authorize(by("prompt", "none")); !strings.Contains(a.location, "interaction_required") {
		t.Errorf("silently from outside: %q", a.location)
	}
	status, v := w.token(form)
	if status != http.StatusBadRequest || v["error"] != "interaction_required" || v["suberror"] != "message_only" || !strings.Contains(fmt.Sprint(v["error_codes"]), "53003") {
		t.Errorf("refresh from outside: %d %v", status, v)
	}
	if status, v := w.api(http.MethodGet, "/v1.0/me", tokens["access_token"].(string), ""); status != http.StatusUnauthorized {
		t.Errorf("Graph from outside: %d %v", status, v)
	}
	w.address = "192.0.2.9"
	if status, v := w.api(http.MethodGet, "/v1.0/me", tokens["access_token"].(string), ""); status != http.StatusOK {
		t.Errorf("Graph from inside: %d %v", status, v)
	}
	if status, v := w.token(form); status != http.StatusOK { // it was not used up
		t.Errorf("refresh from inside: %d %v", status, v)
	}
}
