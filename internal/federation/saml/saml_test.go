package saml

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"math/big"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/federation"
	"github.com/postern-id/postern/internal/saml"
)

var nine = time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)

// The signers are made once: RSA is slow.
var ours, theirs, nextTheirs, evil = sync.OnceValue(newSigner), sync.OnceValue(newSigner), sync.OnceValue(newSigner), sync.OnceValue(newSigner)

func newSigner() saml.Signer {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		panic(err)
	}
	c := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: "test"}, NotBefore: nine.Add(-time.Hour), NotAfter: nine.Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, crypto.Signer(k).Public(), k)
	if err != nil {
		panic(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		panic(err)
	}
	return saml.Signer{Key: k, Certificate: c}
}

const upstream = "https://idp.fabrikam.example"

// party is this server, an upstream, and the request between them.
type party struct {
	client *Client
	c      federation.Configuration
	r      federation.Request
	now    time.Time
	seen   map[string]bool
}

func newParty() *party {
	p := &party{now: nine, seen: map[string]bool{}, c: federation.Usual(federation.SAML)}
	p.client = &Client{
		Signers: func(context.Context, directory.TenantID) ([]saml.Signer, error) { return []saml.Signer{ours()}, nil },
		Seen: func(_ context.Context, tenant, kind, id string, _ time.Time) (bool, error) {
			key := tenant + kind + id
			was := p.seen[key]
			p.seen[key] = true
			return !was, nil
		},
		Now: func() time.Time { return p.now },
	}
	p.c.Tenant, p.c.Domain, p.c.DisplayName, p.c.Issuer, p.c.SignInURI = "t", "fabrikam.example", "Fabrikam", upstream, upstream+"/sso"
	p.c.SigningCertificate = federation.FormatCertificate(theirs().Certificate)
	p.r = federation.Request{
		State: "12345678.state", Nonce: "nonce", Answer: "https://postern.example/t/federation/saml/acs", Entity: "https://postern.example/t/federation/saml/metadata", At: nine,
	}
	return p
}

func (p *party) response() saml.Response {
	return saml.Response{
		ID: saml.NewID(), Issuer: upstream, Destination: p.r.Answer, InResponseTo: requestID(p.r), IssueInstant: p.now, Status: saml.StatusSuccess,
		Audience: p.r.Entity, SignAssertion: true,
		Assertion: &saml.Assertion{
			ID: saml.NewID(), Issuer: upstream, Subject: saml.NameID{Format: saml.Persistent, Value: "m-4711"}, SessionIndex: "s1", AuthnInstant: p.now,
			AuthnContext: "https://refeds.org/profile/mfa", InResponseTo: requestID(p.r), NotOnOrAfter: p.now.Add(5 * time.Minute),
			Attributes: []saml.Attribute{
				{Name: p.c.Claims.UserPrincipalName, Values: []string{"mira@fabrikam.example"}}, {Name: MethodsClaim, Values: []string{"pwd", federation.MultipleAuthn}},
			},
		},
	}
}

// take gives the client what r becomes when by signs it.
func (p *party) take(t *testing.T, r saml.Response, by saml.Signer, state string) (federation.Assertion, error) {
	t.Helper()
	form, err := r.POST(state, by)
	if err != nil {
		t.Fatal(err)
	}
	return p.client.Take(t.Context(), p.c, p.r, form.Encode())
}

func TestAnUpstreamSaysWhoAPersonIs(t *testing.T) {
	p := newParty()
	for name, change := range map[string]func(r *saml.Response){
		"signed":              func(*saml.Response) {},
		"the response signed": func(r *saml.Response) { r.SignAssertion, r.SignResponse = false, true },
		"encrypted":           func(r *saml.Response) { r.EncryptTo = ours().Certificate },
	} {
		r := p.response()
		change(&r)
		a, err := p.take(t, r, theirs(), p.r.State)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		upn, err := p.c.Name(a)
		if err != nil || upn != "mira@fabrikam.example" || a.Subject != "m-4711" || !a.At.Equal(p.now) || !p.c.MultiFactor(a) ||
			!slices.Contains(a.Methods, "https://refeds.org/profile/mfa") || !slices.Contains(a.Methods, federation.MultipleAuthn) {
			t.Errorf("%s: %+v, %q %v", name, a, upn, err)
		}
	}
}

func TestAnswersThatCantBeBelievedAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		change func(p *party, r *saml.Response)
		by     func() saml.Signer
		state  string
		want   error
	}{
		"of another sign-in": {func(_ *party, r *saml.Response) { r.InResponseTo, r.Assertion.InResponseTo = "_other", "_other" }, nil, "", saml.ErrConditions},
		"unsolicited":        {func(_ *party, r *saml.Response) { r.InResponseTo, r.Assertion.InResponseTo = "", "" }, nil, "", saml.ErrConditions},
		"with another state": {nil, nil, "12345678.other", federation.ErrAnswer},
		"of another issuer": {func(_ *party, r *saml.Response) {
			r.Issuer, r.Assertion.Issuer = "https://evil.example", "https://evil.example"
		}, nil, "", saml.ErrConditions},
		"for another audience":       {func(_ *party, r *saml.Response) { r.Audience = "https://other.example" }, nil, "", saml.ErrConditions},
		"for another address":        {func(_ *party, r *saml.Response) { r.Destination = "https://other.example/acs" }, nil, "", saml.ErrConditions},
		"signed by somebody else":    {nil, evil, "", saml.ErrSignature},
		"encrypted for nobody here":  {func(_ *party, r *saml.Response) { r.EncryptTo = evil().Certificate }, nil, "", saml.ErrEncryption},
		"an assertion that is over":  {func(p *party, r *saml.Response) { r.Assertion.NotOnOrAfter = p.now.Add(-time.Minute) }, nil, "", saml.ErrConditions},
		"over, as far as clocks say": {func(p *party, r *saml.Response) { r.Assertion.NotOnOrAfter = p.now.Add(-time.Minute + time.Second) }, nil, "", nil},
		"of the future":              {func(p *party, r *saml.Response) { r.IssueInstant = p.now.Add(time.Minute + time.Second) }, nil, "", saml.ErrConditions},
		"when the certificate ended": {func(p *party, _ *saml.Response) { p.now = nine.Add(25 * time.Hour) }, nil, "", saml.ErrCertificate},
		"a name that is not lasting": {func(_ *party, r *saml.Response) { r.Assertion.Subject.Format = saml.Transient }, nil, "", federation.ErrAnswer},
		"the upstream said no": {func(_ *party, r *saml.Response) {
			r.Assertion, r.SignResponse, r.Status, r.Second = nil, true, saml.StatusResponder, saml.StatusAuthnFailed
		}, nil, "", federation.ErrUpstream},
		"it did no second factor": {func(_ *party, r *saml.Response) {
			r.Assertion, r.SignResponse, r.Status, r.Second = nil, true, saml.StatusResponder, saml.StatusNoAuthnContext
		}, nil, "", federation.ErrNoMFA},
	} {
		t.Run(name, func(t *testing.T) {
			p := newParty()
			r := p.response()
			if test.change != nil {
				test.change(p, &r)
			}
			by, state := theirs(), p.r.State
			if test.by != nil {
				by = test.by()
			}
			if test.state != "" {
				state = test.state
			}
			if _, err := p.take(t, r, by, state); !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			} else if f, ok := errors.AsType[*fault.Error](err); err != nil && (!ok || f.AADSTS == 0) {
				t.Errorf("%v has no number for the log", err)
			}
		})
	}
}

func TestAnAssertionCountsOnce(t *testing.T) {
	p := newParty()
	r := p.response()
	if _, err := p.take(t, r, theirs(), p.r.State); err != nil {
		t.Fatal(err)
	}
	if _, err := p.take(t, r, theirs(), p.r.State); !errors.Is(err, saml.ErrReplayed) {
		t.Errorf("again: %v", err)
	}
}

func TestWhatAnUpstreamIsAsked(t *testing.T) {
	p := newParty()
	asked := func() (saml.AuthnRequest, saml.Incoming) {
		t.Helper()
		to, err := p.client.Leave(t.Context(), p.c, p.r)
		if err != nil || !strings.HasPrefix(to, p.c.SignInURI+"?") {
			t.Fatalf("%q, %v", to, err)
		}
		u, err := url.Parse(to)
		if err != nil {
			t.Fatal(err)
		}
		e, err := saml.FromRedirect(u.RawQuery)
		if err != nil || e.RelayState != p.r.State {
			t.Fatal(e.RelayState, err)
		}
		in, err := saml.Read(e)
		if err != nil {
			t.Fatal(err)
		}
		x := saml.Expect{Trust: saml.Trust{Certificates: []*x509.Certificate{ours().Certificate}, Now: nine}, Issuer: p.r.Entity, Destination: p.c.SignInURI}
		q, err := in.AuthnRequest(x, p.c.SignedRequests)
		if err != nil {
			t.Fatal(err)
		}
		return q, in
	}
	if q, in := asked(); !in.Signed() || q.ID != requestID(p.r) || q.ACS != p.r.Answer || q.ForceAuthn || len(q.Contexts) > 0 {
		t.Errorf("asked %+v", q)
	}
	p.r.MFA, p.r.Since = true, nine.Add(-time.Hour)
	if q, _ := asked(); !q.ForceAuthn || !slices.Equal(q.Contexts, []string{federation.MultipleAuthn, "https://refeds.org/profile/mfa"}) {
		t.Errorf("for two factors anew: %+v", q)
	}
	p.c.SignedRequests = false
	if _, in := asked(); in.Signed() {
		t.Error("signed, where that is not wanted")
	}
}

func TestMetadataDescribeThisServer(t *testing.T) {
	p := newParty()
	raw, err := p.client.Metadata(t.Context(), "t", p.r.Entity, p.r.Answer, "https://login.example.com/t/federation/saml/logout")
	if err != nil {
		t.Fatal(err)
	}
	m, err := saml.ReadMetadata(raw, &saml.Trust{Certificates: []*x509.Certificate{ours().Certificate}, Now: nine}, nine)
	if err != nil || m.EntityID != p.r.Entity || m.SP == nil || len(m.SP.ACS) != 1 || m.SP.ACS[0].Location != p.r.Answer ||
		len(m.SP.SLO) != 2 || m.SP.SLO[0].Binding != saml.Redirect || m.SP.SLO[1].Binding != saml.SOAP ||
		m.SP.SLO[0].Location != "https://login.example.com/t/federation/saml/logout" || m.SP.SLO[1].Location != m.SP.SLO[0].Location ||
		len(m.SP.Encryption) != 1 || !m.SP.Encryption[0].Equal(ours().Certificate) {
		t.Errorf("%+v, %v\n%s", m, err, raw)
	}
}

// A change of certificates, as an upstream's metadata tell it day by day.
func TestCertificatesFollowTheMetadata(t *testing.T) {
	p := newParty()
	p.c.MetadataURI = upstream + "/metadata"
	describe := func(entity string, all ...saml.Signer) []byte {
		t.Helper()
		role := &saml.Role{SSO: []saml.Endpoint{{Binding: saml.Redirect, Location: upstream + "/sso"}}}
		for _, s := range all {
			role.Signing = append(role.Signing, s.Certificate)
		}
		raw, err := saml.Metadata{EntityID: entity, IDP: role}.XML(nil)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	text := func(s saml.Signer) string { return federation.FormatCertificate(s.Certificate) }
	for _, step := range []struct {
		name          string
		raw           []byte
		present, next string
		changed       bool
	}{
		{"as it is", describe(upstream, theirs()), text(theirs()), "", false},
		{"the next one is told", describe(upstream, nextTheirs(), theirs()), text(theirs()), text(nextTheirs()), true},
		{"again", describe(upstream, theirs(), nextTheirs()), text(theirs()), text(nextTheirs()), false},
		{"the former one is gone", describe(upstream, nextTheirs()), text(nextTheirs()), "", true},
		{"another at once", describe(upstream, evil()), text(evil()), "", true},
	} {
		c, changed, err := Renewed(p.c, step.raw, nine)
		if err != nil || changed != step.changed || c.SigningCertificate != step.present || c.NextSigningCertificate != step.next {
			t.Errorf("%s: changed %t, %v", step.name, changed, err)
		}
		p.c = c
	}
	for name, raw := range map[string][]byte{
		"of somebody else": describe("https://evil.example", theirs()), "without a certificate": describe(upstream), "no XML": []byte("<"),
		"with a DOCTYPE": []byte("<!DOCTYPE x>" + string(describe(upstream, theirs()))), "text in base64": []byte(base64.StdEncoding.EncodeToString(describe(upstream, theirs()))),
	} {
		if c, changed, err := Renewed(p.c, raw, nine); err == nil || changed || c.SigningCertificate != p.c.SigningCertificate {
			t.Errorf("%s: changed %t, %v", name, changed, err)
		}
	}
}

func TestWhileCertificatesChangeBothCount(t *testing.T) {
	p := newParty()
	p.c.NextSigningCertificate = federation.FormatCertificate(nextTheirs().Certificate)
	for _, by := range []saml.Signer{theirs(), nextTheirs()} {
		if _, err := p.take(t, p.response(), by, p.r.State); err != nil {
			t.Error(err)
		}
	}
}
