package access

import (
	"net/netip"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
)

// ErrLockout reports rules under which no administrator would get in.
var ErrLockout = &fault.Error{
	Kind: fault.Conflict, Code: "accessLockout", Text: "With this policy no administrator could sign in to the console any more.",
	Remedy: "Leave one administrator out of it, begin with report-only, or save it in spite of that.",
}

// An Administrator is somebody who may change the rules, with what they have to sign in.
type Administrator struct {
	Subject Subject
	Methods Methods // registered ones; passes end, and don't belong here
	// Spots are from where they work, such as the places and devices of their last sign-ins.
	// None is a browser on any platform at an unknown address, without a device.
	Spots []Spot
}

// A Spot is where somebody sits, and at what.
type Spot struct {
	Client   string
	Platform string
	Device   *Device
	Address  netip.Addr
	Country  string // empty: the set looks it up
}

// Lockout returns the policy that keeps the first administrator out, if under s none of them
// could sign in to the console with the methods that they have, from where they work. It
// returns nil if one of them can, or if there is none.
func (s *Set) Lockout(administrators []Administrator, at time.Time) *Policy {
	var by *Policy
	for _, a := range administrators {
		d := s.best(a, at)
		if d.Met {
			return nil
		}
		if by == nil {
			by = d.By
		}
	}
	return by
}

// best is the most that an administrator gets, with every method that they have.
func (s *Set) best(a Administrator, at time.Time) Decision {
	spots := a.Spots
	if len(spots) == 0 {
		spots = []Spot{{Client: Browser}}
		for _, system := range platforms {
			spots = append(spots, Spot{Client: Browser, Platform: system})
		}
	}
	var d Decision
	for _, spot := range spots {
		d = s.Evaluate(Request{
			At: at, Subject: a.Subject, App: directory.ConsoleAppID, Resource: directory.GraphAppID,
			Client: spot.Client, Platform: spot.Platform, Device: spot.Device, Address: spot.Address, Country: spot.Country,
			Proofs: a.Methods.proofs(at),
		})
		if d.Met {
			break
		}
	}
	return d
}

// proofs are all methods used at a time.
func (m Methods) proofs(at time.Time) []Proof {
	var out []Proof
	for i := range modeNames {
		if mode := Modes(1) << i; m.Modes.Has(mode) && mode != FIDO2 {
			out = append(out, Proof{Mode: mode, At: at})
		}
	}
	if m.Modes.Has(FIDO2) {
		out = append(out, Proof{Mode: FIDO2, At: at})
		for _, model := range m.AAGUIDs {
			out = append(out, Proof{Mode: FIDO2, At: at, AAGUID: model})
		}
	}
	return out
}
