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

func (c *crowd) After(_ context.Context, _ directory.TenantID, after directory.UserID, _ int) (roster.States, directory.UserID, error) {
	time.Sleep(c.looks)
	i := 0
	if after != "" {
		i = slices.Index(c.ids, after) + 1
	}
	if i == len(c.ids) {
		return nil, "", c.broken
	}
	return roster.States{c.ids[i]: recovery.State("s")}, c.ids[i], nil
}

func (c *crowd) Of(context.Context, directory.TenantID, []directory.UserID) (roster.States, error) {
	return nil, nil
}

func (c *crowd) RosterMark(context.Context, directory.TenantID) (roster.Mark, error) {
	c.lock.Lock()
	defer c.lock.Unlock()
	return c.mark, nil
}

func (c *crowd) SweepRoster(_ context.Context, _ directory.TenantID, from, to roster.Mark, _ roster.States) error {
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
		if n, mark := c.chunks(); n != 101 || mark.Rush || mark.Whole.IsZero() {
			t.Errorf("at first %d chunks are stored, and the mark is %+v", n, mark)
		}
		c.changeRules("2")
		time.Sleep(2 * time.Second)
		if n, _ := c.chunks(); n != 202 {
			t.Errorf("after the rules changed %d chunks", n)
		}
		time.Sleep(time.Minute)
		if n, _ := c.chunks(); n != 202 {
			t.Errorf("nothing happened, and %d chunks are stored", n)
		}
		time.Sleep(10 * time.Minute) // rounds in no hurry: one chunk a second at most
		if n, _ := c.chunks(); n < 202+100 || n > 202+10*60 {
			t.Errorf("in ten minutes %d chunks", n-202)
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
		if _, mark := c.chunks(); mark.Version != 51 || mark.Rush {
			t.Errorf("the mark is %+v", mark)
		}
		stop()
		synctest.Wait()
	})
}

func TestAKilledSweepGoesOnWhereItWas(t *testing.T) {
	c := newCrowd(10)
	c.broken = errors.New("killed")
	if err := c.sweep().Round(t.Context()); !errors.Is(err, c.broken) || c.mark.After != c.ids[9] {
		t.Fatalf("%v, at %+v", err, c.mark)
	}
	c.broken = nil
	before := len(c.stored)
	if err := c.sweep().Round(t.Context()); err != nil || len(c.stored) != before+1 || c.mark.Whole.IsZero() {
		t.Errorf("%v: %d chunks more, %+v", err, len(c.stored)-before, c.mark)
	}
}
