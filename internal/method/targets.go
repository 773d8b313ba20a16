package method

import (
	"context"
	"fmt"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
)

// Targets are who may use a method: what all of Graph's configurations share.
// https://learn.microsoft.com/graph/api/resources/authenticationmethodconfiguration
type Targets struct {
	State   string   `json:"state"` // enabled or disabled
	Include []Target `json:"includeTargets"`
	Exclude []Target `json:"excludeTargets"`
}

// A Target is a group, by object id, or directory.AllUsers.
type Target struct {
	TargetType             string `json:"targetType"`
	ID                     string `json:"id"`
	IsRegistrationRequired bool   `json:"isRegistrationRequired,omitempty"`
	// AuthenticationMode is deviceBasedPush, push or any; for the Authenticator only.
	AuthenticationMode string `json:"authenticationMode,omitempty"`
}

// Everybody are targets that let everybody use a method, once it is enabled.
func Everybody(state string) Targets {
	return Targets{State: state, Include: []Target{{TargetType: "group", ID: directory.AllUsers}}, Exclude: []Target{}}
}

// Enabled reports whether anybody may use the method.
func (t Targets) Enabled() bool { return t.State == "enabled" }

// InScope reports whether a user who is in the given groups, directly or through other groups,
// may use the method. Exclusion wins.
func (t Targets) InScope(groups map[directory.GroupID]bool) bool {
	return t.Enabled() && among(t.Include, groups) && !among(t.Exclude, groups)
}

func among(targets []Target, groups map[directory.GroupID]bool) bool {
	for _, t := range targets {
		if t.ID == directory.AllUsers || groups[directory.GroupID(t.ID)] {
			return true
		}
	}
	return false
}

// ErrPolicy says which rule a policy breaks.
var ErrPolicy = &fault.Error{Kind: fault.Invalid, Code: "methodPolicyInvalid", Text: "The policy can't be saved like this."}

// Check reports the first rule that t breaks, naming property and allowed values.
func (t Targets) Check() error {
	if t.State != "enabled" && t.State != "disabled" {
		return ErrPolicy.With("state", "state is enabled or disabled.")
	}
	if err := checkTargets("includeTargets", t.Include, true); err != nil {
		return err
	}
	return checkTargets("excludeTargets", t.Exclude, false)
}

func checkTargets(name string, targets []Target, everyone bool) error {
	if len(targets) > 100 {
		return ErrPolicy.With(name, name+" has more than 100 entries.")
	}
	for _, t := range targets {
		if t.TargetType != "group" {
			return ErrPolicy.With(name, "A target of this policy is a group.")
		}
		if !directory.IsID(t.ID) && !(everyone && t.ID == directory.AllUsers) {
			return ErrPolicy.With(name, fmt.Sprintf("%s must hold ids of groups.", name))
		}
	}
	return nil
}

// Groups returns the groups that a user is in, directly or through other groups.
type Groups interface {
	GroupsOf(ctx context.Context, tenant directory.TenantID, object string) (map[directory.GroupID]bool, error)
}
