package server_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"html"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/federation"
	"github.com/postern-id/postern/internal/saml"
	"github.com/postern-id/postern/internal/server"
)

// samlUpstream is an identity provider that speaks SAML, and its next key. They are made once: RSA is slow.
var samlUpstream, samlUpstreamNext = sync.OnceValue(newSAMLSigner), sync.OnceValue(newSAMLSigner)

func newSAMLSigner() saml.Signer {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	now := time.Now()
	c := &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "upstream"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, crypto.Signer(k).Public(), k)
	if err != nil {
		panic(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		panic(err)
	}
	return saml.Signer{Key: k, Certificate: c}
}

const (
	samlIssuer = "https://idp.fabrikam.example/metadata"
	samlSSO    = "https://idp.fabrikam.example/sso"
)

// newSAMLFederated federates fabrikam.example by SAML.
func newSAMLFederated(t *testing.T, more map[string]any, set ...func(*server.Options)) (w *world, config string) {
	t.Helper()
	w = newWorld(t, set...)
	w.create("/v1.0/domains", `{"id":"fabrikam.example"}`)
	w.verifyDomain("fabrikam.example")
	body := map[string]any{
		"displayName": "Fabrikam", "issuerUri": samlIssuer, "passiveSignInUri": samlSSO, "preferredAuthenticationProtocol": "saml",
		"signingCertificate": federation.FormatCertificate(samlUpstream().Certificate), "postern_passBeforeFederation": false,
	}
	maps.Copy(body, more)
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	status, made := w.api(http.MethodPost, "/v1.0/domains/fabrikam.example/federationConfiguration", w.appToken(), string(text))
	if status != http.StatusCreated || made["preferredAuthenticationProtocol"] != "saml" {
		t.Fatalf("federate: %d %v", status, made)
	}
	w.create("/v1.0/users", `{"accountEnabled":true,"displayName":"Mira","mailNickname":"mira","userPrincipalName":"`+upn+`"}`)
	return w, "/v1.0/domains/fabrikam.example/federationConfiguration/" + made["id"].(string)
}

// askSAML types the name, goes to the upstream, and returns what it is asked.
func (w *world) askSAML() (page string, q saml.AuthnRequest, state string) {
	w.t.Helper()
	page = w.authorize(nil).location
	w.post(page, url.Values{"username": {upn}})
	q, state = w.departSAML(page)
	return page, q, state
}

// departSAML goes on to the upstream from a page of a sign-in.
func (w *world) departSAML(page string) (q saml.AuthnRequest, state string) {
	w.t.Helper()
	away := w.get(strings.Replace(page, "/signin?", "/signin/upstream?", 1))
	u, err := url.Parse(away.location)
	if err != nil || !strings.HasPrefix(away.location, samlSSO+"?") {
		w.t.Fatalf("leave: %d %q\n%s", away.status, away.location, away.body)
	}
	e, err := saml.FromRedirect(u.RawQuery)
	if err != nil {
		w.t.Fatal(err)
	}
	in, err := saml.Read(e)
	if err != nil {
		w.t.Fatal(err)
	}
	m := w.spMetadata()
	q, err = in.AuthnRequest(saml.Expect{Trust: saml.Trust{Certificates: m.SP.Signing, Now: time.Now()}, Issuer: m.EntityID, Destination: samlSSO}, true)
	if err != nil || q.ACS != m.SP.ACS[0].Location {
		w.t.Fatalf("the request is %+v, %v", q, err)
	}
	return q, e.RelayState
}

func (w *world) spMetadata() saml.Metadata {
	w.t.Helper()
	a := w.get("/" + w.created.TenantID + "/federation/saml/metadata")
	m, err := saml.ReadMetadata([]byte(a.body), nil, time.Now())
	if err != nil || m.SP == nil {
		w.t.Fatalf("metadata: %d %v\n%s", a.status, err, a.body)
	}
	return m
}

// answerSAML is the form with which the upstream answers q.
func (w *world) answerSAML(q saml.AuthnRequest, state string, by saml.Signer, change func(*saml.Response)) url.Values {
	w.t.Helper()
	now := time.Now()
	r := saml.Response{
		ID: saml.NewID(), Issuer: samlIssuer, Destination: q.ACS, InResponseTo: q.ID, IssueInstant: now, Status: saml.StatusSuccess, Audience: q.Issuer,
		SignAssertion: true, EncryptTo: w.spMetadata().SP.Encryption[0],
		Assertion: &saml.Assertion{
			ID: saml.NewID(), Issuer: samlIssuer, Subject: saml.NameID{Format: saml.Persistent, Value: "m-4711"}, AuthnInstant: now, InResponseTo: q.ID,
			NotOnOrAfter: now.Add(time.Minute), AuthnContext: "https://refeds.org/profile/mfa",
			Attributes: []saml.Attribute{{Name: federation.Usual(federation.SAML).Claims.UserPrincipalName, Values: []string{upn}}},
		},
	}
	if change != nil {
		change(&r)
	}
	form, err := r.POST(state, by)
	if err != nil {
		w.t.Fatal(err)
	}
	return form
}

var (
	formAction = regexp.MustCompile(`<form[^>]* action="([^"]*)"`)
	hiddens    = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
)

// bring posts the upstream's form as a browser does: without cookies, since another site posts it,
// then what the page there posts by itself, with them.
func (w *world) bring(form url.Values) answer {
	w.t.Helper()
	kept := w.browser.Jar
	w.newBrowser()
	r := w.request(http.MethodPost, "/"+w.created.TenantID+"/federation/saml/acs", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://idp.fabrikam.example")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	a := w.do(r)
	if len(a.header.Values("Set-Cookie")) > 0 {
		w.t.Error("a form of another site set a cookie")
	}
	w.browser.Jar = kept
	if a.status != http.StatusOK {
		return a
	}
	action, again := formAction.FindStringSubmatch(a.body), url.Values{}
	for _, h := range hiddens.FindAllStringSubmatch(a.body, -1) {
		again.Set(h[1], html.UnescapeString(h[2]))
	}
	if action == nil {
		w.t.Fatalf("no form:\n%s", a.body)
	}
	return w.post(html.UnescapeString(action[1]), again)
}

func TestAFederatedPersonSignsInBySAML(t *testing.T) {
	w, _ := newSAMLFederated(t, nil)
	page, q, state := w.askSAML()
	form := w.answerSAML(q, state, samlUpstream(), nil)
	if a := w.bring(form); a.location != page {
		t.Fatalf("back: %d %q\n%s", a.status, a.location, a.body)
	}
	w.wantStep("after it", w.get(page), "stay")
	t.Run("the same answer in another browser", func(t *testing.T) {
		w.newBrowser()
		w.wantFault("nothing under way", w.bring(form), "signInGone")
		_, _, other := w.askSAML()
		form.Set("RelayState", other)
		w.wantFault("in the place of another", w.bring(form), "credentialRefused")
	})
	for name, change := range map[string]func(*saml.Response){
		"for another request": func(r *saml.Response) { r.Assertion.InResponseTo, r.InResponseTo = "_x", "_x" },
		"unsolicited":         func(r *saml.Response) { r.Assertion.InResponseTo, r.InResponseTo = "", "" },
		"another audience":    func(r *saml.Response) { r.Audience = "https://other.example" },
	} {
		t.Run(name, func(t *testing.T) {
			w.newBrowser()
			_, q, state := w.askSAML()
			w.wantFault(name, w.bring(w.answerSAML(q, state, samlUpstream(), change)), "credentialRefused")
		})
	}
	t.Run("signed by another key", func(t *testing.T) {
		w.newBrowser()
		_, q, state := w.askSAML()
		w.wantFault("forged", w.bring(w.answerSAML(q, state, samlUpstreamNext(), nil)), "credentialRefused")
	})
	t.Run("of another domain", func(t *testing.T) {
		w.newBrowser()
		_, q, state := w.askSAML()
		w.wantFault("the administrator", w.bring(w.answerSAML(q, state, samlUpstream(), func(r *saml.Response) {
			r.Assertion.Subject.Value, r.Assertion.Attributes[0].Values = "admin", []string{"admin@contoso.example"}
		})), "federationForeign")
	})
	if in := w.signInErrors(50008); len(in) < 4 {
		t.Errorf("the log has %v", in)
	}
}

func TestASAMLUpstreamIsAskedAnewForAProofThatIsTooOld(t *testing.T) {
	w, _ := newSAMLFederated(t, nil)
	w.rule("Every hour", func(p *access.Policy) {
		p.Grant = nil
		p.Session = &access.SessionControls{Frequency: &access.SignInFrequency{Enabled: true, Value: 1, Type: "hours", Interval: "timeBased"}}
	})
	page, q, state := w.askSAML()
	if q.ForceAuthn {
		t.Error("the first time whoever is signed in there is asked again")
	}
	w.bring(w.answerSAML(q, state, samlUpstream(), func(r *saml.Response) { r.Assertion.AuthnInstant = time.Now().Add(-10 * time.Hour) }))
	w.wantStep("after an answer of ten hours ago", w.get(page), "federated")
	if q, state = w.departSAML(page); !q.ForceAuthn {
		t.Error("the second time nobody is asked again")
	}
	w.bring(w.answerSAML(q, state, samlUpstream(), nil))
	w.wantStep("with a new proof", w.get(page), "stay")
}

// A response that says that nothing came of it need not be signed.
func TestAFailureOfASAMLUpstreamTellsNobodyWhoIsDisabled(t *testing.T) {
	w, _ := newSAMLFederated(t, nil)
	failed := func() string {
		w.newBrowser()
		_, q, state := w.askSAML()
		a := w.bring(w.answerSAML(q, state, samlUpstream(), func(r *saml.Response) { r.Status, r.Assertion = saml.StatusResponder, nil }))
		w.wantFault("a failure there", a, "federationRefused")
		return wordsOf(a)
	}
	enabled := failed()
	w.change(http.MethodPatch, "/v1.0/users/"+upn, `{"accountEnabled":false}`)
	if unlike(enabled, failed()) {
		t.Error("the page is another one for who is disabled")
	}
	w.change(http.MethodDelete, "/v1.0/users/"+upn, "")
	if unlike(enabled, failed()) {
		t.Error("the page is another one for who is gone")
	}
}

func TestCertificatesOfAnUpstreamFollowItsMetadata(t *testing.T) {
	said := []saml.Signer{samlUpstream(), samlUpstreamNext()}
	idp := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		role := &saml.Role{SSO: []saml.Endpoint{{Binding: saml.Redirect, Location: samlSSO}}}
		for _, s := range said {
			role.Signing = append(role.Signing, s.Certificate)
		}
		raw, err := saml.Metadata{EntityID: samlIssuer, IDP: role}.XML(nil)
		if err != nil {
			t.Error(err)
		}
		_, _ = rw.Write(raw)
	}))
	defer idp.Close()
	roots := x509.NewCertPool()
	roots.AddCert(idp.Certificate())
	w, config := newSAMLFederated(t, map[string]any{"metadataExchangeUri": idp.URL}, func(o *server.Options) { o.Roots, o.FederationNetworks = roots, server.Loopback })
	text := func(s saml.Signer) string { return federation.FormatCertificate(s.Certificate) }
	for _, step := range []struct {
		name          string
		said          []saml.Signer
		present, next any
		by            saml.Signer // whose answers count
	}{
		{"the next one is told", []saml.Signer{samlUpstreamNext(), samlUpstream()}, text(samlUpstream()), text(samlUpstreamNext()), samlUpstreamNext()},
		{"the former one is gone", []saml.Signer{samlUpstreamNext()}, text(samlUpstreamNext()), nil, samlUpstreamNext()},
	} {
		said = step.said
		w.server.FollowUpstreams(t.Context())
		_, v := w.api(http.MethodGet, config, w.appToken(), "")
		update, _ := v["signingCertificateUpdateStatus"].(map[string]any)
		if v["signingCertificate"] != step.present || v["nextSigningCertificate"] != step.next || update["certificateUpdateResult"] != "Success" {
			t.Errorf("%s: %v", step.name, v)
		}
		w.newBrowser()
		page, q, state := w.askSAML()
		if a := w.bring(w.answerSAML(q, state, step.by, nil)); a.location != page {
			t.Errorf("%s: %d\n%s", step.name, a.status, a.body)
		}
	}
	idp.Close()
	w.server.FollowUpstreams(t.Context())
	_, v := w.api(http.MethodGet, config, w.appToken(), "")
	if update, _ := v["signingCertificateUpdateStatus"].(map[string]any); update["certificateUpdateResult"] != "Failed" || v["signingCertificate"] != text(samlUpstreamNext()) {
		t.Errorf("while it is down: %v", v)
	}
}
