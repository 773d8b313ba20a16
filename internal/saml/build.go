package saml

import (
	"crypto/x509"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/beevik/etree"
)

// message returns the root of a protocol message, with what each has.
func message(name, id, destination, issuer string, at time.Time) *etree.Element {
	el := etree.NewElement("samlp:" + name)
	el.CreateAttr("xmlns:samlp", nsProtocol)
	el.CreateAttr("xmlns:saml", nsAssertion)
	el.CreateAttr("ID", id)
	el.CreateAttr("Version", "2.0")
	el.CreateAttr("IssueInstant", stamp(at))
	if destination != "" {
		el.CreateAttr("Destination", destination)
	}
	child(el, "saml:Issuer", issuer)
	return el
}

// Redirect returns the URL that brings q to its destination, signed when by is not nil.
func (q AuthnRequest) Redirect(relayState string, by *Signer) (string, error) {
	raw, err := text(q.element())
	if err != nil {
		return "", err
	}
	return toRedirect(q.Destination, "SAMLRequest", raw, relayState, by)
}

// POST returns the fields of a form that brings q to its destination.
func (q AuthnRequest) POST(relayState string, by *Signer) (url.Values, error) {
	return form("SAMLRequest", q.element(), relayState, by)
}

func (q AuthnRequest) element() *etree.Element {
	el := message("AuthnRequest", q.ID, q.Destination, q.Issuer, q.IssueInstant)
	if q.ACS != "" {
		el.CreateAttr("AssertionConsumerServiceURL", q.ACS)
		el.CreateAttr("ProtocolBinding", POST)
	} else if q.ACSIndex >= 0 {
		el.CreateAttr("AssertionConsumerServiceIndex", strconv.Itoa(q.ACSIndex))
	}
	if q.ForceAuthn {
		el.CreateAttr("ForceAuthn", "true")
	}
	if q.IsPassive {
		el.CreateAttr("IsPassive", "true")
	}
	if q.Subject.Value != "" {
		putName(el.CreateElement("saml:Subject"), q.Subject)
	}
	policy := el.CreateElement("samlp:NameIDPolicy")
	if q.NameIDFormat != "" {
		policy.CreateAttr("Format", q.NameIDFormat)
	}
	policy.CreateAttr("AllowCreate", "true")
	if len(q.Contexts) > 0 {
		asked := el.CreateElement("samlp:RequestedAuthnContext")
		if q.Comparison != "" {
			asked.CreateAttr("Comparison", q.Comparison)
		}
		for _, c := range q.Contexts {
			child(asked, "saml:AuthnContextClassRef", c)
		}
	}
	return el
}

// form returns the fields of a form with el, signed when by is not nil.
func form(name string, el *etree.Element, relayState string, by *Signer) (url.Values, error) {
	if by != nil {
		if err := by.sign(el); err != nil {
			return nil, err
		}
	}
	raw, err := text(el)
	if err != nil {
		return nil, err
	}
	return toPOST(name, raw, relayState), nil
}

// A Response answers an AuthnRequest, or comes by itself.
type Response struct {
	ID, Issuer, Destination string
	InResponseTo            string // empty when nobody asked
	IssueInstant            time.Time
	Status, Second, Message string
	// Assertion is what success says; nil for a failure.
	Assertion *Assertion
	Audience  string // of the assertion

	SignResponse, SignAssertion bool
	// EncryptTo is whom the assertion is encrypted for; nil for nobody.
	EncryptTo *x509.Certificate
}

// POST returns the fields of the form that brings r to its destination.
func (r Response) POST(relayState string, by Signer) (url.Values, error) {
	el := message("Response", r.ID, r.Destination, r.Issuer, r.IssueInstant)
	if r.InResponseTo != "" {
		el.CreateAttr("InResponseTo", r.InResponseTo)
	}
	putStatus(el, r.Status, r.Second, r.Message)
	if r.Assertion != nil {
		if !r.SignResponse && !r.SignAssertion {
			return nil, fmt.Errorf("send a SAML assertion: nothing is signed")
		}
		a, err := r.assertion(by)
		if err != nil {
			return nil, err
		}
		el.AddChild(a)
	}
	if r.SignResponse || r.Assertion == nil {
		return form("SAMLResponse", el, relayState, &by)
	}
	return form("SAMLResponse", el, relayState, nil)
}

// assertion returns the assertion of r: signed first, then encrypted, if at all.
func (r Response) assertion(by Signer) (*etree.Element, error) {
	a := r.Assertion.element(r)
	if r.SignAssertion {
		if err := by.sign(a); err != nil {
			return nil, err
		}
	}
	if r.EncryptTo == nil {
		return a, nil
	}
	return encrypt(a, r.EncryptTo)
}

func putStatus(el *etree.Element, code, second, message string) {
	s := el.CreateElement("samlp:Status")
	c := s.CreateElement("samlp:StatusCode")
	c.CreateAttr("Value", code)
	if second != "" {
		c.CreateElement("samlp:StatusCode").CreateAttr("Value", second)
	}
	if message != "" {
		child(s, "samlp:StatusMessage", message)
	}
}

func putName(el *etree.Element, n NameID) {
	k := child(el, "saml:NameID", n.Value)
	for _, a := range [][2]string{{"Format", n.Format}, {"NameQualifier", n.NameQualifier}, {"SPNameQualifier", n.SPNameQualifier}} {
		if a[1] != "" {
			k.CreateAttr(a[0], a[1])
		}
	}
}

// element is the assertion in XML, with the declarations that it needs when it stands alone.
func (a Assertion) element(r Response) *etree.Element {
	el := etree.NewElement("saml:Assertion")
	el.CreateAttr("xmlns:saml", nsAssertion)
	el.CreateAttr("xmlns:xs", nsSchema)
	el.CreateAttr("xmlns:xsi", nsInstance)
	el.CreateAttr("ID", a.ID)
	el.CreateAttr("Version", "2.0")
	el.CreateAttr("IssueInstant", stamp(r.IssueInstant))
	child(el, "saml:Issuer", a.Issuer)
	subject := el.CreateElement("saml:Subject")
	putName(subject, a.Subject)
	confirmed := subject.CreateElement("saml:SubjectConfirmation")
	confirmed.CreateAttr("Method", bearer)
	data := confirmed.CreateElement("saml:SubjectConfirmationData")
	if a.InResponseTo != "" {
		data.CreateAttr("InResponseTo", a.InResponseTo)
	}
	data.CreateAttr("NotOnOrAfter", stamp(a.NotOnOrAfter))
	data.CreateAttr("Recipient", r.Destination)
	conditions := el.CreateElement("saml:Conditions")
	conditions.CreateAttr("NotBefore", stamp(r.IssueInstant.Add(-Skew)))
	conditions.CreateAttr("NotOnOrAfter", stamp(a.NotOnOrAfter))
	child(conditions.CreateElement("saml:AudienceRestriction"), "saml:Audience", r.Audience)
	a.statements(el)
	return el
}

func (a Assertion) statements(el *etree.Element) {
	s := el.CreateElement("saml:AuthnStatement")
	s.CreateAttr("AuthnInstant", stamp(a.AuthnInstant))
	if a.SessionIndex != "" {
		s.CreateAttr("SessionIndex", a.SessionIndex)
	}
	if !a.SessionNotOnOrAfter.IsZero() {
		s.CreateAttr("SessionNotOnOrAfter", stamp(a.SessionNotOnOrAfter))
	}
	child(s.CreateElement("saml:AuthnContext"), "saml:AuthnContextClassRef", a.AuthnContext)
	if len(a.Attributes) == 0 {
		return
	}
	all := el.CreateElement("saml:AttributeStatement")
	for _, at := range a.Attributes {
		k := all.CreateElement("saml:Attribute")
		k.CreateAttr("Name", at.Name)
		if at.FriendlyName != "" {
			k.CreateAttr("FriendlyName", at.FriendlyName)
		}
		k.CreateAttr("NameFormat", "urn:oasis:names:tc:SAML:2.0:attrname-format:uri")
		for _, v := range at.Values {
			child(k, "saml:AttributeValue", v).CreateAttr("xsi:type", "xs:string")
		}
	}
}
