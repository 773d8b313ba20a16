package server_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/password"
	"github.com/postern-id/postern/internal/method/totp"
	"github.com/postern-id/postern/internal/server"
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
	w.enablePasswords()
	w.enableCodes()
	_, pass := w.addPerson(mira)
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
