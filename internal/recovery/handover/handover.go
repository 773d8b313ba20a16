// Package handover carries a secret, such as a pass, to one person by a link that opens once.
//
//	sealed ──right opener──▶ opened
//	  │ └──its time is over──▶ over
//	  └──the pass goes, too many others tried, or the manager is another──▶ void
//
// The link has a code of 256 bits. What it carries is sealed under a key that takes the code and
// the server's own key to make, and neither is kept beside it: who reads the store, a backup or
// the mail alone reads nothing. The code is not enough either: who opens it shows who they are
// first. Looking at a link changes nothing, so that mail scanners and previews of chats spend nothing.
// A link goes by mail, or is given to whoever issued the pass, to send it.
// Rows are kept by [Store], which package handovertest tests; docs/recovery.md has the rules.
package handover

import (
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
)

// A Handover is a secret on its way to somebody, without the secret.
type Handover struct {
	Tenant directory.TenantID
	ID     string           // UUID
	Case   string           // that it belongs to; empty when there is none
	Pass   string           // id of the pass that it carries
	Owner  directory.UserID // whose pass it is
	Reader directory.UserID // who may open it: the owner, or somebody who passes it on
	Hash   string           // of the link's code
	// MethodBy is until when the method was registered that opens it, where whoever issued the pass holds the
	// link; zero where it went by mail, and any does.
	MethodBy time.Time

	CreatedAt time.Time
	EndsAt    time.Time
	OpenedAt  time.Time // zero until it was opened
	VoidAt    time.Time // zero until it was made void
	Refused   int       // tries by others, or too late
	// Former says that the reader was the owner's manager and is so no more. Nobody opens it then.
	Former bool
}

// The rules of hand-overs.
const (
	// Lifetime is how long a link works unless the pass ends before.
	Lifetime = 24 * time.Hour
	// Fresh is how old the proof of the opener may be.
	Fresh = 10 * time.Minute
	// MostOthers is how many tries by somebody else make a link void: it is in wrong hands.
	MostOthers = 3 // a wrong code that was read out is such a try, too
	// MostRefusals is how many refusals of one link are counted and logged.
	MostRefusals = 20
)

// The refusals.
var (
	// ErrLink says that a link is not one of ours, is over or void. It is all that strangers are told.
	ErrLink = &fault.Error{
		Kind: fault.Gone, Code: "handoverOver",
		Text: "This link does not work, or not any more.", Remedy: "Ask for a new one.",
	}
	// ErrOpened says to the reader alone that somebody opened the link before.
	ErrOpened = &fault.Error{
		Kind: fault.Gone, Code: "handoverOpened",
		Text: "This link was opened before, and opens once.", Remedy: "If that was not you, call the helpdesk now. They end the pass.",
	}
	// ErrNobody says that there is nobody to hand a pass to, or no address to reach them.
	ErrNobody = &fault.Error{
		Kind: fault.Invalid, Code: "handoverNobody", Target: "postern_handOver",
		Text: "The pass can't be handed over like this: the person has no manager, or there is no mail address.", Remedy: "Set the manager or the address, or issue the pass to read it out.",
	}
	// ErrReader says that a link is for somebody else.
	ErrReader = &fault.Error{
		Kind: fault.Forbidden, Code: "handoverReader",
		Text: "This link is for somebody else.", Remedy: "Sign in as the person that it was sent to.",
	}
	// ErrSpoken says that the code is not the one that was read out.
	ErrSpoken = &fault.Error{
		Kind: fault.Forbidden, Code: "handoverSpoken", Target: "spoken",
		Text: "That is not the code that was read out to you.", Remedy: "Type it once more. After three wrong ones the link is over.",
	}
	// ErrMethod says that the reader has their method for too short a time to open a link that came by other hands.
	ErrMethod = &fault.Error{
		Kind: fault.Forbidden, Code: "handoverMethod",
		Text: "What you signed in with was set up too short a time ago to open this link.", Remedy: "Sign out, and use one that you have had for longer. Without one, ask for the link by mail.",
	}
	// ErrProof says that the reader has to show anew who they are.
	ErrProof = &fault.Error{
		Kind: fault.Unauthorized, Code: "handoverProof",
		Text: "To open this link, show once more that it is you.", Remedy: "Use your passkey, security key or device PIN.",
	}
)

// An Opener is who asks to open a link.
type Opener struct {
	User directory.UserID // of the session; empty without one
	// ProvedAt is when they last proved who they are by a method that resists phishing; zero when
	// the session has no such proof.
	ProvedAt time.Time
	// Known says that this method was registered by then where the link asks for it.
	Known bool
	// Spoken says that they typed the code that was read out to them, where policy lets it be
	// enough for a link with one's own pass.
	Spoken bool
}

// Check reports why o may not open h at now, or nil. Only its reader is told that it was opened.
func (h Handover) Check(o Opener, now time.Time) error {
	spoken := o.Spoken && h.Owner == h.Reader && h.MethodBy.IsZero() // whoever reads it out has no link
	reader := o.User == h.Reader || spoken
	switch {
	case !h.OpenedAt.IsZero() && reader:
		return ErrOpened
	case !h.OpenedAt.IsZero() || !h.live(now) || h.Former:
		return ErrLink
	case !reader:
		return ErrReader
	case spoken:
	case o.ProvedAt.IsZero() || o.ProvedAt.After(now) || now.Sub(o.ProvedAt) > Fresh:
		return ErrProof
	case !h.MethodBy.IsZero() && !o.Known:
		return ErrMethod
	}
	return nil
}

// live reports whether h waits for its reader at now, unless it was opened.
func (h Handover) live(now time.Time) bool { return h.VoidAt.IsZero() && now.Before(h.EndsAt) }
