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
)

// Hands are all ways.
var Hands = []Hand{HandRead, HandSlip, HandManager, HandPerson, HandBrowser}

// Sealed reports whether nobody sees the pass but who opens a link.
func (h Hand) Sealed() bool { return h == HandManager || h == HandPerson }

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
	return Hands
}

// MayHand reports, as a fault, why a pass of s does not go that way when issuer issues it; empty for
// the server.
func (p Policy) MayHand(hand Hand, s Subject, issuer directory.UserID) error {
	switch {
	case !slices.Contains(Hands, hand):
		return ErrInvalid.With("postern_handOver", "postern_handOver is read, slip, manager or person.")
	case !slices.Contains(p.HandsOf(s.Class), hand):
		return ErrHand
	case hand == HandManager && issuer != "" && s.User.Manager == issuer:
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
			return ErrPolicy.With("rules", "handOver holds read, slip, manager, person and browser, each once.")
		}
	}
	switch {
	case r.Hands != nil && len(r.Hands) == 0:
		return ErrPolicy.With("rules", "handOver names at least one way.")
	case r.OpenBy != "" && r.OpenBy != OpenByPasskey && r.OpenBy != OpenBySpoken:
		return ErrPolicy.With("rules", fmt.Sprintf("personOpensBy is %s or %s.", OpenByPasskey, OpenBySpoken))
	case r.Class == Privileged && r.OpenBy == OpenBySpoken:
		return ErrPolicy.With("rules", "People of the privileged class open a link by a passkey, security key or device PIN.")
	}
	return nil
}
