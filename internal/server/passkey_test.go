package server_test

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/method/passkey/passkeytest"
	"github.com/postern-id/postern/internal/server"
)

// newKeyWorld is a world whose address is a name, as passkeys need it.
func newKeyWorld(t *testing.T, set ...func(*server.Options)) *world {
	t.Helper()
	return newWorld(t, append([]func(*server.Options){func(o *server.Options) {
		o.PublicURL = strings.Replace(o.PublicURL, "127.0.0.1", "localhost", 1)
	}}, set...)...)
}

const addPasskey = "/security-info/add/passkey"

var dataOptions = regexp.MustCompile(`data-options="([^"]+)"`)

// authorizeAt is authorize at the door of a tenant.
func (w *world) authorizeAt(tenant string) answer {
	return w.get(strings.Replace(w.authorizePath(), w.created.TenantID, tenant, 1))
}

// keyOptions returns what a page asks the browser for.
func (w *world) keyOptions(a answer) []byte {
	w.t.Helper()
	found := dataOptions.FindStringSubmatch(a.body)
	if found == nil {
		w.t.Fatalf("no options on the page: %d\n%s", a.status, a.body)
	}
	return []byte(html.UnescapeString(found[1]))
}

// newKey is an authenticator in a browser that is at the server.
func (w *world) newKey() *passkeytest.Authenticator { return passkeytest.New(w.options.PublicURL) }

// toOwnPage signs in with a pass at the person's own page.
func (w *world) toOwnPage(name, pass string) {
	w.t.Helper()
	done := w.signIn(w.get("/security-info").location, name, pass)
	if a := w.get(done.location); a.status != http.StatusOK {
		w.t.Fatalf("own page: %d\n%s", a.status, a.body)
	}
}

// newAnswer is what a creates for the page that adds a passkey.
func (w *world) newAnswer(a *passkeytest.Authenticator) url.Values {
	w.t.Helper()
	response, err := a.Create(w.keyOptions(w.get(addPasskey)))
	if err != nil {
		w.t.Fatal(err)
	}
	return url.Values{"response": {string(response)}}
}

// addKey adds a at the page of whoever is signed in.
func (w *world) addKey(a *passkeytest.Authenticator) {
	w.t.Helper()
	if done := w.post(addPasskey, w.newAnswer(a)); done.status != http.StatusSeeOther {
		w.t.Fatalf("add a passkey: %d\n%s", done.status, done.body)
	}
}

// person creates somebody with a passkey, and forgets the browser in which it was added.
func (w *world) person(nick string) (id string, key *passkeytest.Authenticator) {
	w.t.Helper()
	id = w.createUser(nick)
	_, pass := w.passFor(id)
	w.toOwnPage(nick+"@contoso.example", pass)
	key = w.newKey()
	w.addKey(key)
	w.newBrowser()
	return id, key
}

// use answers the page of a sign-in with a.
func (w *world) use(page string, a *passkeytest.Authenticator) answer {
	w.t.Helper()
	text, err := a.Get(w.keyOptions(w.get(page)))
	if err != nil {
		w.t.Fatal(err)
	}
	return w.post(page, url.Values{"assertion": {text}})
}

// codeBy signs in for the CLI with a, without typing a name, and returns the code.
func (w *world) codeBy(a *passkeytest.Authenticator) string {
	w.t.Helper()
	page := w.authorize(nil).location
	if done := w.use(page, a); done.status != http.StatusSeeOther {
		w.t.Fatalf("sign-in: %d\n%s", done.status, done.body)
	}
	return w.codeIn(w.get(w.post(page, url.Values{"stay": {"no"}}).location))
}

// wantKeyRefused checks that a sign-in was refused as all are.
func (w *world) wantKeyRefused(a answer) {
	w.t.Helper()
	if a.status != http.StatusBadRequest || !strings.Contains(a.body, `data-step="passkey" data-error="credentialRefused"`) {
		w.t.Errorf("not refused: %d\n%s", a.status, a.body)
	}
}

// signInErrors are why sign-ins failed with a number, newest first.
func (w *world) signInErrors(number int) (all []string) {
	w.t.Helper()
	_, v := w.api(http.MethodGet, fmt.Sprintf("/beta/auditLogs/signIns?$filter=status/errorCode%%20eq%%20%d", number), w.appToken(), "")
	list, _ := v["value"].([]any)
	if list == nil {
		w.t.Fatalf("no sign-ins: %v", v)
	}
	for _, one := range list {
		all = append(all, one.(map[string]any)["status"].(map[string]any)["failureReason"].(string))
	}
	return all
}

func TestAPersonAddsAPasskeyAndSignsInWithoutAName(t *testing.T) {
	w := newKeyWorld(t)
	_, key := w.person("mira")
	status, tokens := w.token(redeem(w.codeBy(key)))
	if status != http.StatusOK {
		t.Fatalf("redeem: %d %v", status, tokens)
	}
	amr := claimsOf(t, tokens["access_token"])["amr"].([]any)
	if len(amr) < 2 || amr[0] != "fido" || amr[1] != "mfa" {
		t.Errorf("amr is %v", amr)
	}
	own := w.get("/security-info")
	if !strings.Contains(own.body, "data-accepted=") || !strings.Contains(own.body, "Passkey on") && !strings.Contains(own.body, "Passkey") {
		t.Errorf("the person's own page has no passkey\n%s", own.body)
	}
}

func TestAPasskeyFollowsATypedName(t *testing.T) {
	w := newKeyWorld(t)
	_, key := w.person("mira")
	page := w.authorize(nil).location
	w.post(page, url.Values{"username": {"mira@contoso.example"}})
	if done := w.use(page+"&go=passkey", key); done.status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", done.status, done.body)
	}
	w.codeIn(w.get(w.post(page, url.Values{"stay": {"no"}}).location))
}

func TestWhoHasPasskeysShowsNowhereBeforeAProof(t *testing.T) {
	w := newKeyWorld(t)
	w.person("mira")
	w.createUser("sam")
	pages := map[string]string{}
	for _, name := range []string{"mira", "sam", "nobody"} {
		w.newBrowser()
		page := w.authorize(nil).location
		w.post(page, url.Values{"username": {name + "@contoso.example"}})
		a := w.get(page + "&go=passkey")
		options := string(w.keyOptions(a))
		if !strings.Contains(options, `"allowCredentials":[]`) {
			t.Errorf("%s: %s", name, options)
		}
		pages[name] = strings.ReplaceAll(dataOptions.ReplaceAllString(told(a), ""), name, "NAME")
	}
	if pages["mira"] != pages["sam"] || pages["mira"] != pages["nobody"] {
		t.Error("the pages differ")
	}
}

func TestAnAnswerFromElsewhereIsRefused(t *testing.T) {
	w := newKeyWorld(t)
	_, key := w.person("mira")
	here := key.Origin
	for name, lie := range map[string]func(){
		"another origin":        func() { key.Origin = "https://localhost.evil.example" },
		"another relying party": func() { key.RPID = "evil.example" },
		"nobody was verified":   func() { key.Unverified = true },
	} {
		key.Origin, key.RPID, key.Unverified = here, "", false
		lie()
		t.Log(name)
		w.wantKeyRefused(w.use(w.authorize(nil).location, key))
	}
	key.Origin, key.RPID, key.Unverified = here, "", false
	w.codeBy(key)
}

func TestAnAnswerCountsForItsOwnSignInOnly(t *testing.T) {
	w := newKeyWorld(t)
	_, key := w.person("mira")
	mine := w.authorize(nil).location
	text, err := key.Get(w.keyOptions(w.get(mine)))
	if err != nil {
		t.Fatal(err)
	}
	replay := url.Values{"assertion": {text}}
	thief := w.authorize(nil).location
	w.wantKeyRefused(w.post(thief, replay))
	if done := w.post(mine, replay); done.status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", done.status, done.body)
	}
	w.newBrowser()
	w.wantKeyRefused(w.post(w.authorize(nil).location, replay))
	if a := w.post(mine, replay); a.status == http.StatusSeeOther {
		t.Errorf("a browser that does not hold the sign-in got %q", a.location)
	}
}

func TestTwoTabsThatSendTheSameCountGetOneSession(t *testing.T) {
	w := newKeyWorld(t)
	_, key := w.person("mira")
	clone := key.Copy()
	one, two := w.authorize(nil).location, w.authorize(nil).location
	var forms [2]url.Values
	for i, tab := range []struct {
		page string
		key  *passkeytest.Authenticator
	}{{one, key}, {two, clone}} {
		text, err := tab.key.Get(w.keyOptions(w.get(tab.page)))
		if err != nil {
			t.Fatal(err)
		}
		forms[i] = url.Values{"assertion": {text}}
	}
	var answers [2]answer
	var both sync.WaitGroup
	for i, page := range []string{one, two} {
		both.Go(func() { answers[i] = w.post(page, forms[i]) })
	}
	both.Wait()
	won := 0
	for _, a := range answers {
		if a.status == http.StatusSeeOther {
			won++
		}
	}
	if won != 1 {
		t.Errorf("%d of two copies signed in", won)
	}
}

func TestACopyOfAKeyIsNoticed(t *testing.T) {
	w := newKeyWorld(t)
	_, key := w.person("mira")
	clone := key.Copy()
	w.codeBy(key)
	w.newBrowser()
	a := w.use(w.authorize(nil).location, clone)
	if a.status != http.StatusBadRequest || !strings.Contains(a.body, `data-error="passkeyCopied"`) || !strings.Contains(a.body, "copy") {
		t.Errorf("%d\n%s", a.status, a.body)
	}
	if why := w.signInErrors(50126)[0]; !strings.Contains(why, "copy") {
		t.Errorf("the log says %q", why)
	}
}

func TestAKeyOfAnotherPersonProvesNothing(t *testing.T) {
	w := newKeyWorld(t)
	w.person("mira")
	_, key := w.person("sam")
	page := w.authorize(nil).location
	w.post(page, url.Values{"username": {"mira@contoso.example"}})
	w.wantKeyRefused(w.use(page+"&go=passkey", key))
	w.codeBy(key)
}

func TestARemovedKeyIsRefusedAndTheBrowserIsTold(t *testing.T) {
	w := newKeyWorld(t)
	id, key := w.person("mira")
	status, v := w.api(http.MethodGet, "/v1.0/users/"+id+"/authentication/fido2Methods", w.appToken(), "")
	if status != http.StatusOK || len(v["value"].([]any)) != 1 {
		t.Fatalf("methods: %d %v", status, v)
	}
	method := v["value"].([]any)[0].(map[string]any)["id"].(string)

	// One sign-in is done with it, another is under way.
	_, tokens := w.token(redeem(w.codeBy(key)))
	w.newBrowser()
	page := w.authorize(nil).location
	if done := w.use(page, key); done.status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", done.status, done.body)
	}
	if status, v := w.api(http.MethodDelete, "/v1.0/users/"+id+"/authentication/fido2Methods/"+method, w.appToken(), ""); status != http.StatusNoContent {
		t.Fatalf("delete: %d %v", status, v)
	}
	if a := w.post(page, url.Values{"stay": {"no"}}); a.status != http.StatusBadRequest || !strings.Contains(a.body, `data-step="blocked"`) {
		t.Errorf("the sign-in under way went on: %d %q\n%s", a.status, a.location, a.body)
	}
	if status, _ := w.token(refresh(tokens["refresh_token"])); status != http.StatusBadRequest {
		t.Errorf("its tokens are still refreshed: %d", status)
	}
	w.newBrowser()
	refused := w.use(w.authorize(nil).location, key)
	w.wantKeyRefused(refused)
	if !strings.Contains(refused.body, "data-unknown=") {
		t.Error("the browser is not told that the key is gone")
	}
}

func TestAPasskeyOfAnotherTenantProvesNothing(t *testing.T) {
	w := newKeyWorld(t)
	_, key := w.person("mira")
	other, err := server.Init(t.Context(), w.options, server.NewTenant{Domain: "fabrikam.example", Admin: "admin", EnableTAP: true})
	if err != nil {
		t.Fatal(err)
	}
	theirs := func() string {
		location := w.authorizeAt(other.TenantID).location
		if location == "" {
			t.Fatal("no sign-in at the other tenant")
		}
		return location
	}
	w.wantKeyRefused(w.use(theirs(), key))
	// Somebody who rewrites the user handle, so that the key claims to be theirs, has no key there.
	claimed := key.Copy()
	claimed.Handle = append([]byte{}, key.Handle...)
	its := uuid.MustParse(other.TenantID)
	copy(claimed.Handle, its[:])
	w.wantKeyRefused(w.use(theirs(), claimed))
	// At the door of all tenants the handle finds the right one.
	page := w.authorizeAt("organizations").location
	if done := w.use(page, key); done.status != http.StatusSeeOther {
		t.Errorf("at /organizations: %d\n%s", done.status, done.body)
	}
}

func TestAddingAPasskeyNeedsAFreshProof(t *testing.T) {
	var c wrist
	w := newKeyWorld(t, func(o *server.Options) { o.Wall = c.now })
	_, pass := w.passFor(w.createUser("mira"))
	w.toOwnPage("mira@contoso.example", pass)
	early := w.newAnswer(w.newKey())
	c.move(31 * time.Minute) // what was started in time may be finished for half an hour
	for name, a := range map[string]answer{
		"the page":            w.get(addPasskey),
		"an answer from then": w.post(addPasskey, early),
	} {
		if a.status == http.StatusSeeOther && strings.HasPrefix(a.location, "/security-info?done=") || strings.Contains(a.body, "data-options=") {
			t.Errorf("%s: %d %q", name, a.status, a.location)
		}
	}
	w.newBrowser()
	if a := w.post(addPasskey, early); strings.HasPrefix(a.location, "/security-info?done=") {
		t.Error("a browser without a session added a key")
	}
}

func TestARegistrationCountsForItsOwnSessionAndOnce(t *testing.T) {
	w := newKeyWorld(t)
	mira := w.createUser("mira")
	_, pass := w.passFor(mira)
	w.toOwnPage("mira@contoso.example", pass)
	form := w.newAnswer(w.newKey())

	w.newBrowser() // another session of the same person
	w.toOwnPage("mira@contoso.example", pass)
	if a := w.post(addPasskey, form); a.status != http.StatusBadRequest || !strings.Contains(a.body, `data-error="passkeyInvalid"`) {
		t.Errorf("in another session: %d\n%s", a.status, a.body)
	}
	key := w.newKey()
	form = w.newAnswer(key)
	for i, want := range []int{http.StatusSeeOther, http.StatusConflict} {
		if a := w.post(addPasskey, form); a.status != want {
			t.Errorf("try %d: %d\n%s", i, a.status, a.body)
		}
	}
	key = w.newKey()
	key.Unverified = true
	if a := w.post(addPasskey, w.newAnswer(key)); a.status != http.StatusBadRequest || !strings.Contains(a.body, `data-error="passkeyUnverified"`) {
		t.Errorf("without verification: %d\n%s", a.status, a.body)
	}
}

func TestAnApplicationMakesAKeyForSomebody(t *testing.T) {
	w := newKeyWorld(t)
	id := w.createUser("mira")
	methods := "/users/" + id + "/authentication/fido2Methods"
	for _, version := range []string{"/v1.0", "/beta"} {
		status, options := w.api(http.MethodGet, version+methods+"/creationOptions(challengeTimeoutInMinutes=10)", w.appToken(), "")
		if status != http.StatusOK || options["challengeTimeoutDateTime"] == nil {
			t.Fatalf("%s: %d %v", version, status, options)
		}
		asked, err := json.Marshal(options["publicKey"])
		if err != nil {
			t.Fatal(err)
		}
		key := w.newKey()
		response, err := key.Create(asked)
		if err != nil {
			t.Fatal(err)
		}
		body := `{"displayName":"Red key ` + version + `","publicKeyCredential":` + string(response) + `}`
		status, made := w.api(http.MethodPost, version+methods, w.appToken(), body)
		if status != http.StatusCreated || made["displayName"] != "Red key "+version || made["attestationLevel"] != "notAttested" || made["id"] == "" {
			t.Fatalf("%s: %d %v", version, status, made)
		}
		if status, again := w.api(http.MethodPost, version+methods, w.appToken(), body); status != http.StatusConflict {
			t.Errorf("the same answer again: %d %v", status, again)
		}
		status, one := w.api(http.MethodGet, version+methods+"/"+made["id"].(string)+"?$select=id,displayName,postern_isProvisioned", w.appToken(), "")
		if status != http.StatusOK || one["postern_isProvisioned"] != true {
			t.Errorf("%d %v", status, one)
		}
		w.newBrowser()
		w.codeBy(key)
	}
	for _, bad := range []string{"creationOptions(challengeTimeoutInMinutes=4)", "creationOptions(challengeTimeoutInMinutes=43201)", "creationOptions(minutes=10)"} {
		if status, v := w.api(http.MethodGet, "/v1.0"+methods+"/"+bad, w.appToken(), ""); status != http.StatusBadRequest {
			t.Errorf("%s: %d %v", bad, status, v)
		}
	}
}

func TestAnAnswerForOneIsNoKeyOfAnother(t *testing.T) {
	w := newKeyWorld(t)
	mira, sam := w.createUser("mira"), w.createUser("sam")
	of := func(user string) string { return "/v1.0/users/" + user + "/authentication/fido2Methods" }
	_, options := w.api(http.MethodGet, of(mira)+"/creationOptions", w.appToken(), "")
	asked, err := json.Marshal(options["publicKey"])
	if err != nil {
		t.Fatal(err)
	}
	response, err := w.newKey().Create(asked)
	if err != nil {
		t.Fatal(err)
	}
	body := `{"displayName":"Key","publicKeyCredential":` + string(response) + `}`
	if status, v := w.api(http.MethodPost, of(sam), w.appToken(), body); status != http.StatusBadRequest {
		t.Errorf("for somebody else: %d %v", status, v)
	}
	// Nor is it one that a session registers.
	_, pass := w.passFor(mira)
	w.toOwnPage("mira@contoso.example", pass)
	if a := w.post(addPasskey, url.Values{"response": {string(response)}}); a.status != http.StatusBadRequest {
		t.Errorf("in a session: %d %q", a.status, a.location)
	}
	if status, v := w.api(http.MethodPost, of(mira), w.appToken(), body); status != http.StatusCreated {
		t.Errorf("for whom it was made: %d %v", status, v)
	}
}

func TestAPolicyOfTodayHoldsForKeysOfYesterday(t *testing.T) {
	w := newKeyWorld(t)
	_, key := w.person("mira")
	policy := "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/Fido2"
	set := func(change string) {
		t.Helper()
		if status, v := w.api(http.MethodPatch, policy, w.appToken(), change); status != http.StatusNoContent {
			t.Fatalf("%d %v", status, v)
		}
	}
	set(`{"keyRestrictions":{"isEnforced":true,"enforcementType":"allow","aaGuids":["cb69481e-8ff7-4039-93ec-0a2729a154a8"]}}`)
	w.wantKeyRefused(w.use(w.authorize(nil).location, key))
	if why := w.signInErrors(130502); len(why) != 1 {
		t.Errorf("the log says %v", why)
	}
	set(`{"keyRestrictions":{"isEnforced":false}}`)
	w.codeBy(key)
	w.newBrowser()
	set(`{"state":"disabled"}`)
	page := w.authorize(nil).location
	if a := w.get(page); strings.Contains(a.body, "data-passkey") || strings.Contains(a.body, "go=passkey") {
		t.Error("the page of the name still offers passkeys")
	}
	text, err := key.Get([]byte(`{"challenge":"AAAA","rpId":"localhost"}`))
	if err != nil {
		t.Fatal(err)
	}
	if a := w.post(page, url.Values{"assertion": {text}}); a.status != http.StatusBadRequest {
		t.Errorf("switched off: %d %q", a.status, a.location)
	}
}
