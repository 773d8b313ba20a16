package pages

import "time"

// Note makes a letter of words that somebody else chose. Nothing in them is markup.
func (v *View) Note(lang, subject string, paragraphs ...string) (Letter, error) {
	return v.letter(lang, subject, paragraphs...)
}

// Day writes the day of at in a language. A moment that is midnight in UTC is a date that was
// written without a time, and is the same everywhere.
func Day(lang string, zone *time.Location, at time.Time) string {
	at = at.UTC()
	if !at.Equal(at.Truncate(24 * time.Hour)) {
		at = at.In(zone)
	}
	if lang == "de" {
		return at.Format("02.01.2006")
	}
	return at.Format("2 January 2006")
}
