package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"maps"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/postern-id/postern/internal/federation"
	"github.com/postern-id/postern/internal/federation/oidc/oidctest"
)

// party is this server, an upstream, and the request between them.
type party struct {
	*oidctest.Provider
	client *Client
	c      federation.Configuration
	r      federation.Request
	now    time.Time
}

func newParty(t *testing.T) *party {
	p := &party{now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}
	p.Provider = oidctest.New(t, func() time.Time { return p.now })
	p.client = New(p.Server.Client(), func() time.Time { return p.now })
	p.c = federation.Usual(federation.OIDC)
	p.c.Domain, p.c.Issuer, p.c.ClientID, p.c.Sealed, p.c.Secret = "fabrikam.example", p.Issuer(), oidctest.ClientID, "sealed", federation.NewSecret(oidctest.Secret)
	p.r = federation.Request{
		State: "12345678.state", Nonce: "nonce", Verifier: "a-verifier-that-is-long-enough-for-rfc-7636-section-4.1",
		Answer: "https://postern.example/t/federation/oidc/fabrikam.example", LoginHint: "mira@fabrikam.example", At: p.now,
	}
	p.Said = map[string]any{"preferred_username": "mira@fabrikam.example"}
	return p
}

// leave is the query of the request with which the person is sent away.
func (p *party) leave(t *testing.T) (to string, q url.Values) {
	t.Helper()
	to, err := p.client.Leave(t.Context(), p.c, p.r)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	return to, u.Query()
}

// take sends the person there and back.
func (p *party) take(t *testing.T, change func(q url.Values)) (federation.Assertion, error) {
	t.Helper()
	to, _ := p.leave(t)
	q := p.Answer(t, to)
	if change != nil {
		change(q)
	}
	return p.client.Take(t.Context(), p.c, p.r, q.Encode())
}

func TestAnUpstreamSaysWhoAPersonIs(t *testing.T) {
	p := newParty(t)
	p.Said["amr"], p.Said["acr"], p.Said["sid"] = []string{"pwd", "mfa"}, "urn:level:2", "s1"
	a, err := p.take(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a.Subject != "248289761001" || !slices.Equal(a.Claims["preferred_username"], []string{"mira@fabrikam.example"}) ||
		!slices.Equal(a.Methods, []string{"pwd", "mfa", "urn:level:2"}) || !a.At.Equal(p.now) || a.Origin.Session != "s1" || a.Origin.IDToken == "" {
		t.Errorf("said %+v", a)
	}
}

func TestWhatAnUpstreamIsAsked(t *testing.T) {
	p := newParty(t)
	_, q := p.leave(t)
	for name, want := range map[string]string{
		"response_type": "code", "client_id": "postern", "redirect_uri": p.r.Answer, "scope": "openid profile email", "state": p.r.State, "nonce": "nonce",
		"code_challenge_method": "S256", "login_hint": "mira@fabrikam.example", "acr_values": "", "prompt": "", "max_age": "7776000",
	} {
		if q.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, q.Get(name), want)
		}
	}
	p.r.MFA, p.r.Since = true, p.now.Add(-time.Hour)
	if _, q = p.leave(t); q.Get("acr_values") == "" || q.Get("max_age") != "3600" || q.Has("prompt") {
		t.Errorf("for a second factor and a proof from the last hour: %v", q)
	}
	p.r.Again = true
	if _, q = p.leave(t); q.Get("prompt") != "login" || q.Get("max_age") != "0" {
		t.Errorf("once more: %v", q)
	}
}

// Each of these is what an attacker, or a confused upstream, could send.
func TestAnswersThatCantBeBelievedAreRefused(t *testing.T) {
	claim := func(name string, value any) func(*testing.T, *party, url.Values) {
		return func(_ *testing.T, p *party, _ url.Values) { p.Said[name] = value }
	}
	second := func(s int64) func(time.Time) int64 { return func(t time.Time) int64 { return t.Unix() + s } }
	at := func(name string, when func(time.Time) int64) func(*testing.T, *party, url.Values) {
		return func(_ *testing.T, p *party, _ url.Values) { p.Said[name] = when(p.now) }
	}
	query := func(name, value string) func(*testing.T, *party, url.Values) {
		return func(_ *testing.T, _ *party, q url.Values) { q.Set(name, value) }
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(*testing.T, *party, url.Values)
		want   error // nil: it is believed
	}{
		"nothing is wrong":                         {func(*testing.T, *party, url.Values) {}, nil},
		"another issuer in the token":              {claim("iss", "https://evil.example"), federation.ErrAnswer},
		"another audience":                         {claim("aud", "other"), federation.ErrAnswer},
		"two audiences, and nobody is said to ask": {claim("aud", []string{oidctest.ClientID, "other"}), federation.ErrAnswer},
		"another party asked":                      {claim("azp", "other"), federation.ErrAnswer},
		"the party that asked is no text":          {claim("azp", 7), federation.ErrAnswer},
		"this server asked":                        {claim("azp", oidctest.ClientID), nil},
		"no subject":                               {claim("sub", nil), federation.ErrAnswer},
		"another nonce":                            {claim("nonce", "other"), federation.ErrAnswer},
		"no nonce":                                 {claim("nonce", nil), federation.ErrAnswer},
		"expired, and no clock is that wrong":      {at("exp", second(-120)), federation.ErrAnswer},
		"expired a moment ago":                     {at("exp", second(-119)), nil},
		"no expiry":                                {claim("exp", nil), federation.ErrAnswer},
		"issued in the future":                     {at("iat", second(121)), federation.ErrAnswer},
		"issued by a clock that is a little ahead": {at("iat", second(120)), nil},
		"issued long ago":                          {at("iat", second(-721)), federation.ErrAnswer},
		"issued a while ago":                       {at("iat", second(-720)), nil},
		"another access token":                     {claim("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"), federation.ErrAnswer},
		"another state":                            {query("state", "12345678.other"), federation.ErrAnswer},
		"no state":                                 {query("state", ""), federation.ErrAnswer},
		"a state twice":                            {func(_ *testing.T, _ *party, q url.Values) { q.Add("state", q.Get("state")) }, federation.ErrAnswer},
		"mix-up: another issuer answers":           {query("iss", "https://evil.example"), federation.ErrAnswer},
		"mix-up: who promised to say who answers, does not": {func(_ *testing.T, _ *party, q url.Values) { q.Del("iss") }, federation.ErrAnswer},
		"no code":                 {func(_ *testing.T, _ *party, q url.Values) { q.Del("code") }, federation.ErrAnswer},
		"a code of somebody else": {query("code", "stolen"), federation.ErrAnswer},
		"the person gave up":      {query("error", "access_denied"), federation.ErrUpstream},
		"an error in the name of another issuer": {func(_ *testing.T, _ *party, q url.Values) {
			q.Set("error", "access_denied")
			q.Set("iss", "https://evil.example")
		}, federation.ErrAnswer},
		"signed by another key with the same name": {func(_ *testing.T, p *party, _ url.Values) {
			p.Sign = func(c []byte) string { return oidctest.Signed(jose.ES256, other, p.Kid, c) }
		}, federation.ErrAnswer},
		"not signed": {func(_ *testing.T, p *party, _ url.Values) {
			p.Sign = func(c []byte) string {
				return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString(c) + "."
			}
		}, federation.ErrAnswer},
		"signed with the client's secret": {func(_ *testing.T, p *party, _ url.Values) {
			p.Sign = func(c []byte) string { return oidctest.Signed(jose.HS256, []byte(oidctest.Secret), p.Kid, c) }
		}, federation.ErrAnswer},
		"no token":                {func(_ *testing.T, p *party, _ url.Values) { p.Sign = func([]byte) string { return "" } }, federation.ErrAnswer},
		"signed by a new key":     {func(t *testing.T, p *party, _ url.Values) { p.Rotate(t, "second") }, nil},
		"more than fits a memory": {func(_ *testing.T, p *party, _ url.Values) { p.Said["x"] = string(make([]byte, 1<<20)) }, federation.ErrUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			p := newParty(t)
			if _, err := p.take(t, nil); err != nil { // its keys are known from now on
				t.Fatal(err)
			}
			p.Said = maps.Clone(p.Said)
			_, err := p.take(t, func(q url.Values) { test.change(t, p, q) })
			if !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
		})
	}
}

func TestACodeOfAnotherRequestIsNotRedeemed(t *testing.T) {
	p := newParty(t)
	to, _ := p.leave(t)
	theirs := p.Answer(t, to)
	p.r.Verifier, p.r.Nonce, p.r.State = "another-verifier-that-is-long-enough-for-rfc-7636", "other", "87654321.other"
	theirs.Set("state", p.r.State) // injected into one's own sign-in
	if _, err := p.client.Take(t.Context(), p.c, p.r, theirs.Encode()); !errors.Is(err, federation.ErrAnswer) {
		t.Errorf("a stolen code: %v", err)
	}
}

func TestOnlyAVerifiedAddressIsAClaim(t *testing.T) {
	p := newParty(t)
	for verified, want := range map[any]bool{true: true, false: false, "true": false, nil: false} {
		p.Said = map[string]any{"preferred_username": "mira@fabrikam.example", "email": "mira@fabrikam.example", "email_verified": verified}
		a, err := p.take(t, nil)
		if err != nil || (a.Claims["email"] != nil) != want {
			t.Errorf("email_verified %v: %v, %v", verified, a.Claims["email"], err)
		}
	}
}

func TestUserInfoIsAskedForWhatIsMissingAndIsOfTheSamePerson(t *testing.T) {
	p := newParty(t)
	p.Said, p.Info = nil, map[string]any{"sub": "248289761001", "preferred_username": "mira@fabrikam.example", "amr": []string{"mfa"}}
	a, err := p.take(t, nil)
	if err != nil || !slices.Equal(a.Claims["preferred_username"], []string{"mira@fabrikam.example"}) {
		t.Errorf("%v, %v", a, err)
	}
	if len(a.Methods) > 0 {
		t.Errorf("what is not signed says how the person signed in: %v", a.Methods)
	}
	p.Info["sub"] = "somebody"
	if _, err := p.take(t, nil); !errors.Is(err, federation.ErrAnswer) {
		t.Errorf("somebody else's: %v", err)
	}
}

func TestAnUpstreamThatIsDownIsSaidToBe(t *testing.T) {
	p := newParty(t)
	to, _ := p.leave(t)
	answer := p.Answer(t, to)
	p.Server.Close()
	if _, err := p.client.Take(t.Context(), p.c, p.r, answer.Encode()); !errors.Is(err, federation.ErrUnreachable) {
		t.Errorf("its token endpoint: %v", err)
	}
	p.now = p.now.Add(2 * time.Hour)
	if _, err := p.client.Leave(t.Context(), p.c, p.r); err != nil {
		t.Errorf("what it said before no longer holds: %v", err)
	}
	p.now = p.now.Add(24 * time.Hour)
	if _, err := p.client.Leave(t.Context(), p.c, p.r); !errors.Is(err, federation.ErrUnreachable) {
		t.Errorf("a day later: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.client.Leave(gone, p.c, p.r); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waits any more: %v", err)
	}
}

func TestADiscoveryDocumentOfAnotherIssuerIsRefused(t *testing.T) {
	p := newParty(t)
	p.c.Issuer += "/tenant"
	if _, err := p.client.Leave(t.Context(), p.c, p.r); !errors.Is(err, federation.ErrUnreachable) {
		t.Error(err)
	}
}

// People are sent to the first of these addresses, and codes and secrets to the others.
func TestADiscoveryDocumentNamesAddressesThatNobodyListensTo(t *testing.T) {
	for _, name := range []string{"authorization_endpoint", "token_endpoint", "jwks_uri"} {
		for _, address := range []string{"http://idp.example/x", "javascript:alert(1)", "/x", "https:///x", ""} {
			p := newParty(t)
			p.Discovery = map[string]any{name: address}
			if to, err := p.client.Leave(t.Context(), p.c, p.r); !errors.Is(err, federation.ErrUnreachable) {
				t.Errorf("%s is %q: off to %q, %v", name, address, to, err)
			}
		}
	}
}
