package pages

import "time"

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
	subject, what := "letter_handover_subject", "letter_handover_what"
	if h.Owner == "" {
		subject, what = "letter_handover_subject_own", "letter_handover_what_own"
	}
	return v.letter(lang, v.Text(lang, subject, "Tenant", h.Tenant, "Owner", h.Owner),
		v.Text(lang, "letter_hello", "Name", h.Reader),
		v.Text(lang, what, "Tenant", h.Tenant, "Owner", h.Owner),
		v.Text(lang, "letter_handover_link", "Until", until), h.Link,
		v.Text(lang, "letter_handover_how"),
		v.Text(lang, "letter_handover_unknown", "ID", h.ID),
	)
}
