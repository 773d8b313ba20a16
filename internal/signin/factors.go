package signin

import (
	"time"

	"github.com/postern-id/postern/internal/audit"
)

// Factors are kinds of evidence that one is who one says (NIST SP 800-63B section 2).
type Factors uint8

// The factors.
const (
	Knowledge  Factors = 1 << iota // something known: a password
	Possession                     // something held: a phone, a key, a generator of codes
	Inherence                      // something one is; also what only the holder's device checked: its PIN or finger
)

// Multi reports whether f is at least two different factors.
func (f Factors) Multi() bool { return f&(f-1) != 0 }

// A Yield is what a proof by a method shows; the zero Yield is no proof at all.
type Yield struct {
	Factors           Factors
	PhishingResistant bool
}

// None reports whether y shows nothing.
func (y Yield) None() bool { return y.Factors == 0 }

// add returns what both show together. Together they are phishing-resistant when one of them
// is by itself all that is asked for.
func (y Yield) add(other Yield) Yield {
	return Yield{Factors: y.Factors | other.Factors, PhishingResistant: y.PhishingResistant || other.PhishingResistant}
}

// Yield is what p shows.
func (p Proof) Yield() Yield {
	if p.Factors == 0 && p.Pass != nil { // kept by the first release, which knew passes only
		return Yield{Factors: Knowledge | Possession}
	}
	return Yield{Factors: p.Factors, PhishingResistant: p.PhishingResistant}
}

// A Requirement is what the proofs of a sign-in must show together.
type Requirement struct {
	// SingleFactor lets one factor be enough.
	SingleFactor bool `json:"singleFactor,omitempty"`
	// PhishingResistant wants a phishing-resistant proof.
	PhishingResistant bool `json:"phishingResistant,omitempty"`
	// Since leaves out proofs from before it; zero counts all.
	Since time.Time `json:"since,omitzero"`
}

// Met reports whether proofs show what r wants.
func (r Requirement) Met(proofs []Proof) bool { return r.metBy(r.shown(proofs)) }

func (r Requirement) metBy(y Yield) bool {
	switch {
	case y.None():
		return false
	case r.PhishingResistant && !y.PhishingResistant:
		return false
	}
	return r.SingleFactor || y.Factors.Multi()
}

func (r Requirement) shown(proofs []Proof) Yield {
	var y Yield
	for _, p := range proofs {
		if !p.At.Before(r.Since) {
			y = y.add(p.Yield())
		}
	}
	return y
}

// name is what the log calls r.
func (r Requirement) name() string {
	if r.SingleFactor {
		return audit.SingleFactor
	}
	return audit.MultiFactor
}
