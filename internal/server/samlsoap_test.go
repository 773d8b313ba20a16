package server_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/saml"
)

// soap posts a message between servers: no cookie comes along.
func (w *world) soap(path string, body []byte) answer {
	w.t.Helper()
	kept := w.browser.Jar
	defer func() { w.browser.Jar = kept }()
	w.browser.Jar = nil
	r := w.request(http.MethodPost, path, strings.NewReader(string(body)))
	r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	return w.do(r)
}

// refusedBySOAP are forgeries of a logout request that each get a SOAP fault.
func refusedBySOAP(t *testing.T, post func([]byte) answer, q saml.LogoutRequest, by, foreign saml.Signer) {
	t.Helper()
	signed := func(q saml.LogoutRequest, by saml.Signer) []byte {
		body, err := q.SOAP(by)
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	other, elsewhere, old := q, q, q
	other.Issuer, elsewhere.Destination, old.NotOnOrAfter = "https://evil.example", "https://evil.example/slo", time.Now().Add(-time.Hour)
	whole := string(signed(q, by))
	begin, end := strings.Index(whole, "<ds:Signature"), strings.Index(whole, "</ds:Signature>")
	for name, body := range map[string][]byte{
		"by a foreign key": signed(q, foreign), "of another issuer": signed(other, by), "for another address": signed(elsewhere, by), "of an hour ago": signed(old, by),
		"without its signature": []byte(whole[:begin] + whole[end+len("</ds:Signature>"):]),
		"with an entity":        []byte(`<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>` + whole),
		"nothing":               nil,
	} {
		a := post(body)
		if a.status != http.StatusForbidden && a.status != http.StatusInternalServerError || !strings.Contains(a.body, "soap:Fault") || strings.Contains(a.body, "root:") {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

// doneBySOAP reads the answer to q.
func doneBySOAP(t *testing.T, a answer, m saml.Metadata, signers saml.Trust, id string) error {
	t.Helper()
	if a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Type"), "text/xml") {
		t.Fatalf("the answer: %d %s", a.status, a.body)
	}
	e, err := saml.FromSOAP([]byte(a.body), true)
	if err != nil {
		t.Fatal(err)
	}
	in, err := saml.Read(e)
	if err != nil {
		t.Fatal(err)
	}
	return in.LogoutResponse(saml.Expect{Trust: signers, Issuer: m.EntityID, Destination: in.Destination(), InResponseTo: id})
}

// soapAt is where the one of all takes messages between servers.
func soapAt(all []saml.Endpoint) string {
	for _, e := range all {
		if e.Binding == saml.SOAP {
			return e.Location
		}
	}
	return ""
}

// A soapListener is an application that listens for logouts between servers.
type soapListener struct {
	site  *httptest.Server
	key   saml.Signer
	heard atomic.Pointer[saml.Incoming]
	fails atomic.Int32
}

func (l *soapListener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	by := l.key
	switch l.fails.Add(-1) {
	case 1:
		panic(http.ErrAbortHandler) // the connection breaks
	case 0:
		by = samlUpstream() // somebody else answers
	}
	body, _ := io.ReadAll(r.Body)
	e, _ := saml.FromSOAP(body, false)
	in, err := saml.Read(e)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if by.Certificate == l.key.Certificate {
		l.heard.Store(&in)
	}
	answer, _ := saml.LogoutResponse{ID: saml.NewID(), Issuer: "https://bills.example/sp/", InResponseTo: in.ID(), IssueInstant: time.Now(), Status: saml.StatusSuccess}.SOAP(by)
	_, _ = w.Write(answer)
}

func TestASAMLApplicationSignsOutAndIsSignedOutBetweenServers(t *testing.T) {
	l := &soapListener{key: samlKey()}
	l.site = httptest.NewTLSServer(l)
	t.Cleanup(l.site.Close)
	w, clock := clocked(t, (&listener{site: l.site}).trust)
	_, pass := w.addPerson("mira@contoso.example")
	a, b := newSAMLApp(w, "orders", ""), newSAMLApp(w, "bills", "")
	w.change(http.MethodPatch, "/v1.0/applications/"+b.object, `{"postern_saml":{"logoutSoapUrl":"`+l.site.URL+`/slo?key=known-to-it-alone"}}`)
	w.newBrowser()
	in := a.mustReadAfter(pass)
	q := b.request(nil)
	b.mustRead(b.ask(q, nil), q.ID)
	m := a.idp()
	at := soapAt(m.IDP.SLO)
	out := saml.LogoutRequest{ID: saml.NewID(), Issuer: a.entity, Destination: at, IssueInstant: time.Now(), Subject: in.Subject, SessionIndexes: []string{in.SessionIndex}}
	post := func(body []byte) answer { return w.soap(strings.TrimPrefix(at, w.site.URL), body) }
	refusedBySOAP(t, post, out, samlKey(), samlUpstream())
	still := a.request(func(q *saml.AuthnRequest) { q.IsPassive = true })
	a.mustRead(a.ask(still, nil), still.ID)

	l.fails.Store(2)
	body, err := out.SOAP(samlKey())
	if err != nil {
		t.Fatal(err)
	}
	if err := doneBySOAP(t, post(body), m, saml.Trust{Certificates: m.IDP.Signing, Now: time.Now()}, out.ID); err != nil {
		t.Errorf("the answer: %v", err)
	}
	if again := post(body); again.status != http.StatusForbidden {
		t.Errorf("once more: %d %s", again.status, again.body)
	}
	gone := b.request(func(q *saml.AuthnRequest) { q.IsPassive = true })
	if _, err := b.read(b.ask(gone, nil), gone.ID); err == nil {
		t.Error("the session is still there")
	}
	for _, pause := range []time.Duration{6 * time.Second, 31 * time.Second} {
		w.tell()
		if l.heard.Load() != nil {
			t.Fatal("what failed was heard")
		}
		clock.move(pause)
	}
	if strings.Contains(w.log.String(), "known-to-it-alone") || strings.Count(w.log.String(), "not told of a logout yet") != 2 {
		t.Errorf("the log tells of two failures, and quotes no address:\n%s", w.log)
	}
	if w.tell(); l.heard.Load() == nil {
		t.Fatal("the other application is not told")
	}
	told, err := l.heard.Load().LogoutRequest(saml.Expect{Trust: saml.Trust{Certificates: m.IDP.Signing, Now: time.Now()}, Issuer: m.EntityID, Destination: l.site.URL + "/slo?key=known-to-it-alone"})
	if err != nil || len(told.SessionIndexes) != 1 || told.Subject.Value == "" {
		t.Errorf("the other application is told %+v, %v", told, err)
	}
	w.refusedURL(b.object)
}

// Who signs out between servers is told when somebody else can't be.
func TestALogoutBetweenServersIsPartialWhereAnApplicationHearsBrowsersOnly(t *testing.T) {
	w := newWorld(t)
	_, pass := w.addPerson("mira@contoso.example")
	a := newSAMLApp(w, "orders", "")
	m := a.idp()
	at := soapAt(m.IDP.SLO)
	leave := func(name string, in saml.Assertion, partial bool) {
		t.Helper()
		out := saml.LogoutRequest{ID: saml.NewID(), Issuer: a.entity, Destination: at, IssueInstant: time.Now(), Subject: in.Subject, SessionIndexes: []string{in.SessionIndex}}
		body, err := out.SOAP(samlKey())
		if err != nil {
			t.Fatal(err)
		}
		said := w.soap(strings.TrimPrefix(at, w.site.URL), body)
		if err := doneBySOAP(t, said, m, saml.Trust{Certificates: m.IDP.Signing, Now: time.Now()}, out.ID); err != nil || strings.Contains(said.body, saml.StatusPartialLogout) != partial {
			t.Errorf("%s: %v %s", name, err, said.body)
		}
	}
	for name, one := range map[string]struct {
		other   string
		partial bool
	}{
		"a page only":                {`"web":{"logoutUrl":"https://portal.example/out"}`, true},
		"a page and a back channel":  {`"web":{"logoutUrl":"https://portal.example/out"},"postern_backchannelLogoutUri":"https://portal.example/told"`, false},
		"nothing that hears of ends": {`"web":{}`, false},
	} {
		client := w.register(`{"displayName":"Portal","signInAudience":"AzureADMyOrg","publicClient":{"redirectUris":["http://localhost"]},` + one.other + `}`)
		w.newBrowser()
		in := a.mustReadAfter(pass)
		w.tokensOf(client)
		leave(name, in, one.partial)
	}
	b := newSAMLApp(w, "bills", "")
	w.newBrowser()
	in := a.mustReadAfter(pass)
	q := b.request(nil)
	b.mustRead(b.ask(q, nil), q.ID)
	leave("by SAML, without SOAP", in, true)
}

// refusedURL holds that a server is not sent anywhere without TLS.
func (w *world) refusedURL(application string) {
	w.t.Helper()
	if status, v := w.api(http.MethodPatch, "/v1.0/applications/"+application, w.appToken(), `{"postern_saml":{"logoutSoapUrl":"http://127.0.0.1/slo"}}`); status != http.StatusBadRequest {
		w.t.Errorf("an address without TLS: %d %v", status, v)
	}
}

func TestASAMLUpstreamEndsItsSessionsBetweenServers(t *testing.T) {
	w, _ := newSAMLFederated(t, map[string]any{"signOutUri": samlOut})
	m := w.spMetadata()
	at := soapAt(m.SP.SLO)
	q := saml.LogoutRequest{
		ID: "_q", Issuer: samlIssuer, Destination: at, IssueInstant: time.Now(), Subject: saml.NameID{Format: saml.Persistent, Value: "m-4711"}, SessionIndexes: []string{"s-1"},
	}
	post := func(body []byte) answer { return w.soap(strings.TrimPrefix(at, w.site.URL), body) }
	w.signInBySAML()
	refusedBySOAP(t, post, q, samlUpstream(), samlUpstreamNext())
	if !w.signedInHere() {
		t.Fatal("what was refused ended the session")
	}
	body, err := q.SOAP(samlUpstream())
	if err != nil {
		t.Fatal(err)
	}
	if err := doneBySOAP(t, post(body), m, saml.Trust{Certificates: m.SP.Signing, Now: time.Now()}, q.ID); err != nil {
		t.Errorf("the answer: %v", err)
	}
	if w.signedInHere() {
		t.Error("the session lives on")
	}
	w.signInBySAML()
	if again := post(body); again.status != http.StatusForbidden || !w.signedInHere() {
		t.Errorf("once more: %d %s", again.status, again.body)
	}
}
