package lifecycle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/jobs"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/outbox/letter"
)

// Engine runs workflows. Every field but HandOver is required.
type Engine struct {
	Store         Store
	Directory     Directory
	Registrations method.Registrations
	Passes        tap.Passes
	Box           outbox.Box
	Letters       Letters
	Hooks         Hooks
	// HandOver seals a pass for its reader; nil: mail says that a pass is there, and no more.
	HandOver HandOver
	Now      func() time.Time // UTC
	Log      *slog.Logger
}

// Letters writes mail.
type Letters interface {
	// Language is the language of mail to somebody with that preferredLanguage.
	Language(preferred string) string
	// Day writes a date.
	Day(lang string, zone *time.Location, at time.Time) string
	// Moment writes a day with its hour and zone.
	Moment(lang string, zone *time.Location, at time.Time) string
	// Compose makes a mail of paragraphs, from the tenant to u.
	Compose(tenant directory.Tenant, u directory.User, lang, subject string, paragraphs []letter.Paragraph) (outbox.Mail, error)
}

// HandOver seals the pass of owner so that reader can open it once, after they proved who they are. The
// link is for them; what is to be kept goes into the transaction of the pass, with its event.
type HandOver func(ctx context.Context, p tap.Pass, code tap.Passcode, owner, reader directory.User, run string) (link string, kept SealedPass, event audit.Event, err error)

// Kinds of job.
const (
	gatherJob = "workflow.gather"
	// PersonJob has the id of a person in a run as its key.
	PersonJob = "workflow.person"
)

// Kinds are the jobs that workflows are done by.
func (e *Engine) Kinds() []jobs.Kind {
	return []jobs.Kind{
		{Name: gatherJob, Do: e.gather},
		{Name: PersonJob, Backoff: personBackoff, Do: e.see, Last: e.giveUp},
	}
}

// personBackoff is how tasks are tried again that somebody outside does not answer.
var personBackoff = jobs.Backoff{First: 30 * time.Second, Most: time.Hour, GiveUp: 24 * time.Hour, MostAttempts: 60}

// every is how often each server looks whether a workflow's time has come.
const every = 20 * time.Second

// Run looks for workflows whose time has come, until ctx ends.
func (e *Engine) Run(ctx context.Context) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := e.Schedule(ctx); err != nil && ctx.Err() == nil {
			e.Log.ErrorContext(ctx, "the schedule of workflows failed", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// A gathering is the body of a job that looks for people.
type gathering struct {
	Workflow string    `json:"workflow"`
	Run      string    `json:"run"`
	At       time.Time `json:"at"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
}

// Schedule queues the search for people of each workflow whose time has come. Of any number of
// servers one does.
func (e *Engine) Schedule(ctx context.Context) error {
	tenants, err := e.Store.Tenants(ctx)
	var all []error
	for _, tenant := range tenants {
		if err := e.schedule(ctx, tenant); err != nil {
			all = append(all, fmt.Errorf("tenant %s: %w", tenant, err))
		}
	}
	return errors.Join(append(all, err)...)
}

func (e *Engine) schedule(ctx context.Context, tenant directory.TenantID) error {
	now := e.Now()
	due, err := e.Store.ScheduledBefore(ctx, tenant, now)
	if err != nil || len(due) == 0 {
		return err
	}
	settings, err := e.Store.LifecycleSettings(ctx, tenant)
	if err != nil {
		return err
	}
	for _, w := range due {
		if !w.Runs() {
			continue
		}
		g := gathering{Workflow: w.ID, Run: uuid.NewString(), At: now}
		g.From, g.To = w.Window(now, w.LastRunAt)
		j, err := jobs.New(tenant, gatherJob, w.ID+" "+w.NextRunAt.UTC().Format(time.RFC3339Nano), g, now, now)
		if err != nil {
			return err
		}
		if err := e.Store.Schedule(ctx, w, now, settings.Next(now), j); err != nil && !errors.Is(err, ErrStale) {
			return err
		}
	}
	return nil
}

// page is how many people are looked at together.
const page = 100

// gather adds to a run whom a workflow is due for. Done again, it adds who is not in it yet.
func (e *Engine) gather(ctx context.Context, j jobs.Job) error {
	var g gathering
	if err := j.Read(&g); err != nil {
		return errors.Join(err, jobs.ErrRefused)
	}
	w, err := e.Store.Workflow(ctx, j.Tenant, g.Workflow)
	if errors.Is(err, ErrUnknown) {
		return nil
	}
	if err != nil {
		return err
	}
	rule, err := ParseRule(w.Rule)
	if err != nil || !w.Runs() {
		return err
	}
	r := Run{
		Tenant: j.Tenant, ID: g.Run, Workflow: w.ID, Version: w.Version, Execution: OnSchedule, Status: InProgress,
		ScheduledAt: g.At, StartedAt: g.At, UpdatedAt: g.At, Gathering: true,
	}
	var last directory.User
	for {
		found, err := e.Store.PeopleAt(ctx, j.Tenant, w.Attribute, g.From, g.To, last, page)
		if err != nil {
			return err
		}
		var due []directory.User
		for _, u := range found {
			if rule.Has(u) {
				due = append(due, u)
			}
		}
		if err := e.add(ctx, r, w, due, nil); err != nil {
			return err
		}
		if len(found) < page {
			return e.Store.EndGathering(ctx, j.Tenant, r.ID, e.Now())
		}
		last = found[len(found)-1]
	}
}

// personBody is the body of a job that does the tasks for one person.
type personBody struct {
	Person string `json:"person"`
	// Vouch is that of Person. It has a name of its own: jobs of before say `vouched` without saying
	// for which manager, which counts for none.
	Vouch Vouch `json:"vouch,omitzero"`
}

// Unvouched returns the body of a job for one person without a vouch: who has it done anew saw no manager.
func Unvouched(body string) (string, error) {
	var b personBody
	if err := json.Unmarshal([]byte(body), &b); err != nil {
		return "", fmt.Errorf("read the job of a person: %w", err)
	}
	raw, err := json.Marshal(personBody{Person: b.Person})
	return string(raw), err
}

func (e *Engine) add(
	ctx context.Context, r Run, w Workflow, people []directory.User, vouched map[directory.UserID]bool, events ...audit.Event,
) error {
	if len(people) == 0 {
		return nil
	}
	now := e.Now()
	all := make([]Person, len(people))
	work := make([]jobs.Job, len(people))
	for i, u := range people {
		p := NewPerson(r, w, u, now)
		var err error
		body := personBody{Person: p.ID}
		if vouched[u.ID] && u.Manager != "" {
			body.Vouch = Vouch{Manager: u.Manager, At: now}
		}
		if work[i], err = jobs.New(r.Tenant, PersonJob, p.ID, body, now, now); err != nil {
			return err
		}
		all[i] = p
	}
	_, err := e.Store.AddPeople(ctx, r, all, work, events...)
	return err
}

// NewPerson returns what r is to do for u, by the tasks of w.
func NewPerson(r Run, w Workflow, u directory.User, now time.Time) Person {
	p := Person{
		Tenant: r.Tenant, ID: uuid.NewString(), Run: r.ID, Workflow: w.ID, Version: w.Version, Execution: r.Execution,
		User: u.ID, Status: Queued, ScheduledAt: now,
	}
	if r.Execution == OnSchedule {
		p.Trigger = w.Attribute.Of(u)
	}
	for i, t := range w.Tasks {
		p.Tasks = append(p.Tasks, TaskResult{ID: uuid.NewString(), Task: t, Sequence: i + 1, Status: Queued, CreatedAt: now})
	}
	return p
}

// Activate runs w for people now, whatever its conditions, and records e. All of them have to
// be there, or it runs for none. Vouched are those for whom the caller might issue a pass themself: that
// counts for the managers that they have now.
func (e *Engine) Activate(
	ctx context.Context, w Workflow, ids []directory.UserID, vouched map[directory.UserID]bool, event audit.Event,
) (Run, error) {
	seen := map[directory.UserID]bool{}
	var people []directory.User
	for _, id := range ids {
		u, err := e.Directory.User(ctx, w.Tenant, id)
		if errors.Is(err, directory.ErrUserUnknown) || seen[id] {
			return Run{}, ErrSubjects
		}
		if err != nil {
			return Run{}, err
		}
		seen[id] = true
		people = append(people, u)
	}
	if len(people) == 0 || len(people) > MostSubjects {
		return Run{}, ErrSubjects
	}
	now := e.Now()
	r := Run{
		Tenant: w.Tenant, ID: uuid.NewString(), Workflow: w.ID, Version: w.Version, Execution: OnDemand, Status: InProgress,
		ScheduledAt: now, StartedAt: now, UpdatedAt: now,
	}
	return r, e.add(ctx, r, w, people, vouched, event)
}

// see does the tasks for one person that have not ended, in their order.
func (e *Engine) see(ctx context.Context, j jobs.Job) error {
	p, w, err := e.personOf(ctx, j)
	if err != nil || p.ID == "" {
		return err
	}
	for {
		i := firstOpen(p)
		if i < 0 {
			return nil
		}
		ended, err := e.step(ctx, w, p, i)
		if err != nil && !errors.Is(err, ErrSettled) {
			return err
		}
		if err != nil || ended == nil {
			vouch := p.Vouch
			if p, err = e.Store.Person(ctx, p.Tenant, p.ID); err != nil {
				return err
			}
			p.Vouch = vouch
			continue
		}
		for _, t := range ended {
			p.Tasks[t.Sequence-1] = t
		}
	}
}

// personOf returns whom j is about, and the workflow as it stands; nobody when they are known no more.
func (e *Engine) personOf(ctx context.Context, j jobs.Job) (Person, Workflow, error) {
	var body personBody
	if err := j.Read(&body); err != nil {
		return Person{}, Workflow{}, errors.Join(err, jobs.ErrRefused)
	}
	p, err := e.Store.Person(ctx, j.Tenant, body.Person)
	if errors.Is(err, ErrRunUnknown) {
		return Person{}, Workflow{}, nil
	}
	if err != nil {
		return p, Workflow{}, err
	}
	p.Vouch = body.Vouch
	w, err := e.Store.Workflow(ctx, j.Tenant, p.Workflow)
	if errors.Is(err, ErrUnknown) {
		w, err = Workflow{Tenant: j.Tenant, ID: p.Workflow, DeletedAt: e.Now()}, nil
	}
	return p, w, err
}

// firstOpen returns where the first task stands that has not ended, or -1.
func firstOpen(p Person) int {
	for i, t := range p.Tasks {
		if !t.Status.Ended() {
			return i
		}
	}
	return -1
}

// step does one task, and returns the tasks that ended with it. Only an error is to be tried again.
func (e *Engine) step(ctx context.Context, w Workflow, p Person, i int) ([]TaskResult, error) {
	t := p.Tasks[i]
	now := e.Now()
	switch {
	case !w.DeletedAt.IsZero():
		return e.end(ctx, p, i, Canceled, "The workflow was deleted.", true)
	case p.Execution == OnSchedule && !w.Enabled:
		return e.end(ctx, p, i, Canceled, "The workflow was disabled.", true)
	case !t.Task.Enabled:
		return e.end(ctx, p, i, Canceled, disabledTask, false)
	}
	if err := e.Store.Begin(ctx, p, t, now); err != nil {
		return nil, err
	}
	did, err := e.do(ctx, w, p, t)
	if why, final := reason(err); final {
		return e.end(ctx, p, i, Failed, why, !t.Task.ContinueOnError)
	}
	if err != nil {
		return nil, err
	}
	t.Status, t.CompletedAt = Completed, e.Now()
	err = e.Store.Settle(ctx, p, []TaskResult{t}, did, t.CompletedAt)
	if why, final := reason(err); final { // such as the last administrator
		return e.end(ctx, p, i, Failed, why, !t.Task.ContinueOnError)
	}
	return []TaskResult{t}, err
}

// do finds out what t changes for p.
func (e *Engine) do(ctx context.Context, w Workflow, p Person, t TaskResult) (Effect, error) {
	d, ok := DefinitionOf(t.Task.Definition)
	if !ok {
		return Effect{}, failure("This version of the server has no such task.")
	}
	tenant, err := e.Directory.Tenant(ctx, p.Tenant)
	if err != nil {
		return Effect{}, err
	}
	settings, err := e.Store.LifecycleSettings(ctx, p.Tenant)
	if err != nil {
		return Effect{}, err
	}
	u, err := e.Directory.User(ctx, p.Tenant, p.User)
	if errors.Is(err, directory.ErrUserUnknown) {
		return Effect{}, failure("The person is not there any more.")
	}
	if err != nil {
		return Effect{}, err
	}
	did, err := d.do(ctx, e, work{tenant: tenant, settings: settings, workflow: w, person: p, result: t, user: u, now: e.Now()})
	if did.Pass != nil || len(did.Leave) > 0 {
		did.Of = &u
	}
	return did, err
}

// end stores that a task came to nothing, and with all that those after it are not done.
func (e *Engine) end(ctx context.Context, p Person, i int, s Status, why string, all bool) ([]TaskResult, error) {
	now := e.Now()
	t := p.Tasks[i]
	t.Status, t.FailureReason, t.CompletedAt = s, why, now
	ends := []TaskResult{t}
	for _, later := range p.Tasks[i+1:] {
		if all && !later.Status.Ended() {
			later.Status, later.CompletedAt, later.FailureReason = Canceled, now, why
			if s == Failed {
				later.FailureReason = "An earlier task failed: " + t.Task.DisplayName
			}
			ends = append(ends, later)
		}
	}
	return ends, e.Store.Settle(ctx, p, ends, Effect{Events: e.failed(p, t)}, now)
}

// givenUp begins the reason of a task whose job died.
const givenUp = "It was tried until it was given up: "

// GivenUp returns the tasks of p that ended when their job was given up, the one that failed and those that
// were not done for it; none if p ended in another way.
func GivenUp(p Person) []TaskResult {
	i := slices.IndexFunc(p.Tasks, func(t TaskResult) bool { return t.Status == Failed && strings.HasPrefix(t.FailureReason, givenUp) })
	if i < 0 {
		return nil
	}
	open := []TaskResult{p.Tasks[i]}
	for _, t := range p.Tasks[i+1:] {
		if t.Status == Canceled {
			open = append(open, t)
		}
	}
	return open
}

// giveUp ends what is left of a person's tasks when their job dies.
func (e *Engine) giveUp(ctx context.Context, j jobs.Job, why string) error {
	p, _, err := e.personOf(ctx, j)
	if err != nil || p.ID == "" {
		return err
	}
	i := firstOpen(p)
	if i < 0 {
		return nil
	}
	_, err = e.end(ctx, p, i, Failed, givenUp+why, true)
	if errors.Is(err, ErrSettled) {
		return nil
	}
	return err
}

// failed is the event of a task that failed; none of one that was not tried.
func (e *Engine) failed(p Person, t TaskResult) []audit.Event {
	if t.Status != Failed {
		return nil
	}
	return []audit.Event{taskFailed(p, t, e.Now())}
}

func taskFailed(p Person, t TaskResult, at time.Time) audit.Event {
	return newEvent(p, at, audit.Change{
		Activity: audit.WorkflowTaskFailed, Category: audit.CategoryWorkflowManagement, Service: audit.ServiceLifecycleWorkflows,
		Operation: audit.OperationUpdate, Result: audit.Failure,
		Targets: []audit.Target{{ID: string(p.User), Type: audit.TargetUser}},
		Details: []audit.KeyValue{
			{Key: audit.DetailWorkflow, Value: p.Workflow}, {Key: "runId", Value: p.Run}, {Key: "task", Value: t.Task.DisplayName}, {Key: "failureReason", Value: t.FailureReason},
		},
	})
}

// Actor is who workflows act as.
var Actor = audit.Actor{App: &audit.AppActor{DisplayName: "Lifecycle Workflows"}}

func newEvent(p Person, at time.Time, c audit.Change) audit.Event {
	c.By = Actor
	return audit.Event{Tenant: string(p.Tenant), ID: uuid.NewString(), At: at, CorrelationID: p.Run, Change: &c}
}

// A failure is why a task can't be done, now and whenever it would be tried again.
type failure string

func (f failure) Error() string { return string(f) }

// reason returns why err is final, if it is. A fault is, unless somebody else was faster or
// something is away for a while.
func reason(err error) (why string, final bool) {
	if f, ok := errors.AsType[failure](err); ok {
		return string(f), true
	}
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Kind == fault.Unavailable || f.Kind == fault.Precondition || f.Kind == fault.TooMany {
		return "", false
	}
	return f.Text, true
}
