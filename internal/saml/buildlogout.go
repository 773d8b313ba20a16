package saml

import (
	"net/url"
	"time"

	"github.com/beevik/etree"
)

// Redirect returns the URL that brings q to its destination, signed.
func (q LogoutRequest) Redirect(relayState string, by Signer) (string, error) {
	raw, err := text(q.element())
	if err != nil {
		return "", err
	}
	return toRedirect(q.Destination, "SAMLRequest", raw, relayState, &by)
}

// POST returns the fields of a form that brings q to its destination, signed.
func (q LogoutRequest) POST(relayState string, by Signer) (url.Values, error) {
	return form("SAMLRequest", q.element(), relayState, &by)
}

func (q LogoutRequest) element() *etree.Element {
	el := message("LogoutRequest", q.ID, q.Destination, q.Issuer, q.IssueInstant)
	if !q.NotOnOrAfter.IsZero() {
		el.CreateAttr("NotOnOrAfter", stamp(q.NotOnOrAfter))
	}
	putName(el, q.Subject)
	for _, s := range q.SessionIndexes {
		child(el, "samlp:SessionIndex", s)
	}
	return el
}

// A LogoutResponse answers a LogoutRequest.
type LogoutResponse struct {
	ID, Issuer, Destination, InResponseTo string
	IssueInstant                          time.Time
	Status, Second                        string
}

// Redirect returns the URL that brings r to its destination, signed.
func (r LogoutResponse) Redirect(relayState string, by Signer) (string, error) {
	raw, err := text(r.element())
	if err != nil {
		return "", err
	}
	return toRedirect(r.Destination, "SAMLResponse", raw, relayState, &by)
}

// POST returns the fields of a form that brings r to its destination, signed.
func (r LogoutResponse) POST(relayState string, by Signer) (url.Values, error) {
	return form("SAMLResponse", r.element(), relayState, &by)
}

func (r LogoutResponse) element() *etree.Element {
	el := message("LogoutResponse", r.ID, r.Destination, r.Issuer, r.IssueInstant)
	el.CreateAttr("InResponseTo", r.InResponseTo)
	putStatus(el, r.Status, r.Second, "")
	return el
}
