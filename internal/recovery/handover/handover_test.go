package handover_test

import (
	"errors"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/recovery/handover"
)

var nine = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func TestWhoMayOpen(t *testing.T) {
	manager := handover.Handover{Case: "case", Owner: "sam", Reader: "mira", CreatedAt: nine, EndsAt: nine.Add(time.Hour)}
	own := manager
	own.Reader = "sam"
	given, ownGiven := manager, own
	given.MethodBy, ownGiven.MethodBy = nine.Add(-24*time.Hour), nine.Add(-24*time.Hour)
	opened, void := manager, manager
	opened.OpenedAt, void.VoidAt = nine, nine
	former := manager
	former.Former = true
	fresh := handover.Opener{User: "mira", ProvedAt: nine}
	for _, c := range []struct {
		name string
		h    handover.Handover
		o    handover.Opener
		at   time.Time
		want error
	}{
		{"the manager who has just proved it", manager, fresh, nine, nil},
		{"whose proof is ten minutes old", manager, fresh, nine.Add(handover.Fresh), nil},
		{"whose proof is older", manager, fresh, nine.Add(handover.Fresh + time.Second), handover.ErrProof},
		{"whose proof is of the future", manager, handover.Opener{User: "mira", ProvedAt: nine.Add(time.Minute)}, nine, handover.ErrProof},
		{"without a strong proof", manager, handover.Opener{User: "mira"}, nine, handover.ErrProof},
		{"somebody else with a strong proof", manager, handover.Opener{User: "otto", ProvedAt: nine}, nine, handover.ErrReader},
		{"the owner, where the manager is the reader", manager, handover.Opener{User: "sam", ProvedAt: nine}, nine, handover.ErrReader},
		{"nobody", manager, handover.Opener{}, nine, handover.ErrReader},
		{"who was the manager", former, fresh, nine, handover.ErrLink},
		{"the manager again", opened, fresh, nine, handover.ErrOpened},
		{"somebody else again, who is told less", opened, handover.Opener{User: "otto"}, nine, handover.ErrLink},
		{"nobody, when it was opened", opened, handover.Opener{}, nine, handover.ErrLink},
		{"when it is void", void, fresh, nine, handover.ErrLink},
		{"a second before its end", manager, handover.Opener{User: "mira", ProvedAt: nine.Add(time.Hour)}, nine.Add(time.Hour - time.Second), handover.ErrProof},
		{"at its end", manager, handover.Opener{User: "mira", ProvedAt: nine.Add(time.Hour)}, nine.Add(time.Hour), handover.ErrLink},
		{"nobody, where the person is the reader", own, handover.Opener{}, nine, handover.ErrReader},
		{"the manager by a method that is too new, where others hold the link", given, fresh, nine, handover.ErrMethod},
		{"the manager by a method of long ago, where others hold it", given, handover.Opener{User: "mira", ProvedAt: nine, Known: true}, nine, nil},
		{"whose proof is old, though the method is, too", given, handover.Opener{User: "mira", Known: true}, nine, handover.ErrProof},
		{"who issued it and holds it", given, handover.Opener{User: "dana", ProvedAt: nine, Known: true}, nine, handover.ErrReader},
		{"the code that was read out", own, handover.Opener{Spoken: true}, nine, nil},
		{"the code that was read out, where who reads it out holds the link", ownGiven, handover.Opener{Spoken: true}, nine, handover.ErrReader},
		{"the person, signed in by a strong method", own, handover.Opener{User: "sam", ProvedAt: nine}, nine, nil},
	} {
		if got := c.h.Check(c.o, c.at); !errors.Is(got, c.want) || (got == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
