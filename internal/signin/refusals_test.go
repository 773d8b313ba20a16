package signin

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
)

// recorder keeps what is recorded.
type recorder struct {
	details []string
	err     error
}

func (r *recorder) refusals() *Refusals {
	return &Refusals{Log: slog.New(slog.DiscardHandler), Record: func(_ context.Context, e audit.Event) error {
		r.details = append(r.details, e.SignIn.AdditionalDetails)
		return r.err
	}}
}

func refused() audit.Event { return audit.Event{SignIn: &audit.SignIn{}} }

func TestOnlyTheFirstRefusalOfAMinuteIsTheCallers(t *testing.T) {
	var r recorder
	c := r.refusals()
	for _, step := range []struct {
		tenant, account, network string
		want                     bool
	}{
		{"t", "a", "n", true},
		{"t", "a", "n", false},
		{"t", "a", "n", false},
		{"t", "a", "other", true},
		{"t", "other", "n", true},
		{"t", "other", "n", false},
	} {
		if got := c.Add(directory.TenantID(step.tenant), step.account, step.network, refused()); got != step.want {
			t.Errorf("Add(%s, %s) = %t, want %t", step.account, step.network, got, step.want)
		}
	}
	c.Flush(t.Context())
	if len(r.details) != 2 {
		t.Fatalf("recorded %q, want two counted events", r.details)
	}
	if !c.Add("t", "a", "n", refused()) {
		t.Error("the first refusal of the next minute was only counted")
	}
	r.details = nil
	c.Flush(t.Context())
	if len(r.details) != 0 {
		t.Errorf("recorded %q for a try that the caller recorded", r.details)
	}
}

func TestRefusalsAreWrittenEveryMinuteAndAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := recorder{err: errors.New("the disk is full")}
		c := r.refusals()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { c.Run(ctx); close(done) }()
		for range 3 {
			c.Add("t", "a", "n", refused())
		}
		<-time.After(time.Minute + time.Second)
		synctest.Wait()
		if len(r.details) != 1 || r.details[0] != "2 more tries refused within a minute" {
			t.Errorf("recorded %q", r.details)
		}
		for range 2 {
			c.Add("t", "a", "n", refused())
		}
		cancel()
		<-done
		if len(r.details) != 2 || r.details[1] != "1 more tries refused within a minute" {
			t.Errorf("recorded %q", r.details)
		}
	})
}

func TestRefusalsFromManyPlacesDoNotFillTheMemory(t *testing.T) {
	var r recorder
	c := r.refusals()
	for i := range maxWaiting + 100 {
		if got := c.Add("t", strconv.Itoa(i), "n", refused()); got != (i < maxWaiting) {
			t.Fatalf("Add %d = %t", i, got)
		}
	}
	if len(c.waiting) != maxWaiting {
		t.Errorf("%d places are remembered, want %d", len(c.waiting), maxWaiting)
	}
}
