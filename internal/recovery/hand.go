package recovery

import (
	"fmt"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/directory"
)

// A Hand is how a pass reaches its person.
type Hand string

// The ways.
const (
	HandRead    Hand = "read"    // whoever issues it sees it once and reads it out
	HandSlip    Hand = "slip"    // whoever issues it prints it
	HandManager Hand = "manager" // by a link that the manager opens once
	HandPerson  Hand = "person"  // by a link that the person opens once
	HandBrowser Hand = "browser" // in the browser in which the person asked for help themselves
	// HandManagerLink is the manager's link, which whoever issues the pass gets and sends, by a chat for example.
	HandManagerLink Hand = "managerLink"
)

// Hands are all ways.
var Hands = []Hand{HandRead, HandSlip, HandManager, HandPerson, HandBrowser, HandManagerLink}

// usualHands are those that a policy which names none allows: a link that whoever issues the pass
// holds is one only where somebody said so.
var usualHands = []Hand{HandRead, HandSlip, HandManager, HandPerson, HandBrowser}

// Sealed reports whether nobody sees the pass but who opens a link.
func (h Hand) Sealed() bool { return h.ToManager() || h == HandPerson }

// ToManager reports whether the manager opens it.
func (h Hand) ToManager() bool { return h == HandManager || h == HandManagerLink }

// An OpenBy is what the person shows to open a link with their own pass.
type OpenBy string

// What it may be.
const (
	OpenByPasskey OpenBy = "passkey"    // a fresh sign-in that resists phishing
	OpenBySpoken  OpenBy = "spokenCode" // that, or a code that whoever issued the pass reads out to them
)

// HandsOf are the ways that p allows for people of a class.
func (p Policy) HandsOf(class Class) []Hand {
	for _, r := range p.Rules {
		if r.Class == class && r.Hands != nil {
			return r.Hands
		}
	}
	return usualHands
}

// MayHand reports, as a fault, why a pass of s does not go that way when issuer issues it; empty for
// the server.
func (p Policy) MayHand(hand Hand, s Subject, issuer directory.UserID) error {
	switch {
	case !slices.Contains(Hands, hand):
		return ErrInvalid.With("postern_handOver", "postern_handOver is read, slip, manager, managerLink or person.")
	case !slices.Contains(p.HandsOf(s.Class), hand):
		return ErrHand
	case hand.ToManager() && issuer != "" && s.User.Manager == issuer:
		return ErrHandIssuer // who issues it would see it, as read out and called sealed
	}
	return nil
}

// Speaks reports whether a code that is read out opens the person's own link at now: where policy
// says so, and the link can't have gone to an address that somebody set a moment ago.
func (p Policy) Speaks(s Subject, now time.Time) bool {
	for _, property := range []string{ContactMail, "mail"} {
		if at, ok := s.Changed[property]; ok && now.Before(at.Add(p.ContactDelay())) {
			return false
		}
	}
	return slices.ContainsFunc(p.Rules, func(r Rule) bool { return r.Class == s.Class && r.OpenBy == OpenBySpoken })
}

func (r Rule) checkHands() error {
	for i, w := range r.Hands {
		if !slices.Contains(Hands, w) || slices.Contains(r.Hands[:i], w) {
			return ErrPolicy.With("rules", "handOver holds read, slip, manager, managerLink, person and browser, each once.")
		}
	}
	switch {
	case r.Hands != nil && len(r.Hands) == 0:
		return ErrPolicy.With("rules", "handOver names at least one way.")
	case r.OpenBy != "" && r.OpenBy != OpenByPasskey && r.OpenBy != OpenBySpoken:
		return ErrPolicy.With("rules", fmt.Sprintf("personOpensBy is %s or %s.", OpenByPasskey, OpenBySpoken))
	case r.Class == Privileged && slices.Contains(r.Hands, HandManagerLink):
		return ErrPolicy.With("rules", "For people of the privileged class a manager's link goes by mail.")
	case r.Class == Privileged && r.OpenBy == OpenBySpoken:
		return ErrPolicy.With("rules", "People of the privileged class open a link by a passkey, security key or device PIN.")
	}
	return nil
}
