package samlidp

import (
	"slices"

	"github.com/postern-id/postern/internal/signin"
)

// Classes of how somebody signed in.
const (
	classUnspecified = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified"
	classPassword    = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"
	classTransport   = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
	classMFA         = "https://refeds.org/profile/mfa"
	classMultiple    = "http://schemas.microsoft.com/claims/multipleauthn"
	classResistant   = "phr" // OpenID EAP ACR Values 1.0, as for OAuth
)

// A level is what a class is worth.
type level int

const (
	anything level = iota + 1 // somebody signed in
	twoFactors
	phishingResistant
)

// levels are the classes that are known. A password over a protected transport is what
// applications ask for that mean “signed in as usual”: who has no password must not be locked out.
var levels = map[string]level{
	classUnspecified: anything, classPassword: anything, classTransport: anything,
	"urn:oasis:names:tc:SAML:2.0:ac:classes:PreviousSession": anything,
	"urn:federation:authentication:windows":                  anything,
	classMFA:                                                 twoFactors, classMultiple: twoFactors,
	"urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract": twoFactors,
	"https://refeds.org/profile/sfa":                                 anything,
	classResistant:                                                   phishingResistant,
}

// usual is the class of a level when none was asked for.
var usual = map[level]string{anything: classUnspecified, twoFactors: classMFA, phishingResistant: classMFA}

// levelOf is what a session is worth.
func levelOf(s signin.Session) level {
	y := s.Shown()
	switch {
	case y.Factors.Multi() && y.PhishingResistant:
		return phishingResistant
	case y.Factors.Multi():
		return twoFactors
	}
	return anything
}

// understood reports whether q asks for a class that anybody could have.
func (q request) understood() bool {
	_, ok := q.lowest()
	return ok
}

// lowest is the least level that answers q.
func (q request) lowest() (level, bool) {
	if len(q.Contexts) == 0 {
		return anything, true
	}
	best := level(0)
	for _, c := range q.Contexts {
		l, ok := levels[c]
		if !ok {
			continue
		}
		if q.Comparison == "better" {
			l++
		}
		if l <= phishingResistant && (best == 0 || l < best) {
			best = l
		}
	}
	return best, best != 0
}

// require is what a sign-in for q must show.
func (q request) require() signin.Requirement {
	l, _ := q.lowest()
	return signin.Requirement{PhishingResistant: l == phishingResistant, Since: q.Since}
}

// class is what an assertion says of a session in answer to q: of what was asked for the first
// that is true, else what the session is worth. The empty string says that nothing is.
func (q request) class(s signin.Session) string {
	have := levelOf(s)
	if len(q.Contexts) == 0 {
		return usual[have]
	}
	if least, ok := q.lowest(); !ok || have < least {
		return ""
	}
	if q.Comparison == "exact" || q.Comparison == "maximum" {
		i := slices.IndexFunc(q.Contexts, func(c string) bool { l, ok := levels[c]; return ok && l <= have })
		return q.Contexts[i]
	}
	return usual[have]
}
