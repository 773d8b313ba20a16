package signin

import (
	"time"

	"github.com/postern-id/postern/internal/directory"
)

// An Upstream is where a session came from that can be signed out of, too.
type Upstream struct {
	Name    string
	SignOut string // the address that does it
	// State comes back with the browser from there; empty when nothing leads back.
	State string
}

// A Session is the state after a sign-in. It lives in one browser.
type Session struct {
	Tenant    directory.TenantID `json:"-"`
	ID        string             `json:"-"` // UUID
	User      directory.UserID   `json:"-"`
	CreatedAt time.Time          `json:"-"`
	ExpiresAt time.Time          `json:"-"` // never after the end of the pass it came from
	SeenAt    time.Time          `json:"-"`
	EndedAt   time.Time          `json:"-"` // zero while it lives
	PassID    string             `json:"-"`
	Purpose   Purpose            `json:"-"`
	Method    string             `json:"-"` // id of the device PIN that it came from; empty for browsers

	// Device is where the person signed in, when that is a joined device; the session ends
	// with it.
	Device     *Device `json:"device,omitempty"`
	Proofs     []Proof `json:"proofs"`
	Case       string  `json:"case,omitempty"`       // of the pass that it came from
	Persistent bool    `json:"persistent,omitempty"` // the person chose to stay signed in
	Address    string  `json:"address,omitempty"`
	UserAgent  string  `json:"userAgent,omitempty"`
}

// How long sessions live. Entra's defaults: a browser session ends after 24 hours without
// use, a persistent one after 90 days; ours are counted from the sign-in.
const (
	SessionLifetime    = 24 * time.Hour
	PersistentLifetime = 90 * 24 * time.Hour
)

// newSession returns the session that t ends in at now.
func newSession(t Transaction, id string, place Place, now time.Time) Session {
	s := Session{
		Tenant: t.Home, ID: id, User: t.User, CreatedAt: now, SeenAt: now,
		ExpiresAt: now.Add(SessionLifetime), Proofs: t.Proofs,
		Address: place.Address.String(), UserAgent: place.UserAgent, Device: t.Device,
	}
	if t.Stay != nil && *t.Stay {
		s.Persistent, s.ExpiresAt = true, now.Add(PersistentLifetime)
	}
	return s.limit()
}

// limit ties s to the passes and purposes of its proofs.
func (s Session) limit() Session {
	s.PassID, s.Purpose, s.Case = "", "", ""
	for _, p := range s.Proofs {
		if p.Pass != nil {
			s.PassID, s.Case = p.Pass.ID, p.Pass.Case
			s.ExpiresAt = earlier(s.ExpiresAt, p.Pass.End)
		}
		if p.Purpose != "" {
			s.Purpose = p.Purpose
		}
	}
	return s
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// AuthTime is since when the proofs of s are what it is worth: the latest time from which on
// there were two factors, or the newest proof when there are never two.
func (s Session) AuthTime() time.Time {
	var full, newest time.Time
	for _, p := range s.Proofs {
		if p.At.After(newest) {
			newest = p.At
		}
		if p.At.After(full) && (Requirement{Since: p.At}).Met(s.Proofs) {
			full = p.At
		}
	}
	if full.IsZero() {
		return newest
	}
	return full
}

// Shown is what the proofs of s show together.
func (s Session) Shown() Yield { return Requirement{}.shown(s.Proofs) }

// FreshUntil is the end of the time in which methods may be registered without another proof:
// until then proofs of two factors are fresh. It is zero when there never are.
func (s Session) FreshUntil() time.Time {
	var latest time.Time
	for _, p := range s.Proofs {
		var then Yield // what is fresh until p no longer is
		for _, q := range s.Proofs {
			if q.At.Before(p.FreshUntil) && !q.FreshUntil.Before(p.FreshUntil) {
				then = then.add(q.Yield())
			}
		}
		if then.Factors.Multi() && p.FreshUntil.After(latest) {
			latest = p.FreshUntil
		}
	}
	return latest
}

// AMR returns the authentication method references of s at now: mfa is among them when the
// proofs are two factors together, ngcmfa while the person may still register methods without
// another proof.
func (s Session) AMR(now time.Time) []string {
	var all []string
	seen := map[string]bool{}
	add := func(v string) {
		if !seen[v] {
			seen[v] = true
			all = append(all, v)
		}
	}
	for _, p := range s.Proofs {
		for _, v := range p.AMR {
			add(v)
		}
	}
	if s.Shown().Factors.Multi() {
		add("mfa")
	}
	if now.Before(s.FreshUntil()) {
		add("ngcmfa")
	}
	return all
}

// Where says in words where the person signed in: a device by name, or a browser.
func (s Session) Where() string {
	if s.Device != nil {
		return s.Device.Name()
	}
	return AgentWords(s.UserAgent)
}

// DeviceObject is the object id of the device on which the person signed in, or empty.
func (s Session) DeviceObject() directory.DeviceObjectID {
	if s.Device == nil {
		return ""
	}
	return s.Device.ID
}
