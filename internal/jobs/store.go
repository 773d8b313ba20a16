package jobs

import (
	"context"
	"errors"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
)

// Store keeps jobs. What it promises is tested by package jobstest. A job gets in by the
// change that asks for it: what takes an event there takes jobs, too.
type Store interface {
	// Tenants returns the ids of all tenants.
	Tenants(ctx context.Context) ([]directory.TenantID, error)

	// LeaseJob takes the tenant's waiting job of one of kinds that has been due longest at now and
	// that nobody has leased, for the caller alone until until, and counts a try. Of any number
	// of concurrent calls each job goes to one. ErrNoJob when there is none.
	LeaseJob(ctx context.Context, tenant directory.TenantID, kinds []string, now, until time.Time) (Job, error)

	// SettleJob stores state, times, attempts and last error of after, ends its lease and
	// records the events, if leased.Attempts still is the job's count and it waits; else
	// ErrLeaseLost: somebody else has leased it meanwhile.
	SettleJob(ctx context.Context, leased, after Job, events ...audit.Event) error

	// RemoveJobs deletes jobs that ended before before, at most limit, and returns how many.
	RemoveJobs(ctx context.Context, tenant directory.TenantID, before time.Time, limit int) (int64, error)
}

// Shelf shows jobs to people.
type Shelf interface {
	// Jobs returns at most limit of the tenant's jobs in a state: those that wait by when they are due, the
	// others by when they ended, the latest first; after the position that the page before returned, which is
	// nil at the end.
	Jobs(ctx context.Context, tenant directory.TenantID, state State, after []any, limit int) ([]Job, []any, error)
	// DeadJob returns one that was given up, or ErrUnknown.
	DeadJob(ctx context.Context, tenant directory.TenantID, id string) (Job, error)
	// WakeJob makes a dead job wait again, due at now, opens what ended with it, and records e; ErrUnknown
	// when there is none.
	WakeJob(ctx context.Context, tenant directory.TenantID, id string, now time.Time, e audit.Event) error
}

// What the store reports.
var (
	ErrNoJob     = errors.New("no job is due")
	ErrLeaseLost = errors.New("somebody else has leased the job meanwhile")
)
