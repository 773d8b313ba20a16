package saml

import (
	"crypto/x509"
	"encoding/base64"
	"strings"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"
)

// A Trust is whose signatures count: those by the key of a pinned certificate that is valid now.
// No authority vouches for one, and none that comes in a message is ever looked at.
type Trust struct {
	Certificates []*x509.Certificate
	Now          time.Time
}

// valid returns the certificates that count now.
func (t Trust) valid() ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for _, c := range t.Certificates {
		if strong(c) && !t.Now.Before(c.NotBefore) && !t.Now.After(c.NotAfter) {
			all = append(all, c)
		}
	}
	if len(all) == 0 {
		return nil, ErrCertificate
	}
	return all, nil
}

// signed returns n as it was signed, by whom t trusts: an element of its own, in which n's
// enveloped signature is no more. Whoever calls reads that, and nothing else.
func (t Trust) signed(n *node) (*node, error) {
	certificates, err := t.valid()
	if err != nil {
		return nil, err
	}
	sig, err := n.one(nsSignature, "Signature")
	if err != nil {
		return nil, err
	}
	if sig == nil {
		return nil, ErrUnsigned
	}
	m, err := shape(n, sig)
	if err != nil {
		return nil, err
	}
	el, err := detached(n, sig, m)
	if err != nil {
		return nil, err
	}
	for _, c := range certificates {
		by := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{c}})
		by.Clock = dsig.NewFakeClockAt(t.Now)
		got, err := by.Validate(el)
		if err != nil || got == nil {
			continue
		}
		if err := plain(got); err != nil {
			return nil, err
		}
		read, err := resolve(got, maxElements)
		if err != nil {
			return nil, err
		}
		if read.space != n.space || read.name != n.name || read.attrs["ID"] != n.attrs["ID"] {
			return nil, ErrSignature
		}
		return read, nil
	}
	return nil, ErrSignature
}

// shape checks that sig is exactly the signature that saml-core 5.4 describes: one reference, to
// n itself, with the two transforms that change nothing but the spelling.
func shape(n, sig *node) (method, error) {
	var m method
	id := n.attrs["ID"]
	if !ncName.MatchString(id) {
		return m, ErrSignature
	}
	names := make([]string, 0, len(sig.kids))
	for _, k := range sig.kids {
		if k.space != nsSignature {
			return m, ErrSignature
		}
		names = append(names, k.name)
	}
	if s := strings.Join(names, " "); s != "SignedInfo SignatureValue" && s != "SignedInfo SignatureValue KeyInfo" {
		return m, ErrSignature
	}
	info := sig.kids[0]
	if len(info.kids) != 3 || !info.kids[0].is(nsSignature, "CanonicalizationMethod") ||
		!info.kids[1].is(nsSignature, "SignatureMethod") || !info.kids[2].is(nsSignature, "Reference") {
		return m, ErrSignature
	}
	m, ok := methods[info.kids[1].attrs["Algorithm"]]
	if !ok || info.kids[0].attrs["Algorithm"] != exclusive || len(info.kids[0].kids)+len(info.kids[1].kids) > 0 {
		return m, ErrAlgorithm
	}
	ref := info.kids[2]
	if ref.attrs["URI"] != "#"+id || len(ref.kids) != 3 || !ref.kids[0].is(nsSignature, "Transforms") ||
		!ref.kids[1].is(nsSignature, "DigestMethod") || !ref.kids[2].is(nsSignature, "DigestValue") {
		return m, ErrSignature
	}
	if !digests[ref.kids[1].attrs["Algorithm"]] || len(ref.kids[1].kids)+len(ref.kids[2].kids) > 0 {
		return m, ErrAlgorithm
	}
	return m, transforms(ref.kids[0])
}

const (
	exclusive = string(dsig.CanonicalXML10ExclusiveAlgorithmId)
	enveloped = string(dsig.EnvelopedSignatureAltorithmId)
)

// transforms allows the enveloped signature and exclusive canonicalization without comments,
// in this order.
func transforms(n *node) error {
	if len(n.kids) != 2 {
		return ErrAlgorithm
	}
	for i, want := range []string{enveloped, exclusive} {
		t := n.kids[i]
		if !t.is(nsSignature, "Transform") || t.attrs["Algorithm"] != want {
			return ErrAlgorithm
		}
		for _, k := range t.kids {
			if i == 0 || len(t.kids) > 1 || !k.is(exclusive, "InclusiveNamespaces") || len(k.kids) > 0 {
				return ErrAlgorithm
			}
		}
	}
	return nil
}

// detached returns a copy of n for the library: with every prefix that holds, its signature in
// the library's spelling, and without the key that the message brings along.
func detached(n, sig *node, m method) (*etree.Element, error) {
	outer, err := etreeutils.NSBuildParentContext(n.el)
	if err != nil {
		return nil, ErrMalformed
	}
	at := sig.el.Index()
	el, err := etreeutils.NSDetatch(outer, n.el)
	if err != nil {
		return nil, ErrTooLarge
	}
	own, ok := el.Child[at].(*etree.Element)
	if !ok {
		return nil, ErrMalformed
	}
	kids := own.ChildElements()
	if len(kids) > 2 {
		own.RemoveChild(kids[2])
	}
	text, err := sig.kids[1].value()
	if err != nil {
		return nil, err
	}
	value, err := base64.StdEncoding.DecodeString(squeeze(text))
	if err != nil {
		return nil, ErrMalformed
	}
	if m.ecdsa {
		if value, ok = toASN1(value); !ok {
			return nil, ErrSignature
		}
	}
	kids[1].SetText(base64.StdEncoding.EncodeToString(value))
	return el, nil
}

// squeeze drops white space, which base64 in XML may have.
func squeeze(s string) string { return strings.Join(strings.Fields(s), "") }
