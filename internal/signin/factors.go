package signin

import (
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/access"
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
	// Modes are the ways in which it is shown, as authentication strengths name them.
	Modes access.Modes
	// Keys are the models (AAGUIDs) of the passkeys that show fido2; nil stands for any.
	Keys []string
}

// None reports whether y shows nothing.
func (y Yield) None() bool { return y.Factors == 0 }

// add returns what both show together. Together they are phishing-resistant when one of them
// is by itself all that is asked for.
func (y Yield) add(other Yield) Yield {
	return Yield{
		Factors: y.Factors | other.Factors, PhishingResistant: y.PhishingResistant || other.PhishingResistant,
		Modes: y.Modes | other.Modes, Keys: y.keysWith(other),
	}
}

func (y Yield) keysWith(other Yield) []string {
	switch {
	case !y.Modes.Has(access.FIDO2):
		return other.Keys
	case !other.Modes.Has(access.FIDO2):
		return y.Keys
	case y.Keys == nil || other.Keys == nil:
		return nil
	}
	return slices.Concat(y.Keys, other.Keys)
}

// meets reports whether y shows one of the combinations of s. Passkeys of a model that s does
// not take show nothing.
func (y Yield) meets(s access.Strength) bool {
	shown := y.Modes
	if len(s.AAGUIDs) > 0 && y.Keys != nil && !slices.ContainsFunc(y.Keys, func(key string) bool {
		return slices.ContainsFunc(s.AAGUIDs, func(taken string) bool { return strings.EqualFold(key, taken) })
	}) {
		shown &^= access.FIDO2
	}
	return slices.ContainsFunc(s.Combinations, shown.Has)
}

// Yield is what p shows.
func (p Proof) Yield() Yield {
	y := Yield{Factors: p.Factors, PhishingResistant: p.PhishingResistant}
	y.Modes, _ = access.ParseModes(p.Combination) // a proof that names none has none
	if y.Modes.Has(access.FIDO2) {
		y.Keys = []string{p.AAGUID}
	}
	if p.Factors == 0 && p.Pass != nil { // kept by the first release, which knew passes only
		y.Factors = Knowledge | Possession
	}
	return y
}

// A Requirement is what the proofs of a sign-in must show together.
type Requirement struct {
	// SingleFactor lets one factor be enough.
	SingleFactor bool `json:"singleFactor,omitempty"`
	// PhishingResistant wants a phishing-resistant proof.
	PhishingResistant bool `json:"phishingResistant,omitempty"`
	// Since leaves out proofs from before it; zero counts all.
	Since time.Time `json:"since,omitzero"`
	// SecondSince is the same for proofs that are more than a first factor. It and Strengths,
	// which must each be met, come from rules that are asked again at each step, so
	// that none is kept.
	SecondSince time.Time         `json:"-"`
	Strengths   []access.Strength `json:"-"`
}

// Met reports whether proofs show what r wants.
func (r Requirement) Met(proofs []Proof) bool { return r.metBy(r.shown(proofs)) }

func (r Requirement) metBy(y Yield) bool {
	switch {
	case y.None():
		return false
	case r.PhishingResistant && !y.PhishingResistant:
		return false
	case slices.ContainsFunc(r.Strengths, func(s access.Strength) bool { return !y.meets(s) }):
		return false
	}
	return r.SingleFactor || y.Factors.Multi()
}

func (r Requirement) shown(proofs []Proof) Yield {
	var y Yield
	for _, p := range proofs {
		if r.counts(p) {
			y = y.add(p.Yield())
		}
	}
	return y
}

// firstOnly are the ways that nobody takes for a second factor.
const firstOnly = access.Password | access.Email | access.CertificateSingle | access.FederatedSingle

// counts reports whether p is new enough for r.
func (r Requirement) counts(p Proof) bool {
	return p.from(r.Since) && (p.from(r.SecondSince) || p.Yield().Modes&^firstOnly == 0)
}

// from reports whether p is of at or later; any proof is, where at is zero.
func (p Proof) from(at time.Time) bool {
	return at.IsZero() || !p.Undated && !p.At.Before(at)
}

// name is what the log calls r.
func (r Requirement) name() string {
	if r.SingleFactor {
		return audit.SingleFactor
	}
	return audit.MultiFactor
}
