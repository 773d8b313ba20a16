// Package oidc speaks OpenID Connect to upstreams: authorization code flow with PKCE, an id token
// whose issuer, audience, times, nonce and signature are checked (OpenID Connect Core sections 3.1
// and 3.1.3.7), and the issuer in the answer (RFC 9207). Where code for id tokens exists that many
// rely on, it is used: go-oidc. What the client asks over the network goes through the rules of
// package outbound.
package oidc

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/postern-id/postern/internal/federation"
)

// Client speaks to upstreams. Make it with New.
type Client struct {
	http  *http.Client
	now   func() time.Time
	known cache
}

// New returns a client that calls upstreams by c, which has a transport of its own. It reads no more of an answer than an upstream
// has to say.
func New(c *http.Client, now func() time.Time) *Client {
	own := *c
	own.Transport = limited{c.Transport}
	return &Client{http: &own, now: now}
}

// Leave returns the address of the authorization request.
func (o *Client) Leave(ctx context.Context, c federation.Configuration, r federation.Request) (string, error) {
	p, err := o.provider(ctx, c.Issuer)
	if err != nil {
		return "", err
	}
	q := []oauth2.AuthCodeOption{
		oauth2.SetAuthURLParam("nonce", r.Nonce), oauth2.SetAuthURLParam("login_hint", r.LoginHint),
		oauth2.SetAuthURLParam("code_challenge", challenge(r.Verifier)), oauth2.SetAuthURLParam("code_challenge_method", "S256"),
	}
	if r.MFA {
		q = append(q, oauth2.SetAuthURLParam("acr_values", strings.Join(c.MFAValues, " ")))
	}
	switch {
	case r.Again, !r.Since.IsZero() && r.At.Sub(r.Since) < time.Minute:
		q = append(q, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	case !r.Since.IsZero():
		q = append(q, oauth2.SetAuthURLParam("max_age", strconv.Itoa(int(r.At.Sub(r.Since)/time.Second))))
	default:
		q = append(q, oauth2.SetAuthURLParam("max_age", anyAge))
	}
	return p.config(c, r).AuthCodeURL(r.State, q...), nil
}

// anyAge is a max_age that no session is likely to have, 90 days: who is asked with one has to say
// auth_time (OpenID Connect Core section 2).
const anyAge = "7776000"

func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// config is this server as the upstream knows it.
func (p *provider) config(c federation.Configuration, r federation.Request) *oauth2.Config {
	e := p.oidc.Endpoint()
	e.AuthStyle = oauth2.AuthStyleInHeader
	if c.Sealed == "" || len(p.said.AuthMethods) > 0 && !slices.Contains(p.said.AuthMethods, "client_secret_basic") {
		e.AuthStyle = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{
		ClientID: c.ClientID, ClientSecret: c.Secret.Reveal(), Endpoint: e, RedirectURL: r.Answer, Scopes: append([]string{"openid"}, c.Scopes...),
	}
}

func invalid(why string) error { return federation.ErrAnswer.With("", why) }

// Take checks the query with which the upstream sent the browser back, redeems its code, and
// returns what the id token says.
func (o *Client) Take(ctx context.Context, c federation.Configuration, r federation.Request, answer string) (federation.Assertion, error) {
	var none federation.Assertion
	q, err := url.ParseQuery(answer)
	if err != nil {
		return none, invalid("The identity provider's answer is no query.")
	}
	for _, name := range []string{"state", "code", "error", "iss"} {
		if len(q[name]) > 1 { // RFC 6749 section 3.1
			return none, invalid("The identity provider's answer says something twice.")
		}
	}
	if subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(r.State)) != 1 {
		return none, invalid("The answer is to no request, or to one that is over.")
	}
	p, err := o.provider(ctx, c.Issuer)
	if err != nil {
		return none, err
	}
	switch {
	case q.Has("iss") && q.Get("iss") != c.Issuer, !q.Has("iss") && p.said.IssInAnswer: // RFC 9207 section 2.4
		return none, invalid("The answer is of another identity provider than was asked.")
	case q.Has("error"):
		return none, federation.ErrUpstream
	case q.Get("code") == "":
		return none, invalid("The identity provider's answer has no code.")
	}
	tokens, err := p.config(c, r).Exchange(o.context(ctx), q.Get("code"), oauth2.VerifierOption(r.Verifier))
	if err != nil {
		if _, refused := errors.AsType[*oauth2.RetrieveError](err); refused {
			return none, invalid("The identity provider does not redeem the code that it gave.")
		}
		return none, o.unreachable(ctx, err)
	}
	return o.read(ctx, p, c, r, tokens)
}

// limited reads no more than a mebibyte of each answer.
type limited struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := l.next.RoundTrip(r)
	if err == nil {
		res.Body = http.MaxBytesReader(nil, res.Body, 1<<20)
	}
	return res, err
}
