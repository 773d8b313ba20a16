package tap

import (
	"fmt"
	"time"

	"github.com/postern-id/postern/internal/directory"
)

// A Policy says who may use passes and what they are like. Lifetimes are in minutes, as in
// Graph's temporaryAccessPassAuthenticationMethodConfiguration.
// https://learn.microsoft.com/graph/api/resources/temporaryaccesspassauthenticationmethodconfiguration
type Policy struct {
	State           string   `json:"state"` // enabled or disabled
	DefaultLifetime int      `json:"defaultLifetimeInMinutes"`
	MinimumLifetime int      `json:"minimumLifetimeInMinutes"`
	MaximumLifetime int      `json:"maximumLifetimeInMinutes"`
	DefaultLength   int      `json:"defaultLength"`
	UsableOnce      bool     `json:"isUsableOnce"` // every pass is one-time
	Include         []Target `json:"includeTargets"`
	Exclude         []Target `json:"excludeTargets"`

	// HideIssuer keeps from the person who issued the pass and why.
	HideIssuer bool `json:"postern_hideIssuer,omitempty"`
	// NotifyPerson tells the person by mail when a pass is issued for them and when somebody
	// signs in with it.
	NotifyPerson bool `json:"postern_notifyPerson,omitempty"`
	// RegistrationWindow is how many minutes after redeeming a one-time pass a method may
	// be registered without another proof.
	RegistrationWindow int `json:"postern_registrationWindowInMinutes"`

	ModifiedAt time.Time `json:"-"`
	Version    int64     `json:"-"`
}

// A Target is a group, by object id, or directory.AllUsers.
type Target struct {
	TargetType             string `json:"targetType"`
	ID                     string `json:"id"`
	IsRegistrationRequired bool   `json:"isRegistrationRequired,omitempty"`
}

// Bounds of a policy. Lifetimes are in minutes, lengths in characters.
const (
	LeastLifetime = 10
	MostLifetime  = 43200 // 30 days
	LeastLength   = 8
	MostLength    = 48
)

// DefaultPolicy is the policy of a new tenant: off, with Entra's values.
func DefaultPolicy() Policy {
	return Policy{
		State: "disabled", DefaultLifetime: 60, MinimumLifetime: 60, MaximumLifetime: 480, DefaultLength: 8,
		Include:            []Target{{TargetType: "group", ID: directory.AllUsers}},
		Exclude:            []Target{},
		RegistrationWindow: 10,
	}
}

// Enabled reports whether passes work at all.
func (p Policy) Enabled() bool { return p.State == "enabled" }

// InScope reports whether a user who is in the given groups, directly or through other
// groups, may use passes. Exclusion wins.
func (p Policy) InScope(groups map[directory.GroupID]bool) bool {
	return matches(p.Include, groups) && !matches(p.Exclude, groups)
}

func matches(targets []Target, groups map[directory.GroupID]bool) bool {
	for _, t := range targets {
		if t.ID == directory.AllUsers || groups[directory.GroupID(t.ID)] {
			return true
		}
	}
	return false
}

// Check reports the first rule that p breaks, naming property, value and allowed range.
func (p Policy) Check() error {
	if p.State != "enabled" && p.State != "disabled" {
		return ErrPolicyInvalid.With("state", "state is enabled or disabled.")
	}
	for _, r := range []struct {
		name             string
		value, low, high int
	}{
		{"minimumLifetimeInMinutes", p.MinimumLifetime, LeastLifetime, MostLifetime},
		{"maximumLifetimeInMinutes", p.MaximumLifetime, LeastLifetime, MostLifetime},
		{"minimumLifetimeInMinutes", p.MinimumLifetime, LeastLifetime, p.MaximumLifetime},
		{"defaultLifetimeInMinutes", p.DefaultLifetime, p.MinimumLifetime, p.MaximumLifetime},
		{"defaultLength", p.DefaultLength, LeastLength, MostLength},
		{"postern_registrationWindowInMinutes", p.RegistrationWindow, 1, 60},
	} {
		if r.value < r.low || r.value > r.high {
			return ErrPolicyInvalid.With(r.name, fmt.Sprintf("%s is %d; it must be between %d and %d.", r.name, r.value, r.low, r.high))
		}
	}
	if err := checkTargets("includeTargets", p.Include, true); err != nil {
		return err
	}
	return checkTargets("excludeTargets", p.Exclude, false)
}

func checkTargets(name string, targets []Target, everyone bool) error {
	if len(targets) > 100 {
		return ErrPolicyInvalid.With(name, name+" has more than 100 entries.")
	}
	for _, t := range targets {
		if t.TargetType != "group" {
			return ErrPolicyInvalid.With(name, "A target of this policy is a group.")
		}
		if !directory.IsID(t.ID) && !(everyone && t.ID == directory.AllUsers) {
			return ErrPolicyInvalid.With(name, name+" must hold ids of groups.")
		}
	}
	return nil
}
