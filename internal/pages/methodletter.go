package pages

import (
	"time"

	"github.com/postern-id/postern/internal/signin"
)

// MethodChanged is what the mail about a changed method says.
type MethodChanged struct {
	Reader string // display name
	Tenant string
	What   string // a value of method.Change.What
	Kind   signin.MethodID
	Name   string // of the method
	By     string // display name of who changed it; empty when the person did
	At     time.Time
	Link   string // freezes what was added; empty leaves it out
	ID     string // correlation id of the event
}

// MethodChanged writes the mail that tells a person that a method of theirs changed.
func (v *View) MethodChanged(lang string, zone *time.Location, m MethodChanged) (Letter, error) {
	at, err := v.moment(lang, zone, m.At)
	if err != nil {
		return Letter{}, err
	}
	kind := v.Text(lang, "method_"+string(m.Kind))
	what := v.Text(lang, "change_letter_"+m.What, "Method", kind, "Name", m.Name)
	paragraphs := []string{
		v.Text(lang, "letter_hello", "Name", m.Reader),
		v.Text(lang, "letter_method_what", "At", at, "Tenant", m.Tenant, "What", what),
	}
	if m.By != "" {
		paragraphs = append(paragraphs, v.Text(lang, "letter_method_by", "By", m.By))
	}
	paragraphs = append(paragraphs, v.Text(lang, "letter_pin_known"))
	if m.Link != "" {
		paragraphs = append(paragraphs, v.Text(lang, "letter_method_link"), m.Link)
	}
	paragraphs = append(paragraphs, v.Text(lang, "letter_method_unknown", "ID", m.ID))
	return v.letter(lang, what, paragraphs...)
}
