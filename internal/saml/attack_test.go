package saml_test

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/postern-id/postern/internal/saml"
)

func TestDocumentsThatAreNoMessagesAreRefused(t *testing.T) {
	t.Parallel()
	genuine := string(sent(t, response(), keys.theirs()))
	in := func(was, is string) string { return strings.Replace(genuine, was, is, 1) }
	for name, doc := range map[string]string{
		"a DOCTYPE":                          `<!DOCTYPE x [<!ENTITY e "admin">]>` + genuine,
		"an external entity":                 `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>` + in(">amelie<", ">&e;<"),
		"entity expansion":                   `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>` + in(">amelie<", ">&b;<"),
		"an unknown entity":                  in(">amelie<", ">&e;<"),
		"a comment in the name id":           in(">amelie<", ">ame<!-- x -->lie<"),
		"a processing instruction":           in(">amelie<", ">ame<?x y?>lie<"),
		"an element in the name id":          in(">amelie<", ">ame<saml:x></saml:x>lie<"),
		"two roots":                          genuine + genuine,
		"text beside the root":               genuine + "x",
		"no root":                            "",
		"no XML":                             "SAMLResponse",
		"an id twice":                        in("<samlp:Status>", `<samlp:Extensions><x xmlns="urn:x" Id="_assertion1"></x></samlp:Extensions><samlp:Status>`),
		"an id twice, as xml:id":             in("<samlp:Status>", `<samlp:Extensions><x xmlns="urn:x" xml:id="_assertion1"></x></samlp:Extensions><samlp:Status>`),
		"an attribute twice":                 in(`ID="_response1"`, `ID="_response1" ID="_response2"`),
		"an attribute twice by two prefixes": in("<samlp:Status>", `<samlp:Status xmlns:a="urn:x" xmlns:b="urn:x" a:i="1" b:i="2">`),
		"a prefix that is not declared":      in("<samlp:Status>", `<x:Status>`),
		"a name of two colons":               in("<samlp:Status>", "<samlp:Extensions><a:b:c xmlns:a=\"urn:a\"></a:b:c></samlp:Extensions><samlp:Status>"),
		"the prefix xml for something else":  in("<samlp:Status>", `<samlp:Status xmlns:xml="urn:x">`),
		"the prefix xmlns declared":          in("<samlp:Status>", `<samlp:Status xmlns:xmlns="urn:x">`),
		"a response of another namespace":    in(`xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"`, `xmlns:samlp="urn:oasis:names:tc:SAML:1.0:protocol"`),
		"another version":                    in(`Version="2.0"`, `Version="1.1"`),
		"UTF-16":                             "\xff\xfe<\x00x\x00/\x00>\x00",
		"another encoding":                   `<?xml version="1.0" encoding="utf-7"?>` + genuine,
		"elements without end":               in("<samlp:Status>", strings.Repeat("<x>", 200)+strings.Repeat("</x>", 200)+"<samlp:Status>"),
		"very many elements":                 in("<samlp:Status>", "<samlp:Extensions>"+strings.Repeat("<x></x>", 1000)+"</samlp:Extensions><samlp:Status>"),
		"more than is read":                  in("<samlp:Status>", "<samlp:Extensions>"+strings.Repeat(" ", saml.InflateLimit)+"</samlp:Extensions><samlp:Status>"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if doc == genuine {
				t.Fatal("nothing was changed")
			}
			if a, err := opened([]byte(doc), expect()); err == nil {
				t.Errorf("it was believed: %+v", a)
			}
		})
	}
}

// The name id admin<!-- -->.evil.example, whose first text is somebody else's name
// (CVE-2017-11427 and its relatives): the attacker's own account has it, and a comment that
// canonicalization drops is put in after it was signed.
func TestACommentDoesNotShortenAName(t *testing.T) {
	t.Parallel()
	r := response()
	r.Assertion.Subject.Value = "admin@contoso.example.evil.example"
	raw := sent(t, r, keys.theirs())
	a, err := opened(raw, expect())
	if err != nil || a.Subject.Value != r.Assertion.Subject.Value {
		t.Fatalf("without a comment: %v, %v", a.Subject, err)
	}
	raw = bytes.Replace(raw, []byte("contoso.example."), []byte("contoso.example<!-- -->."), 1)
	if a, err := opened(raw, expect()); err == nil {
		t.Errorf("it was believed: %+v", a)
	}
}

func TestWhoCountsAsSigner(t *testing.T) {
	t.Parallel()
	old := expect()
	old.Trust.Now = nine.Add(48 * time.Hour)
	none := expect()
	none.Trust.Certificates = nil
	both := expect()
	both.Trust.Certificates = []*x509.Certificate{keys.ours().Certificate, keys.theirs().Certificate}
	unsigned := edited(t, sent(t, response(), keys.theirs()), func(root *etree.Element) {
		a := root.SelectElement("Assertion")
		a.RemoveChild(a.SelectElement("Signature"))
	})
	for _, c := range []struct {
		name string
		raw  []byte
		x    saml.Expect
		want error
	}{
		{"the pinned certificate", sent(t, response(), keys.theirs()), expect(), nil},
		{"one of two, while they roll over", sent(t, response(), keys.theirs()), both, nil},
		{"a key that came in KeyInfo", sent(t, response(), keys.evil()), expect(), saml.ErrSignature},
		{"nobody", unsigned, expect(), saml.ErrUnsigned},
		{"a certificate that has ended", sent(t, response(), keys.theirs()), old, saml.ErrCertificate},
		{"no certificate pinned", sent(t, response(), keys.theirs()), none, saml.ErrCertificate},
		{"a genuine certificate beside a foreign key", edited(t, sent(t, response(), keys.evil()), func(root *etree.Element) {
			root.FindElement(".//X509Certificate").SetText(base64.StdEncoding.EncodeToString(keys.theirs().Certificate.Raw))
		}), expect(), saml.ErrSignature},
		{"a signature without KeyInfo", edited(t, sent(t, response(), keys.theirs()), func(root *etree.Element) {
			k := root.FindElement(".//KeyInfo")
			k.Parent().RemoveChild(k)
		}), expect(), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, err := opened(c.raw, c.x); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// resigned signs the assertion of a response with a method of the attacker's choice: SignedInfo
// is changed, then signed by sign over its canonical form.
func resigned(t *testing.T, edit func(signature *etree.Element), sign func([]byte) []byte) []byte {
	t.Helper()
	return edited(t, sent(t, response(), keys.theirs()), func(root *etree.Element) {
		s := root.FindElement(".//Signature")
		edit(s)
		info := s.SelectElement("SignedInfo").Copy()
		info.CreateAttr("xmlns:ds", "http://www.w3.org/2000/09/xmldsig#")
		canonical, err := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("").Canonicalize(info)
		if err != nil {
			t.Fatal(err)
		}
		s.SelectElement("SignatureValue").SetText(base64.StdEncoding.EncodeToString(sign(canonical)))
	})
}

func TestAlgorithmsAreNotTheMessagesChoice(t *testing.T) {
	t.Parallel()
	rsaSigned := func(h crypto.Hash) func([]byte) []byte {
		return func(b []byte) []byte {
			sum := h.New()
			sum.Write(b)
			s, err := keys.theirs().Key.Sign(rand.Reader, sum.Sum(nil), h)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
	}
	attr := func(path, value string) func(*etree.Element) {
		return func(s *etree.Element) { s.FindElement(path).CreateAttr("Algorithm", value) }
	}
	if _, err := opened(resigned(t, func(*etree.Element) {}, rsaSigned(crypto.SHA256)), expect()); err != nil {
		t.Fatalf("signed again as it was: %v", err)
	}
	public, err := x509.MarshalPKIXPublicKey(keys.theirs().Key.Public())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		edit func(*etree.Element)
		sign func([]byte) []byte
	}{
		{"HMAC with the public key as the secret", attr(".//SignatureMethod", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"), func(b []byte) []byte {
			m := hmac.New(sha256.New, public)
			m.Write(b)
			return m.Sum(nil)
		}},
		{"HMAC of one bit", func(s *etree.Element) {
			m := s.FindElement(".//SignatureMethod")
			m.CreateAttr("Algorithm", "http://www.w3.org/2000/09/xmldsig#hmac-sha1")
			m.CreateElement("ds:HMACOutputLength").SetText("1")
		}, func([]byte) []byte { return []byte{0} }},
		{"RSA with SHA-1", attr(".//SignatureMethod", dsig.RSASHA1SignatureMethod), rsaSigned(crypto.SHA1)},
		{"a SHA-1 digest", func(s *etree.Element) {
			attr(".//DigestMethod", "http://www.w3.org/2000/09/xmldsig#sha1")(s)
			s.FindElement(".//DigestValue").SetText("AAAAAAAAAAAAAAAAAAAAAAAAAAA=")
		}, rsaSigned(crypto.SHA256)},
		{"no algorithm", attr(".//SignatureMethod", ""), rsaSigned(crypto.SHA256)},
		{"ECDSA for an RSA key", attr(".//SignatureMethod", dsig.ECDSASHA256SignatureMethod), rsaSigned(crypto.SHA256)},
		{"canonicalization with comments", attr(".//Transform[2]", string(dsig.CanonicalXML10ExclusiveWithCommentsAlgorithmId)), rsaSigned(crypto.SHA256)},
		{"inclusive canonicalization", attr(".//CanonicalizationMethod", string(dsig.CanonicalXML10RecAlgorithmId)), rsaSigned(crypto.SHA256)},
		{"an XPath transform that picks nothing", attr(".//Transform[2]", "http://www.w3.org/TR/1999/REC-xpath-19991116"), rsaSigned(crypto.SHA256)},
		{"an XSLT transform", attr(".//Transform[1]", "http://www.w3.org/TR/1999/REC-xslt-19991116"), rsaSigned(crypto.SHA256)},
		{"a third transform", func(s *etree.Element) {
			s.FindElement(".//Transforms").CreateElement("ds:Transform").CreateAttr("Algorithm", string(dsig.CanonicalXML10ExclusiveAlgorithmId))
		}, rsaSigned(crypto.SHA256)},
		{"a reference to a file", func(s *etree.Element) { s.FindElement(".//Reference").CreateAttr("URI", "http://127.0.0.1/x") }, rsaSigned(crypto.SHA256)},
		{"two SignedInfo", func(s *etree.Element) { s.InsertChildAt(1, s.SelectElement("SignedInfo").Copy()) }, rsaSigned(crypto.SHA256)},
		{"two digest values", func(s *etree.Element) {
			d := s.FindElement(".//DigestValue")
			d.Parent().AddChild(d.Copy())
		}, rsaSigned(crypto.SHA256)},
		{"a digest value with an element inside", func(s *etree.Element) {
			s.FindElement(".//DigestValue").CreateElement("ds:x")
		}, rsaSigned(crypto.SHA256)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if a, err := opened(resigned(t, c.edit, c.sign), expect()); err == nil {
				t.Errorf("it was believed: %+v", a)
			}
		})
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	weak, x := newSigner(small), expect()
	x.Trust.Certificates = []*x509.Certificate{weak.Certificate}
	if _, err := opened(sent(t, response(), weak), x); !errors.Is(err, saml.ErrCertificate) {
		t.Errorf("an RSA key of 1,024 bits: %v", err)
	}
}

func TestWhatAResponseIsFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(r *saml.Response, x *saml.Expect)
		ok     bool
	}{
		{"for us, now", func(*saml.Response, *saml.Expect) {}, true},
		{"another audience", func(r *saml.Response, _ *saml.Expect) { r.Audience = "https://other.example" }, false},
		{"an audience that begins like ours", func(r *saml.Response, _ *saml.Expect) { r.Audience = sp + ".evil.example" }, false},
		{"another recipient and destination", func(r *saml.Response, _ *saml.Expect) { r.Destination = "https://other.example/acs" }, false},
		{"from another issuer", func(r *saml.Response, _ *saml.Expect) {
			r.Issuer, r.Assertion.Issuer = "https://evil.example", "https://evil.example"
		}, false},
		{"an assertion of another issuer in it", func(r *saml.Response, _ *saml.Expect) { r.Assertion.Issuer = "https://evil.example" }, false},
		{"to another request", func(r *saml.Response, _ *saml.Expect) { r.InResponseTo, r.Assertion.InResponseTo = "_other", "_other" }, false},
		{"an assertion to another request in it", func(r *saml.Response, _ *saml.Expect) { r.Assertion.InResponseTo = "_other" }, false},
		{"that nobody asked for", func(r *saml.Response, _ *saml.Expect) { r.InResponseTo, r.Assertion.InResponseTo = "", "" }, false},
		{"that nobody asked for, where that is allowed", func(r *saml.Response, x *saml.Expect) {
			r.InResponseTo, r.Assertion.InResponseTo = "", ""
			x.Unsolicited, x.InResponseTo = true, ""
		}, true},
		{"an answer, where nothing was asked", func(_ *saml.Response, x *saml.Expect) { x.Unsolicited, x.InResponseTo = true, "" }, false},
		{"an answer, where no request is known", func(_ *saml.Response, x *saml.Expect) { x.InResponseTo = "" }, false},
		{"a minute after its end", func(_ *saml.Response, x *saml.Expect) { x.Trust.Now = nine.Add(6 * time.Minute) }, false},
		{"a second before that", func(_ *saml.Response, x *saml.Expect) { x.Trust.Now = nine.Add(6*time.Minute - time.Second) }, true},
		{"more than two minutes before it was made", func(_ *saml.Response, x *saml.Expect) { x.Trust.Now = nine.Add(-121 * time.Second) }, false},
		{"by a clock that goes a minute fast", func(_ *saml.Response, x *saml.Expect) { x.Trust.Now = nine.Add(-time.Minute) }, true},
		{"of a session that has ended", func(r *saml.Response, _ *saml.Expect) { r.Assertion.SessionNotOnOrAfter = nine.Add(-2 * time.Minute) }, false},
		{"of a sign-in of tomorrow", func(r *saml.Response, _ *saml.Expect) { r.Assertion.AuthnInstant = nine.Add(24 * time.Hour) }, false},
		{"signed as a whole", func(r *saml.Response, _ *saml.Expect) { r.SignResponse, r.SignAssertion = true, false }, true},
		{"signed twice", func(r *saml.Response, _ *saml.Expect) { r.SignResponse = true }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, x := response(), expect()
			c.change(&r, &x)
			_, err := opened(sent(t, r, keys.theirs()), x)
			if (err == nil) != c.ok {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAnAssertionIsTakenOnce(t *testing.T) {
	t.Parallel()
	seen := map[string]time.Time{}
	x := expect()
	x.Once = func(id string, until time.Time) error {
		if _, ok := seen[id]; ok {
			return saml.ErrReplayed
		}
		seen[id] = until
		return nil
	}
	raw := sent(t, response(), keys.theirs())
	if _, err := opened(raw, x); err != nil {
		t.Fatal(err)
	}
	if _, err := opened(raw, x); !errors.Is(err, saml.ErrReplayed) {
		t.Errorf("the second time: %v", err)
	}
	if until := seen[idp+" _assertion1"]; !until.Equal(nine.Add(6 * time.Minute)) {
		t.Errorf("it is remembered until %s: before the last moment at which it is taken", until)
	}
}

func TestASmallMessageCannotBecomeALargeOne(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	w, _ := flate.NewWriter(&packed, flate.BestCompression)
	for range 64 << 10 {
		_, _ = w.Write(make([]byte, 1024))
	}
	_ = w.Close()
	query := "SAMLRequest=" + url.QueryEscape(base64.StdEncoding.EncodeToString(packed.Bytes()))
	if _, err := saml.FromRedirect(query); !errors.Is(err, saml.ErrTooLarge) {
		t.Errorf("64 MiB out of %d bytes: %v", packed.Len(), err)
	}
}

// FuzzResponse holds that nothing but what the identity provider signed is believed, whatever
// arrives. Its key is the same in every process: the workers that fuzz get their seeds from another
// one, and a seed that is believed nowhere leads nowhere.
func FuzzResponse(f *testing.F) {
	k, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{7}, 32))
	if err != nil {
		f.Fatal(err)
	}
	by := newSigner(k)
	x := expect()
	x.Trust.Certificates = []*x509.Certificate{by.Certificate}
	genuine := sent(f, response(), by)
	want, err := opened(genuine, x)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(genuine)
	r := response()
	r.SignResponse, r.SignAssertion = true, false
	f.Add(sent(f, r, by))
	r.SignAssertion = true
	f.Add(sent(f, r, by))
	f.Add([]byte(`<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_a" Version="2.0"></samlp:Response>`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if a, err := opened(raw, x); err == nil && !reflect.DeepEqual(a, want) {
			t.Errorf("somebody else got in: %+v", a)
		}
	})
}
