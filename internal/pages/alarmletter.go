package pages

import (
	"strconv"
	"time"

	"github.com/postern-id/postern/internal/outbox/letter"
)

// A PassesRefused letter calls somebody to look at passes that are refused. It names nobody, since it
// may go to a mailbox that many read.
type PassesRefused struct {
	Reader string // display name; empty for a mailbox
	Tenant string
	People int // whose passes they are
	At     time.Time
}

// PassesRefused writes p in lang, with times in zone.
func (v *View) PassesRefused(lang string, zone *time.Location, p PassesRefused) (Letter, error) {
	at, err := v.moment(lang, zone, p.At)
	if err != nil {
		return Letter{}, err
	}
	if p.Reader == "" {
		p.Reader = p.Tenant
	}
	n := strconv.Itoa(p.People)
	return v.letter(lang, &draft{
		kind: "passesRefused", zone: zone, subject: v.Text(lang, "letter_alarm_subject", "Tenant", p.Tenant),
		said: []string{
			v.Text(lang, "letter_hello", "Name", p.Reader),
			v.Text(lang, "letter_alarm_what", "At", at, "People", n, "Tenant", p.Tenant),
			v.Text(lang, "letter_alarm_means"),
		},
		facts:  []fact{{factReader, p.Reader, never}, {factTenant, p.Tenant, never}, {factTime, "", p.At}, {"peopleCount", n, never}},
		needs:  []string{"peopleCount"},
		notice: letter.Plain(v.Text(lang, "letter_alarm_look"), v.Text(lang, "letter_nothing_secret")),
	})
}
