package server_test

import (
	"crypto/rand"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/saml"
)

const samlOut = "https://idp.fabrikam.example/logout"

// signInBySAML signs the person in at the upstream, in the session s-1 there.
func (w *world) signInBySAML() {
	w.t.Helper()
	page, q, state := w.askSAML()
	w.bring(w.answerSAML(q, state, samlUpstream(), func(r *saml.Response) { r.Assertion.SessionIndex = "s-1" }))
	if a := w.post(page, url.Values{"stay": {"no"}}); a.status != http.StatusSeeOther {
		w.t.Fatalf("sign in: %d\n%s", a.status, a.body)
	}
}

func (w *world) signedInHere() bool {
	w.t.Helper()
	return !strings.Contains(w.authorize(url.Values{"prompt": {"none"}}).location, "login_required")
}

var refreshTo = regexp.MustCompile(`^0; url=(.*)$`)

// signOut presses the button; away is where the browser is led from there.
func (w *world) signOut() (away string) {
	w.t.Helper()
	a := w.post("/"+w.created.TenantID+"/oauth2/v2.0/logout", url.Values{})
	if a.status != http.StatusOK {
		w.t.Fatalf("sign out: %d\n%s", a.status, a.body)
	}
	if m := refreshTo.FindStringSubmatch(a.header.Get("Refresh")); m != nil {
		away = m[1]
		if !strings.Contains(a.body, `href="`+html.EscapeString(away)+`"`) {
			w.t.Errorf("nothing leads on where a browser does not do it by itself:\n%s", a.body)
		}
	}
	return away
}

// goodbye reads the request that a browser brings to the upstream.
func (w *world) goodbye(away string) (saml.LogoutRequest, string) {
	w.t.Helper()
	at, query, _ := strings.Cut(away, "?")
	if at != samlOut {
		w.t.Fatalf("led to %q", away)
	}
	e, err := saml.FromRedirect(query)
	if err != nil {
		w.t.Fatal(err)
	}
	in, err := saml.Read(e)
	if err != nil {
		w.t.Fatal(err)
	}
	m := w.spMetadata()
	q, err := in.LogoutRequest(saml.Expect{Trust: saml.Trust{Certificates: m.SP.Signing, Now: time.Now()}, Issuer: m.EntityID, Destination: samlOut})
	if err != nil {
		w.t.Fatal(err)
	}
	return q, e.RelayState
}

// comeBack is the browser's way back with the upstream's answer to q.
func (w *world) comeBack(q saml.LogoutRequest, state string, by saml.Signer, status string) answer {
	w.t.Helper()
	to, err := saml.LogoutResponse{
		ID: saml.NewID(), Issuer: samlIssuer, Destination: w.spMetadata().SP.SLO[0].Location, InResponseTo: q.ID, IssueInstant: time.Now(), Status: status,
	}.Redirect(state, by)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.get(strings.TrimPrefix(to, w.site.URL))
}

const mayBeThere = "may still be signed in there"

func TestWhoSignsOutIsSignedOutAtASAMLUpstreamToo(t *testing.T) {
	w, config := newSAMLFederated(t, map[string]any{"signOutUri": samlOut})
	if away := w.signOut(); away != "" {
		t.Errorf("signed in nowhere, and led to %q", away)
	}
	w.signInBySAML()
	q, state := w.goodbye(w.signOut())
	if q.Subject.Value != "m-4711" || q.Subject.Format != saml.Persistent || len(q.SessionIndexes) != 1 || q.SessionIndexes[0] != "s-1" || q.NotOnOrAfter.IsZero() {
		t.Errorf("asked for %+v", q)
	}
	if w.signedInHere() {
		t.Fatal("the session here lives on")
	}
	kept := w.browser.Jar
	w.newBrowser()
	w.wantFault("in a browser that did not leave", w.comeBack(q, state, samlUpstream(), saml.StatusSuccess), "signInGone")
	w.browser.Jar = kept
	if a := w.comeBack(q, state, samlUpstreamNext(), saml.StatusSuccess); !strings.Contains(a.body, mayBeThere) {
		t.Errorf("an answer by another key: %d\n%s", a.status, a.body)
	}
	other := q
	other.ID = "_" + rand.Text()
	if a := w.comeBack(other, state, samlUpstream(), saml.StatusSuccess); !strings.Contains(a.body, mayBeThere) {
		t.Errorf("an answer to another request: %d\n%s", a.status, a.body)
	}
	if a := w.comeBack(q, state, samlUpstream(), saml.StatusResponder); !strings.Contains(a.body, mayBeThere) {
		t.Errorf("an upstream that could not: %d\n%s", a.status, a.body)
	}
	if a := w.comeBack(q, state, samlUpstream(), saml.StatusSuccess); a.status != http.StatusOK || strings.Contains(a.body, mayBeThere) || a.header.Get("Refresh") != "" {
		t.Errorf("back: %d\n%s", a.status, a.body)
	}
	w.wantFault("the same answer again", w.comeBack(q, state, samlUpstream(), saml.StatusSuccess), "signInGone")

	w.signInBySAML()
	if status, body := w.api(http.MethodPatch, config, w.appToken(), `{"signOutUri":null}`); status != http.StatusNoContent {
		t.Fatalf("%d %v", status, body)
	}
	if away := w.signOut(); away != "" {
		t.Errorf("the upstream has no such address, and the browser is led to %q", away)
	}
}

func TestAnApplicationGetsItsPersonBackFromTheUpstream(t *testing.T) {
	w, _ := newSAMLFederated(t, map[string]any{"signOutUri": samlOut})
	w.signInBySAML()
	id := w.tokensOf(cli)["id_token"].(string)
	a := w.get("/" + w.created.TenantID + "/oauth2/v2.0/logout?" + url.Values{"id_token_hint": {id}, "post_logout_redirect_uri": {"http://localhost"}, "state": {"s"}}.Encode())
	if a.status != http.StatusSeeOther {
		t.Fatalf("sign out: %d\n%s", a.status, a.body)
	}
	q, state := w.goodbye(a.location)
	if back := w.comeBack(q, state, samlUpstream(), saml.StatusSuccess); back.location != "http://localhost?state=s" {
		t.Errorf("back to %q\n%s", back.location, back.body)
	}
}

func TestASAMLUpstreamEndsTheSessionsThatItBegan(t *testing.T) {
	w, _ := newSAMLFederated(t, map[string]any{"signOutUri": samlOut})
	at := w.spMetadata().SP.SLO[0].Location
	asks := func(by saml.Signer, change func(*saml.LogoutRequest)) answer {
		t.Helper()
		now := time.Now()
		q := saml.LogoutRequest{
			ID: "_q", Issuer: samlIssuer, Destination: at, IssueInstant: now, NotOnOrAfter: now.Add(time.Minute),
			Subject: saml.NameID{Format: saml.Persistent, Value: "m-4711"}, SessionIndexes: []string{"s-1"},
		}
		if change != nil {
			change(&q)
		}
		to, err := q.Redirect("r", by)
		if err != nil {
			t.Fatal(err)
		}
		_, query, _ := strings.Cut(to, "?")
		return w.get(strings.TrimPrefix(at, w.site.URL) + "?" + query)
	}
	w.signInBySAML()
	for name, refused := range map[string]answer{
		"by another key":          asks(samlUpstreamNext(), nil),
		"of another":              asks(samlUpstream(), func(q *saml.LogoutRequest) { q.Issuer = "https://evil.example" }),
		"for another address":     asks(samlUpstream(), func(q *saml.LogoutRequest) { q.Destination = samlOut }),
		"of an hour ago":          asks(samlUpstream(), func(q *saml.LogoutRequest) { q.NotOnOrAfter = time.Now().Add(-time.Hour) }),
		"without its signature":   w.get(strings.TrimPrefix(unsigned(asksAddress(t, at)), w.site.URL)),
		"that is no SAML message": w.get(strings.TrimPrefix(at, w.site.URL) + "?SAMLRequest=x"),
	} {
		if refused.status < 400 {
			t.Errorf("%s: %d %q", name, refused.status, refused.location)
		}
	}
	for name, change := range map[string]func(*saml.LogoutRequest){
		"somebody else":   func(q *saml.LogoutRequest) { q.Subject.Value = "m-1" },
		"another session": func(q *saml.LogoutRequest) { q.SessionIndexes = []string{"s-2"} },
	} {
		if a := asks(samlUpstream(), change); a.status != http.StatusSeeOther {
			t.Errorf("%s: %d\n%s", name, a.status, a.body)
		}
	}
	if !w.signedInHere() {
		t.Fatal("what was refused or about others ended the session")
	}
	a := asks(samlUpstream(), nil)
	u, query, _ := strings.Cut(a.location, "?")
	e, err := saml.FromRedirect(query)
	if err != nil || u != samlOut || e.RelayState != "r" {
		t.Fatalf("answered at %q, %v: %d\n%s", a.location, err, a.status, a.body)
	}
	in, err := saml.Read(e)
	if err != nil {
		t.Fatal(err)
	}
	m := w.spMetadata()
	if err := in.LogoutResponse(saml.Expect{Trust: saml.Trust{Certificates: m.SP.Signing, Now: time.Now()}, Issuer: m.EntityID, Destination: samlOut, InResponseTo: "_q"}); err != nil {
		t.Error(err)
	}
	if w.signedInHere() {
		t.Error("the session lives on")
	}
}

// asksAddress is where a genuine request goes.
func asksAddress(t *testing.T, at string) string {
	t.Helper()
	to, err := saml.LogoutRequest{ID: "_q", Issuer: samlIssuer, Destination: at, IssueInstant: time.Now(), Subject: saml.NameID{Value: "m-4711"}}.Redirect("", samlUpstream())
	if err != nil {
		t.Fatal(err)
	}
	return to
}

func unsigned(address string) string {
	before, _, _ := strings.Cut(address, "&SigAlg=")
	return before
}

func TestWhoSignsOutIsSignedOutAtAnOpenIDProviderToo(t *testing.T) {
	w := newFederated(t, nil)
	w.account(upn)
	signIn := func() {
		page, back := w.leave(upn)
		w.get(strings.TrimPrefix(back, w.site.URL))
		w.finish(page)
	}
	signIn()
	if away := w.signOut(); away != "" {
		t.Errorf("the upstream has no address for it, and the browser is led to %q", away)
	}
	w.upstream.Discovery = map[string]any{"end_session_endpoint": w.upstream.Issuer() + "/end?x=1"}
	w = newFederatedAt(t, w.upstream)
	w.upstream.Said["sid"] = "sid-1"
	w.account(upn)
	signIn()
	u, err := url.Parse(w.signOut())
	if err != nil || u.Path != "/end" {
		t.Fatalf("led to %v, %v", u, err)
	}
	q := u.Query()
	hint := claimsOf(t, q.Get("id_token_hint"))
	if q.Get("x") != "1" || q.Get("client_id") == "" || q.Get("logout_hint") != "sid-1" || hint["sid"] != "sid-1" || hint["preferred_username"] != upn {
		t.Errorf("asked %v, about %v", q, hint)
	}
	if w.signedInHere() {
		t.Error("the session here lives on")
	}
	back, ok := strings.CutPrefix(q.Get("post_logout_redirect_uri"), w.site.URL)
	if !ok {
		t.Fatalf("back to %q", q.Get("post_logout_redirect_uri"))
	}
	if a := w.get(back + "?state=" + q.Get("state")); a.status != http.StatusOK || !strings.Contains(a.body, `data-step="signedout"`) {
		t.Errorf("back: %d\n%s", a.status, a.body)
	}
}
