package lifecycle

import (
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/outbox"
)

// What the key of a mail says of who gets it: the task's reader, or whom it names besides.
const (
	toReader = "reader"
	copied   = "copy"
)

// mailKey begins with what the store looks for: the kind and the id of the task's result.
func mailKey(result, address, how string) string {
	return strings.Join([]string{MailKind, result, how, address}, " ")
}

// Lost returns the id of the task's result that i was the mail of, once i is given up; else nothing. A
// copy that is lost costs the task nothing.
func Lost(i outbox.Item) string {
	parts := strings.SplitN(i.Key, " ", 4)
	if i.State != outbox.Dead || i.Kind != MailKind || len(parts) != 4 || parts[2] != toReader {
		return ""
	}
	return parts[1]
}

// Undelivered begins the reason of a task whose mail was given up.
const Undelivered = "The mail was not delivered: "

// Undeliver makes the task of p with that id one that failed, since its reader never got the mail. It
// returns the event; false when no such task was done.
func (p Person) Undeliver(id, why string, at time.Time) (TaskResult, audit.Event, bool) {
	n := slices.IndexFunc(p.Tasks, func(t TaskResult) bool { return t.ID == id && t.Status == Completed })
	if n < 0 {
		return TaskResult{}, audit.Event{}, false
	}
	t := &p.Tasks[n]
	t.Status, t.FailureReason, t.CompletedAt = Failed, Undelivered+why, at
	return *t, taskFailed(p, *t, at), true
}
