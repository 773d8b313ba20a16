package tap

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/method"
)

// A Policy says who may use passes and what they are like. Lifetimes are in minutes, as in
// Graph's temporaryAccessPassAuthenticationMethodConfiguration.
// https://learn.microsoft.com/graph/api/resources/temporaryaccesspassauthenticationmethodconfiguration
type Policy struct {
	method.Targets
	DefaultLifetime int  `json:"defaultLifetimeInMinutes"`
	MinimumLifetime int  `json:"minimumLifetimeInMinutes"`
	MaximumLifetime int  `json:"maximumLifetimeInMinutes"`
	DefaultLength   int  `json:"defaultLength"`
	UsableOnce      bool `json:"isUsableOnce"` // every pass is one-time

	// HideIssuer keeps from the person who issued the pass and why.
	HideIssuer bool `json:"postern_hideIssuer"`
	// NotifyPerson tells the person by mail when a pass is issued for them and when somebody
	// signs in with it.
	NotifyPerson bool `json:"postern_notifyPerson"`
	// IdentityCheck says whether who issues a pass is asked how they know the person; see Checks.
	IdentityCheck CheckRule `json:"postern_identityCheck"`
	// RegistrationWindow is how many minutes after redeeming a one-time pass a method may
	// be registered without another proof.
	RegistrationWindow int `json:"postern_registrationWindowInMinutes"`

	ModifiedAt time.Time `json:"-"`
	Version    int64     `json:"-"`
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
		Targets:         method.Everybody("disabled"),
		DefaultLifetime: 60, MinimumLifetime: 60, MaximumLifetime: 480, DefaultLength: 8,
		IdentityCheck: CheckNoted, RegistrationWindow: 10,
	}
}

// InScope reports whether a user who is in the given groups, directly or through other
// groups, may have a pass, whether passes are enabled or not. Exclusion wins.
func (p Policy) InScope(groups map[directory.GroupID]bool) bool {
	scope := p.Targets
	scope.State = "enabled"
	return scope.InScope(groups)
}

// Check reports the first rule that p breaks, naming property, value and allowed range.
func (p Policy) Check() error {
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
	if !slices.Contains(checkRules, p.Checks()) {
		return ErrPolicyInvalid.With("postern_identityCheck", "postern_identityCheck must be off, note or required.")
	}
	if f, ok := errors.AsType[*fault.Error](p.Targets.Check()); ok {
		return ErrPolicyInvalid.With(f.Target, f.Text)
	}
	return nil
}
