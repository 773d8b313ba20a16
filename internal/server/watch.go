package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/clock"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/store"
)

const (
	// watchEvery is how often a server looks at its clock, its database and its disk.
	watchEvery = 2 * time.Second
	// markEvery is how far the stored time mark may fall behind: it is a write of its own.
	markEvery = 10 * time.Second
)

// A watch looks at what can go wrong around a server, and remembers what it saw last.
type watch struct {
	clock  *clock.Guard
	disk   *disk
	stored time.Time // the time mark as last read from the store
	looked time.Time // when, by a clock that nobody sets
	said   string    // the last state that was logged
}

// watchAll looks around until ctx ends.
func (s *Server) watchAll(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		s.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look reads clock, database and disk once, and moves the time mark on.
func (s *Server) look(ctx context.Context) {
	s.watch.disk.look()
	err := s.lookAtClock(ctx)
	if ctx.Err() == nil {
		s.sayState(ctx, err)
	}
}

func (s *Server) lookAtClock(ctx context.Context) error {
	w := &s.watch
	mark, database, err := s.db.Clock(ctx)
	if err != nil {
		return err
	}
	if mark.Before(w.stored) { // only `clock accept` moves it back
		w.clock.Accept(mark)
	}
	w.clock.Observe(clock.Reading{Own: s.options.Wall(), Mark: mark, Database: database})
	passed := time.Since(w.looked)
	w.stored, w.looked = mark, time.Now()
	now, verdict := w.clock.Now(), w.clock.Verdict()
	if verdict.Ahead > 0 {
		w.clock.Advance(passed)
		now = w.clock.Mark()
	}
	if due := mark.IsZero() || now.Sub(mark) >= markEvery; due && verdict.Err == nil {
		return s.db.MoveMark(ctx, now)
	}
	return nil
}

// sayState logs what went wrong or came right since the last look.
func (s *Server) sayState(ctx context.Context, err error) {
	state, verdict := "", s.watch.clock.Verdict()
	switch {
	case err != nil:
		state = "the database does not answer"
	case verdict.Err != nil:
		state = verdict.Err.Error()
	case verdict.Ahead > 0:
		state = "the clock is more than an hour ahead of the time mark; if it is right, run: postern clock accept"
	case s.watch.disk.err() != nil:
		state = s.watch.disk.err().Error()
	}
	if state == s.watch.said {
		return
	}
	s.watch.said = state
	if state == "" {
		s.options.Log.InfoContext(ctx, "all is well again")
		return
	}
	s.options.Log.WarnContext(ctx, "something needs an operator", "what", state, "ahead", verdict.Ahead.String(), "err", err)
}

// ready answers whether the server can serve now.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), watchEvery)
	defer cancel()
	if err := s.db.Ping(ctx); err != nil {
		http.Error(w, "The database does not answer. Check that it runs.", http.StatusServiceUnavailable)
		return
	}
	verdict := s.watch.clock.Verdict()
	if verdict.Err != nil {
		http.Error(w, verdict.Err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
	if verdict.Ahead > 0 {
		fmt.Fprintf(w, "The clock is %s ahead of the time mark. If it is right, run: postern clock accept\n", verdict.Ahead.Round(time.Second))
	}
	if err := s.watch.disk.err(); err != nil {
		fmt.Fprintln(w, err)
	}
}

// onTime refuses everything that could issue or redeem something while the clock is wrong.
func (s *Server) onTime(refuse func(http.ResponseWriter, *http.Request, error), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.watch.clock.Verdict().Err; err != nil && !timeless(r) {
			refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// timeless reports whether r only asks for what is public and the same at any time.
func timeless(r *http.Request) bool {
	path := r.URL.Path
	return r.Method == http.MethodGet && (path == "/healthz" || path == "/readyz" || strings.HasPrefix(path, "/assets/") ||
		strings.HasSuffix(path, "/discovery/v2.0/keys") || strings.HasSuffix(path, "/.well-known/openid-configuration"))
}

// ClockState is what `postern clock` tells.
type ClockState struct {
	Own      time.Time `json:"serverTime"`
	Mark     time.Time `json:"timeMark,omitzero"`
	Database time.Time `json:"databaseTime,omitzero"`
	Problem  string    `json:"problem,omitempty"`
}

// AcceptClock makes the clock of this machine the time mark. What had ended by the mark
// before stays ended. It works beside a running server.
func AcceptClock(ctx context.Context, o Options) (ClockState, error) {
	s, err := Open(ctx, o)
	if err != nil {
		return ClockState{}, err
	}
	state, err := s.acceptClock(ctx)
	return state, errors.Join(err, s.Close())
}

func (s *Server) acceptClock(ctx context.Context) (ClockState, error) {
	mark, database, err := s.db.Clock(ctx)
	if err != nil {
		return ClockState{}, err
	}
	now := s.options.Wall()
	if err := clock.Judge(clock.Reading{Own: now, Database: database}).Err; err != nil {
		return ClockState{}, err
	}
	tenants, err := s.db.Tenants(ctx)
	if err != nil {
		return ClockState{}, err
	}
	var events []audit.Event
	for _, tenant := range tenants {
		if now.Before(mark) {
			if err := s.noteExpiries(ctx, tenant, mark); err != nil {
				return ClockState{}, err
			}
		}
		e := s.ownEvent(tenant, audit.Change{
			Activity: audit.AcceptClock, Category: audit.CategoryDirectoryManagement, Service: audit.ServicePostern,
			Operation: audit.OperationUpdate,
			Details: []audit.KeyValue{
				{Key: "markBefore", Value: mark.Format(time.RFC3339)}, {Key: "mark", Value: now.Format(time.RFC3339)},
			},
		})
		e.At = now
		events = append(events, e)
	}
	if _, err := s.db.AcceptClock(ctx, now, events); err != nil {
		return ClockState{}, err
	}
	s.watch.clock.Accept(now)
	return ClockState{Own: now, Mark: now, Database: database}, nil
}

// ShowClock tells the clocks of the machine, the store and its database.
func ShowClock(ctx context.Context, o Options) (ClockState, error) {
	s, err := Open(ctx, o)
	if err != nil {
		return ClockState{}, err
	}
	mark, database, err := s.db.Clock(ctx)
	state := ClockState{Own: s.options.Wall(), Mark: mark, Database: database}
	if verdict := s.watch.clock.Verdict(); verdict.Err != nil {
		state.Problem = verdict.Err.Error()
	} else if verdict.Ahead > 0 {
		state.Problem = "The clock is more than an hour ahead of the time mark. If it is right, run: postern clock accept"
	}
	return state, errors.Join(err, s.Close())
}

// noteExpiries notes every pass of tenant that ended before then.
func (s *Server) noteExpiries(ctx context.Context, tenant directory.TenantID, then time.Time) error {
	for {
		ended, err := s.db.EndedPasses(ctx, tenant, then, cleanUpBatch)
		if err != nil || len(ended) == 0 {
			return err
		}
		for _, p := range ended {
			if err := s.db.NoteExpiry(ctx, p, passEvent(p, audit.PassExpired, s.now())); err != nil {
				return err
			}
		}
	}
}

// openWatch reads the clocks for the first time.
func (s *Server) openWatch(ctx context.Context, db *store.DB) error {
	mark, database, err := db.Clock(ctx)
	if err != nil {
		return err
	}
	s.watch.stored, s.watch.looked = mark, time.Now()
	s.watch.clock.Observe(clock.Reading{Own: s.options.Wall(), Mark: mark, Database: database})
	return nil
}
