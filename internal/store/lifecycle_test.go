package store_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/jobs"
	"github.com/postern-id/postern/internal/lifecycle"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/outbox/letter"
	"github.com/postern-id/postern/internal/store"
)

// errKilled is what a replica sees of the store once it was killed.
var errKilled = errors.New("killed")

// mortal is the store as a replica sees it that is killed at some call: before it, or after it was
// committed and before anybody was told.
type mortal struct {
	*store.DB
	mu    sync.Mutex
	left  int  // calls until its end
	after bool // the last call is committed
	dead  bool
}

func (m *mortal) call(do func() error) error {
	m.mu.Lock()
	if m.dead {
		m.mu.Unlock()
		return errKilled
	}
	m.left--
	last := m.left <= 0
	m.dead = last
	m.mu.Unlock()
	if !last {
		return do()
	}
	if m.after {
		_ = do()
	}
	return errKilled
}

func (m *mortal) Schedule(ctx context.Context, w lifecycle.Workflow, now, next time.Time, j jobs.Job) error {
	return m.call(func() error { return m.DB.Schedule(ctx, w, now, next, j) })
}

func (m *mortal) AddPeople(ctx context.Context, r lifecycle.Run, people []lifecycle.Person, work []jobs.Job, events ...audit.Event) (n int, err error) {
	err = m.call(func() (err error) { n, err = m.DB.AddPeople(ctx, r, people, work, events...); return err })
	return n, err
}

func (m *mortal) EndGathering(ctx context.Context, tenant directory.TenantID, run string, at time.Time) error {
	return m.call(func() error { return m.DB.EndGathering(ctx, tenant, run, at) })
}

func (m *mortal) Begin(ctx context.Context, p lifecycle.Person, t lifecycle.TaskResult, at time.Time) error {
	return m.call(func() error { return m.DB.Begin(ctx, p, t, at) })
}

func (m *mortal) Settle(ctx context.Context, p lifecycle.Person, ends []lifecycle.TaskResult, did lifecycle.Effect, at time.Time) error {
	return m.call(func() error { return m.DB.Settle(ctx, p, ends, did, at) })
}

func (m *mortal) LeaseJob(ctx context.Context, tenant directory.TenantID, kinds []string, now, until time.Time) (j jobs.Job, err error) {
	err = m.call(func() (err error) { j, err = m.DB.LeaseJob(ctx, tenant, kinds, now, until); return err })
	return j, err
}

func (m *mortal) SettleJob(ctx context.Context, leased, after jobs.Job, events ...audit.Event) error {
	return m.call(func() error { return m.DB.SettleJob(ctx, leased, after, events...) })
}

// company is what workflows need beside a store.
type company struct {
	mu    sync.Mutex
	now   time.Time
	calls map[string]map[directory.UserID]bool // of the extension, by id
	told  int
	down  bool // nobody answers
}

func (c *company) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }
func (c *company) pass(d time.Duration) {
	c.mu.Lock()
	c.now = c.now.Add(d)
	c.mu.Unlock()
}

func (*company) Pepper(context.Context, directory.TenantID, string) ([]byte, string, error) {
	return make([]byte, 32), "pepper", nil
}

func (*company) Seal(_ context.Context, _ string, plain []byte, _ ...string) (string, error) {
	return string(plain), nil
}

func (*company) Open(_ context.Context, _, sealed string, _ ...string) ([]byte, error) {
	return []byte(sealed), nil
}

func (*company) Language(string) string { return "en" }
func (*company) Day(_ string, _ *time.Location, at time.Time) string {
	return at.Format(time.DateOnly)
}

func (*company) Moment(_ string, _ *time.Location, at time.Time) string {
	return at.Format(time.RFC3339)
}

func (*company) Compose(t directory.Tenant, u directory.User, _, subject string, paragraphs []letter.Paragraph) (outbox.Mail, error) {
	return outbox.Mail{To: outbox.Address{Address: u.Mail}, From: t.DisplayName, Subject: subject, Text: fmt.Sprint(paragraphs)}, nil
}

// Call is down now and then.
func (c *company) Call(_ context.Context, _ lifecycle.Extension, call lifecycle.Call) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.told++; c.down || c.told%5 == 0 {
		return errors.New("nobody is there")
	}
	if c.calls[call.ID] == nil {
		c.calls[call.ID] = map[directory.UserID]bool{}
	}
	c.calls[call.ID][call.Subject.ID] = true
	return nil
}

// replica does what there is to do on one server, until nothing is due or it is killed.
func (c *company) replica(ctx context.Context, db *store.DB, calls int, after bool) error {
	m := &mortal{DB: db, left: calls, after: after}
	e := &lifecycle.Engine{
		Store: m, Directory: db, Registrations: db, Letters: c, Hooks: c, Now: c.Now, Log: slog.New(slog.DiscardHandler),
		Box:    outbox.Box{Seals: c, Now: c.Now},
		Passes: tap.Passes{Store: db, Peppers: c, Now: c.Now, Rand: rand.Reader, Incarnation: db.Incarnation},
	}
	w := &jobs.Worker{Store: m, Kinds: e.Kinds(), Now: c.Now, Chance: func() float64 { return 0.5 }, Log: e.Log}
	if err := e.Schedule(ctx); err != nil {
		return err
	}
	for {
		if n, err := w.Work(ctx); n == 0 || err != nil {
			return err
		}
	}
}

func TestInAYearOfHiresEachTaskIsDoneOnceWhicheverReplicaDies(t *testing.T) {
	days, hires := 12, 14
	if os.Getenv("POSTERN_SOAK") != "" {
		days, hires = 365, 600
	}
	onBoth(t, func(t *testing.T, c store.Config) {
		f := fixture{open(t, c), c}
		year(t, f, days, hires)
	})
}

// year has people join over some days, while replicas die.
func year(t *testing.T, f fixture, days, hires int) {
	tenant := directory.TenantID(uuid.NewString())
	all := &company{now: nine, calls: map[string]map[directory.UserID]bool{}}
	policy := tap.DefaultPolicy()
	policy.Targets = method.Everybody("enabled")
	team := directory.Group{Tenant: tenant, ID: directory.GroupID(uuid.NewString()), DisplayName: "Team", SecurityEnabled: true, MailNickname: "team"}
	if err := f.CreateTenant(t.Context(), store.Seed{
		Tenant: directory.Tenant{ID: tenant, DisplayName: "Contoso", CreatedAt: nine, Domains: []directory.Domain{{Name: "contoso.example", IsDefault: true, CreatedAt: nine}}},
		Groups: []directory.Group{team}, PassPolicy: &policy,
	}); err != nil {
		t.Fatal(err)
	}
	boss := member(tenant, directory.UserID(uuid.NewString()))
	boss.Mail = "boss@contoso.example"
	f.addUser(t, boss)
	chance := mathrand.New(mathrand.NewPCG(7, uint64(hires))) // to be the same each time
	hired := map[directory.UserID]directory.User{}
	for i := range hires {
		u := member(tenant, directory.UserID(uuid.NewString()))
		u.AccountEnabled, u.Mail, u.Department = false, "u@contoso.example", "Sales"
		u.EmployeeHireDate = nine.AddDate(0, 0, 1+chance.IntN(days)).Truncate(24 * time.Hour)
		switch {
		case i%7 != 3:
			u.Manager = boss.ID
		case i%14 == 10:
			u.Department = "Elsewhere"
		}
		f.addUser(t, u)
		hired[u.ID] = u
	}
	extension := lifecycle.Extension{Tenant: tenant, ID: uuid.NewString(), DisplayName: "Badge", URL: "https://badge.example", CreatedAt: nine}
	if err := f.PutExtension(t.Context(), extension, change(tenant)); err != nil {
		t.Fatal(err)
	}
	task := func(definition string, arguments ...lifecycle.Argument) lifecycle.Task {
		return lifecycle.Task{Definition: definition, DisplayName: "task", Enabled: true, Arguments: arguments}
	}
	w := lifecycle.Workflow{
		Tenant: tenant, ID: uuid.NewString(), Category: lifecycle.Joiner, DisplayName: "Hires", Enabled: true, Scheduled: true, Version: 1, CreatedAt: nine,
		Rule: "department eq 'Sales'", Attribute: lifecycle.HireDate, Offset: -1, Tasks: []lifecycle.Task{
			task(lifecycle.AddToGroups, lifecycle.Argument{Name: "groupID", Value: string(team.ID)}), task(lifecycle.EnableAccount),
			task(lifecycle.RunExtension, lifecycle.Argument{Name: "customTaskExtensionID", Value: extension.ID}), task(lifecycle.WelcomeMail),
			task(lifecycle.GeneratePass, lifecycle.Argument{Name: "tapLifetimeMinutes", Value: "60"}, lifecycle.Argument{Name: "tapIsUsableOnce", Value: "true"}),
		},
	}.Saved(lifecycle.Workflow{}, nine)
	if err := errors.Join(w.Check(), f.CreateWorkflow(t.Context(), w, change(tenant))); err != nil {
		t.Fatal(err)
	}
	kills := 0
	for range (days + 3) * 4 { // four looks a day
		rounds := 0
		for quiet := false; !quiet; all.pass(6 * time.Minute) { // a lease
			if rounds++; rounds > 100 {
				t.Fatal("there is no end of it")
			}
			ends := make([]error, 2)
			var both sync.WaitGroup
			for i := range ends {
				calls, after := 1+chance.IntN(40), chance.IntN(2) == 0
				both.Go(func() { ends[i] = all.replica(t.Context(), f.DB, calls, after) })
			}
			both.Wait()
			quiet = ends[0] == nil && ends[1] == nil
			for _, err := range ends {
				if errors.Is(err, errKilled) {
					kills++
				} else if err != nil {
					t.Fatal(err)
				}
			}
		}
		all.pass(6 * time.Hour)
	}
	if kills < days {
		t.Errorf("only %d replicas were killed", kills)
	}
	t.Logf("%d days, %d hires, %d replicas killed", days, hires, kills)
	settled(t, f, all, w, hired, team)
}

func TestAWorkflowThatStoodStillForgetsWhenItLastLooked(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		db, ctx := open(t, c), t.Context()
		tenant := tenantOf(t, db, "contoso.example")
		w := lifecycle.Workflow{
			Tenant: tenant, ID: uuid.NewString(), Category: lifecycle.Leaver, DisplayName: "Leave", Enabled: true, Scheduled: true, Version: 1,
			CreatedAt: nine, Attribute: lifecycle.LeaveDate, Tasks: []lifecycle.Task{{Definition: lifecycle.DisableAccount, DisplayName: "Off", Enabled: true}},
		}.Saved(lifecycle.Workflow{}, nine)
		if err := db.CreateWorkflow(ctx, w, change(tenant)); err != nil {
			t.Fatal(err)
		}
		now := func() lifecycle.Workflow {
			t.Helper()
			w, err := db.Workflow(ctx, tenant, w.ID)
			if err != nil {
				t.Fatal(err)
			}
			return w
		}
		switched := func(on bool, at time.Time) {
			t.Helper()
			old := now()
			w := old
			w.Enabled = on
			if err := db.UpdateWorkflow(ctx, w.Saved(old, at), change(tenant)); err != nil {
				t.Fatal(err)
			}
		}
		j, err := jobs.New(tenant, "workflow.gather", "look", nil, nine, nine)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Schedule(ctx, now(), nine, nine.Add(time.Hour), j); err != nil {
			t.Fatal(err)
		}
		if got := now(); !got.LastRunAt.Equal(nine) {
			t.Errorf("it looked at %v", got.LastRunAt)
		}
		if err := db.UpdateWorkflow(ctx, now().Saved(now(), nine), change(tenant)); err != nil || !now().LastRunAt.Equal(nine) {
			t.Errorf("a change of a workflow that runs leaves %v, %v", now().LastRunAt, err)
		}
		later := nine.AddDate(0, 6, 0)
		switched(false, nine)
		switched(true, later)
		if got := now(); !got.LastRunAt.IsZero() || !got.NextRunAt.Equal(later) {
			t.Errorf("half a year later it looks back to %v, next at %v", got.LastRunAt, got.NextRunAt)
		}
	})
}

// settled holds what is in the store against what was to be done.
func settled(t *testing.T, f fixture, c *company, w lifecycle.Workflow, hired map[directory.UserID]directory.User, team directory.Group) {
	t.Helper()
	count := func(query string, args ...any) int { return number(t, f.DB, query, args...) }
	seen := map[directory.UserID]int{}
	var after []any
	for {
		people, position, err := f.ListPeople(t.Context(), w.Tenant, w.ID, "", after, 50)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range people {
			seen[p.User]++
			person(t, f, c, p, hired[p.User], team)
		}
		if after = position; after == nil {
			break
		}
	}
	for id, u := range hired {
		want := 1
		if u.Department != "Sales" {
			want = 0
		}
		if seen[id] != want {
			t.Errorf("%s was seen to %d times, want %d", u.EmployeeHireDate, seen[id], want)
		}
	}
	if n := count(`SELECT COUNT(*) FROM job WHERE tenant_id = $1 AND state <> 'done'`, w.Tenant); n != 0 {
		t.Errorf("%d jobs are left", n)
	}
	runs, _, err := f.ListRuns(t.Context(), w.Tenant, w.ID, nil, 999)
	if err != nil || len(runs) == 0 {
		t.Fatal(len(runs), err)
	}
	people := 0
	for _, r := range runs {
		n := r.Counts
		people += n.People
		if !r.Status.Ended() || r.Gathering || n.Succeeded+n.Failed != n.People {
			t.Errorf("a run stands at %+v", r)
		}
	}
	if people != len(c.calls) {
		t.Errorf("runs count %d people, and the extension knows of %d", people, len(c.calls))
	}
}

// person holds one person's tasks against what is there.
func person(t *testing.T, f fixture, c *company, p lifecycle.Person, u directory.User, team directory.Group) {
	t.Helper()
	for _, is := range []struct {
		what      string
		got, want int
	}{
		{"joined the team", number(t, f.DB, `SELECT COUNT(*) FROM group_link WHERE tenant_id = $1 AND group_id = $2 AND object_id = $3`, p.Tenant, team.ID, u.ID), 1},
		{"events of joining", events(t, f, u.ID, audit.AddGroupMember), 1},
		{"events of enabling", events(t, f, u.ID, audit.EnableAccount), 1},
		{"events of a pass", events(t, f, u.ID, audit.AdminRegisteredSecurityInfo), number1(u.Manager != "")},
		{"passes", number(t, f.DB, `SELECT COUNT(*) FROM tap WHERE tenant_id = $1 AND user_id = $2`, p.Tenant, u.ID), number1(u.Manager != "")},
		{"events of failing", events(t, f, u.ID, audit.WorkflowTaskFailed), number1(u.Manager == "")},
		{"mails", number(t, f.DB, `SELECT COUNT(*) FROM outbox WHERE tenant_id = $1 AND unique_key LIKE '%' || $2 || '%'`, p.Tenant, p.Tasks[3].ID), 1},
	} {
		if is.got != is.want {
			t.Errorf("%s: %s %d times, want %d", u.EmployeeHireDate, is.what, is.got, is.want)
		}
	}
	if now, err := f.User(t.Context(), p.Tenant, u.ID); err != nil || !now.AccountEnabled {
		t.Errorf("the account is %v, %v", now.AccountEnabled, err)
	}
	for i, r := range p.Tasks {
		want, why := lifecycle.Completed, ""
		if i == 4 && u.Manager == "" {
			want, why = lifecycle.Failed, "The person has no manager."
		}
		if r.Status != want || r.FailureReason != why || r.Sequence != i+1 {
			t.Errorf("task %d of %s is %+v", i+1, u.EmployeeHireDate, r)
		}
	}
	if !c.calls[p.Tasks[2].ID][u.ID] || len(c.calls[p.Tasks[2].ID]) != 1 {
		t.Errorf("the extension was told %v by the id of the task of %s", c.calls[p.Tasks[2].ID], u.ID)
	}
	if due := w0(u); p.ScheduledAt.Before(due) || p.ScheduledAt.Sub(due) > 12*time.Hour {
		t.Errorf("it was seen to at %s, and due at %s", p.ScheduledAt, due)
	}
}

func w0(u directory.User) time.Time { return u.EmployeeHireDate.AddDate(0, 0, -1) }

func number1(b bool) int {
	if b {
		return 1
	}
	return 0
}

func events(t *testing.T, f fixture, user directory.UserID, activity string) int {
	t.Helper()
	return number(t, f.DB, `
		SELECT COUNT(*) FROM event e JOIN event_target x ON x.tenant_id = e.tenant_id AND x.event_id = e.id
		WHERE x.target_id = $1 AND e.activity = $2`, user, activity)
}
