// Package clock notices a clock that goes wrong. What ends by time (passes, codes, sessions,
// tokens) is only as safe as the clock: set back, it brings back what had ended; set far
// ahead, it spoils what is valid.
//
// The store keeps a mark, the latest time that its servers agree has come. [Judge] compares a
// server's clock with the mark and with the clock of the database, and a [Guard] hands out
// time that never goes behind the mark. Moving the mark is for the caller (package server).
// docs/operations.md says what an operator sees of it.
package clock

import (
	"sync/atomic"
	"time"

	"github.com/postern-id/postern/internal/fault"
)

const (
	// Tolerance is how far clocks may be from each other. Within it time stands still at the
	// mark until the slower clock has caught up.
	Tolerance = time.Minute
	// Leap is how far the clock may run ahead of the mark before somebody has to say that it
	// is right.
	Leap = time.Hour
)

// Faults of a clock. Nothing is issued or redeemed while one of them holds.
var (
	ErrBehind = &fault.Error{
		Kind: fault.Unavailable, Code: "clockBehind", RetryAfter: 30,
		Text:   "The server's clock was set back, so nothing is issued or accepted now.",
		Remedy: "Set the clock right. If it is right and was wrong before, run: postern clock accept",
	}
	ErrOff = &fault.Error{
		Kind: fault.Unavailable, Code: "clockOff", RetryAfter: 30,
		Text:   "The clocks of the server and of its database differ by more than a minute, so nothing is issued or accepted now.",
		Remedy: "Set both clocks right, best by NTP.",
	}
)

// Reading is what is known of the time at one moment.
type Reading struct {
	Own      time.Time
	Mark     time.Time // zero in a store without one
	Database time.Time // zero when it has no clock of its own
}

// Verdict says what a [Reading] means.
type Verdict struct {
	// Err is ErrBehind, ErrOff or nil.
	Err error
	// Ahead is how far the clock has run ahead of the mark when that is more than [Leap]; then
	// the mark does not follow, because a mark that is wrong locks everybody out.
	Ahead time.Duration
}

// Judge judges r.
func Judge(r Reading) Verdict {
	if !r.Database.IsZero() && r.Own.Sub(r.Database).Abs() > Tolerance {
		return Verdict{Err: ErrOff}
	}
	if r.Mark.IsZero() {
		return Verdict{}
	}
	switch ahead := r.Own.Sub(r.Mark); {
	case ahead < -Tolerance:
		return Verdict{Err: ErrBehind}
	case ahead > Leap:
		return Verdict{Ahead: ahead}
	}
	return Verdict{}
}

// Guard is a clock that never goes behind the mark. It is safe for concurrent use.
type Guard struct {
	// Wall returns the clock of the machine.
	Wall func() time.Time

	mark atomic.Int64 // microseconds since 1970, 0 when there is none
	off  atomic.Int64 // how far Wall is ahead of the database's clock, in microseconds
}

// Now returns the time in UTC, to the microsecond. A clock that was set back shows the mark.
func (g *Guard) Now() time.Time {
	wall := g.Wall().UnixMicro()
	for {
		mark := g.mark.Load()
		switch {
		case wall < mark:
			return time.UnixMicro(mark).UTC()
		case mark == 0, wall == mark, wall-mark > Leap.Microseconds(), g.mark.CompareAndSwap(mark, wall):
			return time.UnixMicro(wall).UTC()
		}
	}
}

// Trusted returns the time that has come for sure: the mark while the clock is ahead of it.
// What is removed for good because its time is over goes by it.
func (g *Guard) Trusted() time.Time {
	if now := g.Now(); g.Verdict().Ahead == 0 {
		return now
	}
	return g.Mark()
}

// Mark returns the mark as this server knows it, or the zero time.
func (g *Guard) Mark() time.Time {
	if mark := g.mark.Load(); mark != 0 {
		return time.UnixMicro(mark).UTC()
	}
	return time.Time{}
}

// Verdict judges the clock as it is now. It reads no store.
func (g *Guard) Verdict() Verdict {
	own := g.Wall()
	return Judge(Reading{Own: own, Mark: g.Mark(), Database: own.Add(-time.Duration(g.off.Load()) * time.Microsecond)})
}

// Observe takes over what was read from the store: its mark and the clock of its database.
func (g *Guard) Observe(r Reading) {
	off := int64(0)
	if !r.Database.IsZero() {
		off = r.Own.Sub(r.Database).Microseconds()
	}
	g.off.Store(off)
	if !r.Mark.IsZero() {
		g.raise(r.Mark.UnixMicro())
	}
}

// Accept takes over a mark that an operator has set, also one that is earlier.
func (g *Guard) Accept(mark time.Time) { g.mark.Store(mark.UnixMicro()) }

// Advance moves the mark on by d, for a clock that is ahead of it: that much time has passed
// for sure.
func (g *Guard) Advance(d time.Duration) {
	if g.mark.Load() != 0 {
		g.mark.Add(d.Microseconds())
	}
}

func (g *Guard) raise(to int64) {
	for {
		mark := g.mark.Load()
		if to <= mark || g.mark.CompareAndSwap(mark, to) {
			return
		}
	}
}
