package server_test

import (
	"database/sql"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/password"
	"github.com/postern-id/postern/internal/method/totp"
	"github.com/postern-id/postern/internal/server"
	"github.com/postern-id/postern/internal/signin"
)

const (
	addPassword  = "/security-info/add/password"
	mira         = "mira@contoso.example"
	firstWords   = "vier Tassen Blattgrün"
	secondWords  = "kein Zug nach Leipzig"
	thirdWords   = "drei Dosen Kupferdraht"
	adminSecrets = "/v1.0/users/" + mira + "/authentication/"
)

// enablePasswords lets everybody have a password.
func (w *world) enablePasswords() {
	w.t.Helper()
	p := password.DefaultPolicy()
	p.Targets = method.Everybody("enabled")
	if err := w.server.SetMethodPolicy(w.t.Context(), w.created.TenantID, password.PolicyID, p); err != nil {
		w.t.Fatal(err)
	}
}

func newPassword(now, fresh string) url.Values {
	return url.Values{"password": {now}, "newpassword": {fresh}, "repeat": {fresh}}
}

// wantStep checks which page is there.
func (w *world) wantStep(what string, a answer, step string) {
	w.t.Helper()
	if got := stepOf(a); got != step {
		w.t.Errorf("%s: %d, step %q, want %q\n%s", what, a.status, got, step, told(a))
	}
}

var stepIs = regexp.MustCompile(`data-step="([a-z]+)"`)

func stepOf(a answer) string {
	if m := stepIs.FindStringSubmatch(a.body); m != nil {
		return m[1]
	}
	return ""
}

// wantFault checks what a page says is wrong.
func (w *world) wantFault(what string, a answer, code string) {
	w.t.Helper()
	if !strings.Contains(a.body, `data-error="`+code+`"`) {
		w.t.Errorf("%s: %d, want %s\n%s", what, a.status, code, told(a))
	}
}

// answers posts one form after the other to a sign-in that is new, and returns the last answer,
// or the page after it.
func (w *world) answers(name string, forms ...url.Values) (page string, last answer) {
	w.t.Helper()
	page = w.authorize(url.Values{"prompt": {"login"}}).location
	for _, form := range append([]url.Values{{"username": {name}}}, forms...) {
		if last = w.post(page, form); last.status != http.StatusSeeOther {
			return page, last
		}
	}
	return page, w.get(page)
}

func by(field, typed string) url.Values { return url.Values{field: {typed}} }

// person has a pass, a password and an app with codes.
type account struct {
	pass string
	key  totp.Key
}

// equip gives Mira a password and an app with codes, on her own page.
func (w *world) equip(now func() time.Time) account {
	w.t.Helper()
	_, pass := w.addPerson(mira)
	w.enablePasswords()
	w.enableCodes()
	w.signInOwn(mira, pass)
	if a := w.post(addPassword, newPassword("", firstWords)); a.status != http.StatusSeeOther {
		w.t.Fatalf("set a password: %d\n%s", a.status, told(a))
	}
	return account{pass, w.addApp(now(), totp.SHA1)}
}

func TestAPasswordAndACodeTogetherSignAPersonIn(t *testing.T) {
	var c wrist
	w := newWorld(t, func(o *server.Options) { o.Wall = c.now })
	me := w.equip(c.now)
	registered := me.key.Code(totp.Step(c.now()))
	w.newBrowser()

	page, a := w.answers(mira)
	w.wantStep("first the pass", a, "accesspass")
	w.wantStep("the list", w.get(page+"&go=methods"), "methods")
	w.wantStep("then the password", w.get(page+"&go=password"), "password")
	w.wantFault("a wrong one", w.post(page, by("password", "falsch geraten")), "credentialRefused")
	if a := w.post(page, by("password", firstWords)); a.status != http.StatusSeeOther {
		t.Fatalf("the right one: %d\n%s", a.status, told(a))
	}
	w.wantStep("one factor is not enough", w.get(page), "accesspass")
	w.wantStep("with a code it is", w.get(page+"&go=otc"), "otc")
	w.wantFault("a wrong code", w.post(page, by("otc", "000000")), "credentialRefused")
	w.wantFault("the code that confirmed the app", w.post(page, by("otc", registered)), "credentialRefused")
	c.move(totp.Period)
	if a := w.post(page, by("otc", me.key.Code(totp.Step(c.now())))); a.status != http.StatusSeeOther {
		t.Fatalf("the right code: %d\n%s", a.status, told(a))
	}
	w.wantStep("both", w.get(page), "stay")
	done := w.post(page, by("stay", "no"))
	status, tokens := w.token(redeem(w.codeIn(w.get(done.location))))
	if status != http.StatusOK {
		t.Fatalf("redeem: %d %v", status, tokens)
	}
	if got := claimsOf(t, tokens["id_token"])["amr"]; got == nil || !strings.Contains(strings.Join(texts(got), " "), "pwd otp") {
		t.Errorf("amr %v", got)
	}
	// Familiar now, and the person's own offers come: still no single factor is enough.
	_, a = w.answers(mira, by("password", firstWords), by("otc", me.key.Code(totp.Step(c.now()))))
	w.wantFault("the same code in another sign-in", a, "credentialRefused")
}

// credentialOf is the id of the one credential of a kind.
func (w *world) credentialOf(kind signin.MethodID) (id string) {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.options.Dir, "postern.db")+"?_pragma=query_only(1)&_pragma=busy_timeout(10000)")
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(`SELECT id FROM credential WHERE kind = $1`, kind).Scan(&id); err != nil {
		w.t.Fatal(err)
	}
	return id
}

// passwordRow is a button that removes a password.
var passwordRow = regexp.MustCompile(`aria-label="Remove (?:<bdi>)?Password`)

func texts(v any) []string {
	all, _ := v.([]any)
	var out []string
	for _, one := range all {
		s, _ := one.(string)
		out = append(out, s)
	}
	return out
}

func TestAChangedPasswordEndsWhatCameFromTheOldOne(t *testing.T) {
	var c wrist
	w := newWorld(t, func(o *server.Options) { o.Wall = c.now })
	me := w.equip(c.now)
	code := func() string { c.move(totp.Period); return me.key.Code(totp.Step(c.now())) }
	page, _ := w.answers(mira, by("password", firstWords), by("otc", code()))
	status, tokens := w.token(redeem(w.codeIn(w.get(w.post(page, by("stay", "no")).location))))
	if status != http.StatusOK {
		t.Fatalf("redeem: %d %v", status, tokens)
	}
	under, a := w.answers(mira, by("password", firstWords), by("otc", code()))
	w.wantStep("another sign-in under way", a, "stay")
	underWay := w.browser

	w.signInOwn(mira, me.pass)
	for what, row := range map[string]struct {
		form url.Values
		want string
	}{
		"without the present one":   {newPassword("", secondWords), "credentialRefused"},
		"with a wrong one":          {newPassword(thirdWords, secondWords), "credentialRefused"},
		"as forgotten, with a pass": {url.Values{"forgot": {"1"}, "newpassword": {secondWords}, "repeat": {secondWords}}, "credentialRefused"},
		"to the same":               {newPassword(firstWords, firstWords), "passwordSame"},
		"to a banned one":           {newPassword(firstWords, "P@ssw0rd 2026!"), "passwordWeak"},
		"to the person's name":      {newPassword(firstWords, "Mira.0kafor.2026"), "passwordWeak"},
		"to a short one":            {newPassword(firstWords, "kurz und gut"[:11]), "passwordShort"},
		"typed differently":         {url.Values{"password": {firstWords}, "newpassword": {secondWords}, "repeat": {thirdWords}}, "passwordRepeat"},
	} {
		w.wantFault(what, w.post(addPassword, row.form), row.want)
	}
	if a := w.post(addPassword, newPassword(firstWords, secondWords)); a.status != http.StatusSeeOther {
		t.Fatalf("change: %d\n%s", a.status, told(a))
	}
	if status, v := w.token(refresh(tokens["refresh_token"])); status != http.StatusBadRequest {
		t.Errorf("a token of the old one still lives: %d %v", status, v)
	}
	w.browser = underWay
	if a := w.post(under, by("stay", "no")); a.status == http.StatusSeeOther {
		t.Error("a sign-in with the old one went on")
	}
	w.newBrowser()
	_, a = w.answers(mira, by("password", firstWords))
	w.wantFault("the old one", a, "credentialRefused")
	_, a = w.answers(mira, by("password", secondWords))
	w.wantStep("the new one", a, "accesspass")

	w.signInOwn(mira, me.pass)
	for _, id := range passwordRow.FindAllStringSubmatch(w.get("/security-info").body, -1) {
		t.Errorf("the list lets remove it: %s", id)
	}
	kept := w.credentialOf(password.MethodID)
	for _, form := range []url.Values{by("method", kept), {"method": {kept}, "confirmed": {"yes"}}} {
		w.post("/security-info/remove", form)
	}
	if w.credentialOf(password.MethodID) != kept {
		t.Error("it was removed without being typed, with a pass")
	}
	w.wantFault("removing it with a wrong one", w.post(addPassword, url.Values{"remove": {"1"}, "password": {firstWords}}), "credentialRefused")
	if a := w.post(addPassword, url.Values{"remove": {"1"}, "password": {secondWords}}); a.status != http.StatusSeeOther {
		t.Errorf("remove: %d\n%s", a.status, told(a))
	}
	if n := len(w.directoryAudits(w.appToken(), audit.ChangeUserPassword)); n != 2 {
		t.Errorf("%d changes in the log", n)
	}
	for _, words := range []string{firstWords, secondWords} {
		if strings.Contains(w.log.String(), words) {
			t.Error("a password is in the log")
		}
	}
}

// tokenFor signs in with a pass and returns a token for Graph with that scope.
func (w *world) tokenFor(name, pass, scope string) string {
	w.t.Helper()
	w.newBrowser()
	done := w.signIn(w.authorize(url.Values{"scope": {"openid " + scope}}).location, name, pass)
	status, v := w.token(redeem(w.codeIn(w.get(done.location))))
	if status != http.StatusOK {
		w.t.Fatalf("token: %d %v", status, v)
	}
	return v["access_token"].(string)
}

const passwordPolicy = "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/Password"

func TestAnAdministratorResetsAPasswordAndThePersonChangesIt(t *testing.T) {
	var c wrist
	w := newWorld(t, func(o *server.Options) { o.Wall = c.now })
	_, adminPass := w.issue(`{"isUsableOnce":false}`)
	token := w.tokenFor(adminName, adminPass, "UserAuthenticationMethod.ReadWrite.All")
	_, pass := w.addPerson(mira)
	reset := adminSecrets + "methods/" + password.GraphID + "/resetPassword"
	if status, v := w.api(http.MethodPost, reset, token, ""); status != http.StatusBadRequest || !strings.Contains(w.said(v), "switched off") {
		t.Errorf("while passwords are off: %d %v", status, v)
	}
	w.do204(http.MethodPatch, passwordPolicy, `{"state":"enabled","postern_minimumLength":14,"postern_bannedWords":["Kufzmeigpan"]}`)
	w.enableCodes()
	for what, row := range map[string]struct {
		path, token, body string
		want              int
	}{
		"an application by itself": {reset, w.appToken(), "", http.StatusForbidden},
		"oneself":                  {strings.Replace(reset, mira, adminName, 1), token, "", http.StatusForbidden},
		"a weak one":               {reset, token, `{"newPassword":"Kufzmeigpan-2026"}`, http.StatusBadRequest},
		"a short one":              {reset, token, `{"newPassword":"kein Zug nach"}`, http.StatusBadRequest},
		"another method":           {strings.Replace(reset, password.GraphID, "3179e48a-750b-4051-897c-87b9720928f7", 1), token, "", http.StatusNotFound},
	} {
		if status, v := w.api(http.MethodPost, row.path, row.token, row.body); status != row.want {
			t.Errorf("%s: %d %v", what, status, v)
		}
	}
	r := w.request(http.MethodPost, reset, strings.NewReader("{}"))
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	answer := w.do(r)
	drawn, _ := w.json(answer)["newPassword"].(string)
	if answer.status != http.StatusAccepted || len(drawn) < 19 {
		t.Fatalf("reset: %d %s", answer.status, answer.body)
	}
	if status, v := w.api(http.MethodGet, answer.header.Get("Location"), token, ""); status != http.StatusOK || v["status"] != "succeeded" {
		t.Errorf("the operation: %d %v", status, v)
	}
	other := strings.Replace(answer.header.Get("Location"), w.userID(mira), w.userID(adminName), 1)
	if status, _ := w.api(http.MethodGet, other, token, ""); status != http.StatusNotFound {
		t.Errorf("the operation at somebody else: %d", status)
	}
	status, v := w.api(http.MethodGet, adminSecrets+"passwordMethods", token, "")
	if all, _ := v["value"].([]any); status != http.StatusOK || len(all) != 1 || all[0].(map[string]any)["id"] != password.GraphID || all[0].(map[string]any)["password"] != nil {
		t.Errorf("passwordMethods: %d %v", status, v)
	}

	w.signInOwn(mira, pass)
	key := w.addApp(c.now(), totp.SHA1)
	c.move(totp.Period)
	w.newBrowser()
	page, _ := w.answers(mira, by("password", drawn))
	w.wantFault("a new one before the second proof", w.post(page, url.Values{"newpassword": {secondWords}, "repeat": {secondWords}}), "signInGone")
	w.post(page, by("otc", key.Code(totp.Step(c.now()))))
	a := w.get(page)
	w.wantStep("after both", a, "newpassword")
	if a := w.post(page, by("stay", "no")); a.status == http.StatusSeeOther && strings.Contains(a.location, "authorize") {
		t.Error("the change was skipped")
	}
	w.wantStep("still", w.get(page), "newpassword")
	w.wantFault("the same again", w.post(page, url.Values{"newpassword": {drawn}, "repeat": {drawn}}), "passwordSame")
	if a := w.post(page, url.Values{"newpassword": {secondWords}, "repeat": {secondWords}}); a.status != http.StatusSeeOther {
		t.Fatalf("change: %d\n%s", a.status, told(a))
	}
	w.wantStep("and on", w.get(page), "stay")
	if a := w.get(w.post(page, by("stay", "no")).location); w.codeIn(a) == "" {
		t.Error("no code")
	}
	w.newBrowser()
	_, a = w.answers(mira, by("password", drawn))
	w.wantFault("the one that was set", a, "credentialRefused")
	if strings.Contains(w.log.String(), drawn) {
		t.Error("the password is in the log")
	}
	w.do204(http.MethodDelete, adminSecrets+"passwordMethods/"+password.GraphID, "")
}

// said is the sentence of a refusal by Graph.
func (w *world) said(v map[string]any) string {
	e, _ := v["error"].(map[string]any)
	text, _ := e["message"].(string)
	return text
}

func TestAPasswordProfileIsTakenOnlyWherePasswordsAreOn(t *testing.T) {
	w := newWorld(t)
	w.addPerson(mira) // with a profile, as scripts for Graph send it
	if status, v := w.api(http.MethodPatch, "/v1.0/users/"+mira, w.appToken(), `{"passwordProfile":{"password":"`+firstWords+`"}}`); status != http.StatusBadRequest {
		t.Errorf("change while off: %d %v", status, v)
	}
	w.do204(http.MethodPatch, passwordPolicy, `{"state":"enabled"}`)
	_, v := w.api(http.MethodGet, adminSecrets+"passwordMethods", w.appToken(), "")
	if all, _ := v["value"].([]any); len(all) != 0 {
		t.Errorf("what was sent while off was kept: %v", v)
	}
	for body, want := range map[string]int{
		`{"passwordProfile":{"password":"Mira-2026-Contoso"}}`:                                        http.StatusBadRequest,
		`{"passwordProfile":{"password":"` + firstWords + `"},"nonsense":1}`:                          http.StatusBadRequest,
		`{"passwordProfile":{"password":"` + firstWords + `","forceChangePasswordNextSignIn":false}}`: http.StatusNoContent,
	} {
		if status, v := w.api(http.MethodPatch, "/v1.0/users/"+mira, w.appToken(), body); status != want {
			t.Errorf("%s: %d %v", body, status, v)
		}
	}
	if status, v := w.api(http.MethodPatch, "/v1.0/users/"+adminName, w.appToken(), `{"passwordProfile":{"password":"`+firstWords+`"}}`); status != http.StatusForbidden {
		t.Errorf("an administrator's, by an application: %d %v", status, v)
	}
	w.enableCodes()
	page, _ := w.answers(mira, by("password", firstWords))
	w.wantStep("one factor", w.get(page+"&go=otc"), "accesspass")
	if status, v := w.api(http.MethodPost, "/v1.0/users", w.appToken(), `{"accountEnabled":false,"displayName":"Kim Weber","mailNickname":"kim","userPrincipalName":"kim@contoso.example","passwordProfile":{"password":"`+secondWords+`"}}`); status != http.StatusCreated {
		t.Errorf("create: %d %v", status, v)
	}
	_, v = w.api(http.MethodGet, "/v1.0/users/kim@contoso.example/authentication/passwordMethods", w.appToken(), "")
	if all, _ := v["value"].([]any); len(all) != 1 {
		t.Errorf("the new person has %v", v)
	}
}

// words that name a password.
var passwordWords = regexp.MustCompile(`(?i)passwor[dt]|kennwor`)

func TestWithTheMethodOffNoPageMentionsAPassword(t *testing.T) {
	w := newWorld(t)
	w.enableCodes()
	_, pass := w.issue(`{"isUsableOnce":false}`)
	w.enablePasswords()
	w.signInOwn(adminName, pass)
	if a := w.post(addPassword, newPassword("", firstWords)); a.status != http.StatusSeeOther {
		t.Fatalf("set a password: %d", a.status)
	}
	w.do204(http.MethodPatch, passwordPolicy, `{"state":"disabled"}`)
	for _, language := range []string{"en", "de"} {
		look := func(what string, a answer) {
			t.Helper()
			if found := passwordWords.FindString(a.body); found != "" || a.body == "" {
				t.Errorf("%s: %s: %d says %q", language, what, a.status, found)
			}
		}
		show := func(path string) answer {
			r := w.request(http.MethodGet, path, nil)
			r.Header.Set("Accept-Language", language)
			return w.do(r)
		}
		w.newBrowser()
		look("front door", show("/"))
		page := w.authorize(nil).location
		look("name", show(page))
		w.post(page, by("username", adminName))
		for _, way := range []string{"", "&go=methods", "&go=password", "&go=otc", "&go=passkey", "&go=authenticator"} {
			look(way, show(page+way))
		}
		look("typed anyway", w.post(page, by("password", firstWords)))
		w.post(page, by("accesspass", "WRONGWRONG"))
		look("after a wrong pass", show(page))
		w.post(page, by("accesspass", pass))
		look("stay", show(page))
		look("new one", w.post(page, url.Values{"newpassword": {firstWords}, "repeat": {firstWords}}))
		w.signInOwn(adminName, pass)
		look("own page", show("/security-info"))
		look("adding an app", show(addCode))
		look("adding one", show(addPassword))
		look("setting one", w.post(addPassword, newPassword("", firstWords)))
		look("signed out", show("/"+w.created.TenantID+"/oauth2/v2.0/logout"))
	}
}

func TestSprayingOnePasswordOverManyPeopleIsSlowedDown(t *testing.T) {
	w := newWorld(t, func(o *server.Options) { o.Newcomers = 60 })
	w.enablePasswords()
	stopped := 0
	for i := range 80 {
		page := w.authorize(nil)
		if page.status == http.StatusTooManyRequests {
			stopped++
			continue
		}
		w.post(page.location, by("username", "person"+strings.Repeat("x", i)+"@contoso.example"))
		if a := w.post(page.location, by("password", "Sommer2026!")); a.status == http.StatusTooManyRequests {
			stopped++
		}
	}
	if stopped < 20 {
		t.Errorf("of 80 tries from one address %d were stopped", stopped)
	}
}

func TestAForgottenPasswordIsReplacedAfterTwoOtherProofs(t *testing.T) {
	var c wrist
	w := newKeyWorld(t, func(o *server.Options) { o.Wall = c.now })
	w.do204(http.MethodPatch, strings.Replace(passwordPolicy, "/Password", "/Fido2", 1), `{"state":"enabled","isAttestationEnforced":false}`)
	me := w.equip(c.now)
	key := w.newKey()
	w.addKey(key)
	forgot := url.Values{"forgot": {"1"}, "newpassword": {secondWords}, "repeat": {secondWords}}

	w.newBrowser()
	page := w.get("/security-info").location
	w.use(page, key)
	w.wantStep("signed in with a passkey", w.get(page), "stay")
	w.get(w.post(page, by("stay", "no")).location)
	w.wantFault("after one proof", w.post(addPassword, forgot), "credentialRefused")

	again := w.get("/security-info/forgot").location
	c.move(totp.Period)
	if a := w.post(again, by("otc", me.key.Code(totp.Step(c.now())))); a.status != http.StatusSeeOther {
		t.Fatalf("a code: %d\n%s", a.status, told(a))
	}
	back := w.get(again)
	if back.status == http.StatusOK { // asked whether to stay
		back = w.post(again, by("stay", "no"))
	}
	w.wantStep("back at the password", w.get(back.location), "register")
	w.do204(http.MethodPatch, passwordPolicy, `{"postern_selfServiceReset":false}`)
	w.wantFault("while policy does not let", w.post(addPassword, forgot), "credentialRefused")
	w.do204(http.MethodPatch, passwordPolicy, `{"postern_selfServiceReset":true}`)
	if a := w.post(addPassword, forgot); a.status != http.StatusSeeOther {
		t.Fatalf("after two proofs: %d\n%s", a.status, told(a))
	}
	c.move(11 * time.Minute)
	if a := w.post(addPassword, url.Values{"forgot": {"1"}, "newpassword": {thirdWords}, "repeat": {thirdWords}}); a.status == http.StatusSeeOther && a.location == "/security-info" {
		t.Error("proofs of eleven minutes ago counted")
	}
	w.newBrowser()
	_, a := w.answers(mira, by("password", firstWords))
	w.wantFault("the forgotten one", a, "credentialRefused")
}
