package server_test

import (
	"crypto/ecdsa"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/postern-id/postern/internal/recovery/sdjwt/sdjwttest"
)

// wallet holds credentials, and answers requests as OpenID4VP says.
type wallet struct {
	x              trip
	issuer, holder *ecdsa.PrivateKey
	claims         map[string]any
}

// newWallet is the wallet of Sam, whose employer's credentials the tenant believes.
func (x trip) newWallet() wallet {
	x.t.Helper()
	w := wallet{x: x, issuer: sdjwttest.NewKey(x.t), holder: sdjwttest.NewKey(x.t), claims: map[string]any{"given_name": "Sam", "family_name": "Lee", "employee_number": "E-7"}}
	i := sdjwttest.Issuer(x.t, w.issuer)
	body, err := json.Marshal(map[string]any{"credentialIssuers": []any{map[string]any{"issuer": i.ID, "types": i.Types, "jwks": i.Keys, "match": i.Match}}})
	if err != nil {
		x.t.Fatal(err)
	}
	if status, v := x.api(http.MethodPatch, "/v1.0/postern/recovery/policy", x.appToken(), string(body)); status != http.StatusOK {
		x.t.Fatalf("policy: %d %v", status, v)
	}
	x.change(http.MethodPatch, "/v1.0/users/"+x.sam, `{"givenName":"Sam","surname":"Lee","employeeId":"E-7"}`)
	x.clock.move(8 * 24 * 3600e9)
	x.newBrowser()
	return w
}

// walletAsked is a request for a wallet, as it stands in its signed object.
type walletAsked struct {
	link                     string
	id, tenant               string // of the form for the code
	client, at, nonce, state string
	key                      jose.JSONWebKey
	query                    string
}

var walletLink = regexp.MustCompile(`href="(openid4vp://[^"]+)"`)

// askWallet asks in the browser of a case, and fetches what the wallet is asked.
func (x trip) askWallet() walletAsked {
	x.t.Helper()
	a := x.post("/recover/case", url.Values{"ask": {"credential"}})
	found := walletLink.FindStringSubmatch(a.body)
	if found == nil || !strings.Contains(a.body, `class="qr"`) {
		x.t.Fatalf("no link for a wallet: %d\n%s", a.status, a.body)
	}
	out := walletAsked{link: html.UnescapeString(found[1])}
	u, err := url.Parse(out.link)
	if err != nil {
		x.t.Fatal(err)
	}
	at, err := url.Parse(u.Query().Get("request_uri"))
	if err != nil {
		x.t.Fatal(err)
	}
	out.at = at.Path
	parts := strings.Split(at.Path, "/")
	out.tenant, out.id = parts[3], parts[4]
	object := x.get(out.at)
	if object.status != http.StatusOK || object.header.Get("Content-Type") != "application/oauth-authz-req+jwt" {
		x.t.Fatalf("request object: %d %v\n%s", object.status, object.header, object.body)
	}
	signed, err := jose.ParseSignedCompact(object.body, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		x.t.Fatal(err)
	}
	var r struct {
		Client   string `json:"client_id"`
		At       string `json:"response_uri"`
		Nonce    string `json:"nonce"`
		State    string `json:"state"`
		Query    any    `json:"dcql_query"`
		Metadata struct {
			Keys jose.JSONWebKeySet `json:"jwks"`
		} `json:"client_metadata"`
	}
	if err := json.Unmarshal(signed.UnsafePayloadWithoutVerification(), &r); err != nil {
		x.t.Fatal(err)
	}
	if r.Client != u.Query().Get("client_id") || !strings.HasSuffix(r.At, out.at) {
		x.t.Fatalf("the object is for %s at %s, the link for %s", r.Client, r.At, u.Query().Get("client_id"))
	}
	query, err := json.Marshal(r.Query)
	if err != nil {
		x.t.Fatal(err)
	}
	out.client, out.nonce, out.state, out.key, out.query = r.Client, r.Nonce, r.State, r.Metadata.Keys.Keys[0], string(query)
	return out
}

// answer presents what w holds, and posts it encrypted to the address.
func (w wallet) answer(r walletAsked, to string) answer {
	w.x.t.Helper()
	now := w.x.wall()
	text := sdjwttest.Issue(w.x.t, w.issuer, w.holder, now, w.claims, nil).Present(w.x.t, r.client, r.nonce, now, nil)
	return w.send(r, to, map[string]any{"state": r.state, "vp_token": map[string]any{"credential-0": []string{text}}})
}

// send encrypts an answer and posts it, without the cookies of the browser.
func (w wallet) send(r walletAsked, to string, body map[string]any) answer {
	w.x.t.Helper()
	e, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.ECDH_ES, Key: r.key.Key, KeyID: r.key.KeyID}, nil)
	if err != nil {
		w.x.t.Fatal(err)
	}
	raw, err := json.Marshal(body)
	if err != nil {
		w.x.t.Fatal(err)
	}
	sealed, err := e.Encrypt(raw)
	if err != nil {
		w.x.t.Fatal(err)
	}
	text, err := sealed.CompactSerialize()
	if err != nil {
		w.x.t.Fatal(err)
	}
	x := w.x
	x.world = &world{}
	*x.world = *w.x.world
	x.newBrowser()
	return x.post(to, url.Values{"response": {text}})
}

// leads is where an answer leads the person.
func (w wallet) leads(a answer) (path, code string) {
	w.x.t.Helper()
	var body struct {
		To string `json:"redirect_uri"`
	}
	if err := json.Unmarshal([]byte(a.body), &body); err != nil || a.status != http.StatusOK || body.To == "" {
		w.x.t.Fatalf("the answer leads nowhere: %d %s", a.status, a.body)
	}
	u, err := url.Parse(body.To)
	if err != nil {
		w.x.t.Fatal(err)
	}
	return u.RequestURI(), u.Query().Get("response_code")
}

func TestACredentialInAWalletShowsWhoAsks(t *testing.T) {
	x := onATrip(t)
	w := x.newWallet()
	number := x.ask("sam@contoso.example")
	r := x.askWallet()
	if !strings.Contains(r.query, `"vct_values":["`+sdjwttest.Type+`"]`) || !strings.Contains(r.query, `{"path":["employee_number"]}`) {
		t.Errorf("the wallet is asked for %s", r.query)
	}
	path, _ := w.leads(w.answer(r, r.at))
	if a := x.get(path); a.status != http.StatusSeeOther || a.location != "/recover/case" {
		t.Fatalf("back from the wallet on the same device: %d %s\n%s", a.status, a.location, a.body)
	}
	if a := x.get("/recover/case"); !strings.Contains(a.body, "You presented a credential") {
		t.Errorf("after it:\n%s", a.body)
	}
	_, v := x.api(http.MethodGet, recoveryCases+"/"+number, x.appToken(), "")
	if v["assuranceLevel"] != "high" {
		t.Errorf("the case is at %v: %v", v["assuranceLevel"], v)
	}
	x.selfService("production")
	if a := x.post("/recover/case", url.Values{"ask": {"pass"}}); !strings.Contains(a.body, "data-pass") {
		t.Errorf("no pass:\n%s", a.body)
	}
}

func TestAWalletOnAPhoneLeadsToACodeForTheBrowserThatAsked(t *testing.T) {
	x := onATrip(t)
	w := x.newWallet()
	x.ask("sam@contoso.example")
	theirs := x.browser
	r := x.askWallet()
	path, code := w.leads(w.answer(r, r.at))
	x.newBrowser() // that of the phone
	shown := x.get(path)
	if shown.status != http.StatusOK || !strings.Contains(shown.body, code[:4]+" "+code[4:]) || !strings.Contains(shown.body, "Tell it to nobody") {
		t.Fatalf("on the phone: %d\n%s", shown.status, shown.body)
	}
	typed := url.Values{"tenant": {r.tenant}, "id": {r.id}, "response_code": {strings.ToLower(code[:4]) + " " + code[4:]}}
	// Somebody else's browser, with a case of the same person, has nothing from the code.
	x.ask("sam@contoso.example")
	if a := x.post("/recover/case", typed); a.location != "/recover/case?said=wrong" {
		t.Errorf("the code in another browser: %d %s", a.status, a.location)
	}
	if a := x.get(path); a.status != http.StatusOK || !strings.Contains(a.body, `data-step="presented"`) {
		t.Errorf("the address in another browser: %d\n%s", a.status, a.body)
	}
	x.browser = theirs
	wrong := url.Values{"tenant": {r.tenant}, "id": {r.id}, "response_code": {"AAAAAAAA"}}
	if a := x.post("/recover/case", wrong); a.location != "/recover/case?said=wrong" {
		t.Errorf("a guess: %d %s", a.status, a.location)
	}
	if a := x.post("/recover/case", typed); a.location != "/recover/case" {
		t.Errorf("the code: %d %s\n%s", a.status, a.location, a.body)
	}
	if a := x.post("/recover/case", typed); a.location != "/recover/case?said=wrong" {
		t.Errorf("the code again: %d %s", a.status, a.location)
	}
}

func TestAWalletsAnswerCountsForItsRequestAndItsPersonAlone(t *testing.T) {
	x := onATrip(t)
	w := x.newWallet()
	x.ask("sam@contoso.example")
	victim := x.browser
	theirs := x.askWallet()
	x.newBrowser()
	x.ask("sam@contoso.example") // the attacker's case of the same person
	attacker := x.browser
	mine := x.askWallet()
	refused := func(name string, a answer, code string) {
		t.Helper()
		if a.status != http.StatusBadRequest || !strings.Contains(a.body, code) || strings.Contains(a.body, "Sam") {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	// What was shown for one request is of no use for another.
	mixed := mine
	mixed.nonce = theirs.nonce
	refused("a nonce of another request", w.answer(mixed, mine.at), "credentialHolder")
	mixed = mine
	mixed.client = "x509_hash:them"
	refused("shown to another verifier", w.answer(mixed, mine.at), "credentialHolder")
	mixed = mine
	mixed.state = theirs.state
	refused("the state of another request", w.answer(mixed, mine.at), "credentialHolder")
	refused("posted to another request", w.answer(theirs, mine.at), "credentialMalformed")
	for name, response := range map[string]string{"nothing": "", "no JWE": "a.b.c.d.e", "much": strings.Repeat("a", 61<<10)} {
		refused(name, x.post(mine.at, url.Values{"response": {response}}), "credentialMalformed")
	}
	if a := x.post(mine.at, url.Values{"response": {strings.Repeat("a", 300<<10)}}); a.status != http.StatusRequestEntityTooLarge {
		t.Errorf("too much: %d", a.status)
	}
	refused("not encrypted", x.post(mine.at, url.Values{"vp_token": {`{"credential-0":["x"]}`}, "state": {mine.state}}), "credentialMalformed")
	refused("no such request", x.post(mine.at+"X", url.Values{"response": {"x"}}), "presentationOver")
	other := w
	other.issuer = sdjwttest.NewKey(t)
	refused("an issuer of their own", other.answer(mine, mine.at), "credentialIssuer")
	if a := x.post(mine.at, url.Values{"error": {"access_denied"}, "state": {mine.state}}); a.status != http.StatusOK {
		t.Errorf("the person says no: %d %s", a.status, a.body)
	}
	// A colleague's own credential is a good one: the wallet is told so, and the browser is not.
	colleague := w
	colleague.claims = map[string]any{"given_name": "Otto", "family_name": "Lee", "employee_number": "E-8"}
	path, _ := colleague.leads(colleague.answer(mine, mine.at))
	if a := x.get(path); a.location != "/recover/case?said=wrong" {
		t.Errorf("a colleague's credential: %d %s", a.status, a.location)
	}
	refused("a second answer", w.answer(mine, mine.at), "presentationOver")
	// Sam is led to answer the attacker's request: that shows Sam a code, and the attacker nothing.
	lure := x.askWallet()
	path, _ = w.leads(w.answer(lure, lure.at))
	x.browser = victim
	if a := x.get(path); !strings.Contains(a.body, `data-step="presented"`) {
		t.Errorf("the victim's browser: %d\n%s", a.status, a.body)
	}
	x.browser = attacker
	if a := x.get("/recover/case"); strings.Contains(a.body, "You presented") {
		t.Error("the attacker's case is proven by what the victim showed")
	}
	// Many answers that count for nothing end a request.
	x.browser = victim
	for range 10 {
		other.answer(theirs, theirs.at)
	}
	refused("after ten of them", w.answer(theirs, theirs.at), "presentationOver")
	if n := x.directoryAudits(x.appToken(), "Prove identity in recovery case"); len(n) < 15 {
		t.Errorf("the log has %d refused proofs", len(n))
	}
}

func TestACredentialTellsNobodyWhoIsKnownAndIsComparedWithWhatIsOldEnough(t *testing.T) {
	x := onATrip(t)
	w := x.newWallet()
	x.ask("nobody@contoso.example")
	r := x.askWallet()
	path, _ := w.leads(w.answer(r, r.at))
	if a := x.get(path); a.location != "/recover/case?said=wrong" {
		t.Errorf("a case of nobody: %d %s", a.status, a.location)
	}
	// An administrator gives Sam the number of their own credential.
	x.change(http.MethodPatch, "/v1.0/users/"+x.sam, `{"employeeId":"E-666"}`)
	w.claims["employee_number"] = "E-666"
	x.newBrowser()
	x.ask("sam@contoso.example")
	r = x.askWallet()
	path, _ = w.leads(w.answer(r, r.at))
	if a := x.get(path); a.location != "/recover/case?said=wrong" {
		t.Errorf("an employee number that changed just now: %d %s", a.status, a.location)
	}
	// Too late.
	r = x.askWallet()
	path, _ = w.leads(w.answer(r, r.at))
	x.clock.move(11 * 60e9)
	if a := x.get(path); a.location != "/recover/case?said=wrong" {
		t.Errorf("an answer that waited too long: %d %s", a.status, a.location)
	}
	if a := x.get(r.at); a.status != http.StatusBadRequest || !strings.Contains(a.body, "presentationOver") {
		t.Errorf("the request itself: %d %s", a.status, a.body)
	}
}

func TestWhoDecidesSeesThatWhatACredentialIsComparedWithChanged(t *testing.T) {
	x := onATrip(t)
	x.newWallet()
	x.change(http.MethodPatch, "/v1.0/users/"+x.sam, `{"employeeId":"E-666","surname":"Lee-Park","mail":"sam@fabrikam.example","displayName":"Sam Lee-Park"}`)
	x.newBrowser()
	number := x.ask("sam@contoso.example")
	_, v := x.api(http.MethodGet, recoveryCases+"/"+number, x.appToken(), "")
	found := map[string]any{}
	for _, one := range v["contactChanges"].([]any) {
		found[one.(map[string]any)["property"].(string)] = one.(map[string]any)["counts"]
	}
	if counts, ok := found["employeeId"]; !ok || counts != false {
		t.Errorf("of the employee number the case says %v", found)
	}
	if counts, ok := found["surname"]; !ok || counts != false {
		t.Errorf("of the surname the case says %v", found)
	}
	if counts, ok := found["mail"]; !ok || counts != false {
		t.Errorf("of where what happens is told the case says %v", found)
	}
	if _, ok := found["displayName"]; ok {
		t.Errorf("no credential is compared with what people are called, and the case says %v", found)
	}
	x.clock.move(8 * 24 * 3600e9) // the case is over by then, and may still be looked at
	_, v = x.api(http.MethodGet, recoveryCases+"/"+number, x.appToken(), "")
	for _, one := range v["contactChanges"].([]any) {
		if one := one.(map[string]any); one["property"] == "employeeId" && one["counts"] != true {
			t.Errorf("after a while: %v", one)
		}
	}
}
