package pages

import "time"

// A PINReset letter tells a person that their forgotten device PIN was replaced.
type PINReset struct {
	Reader string // display name
	Tenant string
	Device string // display name
	At     time.Time
	Issuer string // of the pass that authorised it; empty when it was none
	ID     string // correlation id of the event
}

// PINReset writes r in lang, with times in zone.
func (v *View) PINReset(lang string, zone *time.Location, r PINReset) (Letter, error) {
	at, err := v.moment(lang, zone, r.At)
	if err != nil {
		return Letter{}, err
	}
	how := v.Text(lang, "letter_pin_method")
	if r.Issuer != "" {
		how = v.Text(lang, "letter_pin_pass", "Issuer", r.Issuer)
	}
	return v.letter(lang, v.Text(lang, "letter_pin_subject", "Device", r.Device),
		v.Text(lang, "letter_hello", "Name", r.Reader),
		v.Text(lang, "letter_pin_what", "At", at, "Tenant", r.Tenant, "Device", r.Device),
		how,
		v.Text(lang, "letter_pin_known"),
		v.Text(lang, "letter_pin_unknown", "ID", r.ID),
		v.Text(lang, "letter_nothing_secret"),
	)
}
