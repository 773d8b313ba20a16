package saml_test

import (
	"strings"
	"testing"

	"github.com/beevik/etree"

	"github.com/postern-id/postern/internal/saml"
)

// The eight wrappings of Somorovsky and others, “On Breaking SAML: Be Whoever You Want to Be”
// (USENIX Security 2012), in the numbering of SAML Raider. Each has the genuine signed element
// somewhere, and a forged one where a careless reader looks.
func TestNoSignatureWrappingGetsSomebodyElseIn(t *testing.T) {
	t.Parallel()
	forge := func(el *etree.Element, id string) *etree.Element {
		c := el.Copy()
		c.CreateAttr("ID", id)
		for _, n := range c.FindElements(".//NameID") {
			n.SetText("admin")
		}
		return c
	}
	noSignature := func(el *etree.Element) *etree.Element {
		if s := el.SelectElement("Signature"); s != nil {
			el.RemoveChild(s)
		}
		return el
	}
	assertion := func(root *etree.Element) *etree.Element { return root.SelectElement("Assertion") }
	// replace makes root what other is.
	replace := func(root, other *etree.Element) {
		root.Attr, root.Child = nil, nil
		for _, a := range other.Attr {
			key := a.Key
			if a.Space != "" {
				key = a.Space + ":" + key
			}
			root.CreateAttr(key, a.Value)
		}
		for _, c := range other.ChildElements() {
			root.AddChild(c)
		}
	}
	for _, c := range []struct {
		name     string
		response bool // the response is signed, not the assertion
		edit     func(root *etree.Element)
	}{
		{"1: the signed response in the signature of a forged one", true, func(root *etree.Element) {
			original, evil := noSignature(root.Copy()), forge(root, "_evil")
			evil.SelectElement("Signature").AddChild(original)
			replace(root, evil)
		}},
		{"2: the signed response beside its signature in a forged one", true, func(root *etree.Element) {
			original, evil := noSignature(root.Copy()), forge(root, "_evil")
			evil.InsertChildAt(1, original)
			replace(root, evil)
		}},
		{"3: a forged assertion before the signed one", false, func(root *etree.Element) {
			a := assertion(root)
			root.InsertChildAt(a.Index(), noSignature(forge(a, "_evil")))
		}},
		{"4: the signed assertion in a forged one", false, func(root *etree.Element) {
			a := assertion(root)
			evil := noSignature(forge(a, "_evil"))
			root.RemoveChild(a)
			evil.AddChild(a)
			root.AddChild(evil)
		}},
		{"5: a forged assertion with the signature, the signed one at the end", false, func(root *etree.Element) {
			a := assertion(root)
			evil := forge(a, "_evil")
			root.InsertChildAt(a.Index(), evil)
			noSignature(a)
		}},
		{"6: the signed assertion in the signature of a forged one", false, func(root *etree.Element) {
			a := assertion(root)
			evil := forge(a, "_evil")
			root.RemoveChild(a)
			evil.SelectElement("Signature").AddChild(noSignature(a))
			root.AddChild(evil)
		}},
		{"7: a forged assertion of the same id in Extensions", false, func(root *etree.Element) {
			a := assertion(root)
			x := etree.NewElement("samlp:Extensions")
			x.AddChild(noSignature(forge(a, "_assertion1")))
			root.InsertChildAt(1, x)
		}},
		{"8: the signed assertion in an Object of the signature", false, func(root *etree.Element) {
			a := assertion(root)
			evil := forge(a, "_assertion1")
			root.RemoveChild(a)
			evil.SelectElement("Signature").CreateElement("ds:Object").AddChild(noSignature(a))
			root.AddChild(evil)
		}},
		{"only the assertion forged, its signature kept", false, func(root *etree.Element) {
			assertion(root).FindElement(".//NameID").SetText("admin")
		}},
		{"the signed assertion moved into Advice of a forged one", false, func(root *etree.Element) {
			a := assertion(root)
			evil := noSignature(forge(a, "_evil"))
			root.RemoveChild(a)
			evil.CreateElement("saml:Advice").AddChild(a)
			root.AddChild(evil)
		}},
		{"a signature of the response that refers to its assertion", false, func(root *etree.Element) {
			a := assertion(root)
			s := a.SelectElement("Signature")
			a.RemoveChild(s)
			root.InsertChildAt(1, s)
			a.FindElement(".//NameID").SetText("admin")
		}},
		{"a signature that refers to the whole document", true, func(root *etree.Element) {
			root.FindElement(".//Reference").CreateAttr("URI", "")
		}},
		{"a signature of a second reference", true, func(root *etree.Element) {
			ref := root.FindElement(".//Reference")
			ref.Parent().AddChild(ref.Copy())
		}},
		{"a second signature", true, func(root *etree.Element) {
			s := root.SelectElement("Signature")
			root.InsertChildAt(s.Index(), s.Copy())
		}},
		{"an assertion of another namespace beside it", true, func(root *etree.Element) {
			root.CreateElement("samlp:Extensions").CreateElement("x:Assertion").CreateAttr("xmlns:x", "urn:x")
		}},
		{"two assertions, both signed together", true, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := response()
			r.SignResponse, r.SignAssertion = c.response, !c.response
			raw := sent(t, r, keys.theirs())
			if _, err := opened(raw, expect()); err != nil {
				t.Fatalf("the genuine response: %v", err)
			}
			if c.edit == nil {
				raw = saml.SignedForTest(t, edited(t, raw, func(root *etree.Element) {
					noSignature(root)
					root.AddChild(forge(assertion(root), "_second"))
				}), keys.theirs())
			} else {
				raw = edited(t, raw, c.edit)
			}
			if !strings.Contains(string(raw), "admin") && !c.response {
				t.Fatal("nothing was forged")
			}
			if a, err := opened(raw, expect()); err == nil {
				t.Errorf("it was believed: %+v", a)
			}
		})
	}
}
