// Package recovery says how a person gets back in when something fails: which of their methods
// still work, since when and until when, and what would close a gap. The rules are pure; they
// go by [Facts] and a time, and know no store. docs/readiness.md has the picture.
package recovery

import (
	"slices"
	"time"

	"github.com/postern-id/postern/internal/signin"
)

// A Failure is something of a person's that fails or is gone.
type Failure string

// The cases, in the order in which they are shown.
const (
	PhoneLost      Failure = "phoneLost"
	PINBroken      Failure = "pinBroken"
	NewDevice      Failure = "newDevice" // the old one is at hand no more
	EverythingLost Failure = "deviceAndPhoneLost"
	Offline        Failure = "offline"
)

// Failures are all failures.
var Failures = []Failure{PhoneLost, PINBroken, NewDevice, EverythingLost, Offline}

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
// counted as lost with both.
const (
	InMind   Place = "mind"   // a password
	OnPhone  Place = "phone"  // an app on a phone
	OnDevice Place = "device" // a passkey in a computer
	OnEither Place = "either" // a passkey in a computer or in a phone
	Apart    Place = "apart"  // a security key, or a passkey that is kept elsewhere, too
)

// A Method is a registered method other than a device PIN or a pass.
type Method struct {
	ID    string
	Kind  signin.MethodID
	Name  string
	Place Place
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
}

func (p Pass) worksAt(now time.Time) bool { return !now.Before(p.From) && now.Before(p.Until) }

// Facts are what Readiness goes by.
type Facts struct {
	Enabled bool // the account
	Methods []Method
	Devices []Device
	Pass    Pass
	// Offered are the kinds of methods that policy lets the person add.
	Offered []Remedy
}

// A Remedy is something that closes a gap.
type Remedy string

// The remedies, in the order in which they are proposed: what closes most comes first.
const (
	AddSecurityKey Remedy = "addSecurityKey"
	AddPhone       Remedy = "addPhone"
	AddPIN         Remedy = "addDevicePin"
	AllowWebSignIn Remedy = "allowWebSignIn" // at the lock screens of the person's devices
	AllowOffline   Remedy = "allowOffline"   // PINs without a network
	ConnectDevice  Remedy = "connectDevice"  // once, so that the days count anew
	AllowPass      Remedy = "allowPass"      // by the policy of passes
	EnableAccount  Remedy = "enableAccount"
)

// Remedies are all remedies, in that order.
var Remedies = []Remedy{AddSecurityKey, AddPhone, AddPIN, AllowWebSignIn, AllowOffline, ConnectDevice, AllowPass, EnableAccount}

// A Way is one way in: one method that is enough by itself, or several that are together.
type Way struct {
	Methods []Method
	Device  *Device   // of a way by device PIN
	Until   time.Time // zero when it does not end
}

// An Answer says how a person stands in one case.
type Answer struct {
	Failure  Failure
	Standing Standing
	Ways     []Way
	// Pass says that a pass that is there now works in this case, until that time.
	PassUntil time.Time
	// Close are the remedies of which each alone makes the standing better.
	Close []Remedy
}

// Readiness says for each case how somebody stands at now. It depends on its arguments alone.
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

// WaysBack are the ways in that do not hang on a device PIN: what a person has when nothing is
// lost but the PIN.
func WaysBack(all []Method) []Way {
	return ways(all, func(m Method) bool { return m.Browser })
}

// answer is how f stands in c, without what would make it better.
func (f Facts) answer(c Failure, now time.Time) Answer {
	a := Answer{Failure: c}
	if !f.applies(c) {
		a.Standing = NotApplicable
		return a
	}
	if !f.Enabled {
		a.Standing = Nothing
		return a
	}
	a.Ways = f.waysIn(c, now)
	pass := f.passHelps(c)
	switch {
	case len(a.Ways) > 1:
		a.Standing = Ready
	case len(a.Ways) == 1:
		a.Standing = OneLeft
	case pass && (f.Pass.Issuable || f.Pass.worksAt(now)):
		a.Standing = PassOnly
	default:
		a.Standing = Nothing
	}
	if pass && f.Pass.worksAt(now) {
		a.PassUntil = f.Pass.Until
	}
	return a
}

// applies reports whether c can happen: nobody without a PIN breaks one, and without a device
// nothing is to be opened offline.
func (f Facts) applies(c Failure) bool {
	switch c {
	case PINBroken:
		return slices.ContainsFunc(f.Devices, func(d Device) bool { return d.PIN })
	case Offline:
		return len(f.Devices) > 0
	}
	return true
}

// waysIn are the ways that are left in c.
func (f Facts) waysIn(c Failure, now time.Time) []Way {
	switch c {
	case PhoneLost:
		return slices.Concat(ways(f.Methods, func(m Method) bool { return m.Browser && m.Place != OnPhone && m.Place != OnEither }), f.pins())
	case PINBroken:
		// The desktop is behind the lock screen, which has to offer the web.
		if !f.webSignIn() {
			return nil
		}
		return ways(f.Methods, func(m Method) bool { return m.LockScreen && m.Place != OnDevice })
	case NewDevice:
		return ways(f.Methods, func(m Method) bool { return m.Browser && m.Place != OnDevice && m.Place != OnEither })
	case EverythingLost:
		return ways(f.Methods, func(m Method) bool { return m.Browser && (m.Place == Apart || m.Place == InMind) })
	case Offline:
		var all []Way
		for _, d := range f.Devices {
			if until := d.offlineUntil(); now.Before(until) {
				all = append(all, Way{Device: &d, Until: until})
			}
		}
		return all
	}
	return nil
}

// pins are the ways by device PIN, with a network.
func (f Facts) pins() []Way {
	var all []Way
	for _, d := range f.Devices {
		if d.PIN {
			all = append(all, Way{Device: &d})
		}
	}
	return all
}

func (f Facts) webSignIn() bool {
	return slices.ContainsFunc(f.Devices, func(d Device) bool { return d.PIN && d.WebSignIn })
}

// passHelps reports whether a pass is worth something in c.
func (f Facts) passHelps(c Failure) bool {
	switch c {
	case Offline:
		return false // web sign-in needs the network
	case PINBroken:
		return f.Pass.LockScreen && f.webSignIn()
	}
	return f.Pass.Browser
}

// ways are the ways that methods make: one for each that is enough by itself, and one of those
// that only together show two factors. A sign-in asks for two unless it asks for more.
func ways(all []Method, left func(Method) bool) []Way {
	var found []Way
	var parts []Method
	var factors signin.Factors
	for _, m := range all {
		switch {
		case !left(m) || m.Now.None():
		case m.Now.Factors.Multi():
			found = append(found, Way{Methods: []Method{m}})
		default:
			parts = append(parts, m)
			factors |= m.Now.Factors
		}
	}
	if factors.Multi() {
		found = append(found, Way{Methods: parts})
	}
	return found
}
