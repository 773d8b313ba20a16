package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
)

// A Kind is how one kind of job is done.
type Kind struct {
	Name    string
	Backoff Backoff // the zero value is Usual
	// Do does j. Nil is done; Later calls it again without a failure; an error that wraps
	// ErrRefused is final; another one is tried again. It returns soon after ctx ends.
	Do func(ctx context.Context, j Job) error
	// Last is called before a job dies, and may tell those who wait for it. If it fails, the job
	// waits on. It may be nil.
	Last func(ctx context.Context, j Job, why string) error
}

// A Worker does jobs. Any number of them work side by side. Every field is required.
type Worker struct {
	Store  Store
	Kinds  []Kind
	Now    func() time.Time // UTC
	Chance func() float64   // in [0, 1), for the length of pauses
	Log    *slog.Logger
}

const (
	// every is how often a worker looks for jobs that are due.
	every = time.Second
	// TryTimeout bounds one try. The lease outlives it, so that a job is tried by one replica at
	// a time while clocks agree within the difference.
	TryTimeout = time.Minute
	lease      = 5 * time.Minute
	// round is how many jobs of a tenant are done before the next tenant's turn.
	round = 20
	// hands is how many jobs one server does at a time, so that a slow one holds up few.
	hands = 4
)

// Run does jobs as they get due, until ctx ends.
func (w *Worker) Run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	for range hands {
		all.Go(func() { w.loop(ctx) })
	}
}

func (w *Worker) loop(ctx context.Context) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		n, err := w.Work(ctx)
		if err != nil && ctx.Err() == nil {
			w.Log.ErrorContext(ctx, "jobs failed", "err", err)
		}
		if n > 0 && err == nil && ctx.Err() == nil {
			continue // there may be more
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Work tries what is due now, a bounded number for each tenant, and returns how many it tried.
func (w *Worker) Work(ctx context.Context) (int, error) {
	tenants, err := w.Store.Tenants(ctx)
	if err != nil {
		return 0, fmt.Errorf("list the tenants: %w", err)
	}
	kinds := make(map[string]Kind, len(w.Kinds))
	for _, k := range w.Kinds {
		kinds[k.Name] = k
	}
	names := slices.Sorted(maps.Keys(kinds))
	tried := 0
	var all []error
	for _, tenant := range tenants {
		n, err := w.work(ctx, tenant, names, kinds)
		tried += n
		all = append(all, err)
	}
	return tried, errors.Join(all...)
}

func (w *Worker) work(ctx context.Context, tenant directory.TenantID, names []string, kinds map[string]Kind) (int, error) {
	for n := range round {
		select {
		case <-ctx.Done():
			return n, nil
		default:
		}
		now := w.Now()
		j, err := w.Store.LeaseJob(ctx, tenant, names, now, now.Add(lease))
		if errors.Is(err, ErrNoJob) {
			return n, nil
		}
		if err != nil {
			return n, fmt.Errorf("lease a job of tenant %s: %w", tenant, err)
		}
		if err := w.try(ctx, j, kinds[j.Kind]); err != nil {
			return n, err
		}
	}
	return round, nil
}

// try does j once and stores what came of it, also when ctx ends meanwhile.
func (w *Worker) try(ctx context.Context, j Job, k Kind) error {
	b := k.Backoff
	if b == (Backoff{}) {
		b = Usual
	}
	err := w.do(ctx, j, k, b)
	after := j.After(err, b, w.Now(), w.Chance())
	whole := context.WithoutCancel(ctx)
	if err != nil && ctx.Err() != nil && after.State == Waiting { // the server's own end cut it short
		after.DueAt = w.Now()
	}
	var events []audit.Event
	if after.State == Dead {
		if k.Last != nil {
			if err := k.Last(whole, j, after.LastError); err != nil {
				after = j.After(err, Backoff{First: b.Most, Most: b.Most}, w.Now(), w.Chance())
			}
		}
		if after.State == Dead {
			events = append(events, died(after))
		}
	}
	if err := w.Store.SettleJob(whole, j, after, events...); err != nil {
		return fmt.Errorf("settle job %s: %w", j.ID, err)
	}
	w.report(ctx, after)
	return nil
}

func (w *Worker) do(ctx context.Context, j Job, k Kind, b Backoff) (err error) {
	if b.Exhausted(j.Attempts, j.CreatedAt, w.Now()) && j.Attempts > 1 {
		return errors.New("it has been tried too often: " + j.LastError)
	}
	ctx, stop := context.WithTimeout(ctx, TryTimeout)
	defer stop()
	return k.Do(ctx, j)
}

// died is the event of a job that is given up.
func died(j Job) audit.Event {
	return audit.Event{
		Tenant: string(j.Tenant), ID: uuid.NewString(), At: j.EndedAt, CorrelationID: j.ID,
		Change: &audit.Change{
			Activity: audit.GiveUpJob, Category: audit.CategoryDirectoryManagement, Service: audit.ServicePostern, Operation: audit.OperationUpdate,
			Result: audit.Failure, ResultReason: "It was tried too often, or refused for good.", By: audit.Actor{App: &audit.AppActor{DisplayName: "Postern jobs"}},
			Targets: []audit.Target{{ID: j.ID, Type: audit.TargetOther, DisplayName: j.Kind}},
			Details: []audit.KeyValue{{Key: "job", Value: j.ID}, {Key: "kind", Value: j.Kind}, {Key: "key", Value: j.Key}},
		},
	}
}

// report logs how a try ended.
func (w *Worker) report(ctx context.Context, j Job) {
	level, said := slog.LevelDebug, "job done"
	_, held := j.Held()
	switch {
	case j.State == Dead:
		level, said = slog.LevelError, "job given up"
	case j.State == Waiting && j.LastError != "" && held == "":
		level, said = slog.LevelWarn, "job not done yet"
	case j.State == Waiting:
		said = "job waits for its time"
	}
	w.Log.Log(ctx, level, said, "tenant_id", j.Tenant, "job_id", j.ID, "kind", j.Kind, "attempts", j.Attempts, "due", j.DueAt, "why", j.LastError)
}
