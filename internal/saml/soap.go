package saml

import (
	"bytes"

	"github.com/beevik/etree"
)

// SOAP is the binding between servers (saml-bindings 3.2).
const SOAP = "urn:oasis:names:tc:SAML:2.0:bindings:SOAP"

// nsSOAP is SOAP 1.1, the only one that SAML knows.
const nsSOAP = "http://schemas.xmlsoap.org/soap/envelope/"

// FromSOAP reads the body of an HTTP message of the SOAP binding. Requests come in as requests only,
// and answers as answers.
func FromSOAP(body []byte, response bool) (Envelope, error) {
	if len(body) > MaxMessage {
		return Envelope{}, ErrTooLarge
	}
	return Envelope{Binding: SOAP, Response: response, xml: body}, nil
}

// inSOAP returns the one message in an envelope. Headers are refused: SAML has none, and one that
// must be understood is not.
func inSOAP(envelope *node) (*node, error) {
	if !envelope.is(nsSOAP, "Envelope") {
		return nil, ErrMalformed
	}
	kids := envelope.kids
	if len(kids) > 0 && kids[0].is(nsSOAP, "Header") && len(kids[0].kids) == 0 {
		kids = kids[1:]
	}
	if len(kids) != 1 || !kids[0].is(nsSOAP, "Body") || len(kids[0].kids) != 1 {
		return nil, ErrMalformed
	}
	return kids[0].kids[0], nil
}

// SOAP returns the body that brings q to its destination, signed.
func (q LogoutRequest) SOAP(by Signer) ([]byte, error) { return toSOAP(q.element(), by) }

// SOAP returns the body that brings r to who asked, signed.
func (r LogoutResponse) SOAP(by Signer) ([]byte, error) { return toSOAP(r.element(), by) }

func toSOAP(el *etree.Element, by Signer) ([]byte, error) {
	if err := by.sign(el); err != nil {
		return nil, err
	}
	raw, err := text(el)
	if err != nil {
		return nil, err
	}
	const before, after = `<soap:Envelope xmlns:soap="` + nsSOAP + `"><soap:Body>`, `</soap:Body></soap:Envelope>`
	return bytes.Join([][]byte{[]byte(before), raw, []byte(after)}, nil), nil
}

// SOAPFault is the body that says that what came is no message, or is refused.
func SOAPFault(why string) ([]byte, error) {
	el := etree.NewElement("soap:Envelope")
	el.CreateAttr("xmlns:soap", nsSOAP)
	f := el.CreateElement("soap:Body").CreateElement("soap:Fault")
	child(f, "faultcode", "soap:Client")
	child(f, "faultstring", why)
	return text(el)
}
