package recovery

import (
	"strings"
	"time"
)

// A Grade is how somebody stands on the whole: as in the worst of the failures, but for two. No
// way is left offline to most who have no PIN, and nobody but by a pass who lost everything; these
// would hide all else.
type Grade string

// The grades, worst first.
const (
	NoWay    Grade = "noWayBack" // in one failure or more nothing helps, not even a pass
	WithHelp Grade = "onlyWithHelp"
	LastWay  Grade = "oneWayLeft"
	Sure     Grade = "ready"
)

// Grades are all grades, worst first.
var Grades = []Grade{NoWay, WithHelp, LastWay, Sure}

// Standings are how somebody stands in each of Failures, in their order.
type Standings [10]Standing

// Stand says how somebody stands at now, without what they could do about it. It is what
// Readiness says, at a fraction of the cost.
func Stand(f Facts, now time.Time) Standings {
	var all Standings
	for i, c := range Failures {
		all[i] = f.answer(c, now).Standing
	}
	return all
}

// Of returns the standing in c.
func (s Standings) Of(c Failure) Standing {
	for i, f := range Failures {
		if f == c {
			return s[i]
		}
	}
	return NotApplicable
}

// Grade is how s amounts to.
func (s Standings) Grade() Grade {
	worst := Ready.rank()
	for i, c := range Failures {
		rank := s[i].rank()
		if c == Offline || c == EverythingLost && rank > Nothing.rank() {
			continue
		}
		worst = min(worst, rank)
	}
	return Grades[worst]
}

// A State is the standings of a person in a form whose order is that of how urgent they are: the
// grade, administrators before others, then failure by failure.
type State string

const marks = "0123-" // of the standings, worst first, and of what does not apply

// State packs s.
func (s Standings) State(administrator bool) State {
	var b strings.Builder
	for i, g := range Grades {
		if g == s.Grade() {
			b.WriteByte(marks[i])
		}
	}
	if administrator {
		b.WriteByte('a')
	} else {
		b.WriteByte('m')
	}
	for _, one := range s {
		if one == NotApplicable {
			b.WriteByte('-')
			continue
		}
		b.WriteByte(marks[one.rank()])
	}
	return State(b.String())
}

// Read unpacks s; ok says whether it is one.
func (s State) Read() (all Standings, administrator, ok bool) {
	if len(s) != 2+len(all) {
		return all, false, false
	}
	for i := range all {
		switch n := strings.IndexByte(marks, s[2+i]); {
		case n < 0:
			return all, false, false
		case n < len(standings):
			all[i] = standings[n]
		default:
			all[i] = NotApplicable
		}
	}
	return all, s[1] == 'a' || s[1] == 'A', true
}

// Unjudged is s for somebody of whom something can't be read. It sorts before all that are as urgent.
func (s State) Unjudged() State { return s[:1] + State(strings.ToUpper(string(s[1:2]))) + s[2:] }

// Judged reports whether s goes by all that is kept of the person.
func (s State) Judged() bool { return len(s) < 2 || s[1] != 'A' && s[1] != 'M' }

// Loses reports whether somebody who stands as before would stand as after with a way less than
// one: without any in a failure where there was one (stranded), or with nothing but a pass where
// there was a way of their own (dependent). Being offline does not count, as for the grade.
func (s Standings) Loses(after Standings) (stranded, dependent bool) {
	for i, c := range Failures {
		if c == Offline || s[i] == NotApplicable {
			continue
		}
		was, is := s[i].rank(), after[i].rank()
		stranded = stranded || was > Nothing.rank() && is == Nothing.rank()
		dependent = dependent || was > PassOnly.rank() && is == PassOnly.rank()
	}
	return stranded, dependent
}
