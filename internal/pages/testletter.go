package pages

import "time"

// A Test letter shows an administrator that mail arrives.
type Test struct {
	Reader string // display name
	Tenant string
	At     time.Time
}

// TestLetter writes t in lang, with times in zone.
func (v *View) TestLetter(lang string, zone *time.Location, t Test) (Letter, error) {
	at, err := v.moment(lang, zone, t.At)
	if err != nil {
		return Letter{}, err
	}
	return v.letter(lang, &draft{
		kind: "test", zone: zone, subject: v.Text(lang, "letter_test_subject", "Tenant", t.Tenant),
		said: []string{
			v.Text(lang, "letter_hello", "Name", t.Reader),
			v.Text(lang, "letter_test_sent", "At", at, "Tenant", t.Tenant),
			v.Text(lang, "letter_test_nothing"),
		},
		facts: []fact{{factReader, t.Reader, never}, {factTenant, t.Tenant, never}, {factTime, "", t.At}},
	})
}
