// Package tap implements Temporary Access Passes: who may have one, for how long, and
// whether it works now. The rules follow Microsoft Graph's
// temporaryAccessPassAuthenticationMethod; docs/passes.md lists them with their sources.
//
//	issued ──▶ NotYetValid ──▶ EnabledByPolicy ──▶ reserved ──▶ OneTimeUsed
//	                                  │   ▲            │             │
//	                                  │   └── released ┘             │
//	                                  └──────────▶ Expired ◀─────────┘ ──▶ removed
//
// Time comes in as an argument, passes through [Store]; guesses are throttled by package
// signin, and who may issue is decided by directory.May.
package tap

import (
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/signin"
)

// A Pass is one Temporary Access Pass, without its passcode.
type Pass struct {
	Tenant    directory.TenantID
	User      directory.UserID
	ID        string // UUID
	CreatedAt time.Time
	Start     time.Time     // UTC, inclusive
	Lifetime  time.Duration // 10 minutes to 30 days, in whole minutes
	SingleUse bool
	// Bootstrap passes come from init and recover: they work whatever the policy says.
	Bootstrap bool
	Purpose   Purpose
	// DeviceName is the name of the purpose's device when the pass was issued.
	DeviceName string
	UsedAt     time.Time // UTC; zero until the first redemption
	// ReservedFor is the sign-in transaction that typed a one-time pass right and has not
	// finished yet; it holds until ReservedUntil.
	ReservedFor   string
	ReservedUntil time.Time

	Issuer Issuer
	Reason string
	Ticket string
	Case   string // id of the recovery case that it was issued in; empty for none
	Check  IdentityCheck
	Power  directory.Power // of the owner, when it was decided that they get it
	Preset Preset          // that it was issued by; the event of issuing keeps it, the pass does not

	Hash Hash
	// Incarnation is the life of the store in which the pass was issued. After a restore
	// there is a new one, and the pass is refused.
	Incarnation string
	// Unreadable: what only its body says can't be read, and nobody signs in by it.
	Unreadable bool
}

// Purpose limits what a pass is for; empty means any sign-in.
type Purpose = signin.Purpose

// Issuer says who issued a pass, as the person who redeems it may be told.
type Issuer struct {
	User        directory.UserID `json:"user,omitempty"`
	App         directory.AppID  `json:"app,omitempty"`
	DisplayName string           `json:"displayName,omitempty"`
	Address     string           `json:"address,omitempty"` // from which it was issued
	// Reader is whom it was sealed for, to hand it over; empty where it goes to the person alone.
	Reader directory.UserID `json:"reader,omitempty"`
}

// End is the first moment at which the pass no longer works.
func (p Pass) End() time.Time { return p.Start.Add(p.Lifetime) }

// Usability is Graph's methodUsabilityReason.
type Usability string

// The states of a pass.
const (
	EnabledByPolicy  Usability = "EnabledByPolicy"
	DisabledByPolicy Usability = "DisabledByPolicy"
	NotYetValid      Usability = "NotYetValid"
	Expired          Usability = "Expired"
	OneTimeUsed      Usability = "OneTimeUsed"
)

// Usability reports the state of p at now under policy, for a user who is in its scope or
// not. When several states apply the first of OneTimeUsed, Expired, NotYetValid,
// DisabledByPolicy is told (docs/passes.md).
func (p Pass) Usability(policy Policy, inScope bool, now time.Time) Usability {
	switch {
	case p.SingleUse && !p.UsedAt.IsZero():
		return OneTimeUsed
	case !now.Before(p.End()):
		return Expired
	case now.Before(p.Start):
		return NotYetValid
	case !p.Bootstrap && (!policy.Enabled() || !inScope || policy.UsableOnce && !p.SingleUse):
		return DisabledByPolicy
	}
	return EnabledByPolicy
}

// HeldBy reports whether a transaction other than the given one holds p at now.
func (p Pass) HeldBy(transaction string, now time.Time) bool {
	return p.ReservedFor != "" && p.ReservedFor != transaction && now.Before(p.ReservedUntil)
}

// ReservationLifetime is how long a transaction that typed a pass right may take to finish.
const ReservationLifetime = 10 * time.Minute
