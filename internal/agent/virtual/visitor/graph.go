package visitor

import (
	"context"
	"net/http"
	"time"

	"github.com/postern-id/postern/internal/graphclient"
)

// commandLine is the client id of the command line in every tenant: who signs in by it may
// call Graph with their own rights.
const commandLine = "d63505a7-8db9-41a0-88f0-78639b447745"

// callback is where the command line would listen. Nothing is ever opened there.
const callback = "http://localhost:1"

// Graph signs a person in with a pass, on the pages of a server, and returns Graph as they
// may use it.
func Graph(ctx context.Context, client *http.Client, server, tenant, name, pass string) (*graphclient.Client, error) {
	authority, err := graphclient.Discover(ctx, client, time.Now, server, tenant)
	if err != nil {
		return nil, err
	}
	scope := server + "/.default openid profile offline_access"
	s, err := authority.SignIn(commandLine, scope, callback)
	if err != nil {
		return nil, err
	}
	address, err := s.URL("")
	if err != nil {
		return nil, err
	}
	b, err := New(ctx, client.Transport)
	if err != nil {
		return nil, err
	}
	b.Stop = callback
	if err := b.Open(address); err != nil {
		return nil, err
	}
	if err := b.SignIn(name, pass); err != nil {
		return nil, err
	}
	tokens, err := s.Redeem(ctx, b.At.Query())
	if err != nil {
		return nil, err
	}
	key := s.Key
	if !tokens.Bound {
		key = nil
	}
	return graphclient.New(graphclient.Config{
		Graph: server, HTTP: client,
		Tokens: &graphclient.Person{
			Authority: func(context.Context) (*graphclient.Authority, error) { return authority, nil },
			ClientID:  commandLine, Scope: scope, Key: key, Keeper: &pocket{tokens}, Now: time.Now,
		},
	})
}

// A pocket keeps tokens in memory.
type pocket struct{ tokens graphclient.Tokens }

// Update implements graphclient.Keeper.
func (k *pocket) Update(_ context.Context, change func(graphclient.Tokens) (graphclient.Tokens, error)) error {
	next, err := change(k.tokens)
	if err == nil {
		k.tokens = next
	}
	return err
}
