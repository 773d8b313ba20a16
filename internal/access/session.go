package access

import (
	"fmt"
	"time"
)

// everyTime is how old a proof may be where one is wanted every time: as long as it takes to
// get back to the application, and clocks differ.
// https://learn.microsoft.com/entra/identity/conditional-access/concept-session-lifetime
const everyTime = 5 * time.Minute

// session is [SessionControls] in a form that can be asked.
type session struct {
	age       time.Duration // of any proof; zero is not bounded
	secondAge time.Duration // of a proof that is more than a first factor
	never     bool
	always    bool
	strict    bool // location
	lenient   bool // no continuous evaluation
}

// newSession also returns the names of the controls, for the log.
func newSession(c *SessionControls) (session, []string, error) {
	if c == nil {
		return session{}, nil, nil
	}
	var s session
	var names []string
	if f := c.Frequency; f != nil && f.Enabled {
		age, err := f.age()
		if err != nil {
			return session{}, nil, err
		}
		if f.Authentication == "secondaryAuthentication" {
			s.secondAge = age
		} else {
			s.age = age
		}
		names = append(names, "signInFrequency")
	}
	if b := c.Persistent; b != nil && b.Enabled {
		s.never, s.always = b.Mode == "never", b.Mode == "always"
		if !s.never && !s.always {
			return session{}, nil, fmt.Errorf("unknown mode %q of a persistent browser", b.Mode)
		}
		names = append(names, "persistentBrowser")
	}
	if e := c.Continuous; e != nil {
		s.strict, s.lenient = e.Mode == "strictLocation", e.Mode == "disabled"
		if !s.strict && !s.lenient && e.Mode != "strictEnforcement" {
			return session{}, nil, fmt.Errorf("unknown mode %q of continuous access evaluation", e.Mode)
		}
		names = append(names, "continuousAccessEvaluation")
	}
	return s, names, nil
}

func (f SignInFrequency) age() (time.Duration, error) {
	switch {
	case f.Interval == "everyTime":
		return everyTime, nil
	case f.Interval != "timeBased" && f.Interval != "":
		return 0, fmt.Errorf("unknown interval %q of a sign-in frequency", f.Interval)
	case f.Value < 1:
		return 0, fmt.Errorf("a sign-in frequency of %d", f.Value)
	case f.Type == "hours":
		return time.Duration(f.Value) * time.Hour, nil
	case f.Type == "days":
		return time.Duration(f.Value) * 24 * time.Hour, nil
	}
	return 0, fmt.Errorf("unknown type %q of a sign-in frequency", f.Type)
}

// bind makes d as strict as s, at a time.
func (s session) bind(d *Decision, at time.Time) {
	if s.age > 0 {
		d.Since = later(d.Since, at.Add(-s.age))
		d.Lifetime = shorter(d.Lifetime, s.age)
	}
	if s.secondAge > 0 {
		d.SecondSince = later(d.SecondSince, at.Add(-s.secondAge))
		d.Lifetime = shorter(d.Lifetime, s.secondAge)
	}
	d.NeverPersistent = d.NeverPersistent || s.never
	d.AlwaysPersistent = (d.AlwaysPersistent || s.always) && !d.NeverPersistent
	d.StrictLocation = d.StrictLocation || s.strict
	d.NoContinuous = (d.NoContinuous || s.lenient) && !d.StrictLocation
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func shorter(a, b time.Duration) time.Duration {
	if a == 0 || b < a {
		return b
	}
	return a
}
