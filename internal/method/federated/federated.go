// Package federated lets people sign in by the word of their domain's identity provider, the
// upstream. It is a method like others: what the upstream says becomes a proof of one factor or
// two, as the domain's configuration wants it. Who may be spoken of is decided here: the person
// whose name was typed, of the domain whose upstream it is, found by what never changes about
// them there. How upstreams are spoken to is left to the protocols under internal/federation.
package federated

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/federation"
	"github.com/postern-id/postern/internal/signin"
)

const (
	// MethodID is the name as a sign-in method and the step.
	MethodID signin.MethodID = "federated"
	// FreshFor is how long after signing in upstream methods may be registered here.
	FreshFor = 10 * time.Minute
)

// Keys seal secrets of the tenant.
type Keys interface {
	Open(ctx context.Context, tenant, sealed string, where ...string) ([]byte, error)
	Seal(ctx context.Context, tenant string, plain []byte, where ...string) (string, error)
}

// A Protocol speaks to upstreams.
type Protocol interface {
	// Leave returns the address where the person is sent with r.
	Leave(ctx context.Context, c federation.Configuration, r federation.Request) (string, error)
	// Take checks the answer to r. Faults with an AADSTS number are refusals.
	Take(ctx context.Context, c federation.Configuration, r federation.Request, answer string) (federation.Assertion, error)
	// SignOut returns the address that ends the session there and leads back, or nothing.
	SignOut(ctx context.Context, c federation.Configuration, f federation.Farewell) (string, error)
}

// Users returns people, or directory.ErrUserUnknown.
type Users interface {
	User(ctx context.Context, tenant directory.TenantID, id directory.UserID) (directory.User, error)
	UserByName(ctx context.Context, tenant directory.TenantID, upn string) (directory.User, error)
}

// Sessions returns those of a person that live.
type Sessions interface {
	Sessions(ctx context.Context, tenant directory.TenantID, user directory.UserID, at time.Time) ([]signin.Session, error)
}

// Method lets people of federated domains sign in upstream. Every field is required.
type Method struct {
	Store     federation.Store
	Users     Users
	Accounts  Accounts
	Keys      Keys
	Protocols map[federation.Protocol]Protocol
	Goodbyes  Goodbyes
	Sessions  Sessions
	PublicURL string
	Now       func() time.Time
}

// Where is for what a client secret is sealed.
func Where(domain string) []string { return []string{"federation", "body", domain} }

// ID implements [signin.Method].
func (m Method) ID() signin.MethodID { return MethodID }

// Name implements [signin.Method].
func (m Method) Name() string { return "Federated" }

// Yield implements [signin.Method].
func (m Method) Yield() signin.Yield { return yield(true) }

func yield(two bool) signin.Yield {
	if two {
		return signin.Yield{Factors: signin.Knowledge | signin.Possession, Modes: access.FederatedMulti}
	}
	return signin.Yield{Factors: signin.Knowledge, Modes: access.FederatedSingle}
}

// Enabled implements [signin.Method]: a domain that is not federated does not have it.
func (m Method) Enabled(context.Context, directory.TenantID) (bool, error) { return true, nil }

// Realm implements [signin.Realms].
func (m Method) Realm(ctx context.Context, tenant directory.TenantID, domain string) (signin.Realm, error) {
	c, err := m.Store.Federation(ctx, tenant, domain)
	if errors.Is(err, federation.ErrNone) {
		return signin.Realm{}, nil
	}
	return signin.Realm{Federated: true, Name: c.DisplayName, PassFirst: c.PassFirst, Yield: yield(c.Most())}, err
}

// Offered implements [signin.Method].
func (m Method) Offered(ctx context.Context, tenant directory.TenantID, user directory.UserID) (signin.Yield, error) {
	if user == "" {
		return signin.Yield{}, nil
	}
	u, err := m.Users.User(ctx, tenant, user)
	if errors.Is(err, directory.ErrUserUnknown) {
		return signin.Yield{}, nil
	}
	if err != nil {
		return signin.Yield{}, err
	}
	r, err := m.Realm(ctx, tenant, federation.DomainOf(u.UserPrincipalName))
	return r.Yield, err
}

// Prompt implements [signin.Prompter]: the name of who is asked, which all of the domain see.
func (m Method) Prompt(ctx context.Context, a signin.Attempt) ([]byte, error) {
	r, err := m.Realm(ctx, a.Tenant, federation.DomainOf(a.Username))
	if err != nil {
		return nil, err
	}
	return json.Marshal(Prompt{Name: r.Name})
}

// Prompt is what the page asks with.
type Prompt struct {
	Name string `json:"name"` // of the upstream
}

// Queue implements [signin.Method]: whoever vouches is asked for people whom nobody here knows too.
func (m Method) Queue(context.Context, signin.Attempt) error { return nil }

// Verify implements [signin.Method]. It is not asked: see Vouch.
func (m Method) Verify(context.Context, signin.Attempt) (signin.Proof, error) {
	return signin.Proof{}, federation.ErrAnswer
}

// Leave implements [signin.Voucher].
func (m Method) Leave(ctx context.Context, a signin.Attempt) (string, error) {
	c, p, err := m.of(ctx, a)
	if err != nil {
		return "", err
	}
	return p.Leave(ctx, c, m.request(c, a))
}

// of returns the configuration of the typed name's domain, with its secret, and its protocol.
func (m Method) of(ctx context.Context, a signin.Attempt) (federation.Configuration, Protocol, error) {
	c, err := m.Store.Federation(ctx, a.Tenant, federation.DomainOf(a.Username))
	if err != nil {
		return c, nil, err
	}
	if c.Sealed != "" {
		plain, err := m.Keys.Open(ctx, string(c.Tenant), c.Sealed, Where(c.Domain)...)
		if err != nil {
			return c, nil, err
		}
		c.Secret = federation.NewSecret(string(plain))
	}
	p := m.Protocols[c.Protocol]
	if p == nil {
		return c, nil, fmt.Errorf("no protocol %q for upstreams", c.Protocol)
	}
	return c, p, nil
}

// request derives what is asked in this round of the transaction, the same again when the answer
// is there. Nobody but this server can: the challenge is keyed.
func (m Method) request(c federation.Configuration, a signin.Attempt) federation.Request {
	round, again := 0, false
	if a.Away != nil {
		round, again = a.Away.Round, a.Away.Again
	}
	since := a.Since
	if c.Most() {
		since = later(since, a.SecondSince)
	}
	derive := func(label string) string {
		mac := hmac.New(sha256.New, a.Challenge)
		mac.Write([]byte(label + "|" + c.ID + "|" + strconv.Itoa(round)))
		return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
	return federation.Request{
		State: a.Transaction[:8] + "." + derive("state"), Nonce: derive("nonce"), Verifier: derive("verifier"),
		Answer: AnswerAddress(m.PublicURL, c), Entity: EntityID(m.PublicURL, c.Tenant), LoginHint: a.Username,
		MFA: c.MFA == federation.EnforceMFA, Again: again, Since: since, At: a.At,
	}
}

// AnswerAddress is where the upstream of c sends people back to. With OpenID Connect each has an
// address of its own, so that none can answer in the place of another (RFC 9700 section 4.4.2).
func AnswerAddress(publicURL string, c federation.Configuration) string {
	base := publicURL + "/" + string(c.Tenant) + "/federation/"
	if c.Protocol == federation.SAML {
		return base + "saml/acs"
	}
	return base + "oidc/" + c.Domain
}

// EntityID is what this server is called at SAML upstreams; its metadata are there.
func EntityID(publicURL string, tenant directory.TenantID) string {
	return publicURL + "/" + string(tenant) + "/federation/saml/metadata"
}

// Vouch implements [signin.Voucher].
func (m Method) Vouch(ctx context.Context, a signin.Attempt) (directory.User, signin.Proof, error) {
	c, p, err := m.of(ctx, a)
	if err != nil {
		return directory.User{}, signin.Proof{}, err
	}
	said, err := p.Take(ctx, c, m.request(c, a), a.Typed)
	if err != nil {
		return directory.User{}, signin.Proof{}, told(err)
	}
	two, back := c.Judge(said)
	switch {
	case back && a.Away.Again:
		return directory.User{}, signin.Proof{}, told(federation.ErrNoMFA)
	case back:
		return directory.User{}, signin.Proof{}, signin.ErrBack
	}
	since := a.Since
	if two {
		since = later(since, a.SecondSince)
	}
	at, err := provedAt(said, since, a.At)
	if err != nil {
		return directory.User{}, signin.Proof{}, told(err)
	}
	user, err := m.who(ctx, c, said, a)
	if err != nil {
		return user, signin.Proof{}, told(err)
	}
	proof := signin.Proof{
		Method: MethodID, At: at, AMR: []string{"fed"}, Combination: "federatedSingleFactor",
		Factors: yield(two).Factors, Undated: said.At.IsZero(),
	}
	if !proof.Undated {
		proof.FreshUntil = at.Add(FreshFor)
	}
	if two {
		proof.Combination = "federatedMultiFactor"
	}
	proof.Origin, err = m.keep(ctx, c, said.Origin)
	return user, proof, err
}

// provedAt is when the person showed the upstream who they are: they may have been signed in
// there for hours. Where that has to be after since, an upstream that does not say is not
// believed.
func provedAt(said federation.Assertion, since, now time.Time) (time.Time, error) {
	switch {
	case since.IsZero() && said.At.IsZero():
		return now, nil
	case !since.IsZero() && (said.At.IsZero() || said.At.Before(since.Add(-federation.Skew))):
		return time.Time{}, federation.ErrStale
	case said.At.After(now):
		return now, nil
	case !since.IsZero() && !said.At.After(since): // within what clocks may differ
		return since.Add(time.Microsecond), nil
	}
	return said.At, nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// told makes a refusal say what it is about, because whoever gets it was at the upstream. What
// was wrong with an answer stays with the log.
func told(err error) error {
	for _, f := range toldFaults {
		if errors.Is(err, f) {
			return &signin.Told{Why: f}
		}
	}
	return err
}
