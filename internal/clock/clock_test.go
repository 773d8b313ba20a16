package clock_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postern-id/postern/internal/clock"
)

var nine = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func TestJudge(t *testing.T) {
	tests := []struct {
		name  string
		read  clock.Reading
		err   error
		ahead time.Duration
	}{
		{"a store without a mark", clock.Reading{Own: nine}, nil, 0},
		{"at the mark", clock.Reading{Own: nine, Mark: nine}, nil, 0},
		{"a minute behind the mark", clock.Reading{Own: nine, Mark: nine.Add(time.Minute)}, nil, 0},
		{"more than a minute behind the mark", clock.Reading{Own: nine, Mark: nine.Add(time.Minute + time.Microsecond)}, clock.ErrBehind, 0},
		{"an hour ahead", clock.Reading{Own: nine, Mark: nine.Add(-time.Hour)}, nil, 0},
		{"more than an hour ahead", clock.Reading{Own: nine, Mark: nine.Add(-61 * time.Minute)}, nil, 61 * time.Minute},
		{"a minute off the database", clock.Reading{Own: nine, Mark: nine, Database: nine.Add(time.Minute)}, nil, 0},
		{"more than a minute behind the database", clock.Reading{Own: nine, Mark: nine, Database: nine.Add(61 * time.Second)}, clock.ErrOff, 0},
		{"more than a minute before the database", clock.Reading{Own: nine, Mark: nine, Database: nine.Add(-61 * time.Second)}, clock.ErrOff, 0},
		{"years ahead of mark and database", clock.Reading{Own: nine.AddDate(9, 0, 0), Mark: nine, Database: nine}, clock.ErrOff, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := clock.Judge(tt.read)
			if !errors.Is(got.Err, tt.err) || got.Ahead != tt.ahead {
				t.Errorf("%+v", got)
			}
		})
	}
}

// machine is a clock that a test sets.
type machine struct{ at atomic.Int64 }

func (m *machine) set(at time.Time) { m.at.Store(at.UnixMicro()) }
func (m *machine) now() time.Time   { return time.UnixMicro(m.at.Load()) }

func TestTimeNeverGoesBehindTheMark(t *testing.T) {
	var m machine
	g := &clock.Guard{Wall: m.now}
	m.set(nine)
	g.Observe(clock.Reading{Own: nine, Mark: nine.Add(-time.Second)})
	for _, step := range []struct {
		set, want time.Time
		err       error
	}{
		{nine, nine, nil},
		{nine.Add(-30 * time.Second), nine, nil},
		{nine.Add(-time.Hour), nine, clock.ErrBehind},
		{nine.Add(time.Second), nine.Add(time.Second), nil},
	} {
		m.set(step.set)
		if got := g.Now(); !got.Equal(step.want) {
			t.Errorf("at %v it is %v", step.set, got)
		}
		if err := g.Verdict().Err; !errors.Is(err, step.err) {
			t.Errorf("at %v: %v", step.set, err)
		}
	}
}

func TestALeapAheadDoesNotMoveTheMark(t *testing.T) {
	var m machine
	g := &clock.Guard{Wall: m.now}
	m.set(nine)
	g.Observe(clock.Reading{Own: nine, Mark: nine})
	m.set(nine.AddDate(1, 0, 0))
	if got := g.Now(); !got.Equal(nine.AddDate(1, 0, 0)) {
		t.Errorf("it is %v", got)
	}
	if got := g.Trusted(); !got.Equal(nine) {
		t.Errorf("%v is trusted", got)
	}
	g.Advance(time.Minute)
	m.set(nine.Add(2 * time.Minute))
	if v := g.Verdict(); v.Err != nil || v.Ahead != 0 {
		t.Errorf("with the clock right again: %+v", v)
	}
}

func TestAnOperatorMayMoveTheMarkBack(t *testing.T) {
	var m machine
	g := &clock.Guard{Wall: m.now}
	m.set(nine)
	g.Observe(clock.Reading{Own: nine, Mark: nine.AddDate(1, 0, 0)})
	if err := g.Verdict().Err; !errors.Is(err, clock.ErrBehind) {
		t.Fatal(err)
	}
	g.Accept(nine)
	if err := g.Verdict().Err; err != nil || !g.Now().Equal(nine) {
		t.Errorf("%v, and it is %v", err, g.Now())
	}
}

func TestWhateverTheMachineSaysTimeStaysInOrderBelowALeap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m machine
		g := &clock.Guard{Wall: m.now}
		m.set(nine)
		g.Observe(clock.Reading{Own: nine, Mark: nine})
		last := g.Now()
		for _, offset := range rapid.SliceOf(rapid.Int64Range(-7200, 3600)).Draw(t, "seconds") {
			m.set(last.Add(time.Duration(offset) * time.Second))
			now := g.Now()
			if now.Before(last) {
				t.Fatalf("%v came after %v", now, last)
			}
			last = now
		}
	})
}
