package pages

import (
	"slices"
	"time"

	"github.com/postern-id/postern/internal/outbox/letter"
)

// HandedOver is what the mail with the link to a pass says, never the pass.
type HandedOver struct {
	Reader string // display name
	Tenant string
	Owner  string // display name of whose pass it is; empty for the reader's own
	Until  time.Time
	Link   string
	ID     string // of the hand-over
}

// HandedOver writes h in lang, with times in zone.
func (v *View) HandedOver(lang string, zone *time.Location, h HandedOver) (Letter, error) {
	until, err := v.moment(lang, zone, h.Until)
	if err != nil {
		return Letter{}, err
	}
	d := draft{
		kind: "passHandedOver", zone: zone, subject: v.Text(lang, "letter_handover_subject", "Owner", h.Owner),
		said:  []string{v.Text(lang, "letter_hello", "Name", h.Reader), v.Text(lang, "letter_handover_what", "Tenant", h.Tenant, "Owner", h.Owner)},
		facts: []fact{{factReader, h.Reader, never}, {factTenant, h.Tenant, never}, {factPerson, h.Owner, never}, {factEnd, "", h.Until}, {factID, h.ID, never}},
		needs: []string{factPerson},
	}
	if h.Owner == "" {
		d.kind, d.subject, d.needs = "passHandedOverOwn", v.Text(lang, "letter_handover_subject_own", "Tenant", h.Tenant), nil
		d.said[1] = v.Text(lang, "letter_handover_what_own", "Tenant", h.Tenant)
		d.facts = slices.Delete(d.facts, 2, 3)
	}
	d.linked(v.Text(lang, "letter_handover_link", "Until", until), h.Link)
	d.notice = append(d.notice, letter.Plain(v.Text(lang, "letter_handover_how"), v.Text(lang, "letter_handover_unknown", "ID", h.ID))...)
	return v.letter(lang, &d)
}
