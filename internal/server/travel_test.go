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
	"github.com/postern-id/postern/internal/places/placestest"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/server"
)

// A traveller's requests come from wherever they are.
type traveller struct {
	http.RoundTripper
	address string
}

func (p *traveller) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("X-Forwarded-For", p.address)
	return p.RoundTripper.RoundTrip(r)
}

// travels is a person with a pass, and a browser of theirs that moves.
func travels(t *testing.T, files func(*server.Options)) (w *world, clock *wrist, user string, from func(address string) answer, p *traveller) {
	t.Helper()
	w, clock = clocked(t, files, func(o *server.Options) { o.Proxies = request.Proxies{netip.MustParsePrefix("127.0.0.0/8")} })
	user = w.createUser("ada")
	pass := w.longPass(user)
	p = &traveller{}
	from = func(address string) answer {
		t.Helper()
		w.newBrowser()
		p.RoundTripper, p.address = w.browser.Transport, address
		w.browser.Transport = p
		a := w.signIn(w.authorize(nil).location, "ada@contoso.example", pass)
		if a.status == http.StatusSeeOther {
			a = w.get(a.location)
		}
		return a
	}
	return w, clock, user, from, p
}

func citiesOf(t *testing.T) func(*server.Options) {
	t.Helper()
	berlin, paris := placestest.City{Latitude: 52.52, Longitude: 13.405, Radius: 20}, placestest.City{Latitude: 48.857, Longitude: 2.352, Radius: 20}
	cities, err := server.OpenPlaces(placestest.Cities(t, map[string]placestest.City{
		"203.0.113.0/25": berlin, "203.0.113.128/25": {Latitude: 53.551, Longitude: 9.994, Radius: 20}, "198.51.100.0/24": paris, "2001:db8::/32": paris,
		"192.0.2.0/24": {Latitude: -36.848, Longitude: 174.763, Radius: 50},
	}))
	if err != nil {
		t.Fatal(err)
	}
	return func(o *server.Options) { o.Places = cities }
}

// risky blocks whom the server takes for two people at once.
func risky(p *access.Policy) {
	p.Conditions.SignInRisk = []access.Risk{access.RiskMedium, access.RiskHigh}
}

func TestWhoIsSomewhereNobodyGetsToIsARisk(t *testing.T) {
	w, clock, user, from, p := travels(t, citiesOf(t))
	change := w.rule("Nobody at two places", risky)
	let := func(address string, in bool) {
		t.Helper()
		if a := from(address); in != strings.Contains(a.location, "code=") || !in && a.location == "" && !strings.Contains(a.body, "Nobody at two places") {
			t.Errorf("from %s, let in %v: %d %q\n%s", address, in, a.status, a.location, a.body)
		}
	}
	let("203.0.113.9", true)   // Berlin
	let("203.0.113.200", true) // Hamburg at the same moment: no journey
	let("2001:db8::7", false)  // Paris, by IPv6
	let("192.0.2.1", false)    // Auckland
	let("10.0.0.1", true)      // nobody knows where
	let("203.0.113.9", true)   // who was refused was nowhere
	clock.move(time.Hour)
	let("198.51.100.1", true) // Paris by air

	// A VPN, named as an exit, tells nothing, and neither does a trusted network.
	w.create(rulesPath+"namedLocations", `{"@odata.type":"#microsoft.graph.ipNamedLocation","displayName":"VPN","isTrusted":false,"postern_isExit":true,"ipRanges":[{"@odata.type":"#microsoft.graph.iPv4CidrRange","cidrAddress":"192.0.2.0/25"}]}`)
	w.create(rulesPath+"namedLocations", `{"@odata.type":"#microsoft.graph.ipNamedLocation","displayName":"Office","isTrusted":true,"ipRanges":[{"@odata.type":"#microsoft.graph.iPv4CidrRange","cidrAddress":"203.0.113.0/25"}]}`)
	let("192.0.2.1", true)
	let("203.0.113.9", true)
	let("198.51.100.1", true) // Paris is still the last place
	let("192.0.2.200", false) // Auckland beside the VPN

	// What was seen is asked for at a refresh, too: a token that travels without its owner.
	change(func(q *access.Policy) {
		q.Grant = &access.Grant{Operator: "OR", Controls: []access.Control{access.MFA}}
	})
	_, tokens := w.token(redeem(w.codeIn(from("198.51.100.1"))))
	change(func(q *access.Policy) {
		q.Grant = &access.Grant{Operator: "OR", Controls: []access.Control{access.Block}}
	})
	p.address = "192.0.2.200"
	if status, v := w.token(refresh(tokens["refresh_token"])); status != http.StatusBadRequest || v["error"] != "interaction_required" {
		t.Errorf("a token in Auckland: %d %v", status, v)
	}
	p.address = "198.51.100.1"
	if status, v := w.token(refresh(tokens["refresh_token"])); status != http.StatusOK {
		t.Errorf("a token in Paris: %d %v", status, v)
	}

	// What if knows it, and a risk that is named goes first.
	ask := func(address, more string) any {
		t.Helper()
		status, v := w.api(http.MethodPost, "/v1.0/postern/access/evaluate", w.appToken(), fmt.Sprintf(
			`{"signInIdentity":{"userId":%q},"signInContext":{"includeApplications":[%q]},"signInConditions":{"ipAddress":%q%s}}`, user, cli, address, more))
		if status != http.StatusOK {
			t.Fatalf("what if: %d %v", status, v)
		}
		return v["signInRiskLevel"].(string) + " " + v["today"].(map[string]any)["result"].(string)
	}
	for address, want := range map[string]string{"192.0.2.200": "medium blocked", "192.0.2.1": "none granted", "198.51.100.9": "none granted", "10.0.0.1": "none granted"} {
		if got := ask(address, ""); got != want {
			t.Errorf("what if from %s: %v, want %s", address, got, want)
		}
	}
	if got := ask("192.0.2.200", `,"signInRiskLevel":"none"`); got != "none granted" {
		t.Errorf("what if without risk: %v", got)
	}
}

// The log keeps the risk of each sign-in, whether or not a rule asks for it: a draft that asks for it
// is tried on what was.
func TestARiskIsKeptForRulesThatComeLater(t *testing.T) {
	w, _, user, from, _ := travels(t, citiesOf(t))
	from("203.0.113.9")
	from("192.0.2.1")
	_, v := w.api(http.MethodGet, "/v1.0/auditLogs/signIns?$filter="+url.QueryEscape("userId eq '"+user+"' and signInEventTypes/any(t: t eq 'interactiveUser')"), w.appToken(), "")
	var risks []string
	for _, one := range v["value"].([]any) {
		in := one.(map[string]any)
		risks = append(risks, fmt.Sprint(in["riskLevelDuringSignIn"], in["riskState"], in["riskEventTypes_v2"]))
	}
	if got := strings.Join(risks, "; "); got != "mediumatRisk[unfamiliarFeatures unlikelyTravel]; lowatRisk[unfamiliarFeatures]" {
		t.Errorf("the log: %s", got)
	}
	draft := `{"drafts":[{"displayName":"Draft","conditions":{"users":{"includeUsers":["All"]},"applications":{"includeApplications":["All"]},"signInRiskLevels":["medium"]},
		"grantControls":{"operator":"OR","builtInControls":["block"]}}]}`
	status, said := w.api(http.MethodPost, "/v1.0/postern/access/impact", w.appToken(), draft)
	if blocked, _ := said["blocked"].(map[string]any); status != http.StatusOK || blocked["signIns"] != 1.0 || said["signInsWithoutRisk"] != 0.0 {
		t.Errorf("impact: %d %v", status, said)
	}
}

// The middle of a country is no place where anybody is: with a file of countries nobody is too far away.
func TestAFileOfCountriesTellsNoJourney(t *testing.T) {
	countries, err := server.OpenPlaces(placestest.File(t, map[string]string{"203.0.113.0/24": "DE", "192.0.2.0/24": "NZ"}))
	if err != nil {
		t.Fatal(err)
	}
	w, _, _, from, _ := travels(t, func(o *server.Options) { o.Places = countries })
	w.rule("Nobody at two places", risky)
	for _, address := range []string{"203.0.113.9", "192.0.2.1"} {
		if a := from(address); !strings.Contains(a.location, "code=") {
			t.Errorf("from %s: %d %q", address, a.status, a.location)
		}
	}
}
