package method

import "github.com/postern-id/postern/internal/directory"

// PreferredID is the id under which a tenant's [Preferred] is kept.
const PreferredID = "systemCredentialPreferences"

// Preferred says who is asked for the strongest method that they have before the one that they
// used last.
// https://learn.microsoft.com/graph/api/resources/systemcredentialpreferences
type Preferred struct {
	State   string   `json:"state"` // default, enabled or disabled
	Include []Target `json:"includeTargets"`
	Exclude []Target `json:"excludeTargets"`
}

// DefaultPreferred leaves the choice to people: the default of the state is disabled.
func DefaultPreferred() Preferred {
	return Preferred{State: "default", Include: []Target{{TargetType: "group", ID: directory.AllUsers}}, Exclude: []Target{}}
}

// For reports whether p is for a user who is in the given groups. Exclusion wins.
func (p Preferred) For(groups map[directory.GroupID]bool) bool {
	return Targets(p).InScope(groups)
}

// Check reports the first rule that p breaks.
func (p Preferred) Check() error {
	if p.State != "default" && p.State != "enabled" && p.State != "disabled" {
		return ErrPolicy.With("state", "state is default, enabled or disabled.")
	}
	return Targets{State: "enabled", Include: p.Include, Exclude: p.Exclude}.Check()
}
