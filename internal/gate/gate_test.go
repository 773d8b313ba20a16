package gate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postern-id/postern/internal/fault"
)

// hash is how long a slow hash takes in these tests.
const hash = 20 * time.Millisecond

// A visit is one caller: it comes at a time, counted from the start, and stays inside for work.
type visit struct {
	class    Class
	at, work time.Duration
	patience time.Duration // until its context ends, or 0
}

// An outcome is what became of a visit.
type outcome struct {
	waited time.Duration
	err    error
}

// pass lets time pass. A timer of 0 is avoided: when several goroutines of one bubble receive
// from timers that are due already, the race detector of Go 1.26 crashes.
func pass(d time.Duration) {
	if d > 0 {
		<-time.After(d)
	}
}

// play runs the visits at g, in a bubble, until the last is gone. Visits of one moment come
// in any order.
func play(t *testing.T, g *Gate, visits []visit) []outcome {
	t.Helper()
	start := time.Now()
	all := make([]outcome, len(visits))
	var inside atomic.Int64
	for i, v := range visits {
		go func() {
			pass(v.at)
			ctx := t.Context()
			if v.patience > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, v.patience)
				defer cancel()
			}
			leave, err := g.Enter(ctx, v.class)
			all[i] = outcome{time.Since(start) - v.at, err}
			if err != nil {
				return
			}
			if n := inside.Add(1); n > int64(g.config.Slots) {
				t.Errorf("%d callers inside, want at most %d", n, g.config.Slots)
			}
			pass(v.work)
			inside.Add(-1)
			leave()
		}()
	}
	pass(time.Hour)
	synctest.Wait()
	empty(t, g)
	return all
}

// empty checks that g remembers nobody.
func empty(t *testing.T, g *Gate) {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	for name, l := range map[string]line{"familiar": g.familiar, "strangers": g.strangers} {
		if l.inside != 0 || l.queue.size != 0 || len(l.queue.parts) != 0 || len(l.networks) != 0 {
			t.Errorf("the line %s is not empty: %+v", name, l)
		}
	}
}

// who reads a caller of these tests, such as "A1x" for person x in network 1 of tenant A, or
// "A1x!" for a familiar one.
func who(s string) Class { return Class{Tenant: s[:1], Network: s[1:2], Familiar: s[len(s)-1] == '!'} }

// enter is for callers who must get in; it may run on any goroutine.
func enter(t *testing.T, g *Gate, c Class) func() {
	t.Helper()
	leave, err := g.Enter(t.Context(), c)
	if err != nil {
		t.Errorf("Enter(%v) = %v", c, err)
		return func() {}
	}
	return leave
}

func TestDefaults(t *testing.T) {
	cores := runtime.GOMAXPROCS(0)
	plain := Config{cores, min(1, cores-1), 2 * time.Second, 128 * cores, 64 * cores}
	tests := []struct {
		name         string
		config, want Config
	}{
		{"nothing set", Config{}, plain},
		{"less than nothing", Config{-1, -1, -1, -1, -1}, plain},
		{"a single slot can't be reserved", Config{Slots: 1}, Config{1, 0, 2 * time.Second, 128, 64}},
		{"strangers keep a slot", Config{Slots: 4, Reserved: 4}, Config{4, 3, 2 * time.Second, 512, 256}},
		{"a queue of one has a place for a network", Config{Slots: 2, Queue: 1}, Config{2, 1, 2 * time.Second, 1, 1}},
		{"all set", Config{3, 2, time.Second, 10, 4}, Config{3, 2, time.Second, 10, 4}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := New(test.config).config; got != test.want {
				t.Errorf("New(%+v) uses %+v, want %+v", test.config, got, test.want)
			}
		})
	}
}

func TestBusyIsToldToThePerson(t *testing.T) {
	if ErrBusy.Kind != fault.TooMany || ErrBusy.Code != "signInBusy" || ErrBusy.RetryAfter != 2 {
		t.Errorf("ErrBusy is %+v", ErrBusy)
	}
	if ErrBusy.AADSTS != 0 {
		t.Error("ErrBusy has Entra's number of a refusal; a busy machine refuses nobody")
	}
}

func TestTurns(t *testing.T) {
	tests := []struct{ name, inside, arrive, want string }{
		{"one network: who came first", "Z0z", "A1a A1b A1c", "A1a A1b A1c"},
		{"networks take turns", "Z0z", "A1a A1b A1c A2a A3a A2b", "A1a A2a A3a A1b A2b A1c"},
		{"tenants take turns, however many networks they have", "Z0z", "A1a A2a A3a A4a B1a B1b", "A1a B1a A2a B1b A3a A4a"},
		{"networks take turns within the turn of their tenant", "Z0z", "A1a A1b A2a B1a B1b B1c", "A1a B1a A2a B1b A1b B1c"},
		{"the same network of two tenants waits in two queues", "Z0z", "A1a A1b B1a B1b", "A1a B1a A1b B1b"},
		{"the familiar line has the same order", "Z0z", "A1a! A1b! A2a! B1a!", "A1a! B1a! A2a! A1b!"},
		{"one slot: the lines take turns, the familiar one after a stranger", "Z0z", "A1a A1b A2a! A2b!", "A2a! A1a A2b! A1b"},
		{"one slot: the lines take turns, strangers after a familiar one", "Z0z!", "A1a A1b A2a! A2b!", "A1a A2a! A1b A2b!"},
		{"one slot: an empty line misses its turn", "Z0z", "A1a A1b A2a! A1c", "A2a! A1a A1b A1c"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := New(Config{Slots: 1})
				leave := enter(t, g, who(test.inside))
				var got []string
				for name := range strings.FieldsSeq(test.arrive) {
					go func() {
						leave := enter(t, g, who(name))
						got = append(got, name) // one at a time: there is one slot
						leave()
					}()
					synctest.Wait()
				}
				leave()
				synctest.Wait()
				if s := strings.Join(got, " "); s != test.want {
					t.Errorf("turns are %s, want %s", s, test.want)
				}
				empty(t, g)
			})
		})
	}
}

func TestShares(t *testing.T) {
	tests := []struct {
		name            string
		slots, reserved int
		strangers       int // who come first
		familiar        int
		want            []int // familiar ones inside after 1, 2, 3 … leave; first those at the start
	}{
		{"strangers use all slots when nobody else waits", 4, 2, 4, 0, []int{0}},
		{"familiar ones use all slots when nobody else waits", 4, 2, 0, 4, []int{4}},
		{"the familiar line gets its share back first", 4, 2, 8, 8, []int{0, 1, 2, 2, 2}},
		{"a share of one", 4, 1, 8, 8, []int{0, 1, 1, 1, 1}},
		{"strangers keep a slot", 2, 9, 8, 8, []int{0, 1, 1, 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := New(Config{Slots: test.slots, Reserved: test.reserved})
				var inside []func() // by the time they came in
				come := func(n int, c Class) {
					for range n {
						go func() { inside = append(inside, enter(t, g, c)) }()
						synctest.Wait()
					}
				}
				leave := func() {
					first := inside[0]
					inside = inside[1:]
					first()
					synctest.Wait()
				}
				come(test.strangers, who("A1x"))
				come(test.familiar, who("A1x!"))
				for i, want := range test.want {
					if i > 0 {
						leave()
					}
					if g.familiar.inside != want || len(inside) != test.slots {
						t.Errorf("after %d left %d of %d inside are familiar, want %d of %d", i, g.familiar.inside, len(inside), want, test.slots)
					}
				}
				for len(inside) > 0 {
					leave()
				}
				empty(t, g)
			})
		})
	}
}

func TestWaiting(t *testing.T) {
	const wait, moment = 2 * time.Second, time.Nanosecond
	tests := []struct {
		name     string
		freed    time.Duration // when the slot is free, counted from the second caller's arrival
		patience time.Duration
		want     outcome
	}{
		{"a turn a moment before the end", wait - moment, 0, outcome{wait - moment, nil}},
		{"no turn until the end", wait + moment, 0, outcome{wait, ErrBusy}},
		{"a caller who goes sooner", time.Minute, time.Second, outcome{time.Second, context.DeadlineExceeded}},
		{"a caller who would wait longer", time.Minute, time.Hour, outcome{wait, ErrBusy}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := play(t, New(Config{Slots: 1}), []visit{
					{class: who("A1x"), work: hash + test.freed},
					{class: who("A1x"), at: hash, patience: test.patience},
				})
				if got[1] != test.want {
					t.Errorf("outcome is %+v, want %+v", got[1], test.want)
				}
			})
		})
	}
}

func TestATurnAtTheLastMomentIsNotLost(t *testing.T) {
	for range 200 { // either may win, and nobody may lose the slot
		synctest.Test(t, func(t *testing.T) {
			g := New(Config{Slots: 1, Wait: hash})
			got := play(t, g, []visit{
				{class: who("A1x"), work: hash},
				{class: who("A2x"), patience: hash},
				{class: who("A3x")},
			})
			for _, o := range got {
				if o.err != nil && !errors.Is(o.err, ErrBusy) && !errors.Is(o.err, context.DeadlineExceeded) {
					t.Errorf("outcome is %+v", o)
				}
			}
			enter(t, g, who("A1x"))() // would be busy if the slot were lost
		})
	}
}

func TestAnEndedContextDoesNotEnter(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	g := New(Config{})
	if leave, err := g.Enter(ctx, who("A1x")); !errors.Is(err, context.Canceled) || leave != nil {
		t.Errorf("Enter = %t, %v; want nothing and context.Canceled", leave != nil, err)
	}
	empty(t, g)
}

func TestLeavingTwiceFreesOneSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{Slots: 2})
		first, second := enter(t, g, who("A1x")), enter(t, g, who("A1x"))
		first()
		first()
		third := enter(t, g, who("A1x"))
		first()
		if _, err := g.Enter(t.Context(), who("A1x")); !errors.Is(err, ErrBusy) {
			t.Errorf("a third caller entered: %v", err)
		}
		second()
		third()
		empty(t, g)
	})
}

func TestWhoGivesUpLeavesItsPlaceAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{Slots: 1, Queue: 1})
		leave := enter(t, g, who("A1x"))
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			if _, err := g.Enter(ctx, who("A1x")); !errors.Is(err, context.Canceled) {
				t.Errorf("Enter = %v, want context.Canceled", err)
			}
		}()
		synctest.Wait()
		if _, err := g.Enter(t.Context(), who("A1x")); !errors.Is(err, ErrBusy) {
			t.Errorf("Enter = %v, want ErrBusy while somebody waits in the only place", err)
		}
		cancel()
		synctest.Wait()
		go func() { enter(t, g, who("A1x"))() }()
		synctest.Wait()
		leave()
		synctest.Wait()
		empty(t, g)
	})
}

func TestAnyCrowdIsServedAndForgotten(t *testing.T) {
	for seed := range uint64(50) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, 0))
				g := New(Config{Slots: 1 + r.IntN(4), Reserved: r.IntN(4), Wait: 10 * hash, Queue: 1 + r.IntN(20)})
				var visits []visit
				for range 300 {
					v := visit{
						class: Class{Tenant: fmt.Sprint(r.IntN(3)), Network: fmt.Sprint(r.IntN(6)), Familiar: r.IntN(3) == 0},
						at:    time.Duration(r.IntN(100)) * hash / 4,
						work:  time.Duration(r.IntN(8)) * hash / 4, // the same moments, to race with each other
					}
					if r.IntN(4) == 0 {
						v.patience = time.Duration(1+r.IntN(20)) * hash / 4
					}
					visits = append(visits, v)
				}
				served := 0
				for _, o := range play(t, g, visits) {
					switch {
					case o.err == nil:
						served++
					case !errors.Is(o.err, ErrBusy) && !errors.Is(o.err, context.DeadlineExceeded):
						t.Errorf("somebody got %v", o.err)
					}
					if o.waited > g.config.Wait {
						t.Errorf("somebody waited %s", o.waited)
					}
				}
				if served == 0 {
					t.Error("nobody got in")
				}
			})
		})
	}
}
