package server_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/agent/tpm/tpmtest"
	"github.com/postern-id/postern/internal/server"
)

// clocked is a world whose clock the test moves.
func clocked(t *testing.T, set ...func(*server.Options)) (*world, *wrist) {
	t.Helper()
	c := &wrist{}
	return newWorld(t, append([]func(*server.Options){func(o *server.Options) { o.Wall = c.now }}, set...)...), c
}

// A token that was issued before a rule came is refused at Graph within two seconds, and a client
// that handles challenges is told what to ask for.
func TestARuleEndsAccessAtGraphWithinTwoSeconds(t *testing.T) {
	w, c := clocked(t)
	_, pass := w.issue(`{"isUsableOnce":false}`)
	w.newBrowser()
	challenges := url.Values{"claims": {`{"access_token":{"xms_cc":{"values":["cp1"]}}}`}}
	a := w.signIn(w.authorize(challenges).location, adminName, pass)
	_, tokens := w.token(redeem(w.codeIn(w.get(a.location))))
	_, plain := w.token(redeem(w.codeIn(w.authorize(by("prompt", "none")))))
	me := func(token any) answer {
		r := w.request(http.MethodGet, "/v1.0/me", nil)
		r.Header.Set("Authorization", "Bearer "+token.(string))
		return w.do(r)
	}
	if a := me(tokens["access_token"]); a.status != http.StatusOK {
		t.Fatalf("before: %d", a.status)
	}
	change := w.rule("Keys only", asks(access.StrengthPhishingResistant))
	c.move(2 * time.Second)
	a = me(tokens["access_token"])
	header := a.header.Get("WWW-Authenticate")
	_, rest, _ := strings.Cut(header, `claims="`)
	claims, _, _ := strings.Cut(rest, `"`)
	raw, err := base64.StdEncoding.DecodeString(claims)
	if a.status != http.StatusUnauthorized || !strings.Contains(header, `error="insufficient_claims"`) || err != nil || !strings.Contains(string(raw), "nbf") {
		t.Errorf("a client that handles challenges: %d %q %s", a.status, header, raw)
	}
	if a := me(plain["access_token"]); a.status != http.StatusUnauthorized || !strings.Contains(a.header.Get("WWW-Authenticate"), "invalid_token") {
		t.Errorf("another: %d %q", a.status, a.header.Get("WWW-Authenticate"))
	}
	r := w.request(http.MethodGet, "/oidc/userinfo", nil)
	r.Header.Set("Authorization", "Bearer "+plain["access_token"].(string))
	if a := w.do(r); a.status != http.StatusUnauthorized {
		t.Errorf("UserInfo: %d", a.status)
	}
	status, v := w.token(refresh(tokens["refresh_token"]))
	if status != http.StatusBadRequest || v["error"] != "interaction_required" || v["suberror"] != "basic_action" || !strings.Contains(v["claims"].(string), "capolids") {
		t.Errorf("refresh: %d %v", status, v)
	}
	change(switchedOff)
	c.move(6 * time.Second)
	if a := me(tokens["access_token"]); a.status != http.StatusOK {
		t.Errorf("lifted: %d %s", a.status, a.body)
	}
	if status, v := w.token(refresh(tokens["refresh_token"])); status != http.StatusOK {
		t.Errorf("refresh once it is lifted: %d %v", status, v)
	}
}

// Whoever owns the machine gets in, whatever the rules say, loudly and for a day.
func TestARecoveredAdministratorGetsInWhateverRulesSay(t *testing.T) {
	w := newWorld(t)
	w.rule("Nobody may in", blocks)
	created, err := server.Recover(t.Context(), w.options, adminName, true)
	if err != nil {
		t.Fatal(err)
	}
	w.newBrowser()
	w.code(adminName, created.Pass)
	if list := w.directoryAudits(w.appToken(), "Update conditional access policy"); len(list) != 1 || !strings.Contains(string(mustJSON(t, list)), "Access was recovered") {
		t.Errorf("the log: %s", mustJSON(t, list))
	}
	_, other := w.passFor(w.createUser("mira"))
	w.newBrowser()
	page := w.authorize(nil).location
	w.post(page, by("username", "mira@contoso.example"))
	w.post(page, by("accesspass", other))
	w.wantStep("somebody else", w.get(page), "blocked")
}

// An account that is chosen among several is asked for what is missing, too.
func TestAChosenAccountIsAskedForWhatIsMissing(t *testing.T) {
	w := newKeyWorld(t)
	id, key := w.person("mira")
	_, pass := w.passFor(id)
	w.code("mira@contoso.example", pass)
	w.rule("Keys only", asks(access.StrengthPhishingResistant))
	chooser := w.authorize(by("prompt", "select_account")).location
	_, rest, _ := strings.Cut(w.get(chooser).body, `name="account" value="`)
	session, _, _ := strings.Cut(rest, `"`)
	a := w.get(w.post(chooser, by("account", session)).location)
	if a.status != http.StatusSeeOther || !strings.HasPrefix(a.location, "/signin?") {
		t.Fatalf("chosen: %d %q", a.status, a.location)
	}
	w.wantStep("the account", w.get(a.location), "passkey")
	w.use(a.location, key)
	w.codeIn(w.get(w.get(a.location).location))
}

// A session from before a rule gives nothing silently; the person shows what is missing, and no name.
func TestARuleAsksASessionForWhatIsMissing(t *testing.T) {
	w := newKeyWorld(t)
	id, key := w.person("mira")
	_, pass := w.passFor(id)
	w.code("mira@contoso.example", pass)
	w.rule("Keys only", asks(access.StrengthPhishingResistant))
	if a := w.authorize(by("prompt", "none")); !strings.Contains(a.location, "interaction_required") || !strings.Contains(a.location, "capolids") {
		t.Errorf("silently: %q", a.location)
	}
	page := w.authorize(nil).location
	w.wantStep("the session", w.get(page), "passkey")
	if a := w.use(page, key); a.status != http.StatusSeeOther {
		t.Fatalf("key: %d\n%s", a.status, a.body)
	}
	w.codeIn(w.get(w.get(page).location))
	w.codeIn(w.authorize(by("prompt", "none")))
}

func TestARuleSaysHowOldAProofMayBeAndWhetherTheBrowserStaysSignedIn(t *testing.T) {
	w, c := clocked(t)
	_, pass := w.issue(`{"isUsableOnce":false,"lifetimeInMinutes":480}`)
	w.rule("Every hour", func(p *access.Policy) {
		p.Grant = &access.Grant{Operator: "OR", Controls: []access.Control{access.MFA}}
		p.Session = &access.SessionControls{
			Frequency:  &access.SignInFrequency{Enabled: true, Value: 1, Type: "hours", Interval: "timeBased", Authentication: "primaryAndSecondaryAuthentication"},
			Persistent: &access.PersistentBrowser{Enabled: true, Mode: "never"},
		}
	})
	w.newBrowser()
	page := w.authorize(nil).location
	w.post(page, by("username", adminName))
	w.post(page, by("accesspass", pass))
	a := w.get(page) // nobody is asked whether to stay
	if a.status != http.StatusSeeOther || w.cookie(sessionCookie) == "" {
		t.Fatalf("after the pass: %d\n%s", a.status, a.body)
	}
	_, tokens := w.token(redeem(w.codeIn(w.get(a.location))))
	c.move(59 * time.Minute)
	status, tokens := w.token(refresh(tokens["refresh_token"]))
	if status != http.StatusOK {
		t.Fatalf("within the hour: %d %v", status, tokens)
	}
	c.move(2 * time.Minute)
	status, v := w.token(refresh(tokens["refresh_token"]))
	if status != http.StatusBadRequest || v["error"] != "invalid_grant" || v["suberror"] != "token_expired" {
		t.Errorf("after it: %d %v", status, v)
	}
	w.prove(w.authorize(nil), pass)
}

func TestAContextIsMetByWhatItsRuleAsksFor(t *testing.T) {
	w := newKeyWorld(t)
	id, key := w.person("mira")
	_, pass := w.passFor(id)
	w.create(rulesPath+"authenticationContextClassReferences", `{"id":"c1","displayName":"Payroll","description":"","isAvailable":true}`)
	w.rule("Payroll by key", func(p *access.Policy) {
		asks(access.StrengthPhishingResistant)(p)
		p.Conditions.Applications = access.Applications{Contexts: []string{"c1"}}
	})
	_, tokens := w.token(redeem(w.code("mira@contoso.example", pass)))
	if got := claimsOf(t, tokens["access_token"])["acrs"]; got != nil {
		t.Errorf("acrs is %v before it was asked for", got)
	}
	for _, one := range []string{"c1", "c2", "x"} {
		a := w.authorize(url.Values{"prompt": {"none"}, "claims": {`{"access_token":{"acrs":{"essential":true,"value":"` + one + `"}}}`}})
		if !strings.Contains(a.location, "interaction_required") && !strings.Contains(a.location, "login_required") {
			t.Errorf("%s silently: %q", one, a.location)
		}
	}
	page := w.authorize(by("claims", `{"access_token":{"acrs":{"essential":true,"value":"c1"}}}`)).location
	w.wantStep("the context", w.get(page), "passkey")
	w.use(page, key)
	_, tokens = w.token(redeem(w.codeIn(w.get(w.get(page).location))))
	if got := string(mustJSON(t, claimsOf(t, tokens["access_token"])["acrs"])); got != `["c1"]` {
		t.Errorf("acrs is %s", got)
	}
}

func TestADeviceCodeIsStoppedByARuleForThatFlow(t *testing.T) {
	w := newWorld(t)
	_, pass := w.issue(`{"isUsableOnce":true}`)
	change := w.rule("No device codes", func(p *access.Policy) { p.Conditions.Flows = &access.Flows{TransferMethods: "deviceCodeFlow"} })
	w.newBrowser()
	page := w.enter(w.askDevice(w.created.TenantID)["user_code"]).location
	w.post(page, by("username", adminName))
	w.post(page, by("accesspass", pass))
	if a := w.get(page); stepOf(a) != "blocked" || !strings.Contains(a.body, "the other device itself") {
		t.Errorf("%d\n%s", a.status, a.body)
	}
	w.newBrowser()
	w.code(adminName, pass) // another flow, and the pass is whole
	change(switchedOff)
}

func TestAnApplicationGetsNoTokenFromWhereARuleStopsIt(t *testing.T) {
	w := newWorld(t, onLocalhost)
	w.address = "192.0.2.9"
	office := w.create(rulesPath+"namedLocations", `{"@odata.type":"#microsoft.graph.ipNamedLocation","displayName":"Office","isTrusted":true,
		"ipRanges":[{"@odata.type":"#microsoft.graph.iPv4CidrRange","cidrAddress":"192.0.2.0/24"}]}`)
	w.rule("Applications in the office", func(p *access.Policy) {
		p.Conditions.Users = access.Users{IncludeUsers: []string{access.None}}
		p.Conditions.Workloads = &access.Workloads{Include: []string{access.AllWorkloads}}
		p.Conditions.Locations = &access.Targets{Include: []string{access.All}, Exclude: []string{office}}
	})
	w.appToken()
	w.address = "198.51.100.7"
	status, v := w.token(url.Values{
		"grant_type": {"client_credentials"}, "client_id": {w.created.ClientID}, "client_secret": {w.created.ClientSecret},
		"scope": {"https://graph.microsoft.com/.default"},
	})
	if status != http.StatusBadRequest || !strings.Contains(string(mustJSON(t, v)), "53003") {
		t.Errorf("from outside: %d %v", status, v)
	}
}

func TestADevicePINIsAskedForWhatRulesWant(t *testing.T) {
	w := newWorld(t)
	_, pass := w.addPerson(mira)
	p := withPINs(w, mira, pass, tpmtest.New(t))
	c := p.create("246813")
	change := w.rule("Keys only", asks(access.StrengthPhishingResistant))
	p.tokens(p.signInWith(c, "246813"))
	change(func(p *access.Policy) {
		p.Grant = &access.Grant{Operator: "OR", Controls: []access.Control{access.DomainJoinedDevice}}
	})
	a := p.signInWith(c, "246813")
	if a.status == http.StatusOK || !strings.Contains(a.body, "AADSTS53001") {
		t.Errorf("a device of the domain: %d %s", a.status, a.body)
	}
}

func TestARuleForRegistrationStandsBeforeAPersonsOwnPages(t *testing.T) {
	w := newKeyWorld(t)
	id := w.createUser("mira")
	_, pass := w.passFor(id)
	w.code("mira@contoso.example", pass)
	change := w.rule("Not here", func(p *access.Policy) {
		p.Conditions.Applications = access.Applications{UserActions: []string{access.RegisterSecurityInfo}}
	})
	w.codeIn(w.authorize(by("prompt", "none")))
	for _, path := range []string{"/security-info", addPasskey} {
		a := w.get(path)
		if a.status != http.StatusSeeOther {
			t.Fatalf("%s: %d\n%s", path, a.status, a.body)
		}
		w.wantStep(path, w.get(a.location), "blocked")
	}
	if a := w.post(addPasskey, by("response", "{}")); a.status != http.StatusSeeOther || !strings.HasPrefix(a.location, "/signin?") {
		t.Errorf("posted: %d %q", a.status, a.location)
	}
	change(switchedOff)
	if a := w.get("/security-info"); a.status != http.StatusOK {
		t.Errorf("lifted: %d\n%s", a.status, a.body)
	}
}

func TestWhatOnlyReportsIsInTheLogAndAnExemptionTakesAPass(t *testing.T) {
	w := newWorld(t)
	id := w.createUser("mira")
	_, pass := w.passFor(id)
	change := w.rule("Perhaps", func(p *access.Policy) { p.State = access.ReportOnly })
	w.code("mira@contoso.example", pass)
	event := w.lastSignIn("userId eq '" + id + "'")
	if event["conditionalAccessStatus"] != "notApplied" || !strings.Contains(string(mustJSON(t, event)), "reportOnlyFailure") {
		t.Errorf("report-only: %s", mustJSON(t, event))
	}
	change(func(p *access.Policy) {
		p.State = access.Enabled
		p.Exemption = &access.Exemption{Users: []string{id}, Groups: []string{}, Until: time.Now().Add(time.Hour).UTC().Truncate(time.Second), Reason: "lost it all"}
	})
	_, again := w.passFor(id)
	w.newBrowser()
	w.code("mira@contoso.example", again)
	event = w.lastSignIn("userId eq '" + id + "'")
	if !strings.Contains(string(mustJSON(t, event)), "recoveryExemption") {
		t.Errorf("exempted: %s", mustJSON(t, event))
	}
}
