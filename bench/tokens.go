package main

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"github.com/postern-id/postern/test/live"
)

const readHeaderTimeout = 10 * time.Second

// callers is how many clients ask at the same time.
const callers = 64

// measureTokens measures what applications ask for: tokens for themselves, and discovery.
func (b *bench) measureTokens(ctx context.Context) error {
	h, err := live.Init(ctx, b.program, filepath.Join(b.dir, "tokens"), "")
	if err != nil {
		return err
	}
	server, err := h.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = server.Kill() }()
	empty, err := startNothing(ctx, h.Dir)
	if err != nil {
		return err
	}
	defer empty.stop()

	get := func(address string) (float64, error) {
		return drive(ctx, callers, b.span, func(ctx context.Context, _ int) error {
			return request(ctx, h.Client(), address, nil)
		})
	}
	post := func(address string) (float64, error) {
		return drive(ctx, callers, b.span, func(ctx context.Context, _ int) error {
			return request(ctx, h.Client(), address, h.ClientCredentials())
		})
	}
	token := server.URL + "/" + h.TenantID + "/oauth2/v2.0/token"
	var rs, es, rsTokens, esTokens, ruled, emptyGet, emptyPost, commit, discovery float64
	for _, m := range []struct {
		into    *float64
		measure func() (float64, error)
	}{
		{&rs, func() (float64, error) { return b.rs256(ctx) }},
		{&rsTokens, func() (float64, error) { return post(token) }},
		{&emptyGet, func() (float64, error) { return get(empty.url) }},
		{&discovery, func() (float64, error) {
			return get(server.URL + "/" + h.TenantID + "/v2.0/.well-known/openid-configuration")
		}},
		{&es, func() (float64, error) { return b.es256(ctx) }},
		{&emptyPost, func() (float64, error) { return post(empty.url) }},
		{&commit, func() (float64, error) { return b.groupCommit(ctx, callers) }},
		{&esTokens, func() (float64, error) {
			if err := chooseES256(ctx, h, server.URL); err != nil {
				return 0, err
			}
			return post(token)
		}},
		{&ruled, func() (float64, error) {
			if err := addPolicies(ctx, h, server.URL); err != nil {
				return 0, err
			}
			return post(token)
		}},
	} {
		if *m.into, err = m.measure(); err != nil {
			return err
		}
	}
	b.limit("RS256 signatures, bare", rs)
	b.limit("ES256 signatures, bare", es)
	b.limit("empty TLS handler, GET", emptyGet)
	b.limit("empty TLS handler, POST of the same form", emptyPost)
	b.limit(fmt.Sprintf("durable group commit, bare, %d writers", callers), commit)
	b.rate("client_credentials, RS256", rsTokens, "RS256 signing", rs, 0.5)
	slowest, of := es, "ES256 signing"
	for _, l := range []struct {
		rate float64
		name string
	}{{emptyPost, "empty TLS handler"}, {commit, "group commit"}} {
		if l.rate < slowest {
			slowest, of = l.rate, l.name
		}
	}
	b.rate("client_credentials, ES256", esTokens, of, slowest, 0.5)
	b.rows[len(b.rows)-1].known = true
	b.rate(fmt.Sprintf("the same under %d policies, of which five are asked", policies), ruled, "none", esTokens, 0.8)
	b.rate("discovery", discovery, "empty TLS handler", emptyGet, 0.6)
	return nil
}

// chooseES256 lets the house's application have its tokens signed with ES256.
func chooseES256(ctx context.Context, h *live.House, server string) error {
	g, err := h.Graph(ctx, server)
	if err != nil {
		return err
	}
	status, err := g.Do(ctx, server, http.MethodPatch, "/v1.0/applications(appId='"+h.ClientID+"')", `{"postern_tokenSigningAlgorithm":"ES256"}`, nil)
	if err == nil && status != http.StatusNoContent {
		err = fmt.Errorf("choose ES256: %d", status)
	}
	return err
}
