package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/postern-id/postern/internal/directory"
)

// A Sender hands a mail to who delivers it. Of the same id every try carries the same
// Message-ID and date. An error that wraps ErrRefused is final. It returns soon after ctx ends.
type Sender interface {
	Send(ctx context.Context, id string, at time.Time, m Mail) error
}

// A Courier sends what is queued. Any number of them work side by side. Every field but Keep
// is required.
type Courier struct {
	Store  Store
	Box    Box
	Sender Sender
	Now    func() time.Time // UTC
	Chance func() float64   // in [0, 1), for the length of pauses
	Log    *slog.Logger
	// Keep leaves the content of sent mails in the store, to be read again.
	Keep bool
}

const (
	// every is how often the courier looks for mail that is due.
	every = time.Second
	// TryTimeout bounds one try. The lease outlives it, so that a mail is tried by one
	// replica at a time while clocks agree within the difference.
	TryTimeout = time.Minute
	lease      = 5 * time.Minute
	// round is how many mails of a tenant are sent before the next tenant's turn.
	round = 20
)

// Run sends mail as it gets due, until ctx ends.
func (c *Courier) Run(ctx context.Context) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := c.Deliver(ctx); err != nil && ctx.Err() == nil {
			c.Log.ErrorContext(ctx, "mail job failed", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Deliver tries what is due now, a bounded number for each tenant.
func (c *Courier) Deliver(ctx context.Context) error {
	tenants, err := c.Store.Tenants(ctx)
	if err != nil {
		return fmt.Errorf("list the tenants: %w", err)
	}
	var all []error
	for _, tenant := range tenants {
		all = append(all, c.deliver(ctx, tenant))
	}
	return errors.Join(all...)
}

func (c *Courier) deliver(ctx context.Context, tenant directory.TenantID) error {
	for n := 0; n < round && ctx.Err() == nil; n++ {
		now := c.Now()
		i, err := c.Store.LeaseMail(ctx, tenant, now, now.Add(lease))
		if errors.Is(err, ErrNoMail) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("lease mail of tenant %s: %w", tenant, err)
		}
		if err := c.try(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// try sends i once and stores what came of it, also when ctx ends meanwhile.
func (c *Courier) try(ctx context.Context, i Item) error {
	err := c.send(ctx, i)
	after := i.After(err, c.Now(), c.Chance())
	if after.State == Sent && c.Keep {
		after.Sealed = i.Sealed
	}
	if err != nil && ctx.Err() != nil && after.State == Waiting {
		after = i.Interrupted(c.Now())
	}
	if err := c.Store.SettleMail(context.WithoutCancel(ctx), after); err != nil {
		return fmt.Errorf("settle mail %s: %w", i.ID, err)
	}
	c.report(ctx, after)
	return nil
}

func (c *Courier) send(ctx context.Context, i Item) error {
	if i.Exhausted(c.Now()) {
		return errors.New("it has waited too long: " + i.LastError)
	}
	m, err := c.Box.Unpack(ctx, i)
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, TryTimeout)
	defer stop()
	return c.Sender.Send(ctx, i.ID, i.CreatedAt, m)
}

// report logs how a try ended; whom the mail is for stays out of it.
func (c *Courier) report(ctx context.Context, i Item) {
	level, said := slog.LevelInfo, "mail sent"
	switch i.State {
	case Waiting:
		level, said = slog.LevelWarn, "mail not sent yet"
	case Dead:
		level, said = slog.LevelError, "mail given up"
	case Sent:
	}
	c.Log.Log(ctx, level, said, "tenant_id", i.Tenant, "mail_id", i.ID, "attempts", i.Attempts, "due", i.DueAt, "why", i.LastError)
}
