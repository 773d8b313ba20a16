// Package gate lets only a few callers at a time into the slow hash of a typed secret, and
// decides who is next. The rule is docs/threat-model.md, rule 3.
//
// Why there is a gate: one hash takes 19 MiB and a whole core for about 20 ms. Without a
// gate a thousand posts at once take 19 GiB, and each of them waits for all others. Behind
// it hashing never has more than slots × 19 MiB in use. With a slot a core, the default, more of
// them would make every hash slower and none sooner.
//
// A gate is also a place to queue, and whoever floods a queue keeps others out. So callers
// wait in two lines, people in familiar places and strangers:
//
//	familiar ─┐            tenant ┬ network ─ caller, caller, …
//	          ├─▶ slots           └ network ─ caller, …
//	strangers ┘            tenant ─ network ─ …            (in each line)
//
// Who is next:
//
//   - Of the lines: each has its share of the slots and lends what it doesn't need. The
//     familiar line is asked first as long as it has less than its share, so that no flood of
//     strangers costs it more than the time until the next caller leaves. With a single slot
//     the lines take turns.
//   - Within a line tenants take turns, and within a tenant its networks; of one network who
//     came first. A flood from one network costs another one of that tenant a single turn,
//     however long the flood is.
//   - A line holds a bounded number of callers, since each costs a request and a goroutine.
//     When it is full, a newcomer takes the place of the last caller of the longest queue.
//     Who has no place, or no turn in time, gets [ErrBusy].
//
// A gate knows one process: memory and cores are its own. It counts no guesses; throttles,
// which package signin asks first, do.
package gate

import (
	"cmp"
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/fault"
)

// ErrBusy says that more people sign in at this moment than the machine can check.
var ErrBusy = &fault.Error{
	Kind: fault.TooMany, Code: "signInBusy", RetryAfter: 2,
	Text: "Many people are signing in at this moment.", Remedy: "Wait a few seconds, then try again.",
}

// Config sizes a Gate. A field of 0 or less has its default.
type Config struct {
	// Slots is how many callers may be inside; by default one a core.
	Slots int
	// Reserved is the familiar line's share of the slots, by default 1. Strangers always keep
	// a slot: a larger value counts as Slots-1, which is none when there is only one.
	Reserved int
	// Wait is how long a caller waits for a turn, by default 2 seconds.
	Wait time.Duration
	// Queue is how many callers may wait in each of the two lines. The default, 128 a slot,
	// is a little more than a slot can serve in 2 seconds.
	Queue int
	// QueuePerNetwork is how many callers of one network, in all tenants together, may wait
	// in a line; by default half of Queue.
	QueuePerNetwork int
}

// Class says in which queue a caller waits.
type Class struct {
	Tenant  string
	Network string // an address range that one party controls, in any form
	// Familiar says that the person signed in from this place before. It must rest on a
	// proof, such as a cookie, which a flood can't make up.
	Familiar bool
}

// Gate lets at most Slots callers run at once, fair by tenant and network. It is safe for
// concurrent use.
type Gate struct {
	config Config // complete

	mu        sync.Mutex
	familiar  line
	strangers line
	last      *line // whose turn it was
}

// New returns a Gate that nobody waits at.
func New(c Config) *Gate {
	positive := func(n, otherwise int) int { return cmp.Or(max(n, 0), otherwise) }
	c.Slots = positive(c.Slots, runtime.GOMAXPROCS(0)) // heeds a container's limit
	c.Reserved = min(positive(c.Reserved, 1), c.Slots-1)
	c.Wait = cmp.Or(max(c.Wait, 0), 2*time.Second)
	c.Queue = positive(c.Queue, 128*c.Slots)
	c.QueuePerNetwork = positive(c.QueuePerNetwork, (c.Queue+1)/2)
	return &Gate{config: c, familiar: newLine(), strangers: newLine()}
}

// Enter waits for a turn. The caller calls leave when it is done, once or more often. The
// error is ErrBusy when there is no place to wait or the wait is over, and ctx.Err() when
// ctx ends first.
func (g *Gate) Enter(ctx context.Context, c Class) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w, err := g.join(c)
	if err != nil {
		return nil, err
	}
	timer := time.NewTimer(g.config.Wait)
	defer timer.Stop()
	select {
	case err = <-w.turn:
	case <-timer.C:
		err = g.withdraw(w, ErrBusy)
	case <-ctx.Done():
		err = g.withdraw(w, ctx.Err())
	}
	if err != nil {
		return nil, err
	}
	return sync.OnceFunc(func() { g.leave(c) }), nil
}

// Load returns how many are inside now, and how many wait.
func (g *Gate) Load() (inside, waiting int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.familiar.inside + g.strangers.inside, g.familiar.queue.size + g.strangers.queue.size
}

// join puts a caller into its line, or returns ErrBusy.
func (g *Gate) join(c Class) (*waiter, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.line(c)
	if l.networks[c.Network] >= g.config.QueuePerNetwork {
		return nil, ErrBusy
	}
	if l.queue.size >= g.config.Queue {
		last := l.queue.givesWay(c.path())
		if last == nil {
			return nil, ErrBusy
		}
		l.remove(last)
		last.turn <- ErrBusy
	}
	w := &waiter{class: c, turn: make(chan error, 1)}
	l.add(w)
	g.admit()
	return w, nil
}

// withdraw takes w out of its line and returns why. When w was called at the same moment,
// that counts.
func (g *Gate) withdraw(w *waiter, why error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.line(w.class).remove(w) {
		return why
	}
	return <-w.turn
}

func (g *Gate) leave(c Class) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.line(c).inside--
	g.admit()
}

// admit fills the free slots.
func (g *Gate) admit() {
	for g.familiar.inside+g.strangers.inside < g.config.Slots {
		l := g.due()
		if l.queue.size == 0 {
			return
		}
		w := l.next()
		l.inside++
		g.last = l
		w.turn <- nil
	}
}

// due returns the line whose turn it is; it is empty only when both are.
func (g *Gate) due() *line {
	switch {
	case g.familiar.queue.size == 0:
		return &g.strangers
	case g.strangers.queue.size == 0:
		return &g.familiar
	case g.config.Reserved == 0 && g.last == &g.strangers,
		g.familiar.inside < g.config.Reserved:
		return &g.familiar
	}
	return &g.strangers
}

func (g *Gate) line(c Class) *line {
	if c.Familiar {
		return &g.familiar
	}
	return &g.strangers
}
