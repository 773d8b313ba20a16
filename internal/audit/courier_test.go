package audit_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postern-id/postern/internal/audit"
)

// memoryWitness keeps checkpoints, or fails.
type memoryWitness struct {
	notes [][]byte
	err   error
}

func (w *memoryWitness) Publish(_ context.Context, _ string, checkpoint []byte) error {
	if w.err == nil {
		w.notes = append(w.notes, checkpoint)
	}
	return w.err
}

// memoryMarks keeps how far witnesses were told.
type memoryMarks map[string]int64

func (m memoryMarks) Told(_ context.Context, tenant, name string) (int64, bool, error) {
	size, ok := m[tenant+name]
	return size, ok, nil
}

func (m memoryMarks) SetTold(_ context.Context, tenant, name string, size int64) error {
	m[tenant+name] = max(m[tenant+name], size)
	return nil
}

// courier brings contoso's checkpoints to w.
func (l *log) courier(w audit.Witness) *audit.Courier {
	return &audit.Courier{
		Name: "w", Witness: w, Source: l, Marks: memoryMarks{}, Log: slog.New(slog.DiscardHandler),
		Tenants: func(context.Context) ([]string, error) { return []string{contoso}, nil }, Told: func(error) {},
	}
}

func bring(t *testing.T, c *audit.Courier) {
	t.Helper()
	if err := c.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestAWitnessGetsEveryCheckpointFromTheNewestOneOn(t *testing.T) {
	l := newLog(t)
	l.batch(t, 2)
	l.batch(t, 1)
	newest := l.lastNote()
	w := &memoryWitness{}
	c := l.courier(w)
	bring(t, c)
	bring(t, c)
	for range 3 {
		l.batch(t, 1)
	}
	bring(t, c)
	if len(w.notes) != 4 || !bytes.Equal(w.notes[0], newest) || !bytes.Equal(w.notes[3], l.lastNote()) {
		t.Fatalf("the witness has %q", w.notes)
	}
	if r, err := l.verify(t, w.notes...); err != nil || r.Witnessed != 6 {
		t.Fatalf("%+v, %v", r, err)
	}
}

func TestAWitnessThatWasAwayGetsWhatItMissed(t *testing.T) {
	l := newLog(t)
	l.batch(t, 1)
	w := &memoryWitness{}
	c := l.courier(w)
	tries, failures := 0, 0
	c.Told = func(err error) {
		tries++
		if err != nil {
			failures++
		}
	}
	bring(t, c)
	w.err = errors.New("unplugged")
	for range 3 {
		l.batch(t, 1)
	}
	if err := c.Round(t.Context()); err == nil {
		t.Fatal("nobody said that the witness is away")
	}
	w.err = nil
	bring(t, c)
	if len(w.notes) != 4 || tries != 5 || failures != 1 {
		t.Fatalf("the witness has %d after %d tries with %d failures", len(w.notes), tries, failures)
	}
}

func TestACourierThatStartsAgainGoesOnWhereItWasSaved(t *testing.T) {
	l := newLog(t)
	l.batch(t, 1)
	w := &memoryWitness{}
	first := l.courier(w)
	bring(t, first)
	first.Save(t.Context())
	l.batch(t, 1)
	bring(t, first) // and is killed before it saves
	l.batch(t, 1)
	second := l.courier(w)
	second.Marks = first.Marks
	bring(t, second)
	if len(w.notes) != 4 || !bytes.Equal(w.notes[1], w.notes[2]) || !bytes.Equal(w.notes[3], l.lastNote()) {
		t.Fatalf("the witness has %d checkpoints", len(w.notes))
	}
}

func TestACourierAsksLessOftenWhileAWitnessIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog(t)
		l.batch(t, 1)
		w := &memoryWitness{err: errors.New("unplugged")}
		c := l.courier(w)
		tries := 0
		c.Told = func(error) { tries++ }
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { c.Run(ctx); close(done) }()
		time.Sleep(10*time.Minute + time.Millisecond)
		stop()
		<-done
		if tries < 10 || tries > 20 {
			t.Errorf("%d tries in ten minutes", tries)
		}
	})
}

func TestCheckpointsAreFoundInLinesOfALog(t *testing.T) {
	l := newLog(t)
	l.batch(t, 1)
	first := l.lastNote()
	l.batch(t, 1)
	last := l.lastNote()
	file := "Nov  2 09:00:00 host postern[7]: " + audit.CheckpointLine(first) + "\r\n" +
		"something else\npostern-checkpoint !!!\n" +
		`{"msg":"` + audit.CheckpointLine(last) + `"}` + "\n"
	got := readNotes(t, strings.NewReader(file))
	if len(got) != 2 || !bytes.Equal(got[0], first) || !bytes.Equal(got[1], last) {
		t.Fatalf("found %q", got)
	}
}
