package pages

import "time"

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
	who, what := "letter_issued_somebody", "letter_issued_multi"
	if p.Issuer != "" {
		who = "letter_issued_by"
	}
	if p.Once {
		what = "letter_issued_once"
	}
	return v.letter(lang, v.Text(lang, "letter_issued_subject", "Tenant", p.Tenant),
		v.Text(lang, "letter_hello", "Name", p.Reader),
		v.Text(lang, who, "At", at, "Tenant", p.Tenant, "Issuer", p.Issuer),
		v.Text(lang, what, "Start", start, "End", end),
		v.Text(lang, "letter_issued_known"),
		v.Text(lang, "letter_issued_unknown", "ID", p.ID),
		v.Text(lang, "letter_nothing_secret"),
	)
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
	where := "letter_redeemed_browser"
	if p.Device != "" {
		where = "letter_redeemed_device"
	}
	return v.letter(lang, v.Text(lang, "letter_redeemed_subject", "Tenant", p.Tenant),
		v.Text(lang, "letter_hello", "Name", p.Reader),
		v.Text(lang, where, "At", at, "Tenant", p.Tenant, "Application", p.Application, "Device", p.Device, "Address", p.Address),
		v.Text(lang, "letter_redeemed_known"),
		v.Text(lang, "letter_redeemed_unknown", "ID", p.ID),
		v.Text(lang, "letter_nothing_secret"),
	)
}
