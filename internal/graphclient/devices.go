package graphclient

import (
	"context"
	"iter"
	"net/http"
)

// Devices yields the devices that q asks for.
func (c *Client) Devices(ctx context.Context, q Query) iter.Seq2[Object, error] {
	return c.list(ctx, q, "devices")
}

// Device returns a device, by object id.
func (c *Client) Device(ctx context.Context, id string) (Object, error) {
	return c.one(ctx, "devices", id)
}

// RegisteredOwners yields who joined a device, by object id.
func (c *Client) RegisteredOwners(ctx context.Context, id string) iter.Seq2[Object, error] {
	return c.list(ctx, Query{}, "devices", id, "registeredOwners")
}

// UpdateDevice changes a device, by object id.
func (c *Client) UpdateDevice(ctx context.Context, id string, change Object) error {
	return c.at(ctx, http.MethodPatch, change, nil, "devices", id)
}

// DeleteDevice deletes a device for good, by object id.
func (c *Client) DeleteDevice(ctx context.Context, id string) error {
	return c.at(ctx, http.MethodDelete, nil, nil, "devices", id)
}
