package lifecycle

import (
	"testing"
	"time"
)

var nine = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func TestItIsSomebodysTurnFromTheirDateOnForThreeDaysOrSinceTheLastLook(t *testing.T) {
	day := 24 * time.Hour
	for _, c := range []struct {
		name   string
		offset int
		date   time.Time // of the person
		last   time.Time
		want   bool
	}{
		{"without a date", 0, time.Time{}, time.Time{}, false},
		{"a moment before", 0, nine.Add(1), time.Time{}, false},
		{"at the moment", 0, nine, time.Time{}, true},
		{"nearly three days late", 0, nine.Add(-3*day + 1), time.Time{}, true},
		{"three days late", 0, nine.Add(-3 * day), time.Time{}, false},
		{"late, but nobody looked since", 0, nine.Add(-10 * day), nine.Add(-9 * day), true},
		{"late before the last look", 0, nine.Add(-13 * day), nine.Add(-9 * day), false},
		{"a week before the date", -7, nine.Add(7 * day), time.Time{}, true},
		{"more than a week before", -7, nine.Add(7*day + 1), time.Time{}, false},
		{"a week after the date", 7, nine.Add(-7 * day), time.Time{}, true},
		{"less than a week after", 7, nine.Add(-7*day + 1), time.Time{}, false},
		{"a last look in the future is none", 0, nine, nine.Add(day), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := Workflow{Attribute: HireDate, Offset: c.offset}
			if got := w.Due(c.date, nine, c.last); got != c.want {
				t.Errorf("Due = %v", got)
			}
		})
	}
}

func TestWhatAWorkflowMissedWhileItStoodStillIsNotCaughtUp(t *testing.T) {
	w := Workflow{Enabled: true, Scheduled: true, Attribute: HireDate, NextRunAt: nine.Add(-time.Hour), LastRunAt: nine.AddDate(0, -6, 0)}
	off := w
	off.Enabled = false
	if off = off.Saved(w, nine); !off.NextRunAt.IsZero() {
		t.Errorf("a disabled workflow looks at %s", off.NextRunAt)
	}
	on := off
	on.Enabled = true
	if on = on.Saved(off, nine); !on.NextRunAt.Equal(nine) || !on.LastRunAt.IsZero() {
		t.Errorf("it looks at %s and looked at %s", on.NextRunAt, on.LastRunAt)
	}
	if same := w.Saved(w, nine); !same.NextRunAt.Equal(w.NextRunAt) || !same.LastRunAt.Equal(w.LastRunAt) {
		t.Error("an edit changes when the schedule looks")
	}
}
