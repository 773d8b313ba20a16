package report

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/postern-id/postern/internal/audit"
)

// A Person is what counting has to remember of somebody.
type Person struct {
	Pass      string    // that they have; empty for none
	WorksAt   time.Time // when it was issued, or begins if that is later
	UsedAt    time.Time // zero until it was used
	Refused   int       // tries in a row
	RefusedAt time.Time // the last of them
}

// AlarmAt returns when the last of many refused tries was; the zero time while they are few.
func (p Person) AlarmAt() time.Time {
	if p.Refused < ManyRefusals {
		return time.Time{}
	}
	return p.RefusedAt
}

// A Step is something that happened to somebody's pass.
type Step struct {
	User string
	What What
	Pass string // may be unknown
	At   time.Time
	Day  Day
	N    int    // of tries, when it was refused
	For  string // one of Presets, as far as it is known
}

// What happened in a [Step].
type What int

// The steps.
const (
	Issued What = iota
	Used
	Refused
	Ended
)

// After returns p after s, and what s adds to the tallies of its day.
func (p Person) After(s Step) (Person, Tallies) {
	t := Tallies{}
	switch s.What {
	case Issued:
		if p.Pass != "" && p.UsedAt.IsZero() {
			t[PassesUnused]++
		}
		t[PassesIssued]++
		t[byPreset+presetName(s.For)]++
		return Person{Pass: s.Pass, WorksAt: s.At}, t
	case Used:
		if p.Pass != s.Pass { // it was issued before anything was counted, or is gone meanwhile
			return Person{Pass: s.Pass, WorksAt: s.At, UsedAt: s.At}, Tallies{PassesUsed: 1}
		}
		if p.UsedAt.IsZero() {
			t[PassesUsed]++
			t[byWait+bound(s.At.Sub(p.WorksAt))]++
			p.UsedAt = s.At
		}
		p.Refused, p.RefusedAt = 0, time.Time{}
	case Refused:
		p.Refused, p.RefusedAt = p.Refused+s.N, s.At
	case Ended:
		if p.Pass == "" || p.Pass != s.Pass {
			return p, t
		}
		if p.UsedAt.IsZero() {
			t[PassesUnused]++
		}
		p.Pass, p.WorksAt, p.UsedAt = "", time.Time{}, time.Time{}
	}
	return p, t
}

// waits are the bounds between which the time from issue to first use is counted, in seconds.
var waits = []int{30, 60, 90, 120, 180, 240, 300, 420, 600, 900, 1200, 1800, 2700, 3600, 7200, 14400, 28800, 86400, 604800}

func bound(wait time.Duration) string {
	at, _ := slices.BinarySearch(waits, int((wait+time.Second-1)/time.Second))
	return strconv.Itoa(waits[min(at, len(waits)-1)])
}

// MedianWait returns the middle of the times from issue to first use, as near as what is kept
// tells, and false when no pass was used.
func (t Tallies) MedianWait() (time.Duration, bool) {
	total := 0
	for _, w := range waits {
		total += t[byWait+strconv.Itoa(w)]
	}
	if total == 0 {
		return 0, false
	}
	below, seen := 0, 0
	for _, w := range waits {
		n := t[byWait+strconv.Itoa(w)]
		if n > 0 && 2*(seen+n) >= total {
			part := (float64(total)/2 - float64(seen)) / float64(n)
			return time.Duration((float64(below) + part*float64(w-below)) * float64(time.Second)).Round(time.Second), true
		}
		seen, below = seen+n, w
	}
	return 0, false // not reached: the last has seen all
}

// passReasons say what a change did to a pass; those of other methods share its activity.
var passReasons = map[string]What{
	audit.ReasonAdminRegisteredPass: Issued, audit.ReasonUserRegisteredPass: Issued, audit.RecoverAccess: Issued,
	audit.ReasonAdminDeletedPass: Ended, audit.ReasonUserDeletedPass: Ended, audit.PassExpired: Ended, audit.PassRemoved: Ended,
}

// stepsOf returns what e tells of passes.
func stepsOf(e audit.Event, day Day) []Step {
	if s := e.SignIn; s != nil {
		return signInSteps(e, day)
	}
	c := e.Change
	what, ok := passReasons[c.ResultReason]
	if !ok {
		what, ok = passReasons[c.Activity]
	}
	if !ok || c.Result == audit.Failure || len(c.Targets) == 0 {
		return nil
	}
	s := Step{User: c.Targets[0].ID, What: what, At: e.At, Day: day}
	for _, d := range c.Details {
		if d.Key == "temporaryAccessPassMethodId" {
			s.Pass = d.Value
		}
		switch {
		case d.Key == audit.DetailPreset:
			s.For = d.Value
		case d.Key == audit.DetailCase && s.For == "":
			s.For = forCase
		case d.Key == audit.DetailWorkflow && s.For == "":
			s.For = forWorkflow
		}
	}
	if what == Issued {
		s.At = startOf(c.Targets[0], e.At)
	}
	return []Step{s}
}

// startOf returns when a pass begins to work, and at when it does at once.
func startOf(t audit.Target, at time.Time) time.Time {
	for _, m := range t.Modified {
		var text string
		if m.DisplayName != "StartDateTime" || json.Unmarshal([]byte(m.NewValue), &text) != nil {
			continue
		}
		if start, err := time.Parse(time.RFC3339, text); err == nil && start.After(at) {
			return start.UTC()
		}
	}
	return at
}

func signInSteps(e audit.Event, day Day) []Step {
	in := e.SignIn
	if in.UserID == "" || in.EventType != audit.InteractiveUser || len(in.Details) == 0 {
		return nil
	}
	step := Step{User: in.UserID, What: Used, Pass: in.PassID, At: e.At, Day: day}
	if in.ErrorCode != 0 {
		if in.Details[len(in.Details)-1].Method != audit.MethodPass {
			return nil
		}
		step.What, step.N = Refused, tries(in)
		return []Step{step}
	}
	if !slices.ContainsFunc(in.Details, func(d audit.AuthenticationDetail) bool {
		return d.Method == audit.MethodPass && d.Succeeded && d.ResultDetail != audit.PreviouslySatisfied
	}) {
		return nil
	}
	return []Step{step}
}
