package graphclient

import (
	"context"
	"iter"
)

// Readiness yields people by how they get back in, those without a way first. q.More takes grade, failure with
// standing, and administrators.
func (c *Client) Readiness(ctx context.Context, q Query) iter.Seq2[Object, error] {
	return c.list(ctx, q, "reports", "recoveryReadiness")
}
