package directory

import (
	"fmt"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/fault"
)

// A JoinPolicy says who may join devices, how many, and which of them an administrator has to
// approve. It is Graph's deviceRegistrationPolicy; approval is our own.
// https://learn.microsoft.com/graph/api/resources/deviceregistrationpolicy
type JoinPolicy struct {
	Quota    int        `json:"userDeviceQuota"`              // devices of one person
	MFA      string     `json:"multiFactorAuthConfiguration"` // notRequired or required
	Join     JoinScope  `json:"azureADJoin"`                  // joined and hybrid-joined devices
	Register JoinScope  `json:"azureADRegistration"`          // registered devices
	Approval NeedsWhose `json:"postern_approval"`

	ModifiedAt time.Time `json:"-"`
	Version    int64     `json:"-"` // 0: the tenant has the default
}

// A JoinScope is for whom something is allowed.
type JoinScope struct {
	Kind   ScopeKind `json:"kind"`
	Users  []UserID  `json:"users,omitempty"`
	Groups []GroupID `json:"groups,omitempty"`
}

// ScopeKind says how a JoinScope is meant.
type ScopeKind string

// The kinds of scope.
const (
	ScopeAll      ScopeKind = "all"
	ScopeNone     ScopeKind = "none"
	ScopeSelected ScopeKind = "selected" // users, and members of groups through other groups
)

// NeedsWhose says which devices wait for approval.
type NeedsWhose string

// Which devices wait.
const (
	ApproveNone   NeedsWhose = "none"
	ApproveJoined NeedsWhose = "joined" // and hybrid-joined ones
	ApproveAll    NeedsWhose = "all"
)

// What a policy may say at most.
const (
	MostQuota      = 1<<31 - 1 // as good as no limit, as Entra writes it
	MostInScope    = 200       // users and groups in one scope
	usualQuota     = 50
	MFANotRequired = "notRequired"
	MFARequired    = "required"
)

// DefaultJoinPolicy is what a tenant has that said nothing: as in Entra, 50 devices a person,
// and nobody waits.
func DefaultJoinPolicy() JoinPolicy {
	return JoinPolicy{
		Quota: usualQuota, MFA: MFANotRequired, Join: JoinScope{Kind: ScopeAll}, Register: JoinScope{Kind: ScopeAll}, Approval: ApproveNone,
	}
}

// Faults of the policy and of joining by it.
var (
	ErrJoinPolicyInvalid = &fault.Error{Kind: fault.Invalid, Code: "joinPolicyInvalid", Text: "The device registration policy can't be saved like this."}
	ErrJoinPolicyChanged = &fault.Error{
		Kind: fault.Precondition, Code: "joinPolicyChanged",
		Text: "Somebody else changed this policy meanwhile.", Remedy: "Read it again, then decide.",
	}
	ErrJoinNotAllowed = &fault.Error{
		Kind: fault.Forbidden, Code: "joinNotAllowed",
		Text: "You may not join such a device to this organisation.", Remedy: "Ask the helpdesk who may.",
	}
	ErrJoinMFA = &fault.Error{
		Kind: fault.Forbidden, Code: "joinNeedsMfa",
		Text: "Joining a device takes a stronger sign-in here.", Remedy: "Sign in with a pass, or with another method that counts as multifactor.",
	}
)

// Check reports what is wrong with p as a fault, or nil.
func (p JoinPolicy) Check() error {
	switch {
	case p.Quota < 0 || p.Quota > MostQuota:
		return ErrJoinPolicyInvalid.With("userDeviceQuota", "userDeviceQuota is 0 or more.")
	case p.MFA != MFANotRequired && p.MFA != MFARequired:
		return ErrJoinPolicyInvalid.With("multiFactorAuthConfiguration", "multiFactorAuthConfiguration must be notRequired or required.")
	case p.Approval != ApproveNone && p.Approval != ApproveJoined && p.Approval != ApproveAll:
		return ErrJoinPolicyInvalid.With("postern_approval", "postern_approval must be none, joined or all.")
	}
	for name, s := range map[string]JoinScope{"azureADJoin": p.Join, "azureADRegistration": p.Register} {
		if err := s.check(name); err != nil {
			return err
		}
	}
	return nil
}

func (s JoinScope) check(name string) error {
	if s.Kind != ScopeAll && s.Kind != ScopeNone && s.Kind != ScopeSelected {
		return ErrJoinPolicyInvalid.With(name, name+" allows all, none, or selected users and groups.")
	}
	if len(s.Users)+len(s.Groups) > MostInScope {
		return ErrJoinPolicyInvalid.With(name, fmt.Sprintf("%s names at most %d users and groups.", name, MostInScope))
	}
	for _, u := range s.Users {
		if !IsID(string(u)) {
			return ErrJoinPolicyInvalid.With(name, "users must hold ids of users.")
		}
	}
	for _, g := range s.Groups {
		if !IsID(string(g)) {
			return ErrJoinPolicyInvalid.With(name, "groups must hold ids of groups.")
		}
	}
	return nil
}

// May reports, as a fault, why user may not join a device of the given kind. Groups are those
// that user is in, directly or through others; amr says how they signed in. A hybrid-joined
// device goes by the rule of joined ones: a device says itself what it is.
func (p JoinPolicy) May(user UserID, groups map[GroupID]bool, kind TrustType, amr []string) error {
	scope := p.Join
	if kind == TrustRegistered {
		scope = p.Register
	}
	if !scope.has(user, groups) {
		return ErrJoinNotAllowed
	}
	if p.MFA == MFARequired && !slices.Contains(amr, "mfa") {
		return ErrJoinMFA
	}
	return nil
}

func (s JoinScope) has(user UserID, groups map[GroupID]bool) bool {
	switch s.Kind {
	case ScopeAll:
		return true
	case ScopeSelected:
		return slices.Contains(s.Users, user) || slices.ContainsFunc(s.Groups, func(g GroupID) bool { return groups[g] })
	}
	return false
}

// Awaits returns the approval with which a device of the given kind begins.
func (p JoinPolicy) Awaits(kind TrustType) Approval {
	if p.Approval == ApproveAll || p.Approval == ApproveJoined && kind != TrustRegistered {
		return Pending
	}
	return Approved
}

// Approval says whether an administrator lets a device take part.
type Approval string

// The states of approval.
const (
	Approved Approval = ""
	Pending  Approval = "pending"
	Refused  Approval = "refused"
)

// String returns a in the words of Graph's property.
func (a Approval) String() string {
	if a == Approved {
		return "approved"
	}
	return string(a)
}

// Rejoin returns the approval of a device that joins again as d, when was is what it was. Who
// was approved stays so, for the same person and the same kind of join only; who was refused
// stays so, too.
func Rejoin(was, d Device) Approval {
	switch {
	case was.Approval == Refused:
		return Refused
	case was.Approval == Approved && was.Owner == d.Owner && was.TrustType == d.TrustType:
		return Approved
	}
	return d.Approval
}
