package graphclient

import (
	"context"
	"iter"
	"net/http"
)

// DeletedUsers yields the users that can be restored.
func (c *Client) DeletedUsers(ctx context.Context) iter.Seq2[Object, error] {
	return c.list(ctx, Query{}, "directory", "deletedItems", "microsoft.graph.user")
}

// DeletedGroups yields the groups that can be restored.
func (c *Client) DeletedGroups(ctx context.Context) iter.Seq2[Object, error] {
	return c.list(ctx, Query{}, "directory", "deletedItems", "microsoft.graph.group")
}

// Restore brings a deleted object back, by id.
func (c *Client) Restore(ctx context.Context, id string) error {
	return c.at(ctx, http.MethodPost, nil, nil, "directory", "deletedItems", id, "restore")
}

// SetManager makes one user, by id, the manager of another, by id or UPN.
func (c *Client) SetManager(ctx context.Context, user, manager string) error {
	path, err := segments("users", manager)
	if err != nil {
		return err
	}
	return c.at(ctx, http.MethodPut, Object{"@odata.id": c.base.String() + path}, nil, "users", user, "manager", "$ref")
}

// Group returns a group, by id.
func (c *Client) Group(ctx context.Context, id string) (Object, error) {
	return c.one(ctx, "groups", id)
}

// UpdateGroup changes the properties in change of a group, by id.
func (c *Client) UpdateGroup(ctx context.Context, id string, change Object) error {
	return c.at(ctx, http.MethodPatch, change, nil, "groups", id)
}

// DeleteGroup deletes a group, by id. It can be restored.
func (c *Client) DeleteGroup(ctx context.Context, id string) error {
	return c.at(ctx, http.MethodDelete, nil, nil, "groups", id)
}
