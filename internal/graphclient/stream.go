package graphclient

import (
	"bytes"
	"context"
	"net/http"
	"strings"

	"github.com/google/uuid"
)

// Upload replaces a stream property, such as a logo, by data of a type. It is sent once: who
// uploads sees a refusal at once.
func (c *Client) Upload(ctx context.Context, kind string, data []byte, names ...string) error {
	path, err := segments(names...)
	if err != nil {
		return err
	}
	u, err := c.base.Parse(strings.TrimSuffix(c.base.Path, "/") + path)
	if err != nil {
		return ErrPath
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, u.String(), bytes.NewReader(data))
	if err != nil {
		return err
	}
	token, err := c.tokens.Token(ctx)
	if err != nil {
		return err
	}
	if err := c.authorize(r, token); err != nil {
		return err
	}
	id := c.id
	if id == "" {
		id = uuid.NewString()
	}
	r.Header.Set("client-request-id", id)
	r.Header.Set("Content-Type", kind)
	if c.match != "" {
		r.Header.Set("If-Match", c.match)
	}
	res, answer, err := roundTrip(c.http, r) //nolint:bodyclose // roundTrip read and closed it
	if err != nil {
		return err
	}
	if res.StatusCode >= http.StatusMultipleChoices {
		return c.refused(res, decodeError(res, answer))
	}
	return nil
}
