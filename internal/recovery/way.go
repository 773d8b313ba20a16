package recovery

import (
	"slices"
	"sort"
	"time"

	"github.com/postern-id/postern/internal/signin"
)

// Help is whose help a way in takes.
type Help string

// Whose help, the least first.
const (
	Self          Help = "self"
	Manager       Help = "manager"
	Helpdesk      Help = "helpdesk"
	Administrator Help = "administrator"
)

// How long ways take. These are estimates, of what a person does by hand: docs/readiness.md.
const (
	atHand     = time.Minute      // something in the pocket or in the head
	toFetch    = 10 * time.Minute // a security key from where it is kept
	toSync     = 30 * time.Minute // a passkey back onto another phone or computer
	toUsePass  = 5 * time.Minute
	byManager  = time.Hour
	byHelpdesk = 30 * time.Minute
	byAdmin    = 4 * time.Hour
	newPIN     = 5 * time.Minute  // to set one up, once in
	joinAgain  = 15 * time.Minute // a device, once in
)

// A Way is one way in: one method that is enough by itself, or several that are together, or a
// device PIN, or else a pass.
type Way struct {
	Methods []Method
	Device  *Device   // of a way by device PIN
	Until   time.Time // zero when it does not end
	Help    Help
	Takes   time.Duration // about, until the person is back at work
}

// WaysBack are the ways in that do not hang on a device PIN: what a person has when nothing is
// lost but the PIN.
func WaysBack(all []Method) []Way {
	return ways(all, func(m Method) bool { return m.Browser })
}

// left reports whether m still works in c.
func (c Failure) left(m Method) bool {
	switch c {
	case PINBroken: // the desktop is behind the lock screen
		return m.LockScreen && m.Place != OnDevice
	case PhoneLost:
		return m.Browser && !slices.Contains([]Place{OnPhone, OnEither, Elsewhere}, m.Place)
	case AppRemoved:
		return m.Browser && !m.App
	case KeyForgotten:
		return m.Browser && m.Place != Apart
	case NewDevice, TPMCleared:
		return m.Browser && m.Place != OnDevice && m.Place != OnEither
	case FederationDown:
		return m.Browser && m.Place != Elsewhere
	case BothLost:
		return m.Browser && (m.Place == Apart || m.Place == Synced || m.Place == InMind)
	case EverythingLost:
		return m.Browser && (m.Place == Synced || m.Place == InMind)
	}
	return false
}

// waysIn are the person's own ways that are left in c.
func (f Facts) waysIn(c Failure, now time.Time) []Way {
	var all []Way
	if c != Offline && (c != PINBroken || f.webSignIn()) { // a lock screen has to offer the web
		for _, w := range ways(f.Methods, c.left) {
			if f.Admits == nil || f.Admits(w.Methods) {
				w.Takes = c.takes(w)
				all = append(all, w)
			}
		}
	}
	switch c {
	case PhoneLost, AppRemoved, KeyForgotten, FederationDown:
		all = append(all, f.pins()...)
	case Offline:
		for i, d := range f.Devices {
			if until := d.offlineUntil(); now.Before(until) {
				all = append(all, Way{Device: &f.Devices[i], Until: until, Help: Self, Takes: atHand})
			}
		}
	}
	return all
}

// pins are the ways by device PIN, with a network.
func (f Facts) pins() []Way {
	var all []Way
	for i, d := range f.Devices {
		if d.PIN {
			all = append(all, Way{Device: &f.Devices[i], Help: Self, Takes: atHand})
		}
	}
	return all
}

func (f Facts) webSignIn() bool {
	return slices.ContainsFunc(f.Devices, func(d Device) bool { return d.PIN && d.WebSignIn })
}

// passHelps reports whether a pass is worth something in c.
func (f Facts) passHelps(c Failure) bool {
	switch {
	case c == Offline, f.Pass.Barred: // web sign-in needs the network
		return false
	case c == PINBroken:
		return f.Pass.LockScreen && f.webSignIn()
	}
	return f.Pass.Browser
}

// aids are the ways by a pass in c, the quickest first: one that is there, and one from each who
// may hand one over.
func (f Facts) aids(c Failure, now time.Time) []Way {
	if !f.Enabled || !f.passHelps(c) {
		return nil
	}
	var all []Way
	if f.Pass.worksAt(now) {
		all = append(all, Way{Help: Self, Takes: toUsePass + c.after(), Until: f.Pass.Until})
	}
	if f.Pass.Issuable {
		for _, h := range f.Pass.helpers() {
			all = append(all, Way{Help: h, Takes: h.takes() + toUsePass + c.after()})
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].Takes < all[j].Takes })
	return all
}

func (p Pass) helpers() []Help {
	if len(p.Helpers) == 0 {
		return []Help{Administrator}
	}
	return p.Helpers
}

func (h Help) takes() time.Duration {
	switch h {
	case Manager:
		return byManager
	case Helpdesk:
		return byHelpdesk
	case Administrator:
		return byAdmin
	}
	return 0
}

// takes is how long w takes in c.
func (c Failure) takes(w Way) time.Duration {
	longest := atHand
	for _, m := range w.Methods {
		switch {
		case m.Place == Apart:
			longest = max(longest, toFetch)
		case m.Place == Synced && (c == PhoneLost || c == NewDevice || c == BothLost || c == EverythingLost):
			longest = max(longest, toSync)
		}
	}
	return longest + c.after()
}

// after is what remains to do once somebody is in.
func (c Failure) after() time.Duration {
	switch c {
	case PINBroken:
		return newPIN
	case TPMCleared, NewDevice, BothLost, EverythingLost:
		return joinAgain
	}
	return 0
}

// ways are the ways that methods make: one for each that is enough by itself, and one of those
// that only together show two factors. A sign-in asks for two unless it asks for more.
func ways(all []Method, left func(Method) bool) []Way {
	var found []Way
	var parts []Method
	var factors signin.Factors
	for i, m := range all {
		switch {
		case !left(m) || m.Now.None():
		case m.Now.Factors.Multi():
			found = append(found, Way{Methods: all[i : i+1 : i+1], Help: Self, Takes: atHand})
		default:
			parts = append(parts, m)
			factors |= m.Now.Factors
		}
	}
	if factors.Multi() {
		found = append(found, Way{Methods: parts, Help: Self, Takes: atHand})
	}
	return found
}
