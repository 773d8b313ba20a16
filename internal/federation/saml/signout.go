package saml

import (
	"context"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/federation"
	"github.com/postern-id/postern/internal/saml"
)

// farewellLifetime is how long the upstream may take the request for one of now.
const farewellLifetime = 5 * time.Minute

// farewellID is the id of a logout request, which the answer names.
func farewellID(state string) string { return "_" + state }

// SignOut returns the address that brings a signed LogoutRequest to the upstream (saml-profiles
// 4.4), empty when it has none or did not name the person.
func (o *Client) SignOut(ctx context.Context, c federation.Configuration, f federation.Farewell) (string, error) {
	if c.SignOutURI == "" || f.Origin.Subject == nil {
		return "", nil
	}
	all, err := o.Signers(ctx, c.Tenant)
	if err != nil {
		return "", err
	}
	s := f.Origin.Subject
	q := saml.LogoutRequest{
		ID: farewellID(f.State), Issuer: f.Entity, Destination: c.SignOutURI, IssueInstant: f.At, NotOnOrAfter: f.At.Add(farewellLifetime),
		Subject: saml.NameID{Format: s.Format, Value: s.Value, NameQualifier: s.NameQualifier, SPNameQualifier: s.SPNameQualifier},
	}
	if f.Origin.Session != "" {
		q.SessionIndexes = []string{f.Origin.Session}
	}
	return q.Redirect(f.State, all[0])
}

// A Goodbye is a message about logout that an upstream sent by redirect. Nothing of it is believed
// before Answers or Asks says so.
type Goodbye struct{ in saml.Incoming }

// ReadGoodbye parses the query of an address.
func ReadGoodbye(query string) (Goodbye, error) {
	e, err := saml.FromRedirect(query)
	if err != nil {
		return Goodbye{}, err
	}
	in, err := saml.Read(e)
	return Goodbye{in}, err
}

// TakeGoodbye is a message that came by SOAP.
func TakeGoodbye(in saml.Incoming) Goodbye { return Goodbye{in} }

// Issuer says who claims to have sent it.
func (g Goodbye) Issuer() string { return g.in.Issuer() }

// State is what came with it.
func (g Goodbye) State() string { return g.in.RelayState() }

// IsAnswer reports whether it answers a request.
func (g Goodbye) IsAnswer() bool { return g.in.Kind() == "LogoutResponse" }

func (o *Client) goodbye(c federation.Configuration, at string) (saml.Expect, error) {
	trusted, err := c.Trusted()
	return saml.Expect{Trust: saml.Trust{Certificates: trusted, Now: o.Now()}, Issuer: c.Issuer, Destination: at}, err
}

// Answers checks the answer to the request that was made with state: it must be signed by the
// upstream of c, and say that the session there ended.
func (o *Client) Answers(c federation.Configuration, g Goodbye, state, at string) error {
	x, err := o.goodbye(c, at)
	if err != nil {
		return err
	}
	x.InResponseTo = farewellID(state)
	return g.in.LogoutResponse(x)
}

// A Leaving is what an upstream asks with a LogoutRequest.
type Leaving struct {
	ID      string
	Subject string
	// Sessions are SessionIndexes; none means all of the person's.
	Sessions []string
}

// Asks checks a LogoutRequest of the upstream of c, which must be signed: else anybody could sign
// anybody out.
// One that came by SOAP counts once; a browser may load its address again.
func (o *Client) Asks(ctx context.Context, c federation.Configuration, g Goodbye, at string) (Leaving, error) {
	x, err := o.goodbye(c, at)
	if err != nil {
		return Leaving{}, err
	}
	if g.in.Binding() == saml.SOAP {
		x.Once = func(id string, until time.Time) error {
			fresh, err := o.Seen(ctx, string(c.Tenant), "samlLogout", c.ID+" "+id, until)
			if err == nil && !fresh {
				err = saml.ErrReplayed
			}
			return err
		}
	}
	q, err := g.in.LogoutRequest(x)
	return Leaving{ID: q.ID, Subject: q.Subject.Value, Sessions: q.SessionIndexes}, err
}

// Of reports whether l is about a session that came from o.
func (l Leaving) Of(o federation.Origin) bool {
	return len(l.Sessions) == 0 || slices.Contains(l.Sessions, o.Session)
}

// LeftBySOAP returns the body that tells the upstream the same.
func (o *Client) LeftBySOAP(ctx context.Context, c federation.Configuration, entity, id string) ([]byte, error) {
	all, err := o.Signers(ctx, c.Tenant)
	if err != nil {
		return nil, err
	}
	return saml.LogoutResponse{ID: saml.NewID(), Issuer: entity, InResponseTo: id, IssueInstant: o.Now(), Status: saml.StatusSuccess}.SOAP(all[0])
}

// Left returns the address that tells the upstream that what it asked for is done; empty when it
// has none.
func (o *Client) Left(ctx context.Context, c federation.Configuration, entity, id, state string) (string, error) {
	if c.SignOutURI == "" {
		return "", nil
	}
	all, err := o.Signers(ctx, c.Tenant)
	if err != nil {
		return "", err
	}
	return saml.LogoutResponse{
		ID: saml.NewID(), Issuer: entity, Destination: c.SignOutURI, InResponseTo: id, IssueInstant: o.Now(), Status: saml.StatusSuccess,
	}.Redirect(state, all[0])
}
