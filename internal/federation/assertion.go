package federation

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
)

// A Request is what an upstream is asked. The same comes out of a transaction again when the
// answer is there.
type Request struct {
	State    string // also the RelayState; names the transaction, and nobody can guess the rest
	Nonce    string // also the id of a SAML request
	Verifier string // of PKCE
	// Answer is the address at which the answer is awaited, Entity what this server is called
	// there.
	Answer, Entity string
	LoginHint      string
	MFA            bool      // the upstream is asked to do multifactor authentication
	Again          bool      // it did not the last time: it has to ask the person again
	Since          time.Time // the person must have shown who they are after it; zero for any time
	At             time.Time
}

// An Assertion is what an upstream says of a person, after the protocol found it sound: it is of
// the configured issuer, for this server, for this request, and of now.
type Assertion struct {
	Subject string // never changes and is given to nobody else
	Claims  map[string][]string
	Methods []string  // how the person showed who they are: amr, acr, AuthnContextClassRef
	At      time.Time // when; zero when the upstream does not say
	Origin  Origin
}

// An Origin is what an upstream calls the session in which it spoke of a person, so that it can be
// asked to end that one. It is kept with the session that came of it.
type Origin struct {
	Federation string `json:"federation"`        // id of the configuration
	Session    string `json:"session,omitempty"` // sid, or SessionIndex
	// IDToken is what was said, for id_token_hint: sealed where it is kept.
	IDToken string `json:"idToken,omitempty"`
	// Subject is who it was about, as SAML names people.
	Subject *Subject `json:"subject,omitempty"`
}

// A Subject is a NameID with what qualifies it, which a logout has to repeat.
type Subject struct {
	Value           string `json:"value"`
	Format          string `json:"format,omitempty"`
	NameQualifier   string `json:"nameQualifier,omitempty"`
	SPNameQualifier string `json:"spNameQualifier,omitempty"`
}

// A Farewell is what an upstream is asked when a person signs out here.
type Farewell struct {
	Origin    Origin
	State     string    // comes back with the answer
	Back      string    // where the answer is awaited
	Entity    string    // what this server is called there
	LoginHint string    // the person's name
	At        time.Time // now
}

// Skew is how far the clock of an upstream may be off.
const Skew = 2 * time.Minute

// Faults of answers. Those with an AADSTS number are for the log; a person is told what they can
// do something about.
var (
	ErrNone     = &fault.Error{Kind: fault.NotFound, Code: "federationUnknown", Text: "The domain has no such federation."}
	ErrExists   = &fault.Error{Kind: fault.Conflict, Code: "federationExists", Text: "The domain is federated already.", Remedy: "Change its federation, or remove it first."}
	ErrChanged  = &fault.Error{Kind: fault.Precondition, Code: "federationChanged", Text: "Somebody else changed the federation meanwhile.", Remedy: "Read it again, then change it."}
	ErrUnlinked = &fault.Error{Kind: fault.NotFound, Code: "federationUnlinked", Text: "Nobody here is known by this person of the identity provider."}

	// ErrAnswer says that an answer can't be believed; With says why, for the log.
	ErrAnswer = &fault.Error{
		Kind: fault.Unauthorized, Code: "federationAnswer", AADSTS: 50008, Text: "The answer of the identity provider can’t be used.",
	}
	// ErrUpstream says that the upstream refused, or that the person gave up there.
	ErrUpstream = &fault.Error{
		Kind: fault.Unauthorized, Code: "federationRefused", AADSTS: 50012,
		Text: "You were not signed in at your identity provider.", Remedy: "Try again, or choose another way to sign in.",
	}
	// ErrUnreachable says that the upstream does not answer.
	ErrUnreachable = &fault.Error{
		Kind: fault.Unavailable, Code: "federationUnreachable",
		Text: "Your identity provider can’t be reached.", Remedy: "Wait a moment and try again, or choose another way to sign in.",
	}
	// ErrNoMFA says that the upstream was asked for multifactor authentication and did none.
	ErrNoMFA = &fault.Error{
		Kind: fault.Forbidden, Code: "federationWithoutMfa", AADSTS: 50076,
		Text: "Your identity provider did not ask for a second proof, and your organisation wants one from there.", Remedy: "Set one up there, or ask the helpdesk.",
	}
	// ErrStale says that the upstream did not ask the person again.
	ErrStale = &fault.Error{
		Kind: fault.Forbidden, Code: "federationStale", AADSTS: 70043,
		Text: "You have to show anew who you are, and your identity provider did not say that you did.", Remedy: "Sign out there, then try again, or choose another way to sign in.",
	}
	// ErrOther says that the upstream knows the browser as somebody else.
	ErrOther = &fault.Error{
		Kind: fault.Forbidden, Code: "federationOther", AADSTS: 50020,
		Text: "At your identity provider you are signed in as somebody else than you typed here.", Remedy: "Sign out there, or go back and type that name.",
	}
	// ErrForeign says that the upstream spoke of somebody who is not of its domain.
	ErrForeign = &fault.Error{
		Kind: fault.Forbidden, Code: "federationForeign", AADSTS: 500208,
		Text: "Your identity provider named somebody who is not of its domain.", Remedy: "Ask the helpdesk.",
	}
	// ErrNoAccount says that the upstream knows the person and nobody here does.
	ErrNoAccount = &fault.Error{
		Kind: fault.Forbidden, Code: "federationNoAccount", AADSTS: 51004,
		Text: "Your identity provider knows you, but there is no account for you here.", Remedy: "Ask the helpdesk for one.",
	}
	// ErrLinked says that the account belongs to another person of the upstream.
	ErrLinked = &fault.Error{
		Kind: fault.Forbidden, Code: "federationLinked", AADSTS: 50020,
		Text: "The account with your name here belongs to another person at your identity provider.", Remedy: "Ask the helpdesk to look at it.",
	}
)

// MultiFactor reports whether a says that multifactor authentication was done, in words that c
// takes.
func (c Configuration) MultiFactor(a Assertion) bool {
	return slices.ContainsFunc(a.Methods, func(m string) bool { return slices.Contains(c.MFAValues, m) })
}

// Judge returns whether a counts as two factors under c, and whether the person has to go back
// for the second.
func (c Configuration) Judge(a Assertion) (two, back bool) {
	two = c.MFA != RejectMFA && c.MultiFactor(a)
	return two, c.MFA == EnforceMFA && !two
}

// Most reports whether an answer may count as two factors.
func (c Configuration) Most() (two bool) { return c.MFA != RejectMFA && len(c.MFAValues) > 0 }

// Name returns the name of the person of a, ErrOther when nobody here can have it, or ErrForeign
// when it is not of c's domain: an upstream speaks for its own domain only.
func (c Configuration) Name(a Assertion) (string, error) {
	all := a.Claims[c.Claims.UserPrincipalName]
	if c.Claims.UserPrincipalName == SubjectClaim {
		all = []string{a.Subject}
	}
	if len(all) != 1 {
		return "", ErrAnswer.With("", "The answer of the identity provider has no claim, or several, for people's names.")
	}
	name := strings.TrimSpace(all[0])
	// Names here are ASCII. Another letter may fold to one: U+212A, the sign for kelvin, to k.
	if strings.ContainsFunc(name, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return "", ErrOther
	}
	if DomainOf(name) != c.Domain {
		return "", ErrForeign
	}
	return name, nil
}

// SubjectClaim is the name of a mapping for the subject itself: sub, or the NameID.
const SubjectClaim = "sub"

// DomainOf returns the domain of a name, in lower case; empty for none.
func DomainOf(name string) string {
	_, domain, ok := strings.Cut(name, "@")
	if !ok || strings.Contains(domain, "@") {
		return ""
	}
	return strings.ToLower(domain)
}

// SameName reports whether two names are the same to the directory, whose names are ASCII.
func SameName(a, b string) bool { return strings.Map(lowerASCII, a) == strings.Map(lowerASCII, b) }

func lowerASCII(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

// User returns the account that a new person of a gets. It may be nobody's yet: whoever calls
// has checked the name.
func (c Configuration) User(a Assertion, name string) directory.User {
	one := func(claim string) string {
		if all := a.Claims[claim]; claim != "" && len(all) == 1 && len([]rune(all[0])) <= 64 {
			return strings.TrimSpace(all[0])
		}
		return ""
	}
	u := directory.User{
		Tenant: c.Tenant, AccountEnabled: true, UserPrincipalName: strings.ToLower(name), UserType: "Member",
		DisplayName: one(c.Claims.DisplayName), GivenName: one(c.Claims.GivenName), Surname: one(c.Claims.Surname), Mail: one(c.Claims.Mail),
	}
	u.MailNickname, _, _ = strings.Cut(u.UserPrincipalName, "@")
	if u.DisplayName == "" {
		u.DisplayName = strings.TrimSpace(u.GivenName + " " + u.Surname)
	}
	if u.DisplayName == "" {
		u.DisplayName = u.MailNickname
	}
	if DomainOf(u.Mail) != c.Domain { // no claim to an address elsewhere: letters with passes go there
		u.Mail = ""
	}
	return u
}

// Take adds the claims of more that a does not have yet.
func (a *Assertion) Take(more map[string][]string) {
	if a.Claims == nil {
		a.Claims = map[string][]string{}
	}
	for name, values := range more {
		if _, there := a.Claims[name]; !there && len(values) > 0 {
			a.Claims[name] = values
		}
	}
}
