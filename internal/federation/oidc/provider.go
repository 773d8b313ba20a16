package oidc

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/postern-id/postern/internal/federation"
)

// A provider is an upstream as its discovery document describes it. Its keys are read again when
// a token names one that is not known.
type provider struct {
	oidc *oidc.Provider
	said metadata
	keys oidc.KeySet
	at   time.Time
}

type metadata struct {
	JWKS        string   `json:"jwks_uri"`
	AuthMethods []string `json:"token_endpoint_auth_methods_supported"`
	EndSession  string   `json:"end_session_endpoint"`
	IssInAnswer bool     `json:"authorization_response_iss_parameter_supported"`
}

const (
	// knownFor is how long a discovery document is taken for what it says.
	knownFor = time.Hour
	// maxKnown bounds how many upstreams a process remembers.
	maxKnown = 1000
)

type cache struct {
	mu sync.Mutex
	of map[string]*provider
}

// context lets the libraries call by the client's own rules.
func (o *Client) context(ctx context.Context) context.Context { return oidc.ClientContext(ctx, o.http) }

// provider returns the upstream with that issuer. When it can't be read anew, what it said before
// holds for a day.
func (o *Client) provider(ctx context.Context, issuer string) (*provider, error) {
	o.known.mu.Lock()
	old := o.known.of[issuer]
	o.known.mu.Unlock()
	now := o.now()
	if old != nil && now.Sub(old.at) < knownFor {
		return old, nil
	}
	fresh, err := o.discover(ctx, issuer)
	if err != nil {
		if old != nil && now.Sub(old.at) < 24*time.Hour {
			return old, nil
		}
		return nil, o.unreachable(ctx, err)
	}
	o.known.mu.Lock()
	defer o.known.mu.Unlock()
	if o.known.of == nil || len(o.known.of) >= maxKnown {
		o.known.of = map[string]*provider{}
	}
	o.known.of[issuer] = fresh
	return fresh, nil
}

func (o *Client) discover(ctx context.Context, issuer string) (*provider, error) {
	found, err := oidc.NewProvider(o.context(ctx), issuer) // it compares the issuer
	if err != nil {
		return nil, err
	}
	p := &provider{oidc: found, at: o.now()}
	if err := found.Claims(&p.said); err != nil {
		return nil, err
	}
	e := found.Endpoint()
	for _, address := range []string{e.AuthURL, e.TokenURL, p.said.JWKS} {
		if u, err := url.Parse(address); err != nil || u.Scheme != "https" || u.Host == "" {
			return nil, fmt.Errorf("the identity provider names %q, which is no https address", address)
		}
	}
	anew := func() oidc.KeySet { return oidc.NewRemoteKeySet(o.context(context.WithoutCancel(ctx)), p.said.JWKS) }
	p.keys = keySet{anew(), anew}
	return p, nil
}

// unreachable says that an upstream does not answer, unless the person is gone; the error goes to
// the server's log.
func (o *Client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w (%w)", federation.ErrUnreachable, err)
}
