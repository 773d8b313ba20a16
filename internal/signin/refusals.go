package signin

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
)

// Refusals keeps guessing from filling the disk: of what throttles refuse, the first try an
// account and network is recorded by the caller, and all others of the same minute become
// one counted event. Counts that were not written yet are lost when the process is killed;
// the failures that led to the lock are not.
type Refusals struct {
	Record func(ctx context.Context, e audit.Event) error
	Log    *slog.Logger

	total   atomic.Uint64
	mu      sync.Mutex
	waiting map[string]*counted
}

type counted struct {
	event audit.Event
	more  int // tries after the first
}

// maxWaiting bounds how many accounts and networks are told apart a minute.
const maxWaiting = 10_000

// Add counts a refused try. It reports whether it is the first one of the minute, which the
// caller then records as e.
func (c *Refusals) Add(tenant directory.TenantID, account, network string, e audit.Event) bool {
	c.total.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting == nil {
		c.waiting = map[string]*counted{}
	}
	key := string(tenant) + "|" + account + "|" + network
	if known := c.waiting[key]; known != nil {
		known.event, known.more = e, known.more+1
		return false
	}
	if len(c.waiting) >= maxWaiting {
		return false
	}
	c.waiting[key] = &counted{event: e}
	return true
}

// Total returns how many tries this process refused.
func (c *Refusals) Total() uint64 { return c.total.Load() }

// Run writes the counts every minute, and once more when ctx ends.
func (c *Refusals) Run(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			c.Flush(ctx)
		case <-ctx.Done():
			c.Flush(context.WithoutCancel(ctx))
			return
		}
	}
}

// Flush writes the counts of now.
func (c *Refusals) Flush(ctx context.Context) {
	c.mu.Lock()
	batch := c.waiting
	c.waiting = nil
	c.mu.Unlock()
	for _, one := range batch {
		if one.more == 0 {
			continue
		}
		one.event.SignIn.AdditionalDetails = fmt.Sprintf(audit.MoreTries, one.more)
		if err := c.Record(ctx, one.event); err != nil {
			c.Log.ErrorContext(ctx, "refusals were not recorded", "tries", one.more, "err", err)
		}
	}
}
