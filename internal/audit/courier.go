package audit

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

const (
	courierInterval = time.Second
	// courierBatch bounds how many checkpoints of a tenant are brought in one round.
	courierBatch = 256
	// saveEvery and maxSkip are in rounds.
	saveEvery = 5
	maxSkip   = 60
)

// Marks keeps how far witnesses were told, through restarts.
type Marks interface {
	// Told returns the size of the last checkpoint of tenant that the witness called name
	// took, and false when it took none yet.
	Told(ctx context.Context, tenant, name string) (int64, bool, error)
	// SetTold keeps it; a mark that is higher already stays.
	SetTold(ctx context.Context, tenant, name string, size int64) error
}

// Courier brings the checkpoints of all tenants to one witness, each at least once and in the
// order of their sizes, beginning with the newest one when it is first asked. It reads what is
// sealed, so that a witness that is slow or away holds up nobody, and gets what it missed when
// it is back. Any number may run for one witness: it then gets some checkpoints twice.
type Courier struct {
	Name    string // under which Marks keeps how far the witness was told
	Witness Witness
	Source  Source
	Marks   Marks
	Tenants func(ctx context.Context) ([]string, error)
	// Told is called after every try.
	Told func(err error)
	Log  *slog.Logger

	told  map[string]int64 // by tenant
	saved map[string]int64
	away  bool // the last try failed
}

// Run brings checkpoints every second until ctx is done. It waits longer and longer, up to a
// minute, while the witness does not take them.
func (c *Courier) Run(ctx context.Context) {
	tick := time.NewTicker(courierInterval)
	defer tick.Stop()
	skip, wait := 0, 0
	for round := 1; ; round++ {
		select {
		case <-ctx.Done():
			c.Save(context.WithoutCancel(ctx))
			return
		case <-tick.C:
		}
		if wait--; wait > 0 {
			continue
		}
		if err := c.Round(ctx); err != nil {
			skip = min(2*skip+1, maxSkip)
		} else {
			skip = 0
		}
		wait = skip
		if round%saveEvery == 0 {
			c.Save(ctx)
		}
	}
}

// Round brings what is new of every tenant, and returns the last failure. It is called by one
// goroutine at a time.
func (c *Courier) Round(ctx context.Context) error {
	tenants, err := c.Tenants(ctx)
	for _, tenant := range tenants {
		if failed := c.bring(ctx, tenant); failed != nil {
			err = fmt.Errorf("bring checkpoints of %s: %w", tenant, failed)
		}
	}
	if ctx.Err() != nil {
		return err
	}
	switch {
	case err != nil && !c.away:
		c.Log.WarnContext(ctx, "a witness does not take checkpoints", "witness", c.Name, "err", err)
	case err == nil && c.away:
		c.Log.InfoContext(ctx, "a witness takes checkpoints again", "witness", c.Name)
	}
	c.away = err != nil
	return err
}

func (c *Courier) bring(ctx context.Context, tenant string) error {
	after, err := c.from(ctx, tenant)
	if err != nil {
		return err
	}
	for {
		found, err := c.Source.Checkpoints(ctx, tenant, after, courierBatch)
		if err != nil {
			return err
		}
		for _, cp := range found {
			err := c.Witness.Publish(ctx, tenant, cp.Note)
			c.Told(err)
			if err != nil {
				return err
			}
			after = cp.Size
			c.told[tenant] = after
		}
		if len(found) < courierBatch {
			return nil
		}
	}
}

// from returns the size after which tenant's checkpoints are to be brought.
func (c *Courier) from(ctx context.Context, tenant string) (int64, error) {
	if size, ok := c.told[tenant]; ok {
		return size, nil
	}
	size, ok, err := c.Marks.Told(ctx, tenant, c.Name)
	if err != nil {
		return 0, err
	}
	if !ok {
		head, err := c.Source.Head(ctx, tenant)
		if err != nil {
			return 0, err
		}
		size = max(0, head.Size-1)
	}
	if c.told == nil {
		c.told, c.saved = map[string]int64{}, map[string]int64{}
	}
	c.told[tenant] = size
	return size, nil
}

// Save keeps how far the witness was told. When it fails, checkpoints are brought twice.
func (c *Courier) Save(ctx context.Context) {
	for tenant, size := range c.told {
		if size == c.saved[tenant] {
			continue
		}
		if err := c.Marks.SetTold(ctx, tenant, c.Name, size); err != nil {
			c.Log.WarnContext(ctx, "how far a witness was told was not kept", "witness", c.Name, "err", err)
			continue
		}
		c.saved[tenant] = size
	}
}
