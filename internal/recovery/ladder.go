package recovery

import (
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/recovery/sdjwt"
)

// A Level says how sure one can be of who asks.
type Level string

// The levels, lowest first. The zero value is LevelNone.
const (
	LevelNone   Level = "none"
	LevelLow    Level = "low"
	LevelMedium Level = "medium"
	LevelHigh   Level = "high"
)

// Levels are all levels, lowest first.
var Levels = []Level{LevelNone, LevelLow, LevelMedium, LevelHigh}

// AtLeast reports whether l is as good as other.
func (l Level) AtLeast(other Level) bool { return l.rank() >= other.rank() }

func (l Level) rank() int { return max(0, slices.Index(Levels, l)) }

// A ProofKind is a way of finding out who asks.
type ProofKind string

// The kinds that are built in.
const (
	ProofInPerson   ProofKind = "inPerson"    // an agent attests: there, with a document
	ProofCallBack   ProofKind = "callBack"    // an agent attests: called the number on file
	ProofVideo      ProofKind = "video"       // an agent attests: on video, with a document
	ProofManager    ProofKind = "manager"     // the manager says so, signed in freshly and phishing-resistant
	ProofVouch      ProofKind = "vouch"       // a colleague says so in the same way; it takes two
	ProofMatch      ProofKind = "numberMatch" // something that the person still has shows the same number
	ProofMail       ProofKind = "mailCode"    // a code that went to a private address on file
	ProofCredential ProofKind = "credential"  // a verifiable credential, presented by OpenID4VP
	ProofExternal   ProofKind = "external"    // another service says so
)

// Vouchers is how many colleagues have to vouch.
const Vouchers = 2

// A Rung is one kind of proof on the ladder.
type Rung struct {
	Kind  ProofKind
	Level Level // unless policy says another
	// Attested says that an agent's word is all there is; Person that it comes from the person who
	// asks, in the browser where the pass will be shown.
	Attested, Person bool
	// Contact are the properties of a person of which one must have been on file for a while.
	Contact []string
}

// Ladder are the kinds of proof, weakest first. A new one is a line here.
var Ladder = []Rung{
	{Kind: ProofMail, Level: LevelLow, Person: true, Contact: []string{ContactMail}},
	{Kind: ProofCallBack, Level: LevelLow, Attested: true, Contact: []string{ContactMobile, ContactPhone}},
	{Kind: ProofVideo, Level: LevelMedium, Attested: true},
	{Kind: ProofInPerson, Level: LevelMedium, Attested: true},
	{Kind: ProofVouch, Level: LevelMedium, Contact: []string{ContactManager, ContactDepartment}},
	{Kind: ProofMatch, Level: LevelMedium, Person: true},
	{Kind: ProofExternal, Level: LevelMedium, Person: true},
	{Kind: ProofManager, Level: LevelHigh, Contact: []string{ContactManager}},
	{Kind: ProofCredential, Level: LevelHigh, Person: true},
}

// The properties of a person by which they, or who answers for them, are reached.
const (
	ContactMobile     = "mobilePhone"
	ContactPhone      = "businessPhones"
	ContactMail       = "otherMails"
	ContactManager    = "manager"
	ContactDepartment = "department"
)

// Contacts are all of them.
var Contacts = []string{ContactMobile, ContactPhone, ContactMail, ContactManager, ContactDepartment}

// First is what is noted beside a property, at the same time, when it is the first change since a
// new account was made, and there was nothing before.
func First(property string) string { return property + " first" }

// New reports whether an account was made within the day before at.
func New(u directory.User, at time.Time) bool {
	return at.Before(u.CreatedDateTime.Add(24 * time.Hour))
}

// RungOf returns the rung of a kind.
func RungOf(k ProofKind) (Rung, bool) {
	i := slices.IndexFunc(Ladder, func(r Rung) bool { return r.Kind == k })
	if i < 0 {
		return Rung{}, false
	}
	return Ladder[i], true
}

// A Proof is one answer to who asks.
type Proof struct {
	Kind ProofKind `json:"kind"`
	// Level is what it counted for when it was given; policy may want more by now.
	Level Level `json:"level"`
	// Asserted is what another service says that it is worth, which is never more than policy says.
	Asserted Level     `json:"asserted,omitempty"`
	At       time.Time `json:"at"`
	By       Person    `json:"by,omitzero"` // who attests, vouches or says so; the person themselves for Rung.Person
	// Contact is the property by which they were reached, such as mobilePhone; never its value.
	Contact string `json:"contact,omitempty"`
	Note    string `json:"note,omitempty"`
	// Reference names what another service or a credential's issuer calls it; Browser is the keyed
	// hash of the browser that gave a proof of the person's own.
	Reference string `json:"reference,omitempty"`
	Browser   string `json:"browser,omitempty"`
	// With is the id of the method that it was given with, or of the webhook of the service that answered; empty
	// where that is not known.
	With string `json:"with,omitempty"`
	// Numbered says that who attests or vouches was told the number of the case by who asks.
	Numbered bool `json:"numbered,omitempty"`
}

// A Person is who took a step in a case.
type Person struct {
	User directory.UserID `json:"user,omitempty"`
	App  directory.AppID  `json:"app,omitempty"`
	Name string           `json:"name,omitempty"`
}

// is reports whether both are the same user.
func (p Person) is(u directory.UserID) bool { return p.User != "" && p.User == u }

// same reports whether both are the same user or, where no user stands behind either, the same application.
func (p Person) same(other Person) bool {
	if p.User != "" || other.User != "" {
		return p.is(other.User)
	}
	return p.App != "" && p.App == other.App
}

// worth is what a proof counts for under policy.
func (p Policy) worth(one Proof) Level {
	l := p.LevelOf(one.Kind)
	if one.Asserted != "" && l.AtLeast(one.Asserted) {
		return one.Asserted
	}
	return l
}

// level is what proofs show at now under policy: that of the best one, where vouchers count
// together. Proofs that are too old, or of a kind that policy turned off, count for nothing.
func (p Policy) level(proofs []Proof, now time.Time) (best Level, since time.Time) {
	vouched := map[directory.UserID]bool{}
	best = LevelNone
	for _, one := range proofs {
		if !now.Before(one.At.Add(p.proofLife())) {
			continue
		}
		if one.Kind == ProofCredential && !p.believes(one.Reference) {
			continue
		}
		if one.Kind == ProofVouch {
			if vouched[one.By.User] = true; len(vouched) < Vouchers {
				continue
			}
		}
		if l := p.worth(one); !best.AtLeast(l) {
			best, since = l, one.At
		}
	}
	return best, since
}

// believes reports whether policy still names who issued the credential of a proof: one that was believed by mistake proves
// nothing any more once it is taken out.
func (p Policy) believes(reference string) bool {
	return slices.ContainsFunc(p.Credentials, func(i sdjwt.Issuer) bool { return strings.HasPrefix(reference, i.ID+" ") })
}
