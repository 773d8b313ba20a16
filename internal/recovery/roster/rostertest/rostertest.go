// Package rostertest tests what stores of the roster promise.
package rostertest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/recovery/roster"
)

var nine = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// Some states: the first is worst.
const (
	locked = recovery.State("0m0-0-----01")
	helped = recovery.State("1m1-1-----11")
	sure   = recovery.State("3m3-3-----31")
)

// Store tests the stores that open returns; each is empty and closed by its test.
func Store(t *testing.T, open func(testing.TB) roster.Store) {
	t.Run("a round takes over who is there and drops who is not", func(t *testing.T) { rounds(t, open(t)) })
	t.Run("of many sweeps at one mark one is taken", func(t *testing.T) { race(t, open(t)) })
	t.Run("whoever is told of is set and counted once", func(t *testing.T) { sets(t, open(t)) })
	t.Run("tickets rise", func(t *testing.T) { tickets(t, open(t)) })
	t.Run("what was found out earlier does not replace what was later", func(t *testing.T) { order(t, open(t)) })
	t.Run("whoever is told of after a round passed is not set by what was found before it", func(t *testing.T) { floors(t, open(t)) })
	t.Run("pages come worst first and miss nobody", func(t *testing.T) { pages(t, open(t)) })
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func by(ticket roster.Ticket, states roster.States) roster.Finding {
	return roster.Finding{Ticket: ticket, States: states}
}

func tenant() directory.TenantID { return directory.TenantID(uuid.NewString()) }

// person returns the id of the nth person.
func person(n int) directory.UserID {
	return directory.UserID(fmt.Sprintf("%08x-0000-4000-8000-000000000000", n))
}

// agrees compares counts and rows with what should be there.
func agrees(t *testing.T, s roster.Store, of directory.TenantID, want roster.States) {
	t.Helper()
	all, err := s.Roster(t.Context(), of, nil, roster.Position{}, 10_000)
	must(t, err)
	got, n := roster.States{}, map[recovery.State]int{}
	for _, p := range all {
		got[p.User] = p.State
		n[p.State]++
	}
	counts, err := s.RosterCounts(t.Context(), of)
	must(t, err)
	if !maps.Equal(got, want) || !maps.Equal(counts, n) {
		t.Errorf("the roster has %v, counted as %v, and should have %v", got, counts, want)
	}
}

func rounds(t *testing.T, s roster.Store) {
	of, other := tenant(), tenant()
	all := roster.States{}
	for i := range 120 { // more than one statement stores
		all[person(i)] = sure
	}
	from := roster.Mark{}
	to := roster.Mark{Version: 1, Rules: "a", Rush: true, After: person(119), Began: nine}
	must(t, s.SweepRoster(t.Context(), of, from, to, by(1, all), nine))
	must(t, s.SweepRoster(t.Context(), other, from, to, by(1, roster.States{person(1): locked}), nine))
	agrees(t, s, of, all)
	got, err := s.RosterMark(t.Context(), of)
	if err != nil || got != to {
		t.Fatalf("the mark is %+v, %v; want %+v", got, err, to)
	}
	end := roster.Mark{Version: 2, Rules: "a", Whole: nine, Ended: nine.Add(time.Second)}
	must(t, s.SweepRoster(t.Context(), of, to, end, by(1, roster.States{person(200): locked}), nine))
	all[person(200)] = locked
	agrees(t, s, of, all)

	// The next round finds one gone, one changed and one new in its first half.
	half := roster.Mark{Version: 3, Rules: "b", After: person(60), Began: nine}
	first := roster.States{}
	for i := range 61 {
		first[person(i)] = sure
	}
	delete(first, person(7))
	first[person(8)] = helped
	must(t, s.SweepRoster(t.Context(), of, end, half, by(1, first), nine))
	delete(all, person(7))
	all[person(8)] = helped
	agrees(t, s, of, all)
	must(t, s.SweepRoster(t.Context(), of, half, roster.Mark{Version: 4, Rules: "b"}, by(1, nil), nine))
	maps.DeleteFunc(all, func(u directory.UserID, _ recovery.State) bool { return u > person(60) })
	agrees(t, s, of, all)
	agrees(t, s, other, roster.States{person(1): locked})
}

func race(t *testing.T, s roster.Store) {
	of := tenant()
	results := make(chan error, 8)
	var all sync.WaitGroup
	for range cap(results) {
		all.Go(func() {
			results <- s.SweepRoster(t.Context(), of, roster.Mark{}, roster.Mark{Version: 1}, by(1, roster.States{person(1): sure}), nine)
		})
	}
	all.Wait()
	close(results)
	won := 0
	for err := range results {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, roster.ErrStale):
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d won", won)
	}
	agrees(t, s, of, roster.States{person(1): sure})
}

func sets(t *testing.T, s roster.Store) {
	of := tenant()
	ids := []directory.UserID{person(1), person(2), person(3)}
	for range 2 {
		must(t, s.SetRoster(t.Context(), of, ids, by(1, roster.States{person(1): sure, person(2): locked}), nine))
		agrees(t, s, of, roster.States{person(1): sure, person(2): locked})
	}
	must(t, s.SetRoster(t.Context(), of, ids[:1], by(1, roster.States{person(1): helped, person(9): sure}), nine)) // only who is named
	agrees(t, s, of, roster.States{person(1): helped, person(2): locked})
	must(t, s.SetRoster(t.Context(), of, ids, by(1, nil), nine))
	agrees(t, s, of, roster.States{})
}

func tickets(t *testing.T, s roster.Store) {
	of := tenant()
	var all sync.WaitGroup
	var lock sync.Mutex
	seen := map[roster.Ticket]bool{}
	for range 8 {
		all.Go(func() {
			last := roster.Ticket(0)
			for range 5 {
				ticket, err := s.RosterTicket(t.Context(), of)
				if err != nil || ticket <= last {
					t.Errorf("after ticket %d came %d, %v", last, ticket, err)
				}
				last = ticket
				lock.Lock()
				if seen[ticket] {
					t.Errorf("ticket %d came twice", ticket)
				}
				seen[ticket] = true
				lock.Unlock()
			}
		})
	}
	all.Wait()
	if first, err := s.RosterTicket(t.Context(), tenant()); err != nil || first != 1 {
		t.Errorf("another tenant begins with %d, %v", first, err)
	}
}

// order has a round that began with ticket 5, and what the log told of meanwhile.
func order(t *testing.T, s roster.Store) {
	of := tenant()
	must(t, s.SweepRoster(t.Context(), of, roster.Mark{}, roster.Mark{Version: 1, WholeSince: 1}, by(1, roster.States{
		person(1): sure, person(2): sure, person(3): sure, person(4): sure, person(6): sure,
	}), nine))
	// 1 and 2 got worse, 3 is gone, 4 stands as before, 5 is new; of 6 nothing is told.
	told := []directory.UserID{person(5), person(4), person(3), person(2), person(1), person(1)}
	later := roster.States{person(1): locked, person(2): helped, person(4): sure, person(5): helped}
	must(t, s.SetRoster(t.Context(), of, told, by(6, later), nine))
	stale := roster.States{person(1): sure, person(2): locked, person(3): sure, person(4): locked, person(6): helped}
	must(t, s.SetRoster(t.Context(), of, told, by(4, stale), nine)) // a slower replica
	mark := roster.Mark{Version: 2, WholeSince: 5}
	must(t, s.SweepRoster(t.Context(), of, roster.Mark{Version: 1, WholeSince: 1}, mark, by(5, stale), nine))
	if stale[person(1)] != sure || len(stale) != 5 {
		t.Error("what was found was changed")
	}
	later[person(6)] = helped
	agrees(t, s, of, later)

	// The next round is later than all of it, and replaces it.
	again := roster.States{person(1): sure, person(3): helped}
	next := roster.Mark{Version: 3, WholeSince: 7}
	must(t, s.SweepRoster(t.Context(), of, mark, next, by(7, again), nine))
	agrees(t, s, of, again)
	must(t, s.SetRoster(t.Context(), of, told, by(6, stale), nine)) // also where no note is left
	agrees(t, s, of, again)
	must(t, s.SetRoster(t.Context(), of, told[:1], by(8, roster.States{person(5): sure}), nine))
	again[person(5)] = sure
	agrees(t, s, of, again)
}

// floors has a round of two chunks that finds everybody as they were, and so writes none of them.
func floors(t *testing.T, s roster.Store) {
	of := tenant()
	states := roster.States{person(1): sure, person(2): sure, person(8): sure, person(9): sure}
	whole := roster.Mark{Version: 1, WholeSince: 3}
	must(t, s.SweepRoster(t.Context(), of, roster.Mark{}, whole, by(3, states), nine))
	half := roster.Mark{Version: 2, After: person(5), Since: 6, WholeSince: 3}
	must(t, s.SweepRoster(t.Context(), of, whole, half, by(6, roster.States{person(1): sure, person(2): sure}), nine))

	everybody := []directory.UserID{person(1), person(2), person(8), person(9)}
	old := roster.States{person(1): locked, person(2): locked, person(8): helped, person(9): helped}
	must(t, s.SetRoster(t.Context(), of, everybody, by(2, old), nine)) // older than the last round
	agrees(t, s, of, states)
	must(t, s.SetRoster(t.Context(), of, everybody, by(5, old), nine)) // older than this one, which comes to 8 and 9
	states[person(8)], states[person(9)] = helped, helped
	agrees(t, s, of, states)

	end := roster.Mark{Version: 3, WholeSince: 6}
	states[person(8)], states[person(9)] = sure, sure
	must(t, s.SweepRoster(t.Context(), of, half, end, by(9, roster.States{person(8): sure, person(9): sure}), nine))
	must(t, s.SetRoster(t.Context(), of, everybody, by(5, old), nine))
	agrees(t, s, of, states)
}

func pages(t *testing.T, s roster.Store) {
	of := tenant()
	states := []recovery.State{sure, locked, helped}
	all := roster.States{}
	for i := range 31 {
		all[person(i)] = states[i%3]
	}
	must(t, s.SweepRoster(t.Context(), of, roster.Mark{}, roster.Mark{Version: 1}, by(1, all), nine))
	for _, only := range [][]recovery.State{nil, {helped}, {sure, locked}, {}} {
		var got []roster.Position
		after := roster.Position{}
		for {
			page, err := s.Roster(t.Context(), of, only, after, 4)
			must(t, err)
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
			after = page[len(page)-1]
		}
		var want []roster.Position
		for user, state := range all {
			if only == nil || slices.Contains(only, state) {
				want = append(want, roster.Position{State: state, User: user})
			}
		}
		slices.SortFunc(want, func(a, b roster.Position) int {
			if a.State != b.State {
				return slices.Index([]recovery.State{locked, helped, sure}, a.State) - slices.Index([]recovery.State{locked, helped, sure}, b.State)
			}
			if a.User < b.User {
				return -1
			}
			return 1
		})
		if !slices.Equal(got, want) {
			t.Errorf("in %v: %v, want %v", only, got, want)
		}
	}
}
