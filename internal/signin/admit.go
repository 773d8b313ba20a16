package signin

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
)

// ErrNetworkBusy slows down a network that begins more than people do.
var ErrNetworkBusy = &fault.Error{
	Kind: fault.TooMany, Code: "networkBusy",
	Text: "Too many sign-ins were begun from your network.", Remedy: "Wait a few seconds, then try again.",
}

const (
	// DefaultNewcomers is how many requests an hour an address may make that cost a row and
	// that nobody signed in for.
	DefaultNewcomers = 5000
	// share is how many of them are taken from the store at once, so that the store is asked
	// for every twentieth only. What is left of a share is lost when the process ends.
	share = 20
	// maxShares bounds how many networks a process remembers.
	maxShares = 10_000
)

// newcomerRule stands budget requests an hour, and beyond them a share in ten seconds.
func newcomerRule(budget int64) Rule {
	return Rule{Budget: max(1, budget/share), Window: time.Hour, Slow: 10 * time.Second}
}

// newcomers returns what a request from place is charged to: its address, and wider networks
// that one owner may have all of.
func newcomers(place Place, budget int64) []Bucket {
	address := place.Address.Unmap()
	name := func(bits int) string { return "begin|" + prefix(address, bits) }
	if address.Is6() {
		return []Bucket{{name(64), newcomerRule(budget)}, {name(48), newcomerRule(3 * budget)}}
	}
	return []Bucket{{name(32), newcomerRule(budget)}, {name(24), newcomerRule(3 * budget)}}
}

// Admit says why place may not begin anything that costs a row of the store, such as a disk
// that is nearly full, or a network that began too much; or nil. It is for requests of which
// nobody knows yet who makes them.
func (s *Service) Admit(ctx context.Context, place Place) error {
	return s.admit(ctx, directory.NoTenant, place)
}

func (s *Service) admit(ctx context.Context, tenant directory.TenantID, place Place) error {
	if err := s.Room(); err != nil {
		return err
	}
	return s.charge(ctx, tenant, place)
}

// charge takes one of the requests that place has.
func (s *Service) charge(ctx context.Context, tenant directory.TenantID, place Place) error {
	budget := s.Newcomers
	if budget == 0 {
		budget = DefaultNewcomers
	}
	wait, err := s.shares.take(ctx, s, newcomers(place, budget))
	if err != nil || wait == 0 {
		return err
	}
	known, err := s.knownBrowser(ctx, tenant, place)
	if err != nil {
		return err
	}
	if known != "" { // others of its network can't spend what it has
		if wait, err = s.shares.take(ctx, s, []Bucket{{"begin|" + known, newcomerRule(100)}}); err != nil || wait == 0 {
			return err
		}
	}
	return ErrNetworkBusy.After(int(wait/time.Second) + 1)
}

// knownBrowser names the browser of place by its hash if anybody signed in with it, else "".
func (s *Service) knownBrowser(ctx context.Context, tenant directory.TenantID, place Place) (string, error) {
	if tenant == directory.NoTenant || place.Browser == "" {
		return "", nil
	}
	hash, err := s.Secrets.MAC(ctx, string(tenant), labelPlace, []byte(place.Browser))
	if err != nil {
		return "", err
	}
	known, err := s.Store.FamiliarToAnybody(ctx, tenant, hash)
	if err != nil || !known {
		return "", err
	}
	return hash, nil
}

// shares are what this process took from the store and did not spend yet.
type shares struct {
	mu sync.Mutex
	of map[string]*part
}

type part struct {
	mu   sync.Mutex
	left int
	ends time.Time // of left
	full time.Time // until then the store has no more
}

// take takes one request from the buckets, the first of which names their share; or says how
// long to wait.
func (c *shares) take(ctx context.Context, s *Service, buckets []Bucket) (time.Duration, error) {
	p := c.part(buckets[0].Name)
	p.mu.Lock()
	defer p.mu.Unlock()
	now := s.Now()
	if p.left > 0 && now.Before(p.ends) {
		p.left--
		return 0, nil
	}
	if wait := p.full.Sub(now); wait > 0 {
		return wait, nil
	}
	wait, err := s.Store.Charge(ctx, directory.NoTenant, buckets, now)
	if err != nil {
		return 0, fmt.Errorf("charge a network: %w", err)
	}
	if wait > 0 {
		p.full = now.Add(wait)
		return wait, nil
	}
	p.left, p.ends = share-1, now.Add(time.Hour)
	return 0, nil
}

func (c *shares) part(name string) *part {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil || len(c.of) >= maxShares {
		c.of = map[string]*part{}
	}
	if c.of[name] == nil {
		c.of[name] = &part{}
	}
	return c.of[name]
}
