package scim

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/filter"
)

// SCIM's pages have numbers (startIndex), which a database can only count off from the
// beginning. A client asks for one page after the other, though, so that each page ends where
// the next one begins: that position is remembered, and the next page starts at it. Somebody
// who asks for a page out of order waits for a walk from the nearest one that is remembered, over
// at most maxWalk resources; cursors (RFC 9865) need none of this.
const (
	maxWalk    = 10_000
	maxCourses = 256 // of all tenants
	maxOfOne   = 64  // of one tenant
	maxMarks   = 512
	courseLife = 10 * time.Minute
	totalLife  = time.Minute
)

// A list of pages, as one or several clients walk along it.
type course struct {
	at        time.Time // of the last use
	total     int
	countedAt time.Time
	marks     []mark
}

// A mark says after which position the resource with a number comes.
type mark struct {
	start int
	after []any
}

type courses struct {
	mu  sync.Mutex
	all map[string]*course
}

// nearest returns the last mark that is not behind start.
func (c *courses) nearest(key string, start int, now time.Time) mark {
	c.mu.Lock()
	defer c.mu.Unlock()
	best := mark{start: 1}
	if x := c.all[key]; x != nil && now.Sub(x.at) < courseLife {
		for _, m := range x.marks {
			if m.start <= start && m.start > best.start {
				best = m
			}
		}
	}
	return best
}

// remember keeps a mark, and forgets a course when there are too many.
func (c *courses) remember(key string, m mark, now time.Time) {
	if m.after == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	x := c.course(key, now)
	for i := range x.marks {
		if x.marks[i].start == m.start {
			x.marks[i] = m
			return
		}
	}
	if len(x.marks) == maxMarks { // every other one is as good
		kept := x.marks[:0]
		for i, m := range x.marks {
			if i%2 == 1 {
				kept = append(kept, m)
			}
		}
		x.marks = kept
	}
	x.marks = append(x.marks, m)
}

// course returns the course of key, made if it is not there or too old.
func (c *courses) course(key string, now time.Time) *course {
	if c.all == nil {
		c.all = map[string]*course{}
	}
	x := c.all[key]
	if x == nil || now.Sub(x.at) >= courseLife {
		c.forget(tenantOf(key))
		x = &course{}
		c.all[key] = x
	}
	x.at = now
	return x
}

// tenantOf is whose list a key names.
func tenantOf(key string) string {
	tenant, _, _ := strings.Cut(key, "\x00")
	return tenant
}

// forget makes room for one more course of a tenant: in place of its own when it has as many as one may have,
// else of the tenants that have most, so that nobody's pages make others walk. What was not used for longest goes first.
func (c *courses) forget(tenant string) {
	counts, most := map[string]int{}, 0
	for key := range c.all {
		of := tenantOf(key)
		counts[of]++
		most = max(most, counts[of])
	}
	own := counts[tenant] >= maxOfOne
	if !own && len(c.all) < maxCourses {
		return
	}
	oldest := ""
	for key, x := range c.all {
		of := tenantOf(key)
		if (own && of == tenant || !own && counts[of] == most) && (oldest == "" || x.at.Before(c.all[oldest].at)) {
			oldest = key
		}
	}
	delete(c.all, oldest)
}

// total returns how many there are, counted at most totalLife ago unless this is the first page.
func (c *courses) total(key string, fresh bool, now time.Time, count func() (int, error)) (int, error) {
	c.mu.Lock()
	if x := c.all[key]; !fresh && x != nil && now.Sub(x.countedAt) < totalLife {
		defer c.mu.Unlock()
		return x.total, nil
	}
	c.mu.Unlock()
	n, err := count()
	if err != nil {
		return 0, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	x := c.course(key, now)
	x.total, x.countedAt = n, now
	return n, nil
}

// A source is what a list is read from.
type source[T any] struct {
	read  func(ctx context.Context, match []filter.Bound, order []filter.Order, after []any, limit int) ([]T, []any, error)
	count func(ctx context.Context, match []filter.Bound) (int, error)
}

// A page is one part of a list.
type page[T any] struct {
	found []T
	total int
	next  []any // where the next one begins; nil at the end
}

// pageOf reads the page that q asks for. Key names the list among those of all tenants.
func pageOf[T any](ctx context.Context, a *API, s source[T], q query, key string) (p page[T], err error) {
	now := a.Now()
	count := func() (int, error) { return s.count(ctx, q.match) }
	if q.total {
		p.total, err = a.pages.total(key, true, now, count)
		return p, err
	}
	after := q.after
	if !q.byCursor {
		if after, err = walk(ctx, a, s, q, key); err != nil || after == nil && q.start > 1 {
			if err == nil {
				p.total, err = a.pages.total(key, false, now, count)
			}
			return p, err
		}
	}
	if p.found, p.next, err = s.read(ctx, q.match, q.order, after, q.count); err != nil {
		return p, err
	}
	first := q.start == 1 && q.after == nil
	switch {
	case first && p.next == nil:
		p.total = len(p.found)
	default:
		p.total, err = a.pages.total(key, first, now, count)
	}
	if !q.byCursor {
		a.pages.remember(key, mark{q.start + len(p.found), p.next}, now)
	}
	return p, err
}

// walk returns the position after which the page begins; nil, where the list ends before it.
func walk[T any](ctx context.Context, a *API, s source[T], q query, key string) ([]any, error) {
	at := a.pages.nearest(key, q.start, a.Now())
	if q.start-at.start > maxWalk {
		return nil, ErrMany.With("startIndex", "startIndex is too far from the pages that were read before. Read pages one after the other, or by cursor (RFC 9865).")
	}
	for at.start < q.start {
		found, next, err := s.read(ctx, q.match, q.order, at.after, min(q.start-at.start, 1000))
		if err != nil || next == nil {
			return nil, err
		}
		at = mark{at.start + len(found), next}
		a.pages.remember(key, at, a.Now())
	}
	return at.after, nil
}
