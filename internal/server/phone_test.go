package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/authenticator"
	"github.com/postern-id/postern/internal/method/passkey/passkeytest"
	"github.com/postern-id/postern/internal/server"
)

const addPhone = "/security-info/add/authenticator"

// newPhoneWorld is a world in which everybody may use a phone.
func newPhoneWorld(t *testing.T, set ...func(*server.Options)) *world {
	t.Helper()
	w := newKeyWorld(t, set...)
	w.phonePolicy(func(*authenticator.Policy) {})
	return w
}

func (w *world) phonePolicy(change func(*authenticator.Policy)) {
	w.t.Helper()
	p := authenticator.DefaultPolicy()
	p.State = "enabled"
	change(&p)
	if err := w.server.SetMethodPolicy(w.t.Context(), w.created.TenantID, authenticator.PolicyID, p); err != nil {
		w.t.Fatal(err)
	}
}

// phone is the app on somebody's phone, and its passkey.
type phone struct {
	w       *world
	key     *ecdsa.PrivateKey
	tenant  string
	nonce   string
	id      string // of the method, once it is added
	passkey *passkeytest.Authenticator
	last    string // proof of the last call
}

func (w *world) newPhone() *phone {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	return &phone{w: w, key: key, tenant: w.created.TenantID}
}

// try makes a call with a proof, and learns the nonce.
func (p *phone) try(proof, method, path, body string) answer {
	p.w.t.Helper()
	r := p.w.request(method, "/authenticator/v1/"+p.tenant+"/"+path, strings.NewReader(body))
	r.Header.Set("DPoP", proof)
	a := p.w.do(r)
	if nonce := a.header.Get("DPoP-Nonce"); nonce != "" {
		p.nonce = nonce
	}
	return a
}

func (p *phone) prove(method, path, body string) string {
	p.w.t.Helper()
	proof, err := device.Prove(p.key, device.Call{
		Method: method, URL: p.w.options.PublicURL + "/authenticator/v1/" + p.tenant + "/" + path, Body: []byte(body), Nonce: p.nonce,
	}, p.w.wall())
	if err != nil {
		p.w.t.Fatal(err)
	}
	p.last = proof
	return proof
}

func (w *world) wall() time.Time {
	if w.options.Wall != nil {
		return w.options.Wall()
	}
	return time.Now()
}

// call makes a call as the app does: again when the server wants another nonce.
func (p *phone) call(method, path, body string) answer {
	p.w.t.Helper()
	a := p.try(p.prove(method, path, body), method, path, body)
	if a.status == http.StatusUnauthorized && strings.Contains(a.header.Get("WWW-Authenticate"), "use_dpop_nonce") {
		a = p.try(p.prove(method, path, body), method, path, body)
	}
	return a
}

// want makes a call that must be answered with a status.
func (p *phone) want(status int, method, path, body string) map[string]any {
	p.w.t.Helper()
	a := p.call(method, path, body)
	if a.status != status {
		p.w.t.Fatalf("%s %s: %d, want %d\n%s", method, path, a.status, status, a.body)
	}
	v := map[string]any{}
	if a.body != "" {
		if err := json.Unmarshal([]byte(a.body), &v); err != nil {
			p.w.t.Fatalf("%s %s: %v\n%s", method, path, err, a.body)
		}
	}
	return v
}

// refused makes a call that must be refused with a code.
func (p *phone) refused(code, method, path, body string) {
	p.w.t.Helper()
	if a := p.call(method, path, body); a.status < 400 || !strings.Contains(a.body, `"`+code+`"`) {
		p.w.t.Errorf("%s %s: %d, want %s\n%s", method, path, a.status, code, a.body)
	}
}

var (
	shownLink   = regexp.MustCompile(`href="([^"]*/authenticator/#add=[^"]+)"`)
	shownNumber = regexp.MustCompile(`class="match-number"><span class="unseen">Number</span> <bdi>(\d\d)</bdi>`)
)

// phoneCode is the code on the page that adds a phone, from its link.
func (w *world) phoneCode() string {
	w.t.Helper()
	a := w.get(addPhone)
	found := shownLink.FindStringSubmatch(a.body)
	if found == nil {
		w.t.Fatalf("no link: %d\n%s", a.status, a.body)
	}
	link := html.UnescapeString(found[1])
	return link[strings.LastIndex(link, "/")+1:]
}

func enrolBody(code string) string {
	return fmt.Sprintf(`{"code":%q,"name":"Pixel 9","system":"Android","version":"1"}`, code)
}

// addPhone adds a phone for whoever is signed in.
func (w *world) addPhone() *phone {
	w.t.Helper()
	p := w.newPhone()
	p.id, _ = p.want(http.StatusCreated, "POST", "phones", enrolBody(w.phoneCode()))["id"].(string)
	return p
}

// verify lets p show its passkey from now on.
func (p *phone) verify(key *passkeytest.Authenticator) {
	p.w.t.Helper()
	p.passkey = key
	p.want(http.StatusNoContent, "POST", "verification", `{"assertion":`+p.assertion([]byte(p.call("POST", "verification", `{}`).body))+`}`)
}

func (p *phone) assertion(options []byte) string {
	p.w.t.Helper()
	text, err := p.passkey.Get(options)
	if err != nil {
		p.w.t.Fatal(err)
	}
	return text
}

// phonePerson creates somebody with a passkey and a phone that verifies by it, and forgets the
// browser.
func (w *world) phonePerson(nick string) (id string, p *phone) {
	w.t.Helper()
	id = w.createUser(nick)
	_, pass := w.passFor(id)
	w.toOwnPage(nick+"@contoso.example", pass)
	key := w.newKey()
	w.addKey(key)
	p = w.addPhone()
	p.verify(key)
	w.newBrowser()
	return id, p
}

// toPhone begins a sign-in and goes to the page of the phone, which it returns with its number.
func (w *world) toPhone(name string) (page, number string) {
	w.t.Helper()
	page = w.authorize(url.Values{"prompt": {"login"}}).location
	if a := w.post(page, url.Values{"username": {name}}); a.status != http.StatusSeeOther {
		w.t.Fatalf("name: %d\n%s", a.status, a.body)
	}
	return page, w.numberOn(w.get(page + "&go=authenticator"))
}

func (w *world) numberOn(a answer) string {
	w.t.Helper()
	found := shownNumber.FindStringSubmatch(a.body)
	if found == nil {
		w.t.Fatalf("no number: %d\n%s", a.status, a.body)
	}
	return found[1]
}

// send sends the request of a sign-in.
func (w *world) send(page string) {
	w.t.Helper()
	if a := w.post(page, url.Values{"ask": {"authenticator"}}); a.status != http.StatusSeeOther {
		w.t.Fatalf("ask: %d\n%s", a.status, a.body)
	}
}

// isWaiting reports whether the page of a sign-in is to go on waiting.
func (w *world) isWaiting(page string) bool {
	w.t.Helper()
	a := w.get(strings.Replace(page, "/signin?", "/signin/asked?", 1))
	if a.status != http.StatusOK {
		w.t.Fatalf("asked: %d\n%s", a.status, a.body)
	}
	return strings.Contains(a.body, "true")
}

// answered sends the page's form on.
func (w *world) answered(page string) answer { return w.post(page, url.Values{"answered": {"yes"}}) }

// waiting is the request that waits at p.
func (p *phone) waiting() map[string]any {
	p.w.t.Helper()
	return p.want(http.StatusOK, "GET", "request", "")
}

// answer is the body of an answer to what waits.
func (p *phone) answer(request map[string]any, say, number string) string {
	p.w.t.Helper()
	body := map[string]any{"id": request["id"], "say": say, "number": number}
	if say == "approve" && p.passkey != nil {
		options, err := json.Marshal(request["verify"])
		if err != nil {
			p.w.t.Fatal(err)
		}
		body["assertion"] = json.RawMessage(p.assertion(options))
	}
	text, err := json.Marshal(body)
	if err != nil {
		p.w.t.Fatal(err)
	}
	return string(text)
}

func (p *phone) approve(number string) {
	p.w.t.Helper()
	p.want(http.StatusOK, "POST", "request", p.answer(p.waiting(), "approve", number))
}

// wantPhoneRefused checks that a sign-in was refused as all are.
func (w *world) wantPhoneRefused(a answer) {
	w.t.Helper()
	if a.status != http.StatusBadRequest || !strings.Contains(a.body, `data-step="authenticator" data-error="credentialRefused"`) {
		w.t.Errorf("not refused: %d\n%s", a.status, a.body)
	}
}

func TestAPhoneIsAddedByACodeAndApprovesASignIn(t *testing.T) {
	w := newPhoneWorld(t)
	user, p := w.phonePerson("mira")
	page, number := w.toPhone("mira@contoso.example")
	if a := p.call("GET", "request", ""); a.status != http.StatusNoContent {
		t.Fatalf("a request is there before it was sent: %d %s", a.status, a.body)
	}
	w.send(page)
	shown := p.call("GET", "request", "")
	if strings.Contains(shown.body, number) && !strings.Contains(strings.ReplaceAll(shown.body, number, ""), `"endsIn":`) {
		t.Errorf("the phone gets the number %s: %s", number, shown.body)
	}
	request := p.waiting()
	if request["application"] != "Postern CLI" || request["address"] != "127.0.0.1" || request["number"] != nil || request["verify"] == nil {
		t.Errorf("the phone shows %v", request)
	}
	if got := w.numberOn(w.get(page)); got != number || !w.isWaiting(page) {
		t.Errorf("the page shows %s and waits: %t; want %s", got, w.isWaiting(page), number)
	}
	if a := w.answered(page); a.status != http.StatusSeeOther || w.numberOn(w.get(page)) != number {
		t.Fatalf("going on too early: %d\n%s", a.status, a.body)
	}
	p.approve(number)
	if w.isWaiting(page) {
		t.Error("the page waits after the answer")
	}
	if a := w.answered(page); a.status != http.StatusSeeOther {
		t.Fatalf("going on: %d\n%s", a.status, a.body)
	}
	status, tokens := w.token(redeem(w.codeIn(w.get(w.post(page, url.Values{"stay": {"no"}}).location))))
	if status != http.StatusOK {
		t.Fatalf("redeem: %d %v", status, tokens)
	}
	if amr := fmt.Sprint(claimsOf(t, tokens["access_token"])["amr"]); !strings.Contains(amr, "mca") || !strings.Contains(amr, "mfa") {
		t.Errorf("amr is %s", amr)
	}
	status, v := w.api(http.MethodGet, "/v1.0/users/"+user+"/authentication/microsoftAuthenticatorMethods", w.appToken(), "")
	list, _ := v["value"].([]any)
	if status != http.StatusOK || len(list) != 1 {
		t.Fatalf("Graph: %d %v", status, v)
	}
	one := list[0].(map[string]any)
	if one["id"] != p.id || one["displayName"] != "Pixel 9" || one["deviceTag"] != "Android" || one["phoneAppVersion"] != "1" {
		t.Errorf("Graph shows %v", one)
	}
	// The session ends with the phone.
	if status, _ := w.api(http.MethodDelete, "/v1.0/users/"+user+"/authentication/microsoftAuthenticatorMethods/"+p.id, w.appToken(), ""); status != http.StatusNoContent {
		t.Fatalf("delete: %d", status)
	}
	if a := w.get("/security-info"); a.status != http.StatusSeeOther {
		t.Errorf("the session outlives the phone: %d", a.status)
	}
	p.refused("phoneUnknown", "GET", "request", "")
}

func TestAPhoneAnswersOnceInTimeAndByTheNumber(t *testing.T) {
	var c wrist
	w := newPhoneWorld(t, func(o *server.Options) { o.Wall = c.now })
	_, p := w.phonePerson("mira")
	t.Run("another number ends the request", func(t *testing.T) {
		page, number := w.toPhone("mira@contoso.example")
		w.send(page)
		request := p.waiting()
		p.refused("phoneTypedWrong", "POST", "request", p.answer(request, "approve", wrongFor(number)))
		p.refused("phoneRequestAnswered", "POST", "request", p.answer(request, "approve", number))
		c.move(time.Minute)
		w.wantPhoneRefused(w.answered(page))
	})
	t.Run("denied", func(t *testing.T) {
		page, number := w.toPhone("mira@contoso.example")
		w.send(page)
		request := p.waiting()
		p.want(http.StatusOK, "POST", "request", p.answer(request, "deny", ""))
		p.refused("phoneRequestAnswered", "POST", "request", p.answer(request, "approve", number))
		c.move(time.Minute)
		w.wantPhoneRefused(w.answered(page))
	})
	t.Run("too late", func(t *testing.T) {
		page, number := w.toPhone("mira@contoso.example")
		w.send(page)
		request := p.waiting()
		c.move(time.Minute)
		p.refused("phoneRequestLate", "POST", "request", p.answer(request, "approve", number))
		if a := p.call("GET", "request", ""); a.status != http.StatusNoContent {
			t.Errorf("a request that ended is shown: %d %s", a.status, a.body)
		}
		w.wantPhoneRefused(w.answered(page))
	})
	t.Run("approved, and fetched too late", func(t *testing.T) {
		page, number := w.toPhone("mira@contoso.example")
		w.send(page)
		p.approve(number)
		c.move(2 * time.Minute)
		w.wantPhoneRefused(w.answered(page))
	})
	t.Run("without the passkey that the phone has", func(t *testing.T) {
		page, number := w.toPhone("mira@contoso.example")
		w.send(page)
		request := p.waiting()
		p.refused("phoneNeedsVerification", "POST", "request", fmt.Sprintf(`{"id":%q,"say":"approve","number":%q}`, request["id"], number))
		p.approve(number)
		if a := w.answered(page); a.status != http.StatusSeeOther {
			t.Errorf("going on: %d", a.status)
		}
	})
}

func wrongFor(number string) string {
	if number == "11" {
		return "12"
	}
	return "11"
}

func TestAReportHoldsRequestsBackAndIsInTheLog(t *testing.T) {
	var c wrist
	w := newPhoneWorld(t, func(o *server.Options) { o.Wall = c.now })
	_, p := w.phonePerson("mira")
	page, _ := w.toPhone("mira@contoso.example")
	w.send(page)
	p.want(http.StatusOK, "POST", "request", p.answer(p.waiting(), "report", ""))
	if !w.isWaiting(page) {
		t.Error("the page tells a stranger that somebody answered")
	}
	w.newBrowser()
	c.move(time.Hour)
	page, _ = w.toPhone("mira@contoso.example")
	w.send(page) // looks as ever
	if a := p.call("GET", "request", ""); a.status != http.StatusNoContent {
		t.Errorf("a request goes out after the report: %d %s", a.status, a.body)
	}
	if events := w.directoryAudits(w.appToken(), "Suspicious activity reported"); len(events) != 1 {
		t.Errorf("%d events of the report", len(events))
	}
	c.move(24 * time.Hour)
	page, _ = w.toPhone("mira@contoso.example")
	w.send(page)
	p.waiting()
}

// variable is what differs from page to page: ids, numbers, times.
var variable = regexp.MustCompile(`[0-9a-f-]{36}|class="code">[A-Z0-9]{8}<|t=[A-Za-z0-9_-]+|<bdi>\d\d</bdi>|\d\d:\d\d:\d\dZ?|[a-z]+@contoso.example`)

func TestNobodyLearnsFromThePageWhoHasAPhone(t *testing.T) {
	var c wrist
	w := newPhoneWorld(t, func(o *server.Options) { o.Wall = c.now })
	_, p := w.phonePerson("mira")
	w.createUser("nora")
	pages := map[string][]string{}
	for _, name := range []string{"mira", "nora", "nobody"} {
		w.newBrowser()
		page, _ := w.toPhone(name + "@contoso.example")
		look := func(a answer) {
			pages[name] = append(pages[name], fmt.Sprint(a.status)+variable.ReplaceAllString(a.body, "·"))
		}
		look(w.get(page))
		w.send(page)
		look(w.get(page))
		if name == "mira" {
			p.want(http.StatusOK, "POST", "request", p.answer(p.waiting(), "deny", ""))
		}
		if !w.isWaiting(page) {
			t.Errorf("%s: the page does not wait", name)
		}
		if a := w.answered(page); a.status != http.StatusSeeOther {
			t.Errorf("%s: going on too early: %d", name, a.status)
		}
		c.move(time.Minute)
		if w.isWaiting(page) {
			t.Errorf("%s: the page waits for ever", name)
		}
		look(w.get(page))
		look(w.answered(page))
	}
	for _, name := range []string{"nora", "nobody"} {
		for i, want := range pages["mira"] {
			if pages[name][i] != want {
				t.Errorf("page %d of %s differs:\n%s\n--- from\n%s", i, name, pages[name][i], want)
			}
		}
	}
}

func TestNoPhoneIsFloodedAndNobodyKeepsItsOwnerAway(t *testing.T) {
	var c wrist
	w := newPhoneWorld(t, func(o *server.Options) { o.Wall = c.now })
	_, p := w.phonePerson("mira")
	// Mira's own browser becomes familiar.
	page, number := w.toPhone("mira@contoso.example")
	w.send(page)
	p.approve(number)
	w.answered(page)
	w.post(page, url.Values{"stay": {"no"}})
	home := w.browser
	c.move(time.Minute) // an approved request keeps its place for a while

	w.newBrowser()
	sent := 0
	for range 20 {
		page, _ = w.toPhone("mira@contoso.example")
		a := w.post(page, url.Values{"ask": {"authenticator"}})
		if a.status == http.StatusSeeOther {
			sent++
			continue
		}
		if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" || !strings.Contains(a.body, `data-error="askedTooOften"`) {
			t.Fatalf("ask: %d\n%s", a.status, a.body)
		}
	}
	if sent != 4 { // of the five of this hour one was Mira's
		t.Errorf("%d requests went out", sent)
	}
	stranger := p.waiting()["id"]
	w.browser = home
	page, number = w.toPhone("mira@contoso.example")
	w.send(page)
	if p.waiting()["id"] == stranger {
		t.Fatal("a stranger's request keeps the owner's away")
	}
	p.approve(number)
	if a := w.get(page); !strings.Contains(a.body, `name="answered"`) {
		t.Errorf("an approval that waits for its page is lost:\n%s", a.body)
	}
	if a := w.answered(page); a.status != http.StatusSeeOther {
		t.Errorf("going on: %d", a.status)
	}
	// In her own browser she hears at once that a request was denied, and may send another one.
	page, number = w.toPhone("mira@contoso.example")
	w.send(page)
	p.want(http.StatusOK, "POST", "request", p.answer(p.waiting(), "deny", ""))
	if w.isWaiting(page) {
		t.Error("the page waits after the answer")
	}
	refused := w.answered(page)
	w.wantPhoneRefused(refused)
	next := w.numberOn(refused)
	if next == number || strings.Contains(refused.body, `name="answered"`) {
		t.Errorf("the page shows %s again, or waits:\n%s", next, refused.body)
	}
	w.send(page)
	if got := w.numberOn(w.get(page)); got != next {
		t.Errorf("the number was %s before the request went out, and is %s", next, got)
	}
	p.approve(next)
}

func TestAnApprovalIsForItsPersonItsBrowserAndItsSignInAlone(t *testing.T) {
	w := newPhoneWorld(t)
	_, p := w.phonePerson("mira")
	_, other := w.phonePerson("nora")
	page, number := w.toPhone("mira@contoso.example")
	w.send(page)
	request := p.waiting()
	t.Run("another person's phone", func(t *testing.T) {
		if a := other.call("GET", "request", ""); a.status != http.StatusNoContent {
			t.Errorf("it sees the request: %d %s", a.status, a.body)
		}
		other.refused("phoneRequestUnknown", "POST", "request", fmt.Sprintf(`{"id":%q,"say":"deny"}`, request["id"]))
		with := other.answer(request, "approve", number) // signed by the wrong passkey for the wrong phone
		if a := other.call("POST", "request", with); a.status < 400 {
			t.Errorf("it approves: %d %s", a.status, a.body)
		}
	})
	t.Run("another tenant", func(t *testing.T) {
		second, err := server.Init(t.Context(), w.options, server.NewTenant{Domain: "fabrikam.example", Admin: "admin"})
		if err != nil {
			t.Skipf("a second tenant beside a running server: %v", err)
		}
		there := *p
		there.tenant, there.nonce = second.TenantID, ""
		there.refused("phoneUnknown", "POST", "request", fmt.Sprintf(`{"id":%q,"say":"approve","number":%q}`, request["id"], number))
	})
	t.Run("a call that was recorded", func(t *testing.T) {
		body := fmt.Sprintf(`{"id":%q,"say":"report"}`, "00000000-0000-4000-8000-000000000000")
		p.refused("phoneRequestUnknown", "POST", "request", body)
		for name, a := range map[string]answer{
			"again":             p.try(p.last, "POST", "request", body),
			"with another body": p.try(p.prove("POST", "request", body), "POST", "request", p.answer(request, "approve", number)),
			"elsewhere":         p.try(p.prove("POST", "request", ""), "DELETE", "phone", ""),
			"unsigned":          p.try("", "POST", "request", body),
		} {
			if a.status != http.StatusUnauthorized {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
	})
	p.approve(number)
	t.Run("another browser", func(t *testing.T) {
		mine := w.browser
		w.newBrowser()
		if a := w.answered(page); a.status != http.StatusBadRequest || !strings.Contains(a.body, "signInGone") {
			t.Errorf("it goes on: %d\n%s", a.status, a.body)
		}
		elsewhere, _ := w.toPhone("mira@contoso.example")
		w.wantPhoneRefused(w.answered(elsewhere))
		w.browser = mine
	})
	if a := w.answered(page); a.status != http.StatusSeeOther {
		t.Fatalf("going on: %d\n%s", a.status, a.body)
	}
	again := w.answered(page)
	if a := w.get(page); again.status != http.StatusSeeOther || !strings.Contains(a.body, `data-step="stay"`) {
		t.Errorf("a repeat: %d, then %d\n%s", again.status, a.status, a.body)
	}
}

func TestAPhoneThatIsRemovedOrFrozenMeanwhileSignsNobodyIn(t *testing.T) {
	w := newPhoneWorld(t)
	user, p := w.phonePerson("mira")
	remove := func() {
		t.Helper()
		if status, v := w.api(http.MethodDelete, "/v1.0/users/"+user+"/authentication/microsoftAuthenticatorMethods/"+p.id, w.appToken(), ""); status != http.StatusNoContent {
			t.Fatalf("delete: %d %v", status, v)
		}
	}
	page, number := w.toPhone("mira@contoso.example")
	w.send(page)
	freeze := "/v1.0/postern/users/" + user + "/methods/" + p.id + "/"
	if status, v := w.api(http.MethodPost, freeze+"freeze", w.appToken(), `{}`); status != http.StatusNoContent {
		t.Fatalf("freeze: %d %v", status, v)
	}
	p.refused("methodFrozen", "GET", "request", "")
	p.refused("methodFrozen", "GET", "stream", "")
	if status, v := w.api(http.MethodPost, freeze+"thaw", w.appToken(), `{}`); status != http.StatusNoContent {
		t.Fatalf("thaw: %d %v", status, v)
	}
	p.approve(number)
	remove()
	w.wantPhoneRefused(w.answered(page))
	p.refused("phoneUnknown", "GET", "phone", "")
}

func TestACodeAddsOnePhoneInTimeForItsOwnSession(t *testing.T) {
	var c wrist
	w := newPhoneWorld(t, func(o *server.Options) { o.Wall = c.now })
	user := w.createUser("mira")
	_, pass := w.passFor(user)
	w.toOwnPage("mira@contoso.example", pass)

	code := w.phoneCode()
	p := w.newPhone()
	p.want(http.StatusCreated, "POST", "phones", enrolBody(strings.ToLower(code[:4]+"-"+code[4:8]+" "+code[8:])))
	w.newPhone().refused("phoneCodeRefused", "POST", "phones", enrolBody(code))
	former, code := code, w.phoneCode()
	p.refused("methodKnown", "POST", "phones", enrolBody(code))
	w.newPhone().refused("phoneCodeRefused", "POST", "phones", enrolBody(former))

	void := w.phoneCode()
	code = w.phoneCode() // the newest counts
	w.newPhone().refused("phoneCodeRefused", "POST", "phones", enrolBody(void))
	c.move(10 * time.Minute)
	w.newPhone().refused("phoneCodeRefused", "POST", "phones", enrolBody(code))

	c.move(method.FinishWithin) // what was started in time may be finished until then
	if a := w.get(addPhone); shownLink.MatchString(a.body) {
		t.Error("a phone can be added without a fresh proof")
	}
	_, pass = w.passFor(user)
	w.newBrowser()
	w.toOwnPage("mira@contoso.example", pass)
	code = w.phoneCode()
	w.post("/security-info/everywhere", nil)
	w.newPhone().refused("phoneCodeRefused", "POST", "phones", enrolBody(code))
}

// A phone that rings for a number that is then of no use only worries its owner.
func TestNoPhoneRingsForWhatWouldBeRefused(t *testing.T) {
	w := newPhoneWorld(t)
	ask := func(p *phone, name string) bool {
		t.Helper()
		w.newBrowser()
		page, _ := w.toPhone(name + "@contoso.example")
		w.send(page) // looks as ever
		return p.call("GET", "request", "").status == http.StatusOK
	}
	t.Run("one factor where two are needed, and nothing to go with it", func(t *testing.T) {
		user := w.createUser("nora")
		_, pass := w.passFor(user)
		w.toOwnPage("nora@contoso.example", pass)
		p := w.addPhone()
		w.do204(http.MethodDelete, "/v1.0/users/"+user+"/authentication/temporaryAccessPassMethods/"+w.passID(user), "")
		if ask(p, "nora") {
			t.Error("it rings")
		}
	})
	_, p := w.phonePerson("mira")
	for name, change := range map[string]func(*authenticator.Policy){
		"phones count as one factor":        func(p *authenticator.Policy) { p.Include[0].AuthenticationMode = authenticator.ModePush },
		"the person may not use phones":     func(p *authenticator.Policy) { p.Include = nil },
		"the person is left out, by groups": func(p *authenticator.Policy) { p.Exclude = p.Include },
	} {
		t.Run(name, func(t *testing.T) {
			w.phonePolicy(change)
			w.newBrowser()
			page := w.authorize(nil).location
			w.post(page, url.Values{"username": {"mira@contoso.example"}})
			w.get(page + "&go=authenticator")
			w.post(page, url.Values{"ask": {"authenticator"}})
			if a := p.call("GET", "request", ""); a.status == http.StatusOK {
				t.Errorf("it rings: %s", a.body)
			}
		})
	}
	t.Run("what the policy hides is not shown", func(t *testing.T) {
		w.phonePolicy(func(p *authenticator.Policy) {
			p.Features.Application.State, p.Features.Location.State = "disabled", "disabled"
			p.Include[0].AuthenticationMode = authenticator.ModeUser
		})
		if !ask(p, "mira") {
			t.Fatal("it does not ring")
		}
		if request := p.waiting(); request["application"] != nil || request["address"] != nil || request["device"] != nil {
			t.Errorf("the phone shows %v", request)
		}
	})
	t.Run("the account is switched off", func(t *testing.T) {
		w.phonePolicy(func(*authenticator.Policy) {})
		w.do204(http.MethodPatch, "/v1.0/users/"+w.userID("mira@contoso.example"), `{"accountEnabled":false}`)
		w.newBrowser()
		page, _ := w.toPhone("mira@contoso.example")
		w.send(page)
		p.refused("phoneUnknown", "GET", "request", "")
	})
}

// passID is the id of somebody's pass.
func (w *world) passID(user string) string {
	w.t.Helper()
	id, _ := w.passesOf(user)[0].(map[string]any)["id"].(string)
	return id
}

func TestACodeAddsNoPhoneOnceThePolicyIsAnother(t *testing.T) {
	w := newPhoneWorld(t)
	id, _ := w.atHome("mira")
	code := w.phoneCode()
	w.phonePolicy(func(p *authenticator.Policy) { p.State = "disabled" })
	late := w.newPhone()
	late.refused("authenticatorOff", "POST", "phones", enrolBody(code))
	w.phonePolicy(func(*authenticator.Policy) {})
	_, v := w.api(http.MethodGet, "/v1.0/users/"+id+"/authentication/microsoftAuthenticatorMethods", w.appToken(), "")
	if n := len(v["value"].([]any)); n != 0 {
		t.Errorf("%d phones were added", n)
	}
}
