package roster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync"
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
)

// A Looker finds out how people stand.
type Looker interface {
	// Rules names what standings depend on beside people: it differs when that changed.
	Rules(ctx context.Context, tenant directory.TenantID) (string, error)
	// Look takes the rules of now, for what ctx lasts.
	Look(ctx context.Context, tenant directory.TenantID) (Look, error)
}

// A Look says how people of a tenant stand by the rules of a moment. It is safe for concurrent use.
type Look interface {
	// Next returns the span of the next n people after one.
	Next(ctx context.Context, after directory.UserID, n int) (Span, error)
	// In returns the states of the people of a span.
	In(ctx context.Context, span Span) (States, error)
	// Of returns the states of some.
	Of(ctx context.Context, ids []directory.UserID) (States, error)
}

// A Sweep keeps the roster of all tenants. Any number may run on one store. Every field is required.
type Sweep struct {
	Looker  Looker
	Store   Store
	Tenants func(ctx context.Context) ([]string, error)
	Now     func() time.Time // UTC
	Log     *slog.Logger

	rested time.Time // when the next step may be that is in no hurry
	turn   int       // whose step that is, in the order of tenants
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

// Round takes one step in every tenant where one is due, or the whole round where it is in a rush. Of
// steps that are in no hurry there is one at a time, of one tenant after the other.
func (s *Sweep) Round(ctx context.Context) error {
	tenants, err := s.Tenants(ctx)
	first := s.turn
	for i := range tenants {
		at, rested := (first+i)%len(tenants), s.rested
		tenant := directory.TenantID(tenants[at])
		if failed := s.tenant(ctx, tenant); failed != nil && !errors.Is(failed, ErrStale) {
			err = errors.Join(err, fmt.Errorf("look at who gets back in in %s: %w", tenant, failed))
		}
		if s.rested != rested {
			s.turn = at + 1
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
	m.Rules, m.Rush, m.After, m.Began, m.Since = rules, true, "", now, 0
	return m
}

// next is m after a step at now, with a ticket.
func (m Mark) next(last directory.UserID, ticket Ticket, now time.Time) Mark {
	m.Version++
	if m.Began.IsZero() {
		m.Began = now
	}
	if m.Since == 0 {
		m.Since = ticket
	}
	if m.After = last; last == "" {
		m.Whole, m.Began, m.Ended, m.Rush = m.Began, time.Time{}, now, false
		m.WholeSince, m.Since = m.Since, 0
	}
	return m
}

// A chunk is what was found out and not stored yet.
type chunk struct {
	states States
	last   directory.UserID
	err    error
}

// sweep stores one chunk, or all that are left when it is in a rush. The next chunks are looked at
// while one is stored.
func (s *Sweep) sweep(ctx context.Context, tenant directory.TenantID, from Mark) error {
	ticket, look, err := s.look(ctx, tenant)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	ahead := make(chan chan chunk, runtime.GOMAXPROCS(0))
	var workers sync.WaitGroup
	defer workers.Wait()
	defer stop()
	workers.Go(func() { lookAhead(ctx, look, from, &workers, ahead) })
	for {
		c, err := next(ctx, ahead)
		if err != nil {
			return err
		}
		to := from.next(c.last, ticket, s.Now())
		if err := s.Store.SweepRoster(ctx, tenant, from, to, Finding{Ticket: ticket, States: c.states}, s.Now()); err != nil {
			return err
		}
		if from = to; c.last == "" || !from.Rush {
			return nil
		}
	}
}

// look takes a ticket, and then the rules of now: a later ticket has no older rules. One is enough for a whole
// round: whoever changes meanwhile is told of, and that takes a ticket of its own.
func (s *Sweep) look(ctx context.Context, tenant directory.TenantID) (Ticket, Look, error) {
	ticket, err := s.Store.RosterTicket(ctx, tenant)
	if err != nil {
		return 0, nil, err
	}
	look, err := s.Looker.Look(ctx, tenant)
	return ticket, look, err
}

// next waits for the next chunk.
func next(ctx context.Context, ahead <-chan chan chunk) (chunk, error) {
	select {
	case found := <-ahead:
		select {
		case c := <-found:
			return c, c.err
		case <-ctx.Done():
		}
	case <-ctx.Done():
	}
	return chunk{}, ctx.Err()
}

// lookAhead sends what will be found from a mark on, in order; as many chunks as ahead holds are looked at side by side.
func lookAhead(ctx context.Context, look Look, from Mark, workers *sync.WaitGroup, ahead chan<- chan chunk) {
	for after, more := from.After, true; more; {
		span, err := look.Next(ctx, after, MostAtOnce)
		found := make(chan chunk, 1)
		select {
		case ahead <- found:
		case <-ctx.Done():
			return
		}
		if err != nil {
			found <- chunk{err: err}
			return
		}
		workers.Go(func() {
			states, err := look.In(ctx, span)
			found <- chunk{states: states, last: span.Last, err: err}
		})
		after, more = span.Last, span.Last != "" && from.Rush
	}
}

// Told looks at people of whom the log tells something, however many: where a round is in no hurry,
// it comes to somebody after twenty times as long as it takes.
func (s *Sweep) Told(ctx context.Context, tenant directory.TenantID, people []string) {
	for some := range slices.Chunk(people, MostAtOnce) {
		ids := make([]directory.UserID, len(some))
		for i, id := range some {
			ids[i] = directory.UserID(id)
		}
		if err := s.tell(ctx, tenant, ids); err != nil {
			if ctx.Err() == nil {
				s.Log.WarnContext(ctx, "looking at who changed failed", "err", err) // the round comes to them
			}
			return
		}
	}
}

func (s *Sweep) tell(ctx context.Context, tenant directory.TenantID, ids []directory.UserID) error {
	ticket, look, err := s.look(ctx, tenant)
	if err != nil {
		return err
	}
	states, err := look.Of(ctx, ids)
	if err != nil {
		return err
	}
	return s.Store.SetRoster(ctx, tenant, ids, Finding{Ticket: ticket, States: states}, s.Now())
}
