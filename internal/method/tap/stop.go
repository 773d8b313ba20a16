package tap

import (
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
)

// A Backing is what the directory says now of the owner of a pass and of who issued it.
type Backing struct {
	Power directory.Power // of the owner
	Off   bool            // who issued it is switched off or gone
	Holds bool            // who issued it could issue it for the owner as they are now
}

// A Stop is why a pass does not work although policy lets it, in the words of Graph's
// postern_stoppedBecause. Nothing of it is stored: once the reason is gone, the pass works again.
type Stop string

// The stops; docs/passes.md has why they are these.
const (
	// StopOwner: the owner has more power than when it was issued, and who issued it does not reach them.
	StopOwner Stop = "ownerStronger"
	// StopGone: nobody has used it, and who issued it is switched off or gone.
	StopGone Stop = "issuerGone"
	// StopMoved: nobody has used it for so long, and who issued it may not issue it any more.
	StopMoved Stop = "issuerMoved"
)

// movedAfter is how long a pass that nobody used outlives a role of who issued it. Roles are given for
// an hour, and people move, with passes for next week out.
const movedAfter = 30 * 24 * time.Hour

// Stop returns why p does not work at at with b behind it; empty when it does.
func (p Pass) Stop(b Backing, at time.Time) Stop {
	then := p.Power
	if then == directory.PowerUnknown { // it was issued by an earlier version
		if then = directory.PowerNone; p.Case != "" {
			then = b.Power
		}
	}
	nobody := p.Issuer.User == "" && p.Issuer.App == "" // a workflow, or the server in a case
	switch {
	case p.Bootstrap:
		return ""
	case b.Power > then && (nobody || p.Case != "" || !b.Holds):
		return StopOwner // what a case showed, too, was judged for less
	case nobody || !p.UsedAt.IsZero():
		return ""
	case b.Off:
		return StopGone
	case !b.Holds && at.After(p.CreatedAt.Add(movedAfter)):
		return StopMoved
	}
	return ""
}

// Faults of passes that are stopped.
var (
	ErrOwnerStronger = &fault.Error{
		Kind: fault.Forbidden, Code: "tapOwnerStronger", AADSTS: 130501,
		Text: "The person has more power now than the access pass was issued for.", Remedy: "Ask somebody who may issue passes for their roles for a new one.",
	}
	ErrIssuerGone = &fault.Error{
		Kind: fault.Forbidden, Code: "tapIssuerGone", AADSTS: 130501,
		Text: "Whoever issued the access pass is switched off or gone, and nobody had used it.", Remedy: "Ask the helpdesk for a new one.",
	}
	ErrIssuerMoved = &fault.Error{
		Kind: fault.Forbidden, Code: "tapIssuerMoved", AADSTS: 130501,
		Text: "Whoever issued the access pass may not issue it any more, and nobody had used it for 30 days.", Remedy: "Ask the helpdesk for a new one.",
	}
)

// Fault is what the sign-in log says about a pass that is stopped; nil for one that is not.
func (s Stop) Fault() *fault.Error {
	switch s {
	case StopOwner:
		return ErrOwnerStronger
	case StopGone:
		return ErrIssuerGone
	case StopMoved:
		return ErrIssuerMoved
	}
	return nil
}

// Lasts reports whether a pass in state u has time or uses left, so that it matters what stops it.
func (u Usability) Lasts() bool { return u != Expired && u != OneTimeUsed }

// Stopped is u unless s stops a pass that would work.
func (u Usability) Stopped(s Stop) Usability {
	if s != "" && u == EnabledByPolicy {
		return DisabledByPolicy
	}
	return u
}
