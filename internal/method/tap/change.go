package tap

import "time"

// Outlasts reports whether pass, which works at now or will, is longer than policy p lets new ones be
// and works on all the same: lifetimes are judged when a pass is issued.
func (p Policy) Outlasts(pass Pass, inScope bool, now time.Time) bool {
	return pass.Lifetime > time.Duration(p.MaximumLifetime)*time.Minute && pass.lives(p, inScope, now)
}

// Ends reports whether pass, whose person is in the scope of p or not, stops working when policy
// then takes the place of p.
func (p Policy) Ends(then Policy, pass Pass, inScope, inScopeThen bool, now time.Time) bool {
	return pass.lives(p, inScope, now) && !pass.lives(then, inScopeThen, now)
}

// lives reports whether the pass works at now, or will when it starts.
func (p Pass) lives(policy Policy, inScope bool, now time.Time) bool {
	if now.Before(p.Start) {
		now = p.Start
	}
	return p.Usability(policy, inScope, now) == EnabledByPolicy
}
