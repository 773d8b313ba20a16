package server_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"math/big"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/saml"
)

// samlKey is the key of the application, made once: RSA is slow.
var samlKey = sync.OnceValue(func() saml.Signer {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "orders"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, k.Public(), k)
	if err != nil {
		panic(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		panic(err)
	}
	return saml.Signer{Key: k, Certificate: c}
})

// An samlApp is an application that signs people in by SAML.
type samlApp struct {
	w                       *world
	entity, acs, slo        string
	object, client, service string
}

const encryptKey = "7b1c52f0-0c0e-4c55-9d5e-2f6a3a9d4e31"

// newSAMLApp registers an application; more are members of its JSON.
func newSAMLApp(w *world, name, more string) *samlApp {
	a := &samlApp{w: w, entity: "https://" + name + ".example/sp/", acs: "https://" + name + ".example/acs", slo: "https://" + name + ".example/slo"}
	key := base64.StdEncoding.EncodeToString(samlKey().Certificate.Raw)
	a.object = w.create("/v1.0/applications", fmt.Sprintf(`{"displayName":%q,"postern_saml":{},"identifierUris":[%q],"web":{"redirectUris":[%q],"logoutUrl":%q},
		"keyCredentials":[{"type":"AsymmetricX509Cert","usage":"Verify","key":%q},{"keyId":%q,"type":"AsymmetricX509Cert","usage":"Encrypt","key":%q}]%s}`,
		name, a.entity, a.acs, a.slo, key, encryptKey, key, more))
	_, v := w.api(http.MethodGet, "/v1.0/applications/"+a.object, w.appToken(), "")
	a.client, _ = v["appId"].(string)
	a.service = w.create("/v1.0/servicePrincipals", `{"appId":"`+a.client+`","preferredSingleSignOnMode":"saml"}`)
	return a
}

func (a *samlApp) path() string { return "/" + a.w.created.TenantID + "/saml2" }

// idp reads the metadata of the tenant.
func (a *samlApp) idp() saml.Metadata {
	a.w.t.Helper()
	m, err := saml.ReadMetadata([]byte(a.w.get("/"+a.w.created.TenantID+"/federationmetadata/2007-06/federationmetadata.xml").body), nil, time.Now())
	if err != nil {
		a.w.t.Fatal(err)
	}
	return m
}

func (a *samlApp) request(change func(*saml.AuthnRequest)) saml.AuthnRequest {
	q := saml.AuthnRequest{
		ID: saml.NewID(), Issuer: a.entity, Destination: a.w.site.URL + a.path(), IssueInstant: time.Now(), ACS: a.acs, ACSIndex: -1,
	}
	if change != nil {
		change(&q)
	}
	return q
}

// ask opens a request by redirect, signed when by is not nil.
func (a *samlApp) ask(q saml.AuthnRequest, by *saml.Signer) answer {
	a.w.t.Helper()
	location, err := q.Redirect("state & more", by)
	if err != nil {
		a.w.t.Fatal(err)
	}
	return a.w.get(strings.TrimPrefix(location, a.w.site.URL))
}

// signIn asks and signs a person in who is not.
func (a *samlApp) signIn(q saml.AuthnRequest, name, pass string) answer {
	a.w.t.Helper()
	begin := a.ask(q, nil)
	if begin.status != http.StatusSeeOther {
		a.w.t.Fatalf("begin: %d\n%s", begin.status, begin.body)
	}
	done := a.w.signIn(begin.location, name, pass)
	if done.status != http.StatusSeeOther {
		a.w.t.Fatalf("sign-in: %d\n%s", done.status, done.body)
	}
	return a.w.get(done.location)
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)

// posted are the fields of a page that posts itself to an address.
func posted(t *testing.T, a answer, to string) url.Values {
	t.Helper()
	form := url.Values{}
	for _, m := range hiddenField.FindAllStringSubmatch(a.body, -1) {
		form.Set(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
	}
	if a.status != http.StatusOK || !strings.Contains(html.UnescapeString(a.body), `action="`+to+`"`) {
		t.Fatalf("no form to %s: %d\n%s", to, a.status, a.body)
	}
	return form
}

// read believes the response in an answer.
func (a *samlApp) read(got answer, id string) (saml.Assertion, error) {
	a.w.t.Helper()
	return a.believe(posted(a.w.t, got, a.acs), id)
}

func (a *samlApp) believe(form url.Values, id string) (saml.Assertion, error) {
	a.w.t.Helper()
	e, err := saml.FromPOST(form)
	if err != nil {
		a.w.t.Fatal(err)
	}
	in, err := saml.Read(e)
	if err != nil {
		a.w.t.Fatal(err)
	}
	m := a.idp()
	return in.Response(saml.Expect{
		Trust: saml.Trust{Certificates: m.IDP.Signing, Now: time.Now()}, Issuer: m.EntityID, Destination: a.acs, InResponseTo: id, Unsolicited: id == "",
		Audience: a.entity, Keys: []crypto.Decrypter{samlKey().Key.(crypto.Decrypter)}, Once: func(string, time.Time) error { return nil },
	})
}

func (a *samlApp) mustRead(got answer, id string) saml.Assertion {
	a.w.t.Helper()
	v, err := a.read(got, id)
	if err != nil {
		a.w.t.Fatal(err)
	}
	return v
}

func TestAnApplicationSignsPeopleInBySAML(t *testing.T) {
	w := newWorld(t)
	_, pass := w.addPerson("mira@contoso.example")
	a, b := newSAMLApp(w, "orders", `,"groupMembershipClaims":"SecurityGroup"`), newSAMLApp(w, "bills", `,"tokenEncryptionKeyId":"`+encryptKey+`"`)
	w.change(http.MethodPatch, "/v1.0/applications/"+b.object, `{"postern_saml":{"nameIdFormat":"persistent","sign":"both","onlyTheseClaims":true,"claims":[{"name":"who","source":"user.mailnickname"}]}}`)
	w.newBrowser()
	q := a.request(nil)
	got := a.signIn(q, "mira@contoso.example", pass)
	if state := posted(t, got, a.acs).Get("RelayState"); state != "state & more" {
		t.Errorf("RelayState %q", state)
	}
	in := a.mustRead(got, q.ID)
	if in.Subject.Value != "mira@contoso.example" || in.Subject.Format != saml.EmailAddress || in.AuthnContext != "https://refeds.org/profile/mfa" ||
		!slices.Contains(in.Values("http://schemas.microsoft.com/claims/authnmethodsreferences"), "http://schemas.microsoft.com/claims/multipleauthn") ||
		!slices.Equal(in.Values("http://schemas.microsoft.com/identity/claims/tenantid"), []string{w.created.TenantID}) {
		t.Errorf("the assertion: %+v", in)
	}
	if _, err := b.believe(posted(t, got, a.acs), q.ID); err == nil {
		t.Error("another application took it")
	}

	t.Run("a second application needs no second sign-in, and gets its own name, encrypted", func(t *testing.T) {
		q := b.request(nil)
		got := b.ask(q, nil)
		raw, _ := base64.StdEncoding.DecodeString(posted(t, got, b.acs).Get("SAMLResponse"))
		if strings.Contains(string(raw), "<saml:NameID") {
			t.Error("the assertion is not encrypted")
		}
		first := b.mustRead(got, q.ID)
		again := b.request(nil)
		if second := b.mustRead(b.ask(again, nil), again.ID); first.Subject.Format != saml.Persistent || first.Subject.Value == "" ||
			first.Subject.Value != second.Subject.Value || first.ID == second.ID || !slices.Equal(first.Values("who"), []string{"mira"}) || len(first.Attributes) != 1 {
			t.Errorf("%+v, then %+v", first, second)
		}
		pairwise := a.request(func(q *saml.AuthnRequest) { q.NameIDFormat = saml.Persistent })
		if other := a.mustRead(a.ask(pairwise, nil), pairwise.ID); other.Subject.Value == first.Subject.Value {
			t.Error("two applications know the person by the same persistent name")
		}
	})
	t.Run("transient names are new each time", func(t *testing.T) {
		one, two := a.request(func(q *saml.AuthnRequest) { q.NameIDFormat = saml.Transient }), a.request(func(q *saml.AuthnRequest) { q.NameIDFormat = saml.Transient })
		if x, y := a.mustRead(a.ask(one, nil), one.ID), a.mustRead(a.ask(two, nil), two.ID); x.Subject.Value == y.Subject.Value {
			t.Error("twice the same")
		}
	})
	t.Run("opened from here", func(t *testing.T) {
		w.change(http.MethodPatch, "/v1.0/servicePrincipals/"+a.service, `{"samlSingleSignOnSettings":{"relayState":"/start"}}`)
		got := w.get(a.path() + "/launch/" + a.client)
		if in := a.mustRead(got, ""); in.InResponseTo != "" || posted(t, got, a.acs).Get("RelayState") != "/start" {
			t.Errorf("%+v", in)
		}
	})
	t.Run("a posted request is posted again from here, since it came without cookies", func(t *testing.T) {
		by := samlKey()
		q := a.request(nil)
		form, err := q.POST("", &by)
		if err != nil {
			t.Fatal(err)
		}
		again := posted(t, w.post(a.path(), form), w.site.URL+a.path())
		a.mustRead(w.post(a.path(), again), q.ID)
	})
	t.Run("an address that was taken away during the sign-in gets nothing", func(t *testing.T) {
		w.newBrowser()
		done := w.signIn(b.ask(b.request(nil), nil).location, "mira@contoso.example", pass)
		w.change(http.MethodPatch, "/v1.0/applications/"+b.object, `{"web":{"redirectUris":["https://bills.example/new"]}}`)
		if got := w.get(done.location); !strings.Contains(got.body, `data-error="samlReplyUnknown"`) || strings.Contains(got.body, "SAMLResponse") {
			t.Errorf("%d\n%s", got.status, got.body)
		}
	})
	t.Run("the log tells of it", func(t *testing.T) {
		_, v := w.api(http.MethodGet, "/beta/auditLogs/signIns?$filter="+url.QueryEscape("userPrincipalName eq 'mira@contoso.example' and signInEventTypes/any(t: t eq 'nonInteractiveUser')"), w.appToken(), "")
		found := false
		for _, e := range v["value"].([]any) {
			e := e.(map[string]any)
			found = found || e["authenticationProtocol"] == "saml20" && e["appId"] == b.client
		}
		if !found {
			t.Errorf("no sign-in by SAML: %v", v)
		}
	})
}

func TestWhatASAMLRequestCannotHave(t *testing.T) {
	w := newWorld(t)
	_, pass := w.addPerson("mira@contoso.example")
	a := newSAMLApp(w, "orders", "")
	plain := newSAMLApp(w, "plain", "")
	w.change(http.MethodPatch, "/v1.0/servicePrincipals/"+plain.service, `{"preferredSingleSignOnMode":null}`)
	evil := samlKey()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	evil.Key = k
	w.newBrowser()
	a.mustReadAfter(pass)
	for name, c := range map[string]struct {
		q    saml.AuthnRequest
		by   *saml.Signer
		code string
	}{
		"an answer elsewhere":                     {a.request(func(q *saml.AuthnRequest) { q.ACS = "https://evil.example/acs" }), nil, "samlReplyUnknown"},
		"an answer at an address that begins so":  {a.request(func(q *saml.AuthnRequest) { q.ACS += "/more" }), nil, "samlReplyUnknown"},
		"an index that nobody registered":         {a.request(func(q *saml.AuthnRequest) { q.ACS, q.ACSIndex = "", 7 }), nil, "samlReplyUnknown"},
		"the entity id of nobody":                 {a.request(func(q *saml.AuthnRequest) { q.Issuer = "https://evil.example" }), nil, "samlApplicationUnknown"},
		"an entity id in other letters":           {a.request(func(q *saml.AuthnRequest) { q.Issuer = strings.ToUpper(q.Issuer) }), nil, "samlApplicationUnknown"},
		"an application that does not speak SAML": {plain.request(nil), nil, "samlApplicationUnknown"},
		"somebody else's signature":               {a.request(nil), &evil, "samlSignatureInvalid"},
		"another destination":                     {a.request(func(q *saml.AuthnRequest) { q.Destination = "https://evil.example" + a.path() }), nil, "samlConditions"},
		"an hour of age":                          {a.request(func(q *saml.AuthnRequest) { q.IssueInstant = q.IssueInstant.Add(-time.Hour) }), nil, "samlConditions"},
	} {
		t.Run(name, func(t *testing.T) {
			location, err := c.q.Redirect("", c.by)
			if err != nil {
				t.Fatal(err)
			}
			_, query, _ := strings.Cut(location, "?")
			if got := w.get(a.path() + "?" + query); got.status < 400 || !strings.Contains(got.body, `data-error="`+c.code+`"`) {
				t.Errorf("%d\n%s", got.status, got.body)
			}
		})
	}
	w.change(http.MethodPatch, "/v1.0/applications/"+a.object, `{"requestSignatureVerification":{"isSignedRequestRequired":true}}`)
	if got := a.ask(a.request(nil), nil); !strings.Contains(got.body, `data-error="samlUnsigned"`) {
		t.Errorf("unsigned, where a signature is required: %d\n%s", got.status, got.body)
	}
	by, q := samlKey(), a.request(nil)
	a.mustRead(a.ask(q, &by), q.ID)
	w.change(http.MethodPatch, "/v1.0/servicePrincipals/"+a.service, `{"appRoleAssignmentRequired":true}`)
	if got := a.ask(a.request(nil), &by); !strings.Contains(got.body, `data-error="samlNotAssigned"`) {
		t.Errorf("somebody who is not assigned: %d\n%s", got.status, got.body)
	}
	w.change(http.MethodPatch, "/v1.0/servicePrincipals/"+a.service, `{"accountEnabled":false}`)
	if got := a.ask(a.request(nil), &by); !strings.Contains(got.body, `data-error="samlApplicationDisabled"`) {
		t.Errorf("a disabled application: %d\n%s", got.status, got.body)
	}
}

func (a *samlApp) mustReadAfter(pass string) saml.Assertion {
	a.w.t.Helper()
	q := a.request(nil)
	return a.mustRead(a.signIn(q, "mira@contoso.example", pass), q.ID)
}

func TestWhatASAMLRequestAsksForIsProvedOrRefused(t *testing.T) {
	w := newWorld(t)
	_, pass := w.addPerson("mira@contoso.example")
	a := newSAMLApp(w, "orders", "")
	refused := func(name, want string, change func(*saml.AuthnRequest)) {
		t.Helper()
		q := a.request(change)
		_, err := a.read(a.ask(q, nil), q.ID)
		said, ok := errors.AsType[*saml.StatusError](err)
		if !ok || said.Second != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.newBrowser()
	refused("nobody is signed in, and no question is allowed", saml.StatusNoPassive, func(q *saml.AuthnRequest) { q.IsPassive = true })
	a.mustReadAfter(pass)
	refused("a class that nobody knows", saml.StatusNoAuthnContext, func(q *saml.AuthnRequest) { q.Contexts = []string{"urn:x"} })
	refused("a format that nobody knows", saml.StatusInvalidNameID, func(q *saml.AuthnRequest) { q.NameIDFormat = "urn:x" })
	refused("another proof, and no question is allowed", saml.StatusNoPassive, func(q *saml.AuthnRequest) { q.IsPassive, q.ForceAuthn = true, true })
	refused("a phishing-resistant proof, and no question is allowed", saml.StatusNoPassive, func(q *saml.AuthnRequest) { q.IsPassive, q.Contexts = true, []string{"phr"} })
	passive := a.request(func(q *saml.AuthnRequest) { q.IsPassive = true })
	a.mustRead(a.ask(passive, nil), passive.ID)
	for class, want := range map[string]string{
		"urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
		"http://schemas.microsoft.com/claims/multipleauthn":                 "http://schemas.microsoft.com/claims/multipleauthn",
	} {
		q := a.request(func(q *saml.AuthnRequest) { q.Contexts, q.Comparison = []string{class}, "exact" })
		if in := a.mustRead(a.ask(q, nil), q.ID); in.AuthnContext != want {
			t.Errorf("asked for %s, told %s", class, in.AuthnContext)
		}
	}
	before := time.Now()
	q := a.request(func(q *saml.AuthnRequest) { q.ForceAuthn = true })
	begin := a.ask(q, nil)
	if begin.status != http.StatusSeeOther {
		t.Fatalf("ForceAuthn: %d\n%s", begin.status, begin.body)
	}
	if done := w.post(begin.location, url.Values{"accesspass": {pass}}); done.status != http.StatusSeeOther {
		t.Fatalf("the pass again: %d\n%s", done.status, done.body)
	} else if in := a.mustRead(w.get(w.post(begin.location, url.Values{"stay": {"no"}}).location), q.ID); in.AuthnInstant.Before(before.Add(-time.Second)) {
		t.Errorf("an old proof at %s", in.AuthnInstant)
	}
}

func TestSAMLLogoutGoesBothWays(t *testing.T) {
	w := newWorld(t)
	_, pass := w.addPerson("mira@contoso.example")
	a, b := newSAMLApp(w, "orders", ""), newSAMLApp(w, "bills", "")
	w.newBrowser()
	in := a.mustReadAfter(pass)
	q := b.request(nil)
	b.mustRead(b.ask(q, nil), q.ID)

	out := saml.LogoutRequest{
		ID: saml.NewID(), Issuer: a.entity, Destination: w.site.URL + a.path(), IssueInstant: time.Now(), Subject: in.Subject, SessionIndexes: []string{in.SessionIndex},
	}
	location, err := out.Redirect("back", samlKey())
	if err != nil {
		t.Fatal(err)
	}
	bare := location[:strings.Index(location, "&SigAlg")]
	if got := w.get(strings.TrimPrefix(bare, w.site.URL)); !strings.Contains(got.body, `data-error="samlUnsigned"`) {
		t.Errorf("an unsigned logout: %d\n%s", got.status, got.body)
	}
	still := a.request(func(q *saml.AuthnRequest) { q.IsPassive = true })
	a.mustRead(a.ask(still, nil), still.ID)

	other := out
	other.Subject.Value = "admin@contoso.example"
	foreign, err := other.Redirect("", samlKey())
	if err != nil {
		t.Fatal(err)
	}
	w.get(strings.TrimPrefix(foreign, w.site.URL))
	still = a.request(func(q *saml.AuthnRequest) { q.IsPassive = true })
	a.mustRead(a.ask(still, nil), still.ID)

	page := w.get(strings.TrimPrefix(location, w.site.URL))
	text := html.UnescapeString(page.body)
	if page.status != http.StatusOK || !strings.Contains(text, b.slo+"?SAMLRequest=") || strings.Contains(text, a.slo+"?SAMLRequest=") || !strings.Contains(text, a.slo+"?SAMLResponse=") {
		t.Fatalf("who is told: %d\n%s", page.status, text)
	}
	answered := regexp.MustCompile(regexp.QuoteMeta(a.slo) + `\?([^"]*)`).FindStringSubmatch(text)
	e, err := saml.FromRedirect(answered[1])
	if err != nil {
		t.Fatal(err)
	}
	reply, err := saml.Read(e)
	if err != nil {
		t.Fatal(err)
	}
	m := a.idp()
	if err := reply.LogoutResponse(saml.Expect{Trust: saml.Trust{Certificates: m.IDP.Signing, Now: time.Now()}, Issuer: m.EntityID, Destination: a.slo, InResponseTo: out.ID}); err != nil || reply.RelayState() != "back" {
		t.Errorf("the answer: %v, %q", err, reply.RelayState())
	}
	gone := b.request(func(q *saml.AuthnRequest) { q.IsPassive = true })
	if _, err := b.read(b.ask(gone, nil), gone.ID); err == nil {
		t.Error("the session is still there")
	}

	w.newBrowser()
	a.mustReadAfter(pass)
	signedOut := w.post("/"+w.created.TenantID+"/oauth2/v2.0/logout", nil)
	if text := html.UnescapeString(signedOut.body); !strings.Contains(text, a.slo+"?SAMLRequest=") {
		t.Errorf("a sign-out here does not tell the application: %d\n%s", signedOut.status, text)
	}
}

func TestConditionalAccessIsAskedForSAMLToo(t *testing.T) {
	w := newWorld(t)
	_, pass := w.addPerson("mira@contoso.example")
	a, b := newSAMLApp(w, "orders", ""), newSAMLApp(w, "bills", "")
	w.newBrowser()
	a.mustReadAfter(pass)
	passive := func(x *samlApp) error {
		q := x.request(func(q *saml.AuthnRequest) { q.IsPassive = true })
		_, err := x.read(x.ask(q, nil), q.ID)
		return err
	}
	of := func(x *samlApp) func(*access.Policy) {
		return func(p *access.Policy) { p.Conditions.Applications.Include = []string{x.client} }
	}
	change := w.rule("No orders today", of(a))
	if err := passive(a); err == nil {
		t.Error("a session leads around the rule")
	}
	if err := passive(b); err != nil {
		t.Errorf("the rule of one application stops another: %v", err)
	}
	page := a.ask(a.request(nil), nil)
	if blocked := w.get(page.location); stepOf(blocked) != "blocked" || !strings.Contains(blocked.body, "No orders today") {
		t.Errorf("the page of a blocked person: %d\n%s", blocked.status, blocked.body)
	}
	change(switchedOff)
	if err := passive(a); err != nil {
		t.Errorf("after the rule was lifted: %v", err)
	}
	w.rule("Only with a key", func(p *access.Policy) {
		of(b)(p)
		asks("00000000-0000-0000-0000-000000000004")(p)
	})
	if err := passive(b); err == nil {
		t.Error("a pass is phishing-resistant")
	}
	q := a.request(nil)
	a.mustRead(a.ask(q, nil), q.ID)
	event := w.lastSignIn("userPrincipalName eq 'mira@contoso.example' and appId eq '" + a.client + "' and signInEventTypes/any(t: t eq 'nonInteractiveUser')")
	if event["authenticationProtocol"] != "saml20" {
		t.Errorf("the log: %v", event)
	}
}
