package pages

import (
	"strings"
	"time"

	"github.com/postern-id/postern/internal/outbox/letter"
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
	d := draft{
		kind: "method" + capital(m.What), zone: zone, subject: what,
		said: []string{
			v.Text(lang, "letter_hello", "Name", m.Reader),
			v.Text(lang, "letter_method_what", "At", at, "Tenant", m.Tenant, "What", what),
		},
		facts: []fact{
			{factReader, m.Reader, never},
			{factTenant, m.Tenant, never},
			{factTime, "", m.At},
			{"method", kind, never},
			{"methodName", m.Name, never},
			{"changedBy", m.By, never},
			{factID, m.ID, never},
		},
		needs:   []string{factTime, "method"},
		phrases: map[string]string{"method": string(m.Kind)},
		notice:  letter.Plain(v.Text(lang, "letter_pin_known")),
	}
	if m.By != "" {
		d.said = append(d.said, v.Text(lang, "letter_method_by", "By", m.By))
	}
	if m.Link != "" {
		d.linked(v.Text(lang, "letter_method_link"), m.Link)
	}
	d.notice = append(d.notice, letter.Plain(v.Text(lang, "letter_method_unknown", "ID", m.ID))...)
	return v.letter(lang, &d)
}

// linked adds a link to the notice, after what it is for.
func (d *draft) linked(what, link string) {
	d.notice = append(d.notice, letter.Paragraph{Text: what}, letter.Paragraph{Text: link, Link: letter.IsLink(link)})
	d.block, d.blocks = "link", link
}

func capital(word string) string {
	return strings.ToUpper(word[:1]) + word[1:]
}
