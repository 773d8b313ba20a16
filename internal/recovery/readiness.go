package recovery

import (
	"slices"
	"time"

	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/signin"
)

// ErrUnreadable says why nobody knows how somebody gets back in. The log has it, with the rows.
var ErrUnreadable = &fault.Error{
	Kind: fault.Unavailable, Code: "registrationUnreadable", Text: "What is stored of this person's sign-in methods or devices can't be read.",
	Remedy: "The server's log names what it is. Restore it from a backup, or remove the method and set it up anew.",
}

// A Failure is something of a person's that fails or is gone.
type Failure string

// The failures, in the order in which they are shown.
const (
	PhoneLost      Failure = "phoneLost"
	AppRemoved     Failure = "authenticatorRemoved" // from a phone that is still there
	KeyForgotten   Failure = "keyForgotten"         // every security key
	PINBroken      Failure = "pinBroken"            // or the container that it opens
	TPMCleared     Failure = "tpmCleared"           // the device has to be joined again
	NewDevice      Failure = "newDevice"            // the old one is at hand no more
	Offline        Failure = "offline"
	FederationDown Failure = "federationDown" // the identity provider of the person's domain
	BothLost       Failure = "deviceAndPhoneLost"
	EverythingLost Failure = "everythingLost" // all that a person carries
)

// Failures are all failures.
var Failures = []Failure{PhoneLost, AppRemoved, KeyForgotten, PINBroken, TPMCleared, NewDevice, Offline, FederationDown, BothLost, EverythingLost}

// A Standing is how a person stands in a case.
type Standing string

// The standings, worst first. NotApplicable says that the case can't happen to the person.
const (
	Nothing       Standing = "nothing"  // not even a pass helps
	PassOnly      Standing = "passOnly" // only a pass from somebody who may issue one
	OneLeft       Standing = "oneLeft"
	Ready         Standing = "ready" // two ways or more, which do not depend on each other
	NotApplicable Standing = "notApplicable"
)

var standings = []Standing{Nothing, PassOnly, OneLeft, Ready}

// AllStandings are all standings, worst first.
var AllStandings = append(slices.Clone(standings), NotApplicable)

// AtLeast reports whether s is as good as other. What does not apply is as good as ready.
func (s Standing) AtLeast(other Standing) bool { return s.rank() >= other.rank() }

func (s Standing) rank() int {
	if s == NotApplicable {
		s = Ready
	}
	return slices.Index(standings, s)
}

// A Place is where the thing is kept that a method needs.
type Place string

// The places. OnDevice and OnPhone are lost with what they name; what may be on either is
// counted as lost with both. What another identity provider asks for is not known here: it
// counts as lost with the phone.
const (
	InMind    Place = "mind"      // a password
	OnPhone   Place = "phone"     // an app on a phone
	OnDevice  Place = "device"    // a passkey in a computer
	OnEither  Place = "either"    // a passkey in a computer or in a phone
	Apart     Place = "apart"     // a security key
	Synced    Place = "synced"    // a passkey that is kept elsewhere, too
	Elsewhere Place = "elsewhere" // a sign-in at the identity provider of the domain
)

// A Method is a registered method other than a device PIN or a pass.
type Method struct {
	ID    string
	Kind  signin.MethodID
	Name  string
	Model string // of a passkey: its AAGUID
	Place Place
	App   bool // it is gone with the app that it is in
	// Now is what a proof by it shows under the policies of now: nothing when they are off, or
	// the method is frozen.
	Now signin.Yield
	// Browser and LockScreen say where the tenant takes it.
	Browser, LockScreen bool
}

// A Device is a machine of the person that can be used now.
type Device struct {
	ID        string
	Name      string
	PIN       bool // the person has a PIN there
	TPM       bool // that PIN's keys are in a TPM
	WebSignIn bool // its lock screen offers web sign-in
	// PINOffline says that the PIN may be used without a network at all: the container is in a
	// TPM, or policy lets one in a file.
	PINOffline  bool
	OfflineDays int
	SeenAt      time.Time // when the server last heard of the person there
}

// offlineUntil is until when the PIN works without a network; zero when it never does.
func (d Device) offlineUntil() time.Time {
	if !d.PIN || !d.PINOffline || d.OfflineDays <= 0 || d.SeenAt.IsZero() {
		return time.Time{}
	}
	return d.SeenAt.AddDate(0, 0, d.OfflineDays)
}

// A Pass says what a pass can do for the person.
type Pass struct {
	// Issuable says that policy lets one be issued.
	Issuable bool
	// From and Until are those of a pass that is there and not used up; zero for none.
	From, Until time.Time
	Browser     bool // where the tenant takes passes
	LockScreen  bool
	// Barred says that a Conditional Access policy keeps out who signs in with a pass.
	Barred bool
	// Helpers are who may hand one over.
	Helpers []Help
}

func (p Pass) worksAt(now time.Time) bool { return !now.Before(p.From) && now.Before(p.Until) }

// Facts are what Readiness goes by.
type Facts struct {
	// Admits says whether Conditional Access lets somebody in who shows these methods together;
	// nil lets everybody in. Showing more must not be worse.
	Admits  func([]Method) bool
	Enabled bool // the account
	// Unreadable says that something that is kept of the person can't be read, so that nobody knows what
	// they have: nothing counts.
	Unreadable bool
	Methods    []Method
	Devices    []Device
	Pass       Pass
	// Offered are the kinds of methods that policy lets the person add.
	Offered []Remedy
}

// Readiness says for each failure how somebody stands at now. It depends on its arguments alone.
func Readiness(f Facts, now time.Time) []Answer {
	all := make([]Answer, 0, len(Failures))
	for _, c := range Failures {
		a := f.answer(c, now)
		for _, r := range Remedies {
			if a.Standing == NotApplicable || !f.proposes(r) {
				continue
			}
			if better := f.with(r, now).answer(c, now); better.Standing != a.Standing && better.Standing.AtLeast(a.Standing) {
				a.Close = append(a.Close, r)
			}
		}
		all = append(all, a)
	}
	return all
}

// An Answer says how a person stands in one failure.
type Answer struct {
	Failure  Failure
	Standing Standing
	Ways     []Way // the person's own
	Aids     []Way // by a pass, the quickest first
	// PassUntil says that a pass that is there now works in this case, until that time.
	PassUntil time.Time
	// Close are the remedies of which each alone makes the standing better.
	Close []Remedy
}

// answer is how f stands in c, without what would make it better.
func (f Facts) answer(c Failure, now time.Time) Answer {
	a := Answer{Failure: c}
	if f.Unreadable {
		a.Standing = Nothing
		return a
	}
	if !f.applies(c) {
		a.Standing = NotApplicable
		return a
	}
	if !f.Enabled {
		a.Standing = Nothing
		return a
	}
	a.Ways, a.Aids = f.waysIn(c, now), f.aids(c, now)
	switch {
	case len(a.Ways) > 1:
		a.Standing = Ready
	case len(a.Ways) == 1:
		a.Standing = OneLeft
	case len(a.Aids) > 0:
		a.Standing = PassOnly
	default:
		a.Standing = Nothing
	}
	if f.passHelps(c) && f.Pass.worksAt(now) {
		a.PassUntil = f.Pass.Until
	}
	return a
}

// applies reports whether c can happen: nobody without a PIN breaks one, and without a device
// nothing is to be opened offline.
func (f Facts) applies(c Failure) bool {
	has := func(of func(Method) bool) bool {
		return slices.ContainsFunc(f.Methods, func(m Method) bool { return !m.Now.None() && of(m) })
	}
	switch c {
	case AppRemoved:
		return has(func(m Method) bool { return m.App })
	case KeyForgotten:
		return has(func(m Method) bool { return m.Place == Apart })
	case FederationDown:
		return has(func(m Method) bool { return m.Place == Elsewhere })
	case PINBroken:
		return slices.ContainsFunc(f.Devices, func(d Device) bool { return d.PIN })
	case TPMCleared:
		return slices.ContainsFunc(f.Devices, func(d Device) bool { return d.PIN && d.TPM })
	case Offline:
		return len(f.Devices) > 0
	}
	return true
}
