package saml_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/postern-id/postern/internal/saml"
)

const (
	idp   = "https://idp.contoso.example/saml"
	sp    = "https://sp.contoso.example"
	acs   = "https://sp.contoso.example/acs"
	asked = "_request1"
)

var nine = time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)

// keys are made once: RSA is slow.
var keys = struct {
	ours, theirs, evil func() saml.Signer
	ec                 func() saml.Signer
}{
	sync.OnceValue(func() saml.Signer { return newSigner(rsaKey()) }), sync.OnceValue(func() saml.Signer { return newSigner(rsaKey()) }),
	sync.OnceValue(func() saml.Signer { return newSigner(rsaKey()) }),
	sync.OnceValue(func() saml.Signer {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		return newSigner(k)
	}),
}

func rsaKey() crypto.Signer {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
}

func newSigner(k crypto.Signer) saml.Signer {
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: nine.Add(-time.Hour), NotAfter: nine.Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, k.Public(), k)
	if err != nil {
		panic(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		panic(err)
	}
	return saml.Signer{Key: k, Certificate: c}
}

func response() saml.Response {
	return saml.Response{
		ID: "_response1", Issuer: idp, Destination: acs, InResponseTo: asked, IssueInstant: nine, Status: saml.StatusSuccess,
		Audience: sp, SignAssertion: true,
		Assertion: &saml.Assertion{
			ID: "_assertion1", Issuer: idp, Subject: saml.NameID{Format: saml.Persistent, Value: "amelie"}, SessionIndex: "_session1",
			AuthnInstant: nine, AuthnContext: "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
			InResponseTo: asked, NotOnOrAfter: nine.Add(5 * time.Minute),
			Attributes: []saml.Attribute{{Name: "mail", Values: []string{"amelie@contoso.example"}}, {Name: "groups", Values: []string{"a", "b"}}},
		},
	}
}

func expect() saml.Expect {
	return saml.Expect{
		Trust:  saml.Trust{Certificates: []*x509.Certificate{keys.theirs().Certificate}, Now: nine},
		Issuer: idp, Destination: acs, InResponseTo: asked, Audience: sp,
		Once: func(string, time.Time) error { return nil },
	}
}

// sent is the XML of r, signed by the identity provider.
func sent(t testing.TB, r saml.Response, by saml.Signer) []byte {
	t.Helper()
	form, err := r.POST("", by)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(form.Get("SAMLResponse"))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// opened reads raw as a posted response.
func opened(raw []byte, x saml.Expect) (saml.Assertion, error) {
	e, err := saml.FromPOST(url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString(raw)}})
	if err != nil {
		return saml.Assertion{}, err
	}
	in, err := saml.Read(e)
	if err != nil {
		return saml.Assertion{}, err
	}
	return in.Response(x)
}

// edited is raw with its tree changed.
func edited(t testing.TB, raw []byte, edit func(root *etree.Element)) []byte {
	t.Helper()
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(raw); err != nil {
		t.Fatal(err)
	}
	edit(doc.Root())
	out, err := doc.WriteToBytes()
	if err != nil {
		t.Fatal(err)
	}
	return out
}
