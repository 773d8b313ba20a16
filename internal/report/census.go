package report

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// A Kind is what a census looks at.
type Kind string

// The kinds.
const (
	People  Kind = "person"
	Devices Kind = "device"
)

// A State is that of one person or device; empty for one that is not counted.
type State string

// Mark says where a census is.
type Mark struct {
	Version int64
	After   string    // id of the last object that this round looked at; empty at its start
	Began   time.Time // when this round began; zero between two
	Whole   time.Time // when the last whole round began: no state is older
	Ended   time.Time // when it ended
}

// Due reports whether a census has something to do at now: a round goes on, or the last one is
// over for a while.
func (m Mark) Due(now time.Time) bool { return !m.Began.IsZero() || now.Sub(m.Ended) >= between }

const (
	// atOnce is how many objects are looked at at once.
	atOnce = 200
	// between is how long after a whole round the next one begins.
	between = time.Minute
	// share is how many times as long as it works a census rests, so that it takes no more
	// than a twentieth of a core, however many people there are.
	share = 19
	// censusEvery is how often a census looks whether something is due.
	censusEvery = time.Second
	// mostTouched bounds how many objects are looked at at once because the log tells of them.
	// The round comes to the others.
	mostTouched = 5 * atOnce
)

// A Looker finds out states.
type Looker interface {
	// After returns the states of at most limit objects after an id, in the order of their ids,
	// the id of the last of them, and whether there are more.
	After(ctx context.Context, tenant string, kind Kind, after string, limit int) (states map[string]State, last string, more bool, err error)
	// Of returns the states of some objects; who is not there has none.
	Of(ctx context.Context, tenant string, kind Kind, ids []string) (map[string]State, error)
}

// A Census keeps the states of all people and devices. Any number may run on one store. Every
// field is required.
type Census struct {
	Looker  Looker
	Store   Store
	Tenants func(ctx context.Context) ([]string, error)
	Now     func() time.Time // UTC
	Log     *slog.Logger
}

// Run looks at everybody, again and again, until ctx ends.
func (c *Census) Run(ctx context.Context) {
	for wait := time.Duration(0); ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		began := c.Now()
		if err := c.Round(ctx); err != nil && ctx.Err() == nil {
			c.Log.ErrorContext(ctx, "looking at people and devices failed", "err", err)
		}
		wait = min(max(censusEvery/4, share*c.Now().Sub(began)), between)
	}
}

// Round takes one step in every tenant where one is due.
func (c *Census) Round(ctx context.Context) error {
	tenants, err := c.Tenants(ctx)
	for _, tenant := range tenants {
		for _, kind := range []Kind{People, Devices} {
			if failed := c.step(ctx, tenant, kind); failed != nil && !errors.Is(failed, ErrStale) {
				err = errors.Join(err, fmt.Errorf("look at the %s of %s: %w", kind, tenant, failed))
			}
		}
	}
	return err
}

func (c *Census) step(ctx context.Context, tenant string, kind Kind) error {
	from, err := c.Store.CensusMark(ctx, tenant, kind)
	now := c.Now()
	if err != nil || !from.Due(now) {
		return err
	}
	states, last, more, err := c.Looker.After(ctx, tenant, kind, from.After, atOnce)
	if err != nil {
		return err
	}
	return c.Store.CensusRound(ctx, tenant, kind, from, from.next(last, more, now), states)
}

// next is m after a step at now.
func (m Mark) next(last string, more bool, now time.Time) Mark {
	m.Version++
	if m.Began.IsZero() {
		m.Began = now
	}
	if m.After = last; !more {
		m.After, m.Whole, m.Began, m.Ended = "", m.Began, time.Time{}, now
	}
	return m
}

// Told looks at those of whom the log tells something.
func (c *Census) Told(ctx context.Context, tenant string, touched map[Kind][]string) {
	for kind, ids := range touched {
		ids = ids[:min(len(ids), mostTouched)]
		for len(ids) > 0 {
			some := ids[:min(len(ids), atOnce)]
			ids = ids[len(some):]
			if err := c.look(ctx, tenant, kind, some); err != nil && ctx.Err() == nil {
				c.Log.WarnContext(ctx, "looking at who changed failed", "kind", kind, "err", err) // the round comes to them
			}
		}
	}
}

func (c *Census) look(ctx context.Context, tenant string, kind Kind, ids []string) error {
	found, err := c.Looker.Of(ctx, tenant, kind, ids)
	if err != nil {
		return err
	}
	states := map[string]State{}
	for _, id := range ids {
		states[id] = found[id]
	}
	return c.Store.CensusSet(ctx, tenant, kind, states)
}
