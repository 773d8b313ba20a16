package store_test

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/jobs"
	"github.com/postern-id/postern/internal/lifecycle"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/store"
)

// TestAJobThatWasGivenUpBeginsAnewWhereItFailed has an extension that nobody answers for a day.
func TestAJobThatWasGivenUpBeginsAnewWhereItFailed(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		f := fixture{open(t, c), c}
		tenant := tenantOf(t, f.DB, "contoso.example")
		u := member(tenant, directory.UserID(uuid.NewString()))
		u.AccountEnabled, u.Mail = false, "u@contoso.example"
		f.addUser(t, u)
		all := &company{now: nine, calls: map[string]map[directory.UserID]bool{}, down: true}
		x := lifecycle.Extension{Tenant: tenant, ID: uuid.NewString(), DisplayName: "Badge", URL: "https://badge.example", CreatedAt: nine}
		w := lifecycle.Workflow{
			Tenant: tenant, ID: uuid.NewString(), Category: lifecycle.Joiner, DisplayName: "Hire", Enabled: true, OnDemandOnly: true, Version: 1, CreatedAt: nine,
			Tasks: []lifecycle.Task{
				{Definition: lifecycle.EnableAccount, DisplayName: "On", Enabled: true},
				{Definition: lifecycle.RunExtension, DisplayName: "Badge", Enabled: true, Arguments: []lifecycle.Argument{{Name: "customTaskExtensionID", Value: x.ID}}},
				{Definition: lifecycle.WelcomeMail, DisplayName: "Mail", Enabled: true},
			},
		}.Saved(lifecycle.Workflow{}, nine)
		if err := errors.Join(f.PutExtension(t.Context(), x, change(tenant)), f.CreateWorkflow(t.Context(), w, change(tenant))); err != nil {
			t.Fatal(err)
		}
		e := &lifecycle.Engine{
			Store: f.DB, Directory: f.DB, Registrations: f.DB, Letters: all, Hooks: all, Now: all.Now, Log: slog.New(slog.DiscardHandler),
			Box: outbox.Box{Seals: all, Now: all.Now}, Passes: tap.Passes{Store: f.DB, Peppers: all, Now: all.Now, Rand: rand.Reader, Incarnation: f.Incarnation},
		}
		worker := &jobs.Worker{Store: f.DB, Kinds: e.Kinds(), Now: all.Now, Chance: func() float64 { return 0.5 }, Log: e.Log}
		run, err := e.Activate(t.Context(), w, []directory.UserID{u.ID}, nil, change(tenant))
		if err != nil {
			t.Fatal(err)
		}
		work := func() {
			t.Helper()
			for range 40 {
				if _, err := worker.Work(t.Context()); err != nil {
					t.Fatal(err)
				}
				all.pass(time.Hour)
			}
		}
		stands := func(want lifecycle.Status, tasks ...lifecycle.Status) {
			t.Helper()
			r, err := f.Run(t.Context(), tenant, w.ID, run.ID)
			if err != nil || r.Status != want {
				t.Errorf("the run is %s, %v, want %s", r.Status, err, want)
			}
			people, _, err := f.ListPeople(t.Context(), tenant, w.ID, run.ID, nil, 9)
			if err != nil || len(people) != 1 {
				t.Fatal(len(people), err)
			}
			for i, s := range tasks {
				if got := people[0].Tasks[i]; got.Status != s {
					t.Errorf("task %d is %s (%s), want %s", i+1, got.Status, got.FailureReason, s)
				}
			}
			if r.Counts.Failed < 0 || r.Counts.TasksFailed < 0 || r.Counts.TasksUnprocessed < 0 || r.Counts.Failed+r.Counts.Succeeded > 1 {
				t.Errorf("it counts %+v", r.Counts)
			}
		}
		work()
		stands(lifecycle.Failed, lifecycle.Completed, lifecycle.Failed, lifecycle.Canceled)
		dead, _, err := f.Jobs(t.Context(), tenant, jobs.Dead, nil, 9)
		if err != nil || len(dead) != 1 || !strings.HasSuffix(dead[0].LastError, "nobody is there") {
			t.Fatalf("%+v, %v", dead, err)
		}
		all.mu.Lock()
		all.down = false
		all.mu.Unlock()
		if err := f.WakeJob(t.Context(), tenant, dead[0].ID, all.Now(), change(tenant)); err != nil {
			t.Fatal(err)
		}
		stands(lifecycle.InProgress, lifecycle.Completed, lifecycle.Queued, lifecycle.Queued)
		work()
		stands(lifecycle.Completed, lifecycle.Completed, lifecycle.Completed, lifecycle.Completed)
		if n := events(t, f, u.ID, "Enable account"); n != 1 {
			t.Errorf("what was done before was done %d times", n)
		}
	})
}
