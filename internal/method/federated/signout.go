package federated

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/federation"
	upstreamsaml "github.com/postern-id/postern/internal/federation/saml"
	"github.com/postern-id/postern/internal/signin"
)

// Goodbyes reads what SAML upstreams send about logout.
type Goodbyes interface {
	// Answers checks the answer to the request that was made with state and is awaited at.
	Answers(c federation.Configuration, g upstreamsaml.Goodbye, state, at string) error
	// Asks checks a request that came in at.
	Asks(ctx context.Context, c federation.Configuration, g upstreamsaml.Goodbye, at string) (upstreamsaml.Leaving, error)
	// Left returns the address of the answer to a request, or nothing.
	Left(ctx context.Context, c federation.Configuration, entity, id, state string) (string, error)
	// LeftBySOAP returns the answer to a request that came by SOAP.
	LeftBySOAP(ctx context.Context, c federation.Configuration, entity, id string) ([]byte, error)
}

// farewellWithin is how long signing out waits for what an upstream has to be asked for.
const farewellWithin = 3 * time.Second

// originOf is for what an id token is sealed.
func originOf(federation string) []string { return []string{"session", "proofs", federation} }

// keep returns what a proof keeps of the session upstream.
func (m Method) keep(ctx context.Context, c federation.Configuration, o federation.Origin) (json.RawMessage, error) {
	o.Federation = c.ID
	if o.IDToken != "" {
		sealed, err := m.Keys.Seal(ctx, string(c.Tenant), []byte(o.IDToken), originOf(c.ID)...)
		if err != nil {
			return nil, err
		}
		o.IDToken = sealed
	}
	return json.Marshal(o)
}

// came returns the session upstream that s came from, if its last proof by an upstream is of c.
func came(s signin.Session, c federation.Configuration) (o federation.Origin, federated bool) {
	for _, p := range slices.Backward(s.Proofs) {
		if p.Method != MethodID {
			continue
		}
		if json.Unmarshal(p.Origin, &o) != nil || o.Federation != c.ID {
			o = federation.Origin{}
		}
		return o, true
	}
	return o, false
}

// Upstream returns where a session came from that can be signed out of, or nothing.
func (m Method) Upstream(ctx context.Context, session signin.Session, user directory.User) (signin.Upstream, error) {
	if !slices.ContainsFunc(session.Proofs, func(p signin.Proof) bool { return p.Method == MethodID }) {
		return signin.Upstream{}, nil
	}
	c, err := m.Store.Federation(ctx, session.Tenant, federation.DomainOf(user.UserPrincipalName))
	if errors.Is(err, federation.ErrNone) {
		return signin.Upstream{}, nil
	}
	if err != nil {
		return signin.Upstream{}, err
	}
	u := signin.Upstream{Name: c.DisplayName, SignOut: c.SignOutURI}
	if o, _ := came(session, c); o.Federation != "" {
		var to string
		ctx, cancel := context.WithTimeout(ctx, farewellWithin)
		defer cancel()
		state := rand.Text()
		if to, err = m.farewell(ctx, c, o, state, user.UserPrincipalName); to != "" {
			u.SignOut, u.State = to, state
		}
	}
	if u.SignOut == "" {
		return signin.Upstream{}, err
	}
	return u, err
}

func (m Method) farewell(ctx context.Context, c federation.Configuration, o federation.Origin, state, name string) (string, error) {
	p := m.Protocols[c.Protocol]
	if p == nil {
		return "", nil
	}
	if o.IDToken != "" {
		plain, err := m.Keys.Open(ctx, string(c.Tenant), o.IDToken, originOf(c.ID)...)
		if err != nil {
			return "", err
		}
		o.IDToken = string(plain)
	}
	return p.SignOut(ctx, c, federation.Farewell{
		Origin: o, State: state, Back: SignedOutAddress(m.PublicURL, c), Entity: EntityID(m.PublicURL, c.Tenant), LoginHint: name, At: m.Now(),
	})
}

// SignedOutAddress is where the upstream of c sends people back to after they signed out there.
func SignedOutAddress(publicURL string, c federation.Configuration) string {
	base := publicURL + "/" + string(c.Tenant) + "/federation/"
	if c.Protocol == federation.SAML {
		return base + "saml/logout"
	}
	return base + "oidc/signedout"
}

// from returns the federations whose upstream claims to have sent g: several domains may have one.
func (m Method) from(ctx context.Context, tenant directory.TenantID, g upstreamsaml.Goodbye) ([]federation.Configuration, error) {
	all, err := m.Store.Federations(ctx, tenant)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(c federation.Configuration) bool {
		return c.Protocol != federation.SAML || c.Issuer != g.Issuer()
	})
	if len(all) == 0 {
		return nil, federation.ErrNone
	}
	return all, nil
}

// SignedOut checks the answer of a SAML upstream to the request that was made with state.
func (m Method) SignedOut(ctx context.Context, tenant directory.TenantID, g upstreamsaml.Goodbye, state string) error {
	all, err := m.from(ctx, tenant, g)
	if err != nil {
		return err
	}
	for _, c := range all {
		if err = m.Goodbyes.Answers(c, g, state, SignedOutAddress(m.PublicURL, c)); err == nil {
			return nil
		}
	}
	return err
}

// A Leaver is a session that an upstream wants ended.
type Leaver struct {
	Session signin.Session
	Event   audit.Event // that it did
}

// Leaving checks what a SAML upstream asks, and returns the sessions here that it is about and
// the address of the answer, empty for none.
func (m Method) Leaving(ctx context.Context, tenant directory.TenantID, g upstreamsaml.Goodbye, correlation string) ([]Leaver, string, error) {
	ending, asked, said, err := m.leaving(ctx, tenant, g, correlation)
	if err != nil {
		return nil, "", err
	}
	to, err := m.Goodbyes.Left(ctx, said, EntityID(m.PublicURL, tenant), asked, g.State())
	return ending, to, err
}

// LeavingBySOAP is Leaving for a request between servers: it returns the answer itself.
func (m Method) LeavingBySOAP(ctx context.Context, tenant directory.TenantID, g upstreamsaml.Goodbye, correlation string) ([]Leaver, []byte, error) {
	ending, asked, said, err := m.leaving(ctx, tenant, g, correlation)
	if err != nil {
		return nil, nil, err
	}
	answer, err := m.Goodbyes.LeftBySOAP(ctx, said, EntityID(m.PublicURL, tenant), asked)
	return ending, answer, err
}

// leaving returns the sessions that a request is about, its id, and whose upstream sent it.
func (m Method) leaving(ctx context.Context, tenant directory.TenantID, g upstreamsaml.Goodbye, correlation string) (ending []Leaver, id string, said federation.Configuration, err error) {
	all, err := m.from(ctx, tenant, g)
	if err != nil {
		return nil, "", said, err
	}
	for _, c := range all {
		l, wrong := m.Goodbyes.Asks(ctx, c, g, SignedOutAddress(m.PublicURL, c))
		if wrong != nil {
			err = wrong
			continue
		}
		more, err := m.sessionsOf(ctx, c, l, correlation)
		if err != nil {
			return nil, "", said, err
		}
		ending, id, said = append(ending, more...), l.ID, c
	}
	if id == "" {
		return nil, "", said, err
	}
	return ending, id, said, nil
}

// sessionsOf returns the sessions of the person whom l names that came from the upstream of c.
func (m Method) sessionsOf(ctx context.Context, c federation.Configuration, l upstreamsaml.Leaving, correlation string) ([]Leaver, error) {
	id, err := m.Store.LinkedUser(ctx, c.Tenant, c.Domain, l.Subject)
	if errors.Is(err, federation.ErrUnlinked) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	user, err := m.Users.User(ctx, c.Tenant, id)
	if errors.Is(err, directory.ErrUserUnknown) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	sessions, err := m.Sessions.Sessions(ctx, c.Tenant, id, m.Now())
	if err != nil {
		return nil, err
	}
	var all []Leaver
	for _, s := range sessions {
		if o, federated := came(s, c); federated && o.Federation != "" && l.Of(o) {
			e := m.event(c, audit.SessionEnded, audit.OperationUpdate, user, signin.Attempt{At: m.Now(), CorrelationID: correlation})
			e.Change.Category, e.Change.Service = audit.CategoryAuthentication, audit.ServicePostern
			all = append(all, Leaver{s, e})
		}
	}
	return all, nil
}
