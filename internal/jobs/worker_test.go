package jobs_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/jobs"
)

var nine = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// one is a store with one job. The contract of stores is tested by package jobstest.
type one struct {
	job    jobs.Job
	events []audit.Event
}

func (o *one) Tenants(context.Context) ([]directory.TenantID, error) {
	return []directory.TenantID{"t"}, nil
}

func (o *one) LeaseJob(_ context.Context, _ directory.TenantID, kinds []string, now, until time.Time) (jobs.Job, error) {
	if o.job.State != jobs.Waiting || o.job.DueAt.After(now) || o.job.LeaseUntil.After(now) || !slices.Contains(kinds, o.job.Kind) {
		return jobs.Job{}, jobs.ErrNoJob
	}
	o.job.Attempts++
	o.job.LeaseUntil = until
	return o.job, nil
}

func (o *one) SettleJob(ctx context.Context, _, after jobs.Job, events ...audit.Event) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	o.job, o.events = after, append(o.events, events...)
	return nil
}

func (o *one) RemoveJobs(context.Context, directory.TenantID, time.Time, int) (int64, error) {
	return 0, nil
}

func worker(o *one, now *time.Time, k jobs.Kind) *jobs.Worker {
	return &jobs.Worker{
		Store: o, Kinds: []jobs.Kind{k}, Now: func() time.Time { return *now },
		Chance: func() float64 { return 0.5 }, Log: slog.New(slog.DiscardHandler),
	}
}

func TestAJobThatFailsIsTriedUntilItDiesAndThenSaysSo(t *testing.T) {
	now := nine
	o := &one{job: jobs.Job{Tenant: "t", ID: "j", Kind: "greet", State: jobs.Waiting, CreatedAt: now, DueAt: now}}
	tries, last := 0, ""
	w := worker(o, &now, jobs.Kind{
		Name: "greet", Backoff: jobs.Backoff{First: time.Minute, Most: time.Minute, GiveUp: time.Hour},
		Do:   func(context.Context, jobs.Job) error { tries++; return errors.New("nobody is there") },
		Last: func(_ context.Context, _ jobs.Job, why string) error { last = why; return nil },
	})
	for o.job.State == jobs.Waiting {
		if _, err := w.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Minute)
	}
	if tries != 60 || last != "it has been tried too often: nobody is there" || len(o.events) != 1 || o.events[0].Change.Activity != audit.GiveUpJob {
		t.Errorf("%d tries, last %q, events %+v", tries, last, o.events)
	}
}

func TestAJobDoesNotDieBeforeThoseWhoWaitForItAreTold(t *testing.T) {
	now := nine
	o := &one{job: jobs.Job{Tenant: "t", ID: "j", Kind: "greet", State: jobs.Waiting, CreatedAt: now, DueAt: now}}
	tells := 0
	w := worker(o, &now, jobs.Kind{
		Name: "greet", Backoff: jobs.Backoff{First: time.Second, Most: time.Minute},
		Do: func(context.Context, jobs.Job) error { return jobs.ErrRefused },
		Last: func(context.Context, jobs.Job, string) error {
			if tells++; tells == 1 {
				return errors.New("the store is away")
			}
			return nil
		},
	})
	for n, state := range []jobs.State{jobs.Waiting, jobs.Dead} {
		if _, err := w.Work(t.Context()); err != nil || o.job.State != state || len(o.events) != n || tells != n+1 {
			t.Errorf("after %d: %v, %+v, told %d times, events %v", n+1, err, o.job, tells, o.events)
		}
		now = now.Add(time.Hour)
	}
}

func TestAJobThatBreaksTheProgramIsNotTriedForEver(t *testing.T) {
	now := nine
	o := &one{job: jobs.Job{Tenant: "t", ID: "j", Kind: "greet", State: jobs.Waiting, CreatedAt: now, DueAt: now, Attempts: 7}}
	w := worker(o, &now, jobs.Kind{
		Name: "greet", Backoff: jobs.Backoff{First: 1, Most: 1, MostAttempts: 7},
		Do: func(context.Context, jobs.Job) error { t.Error("it was tried once more"); return nil },
	})
	if _, err := w.Work(t.Context()); err != nil || o.job.State != jobs.Dead {
		t.Errorf("%v, %+v", err, o.job)
	}
}

func TestAServerThatEndsLeavesTheJobToTheNext(t *testing.T) {
	now := nine
	o := &one{job: jobs.Job{Tenant: "t", ID: "j", Kind: "greet", State: jobs.Waiting, CreatedAt: now, DueAt: now}}
	ctx, stop := context.WithCancel(t.Context())
	w := worker(o, &now, jobs.Kind{Name: "greet", Do: func(ctx context.Context, _ jobs.Job) error { stop(); return ctx.Err() }})
	if _, err := w.Work(ctx); err != nil || o.job.State != jobs.Waiting || !o.job.DueAt.Equal(now) || !o.job.LeaseUntil.IsZero() {
		t.Errorf("%v, %+v", err, o.job)
	}
}
