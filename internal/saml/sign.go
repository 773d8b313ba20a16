package saml

import (
	"crypto/ecdsa"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// sign puts an enveloped signature of el right after its Issuer, where saml-core wants it. el
// must not change afterwards.
func (s Signer) sign(el *etree.Element) error {
	by, err := dsig.NewSigningContext(s.Key, [][]byte{s.Certificate.Raw})
	if err != nil {
		return fmt.Errorf("prepare a signature: %w", err)
	}
	by.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	// The canonicalizer changes what it is given.
	signature, err := by.ConstructSignature(el.Copy(), true)
	if err != nil {
		return fmt.Errorf("sign a SAML message: %w", err)
	}
	if key, ok := s.Key.Public().(*ecdsa.PublicKey); ok {
		value := signature.SelectElement("SignatureValue")
		der, err := base64.StdEncoding.DecodeString(value.Text())
		if err != nil {
			return fmt.Errorf("read a signature: %w", err)
		}
		raw, ok := fromASN1(der, key)
		if !ok {
			return fmt.Errorf("read a signature: not ASN.1")
		}
		value.SetText(base64.StdEncoding.EncodeToString(raw))
	}
	at := 0
	if first := el.SelectElement("Issuer"); first != nil {
		at = first.Index() + 1
	}
	el.InsertChildAt(at, signature)
	return nil
}

// text returns el as a document.
func text(el *etree.Element) ([]byte, error) {
	doc := etree.NewDocument()
	doc.WriteSettings = etree.WriteSettings{CanonicalAttrVal: true, CanonicalEndTags: true, CanonicalText: true}
	doc.SetRoot(el.Copy())
	out, err := doc.WriteToBytes()
	if err != nil {
		return nil, fmt.Errorf("write a SAML message: %w", err)
	}
	return out, nil
}

// child adds an element with text to el.
func child(el *etree.Element, name, text string) *etree.Element {
	k := el.CreateElement(name)
	if text != "" {
		k.SetText(strings.Map(allowed, text))
	}
	return k
}

// allowed drops what no XML document can hold (xml 2.2), such as a control character in a name.
func allowed(r rune) rune {
	switch {
	case r == '\t', r == '\n', r >= 0x20 && r < 0xd800, r > 0xdfff && r < 0xfffe, r > 0xffff:
		return r
	}
	return -1
}
