package tap

import (
	"time"

	"github.com/postern-id/postern/internal/audit"
)

// A Course is what the logs and the store tell of a pass from its issue to its end.
type Course struct {
	IssuedAt time.Time
	Tries    int       // that failed, while the pass was there
	TriedAt  time.Time // the last of them; zero without any
	UsedAt   time.Time // the first sign-in that it proved; zero before
	Used     *audit.SignIn
	HeldTill time.Time // somebody typed it right and has not finished; zero otherwise
	EndedAt  time.Time // zero while the pass could still be used
	End      End
}

// An End is why a pass can't be used any more.
type End string

// The ends.
const (
	EndUsed     End = "used"     // a one-time pass did its work
	EndExpired  End = "expired"  // its time was over
	EndRemoved  End = "removed"  // somebody deleted it
	EndReplaced End = "replaced" // by a newer one
)

// passRefusals are the codes of the sign-in log that a try at a pass can end with.
var passRefusals = map[int]bool{
	ErrWrong.AADSTS: true, ErrExpired.AADSTS: true, ErrUsed.AADSTS: true, ErrBlocked.AADSTS: true, ErrNotUsable.AADSTS: true,
}

// CourseOf returns the course at now of the pass with an id, from what of it is known: the pass
// itself unless it is gone, and the person's events, the sign-ins since its issue among them.
func CourseOf(id string, p *Pass, events []audit.Event, now time.Time) Course {
	var c Course
	if p != nil {
		c.IssuedAt = p.CreatedAt
	}
	for _, e := range events {
		if e.Change != nil && about(e.Change, id) {
			c.change(e.At, e.Change)
		}
	}
	for _, e := range events {
		in := e.SignIn
		switch {
		case in == nil:
		case in.PassID == id && in.ErrorCode == 0 && in.Interactive && (c.UsedAt.IsZero() || e.At.Before(c.UsedAt)):
			c.UsedAt, c.Used = e.At, in
		case in.Interactive && passRefusals[in.ErrorCode] && !e.At.Before(c.IssuedAt) && (c.EndedAt.IsZero() || e.At.Before(c.EndedAt)):
			c.Tries++
			if e.At.After(c.TriedAt) {
				c.TriedAt = e.At
			}
		}
	}
	if p != nil {
		c.state(*p, now)
	} else if c.End == "" {
		c.EndedAt, c.End = replacedAt(id, c.IssuedAt, events), EndReplaced
	}
	return c
}

// replacedAt is when the next pass was issued; zero when the events don't say.
func replacedAt(id string, issued time.Time, events []audit.Event) (at time.Time) {
	for _, e := range events {
		if e.Change != nil && registered(e.Change) && !about(e.Change, id) && e.At.After(issued) {
			at = earliest(at, e.At)
		}
	}
	return at
}

func registered(c *audit.Change) bool {
	return c.ResultReason == audit.ReasonAdminRegisteredPass || c.ResultReason == audit.ReasonUserRegisteredPass
}

// change adds what a change of the pass tells. What was registered with the pass names it, too.
func (c *Course) change(at time.Time, e *audit.Change) {
	switch {
	case registered(e), e.Activity == audit.RecoverAccess:
		c.IssuedAt = earliest(c.IssuedAt, at)
	case e.ResultReason == audit.ReasonAdminDeletedPass, e.ResultReason == audit.ReasonUserDeletedPass, e.Activity == audit.PassReverted:
		c.EndedAt, c.End = at, EndRemoved
	case e.Activity == audit.PassExpired && c.End == "":
		c.EndedAt, c.End = at, EndExpired
	}
}

// state adds what the pass itself tells.
func (c *Course) state(p Pass, now time.Time) {
	if c.UsedAt.IsZero() {
		c.UsedAt = p.UsedAt
	}
	if p.ReservedFor != "" && now.Before(p.ReservedUntil) && p.UsedAt.IsZero() {
		c.HeldTill = p.ReservedUntil
	}
	switch {
	case p.SingleUse && !p.UsedAt.IsZero():
		c.EndedAt, c.End = p.UsedAt, EndUsed
	case !now.Before(p.End()):
		c.EndedAt, c.End = p.End(), EndExpired
	}
}

func about(c *audit.Change, id string) bool {
	for _, d := range c.Details {
		if d.Key == "temporaryAccessPassMethodId" && d.Value == id {
			return true
		}
	}
	return false
}

func earliest(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
