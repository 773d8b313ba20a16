package method

import "github.com/postern-id/postern/internal/signin"

// A Holding is one registered method of a person, as reports on readiness see it. A pass is
// none: it ends, and nobody keeps it.
type Holding struct {
	Most signin.Yield // that a proof by it can show
	Now  signin.Yield // what policy lets it show now; nothing when it is off or frozen
}

// A Standing is what a person's methods amount to. Registered looks at what is there, Capable
// at what policy lets the person use.
type Standing struct {
	MFARegistered       bool // together they show two different factors
	MFACapable          bool
	PasswordlessCapable bool // one of them shows two factors by itself
	PhishingResistant   bool // one of them is phishing-resistant and may be used
}

// StandingOf is the standing of somebody who has all. What is enough is what a sign-in asks
// for by default: two different factors, of one method or of several.
func StandingOf(all []Holding) Standing {
	var s Standing
	var registered, capable signin.Factors
	for _, h := range all {
		registered |= h.Most.Factors
		capable |= h.Now.Factors
		s.PasswordlessCapable = s.PasswordlessCapable || h.Now.Factors.Multi()
		s.PhishingResistant = s.PhishingResistant || h.Now.PhishingResistant
	}
	s.MFARegistered, s.MFACapable = registered.Multi(), capable.Multi()
	return s
}
