package pages

import (
	"time"

	"github.com/postern-id/postern/internal/outbox/letter"
)

// A PassIssued letter tells a person that a pass was issued for them, never the pass itself.
type PassIssued struct {
	Reader string // display name
	Tenant string
	Issuer string // display name; empty when people are not told
	At     time.Time
	Start  time.Time
	End    time.Time
	Once   bool
	ID     string // of the pass
}

// PassIssued writes p in lang, with times in zone.
func (v *View) PassIssued(lang string, zone *time.Location, p PassIssued) (Letter, error) {
	at, err := v.moment(lang, zone, p.At)
	if err != nil {
		return Letter{}, err
	}
	start, err := v.moment(lang, zone, p.Start)
	if err != nil {
		return Letter{}, err
	}
	end, err := v.moment(lang, zone, p.End)
	if err != nil {
		return Letter{}, err
	}
	often, issuer, phrases := "letter_issued_multi", p.Issuer, map[string]string{factWhy: phraseIssued + "Multi"}
	if p.Once {
		often, phrases[factWhy] = "letter_issued_once", phraseIssued+"Once"
	}
	what := v.Text(lang, "letter_issued_by", "At", at, "Tenant", p.Tenant, "Issuer", p.Issuer)
	if issuer == "" {
		what, issuer = v.Text(lang, "letter_issued_somebody", "At", at, "Tenant", p.Tenant), v.Text(lang, "letter_somebody")
		phrases[factIssuer] = phraseSomebody
	}
	validity := v.Text(lang, often, "Start", start, "End", end)
	return v.letter(lang, &draft{
		kind: "passIssued", zone: zone, subject: v.Text(lang, "letter_issued_subject", "Tenant", p.Tenant),
		said: []string{v.Text(lang, "letter_hello", "Name", p.Reader), what, validity},
		facts: []fact{
			{factReader, p.Reader, never},
			{factTenant, p.Tenant, never},
			{factTime, "", p.At},
			{factIssuer, issuer, never},
			{factWhy, validity, never},
			{factStart, "", p.Start},
			{factEnd, "", p.End},
			{factID, p.ID, never},
		},
		needs:   []string{factTime},
		phrases: phrases,
		notice: letter.Plain(
			v.Text(lang, "letter_issued_known"),
			v.Text(lang, "letter_issued_unknown", "ID", p.ID),
			v.Text(lang, "letter_nothing_secret"),
		),
	})
}

// A PassRedeemed letter tells a person that somebody signed in with their pass.
type PassRedeemed struct {
	Reader      string // display name
	Tenant      string
	Application string
	Device      string // display name of the joined device; empty in a browser
	Address     string
	At          time.Time
	ID          string // correlation id of the event
}

// PassRedeemed writes p in lang, with times in zone.
func (v *View) PassRedeemed(lang string, zone *time.Location, p PassRedeemed) (Letter, error) {
	at, err := v.moment(lang, zone, p.At)
	if err != nil {
		return Letter{}, err
	}
	kind, where := "passRedeemed", "letter_redeemed_browser"
	if p.Device != "" {
		kind, where = "passRedeemedAtDevice", "letter_redeemed_device"
	}
	return v.letter(lang, &draft{
		kind: kind, zone: zone, subject: v.Text(lang, "letter_redeemed_subject", "Tenant", p.Tenant),
		said: []string{
			v.Text(lang, "letter_hello", "Name", p.Reader),
			v.Text(lang, where, "At", at, "Tenant", p.Tenant, "Application", p.Application, "Device", p.Device, "Address", p.Address),
		},
		facts: []fact{
			{factReader, p.Reader, never},
			{factTenant, p.Tenant, never},
			{factTime, "", p.At},
			{"applicationDisplayName", p.Application, never},
			{factDevice, p.Device, never},
			{"ipAddress", p.Address, never},
			{factID, p.ID, never},
		},
		needs: []string{factTime},
		notice: letter.Plain(
			v.Text(lang, "letter_redeemed_known"),
			v.Text(lang, "letter_redeemed_unknown", "ID", p.ID),
			v.Text(lang, "letter_nothing_secret"),
		),
	})
}
