package sdjwt

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net/url"
	"testing"
	"time"
)

// An authority signs certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

var tenPast = time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)

// make returns a certificate as change wants it, signed by a; by itself where a is nobody.
func (a authority) make(change func(*x509.Certificate)) authority {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "x"}, NotBefore: tenPast.Add(-time.Hour), NotAfter: tenPast.Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, BasicConstraintsValid: true,
	}
	change(c)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	out, err := x509.ParseCertificate(raw)
	if err != nil {
		a.t.Fatal(err)
	}
	return authority{a.t, out, key}
}

func (a authority) text() string { return base64.StdEncoding.EncodeToString(a.cert.Raw) }

func TestACertificateIsOfTheIssuerThatItNamesAndComesFromARoot(t *testing.T) {
	issuing := func(c *x509.Certificate) { c.IsCA = true }
	named := func(c *x509.Certificate) { c.DNSNames = []string{"hr.example"} }
	root, other := authority{t: t}.make(issuing), authority{t: t}.make(issuing)
	between := root.make(issuing)
	i := Issuer{ID: "https://hr.example/people", Roots: []string{string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.cert.Raw}))}}
	for name, x := range map[string]struct {
		leaf authority
		more []string
		want bool
	}{
		"that names its host":         {root.make(named), nil, true},
		"by one in between":           {between.make(named), []string{between.text()}, true},
		"without the one in between":  {between.make(named), nil, false},
		"that names its address":      {root.make(func(c *x509.Certificate) { c.URIs = []*url.URL{{Scheme: "https", Host: "hr.example", Path: "/people"}} }), nil, true},
		"that names another address":  {root.make(func(c *x509.Certificate) { c.URIs = []*url.URL{{Scheme: "https", Host: "hr.example", Path: "/guests"}} }), nil, false},
		"that names another host":     {root.make(func(c *x509.Certificate) { c.DNSNames = []string{"shop.example"} }), nil, false},
		"that names nobody":           {root.make(func(*x509.Certificate) {}), nil, false},
		"from another root":           {other.make(named), []string{other.text()}, false},
		"signed by itself":            {authority{t: t}.make(named), nil, false},
		"that is over":                {root.make(func(c *x509.Certificate) { named(c); c.NotAfter = tenPast.Add(-time.Second) }), nil, false},
		"that has not begun":          {root.make(func(c *x509.Certificate) { named(c); c.NotBefore = tenPast.Add(time.Second) }), nil, false},
		"that signs certificates":     {root.make(func(c *x509.Certificate) { named(c); issuing(c) }), nil, false},
		"in a chain that is too long": {root.make(named), []string{root.text(), root.text(), root.text(), root.text(), root.text(), root.text()}, false},
		"beside what is none":         {root.make(named), []string{"x"}, false},
	} {
		keys := i.signers(header{Chain: append([]string{x.leaf.text()}, x.more...)}, tenPast)
		if got := len(keys) == 1 && x.leaf.key.PublicKey.Equal(keys[0]); got != x.want {
			t.Errorf("%s: %v", name, keys)
		}
	}
	if keys := (Issuer{ID: i.ID}).signers(header{Chain: []string{root.make(named).text()}}, tenPast); len(keys) != 0 {
		t.Errorf("without roots a chain is believed: %v", keys)
	}
}
