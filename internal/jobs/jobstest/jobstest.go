// Package jobstest tests what stores of jobs promise: [jobs.Store] and [jobs.Shelf].
package jobstest

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/jobs"
)

// Fixture is a store, empty at first, and what the suite needs beside it.
type Fixture interface {
	jobs.Store
	jobs.Shelf
	AddTenant(t testing.TB, tenant directory.TenantID, domain string)
	QueueJobs(ctx context.Context, all []jobs.Job, events ...audit.Event) error
}

var nine = time.Date(2026, 11, 2, 9, 0, 0, 123456000, time.UTC)

// Store tests the stores that open returns; each is empty and closed by its test.
func Store(t *testing.T, open func(testing.TB) Fixture) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, *bench)
	}{
		{"a queued job is leased as it was queued, when it is due", leases},
		{"jobs of a kind that nobody here knows stay for who does", kinds},
		{"a job with the same kind and key is queued once", once},
		{"of many replicas one gets each job", race},
		{"a lease that ran out goes to somebody else, and the first can't settle", lost},
		{"a job that is called later begins anew and does not lose its fence", later},
		{"a dead job is listed, has its event, and can be woken", dead},
		{"jobs are listed a page at a time, for their tenant only", pages},
		{"old jobs go away, but not what waits", removes},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := &bench{Fixture: open(t), tenant: directory.TenantID(uuid.NewString())}
			b.AddTenant(t, b.tenant, "contoso.example")
			test.run(t, b)
		})
	}
}

type bench struct {
	Fixture
	tenant directory.TenantID
}

func (b *bench) queue(t *testing.T, key string, due time.Time) jobs.Job {
	t.Helper()
	j, err := jobs.New(b.tenant, "greet", key, map[string]int{"n": 7}, nine, due)
	if err == nil {
		err = b.QueueJobs(t.Context(), []jobs.Job{j})
	}
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func (b *bench) lease(t *testing.T, now time.Time) jobs.Job {
	t.Helper()
	j, err := b.LeaseJob(t.Context(), b.tenant, []string{"greet"}, now, now.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func (b *bench) nothing(t *testing.T, now time.Time, kinds ...string) {
	t.Helper()
	if j, err := b.LeaseJob(t.Context(), b.tenant, kinds, now, now.Add(time.Minute)); !errors.Is(err, jobs.ErrNoJob) {
		t.Errorf("leased %+v, %v; want none", j, err)
	}
}

func leases(t *testing.T, b *bench) {
	second, first := b.queue(t, "b", nine.Add(time.Second)), b.queue(t, "a", nine)
	b.nothing(t, nine.Add(-time.Microsecond), "greet")
	first.LeaseUntil, first.Attempts = nine.Add(time.Minute+time.Second), 1
	if got := b.lease(t, nine.Add(time.Second)); got != first {
		t.Errorf("leased\n%+v, want\n%+v", got, first)
	}
	if got := b.lease(t, nine.Add(time.Second)); got.ID != second.ID {
		t.Errorf("leased %s, want the second", got.Key)
	}
	b.nothing(t, nine.Add(time.Second), "greet")
	other := &bench{b.Fixture, directory.TenantID(uuid.NewString())}
	other.nothing(t, nine.Add(time.Hour), "greet")
}

func kinds(t *testing.T, b *bench) {
	b.queue(t, "a", nine)
	b.nothing(t, nine)
	b.nothing(t, nine, "part", "meet")
	if _, err := b.LeaseJob(t.Context(), b.tenant, []string{"part", "greet"}, nine, nine.Add(time.Minute)); err != nil {
		t.Error(err)
	}
}

func once(t *testing.T, b *bench) {
	b.queue(t, "a", nine)
	b.queue(t, "a", nine)
	j := b.lease(t, nine)
	b.nothing(t, nine, "greet")
	if err := b.SettleJob(t.Context(), j, j.After(nil, jobs.Usual, nine, 0)); err != nil {
		t.Fatal(err)
	}
	b.queue(t, "a", nine)
	b.nothing(t, nine.Add(time.Hour), "greet")
}

func race(t *testing.T, b *bench) {
	const many = 12
	for i := range many {
		b.queue(t, strconv.Itoa(i), nine)
	}
	var mu sync.Mutex
	got := map[string]int{}
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			for {
				j, err := b.LeaseJob(t.Context(), b.tenant, []string{"greet"}, nine, nine.Add(time.Minute))
				if errors.Is(err, jobs.ErrNoJob) {
					if _, err := b.LeaseJob(t.Context(), b.tenant, []string{"greet"}, nine, nine.Add(time.Minute)); errors.Is(err, jobs.ErrNoJob) {
						return
					}
				}
				if err == nil {
					mu.Lock()
					got[j.Key]++
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	for key, n := range got {
		if n != 1 {
			t.Errorf("job %s went to %d", key, n)
		}
	}
}

func lost(t *testing.T, b *bench) {
	b.queue(t, "a", nine)
	first := b.lease(t, nine)
	b.nothing(t, nine.Add(time.Minute-time.Microsecond), "greet")
	second := b.lease(t, nine.Add(time.Minute))
	if err := b.SettleJob(t.Context(), first, first.After(nil, jobs.Usual, nine, 0), event(b.tenant)); !errors.Is(err, jobs.ErrLeaseLost) {
		t.Errorf("the first settled: %v", err)
	}
	if second.Attempts != 2 {
		t.Errorf("the second try counts %d", second.Attempts)
	}
	if err := b.SettleJob(t.Context(), second, second.After(nil, jobs.Usual, nine, 0)); err != nil {
		t.Error(err)
	}
}

func later(t *testing.T, b *bench) {
	b.queue(t, "a", nine)
	first := b.lease(t, nine)
	if err := b.SettleJob(t.Context(), first, first.After(jobs.Later{At: nine.Add(time.Hour), Why: "Too early."}, jobs.Usual, nine, 0)); err != nil {
		t.Fatal(err)
	}
	b.nothing(t, nine.Add(time.Hour-time.Microsecond), "greet")
	waiting, _, err := b.Jobs(t.Context(), b.tenant, jobs.Waiting, nil, 9)
	if err != nil || len(waiting) != 1 {
		t.Fatalf("%+v wait, %v", waiting, err)
	}
	if until, why := waiting[0].Held(); !until.Equal(nine.Add(time.Hour)) || why != "Too early." {
		t.Errorf("it waits until %v because %q", until, why)
	}
	second := b.lease(t, nine.Add(time.Hour))
	if until, why := second.Held(); second.Attempts != 1 || why != "" || !until.IsZero() {
		t.Errorf("the job came back as %+v", second)
	}
	if err := b.SettleJob(t.Context(), first, first.After(nil, jobs.Usual, nine, 0)); !errors.Is(err, jobs.ErrLeaseLost) {
		t.Errorf("who had it an hour ago settled it: %v", err)
	}
}

func dead(t *testing.T, b *bench) {
	j := b.queue(t, "a", nine)
	leased := b.lease(t, nine)
	if err := b.SettleJob(t.Context(), leased, leased.After(jobs.ErrRefused, jobs.Usual, nine, 0), event(b.tenant)); err != nil {
		t.Fatal(err)
	}
	b.nothing(t, nine.Add(time.Hour), "greet")
	all, next, err := b.Jobs(t.Context(), b.tenant, jobs.Dead, nil, 10)
	if err != nil || next != nil || len(all) != 1 || all[0].ID != j.ID || all[0].LastError == "" || !all[0].EndedAt.Equal(nine) {
		t.Fatalf("dead are %+v, %v", all, err)
	}
	if err := b.WakeJob(t.Context(), b.tenant, j.ID, nine.Add(time.Hour), event(b.tenant)); err != nil {
		t.Fatal(err)
	}
	if err := b.WakeJob(t.Context(), b.tenant, j.ID, nine.Add(time.Hour), event(b.tenant)); !errors.Is(err, jobs.ErrUnknown) {
		t.Errorf("a job that waits was woken: %v", err)
	}
	if got := b.lease(t, nine.Add(time.Hour)); got.ID != j.ID || got.Attempts != 1 {
		t.Errorf("woken is %+v", got)
	}
}

func pages(t *testing.T, b *bench) {
	for i := range 5 {
		b.queue(t, strconv.Itoa(i), nine.Add(time.Duration(i/2)*time.Minute)) // two at a time
	}
	var seen []string
	var after []any
	for range 4 {
		found, next, err := b.Jobs(t.Context(), b.tenant, jobs.Waiting, after, 2)
		if err != nil || len(found) > 2 {
			t.Fatal(len(found), err)
		}
		for _, j := range found {
			seen = append(seen, j.Key)
		}
		if after = next; after == nil {
			break
		}
	}
	if len(seen) != 5 || seen[0] != "4" || len(slices.Compact(slices.Sorted(slices.Values(seen)))) != 5 {
		t.Errorf("listed %v", seen)
	}
	if all, _, err := b.Jobs(t.Context(), directory.TenantID(uuid.NewString()), jobs.Waiting, nil, 9); err != nil || len(all) != 0 {
		t.Errorf("another tenant sees %d, %v", len(all), err)
	}
}

func removes(t *testing.T, b *bench) {
	b.queue(t, "waits", nine.Add(time.Hour))
	for _, how := range []error{nil, jobs.ErrRefused} {
		b.queue(t, "ends", nine)
		j := b.lease(t, nine)
		if err := b.SettleJob(t.Context(), j, j.After(how, jobs.Usual, nine, 0)); err != nil {
			t.Fatal(err)
		}
		if n, err := b.RemoveJobs(t.Context(), b.tenant, nine, 10); n != 0 || err != nil {
			t.Errorf("removed %d, %v before its time", n, err)
		}
		if n, err := b.RemoveJobs(t.Context(), b.tenant, nine.Add(time.Microsecond), 10); n != 1 || err != nil {
			t.Errorf("removed %d, %v; want 1", n, err)
		}
	}
	b.lease(t, nine.Add(time.Hour))
}

func event(tenant directory.TenantID) audit.Event {
	return audit.Event{
		Tenant: string(tenant), ID: uuid.NewString(), At: nine, CorrelationID: uuid.NewString(),
		Change: &audit.Change{
			Activity: audit.GiveUpJob, Category: audit.CategoryDirectoryManagement, Service: audit.ServicePostern,
			Operation: audit.OperationUpdate, Result: audit.Failure,
		},
	}
}
