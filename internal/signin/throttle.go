package signin

import (
	"fmt"
	"net/netip"
	"time"
)

// A Counter is what one bucket remembers.
type Counter struct {
	Failures    int64
	WindowAt    time.Time // start of the hour that Failures counts, for rules with a window
	LockedUntil time.Time
	Level       int64     // how often in a row the bucket was locked
	UpdatedAt   time.Time // of the last charge
}

// A Rule says how many failures a bucket stands. Every try is charged before the secret is
// looked at and refunded when it was right, so that parallel tries can't outrun the count.
type Rule struct {
	Budget int64         // failures before the bucket locks
	Window time.Duration // 0: counts until a success or a quiet day; else failures a window
	Slow   time.Duration // 0: locks; else beyond the budget one try each Slow
}

// The first lock lasts LockFirst; each further one in a row twice as long, up to LockMost.
const (
	LockFirst = time.Minute
	LockMost  = time.Hour
	// quiet is after how long without a failure a bucket is forgotten.
	quiet = 24 * time.Hour
)

// The rules of docs/throttling.md.
var (
	ruleAddress  = Rule{Budget: 10}
	ruleNet56    = Rule{Budget: 30}
	ruleNet48    = Rule{Budget: 100}
	ruleAccount  = Rule{Budget: 50, Window: time.Hour, Slow: 10 * time.Second}
	ruleFamiliar = Rule{Budget: 10}
)

// Charge takes one try from the bucket at now. It returns the counter as it is afterwards
// and how long to wait; when that is not zero nothing was taken and the try is refused.
func (r Rule) Charge(c Counter, now time.Time) (Counter, time.Duration) {
	c = r.age(c, now)
	if wait := c.LockedUntil.Sub(now); wait > 0 {
		return c, wait
	}
	if r.Slow > 0 && c.Failures >= r.Budget {
		if wait := c.UpdatedAt.Add(r.Slow).Sub(now); wait > 0 {
			return c, wait
		}
	}
	c.Failures++
	c.UpdatedAt = now
	if r.Slow == 0 && c.Failures >= r.Budget {
		c.LockedUntil = now.Add(lockFor(c.Level))
		c.Level++
		c.Failures = 0
	}
	return c, 0
}

// age forgets what no longer counts at now.
func (r Rule) age(c Counter, now time.Time) Counter {
	if now.Sub(c.UpdatedAt) >= quiet && now.After(c.LockedUntil) {
		return Counter{WindowAt: now}
	}
	if r.Window > 0 && now.Sub(c.WindowAt) >= r.Window {
		c.Failures, c.WindowAt = 0, now
	}
	return c
}

func lockFor(level int64) time.Duration {
	d := LockFirst
	for range min(level, 10) {
		d *= 2
	}
	return min(d, LockMost)
}

// A Bucket is a counter's name with its rule.
type Bucket struct {
	Name string
	Rule Rule
}

// accountBucket is what a try for the named account with a method from any unfamiliar place is
// charged to. Where secrets are short, tries after another proof are counted apart: whoever
// has no other proof can't use them up.
func accountBucket(account string, m Method, proved bool) Bucket {
	b := Bucket{fmt.Sprintf("account|%s|%s", account, m.ID()), ruleAccount}
	if g, ok := m.(Guessable); ok {
		b.Rule = g.Tries()
		if proved {
			b.Name += "|proved"
		}
	}
	return b
}

// buckets returns what a try for the named account from place is charged to; everywhere is the
// account's own. account is a keyed hash of the typed name, equal in form for known and unknown
// ones. Tries from a familiar place have a budget of their own, which nobody else can spend.
func buckets(account string, everywhere Bucket, place Place, familiarPlace string) []Bucket {
	if familiarPlace != "" {
		return []Bucket{{"familiar|" + account + "|" + familiarPlace, ruleFamiliar}}
	}
	all := []Bucket{everywhere}
	address := place.Address.Unmap()
	if !address.Is6() {
		return append(all, Bucket{"address|" + account + "|" + prefix(address, 32), ruleAddress})
	}
	return append(all,
		Bucket{"address|" + account + "|" + prefix(address, 64), ruleAddress},
		Bucket{"address|" + account + "|" + prefix(address, 56), ruleNet56},
		Bucket{"address|" + account + "|" + prefix(address, 48), ruleNet48})
}

func prefix(a netip.Addr, bits int) string {
	p, err := a.Prefix(bits)
	if err != nil || !p.IsValid() {
		return "none"
	}
	return p.String()
}

// Network returns the network that place counts as: /32 of IPv4, /64 of IPv6.
func (p Place) Network() string {
	a := p.Address.Unmap()
	if a.Is6() {
		return prefix(a, 64)
	}
	return prefix(a, 32)
}

// Refund gives back a try that turned out right: an hourly count goes down by one, any
// other starts anew.
func (r Rule) Refund(c Counter) Counter {
	if r.Slow > 0 {
		c.Failures = max(0, c.Failures-1)
		return c
	}
	return Counter{WindowAt: c.WindowAt, UpdatedAt: c.UpdatedAt}
}
