package report

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/audit"
)

// A Batch is what some entries of the log add.
type Batch struct {
	Now      time.Time // when it is counted
	From, To int64     // the position of the first entry, and of the one after the last
	Days     map[Day]Tallies
	Steps    []Step // in the order of the log
}

// People returns whose steps b has, each once, in order.
func (b Batch) People() []string {
	var all []string
	for _, s := range b.Steps {
		all = append(all, s.User)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Apply returns all tallies of b, those of its steps included, and leaves in people what is
// known of everybody afterwards.
func (b Batch) Apply(people map[string]Person) map[Day]Tallies {
	days := map[Day]Tallies{}
	add := func(day Day, t Tallies) {
		if days[day] == nil {
			days[day] = Tallies{}
		}
		days[day].Add(t)
	}
	for day, t := range b.Days {
		add(day, t)
	}
	for _, s := range b.Steps {
		after, t := people[s.User].After(s)
		people[s.User] = after
		add(s.Day, t)
	}
	return days
}

const (
	followEvery = time.Second
	followBatch = audit.MaxBatch
)

// A Source is the sealed log, as [audit.Source] has it.
type Source interface {
	Sealed(ctx context.Context, tenant string, from int64, limit int) ([]audit.SealedEntry, error)
}

// A Follower counts the logs of all tenants. Any number may run on one store. Every field is
// required.
type Follower struct {
	Log     Source
	Store   Store
	Tenants func(ctx context.Context) ([]string, error)
	Zone    func(ctx context.Context, tenant string) (*time.Location, error)
	Now     func() time.Time
	// Told is called after entries were counted with the people and devices that they are about.
	Told func(ctx context.Context, tenant string, touched map[Kind][]string)
	Logs *slog.Logger
}

// Run counts every second until ctx ends. Failures are logged and tried again.
func (f *Follower) Run(ctx context.Context) {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		if err := f.Round(ctx); err != nil && ctx.Err() == nil {
			f.Logs.ErrorContext(ctx, "counting the log failed", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Round counts what is new of every tenant; the failure of one does not stop the others.
func (f *Follower) Round(ctx context.Context) error {
	tenants, err := f.Tenants(ctx)
	for _, tenant := range tenants {
		if failed := f.follow(ctx, tenant); failed != nil && !errors.Is(failed, ErrStale) {
			err = errors.Join(err, fmt.Errorf("count the log of %s: %w", tenant, failed))
		}
	}
	return err
}

func (f *Follower) follow(ctx context.Context, tenant string) error {
	for {
		from, err := f.Store.Counted(ctx, tenant)
		if err != nil {
			return err
		}
		entries, err := f.Log.Sealed(ctx, tenant, from, followBatch)
		if err != nil || len(entries) == 0 {
			return err
		}
		zone, err := f.Zone(ctx, tenant)
		if err != nil {
			return err
		}
		b, touched := Read(entries, zone)
		b.From, b.Now = from, f.Now()
		if err := f.Store.Count(ctx, tenant, b); err != nil {
			return err
		}
		f.Told(ctx, tenant, touched)
		if len(entries) < followBatch {
			return nil
		}
	}
}

// Read returns what sealed entries add, and whom and which devices they are about.
func Read(entries []audit.SealedEntry, zone *time.Location) (Batch, map[Kind][]string) {
	b, touched := Batch{Days: map[Day]Tallies{}}, map[Kind][]string{}
	for _, one := range entries {
		b.To = one.Position + 1
		e, err := audit.Open(one.Entry)
		if err != nil { // it was tampered with: log verify says so, and counting goes on
			continue
		}
		day := DayOf(e.At, zone)
		if b.Days[day] == nil {
			b.Days[day] = Tallies{}
		}
		b.Steps = append(b.Steps, stepsOf(e, day)...)
		if e.SignIn != nil {
			b.Days[day].countSignIn(e.SignIn)
			continue
		}
		b.Days[day].countChange(e.Change)
		touch(e.Change, touched)
	}
	return b, touched
}

// touch adds whom a change is about.
func touch(c *audit.Change, touched map[Kind][]string) {
	kinds := map[string]Kind{audit.TargetUser: People, audit.TargetDevice: Devices}
	for _, t := range c.Targets {
		if kind, ok := kinds[t.Type]; ok && t.ID != "" && !slices.Contains(touched[kind], t.ID) {
			touched[kind] = append(touched[kind], t.ID)
		}
	}
}
