package method

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/signin"
)

// An Estate is what a person can sign in with and where they are signed in.
type Estate struct {
	Credentials []Credential
	PINs        []PIN
	Sessions    []signin.Session // those that live
	Devices     []directory.Device
}

// A PIN is a device PIN, as far as its lineage goes.
type PIN struct {
	ID        string // Graph's id of the method
	Container string
	Device    directory.DeviceObjectID
	DeviceID  string
	CreatedAt time.Time
	Origin    Origin
	Renewals  []Renewal
	// Unreadable: where it comes from can't be read.
	Unreadable bool
}

// A Renewal is a reset of a device PIN: whoever was signed in there knows the new one.
type Renewal struct {
	At      time.Time `json:"at"` // UTC
	Session string    `json:"session,omitempty"`
	Pass    string    `json:"pass,omitempty"`    // behind that session
	Case    string    `json:"case,omitempty"`    // behind that pass
	Methods []string  `json:"methods,omitempty"` // that proved that session, other than a pass
	// Roots are what those came from.
	Roots []directory.Root `json:"roots,omitempty"`
}

// RenewalIn is a reset in s at at, to the microsecond, as sessions and methods have their times.
func RenewalIn(s signin.Session, at time.Time) Renewal {
	o := OriginOf(s, signin.Place{})
	return Renewal{At: at.Truncate(time.Microsecond), Session: o.Session, Pass: o.Pass, Case: o.Case, Methods: o.Methods}
}

func (r Renewal) origin() Origin {
	return Origin{Session: r.Session, Pass: r.Pass, Case: r.Case, Methods: r.Methods, Roots: r.Roots}
}

// Rooted is r with what is behind it by e.
func (r Renewal) Rooted(e Estate) (_ Renewal, err error) {
	r.Roots, err = e.Roots(r.origin(), r.At)
	return r, err
}

// Passed reports whether there is a pass behind r.
func (r Renewal) Passed() bool {
	return r.Pass != "" || slices.ContainsFunc(r.Roots, func(o directory.Root) bool { return o.At.IsZero() })
}

// Covers reports whether whatever finds q, which is later, finds r: both are by the same pass, or in
// the same session.
func (r Renewal) Covers(q Renewal) bool {
	known := func(o directory.Root) bool {
		return slices.ContainsFunc(r.Roots, func(p directory.Root) bool { return p.ID == o.ID })
	}
	for _, o := range q.Roots {
		if !known(o) {
			return false
		}
	}
	return r.Pass == q.Pass && r.Case == q.Case && slices.Equal(r.Methods, q.Methods) && (r.Pass != "" || r.Session == q.Session)
}

// A Seed is where a lineage begins. Empty fields begin nothing.
type Seed struct {
	Case        string // a recovery case: whatever carries its id
	Pass        string
	Sessions    []string
	Credentials []string
}

// From returns the part of e that came from s: sessions that it proved, what was registered or
// joined in them, what that proved in turn, and so on. A PIN that was reset there belongs to it, and
// what the PIN proved since. A device belongs to it, but proves no person. A method that can't be read
// belongs to whatever began, since nobody knows that it doesn't; what it proved does not.
//
//	pass ─▶ session ─▶ credential, PIN ─▶ session ─▶ …
//	            └────▶ device
//
// What is between may have been removed since: the roots of each lead past it.
func (e Estate) From(s Seed) Estate {
	l := &lineage{of: s.Case, pass: s.Pass, sessions: map[string]bool{}, methods: map[string]time.Time{}}
	for _, id := range s.Sessions {
		l.addSession(id)
	}
	for _, id := range s.Credentials {
		l.addMethod(id, time.Time{})
	}
	began := s.Case != "" || s.Pass != "" || len(l.sessions)+len(l.methods) > 0
	for l.grown = true; l.grown; {
		l.grown = false
		l.grow(e)
	}
	return Estate{
		Credentials: keep(e.Credentials, func(c Credential) bool { return l.hasMethod(c.ID) || c.Unreadable && began }),
		PINs:        keep(e.PINs, func(p PIN) bool { return l.hasMethod(p.ID) || p.Unreadable && began }),
		Sessions:    keep(e.Sessions, func(one signin.Session) bool { return l.sessions[one.ID] }),
		Devices: keep(e.Devices, func(d directory.Device) bool {
			return l.has(Origin{Session: d.JoinedIn, Pass: d.JoinedWith, Case: d.JoinedFor, Methods: d.JoinedByMethods, Roots: d.JoinedFrom}, d.RegisteredAt)
		}),
	}
}

// lineage are the ids that belong to one, as far as they are known.
type lineage struct {
	of, pass string // case and pass
	sessions map[string]bool
	methods  map[string]time.Time // since when each belongs to it; zero for always
	grown    bool
}

// grow adds what follows from what is known so far.
func (l *lineage) grow(e Estate) {
	for _, one := range e.Sessions {
		if l.proved(one) {
			l.addSession(one.ID)
		}
	}
	for _, one := range e.Credentials {
		if l.has(one.Origin, one.CreatedAt) {
			l.addMethod(one.ID, time.Time{})
		}
	}
	for _, one := range e.PINs {
		if l.has(one.Origin, one.CreatedAt) {
			l.addMethod(one.ID, time.Time{})
		}
		for _, r := range one.Renewals {
			if l.has(r.origin(), r.At) {
				l.addMethod(one.ID, r.At)
			}
		}
	}
}

func (l *lineage) addSession(id string) {
	if id != "" && !l.sessions[id] {
		l.sessions[id], l.grown = true, true
	}
}

func (l *lineage) addMethod(id string, since time.Time) {
	if was, there := l.methods[id]; id != "" && (!there || since.Before(was)) {
		l.methods[id], l.grown = since, true
	}
}

func (l *lineage) hasMethod(id string) bool {
	_, there := l.methods[id]
	return there
}

// did reports whether method id belonged to l when it was used at at.
func (l *lineage) did(id string, at time.Time) bool {
	since, there := l.methods[id]
	return there && !at.Before(since)
}

func (l *lineage) proved(s signin.Session) bool {
	return l.of != "" && s.Case == l.of || l.pass != "" && s.PassID == l.pass || l.did(s.Method, s.CreatedAt) ||
		slices.ContainsFunc(s.Proofs, func(p signin.Proof) bool { return p.Credential != nil && l.did(p.Credential.ID, p.At) })
}

// has reports whether what o made at at belongs to l.
func (l *lineage) has(o Origin, at time.Time) bool {
	return l.of != "" && o.Case == l.of || l.pass != "" && o.Pass == l.pass || l.sessions[o.Session] || l.root(o.Roots) ||
		slices.ContainsFunc(o.Methods, func(id string) bool { return l.did(id, at) })
}

func keep[T any](all []T, in func(T) bool) []T {
	kept := []T{}
	for _, one := range all {
		if in(one) {
			kept = append(kept, one)
		}
	}
	return kept
}

// Tag names what e is made of, so that who decides on what they saw decides on nothing else.
func (e Estate) Tag() string {
	var ids []string
	for _, c := range e.Credentials {
		ids = append(ids, "credential "+c.ID)
	}
	for _, p := range e.PINs {
		ids = append(ids, "pin "+p.ID)
	}
	for _, s := range e.Sessions {
		ids = append(ids, "session "+s.ID)
	}
	for _, d := range e.Devices {
		ids = append(ids, "device "+string(d.ID))
	}
	slices.Sort(ids)
	sum := sha256.Sum256([]byte(strings.Join(ids, "\n")))
	return hex.EncodeToString(sum[:16])
}

// Since is when the first of e came to be; zero where nothing is in it.
func (e Estate) Since() (first time.Time) {
	is := func(at time.Time) {
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	for _, c := range e.Credentials {
		is(c.CreatedAt)
	}
	for _, p := range e.PINs {
		is(p.CreatedAt)
	}
	for _, s := range e.Sessions {
		is(s.CreatedAt)
	}
	return first
}

// Empty reports whether there is nothing in e.
func (e Estate) Empty() bool {
	return len(e.Credentials)+len(e.PINs)+len(e.Sessions)+len(e.Devices) == 0
}

// ErrLineageChanged says that there is more, or less, than somebody looked at.
var ErrLineageChanged = &fault.Error{
	Kind: fault.Precondition, Code: "lineageChanged",
	Text: "What came from the pass has changed since you looked at it.", Remedy: "Look at it again, then decide.",
}

// A Reversal undoes what came from a pass, or from a recovery case.
type Reversal struct {
	Tenant  directory.TenantID
	User    directory.UserID
	Case    string
	Pass    string
	Tag     string // of the Estate that somebody saw; empty when a case was quarantined, not looked at
	Devices bool   // switch off what joined with it
	At      time.Time
	// Tell makes the events and mails of what is undone; pass says that the pass was still there.
	Tell func(e Estate, pass bool) ([]audit.Event, []outbox.Item, error)
}
