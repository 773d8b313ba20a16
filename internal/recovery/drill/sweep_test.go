package drill_test

import (
	"context"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/recovery/drill"
)

// late is a store with practices whose time is over.
type late struct {
	drill.Store
	over, saved []drill.Practice
}

func (l *late) OverduePractices(context.Context, directory.TenantID, time.Time, int) ([]drill.Practice, error) {
	return l.over, nil
}

func (l *late) SavePractice(_ context.Context, p drill.Practice, _ ...audit.Event) error {
	l.saved = append(l.saved, p)
	return nil
}

func TestWhoNeverTriedMissedItAndWhatFailedStaysInTheReport(t *testing.T) {
	l := &late{over: []drill.Practice{{User: "a", State: drill.Asked, Hash: "h"}, {User: "b", State: drill.Failed, Hash: "h"}}}
	s := drill.Service{Store: l, Now: time.Now}
	if err := s.Sweep(t.Context(), "t"); err != nil {
		t.Fatal(err)
	}
	if len(l.saved) != 2 || l.saved[0].State != drill.Missed || l.saved[1].State != drill.Failed {
		t.Errorf("%+v", l.saved)
	}
	for _, p := range l.saved {
		if p.Hash != "" {
			t.Errorf("the practice pass of %s is kept", p.User)
		}
	}
}
