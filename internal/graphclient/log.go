package graphclient

import (
	"context"
	"net/http"
	"strconv"
)

// SealedLog returns a page of the sealed log as JSON lines, from a position on.
func (c *Client) SealedLog(ctx context.Context, from int64) ([]byte, error) {
	var page []byte
	err := c.call(ctx, http.MethodGet, "/postern/log?from="+strconv.FormatInt(from, 10), nil, &page)
	return page, err
}
