package saml

import "time"

// A LogoutRequest asks the other side to end sessions of a person.
type LogoutRequest struct {
	ID, Issuer, Destination string
	IssueInstant            time.Time
	NotOnOrAfter            time.Time // zero: no end
	Subject                 NameID
	SessionIndexes          []string // empty: all
}

// maxLogoutAge is how old a request may be that says no end: it is a bearer of somebody's wish.
const maxLogoutAge = 5 * time.Minute

// LogoutRequest believes a LogoutRequest. It must be signed, by either binding: otherwise
// anybody could sign anybody out.
func (in Incoming) LogoutRequest(x Expect) (LogoutRequest, error) {
	var q LogoutRequest
	if in.root.name != "LogoutRequest" {
		return q, ErrMalformed
	}
	n, err := in.verified(x.Trust)
	if err != nil {
		return q, err
	}
	if err := x.check(n, true); err != nil {
		return q, err
	}
	q.ID, q.Issuer, q.Destination = n.attrs["ID"], x.Issuer, n.attrs["Destination"]
	if q.IssueInstant, err = n.at("IssueInstant"); err != nil {
		return q, err
	}
	if q.NotOnOrAfter, err = n.at("NotOnOrAfter"); err != nil {
		return q, err
	}
	end := q.NotOnOrAfter
	if end.IsZero() {
		end = q.IssueInstant.Add(maxLogoutAge)
	}
	if !x.Trust.Now.Before(end.Add(Skew)) {
		return q, ErrConditions.With("NotOnOrAfter", "The SAML request has ended, or a clock is wrong.")
	}
	if x.Once != nil {
		if err := x.Once(q.ID, end.Add(Skew)); err != nil {
			return q, err
		}
	}
	name, err := n.need(nsAssertion, "NameID")
	if err != nil {
		return q, err
	}
	if q.Subject, err = nameOf(name); err != nil {
		return q, err
	}
	for _, k := range n.all(nsProtocol, "SessionIndex") {
		v, err := k.value()
		if err != nil {
			return q, err
		}
		q.SessionIndexes = append(q.SessionIndexes, v)
	}
	return q, nil
}

// LogoutResponse believes a LogoutResponse, which must be signed. A status other than success
// is a *StatusError.
func (in Incoming) LogoutResponse(x Expect) error {
	if in.root.name != "LogoutResponse" {
		return ErrMalformed
	}
	n, err := in.verified(x.Trust)
	if err != nil {
		return err
	}
	if err := x.check(n, true); err != nil {
		return err
	}
	if err := x.answers(n, true); err != nil {
		return err
	}
	return statusOf(n)
}
