package pages

import (
	"time"

	"github.com/postern-id/postern/internal/outbox/letter"
)

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
	how, phrase := v.Text(lang, "letter_pin_method"), phrasePINReset+"Method"
	if r.Issuer != "" {
		how, phrase = v.Text(lang, "letter_pin_pass", "Issuer", r.Issuer), phrasePINReset+"Pass"
	}
	return v.letter(lang, &draft{
		kind: "pinReset", zone: zone, subject: v.Text(lang, "letter_pin_subject", "Device", r.Device),
		said: []string{
			v.Text(lang, "letter_hello", "Name", r.Reader),
			v.Text(lang, "letter_pin_what", "At", at, "Tenant", r.Tenant, "Device", r.Device),
			how,
		},
		facts:   append(pinFacts(r.Reader, r.Tenant, r.Device, how, r.ID, r.At), fact{factIssuer, r.Issuer, never}),
		needs:   []string{factTime, factDevice, factWhy},
		phrases: map[string]string{factWhy: phrase},
		notice: letter.Plain(
			v.Text(lang, "letter_pin_known"),
			v.Text(lang, "letter_pin_unknown", "ID", r.ID),
			v.Text(lang, "letter_nothing_secret"),
		),
	})
}

func pinFacts(reader, tenant, device, how, id string, at time.Time) []fact {
	return []fact{
		{factReader, reader, never}, {factTenant, tenant, never}, {factTime, "", at}, {factDevice, device, never}, {factWhy, how, never}, {factID, id, never},
	}
}

// A PINSetUp letter tells a person that a device PIN of theirs was set up.
type PINSetUp struct {
	Reader string // display name
	Tenant string
	Device string // display name
	At     time.Time
	ByPass bool   // a pass was behind the sign-in
	ID     string // correlation id of the event
}

// PINSetUp writes p in lang, with times in zone. There is no link in it: a PIN is of no use away
// from its device, and is removed rather than frozen.
func (v *View) PINSetUp(lang string, zone *time.Location, p PINSetUp) (Letter, error) {
	at, err := v.moment(lang, zone, p.At)
	if err != nil {
		return Letter{}, err
	}
	how, phrase := v.Text(lang, "letter_pinsetup_method"), phrasePINSetUp+"Method"
	if p.ByPass {
		how, phrase = v.Text(lang, "letter_pinsetup_pass"), phrasePINSetUp+"Pass"
	}
	return v.letter(lang, &draft{
		kind: "pinSetUp", zone: zone, subject: v.Text(lang, "letter_pinsetup_subject", "Device", p.Device),
		said: []string{
			v.Text(lang, "letter_hello", "Name", p.Reader),
			v.Text(lang, "letter_pinsetup_what", "At", at, "Tenant", p.Tenant, "Device", p.Device),
			how,
		},
		facts:   pinFacts(p.Reader, p.Tenant, p.Device, how, p.ID, p.At),
		needs:   []string{factTime, factDevice, factWhy},
		phrases: map[string]string{factWhy: phrase},
		notice: letter.Plain(
			v.Text(lang, "letter_pin_known"),
			v.Text(lang, "letter_pinsetup_unknown", "ID", p.ID),
			v.Text(lang, "letter_nothing_secret"),
		),
	})
}
