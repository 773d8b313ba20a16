package lifecycle

import (
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/recovery"
)

// A Status is where a run, a person in it or a task stands, in Graph's words.
type Status string

// The statuses.
const (
	Queued              Status = "queued"
	InProgress          Status = "inProgress"
	Completed           Status = "completed"
	CompletedWithErrors Status = "completedWithErrors"
	Canceled            Status = "canceled"
	Failed              Status = "failed"
)

// Ended reports whether it never changes again.
func (s Status) Ended() bool { return s != Queued && s != InProgress }

// An Execution says what made a run.
type Execution string

// The executions.
const (
	OnSchedule Execution = "scheduled"
	OnDemand   Execution = "onDemand"
)

// A Run is one time that a workflow ran.
type Run struct {
	Tenant      directory.TenantID
	ID          string
	Workflow    string
	Version     int
	Execution   Execution
	Status      Status
	ScheduledAt time.Time
	StartedAt   time.Time
	CompletedAt time.Time
	UpdatedAt   time.Time
	Counts      Counts
	// Gathering says that people may still be added.
	Gathering bool
}

// Counts say how far a run is. Of people, those are counted as failed for whom a task failed.
type Counts struct {
	People, Succeeded, Failed            int
	Tasks, TasksFailed, TasksUnprocessed int
}

// StatusOf is the status of a run that has come to c.
func StatusOf(c Counts, gathering bool) Status {
	switch {
	case gathering || c.Succeeded+c.Failed < c.People:
		return InProgress
	case c.Failed == 0:
		return Completed
	case c.Succeeded == 0:
		return Failed
	}
	return CompletedWithErrors
}

// A Person is what a run does for one person.
type Person struct {
	Tenant    directory.TenantID
	ID        string // of the result, not of the person
	Run       string
	Workflow  string
	Version   int
	Execution Execution
	User      directory.UserID
	// Trigger is the date that made it their turn; zero on demand. A workflow sees to a person
	// once for a date.
	Trigger     time.Time
	Status      Status
	ScheduledAt time.Time
	StartedAt   time.Time
	CompletedAt time.Time
	Tasks       []TaskResult // in the order of their sequence

	// Vouch is that of whoever ran this on demand, if they might issue passes for the person themself.
	Vouch Vouch
	// HeldUntil and HeldFor say until when the first task that has not ended waits, and why; zero
	// when it doesn't.
	HeldUntil time.Time
	HeldFor   string
}

// A Vouch says which manager the person had when somebody ran a workflow who might have issued the pass
// themself; zero for none. It is good for that manager, and for the address that they had.
type Vouch struct {
	Manager directory.UserID `json:"manager"`
	At      time.Time        `json:"at"`
}

// For reports whether v is good for the pass that goes to manager, after changes of the person and of the manager.
func (v Vouch) For(manager directory.UserID, person, theirs map[string]time.Time) bool {
	return v.Manager != "" && v.Manager == manager && !person[recovery.ContactManager].After(v.At) && !theirs["mail"].After(v.At)
}

// Held returns until when t waits, and why; zero when it doesn't.
func (p Person) Held(t TaskResult) (until time.Time, why string) {
	if i := firstOpen(p); i < 0 || p.Tasks[i].ID != t.ID {
		return time.Time{}, ""
	}
	return p.HeldUntil, p.HeldFor
}

// A TaskResult is what a run does for one person by one task.
type TaskResult struct {
	ID            string // the same at every try: what goes outside carries it
	Task          Task
	Sequence      int // from 1
	Status        Status
	FailureReason string
	CreatedAt     time.Time
	StartedAt     time.Time
	CompletedAt   time.Time
}

// StatusOfTasks is the status of a person whose tasks stand like this.
func StatusOfTasks(tasks []TaskResult) Status {
	begun, failed, done := false, false, false
	for _, t := range tasks {
		switch t.Status {
		case Queued, InProgress:
			return map[bool]Status{false: Queued, true: InProgress}[begun]
		case Failed:
			failed = true
		case Completed:
			done = true
		case Canceled:
			failed = failed || t.FailureReason != disabledTask
		case CompletedWithErrors:
		}
		begun = true
	}
	switch {
	case !failed:
		return Completed
	case done:
		return CompletedWithErrors
	}
	return Failed
}

// disabledTask is why a task that is switched off was not done, which is no failure.
const disabledTask = "The task is disabled."
