package pages

import (
	"strings"
	"time"

	"github.com/postern-id/postern/internal/directory"

	"github.com/postern-id/postern/internal/outbox/letter"
)

// Note makes a letter of words that somebody else chose. Nothing in them is markup.
func (v *View) Note(lang, subject string, paragraphs ...letter.Paragraph) (Letter, error) {
	return layOut(lang, lang, &draft{}, subject, paragraphs, nil, lang)
}

// Day writes the day of at in a language. A moment that is midnight in UTC is a date that was
// written without a time, and is the same everywhere. A language without words has the digits of ISO 8601.
func Day(lang string, zone *time.Location, at time.Time) string {
	if at = at.UTC(); !directory.DateOnly(at) {
		at = at.In(zone)
	}
	switch base, _, _ := strings.Cut(lang, "-"); base {
	case "de":
		return at.Format("02.01.2006")
	case "en":
		return at.Format("2 January 2006")
	}
	return at.Format(time.DateOnly)
}
