package access

import "github.com/postern-id/postern/internal/membership"

// An Explanation says how every policy came to what a decision is.
type Explanation struct {
	Decision Decision
	// Policies are those of the set in the order of the log, then those that are off.
	Policies []Explained
}

// Explained is one policy in a what-if.
type Explained struct {
	Policy  *Policy
	Applied Applied
	// Unmet are the conditions because of which it does not apply, in the words of Graph's
	// whatIfAnalysisReasons; empty when it applies.
	Unmet []string
	// Decides says that it is why the answer is not yes.
	Decides bool
}

// Applies reports whether all conditions hold.
func (e Explained) Applies() bool { return len(e.Unmet) == 0 }

// Explain is Evaluate with the reasons. It looks at every condition of every policy.
func (s *Set) Explain(r Request) Explanation {
	out := Explanation{Decision: s.Evaluate(r)}
	if s == nil {
		return out
	}
	var room space
	f := s.facts(&r, &room)
	applied, seen := out.Decision.Applied, s.seen(&r)
	for i := range s.rules {
		p := &s.rules[i]
		e := Explained{Policy: p.policy, Unmet: f.unmet(i, seen), Decides: out.Decision.By != nil && out.Decision.By.ID == p.policy.ID}
		switch {
		case e.Applies():
			e.Applied, applied = applied[0], applied[1:]
		case p.enforce:
			e.Applied = Applied{ID: p.policy.ID, DisplayName: p.policy.DisplayName, Result: NotApplied}
		default:
			e.Applied = Applied{ID: p.policy.ID, DisplayName: p.policy.DisplayName, Result: ReportedNotApplied}
		}
		out.Policies = append(out.Policies, e)
	}
	for i := range s.disabled {
		p := &s.disabled[i]
		out.Policies = append(out.Policies, Explained{
			Policy: p, Unmet: []string{"policyNotEnabled"}, Applied: Applied{ID: p.ID, DisplayName: p.DisplayName, Result: NotEnabled},
		})
	}
	return out
}

// unmet names the conditions of policy i that don't hold.
func (f *facts) unmet(i int, seen *membership.Seen) []string {
	var out []string
	for c := range conditions {
		if !f.holds(c, i, seen) {
			out = append(out, f.set.rules[i].word(c))
		}
	}
	return out
}

// word is Graph's for a condition.
func (p *rule) word(c condition) string {
	a := p.policy.Conditions
	switch {
	case c == who && a.Workloads != nil:
		return "workloadIdentities"
	case c == what && len(a.Applications.UserActions) > 0:
		return "userActions"
	case c == what && len(a.Applications.Contexts) > 0:
		return "authenticationContext"
	}
	return [conditions]string{
		"users", "application", "devicePlatform", "clientApps", "location", "userRisk", "signInRisk", "servicePrincipalRisk", "authenticationFlow", "devices",
	}[c]
}
