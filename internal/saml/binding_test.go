package saml_test

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/saml"
)

func authnRequest() saml.AuthnRequest {
	return saml.AuthnRequest{
		ID: "_request1", Issuer: sp, Destination: "https://idp.contoso.example/sso", IssueInstant: nine, ACS: acs, ACSIndex: -1,
		ProtocolBinding: saml.POST, NameIDFormat: saml.Persistent, ForceAuthn: true, Comparison: "minimum",
		Contexts: []string{"urn:oasis:names:tc:SAML:2.0:ac:classes:Password"}, Subject: saml.NameID{Value: "amelie@contoso.example"},
	}
}

func fromSP() saml.Expect {
	return saml.Expect{
		Trust:  saml.Trust{Certificates: []*x509.Certificate{keys.ours().Certificate, keys.ec().Certificate}, Now: nine},
		Issuer: sp, Destination: "https://idp.contoso.example/sso",
	}
}

// received reads a message from a URL or a form.
func received(t *testing.T, location string, form url.Values) saml.Incoming {
	t.Helper()
	e, err := saml.FromPOST(form)
	if location != "" {
		_, query, _ := strings.Cut(location, "?")
		e, err = saml.FromRedirect(query)
	}
	if err != nil {
		t.Fatal(err)
	}
	in, err := saml.Read(e)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func TestARequestArrivesAsItWasSent(t *testing.T) {
	t.Parallel()
	for name, by := range map[string]saml.Signer{"RSA": keys.ours(), "ECDSA": keys.ec()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			location, err := authnRequest().Redirect("state & more", &by)
			if err != nil {
				t.Fatal(err)
			}
			form, err := authnRequest().POST("state & more", &by)
			if err != nil {
				t.Fatal(err)
			}
			for _, in := range []saml.Incoming{received(t, location, nil), received(t, "", form)} {
				q, err := in.AuthnRequest(fromSP(), true)
				if err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(authnRequest(), q) || in.RelayState() != "state & more" {
					t.Errorf("%s %+v", in.RelayState(), q)
				}
			}
		})
	}
}

func TestASignedQueryIsTakenAsItWasSent(t *testing.T) {
	t.Parallel()
	by := keys.ours()
	location, err := authnRequest().Redirect("state", &by)
	if err != nil {
		t.Fatal(err)
	}
	bare, err := authnRequest().Redirect("state", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, query, _ := strings.Cut(location, "?")
	_, unsigned, _ := strings.Cut(bare, "?")
	foreign := keys.evil()
	other, err := authnRequest().Redirect("state", &foreign)
	if err != nil {
		t.Fatal(err)
	}
	_, evil, _ := strings.Cut(other, "?")
	for name, query := range map[string]string{
		"another RelayState":              strings.Replace(query, "RelayState=state", "RelayState=other", 1),
		"no RelayState":                   strings.Replace(query, "&RelayState=state", "", 1),
		"a second message":                query + "&SAMLRequest=x",
		"a response beside it":            query + "&SAMLResponse=x",
		"a second signature":              query + "&Signature=x",
		"RSA with SHA-1":                  strings.Replace(query, "xmldsig-more%23rsa-sha256", "xmldsig%23rsa-sha1", 1),
		"HMAC":                            strings.Replace(query, "rsa-sha256", "hmac-sha256", 1),
		"no signature":                    unsigned,
		"an empty signature":              unsigned + "&SigAlg=x&Signature=",
		"somebody else's":                 evil,
		"another encoding of it":          query + "&SAMLEncoding=x",
		"another message, same signature": strings.Replace(query, query[:strings.Index(query, "&")], unsigned[:20]+"x"+unsigned[20:strings.Index(unsigned, "&")], 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := saml.FromRedirect(query)
			if err != nil {
				return
			}
			in, err := saml.Read(e)
			if err != nil {
				return
			}
			if q, err := in.AuthnRequest(fromSP(), true); err == nil {
				t.Errorf("it was believed: %+v", q)
			}
		})
	}
}

func TestARequestThatIsSignedIsVerified(t *testing.T) {
	t.Parallel()
	foreign := keys.evil()
	location, err := authnRequest().Redirect("", &foreign)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := received(t, location, nil).AuthnRequest(fromSP(), false); !errors.Is(err, saml.ErrSignature) {
		t.Errorf("with a foreign signature: %v", err)
	}
	location, err = authnRequest().Redirect("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := received(t, location, nil).AuthnRequest(fromSP(), false); err != nil {
		t.Errorf("unsigned, where that is enough: %v", err)
	}
	if _, err := received(t, location, nil).AuthnRequest(fromSP(), true); !errors.Is(err, saml.ErrUnsigned) {
		t.Errorf("unsigned, where it is not: %v", err)
	}
	old := fromSP()
	old.Trust.Now = nine.Add(time.Hour)
	if _, err := received(t, location, nil).AuthnRequest(old, false); !errors.Is(err, saml.ErrConditions) {
		t.Errorf("an hour old: %v", err)
	}
	other := fromSP()
	other.Issuer = "https://other.example"
	if _, err := received(t, location, nil).AuthnRequest(other, false); !errors.Is(err, saml.ErrConditions) {
		t.Errorf("of another issuer: %v", err)
	}
	elsewhere := fromSP()
	elsewhere.Destination = "https://other.example/sso"
	if _, err := received(t, location, nil).AuthnRequest(elsewhere, false); !errors.Is(err, saml.ErrConditions) {
		t.Errorf("for another address: %v", err)
	}
}

func TestOnlyASignedLogoutCounts(t *testing.T) {
	t.Parallel()
	q := saml.LogoutRequest{
		ID: "_logout1", Issuer: sp, Destination: "https://idp.contoso.example/sso", IssueInstant: nine,
		Subject: saml.NameID{Format: saml.Persistent, Value: "amelie"}, SessionIndexes: []string{"_session1"},
	}
	location, err := q.Redirect("state", keys.ours())
	if err != nil {
		t.Fatal(err)
	}
	form, err := q.POST("", keys.ours())
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range []saml.Incoming{received(t, location, nil), received(t, "", form)} {
		got, err := in.LogoutRequest(fromSP())
		if err != nil || !reflect.DeepEqual(q, got) {
			t.Errorf("%v %+v", err, got)
		}
	}
	bare := location[:strings.Index(location, "&SigAlg")]
	if _, err := received(t, bare, nil).LogoutRequest(fromSP()); !errors.Is(err, saml.ErrUnsigned) {
		t.Errorf("unsigned by redirect: %v", err)
	}
	stripped := edited(t, decoded(t, form.Get("SAMLRequest")), withoutSignature)
	if _, err := received(t, "", url.Values{"SAMLRequest": {encoded(stripped)}}).LogoutRequest(fromSP()); !errors.Is(err, saml.ErrUnsigned) {
		t.Errorf("unsigned by POST: %v", err)
	}
	late := fromSP()
	late.Trust.Now = nine.Add(time.Hour)
	if _, err := received(t, location, nil).LogoutRequest(late); !errors.Is(err, saml.ErrConditions) {
		t.Errorf("an hour old: %v", err)
	}
	answer := saml.LogoutResponse{ID: "_answer1", Issuer: sp, Destination: q.Destination, InResponseTo: "_logout1", IssueInstant: nine, Status: saml.StatusSuccess}
	if location, err = answer.Redirect("", keys.ours()); err != nil {
		t.Fatal(err)
	}
	x := fromSP()
	x.InResponseTo = "_logout1"
	bare = location[:strings.Index(location, "&SigAlg")]
	if err := received(t, bare, nil).LogoutResponse(x); !errors.Is(err, saml.ErrUnsigned) {
		t.Errorf("an answer that is not signed: %v", err)
	}
	if err := received(t, location, nil).LogoutResponse(x); err != nil {
		t.Errorf("an answer: %v", err)
	}
	x.InResponseTo = "_other"
	if err := received(t, location, nil).LogoutResponse(x); !errors.Is(err, saml.ErrConditions) {
		t.Errorf("an answer to something else: %v", err)
	}
}

// Of a parameter that comes twice, one could be what is signed and the other what is read.
func TestNoParameterComesTwice(t *testing.T) {
	t.Parallel()
	by := keys.ours()
	for _, name := range []string{"SAMLRequest", "RelayState", "SigAlg", "Signature"} {
		location, err := authnRequest().Redirect("state", &by)
		if err != nil {
			t.Fatal(err)
		}
		_, query, _ := strings.Cut(location, "?")
		if _, err := saml.FromRedirect(query); err != nil {
			t.Fatal(err)
		}
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := saml.FromRedirect(query + "&" + name + "=" + url.QueryEscape(values.Get(name))); !errors.Is(err, saml.ErrMalformed) {
			t.Errorf("%s by redirect: %v", name, err)
		}
	}
	form, err := authnRequest().POST("state", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name := range form {
		twice := maps.Clone(form)
		twice[name] = append(slices.Clone(form[name]), form[name]...)
		if _, err := saml.FromPOST(twice); !errors.Is(err, saml.ErrMalformed) {
			t.Errorf("%s by POST: %v", name, err)
		}
	}
}

func TestMetadataIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	m := saml.Metadata{
		EntityID: idp, ValidUntil: nine.Add(time.Hour),
		IDP: &saml.Role{
			Signing: []*x509.Certificate{keys.theirs().Certificate, keys.ours().Certificate},
			SSO:     []saml.Endpoint{{Binding: saml.Redirect, Location: idp + "/sso", Index: -1}},
			SLO:     []saml.Endpoint{{Binding: saml.Redirect, Location: idp + "/slo", ResponseLocation: idp + "/slo2", Index: -1}},
			Formats: []string{saml.Persistent}, Signed: true,
		},
		SP: &saml.Role{
			Encryption: []*x509.Certificate{keys.ours().Certificate}, AssertionsSigned: true,
			ACS: []saml.Endpoint{{Binding: saml.POST, Location: acs, Index: 0, Default: true}},
		},
	}
	by := keys.theirs()
	raw, err := m.XML(&by)
	if err != nil {
		t.Fatal(err)
	}
	trust := saml.Trust{Certificates: []*x509.Certificate{by.Certificate}, Now: nine}
	got, err := saml.ReadMetadata(raw, &trust, nine)
	if err != nil || !reflect.DeepEqual(m, got) {
		t.Errorf("%v %+v", err, got)
	}
	commented := []byte(strings.Replace(string(raw), "<md:IDPSSO", "<!-- ours --><md:IDPSSO", 1))
	if _, err := saml.ReadMetadata(commented, nil, nine); err != nil {
		t.Errorf("with a comment: %v", err)
	}
	if _, err := saml.ReadMetadata([]byte(strings.Replace(string(raw), "/sso", "/evil", 1)), &trust, nine); !errors.Is(err, saml.ErrSignature) {
		t.Errorf("changed: %v", err)
	}
	if _, err := saml.ReadMetadata(raw, nil, nine.Add(2*time.Hour)); !errors.Is(err, saml.ErrConditions) {
		t.Errorf("after its end: %v", err)
	}
}

func encoded(raw []byte) string { return base64.StdEncoding.EncodeToString(raw) }

func decoded(t *testing.T, s string) []byte {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
