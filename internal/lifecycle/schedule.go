package lifecycle

import (
	"fmt"
	"time"
)

// Settings are a tenant's, for all its workflows.
type Settings struct {
	// Interval is how often the schedule looks for people, in hours.
	Interval int `json:"workflowScheduleIntervalInHours"`
	// PassInMail says whether mail of a workflow may hold a pass.
	PassInMail PassInMail `json:"postern_passInMail"`
	Stamp      int64      `json:"-"`
}

// PassInMail says whether mail of a workflow may hold a pass.
type PassInMail string

// The ways. The words of the second say what it means.
const (
	PassNotInMail PassInMail = "no"
	PassReadable  PassInMail = "yesReadableByEveryMailServer"
)

// DefaultSettings are those of a new tenant, with Entra's interval.
func DefaultSettings() Settings { return Settings{Interval: 3, PassInMail: PassNotInMail} }

// Bounds of the interval, in hours, as in Entra.
const (
	leastInterval = 1
	mostInterval  = 24
)

// Check reports what is wrong with s as a fault, or nil.
func (s Settings) Check() error {
	if s.Interval < leastInterval || s.Interval > mostInterval {
		return ErrInvalid.With("workflowScheduleIntervalInHours", fmt.Sprintf("workflowScheduleIntervalInHours is between %d and %d.", leastInterval, mostInterval))
	}
	if s.PassInMail != PassNotInMail && s.PassInMail != PassReadable {
		return ErrInvalid.With("postern_passInMail", "postern_passInMail is "+string(PassNotInMail)+" or "+string(PassReadable)+".")
	}
	return nil
}

// Next is when the schedule looks again after it looked at now.
func (s Settings) Next(now time.Time) time.Time {
	return now.Add(time.Duration(s.Interval) * time.Hour)
}

// catchUp is how far back the schedule looks: who was entered late, or came into scope late,
// is still seen to. Entra looks back as far.
const catchUp = 3 * 24 * time.Hour

// Window returns between which dates of w's attribute, after from and not after to, those lie
// whose turn it is when the schedule looks at now and looked before at last, which is zero
// the first time. Who was seen to for the same date is not again: the store knows.
func (w Workflow) Window(now, last time.Time) (from, to time.Time) {
	from = now.Add(-catchUp)
	if !last.IsZero() && last.Before(now) { // nobody looked meanwhile
		from = earlier(from, last.Add(-catchUp))
	}
	return from.UTC().AddDate(0, 0, -w.Offset), now.UTC().AddDate(0, 0, -w.Offset)
}

// Due reports whether it is the turn of somebody with that date when the schedule looks at now
// and looked before at last.
func (w Workflow) Due(date, now, last time.Time) bool {
	from, to := w.Window(now, last)
	return !date.IsZero() && date.After(from) && !date.After(to)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
