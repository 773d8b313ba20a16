// Package report keeps what a dashboard shows of a tenant, so that showing it costs the same
// however much is stored.
//
// A [Follower] reads the sealed log once, in its order, and adds up daily tallies; how far it
// came is kept in the same transaction, so that a crash or a second replica counts nothing
// twice, and pruning the log takes nothing away. A [Census] looks at all people and devices
// bit by bit, and at those of whom the log tells something at once; it keeps the state of each
// and how many are in each. [Attention] says what needs somebody now.
//
// What is kept is declared in [Store] and tested by package reporttest. Time comes in as an
// argument; what a person's methods amount to is package method's. docs/reports.md has the
// names and what they count.
package report

import (
	"context"
	"errors"
	"time"
)

// ErrStale says that another follower or census was faster. Nothing was changed.
var ErrStale = errors.New("another one counted first")

// Store keeps tallies and the census of every tenant.
type Store interface {
	// Counted returns the position of the first entry that was not counted.
	Counted(ctx context.Context, tenant string) (int64, error)
	// Count makes all changes of b in one transaction, or none: it applies b.Steps to what is
	// kept of their people ([Person.After]), adds all tallies, and moves the position from
	// b.From to b.To. It returns ErrStale when the position is not b.From.
	Count(ctx context.Context, tenant string, b Batch) error
	// Tallies returns what was counted on the days from the first to the last.
	Tallies(ctx context.Context, tenant string, first, last Day) (map[Day]Tallies, error)

	// CensusMark returns where a census is; the zero mark before it began.
	CensusMark(ctx context.Context, tenant string, kind Kind) (Mark, error)
	// CensusRound takes over the states of all objects after from.After, up to and with
	// to.After, or of all that follow when that is empty; who is not in states is gone. It
	// moves the mark from from to to, all in one transaction, or returns ErrStale when the mark
	// is not from.
	CensusRound(ctx context.Context, tenant string, kind Kind, from, to Mark, states map[string]State) error
	// CensusSet takes over the states of some objects; who has none is gone.
	CensusSet(ctx context.Context, tenant string, kind Kind, states map[string]State) error
	// CensusCounts returns how many objects are in each state.
	CensusCounts(ctx context.Context, tenant string, kind Kind) (map[State]int, error)
}

// A Day is a day of a tenant's zone: its midnight, as if the zone were UTC.
type Day time.Time

// DayOf returns the day on which at is in zone.
func DayOf(at time.Time, zone *time.Location) Day {
	year, month, day := at.In(zone).Date()
	return Day(time.Date(year, month, day, 0, 0, 0, 0, time.UTC))
}

// String returns d as in 2026-11-23.
func (d Day) String() string { return time.Time(d).Format(time.DateOnly) }

// Add returns the day that comes n days after d.
func (d Day) Add(n int) Day { return Day(time.Time(d).AddDate(0, 0, n)) }
