package webhook

import (
	"context"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/jobs"
)

// Webhooks keeps subscriptions and the log of their deliveries. What it promises is tested by package
// webhooktest. Every event that the store records, it queues for whoever subscribed, in the same
// transaction.
type Webhooks interface {
	// Webhooks returns those of a tenant, the oldest first; Webhook one, or ErrUnknown.
	Webhooks(ctx context.Context, tenant directory.TenantID) ([]Webhook, error)
	Webhook(ctx context.Context, tenant directory.TenantID, id string) (Webhook, error)
	// PutWebhook stores w: a new one when its stamp is 0 (ErrMany), else in place of the one with
	// that stamp (directory.ErrChanged).
	PutWebhook(ctx context.Context, w Webhook, e audit.Event) error
	// DeleteWebhook removes w with its deliveries; directory.ErrChanged.
	DeleteWebhook(ctx context.Context, w Webhook, e audit.Event) error

	// Deliveries returns those of a webhook after a position, the newest first, and the position of
	// the last one if there are more; of one state, unless it is empty.
	Deliveries(ctx context.Context, tenant directory.TenantID, webhook string, state State, after []any, limit int) ([]Delivery, []any, error)
	// Delivery returns one, or ErrDeliveryUnknown.
	Delivery(ctx context.Context, tenant directory.TenantID, webhook, id string) (Delivery, error)
	// QueueDelivery stores a delivery that no event asks for, with its job.
	QueueDelivery(ctx context.Context, d Delivery, j jobs.Job, e audit.Event) error
	// SendAgain makes d wait in its next round, with a job of its own, and ends the webhook's pause;
	// one that waits is tried at now. ErrDeliveryUnknown when somebody else was there first.
	SendAgain(ctx context.Context, d Delivery, now time.Time, e audit.Event) error
}

// Queue is what deliveries are made from.
type Queue interface {
	// DeliveryOf returns a delivery with its webhook; ErrDeliveryUnknown when either is gone.
	DeliveryOf(ctx context.Context, tenant directory.TenantID, id string) (Delivery, Webhook, error)
	// KeepTry stores state, tries and end of d, if it still waits in that round, and pauses its webhook
	// until pause; the zero time ends the pause and forgets failures. Else it changes nothing.
	KeepTry(ctx context.Context, d Delivery, pause time.Time) error
	// GiveUp stores that d failed and counts it; the webhook is turned off, and off recorded, when
	// most have failed since one arrived, or at once.
	GiveUp(ctx context.Context, d Delivery, most int, off func(Webhook) audit.Event) error
}
