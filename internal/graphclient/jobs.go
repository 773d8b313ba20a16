package graphclient

import (
	"context"
	"iter"
	"net/http"
)

// Jobs yields what the server does by itself in a state: dead, waiting or done, the latest first.
func (c *Client) Jobs(ctx context.Context, state string) iter.Seq2[Object, error] {
	return c.list(ctx, Query{Filter: "state eq " + Quote(state)}, "postern", "jobs")
}

// RetryJob begins a job anew that was given up.
func (c *Client) RetryJob(ctx context.Context, id string) error {
	_, err := c.Do(ctx, http.MethodPost, nil, "postern", "jobs", id, "retry")
	return err
}
