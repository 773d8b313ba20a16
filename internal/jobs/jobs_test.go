package jobs

import (
	"errors"
	"testing"
	"time"
)

var nine = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func TestAJobStandsAsItsTryEnded(t *testing.T) {
	b := Backoff{First: time.Minute, Most: 10 * time.Minute, GiveUp: time.Hour, MostAttempts: 5}
	down := errors.New("down\nand out")
	for _, c := range []struct {
		name     string
		err      error
		age      time.Duration
		attempts int
		state    State
		due      time.Duration // from now
	}{
		{"it was done", nil, time.Minute, 1, Done, 0},
		{"it was done late", nil, 100 * time.Hour, 100, Done, 0},
		{"it failed once", down, time.Minute, 1, Waiting, time.Minute},
		{"it failed twice", down, time.Minute, 2, Waiting, 2 * time.Minute},
		{"the pause has a most", down, time.Minute, 5, Waiting, 10 * time.Minute},
		{"it was tried too often", down, time.Minute, 6, Dead, 0},
		{"a moment before its time is up", down, time.Hour - 1, 1, Waiting, time.Minute},
		{"its time is up", down, time.Hour, 1, Dead, 0},
		{"it was refused for good", errors.Join(down, ErrRefused), 0, 1, Dead, 0},
		{"it is for later", Later{At: nine.Add(3 * time.Hour)}, 50 * time.Hour, 3, Waiting, 3 * time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := Job{State: Waiting, CreatedAt: nine.Add(-c.age), Attempts: c.attempts, LeaseUntil: nine.Add(time.Minute), DueAt: nine}
			got := j.After(c.err, b, nine, 0.5)
			if got.State != c.state || got.DueAt.Sub(nine) != c.due || !got.LeaseUntil.IsZero() || got.EndedAt.IsZero() == (c.state != Waiting) {
				t.Errorf("got %+v", got)
			}
			if _, later := errors.AsType[Later](c.err); later && (got.Attempts != 0 || !got.CreatedAt.Equal(got.DueAt)) {
				t.Errorf("its age goes on: %+v", got)
			}
			if got.LastError != "" && got.LastError != "down and out" && c.state != Dead {
				t.Errorf("it says %q", got.LastError)
			}
		})
	}
}

func TestPausesGrowToTheirMostAndAreSpread(t *testing.T) {
	b := Backoff{First: 30 * time.Second, Most: time.Hour}
	for attempts := range 2000 {
		low, high := b.Pause(attempts, 0), b.Pause(attempts, 0.999)
		if low < 24*time.Second || high > 72*time.Minute || low >= high {
			t.Fatalf("after %d tries: %s to %s", attempts, low, high)
		}
	}
}
