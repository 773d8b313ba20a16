package story

import (
	"context"
	"fmt"
	"iter"

	"github.com/postern-id/postern/internal/agent/virtual/visitor"
	"github.com/postern-id/postern/internal/graphclient"
)

// A desk is a person who works with Graph, by their own token.
type desk struct{ *graphclient.Client }

// sit signs a person in with their pass.
func (p *play) sit(name, pass string) (*desk, error) {
	client, err := visitor.Graph(p.ctx, p.http, p.stage.Server, p.stage.Tenant, name, pass)
	return &desk{client}, err
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
