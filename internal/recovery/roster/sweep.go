package roster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/postern-id/postern/internal/directory"
)

const (
	// between is how long after a whole round the next one begins.
	between = 5 * time.Minute
	// share is how many times as long as it works a round rests that is in no hurry.
	share = 19
	// lookEvery is how often it is looked whether something is due.
	lookEvery = time.Second
	// mostTouched bounds how many people are looked at at once because the log tells of them. The
	// round comes to the others.
	mostTouched = MostAtOnce
)

// A Looker finds out how people stand.
type Looker interface {
	// Rules names what standings depend on beside people: it differs when that changed.
	Rules(ctx context.Context, tenant directory.TenantID) (string, error)
	// After returns the states of the people with the next ids, at most limit, and the id of the
	// last of them; empty if there are no more.
	After(ctx context.Context, tenant directory.TenantID, after directory.UserID, limit int) (States, directory.UserID, error)
	// Of returns the states of some.
	Of(ctx context.Context, tenant directory.TenantID, ids []directory.UserID) (States, error)
}

// A Sweep keeps the roster of all tenants. Any number may run on one store. Every field is required.
type Sweep struct {
	Looker  Looker
	Store   Store
	Tenants func(ctx context.Context) ([]string, error)
	Now     func() time.Time // UTC
	Log     *slog.Logger

	rested time.Time // when the next step may be that is in no hurry
}

// Run sweeps until ctx ends.
func (s *Sweep) Run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if err := s.Round(ctx); err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "looking at who gets back in failed", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Round takes one step in every tenant where one is due, or the whole round where it is in a rush.
func (s *Sweep) Round(ctx context.Context) error {
	tenants, err := s.Tenants(ctx)
	for _, name := range tenants {
		tenant := directory.TenantID(name)
		if failed := s.tenant(ctx, tenant); failed != nil && !errors.Is(failed, ErrStale) {
			err = errors.Join(err, fmt.Errorf("look at who gets back in in %s: %w", tenant, failed))
		}
	}
	return err
}

func (s *Sweep) tenant(ctx context.Context, tenant directory.TenantID) error {
	from, err := s.Store.RosterMark(ctx, tenant)
	if err != nil {
		return err
	}
	rules, err := s.Looker.Rules(ctx, tenant)
	if err != nil {
		return err
	}
	now := s.Now()
	switch {
	case from.Rules != rules:
		from = from.anew(rules, now)
	case !from.Rush && (from.Began.IsZero() && now.Sub(from.Ended) < between || now.Before(s.rested)):
		return nil
	}
	err = s.sweep(ctx, tenant, from)
	if ended := s.Now(); !from.Rush {
		s.rested = ended.Add(share * ended.Sub(now))
	}
	return err
}

// anew is the mark of a round that begins because the rules changed. Its version stays: it is
// the one that the store has.
func (m Mark) anew(rules string, now time.Time) Mark {
	m.Rules, m.Rush, m.After, m.Began = rules, true, "", now
	return m
}

// next is m after a step at now.
func (m Mark) next(last directory.UserID, now time.Time) Mark {
	m.Version++
	if m.Began.IsZero() {
		m.Began = now
	}
	if m.After = last; last == "" {
		m.Whole, m.Began, m.Ended, m.Rush = m.Began, time.Time{}, now, false
	}
	return m
}

// A chunk is what was found out and not stored yet.
type chunk struct {
	states States
	last   directory.UserID
	err    error
}

// sweep stores one chunk, or all that are left when it is in a rush. The next chunk is looked at
// while one is stored.
func (s *Sweep) sweep(ctx context.Context, tenant directory.TenantID, from Mark) error {
	ctx, stop := context.WithCancel(ctx)
	found := make(chan chunk)
	done := make(chan struct{})
	defer func() { stop(); <-done }()
	go func() {
		defer close(done)
		s.look(ctx, tenant, from, found)
	}()
	for {
		var c chunk
		select {
		case c = <-found:
		case <-ctx.Done():
			return ctx.Err()
		}
		if c.err != nil {
			return c.err
		}
		to := from.next(c.last, s.Now())
		if err := s.Store.SweepRoster(ctx, tenant, from, to, c.states); err != nil {
			return err
		}
		if from = to; c.last == "" || !from.Rush {
			return nil
		}
	}
}

// look sends what it finds from a mark on.
func (s *Sweep) look(ctx context.Context, tenant directory.TenantID, from Mark, found chan<- chunk) {
	for after, more := from.After, true; more; {
		states, last, err := s.Looker.After(ctx, tenant, after, MostAtOnce)
		select {
		case found <- chunk{states: states, last: last, err: err}:
		case <-ctx.Done():
			return
		}
		after, more = last, err == nil && last != "" && from.Rush
	}
}

// Told looks at people of whom the log tells something.
func (s *Sweep) Told(ctx context.Context, tenant directory.TenantID, people []string) {
	ids := make([]directory.UserID, 0, len(people))
	for _, id := range people[:min(len(people), mostTouched)] {
		ids = append(ids, directory.UserID(id))
	}
	if len(ids) == 0 {
		return
	}
	states, err := s.Looker.Of(ctx, tenant, ids)
	if err == nil {
		err = s.Store.SetRoster(ctx, tenant, ids, states)
	}
	if err != nil && ctx.Err() == nil {
		s.Log.WarnContext(ctx, "looking at who changed failed", "err", err) // the round comes to them
	}
}
