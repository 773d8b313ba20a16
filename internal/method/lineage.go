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
}

// A Seed is where a lineage begins. Empty fields begin nothing.
type Seed struct {
	Case        string // a recovery case: whatever carries its id
	Pass        string
	Sessions    []string
	Credentials []string
}

// From returns the part of e that came from s: sessions that it proved, what was registered or
// joined in them, what that proved in turn, and so on. A device belongs to it, but proves no
// person.
//
//	pass ─▶ session ─▶ credential, PIN ─▶ session ─▶ …
//	            └────▶ device
func (e Estate) From(s Seed) Estate {
	l := lineage{of: s.Case, pass: s.Pass, sessions: set(s.Sessions), methods: set(s.Credentials)}
	for before := -1; before != l.size(); {
		before = l.size()
		for _, one := range e.Sessions {
			if l.proved(one) {
				l.sessions[one.ID] = true
			}
		}
		for _, one := range e.Credentials {
			if l.has(one.Origin) {
				l.methods[one.ID] = true
			}
		}
		for _, one := range e.PINs {
			if l.has(one.Origin) {
				l.methods[one.ID] = true
			}
		}
	}
	return Estate{
		Credentials: keep(e.Credentials, func(c Credential) bool { return l.methods[c.ID] }),
		PINs:        keep(e.PINs, func(p PIN) bool { return l.methods[p.ID] }),
		Sessions:    keep(e.Sessions, func(one signin.Session) bool { return l.sessions[one.ID] }),
		Devices: keep(e.Devices, func(d directory.Device) bool {
			return d.JoinedIn != "" && l.sessions[d.JoinedIn] || l.pass != "" && d.JoinedWith == l.pass
		}),
	}
}

// lineage are the ids that belong to one, as far as they are known.
type lineage struct {
	of, pass          string // case and pass
	sessions, methods map[string]bool
}

func (l lineage) size() int { return len(l.sessions) + len(l.methods) }

func (l lineage) proved(s signin.Session) bool {
	return l.of != "" && s.Case == l.of || l.pass != "" && s.PassID == l.pass || s.Method != "" && l.methods[s.Method] ||
		slices.ContainsFunc(s.Proofs, func(p signin.Proof) bool { return p.Credential != nil && l.methods[p.Credential.ID] })
}

func (l lineage) has(o Origin) bool {
	return l.of != "" && o.Case == l.of || l.pass != "" && o.Pass == l.pass || o.Session != "" && l.sessions[o.Session] ||
		slices.ContainsFunc(o.Methods, func(id string) bool { return l.methods[id] })
}

func set(ids []string) map[string]bool {
	all := map[string]bool{}
	for _, id := range ids {
		if id != "" {
			all[id] = true
		}
	}
	return all
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
