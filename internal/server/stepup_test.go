package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/server"
)

// holder signs in with a pass for many uses, in a world whose clock c is, and returns the pass.
func holder(w *world) (pass string) {
	w.t.Helper()
	_, pass = w.issue(`{"isUsableOnce":false,"lifetimeInMinutes":480}`)
	w.newBrowser()
	w.code(adminName, pass)
	return pass
}

func (w *world) sessionID() string {
	w.t.Helper()
	_, tokens := w.token(redeem(w.codeIn(w.authorize(url.Values{"prompt": {"none"}}))))
	return claimsOf(w.t, tokens["id_token"])["sid"].(string)
}

// prove types a pass where nobody asks for a name, and returns what the id token then says.
func (w *world) prove(a answer, pass string) map[string]any {
	w.t.Helper()
	page := w.get(a.location)
	if !strings.Contains(page.body, `data-step="accesspass"`) || !strings.Contains(page.body, adminName) {
		w.t.Fatalf("asked %d\n%s", page.status, page.body)
	}
	if typed := w.post(a.location, url.Values{"accesspass": {pass}}); typed.status != http.StatusSeeOther {
		w.t.Fatalf("pass: %d\n%s", typed.status, typed.body)
	}
	_, tokens := w.token(redeem(w.codeIn(w.get(w.get(a.location).location))))
	return claimsOf(w.t, tokens["id_token"])
}

func TestWhoIsSignedInIsAskedForWhatIsMissingAndForNoName(t *testing.T) {
	for name, q := range map[string]url.Values{
		"prompt=login":         {"prompt": {"login"}},
		"max_age=0":            {"max_age": {"0"}},
		"max_age that is over": {"max_age": {"300"}},
		"ngcmfa by claims":     {"claims": {`{"id_token":{"amr":{"essential":true,"values":["ngcmfa"]}}}`}},
		"ngcmfa by acr_values": {"acr_values": {"ngcmfa"}},
		"acr by claims":        {"claims": {`{"id_token":{"acr":{"essential":true,"value":"ngcmfa"}}}`}},
	} {
		t.Run(name, func(t *testing.T) {
			var c wrist
			w := newWorld(t, func(o *server.Options) { o.Wall = c.now })
			pass := holder(w)
			before, cookie := w.sessionID(), w.cookie(sessionCookie)
			c.move(11 * time.Minute)
			began := c.now().Unix()
			id := w.prove(w.authorize(q), pass)
			if at := int64(id["auth_time"].(float64)); at < began {
				t.Errorf("auth_time is %d, it began at %d", at, began)
			}
			if got := w.sessionID(); got != before || id["sid"] != before {
				t.Errorf("the session is %s, then %s", got, id["sid"])
			}
			if strings.Contains(name, "acr") && id["acr"] != "ngcmfa" || !strings.Contains(name, "acr") && id["acr"] != nil {
				t.Errorf("acr is %v", id["acr"])
			}
			raised := w.cookie(sessionCookie)
			if raised == cookie {
				t.Error("the session kept its secret")
			}
			w.newBrowser()
			w.setCookie(sessionCookie, cookie)
			if a := w.authorize(url.Values{"prompt": {"none"}}); !strings.Contains(a.location, "login_required") {
				t.Errorf("a copy of the old cookie works: %q", a.location)
			}
		})
	}
}

func TestAnAnswerThatIsGoodEnoughAsksNothing(t *testing.T) {
	var c wrist
	w := newWorld(t, func(o *server.Options) { o.Wall = c.now })
	holder(w)
	c.move(2 * time.Minute)
	for _, q := range []url.Values{
		{"max_age": {"300"}},
		{"acr_values": {"phr mfa"}},
		{"acr_values": {"urn:unknown"}},
		{"acr_values": {"ngcmfa"}},
		{"claims": {`{"id_token":{"acr":{"essential":true,"values":["phr","mfa"]},"amr":{"essential":true,"value":"mfa"}}}`}},
	} {
		q.Set("prompt", "none")
		_, tokens := w.token(redeem(w.codeIn(w.authorize(q))))
		id := claimsOf(t, tokens["id_token"])
		want := any(nil)
		if q.Get("claims") != "" || strings.Contains(q.Get("acr_values"), "mfa") {
			want = "mfa"
		}
		if q.Get("acr_values") == "ngcmfa" {
			want = "ngcmfa"
		}
		if id["acr"] != want {
			t.Errorf("%v: acr is %v, want %v", q, id["acr"], want)
		}
	}
}

func TestWhoCantShowWhatIsAskedForIsToldOnceAndSoIsTheLog(t *testing.T) {
	w := newWorld(t)
	pass := holder(w)
	for _, q := range []url.Values{{"acr_values": {"phr"}}, {"claims": {`{"id_token":{"amr":{"essential":true,"value":"phr"}}}`}}} {
		page := w.authorize(q).location
		var a answer
		for range 3 {
			a = w.get(page)
		}
		if a.status != http.StatusForbidden || !strings.Contains(a.body, `data-step="blocked"`) || !strings.Contains(a.body, `data-error="moreProofNeeded"`) {
			t.Fatalf("%v: %d\n%s", q, a.status, a.body)
		}
		if a := w.post(page, url.Values{"accesspass": {pass}}); a.status == http.StatusSeeOther && strings.Contains(w.get(page).location, "resume") {
			t.Errorf("%v: a pass was enough", q)
		}
		if a := w.post(page, url.Values{"stay": {"yes"}}); a.status != http.StatusBadRequest {
			t.Errorf("%v: stay without enough: %d", q, a.status)
		}
	}
	_, v := w.api(http.MethodGet, "/v1.0/auditLogs/signIns?$filter=status/errorCode%20eq%2050079", w.appToken(), "")
	if list := v["value"].([]any); len(list) != 2 {
		t.Errorf("the log has %d of two: %v", len(list), list)
	}
}

func TestAStepUpIsOfThePersonAndTheBrowserThatBeganIt(t *testing.T) {
	w := newWorld(t)
	pass := holder(w)
	session := w.cookie(sessionCookie)
	page := w.authorize(url.Values{"prompt": {"login"}}).location

	// A browser that has the sign-in, and not the session, gets nothing of it.
	name := "__Host-postern-signin-" + strings.TrimPrefix(page, "/signin?t=")
	hold := w.cookie(name)
	w.newBrowser()
	w.setCookie(name, hold)
	w.post(page, url.Values{"accesspass": {pass}})
	w.get(page)
	if got := w.cookie(sessionCookie); got != "" {
		parts := strings.Split(got, ".")
		if strings.Contains(session, parts[0]) {
			t.Errorf("it holds the session: %q", got)
		}
	}
	w.newBrowser()
	w.setCookie(sessionCookie, session)
	w.codeIn(w.authorize(url.Values{"prompt": {"none"}})) // untouched

	// Another name in the same sign-in is another sign-in, and leaves the session as it is.
	_, other := w.addPerson("mira@contoso.example")
	page = w.authorize(url.Values{"prompt": {"login"}}).location
	if a := w.signIn(page, "mira@contoso.example", other); a.status != http.StatusSeeOther {
		t.Fatalf("Mira: %d\n%s", a.status, a.body)
	}
	for _, who := range []string{adminName, "mira@contoso.example"} {
		w.codeIn(w.authorize(url.Values{"prompt": {"none"}, "login_hint": {who}}))
	}

	// With two accounts nobody guesses which is meant.
	if a := w.get(w.authorize(url.Values{"prompt": {"login"}}).location); !strings.Contains(a.body, `data-step="identify"`) {
		t.Errorf("with two accounts: %d\n%s", a.status, a.body)
	}
	w.prove(w.authorize(url.Values{"prompt": {"login"}, "login_hint": {adminName}}), pass)
}

func TestASessionThatEndsDuringAStepUpIsNotRaised(t *testing.T) {
	w := newWorld(t)
	pass := holder(w)
	page := w.authorize(url.Values{"prompt": {"login"}}).location
	if status, v := w.api(http.MethodPost, "/v1.0/users/"+adminName+"/revokeSignInSessions", w.appToken(), ""); status != http.StatusOK {
		t.Fatalf("revoke: %d %v", status, v)
	}
	before := w.cookie(sessionCookie)
	w.post(page, url.Values{"accesspass": {pass}})
	w.get(page)
	// What was typed is enough by itself, for a session of its own.
	if after := w.cookie(sessionCookie); after == before {
		t.Error("the cookie is the same")
	}
	w.codeIn(w.authorize(url.Values{"prompt": {"none"}}))
}
