package roster_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/recovery/roster"
)

// A crowd is people who all stand alike. It is the store, too, and notes what is stored.
type crowd struct {
	roster.Store
	lock   sync.Mutex
	ids    []directory.UserID
	rules  string
	mark   roster.Mark
	ticket roster.Ticket
	stored []time.Time
	looks  time.Duration // how long a chunk takes to look at
	broken error
}

func (c *crowd) Rules(context.Context, directory.TenantID) (string, error) {
	c.lock.Lock()
	defer c.lock.Unlock()
	return c.rules, nil
}

// changeRules is what an administrator does.
func (c *crowd) changeRules(to string) {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.rules = to
}

// chunks is how many are stored, and the mark.
func (c *crowd) chunks() (int, roster.Mark) {
	c.lock.Lock()
	defer c.lock.Unlock()
	return len(c.stored), c.mark
}

func (c *crowd) Look(context.Context, directory.TenantID) (roster.Look, error) { return c, nil }

// Next makes chunks of one.
func (c *crowd) Next(_ context.Context, after directory.UserID, _ int) (roster.Span, error) {
	i := slices.Index(c.ids, after) + 1
	if i == len(c.ids)-1 {
		return roster.Span{After: after}, nil
	}
	return roster.Span{After: after, Last: c.ids[i]}, nil
}

func (c *crowd) In(_ context.Context, span roster.Span) (roster.States, error) {
	time.Sleep(c.looks)
	i := slices.Index(c.ids, span.After) + 1
	if i == len(c.ids)-1 && c.broken != nil {
		return nil, c.broken
	}
	return roster.States{c.ids[i]: recovery.State("s")}, nil
}

func (c *crowd) Of(context.Context, []directory.UserID) (roster.States, error) { return nil, nil }

func (c *crowd) RosterMark(context.Context, directory.TenantID) (roster.Mark, error) {
	c.lock.Lock()
	defer c.lock.Unlock()
	return c.mark, nil
}

func (c *crowd) RosterTicket(context.Context, directory.TenantID) (roster.Ticket, error) {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.ticket++
	return c.ticket, nil
}

func (c *crowd) SweepRoster(_ context.Context, _ directory.TenantID, from, to roster.Mark, found roster.Finding, _ time.Time) error {
	c.lock.Lock()
	defer c.lock.Unlock()
	if from.Version != c.mark.Version {
		return roster.ErrStale
	}
	c.mark = to
	c.stored = append(c.stored, time.Now())
	return nil
}

func (c *crowd) sweep() *roster.Sweep {
	return &roster.Sweep{Looker: c, Store: c, Now: time.Now, Log: slog.New(slog.DiscardHandler), Tenants: func(context.Context) ([]string, error) {
		return []string{"t"}, nil
	}}
}

func newCrowd(n int) *crowd {
	c := &crowd{rules: "1", looks: time.Millisecond}
	for i := range n {
		c.ids = append(c.ids, directory.UserID(fmt.Sprintf("%04d", i)))
	}
	return c
}

func TestASweepHurriesOnlyWhenTheRulesChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(100)
		ctx, stop := context.WithCancel(t.Context())
		go c.sweep().Run(ctx)
		time.Sleep(2 * time.Second)
		if n, mark := c.chunks(); n != 100 || mark.Rush || mark.Whole.IsZero() {
			t.Errorf("at first %d chunks are stored, and the mark is %+v", n, mark)
		}
		c.changeRules("2")
		time.Sleep(2 * time.Second)
		if n, _ := c.chunks(); n != 200 {
			t.Errorf("after the rules changed %d chunks", n)
		}
		time.Sleep(time.Minute)
		if n, _ := c.chunks(); n != 200 {
			t.Errorf("nothing happened, and %d chunks are stored", n)
		}
		time.Sleep(10 * time.Minute) // rounds in no hurry: one chunk a second at most
		if n, _ := c.chunks(); n < 200+100 || n > 200+10*60 {
			t.Errorf("in ten minutes %d chunks", n-200)
		}
		stop()
		synctest.Wait()
	})
}

func TestOfTwoSweepsTheSlowerOneStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(50)
		ctx, stop := context.WithCancel(t.Context())
		go c.sweep().Run(ctx)
		go c.sweep().Run(ctx)
		time.Sleep(5 * time.Second)
		if _, mark := c.chunks(); mark.Version != 50 || mark.Rush {
			t.Errorf("the mark is %+v", mark)
		}
		stop()
		synctest.Wait()
	})
}

func TestAKilledSweepGoesOnWhereItWas(t *testing.T) {
	c := newCrowd(10)
	c.broken = errors.New("killed")
	if err := c.sweep().Round(t.Context()); !errors.Is(err, c.broken) || c.mark.After != c.ids[8] {
		t.Fatalf("%v, at %+v", err, c.mark)
	}
	c.broken = nil
	before := len(c.stored)
	if err := c.sweep().Round(t.Context()); err != nil || len(c.stored) != before+1 || c.mark.Whole.IsZero() {
		t.Errorf("%v: %d chunks more, %+v", err, len(c.stored)-before, c.mark)
	}
}

// TestTenantsTakeTurnsInARoundThatIsInNoHurry: one with many people does not keep the others waiting.
func TestTenantsTakeTurnsInARoundThatIsInNoHurry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		large, small := newCrowd(10_000), newCrowd(10)
		s := large.sweep()
		s.Tenants = func(context.Context) ([]string, error) { return []string{"large", "small"}, nil }
		both := byTenant{"large": large, "small": small}
		s.Looker, s.Store = both, both
		if err := s.Round(t.Context()); err != nil { // both in a rush
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(t.Context(), 5*time.Minute+30*time.Second)
		defer stop()
		s.Run(ctx)
		if n, _ := large.chunks(); n < 10_000+10 {
			t.Errorf("%d chunks of the large one", n)
		}
		if n, _ := small.chunks(); n < 10+10 {
			t.Errorf("%d chunks of the small one", n)
		}
	})
}

// byTenant is the crowds of several tenants.
type byTenant map[directory.TenantID]*crowd

func (b byTenant) Rules(ctx context.Context, t directory.TenantID) (string, error) {
	return b[t].Rules(ctx, t)
}

func (b byTenant) Look(ctx context.Context, t directory.TenantID) (roster.Look, error) {
	return b[t].Look(ctx, t)
}

func (b byTenant) RosterMark(ctx context.Context, t directory.TenantID) (roster.Mark, error) {
	return b[t].RosterMark(ctx, t)
}

func (b byTenant) RosterTicket(ctx context.Context, t directory.TenantID) (roster.Ticket, error) {
	return b[t].RosterTicket(ctx, t)
}

func (b byTenant) SweepRoster(ctx context.Context, t directory.TenantID, from, to roster.Mark, found roster.Finding, now time.Time) error {
	return b[t].SweepRoster(ctx, t, from, to, found, now)
}

func (b byTenant) SetRoster(context.Context, directory.TenantID, []directory.UserID, roster.Finding, time.Time) error {
	return nil
}

func (b byTenant) RosterCounts(context.Context, directory.TenantID) (map[recovery.State]int, error) {
	return nil, nil
}

func (b byTenant) Roster(context.Context, directory.TenantID, []recovery.State, roster.Position, int) ([]roster.Position, error) {
	return nil, nil
}

// told is a crowd of whom the log tells; it notes whom it was asked about at once.
type told struct {
	*crowd
	asked  []int
	stored []directory.UserID
}

func (c *told) Look(context.Context, directory.TenantID) (roster.Look, error) { return c, nil }

func (c *told) Of(_ context.Context, ids []directory.UserID) (roster.States, error) {
	c.asked = append(c.asked, len(ids))
	return nil, c.broken
}

func (c *told) SetRoster(_ context.Context, _ directory.TenantID, ids []directory.UserID, _ roster.Finding, _ time.Time) error {
	c.stored = append(c.stored, ids...)
	return nil
}

func TestEverybodyOfWhomTheLogTellsIsLookedAtHoweverMany(t *testing.T) {
	c := &told{crowd: newCrowd(0)}
	s := c.sweep()
	s.Looker, s.Store = c, c
	people := make([]string, 2*roster.MostAtOnce+24)
	for i := range people {
		people[i] = fmt.Sprint(i)
	}
	s.Told(t.Context(), "t", people)
	if !slices.Equal(c.asked, []int{roster.MostAtOnce, roster.MostAtOnce, 24}) || len(c.stored) != len(people) || c.stored[len(people)-1] != directory.UserID(people[len(people)-1]) {
		t.Errorf("asked about %v, %d are stored", c.asked, len(c.stored))
	}
	s.Told(t.Context(), "t", nil)
	c.broken = errors.New("broken")
	s.Told(t.Context(), "t", people)
	if len(c.asked) != 4 {
		t.Errorf("where it fails it goes on: %v", c.asked)
	}
}
