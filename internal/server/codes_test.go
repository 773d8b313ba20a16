package server_test

import (
	"database/sql"
	"encoding/base32"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/totp"
	"github.com/postern-id/postern/internal/server"
)

const addCode = "/security-info/add/otc"

// enableCodes lets everybody have codes.
func (w *world) enableCodes() {
	w.t.Helper()
	if err := w.server.SetMethodPolicy(w.t.Context(), w.created.TenantID, totp.PolicyID, totp.Policy{Targets: method.Everybody("enabled")}); err != nil {
		w.t.Fatal(err)
	}
}

// signInOwn signs in to a person's own pages with a pass.
func (w *world) signInOwn(name, pass string) {
	w.t.Helper()
	w.newBrowser()
	if a := w.signIn(w.get("/security-info").location, name, pass); a.status != http.StatusSeeOther {
		w.t.Fatalf("sign-in: %d\n%s", a.status, a.body)
	}
}

var (
	shownSecret = regexp.MustCompile(`aria-describedby="by-hand"><bdi>([A-Z2-7 ]+)</bdi>`)
	shownTicket = regexp.MustCompile(`name="ticket" value="([^"]+)"`)
)

// keyOn is the key and the ticket that a page shows.
func (w *world) keyOn(a answer) (totp.Key, string) {
	w.t.Helper()
	secret, ticket := shownSecret.FindStringSubmatch(a.body), shownTicket.FindStringSubmatch(a.body)
	if a.status >= 500 || secret == nil || ticket == nil {
		w.t.Fatalf("no key: %d\n%s", a.status, a.body)
	}
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(secret[1], " ", ""))
	if err != nil {
		w.t.Fatal(err)
	}
	k := totp.Key{Algorithm: totp.SHA1, Secret: raw}
	if strings.Contains(a.body, "SHA-256</bdi>, 6 digits") {
		k.Algorithm = totp.SHA256
	}
	return k, ticket[1]
}

// addApp registers an app with codes for the person of this browser.
func (w *world) addApp(at time.Time, algorithm totp.Algorithm) totp.Key {
	w.t.Helper()
	k, ticket := w.keyOn(w.get(addCode + "?algorithm=" + string(algorithm)))
	if a := w.post(addCode, url.Values{"ticket": {ticket}, "otc": {k.Code(totp.Step(at))}, "name": {"Pixel 9"}}); a.status != http.StatusSeeOther {
		w.t.Fatalf("add: %d\n%s", a.status, a.body)
	}
	return k
}

func (w *world) softwareOaths(user string) []any {
	w.t.Helper()
	status, v := w.api(http.MethodGet, "/v1.0/users/"+user+"/authentication/softwareOathMethods?$select=id,secretKey,postern_displayName", w.appToken(), "")
	if status != http.StatusOK {
		w.t.Fatalf("softwareOathMethods: %d %v", status, v)
	}
	return v["value"].([]any)
}

func TestAnAppWithCodesIsAddedWhenItShowsTheCodeOfItsKey(t *testing.T) {
	var c wrist
	w := newWorld(t, func(o *server.Options) { o.Wall = c.now })
	_, pass := w.issue(`{"isUsableOnce":false}`)
	w.signInOwn(adminName, pass)
	if a := w.get(addCode); a.status != http.StatusForbidden || !strings.Contains(a.body, "methodNotForYou") {
		t.Fatalf("while policy is off: %d\n%s", a.status, a.body)
	}
	w.enableCodes()
	page := w.get(addCode)
	k, ticket := w.keyOn(page)
	wrong := w.post(addCode, url.Values{"ticket": {ticket}, "otc": {"000 000"}, "name": {"Mira’s phone"}})
	again, kept := w.keyOn(wrong)
	if wrong.status != http.StatusBadRequest || !strings.Contains(wrong.body, `data-error="codeNotConfirmed"`) || string(again.Secret) != string(k.Secret) || kept != ticket {
		t.Errorf("a wrong code: %d\n%s", wrong.status, wrong.body)
	}
	if strings.Contains(page.body, "otpauth") || strings.Contains(page.location, ticket) {
		t.Error("the key stands elsewhere than in code, text and ticket")
	}
	if len(w.softwareOaths(adminName)) != 0 {
		t.Error("something was stored before a code confirmed it")
	}
	form := url.Values{"ticket": {ticket}, "otc": {k.Code(totp.Step(c.now()))}, "name": {"Mira’s phone"}}
	if a := w.post(addCode, form); a.status != http.StatusSeeOther {
		t.Fatalf("add: %d\n%s", a.status, a.body)
	}
	if a := w.post(addCode, form); a.status != http.StatusConflict {
		t.Errorf("the same key twice: %d\n%s", a.status, a.body)
	}
	own := w.softwareOaths(adminName)
	if len(own) != 1 {
		t.Fatalf("registered: %v", own)
	}
	one := own[0].(map[string]any)
	if one["secretKey"] != nil || one["postern_displayName"] != "Mira’s phone" {
		t.Errorf("Graph shows %v", one)
	}
	w.addApp(c.now(), totp.SHA256)
	if a := w.post(addCode, w.third()); a.status != http.StatusConflict || !strings.Contains(a.body, "methodTooMany") {
		t.Errorf("a third app: %d\n%s", a.status, a.body)
	}
	w.do204(http.MethodDelete, "/v1.0/users/"+adminName+"/authentication/softwareOathMethods/"+one["id"].(string), "")
	if left := w.softwareOaths(adminName); len(left) != 1 {
		t.Errorf("left: %v", left)
	}
	w.secretsAreKept(k)
}

// third is a form that would add one more app.
func (w *world) third() url.Values {
	k, ticket := w.keyOn(w.get(addCode))
	return url.Values{"ticket": {ticket}, "otc": {k.Code(totp.Step(time.Now()))}}
}

// secretsAreKept looks for a key in the log and in the database.
func (w *world) secretsAreKept(k totp.Key) {
	w.t.Helper()
	w.close()
	secret := strings.ReplaceAll(k.Text(), " ", "")
	if strings.Contains(w.log.String(), secret) {
		w.t.Error("the log holds a key")
	}
	db, err := sql.Open("sqlite", filepath.Join(w.options.Dir, "postern.db"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	for _, query := range []string{`SELECT COALESCE(GROUP_CONCAT(body), '') FROM credential`, `SELECT COALESCE(GROUP_CONCAT(body), '') FROM event`} {
		var text string
		if err := db.QueryRow(query).Scan(&text); err != nil {
			w.t.Fatal(err)
		}
		if text == "" || strings.Contains(text, secret) || strings.Contains(text, string(k.Secret)) {
			w.t.Errorf("%s: %q", query, text)
		}
	}
}

func TestASetUpIsWorthNothingToAnybodyElse(t *testing.T) {
	w := newWorld(t)
	w.enableCodes()
	_, pass := w.issue(`{"isUsableOnce":false}`)
	w.signInOwn(adminName, pass)
	k, ticket := w.keyOn(w.get(addCode))
	form := url.Values{"ticket": {ticket}, "otc": {k.Code(totp.Step(time.Now()))}}

	_, other := w.addPerson("mira@contoso.example")
	w.signInOwn("mira@contoso.example", other)
	if a := w.post(addCode, form); a.status != http.StatusConflict || !strings.Contains(a.body, `data-error="codeSetupGone"`) {
		t.Errorf("somebody else's: %d\n%s", a.status, a.body)
	}
	w.signInOwn(adminName, pass)
	if a := w.post(addCode, form); a.status != http.StatusConflict {
		t.Errorf("in another session of the same person: %d\n%s", a.status, a.body)
	}
	parts := strings.Split(ticket, ".")
	for name, bad := range map[string]string{"empty": "", "another time": parts[0] + ".99999999999." + parts[2], "garbage": "a.b.c"} {
		if a := w.post(addCode, url.Values{"ticket": {bad}, "otc": form["otc"]}); a.status != http.StatusConflict {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	r := w.request(http.MethodPost, addCode, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://evil.example")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if a := w.do(r); a.status < 400 || len(w.softwareOaths(adminName)) != 0 {
		t.Errorf("from another site: %d", a.status)
	}
}
