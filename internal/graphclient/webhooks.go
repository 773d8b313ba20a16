package graphclient

import (
	"context"
	"iter"
	"net/http"
)

func webhookPath(more ...string) []string { return append([]string{"postern", "webhooks"}, more...) }

// Webhooks yields where events are sent.
func (c *Client) Webhooks(ctx context.Context) iter.Seq2[Object, error] {
	return c.list(ctx, Query{}, webhookPath()...)
}

// Webhook returns one, by id.
func (c *Client) Webhook(ctx context.Context, id string) (Object, error) {
	return c.one(ctx, webhookPath(id)...)
}

// CreateWebhook subscribes. The answer has the secret, once.
func (c *Client) CreateWebhook(ctx context.Context, in Object) (Object, error) {
	var out Object
	err := c.at(ctx, http.MethodPost, in, &out, webhookPath()...)
	return out, err
}

// PatchWebhook changes the properties in change and leaves the others.
func (c *Client) PatchWebhook(ctx context.Context, id string, change Object) error {
	return c.at(ctx, http.MethodPatch, change, nil, webhookPath(id)...)
}

// DeleteWebhook ends a subscription.
func (c *Client) DeleteWebhook(ctx context.Context, id string) error {
	return c.at(ctx, http.MethodDelete, nil, nil, webhookPath(id)...)
}

// RotateWebhook gives one a new secret; the old one signs, too, for some hours.
func (c *Client) RotateWebhook(ctx context.Context, id string, overlap int) (Object, error) {
	var out Object
	err := c.at(ctx, http.MethodPost, map[string]int{"overlapInHours": overlap}, &out, webhookPath(id, "rotateSecret")...)
	return out, err
}

// TestWebhook sends a message that tells of nothing, and returns its delivery.
func (c *Client) TestWebhook(ctx context.Context, id string) (Object, error) {
	var out Object
	err := c.at(ctx, http.MethodPost, Object{}, &out, webhookPath(id, "test")...)
	return out, err
}

// WebhookDeliveries yields what was sent, the newest first; of one state, unless it is empty.
func (c *Client) WebhookDeliveries(ctx context.Context, id, state string) iter.Seq2[Object, error] {
	var q Query
	if state != "" {
		q.Filter = "state eq '" + state + "'"
	}
	return c.list(ctx, q, webhookPath(id, "deliveries")...)
}

// WebhookDelivery returns one, with every try and what was sent.
func (c *Client) WebhookDelivery(ctx context.Context, id, delivery string) (Object, error) {
	return c.one(ctx, webhookPath(id, "deliveries", delivery)...)
}

// SendWebhookAgain sends a delivery again.
func (c *Client) SendWebhookAgain(ctx context.Context, id, delivery string) error {
	return c.at(ctx, http.MethodPost, nil, nil, webhookPath(id, "deliveries", delivery, "sendAgain")...)
}
