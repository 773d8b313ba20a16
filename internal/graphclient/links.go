package graphclient

import (
	"context"
	"net/http"
)

// AddLink puts an object, by id, on a list, such as members or owners, of another one of a set,
// such as groups or applications.
func (c *Client) AddLink(ctx context.Context, set, id, list, object string) error {
	path, err := segments("directoryObjects", object)
	if err != nil {
		return err
	}
	return c.at(ctx, http.MethodPost, Object{"@odata.id": c.base.String() + path}, nil, set, id, list, "$ref")
}

// RemoveLink takes an object off a list that AddLink put it on.
func (c *Client) RemoveLink(ctx context.Context, set, id, list, object string) error {
	return c.at(ctx, http.MethodDelete, nil, nil, set, id, list, object, "$ref")
}
