package outbox

import (
	"context"
	"errors"
	"time"

	"github.com/postern-id/postern/internal/directory"
)

// Store keeps mail. What it promises is tested by package outboxtest. Mail gets in by the
// change that it tells about: what takes an event there takes items, too.
type Store interface {
	// Tenants returns the ids of all tenants.
	Tenants(ctx context.Context) ([]directory.TenantID, error)

	// LeaseMail takes the tenant's waiting mail that has been due longest at now and that
	// nobody has leased, for the caller alone until until, and counts a try. Of any number of
	// concurrent calls each mail goes to one. ErrNoMail when there is none.
	LeaseMail(ctx context.Context, tenant directory.TenantID, now, until time.Time) (Item, error)

	// SettleMail stores state, due time, last error and content of i and ends its lease, if
	// i.Attempts still is the mail's count and it waits; else ErrLeaseLost: somebody else has
	// leased it meanwhile.
	SettleMail(ctx context.Context, i Item) error

	// RemoveMail deletes mails that were sent or died and were queued before before, at most
	// limit, and returns how many.
	RemoveMail(ctx context.Context, tenant directory.TenantID, before time.Time, limit int) (int64, error)
}

// Shelf shows what is kept of mail; `postern dev` reads it again.
type Shelf interface {
	Tenants(ctx context.Context) ([]directory.TenantID, error)
	// Mails returns the tenant's mails, newest first, at most limit.
	Mails(ctx context.Context, tenant directory.TenantID, limit int) ([]Item, error)
	// UnsentMail returns those of them that wait or were given up, newest first.
	UnsentMail(ctx context.Context, tenant directory.TenantID, limit int) ([]Unsent, error)
}

// An Unsent mail waits or was given up.
type Unsent struct {
	Item
	ReaderName string           // UPN of Item.User; empty when they are not there any more
	About      directory.UserID // whom the mail of a workflow is about
	AboutName  string           // their UPN
}

// What the store reports.
var (
	ErrNoMail    = errors.New("no mail is due")
	ErrLeaseLost = errors.New("somebody else has leased the mail meanwhile")
)
