// Package roster keeps how everybody stands ([recovery.State]), so that a page of those who have
// no way back costs the same however many people there are.
//
// A [Sweep] looks at all people in the order of their ids, a chunk after the other. Where it came
// is kept in the same transaction as what it found, so that of several replicas one does each
// chunk, and one that is killed loses no more than a chunk. When the rules change it begins anew
// and does not rest; else it takes a small share of a core, round after round, because time
// changes standings, too. People of whom the log tells something are looked at at once.
//
// Chunks are looked at side by side, on all cores, and stored in their order.
//
// What was found out before a change may come to be stored after what was found out because of it. So
// whoever looks takes a [Ticket] before anything is read, and of two findings about a person the store keeps
// the one with the later ticket, whichever comes first.
//
// What is kept is declared in [Store] and tested by package rostertest; who somebody is and how
// they stand is found out by a [Looker].
package roster

import (
	"context"
	"errors"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/recovery"
)

// ErrStale says that another sweep was faster. Nothing was changed.
var ErrStale = errors.New("another one swept first")

// A Person is what a readiness goes by, as it is kept: policies say what it is worth.
type Person struct {
	User    directory.UserID
	UPN     string // lower case
	Enabled bool
	Guest   bool
	Manager directory.UserID
	method.Registration
	// Pass is the person's pass if it is neither used up nor over.
	Pass    *Pass
	Devices []Device
	// Unreadable are the rows about the person that can't be read: with one, nobody knows what they have.
	Unreadable []string
}

// A Pass is what of a pass counts here.
type Pass struct {
	From, Until time.Time
	Once        bool
	Bootstrap   bool
}

// A Device is one that the person has a PIN at, owns, or is registered to use.
type Device struct {
	directory.Device
	PIN bool
	// Software says that the PIN's keys are in a file.
	Software bool
}

// MostDevices bounds the devices of a person that are looked at.
const MostDevices = 20

// MostAtOnce bounds a chunk, and so how long writing one holds up others.
const MostAtOnce = 1000

// A Span is everybody whose id comes after one, up to and with another, or all that follow when that is empty.
type Span struct{ After, Last directory.UserID }

// People reads who is there.
type People interface {
	// SpanAfter returns the span of the next n people after one; it has no end when there are no more.
	SpanAfter(ctx context.Context, tenant directory.TenantID, after directory.UserID, n int) (Span, error)
	// PeopleOfSpan returns the people of a span, in the order of ids.
	PeopleOfSpan(ctx context.Context, tenant directory.TenantID, in Span, at time.Time) ([]Person, error)
	// PeopleOf returns those of at most MostAtOnce people who are there, in the order of ids.
	PeopleOf(ctx context.Context, tenant directory.TenantID, ids []directory.UserID, at time.Time) ([]Person, error)
}

// States are those of people; somebody who is not in it is gone, or does not count.
type States map[directory.UserID]recovery.State

// A Ticket is taken before people are looked at: what is found with one is no older than it, and so
// no older than what had been found before it was taken.
type Ticket int64

// A Finding is how people stand, as found out after a ticket was taken.
type Finding struct {
	Ticket Ticket
	States States
}

// A Mark says where a sweep is.
type Mark struct {
	Version int64
	Rules   string           // that the round goes by
	Rush    bool             // it does not rest
	After   directory.UserID // that this round looked at last; empty at its start
	Began   time.Time        // when this round began; zero between two
	Whole   time.Time        // when the last whole round began: no state is older
	Ended   time.Time        // when it ended
	// Since is the first ticket of this round, zero between two, and WholeSince that of the last whole one.
	Since, WholeSince Ticket
}

// Floor returns a ticket such that no older one found out how u stands: whatever has one comes too late.
func (m Mark) Floor(u directory.UserID) Ticket {
	if m.After != "" && u <= m.After {
		return m.Since
	}
	return m.WholeSince
}

// Store keeps states.
type Store interface {
	// RosterMark returns where a sweep is; the zero mark before it began.
	RosterMark(ctx context.Context, tenant directory.TenantID) (Mark, error)
	// RosterTicket returns a ticket above all that were returned before.
	RosterTicket(ctx context.Context, tenant directory.TenantID) (Ticket, error)
	// SweepRoster takes over the states of everybody after from.After, up to and with to.After,
	// or of all that follow when that is empty; who has none is gone. Whoever SetRoster set with a later
	// ticket stays as they are. It moves the mark from from to to, all in one transaction, or returns ErrStale
	// when the mark is not from. Who lost their last way back in is told of at now.
	SweepRoster(ctx context.Context, tenant directory.TenantID, from, to Mark, found Finding, now time.Time) error
	// SetRoster takes over the states of ids; who has none is gone. Whoever was set with a later ticket, or
	// swept by a round that began with one, stays as they are. It tells as SweepRoster does.
	SetRoster(ctx context.Context, tenant directory.TenantID, ids []directory.UserID, found Finding, now time.Time) error
	// RosterCounts returns how many people are in each state.
	RosterCounts(ctx context.Context, tenant directory.TenantID) (map[recovery.State]int, error)
	// Roster returns the next people, at most limit, after a position in the order of states and
	// then ids; where states are given, in these only.
	Roster(ctx context.Context, tenant directory.TenantID, states []recovery.State, after Position, limit int) ([]Position, error)
}

// A Position is a person in the order in which the roster is read: worst first.
type Position struct {
	State recovery.State
	User  directory.UserID
}
