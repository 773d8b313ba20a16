package outbox

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var nine = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func TestPause(t *testing.T) {
	for _, c := range []struct {
		attempts int
		want     time.Duration
	}{{0, 30 * time.Second}, {1, 30 * time.Second}, {2, time.Minute}, {7, 32 * time.Minute}, {8, time.Hour}, {1000, time.Hour}} {
		if got := Pause(c.attempts, 0.5); got != c.want {
			t.Errorf("after %d tries: %v, want %v", c.attempts, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 1<<40).Draw(t, "attempts")
		chance := rapid.Float64Range(0, 0.999999).Draw(t, "chance")
		if got := Pause(n, chance); got < 24*time.Second || got > 72*time.Minute {
			t.Errorf("%v", got)
		}
	})
}

func TestMailsThatFailTogetherDoNotComeBackTogether(t *testing.T) {
	if a, b := Pause(3, 0), Pause(3, 0.9); b-a < 30*time.Second {
		t.Errorf("%v and %v", a, b)
	}
}

func TestAfter(t *testing.T) {
	down := errors.New("the server is down")
	refused := fmt.Errorf("%w: 550", ErrRefused)
	for _, c := range []struct {
		name     string
		err      error
		age      time.Duration
		attempts int
		want     State
		pause    time.Duration
		content  bool
	}{
		{"it was sent", nil, 0, 1, Sent, 0, false},
		{"it was sent at the last moment", nil, backoff.GiveUp + time.Hour, 100, Sent, 0, false},
		{"the first try failed", down, 0, 1, Waiting, 30 * time.Second, true},
		{"the third try failed", down, time.Minute, 3, Waiting, 2 * time.Minute, true},
		{"it was refused", refused, 0, 1, Dead, 0, false},
		{"a moment before four days", down, backoff.GiveUp - 1, 90, Waiting, time.Hour, true},
		{"after four days", down, backoff.GiveUp, 90, Dead, 0, false},
		{"as many tries as there may be", down, 0, backoff.MostAttempts, Waiting, time.Hour, true},
		{"one more", down, 0, backoff.MostAttempts + 1, Dead, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := nine.Add(c.age)
			i := Item{State: Waiting, CreatedAt: nine, DueAt: nine, LeaseUntil: now.Add(lease), Attempts: c.attempts, Sealed: "sealed"}
			got := i.After(c.err, now, 0.5)
			if got.State != c.want || !got.LeaseUntil.IsZero() || (got.Sealed != "") != c.content {
				t.Errorf("got %+v", got)
			}
			if c.want == Waiting && !got.DueAt.Equal(now.Add(c.pause)) {
				t.Errorf("the next try is after %v, want %v", got.DueAt.Sub(now), c.pause)
			}
			if (got.LastError == "") != (c.err == nil) {
				t.Errorf("the error is %q", got.LastError)
			}
		})
	}
}

func TestWhatAServerSaysStaysInOneLine(t *testing.T) {
	got := Item{}.After(errors.New("550 no\r\nlevel=ERROR msg=\u202egnorw\x1b[2J"+strings.Repeat("x", 10_000)), nine, 0).LastError
	if strings.ContainsAny(got, "\r\n\x1b\u202e") || len(got) > 300 {
		t.Errorf("kept is %q", got)
	}
}
