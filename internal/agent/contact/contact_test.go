package contact_test

import (
	"errors"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent/contact"
	"github.com/postern-id/postern/internal/agent/tpm"
)

var nine = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func TestHowLongADeviceMayGoOnWithoutItsServer(t *testing.T) {
	const day = 24 * time.Hour
	chip := func(ran time.Duration, resets uint32) *tpm.Clock { return &tpm.Clock{Ran: ran, Resets: resets} }
	plain := contact.Mark{Server: nine, Wall: nine}
	withChip := contact.Mark{Server: nine, Wall: nine, Chip: chip(100*day, 7)}
	tests := []struct {
		name string
		mark contact.Mark
		days int
		now  contact.Reading
		left time.Duration
		want error
	}{
		{"at once", plain, 14, contact.Reading{Wall: nine}, 14 * day, nil},
		{"a second before the end", plain, 14, contact.Reading{Wall: nine.Add(14*day - time.Second)}, time.Second, nil},
		{"at the end", plain, 14, contact.Reading{Wall: nine.Add(14 * day)}, 0, contact.ErrTooLong},
		{"policy says never", plain, 0, contact.Reading{Wall: nine}, 0, contact.ErrNever},
		{"the server never signed", contact.Mark{}, 14, contact.Reading{Wall: nine}, 0, contact.ErrNever},
		{"a clock that is a little behind", plain, 14, contact.Reading{Wall: nine.Add(-time.Minute)}, 14*day + time.Minute, nil},
		{"a clock that was set back", plain, 14, contact.Reading{Wall: nine.Add(-time.Hour)}, 0, contact.ErrClock},
		{"the TPM saw more time go by", withChip, 14, contact.Reading{Wall: nine, Chip: chip(113*day, 7)}, day, nil},
		{"the TPM saw it end", withChip, 14, contact.Reading{Wall: nine.Add(day), Chip: chip(114*day, 9)}, 0, contact.ErrTooLong},
		{"the machine was off, its clock was not", withChip, 14, contact.Reading{Wall: nine.Add(13 * day), Chip: chip(100*day, 8)}, day, nil},
		{"another TPM", withChip, 14, contact.Reading{Wall: nine, Chip: chip(day, 1)}, 0, contact.ErrClock},
		{"no TPM any more", withChip, 14, contact.Reading{Wall: nine}, 0, contact.ErrClock},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			left, err := contact.Left(test.mark, test.days, test.now)
			if left != test.left || !errors.Is(err, test.want) {
				t.Errorf("got %v, %v", left, err)
			}
		})
	}
}
