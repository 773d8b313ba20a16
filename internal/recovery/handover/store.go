package handover

import (
	"context"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/outbox"
)

// Store keeps hand-overs. What it promises is tested by package handovertest.
type Store interface {
	// PutHandover keeps h with what it carries, queues its mails and records e, or does nothing.
	// It makes an older one of the same pass void.
	PutHandover(ctx context.Context, h Handover, sealed string, e audit.Event, mails ...outbox.Item) error
	// Handover returns one, or ErrLink.
	Handover(ctx context.Context, tenant directory.TenantID, id string) (Handover, error)
	// OpenHandover marks one opened, records e, forgets what it carried and returns that, or does
	// nothing. Of any number of concurrent calls one gets it, the others ErrOpened; one that is
	// void or over is ErrLink.
	OpenHandover(ctx context.Context, tenant directory.TenantID, id string, at time.Time, e audit.Event) (sealed string, err error)
	// RefuseHandover counts a refusal, with so many tries by others, and records e, up to MostRefusals;
	// more of them leave nothing. MostOthers make it void.
	RefuseHandover(ctx context.Context, tenant directory.TenantID, id string, others int, at time.Time, e audit.Event) error
}
