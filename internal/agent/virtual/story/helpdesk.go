package story

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/postern-id/postern/internal/agent/virtual/visitor"
	"github.com/postern-id/postern/internal/graphclient"
)

// commandLine is the client id of the command line in every tenant: who signs in by it may
// call Graph with their own rights.
const commandLine = "d63505a7-8db9-41a0-88f0-78639b447745"

// callback is where the command line would listen. Nothing is ever opened there.
const callback = "http://localhost:1"

// A desk is a person who works with Graph, by their own token.
type desk struct {
	*graphclient.Client
	name string
}

// sit signs a person in with their pass, on the server's own pages, and gives them Graph.
func (p *play) sit(name, pass string) (*desk, error) {
	authority, err := graphclient.Discover(p.ctx, p.http, time.Now, p.stage.Server, p.stage.Tenant)
	if err != nil {
		return nil, err
	}
	scope := p.stage.Server + "/.default openid profile offline_access"
	s, err := authority.SignIn(commandLine, scope, callback)
	if err != nil {
		return nil, err
	}
	address, err := s.URL("")
	if err != nil {
		return nil, err
	}
	b, err := visitor.New(p.ctx, p.http.Transport)
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
	tokens, err := s.Redeem(p.ctx, b.At.Query())
	if err != nil {
		return nil, err
	}
	key := s.Key
	if !tokens.Bound {
		key = nil
	}
	client, err := graphclient.New(graphclient.Config{
		Graph: p.stage.Server, HTTP: p.http,
		Tokens: &graphclient.Person{
			Authority: func(context.Context) (*graphclient.Authority, error) { return authority, nil },
			ClientID:  commandLine, Scope: scope, Key: key, Keeper: &pocket{tokens}, Now: time.Now,
		},
	})
	return &desk{client, name}, err
}

// A pocket keeps tokens as long as the story lasts.
type pocket struct{ tokens graphclient.Tokens }

// Update implements graphclient.Keeper.
func (k *pocket) Update(_ context.Context, change func(graphclient.Tokens) (graphclient.Tokens, error)) error {
	next, err := change(k.tokens)
	if err == nil {
		k.tokens = next
	}
	return err
}

// pass issues a one-time pass for a person.
func (d *desk) pass(ctx context.Context, user, reason string) (string, error) {
	once := true
	issued, err := d.CreatePass(ctx, user, graphclient.PassRequest{IsUsableOnce: &once, Reason: reason})
	if err != nil {
		return "", err
	}
	if issued.TemporaryAccessPass == nil {
		return "", fmt.Errorf("the server issued no pass for %s", user)
	}
	return *issued.TemporaryAccessPass, nil
}

// all reads a list to its end.
func all(list iter.Seq2[graphclient.Object, error]) ([]graphclient.Object, error) {
	var out []graphclient.Object
	for o, err := range list {
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}
