package tap

import (
	"context"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/outbox"
)

// Store keeps passes and their policy. What it promises is tested by package taptest.
type Store interface {
	// Pass returns the user's pass in whatever state it is, or ErrNone. A pass of an
	// earlier incarnation of the store is returned too; Incarnation tells.
	Pass(ctx context.Context, tenant directory.TenantID, user directory.UserID) (Pass, error)

	// PutPass stores p in place of any pass of the user, ends every session and token that
	// came from the old one, records e and queues the mails; or does none of it.
	// ErrUserUnknown when the user is gone.
	PutPass(ctx context.Context, p Pass, e audit.Event, mails ...outbox.Item) error

	// DeletePass removes the pass with the given id, ends what came from it at at, and
	// records e; or does none of it. ErrNone when there is no such pass.
	DeletePass(ctx context.Context, tenant directory.TenantID, user directory.UserID, id string, at time.Time, e audit.Event) error

	// Backing returns what stands behind p now.
	Backing(ctx context.Context, p Pass) (Backing, error)

	// ReservePass gives a one-time pass to a transaction until until, if at at it is
	// unspent, inside its window, and no other transaction holds it. Of any number of
	// concurrent transactions one gets nil, the others ErrHeld; after the pass is spent all
	// get ErrUsed, after it was deleted or replaced ErrNone, after its end ErrExpired, and where
	// Pass.Stop says so the fault of that, as it is with spending it. A
	// pass for many uses is checked in the same way and not reserved.
	ReservePass(ctx context.Context, p Pass, transaction string, at, until time.Time) error

	// ReleasePass undoes ReservePass for this transaction; it is no error if it holds nothing.
	ReleasePass(ctx context.Context, p Pass, transaction string) error

	// EndedPasses returns passes whose end lies before before and for which no expiry was
	// recorded yet, at most limit.
	EndedPasses(ctx context.Context, tenant directory.TenantID, before time.Time, limit int) ([]Pass, error)
	// NoteExpiry records e for p once; later calls do nothing.
	NoteExpiry(ctx context.Context, p Pass, e audit.Event) error
	// RemoveEnded deletes passes whose end lies before before, at most limit, each with its
	// event, and returns how many.
	RemoveEnded(ctx context.Context, tenant directory.TenantID, before time.Time, limit int, event func(Pass) audit.Event) (int, error)

	// PassPolicy returns the tenant's policy, DefaultPolicy when none was saved. It is saved as that
	// of every method is.
	PassPolicy(ctx context.Context, tenant directory.TenantID) (Policy, error)
}
