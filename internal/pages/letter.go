package pages

import (
	"bytes"
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/design"
)

// A Letter is what a mail says: once as text, once as HTML with the same words. It has no
// style, pictures, links or secrets, so that it is the same everywhere and nothing to phish
// with.
type Letter struct {
	Subject string
	Text    string
	HTML    string
}

// A Recovered letter tells an administrator that `postern recover` made a pass.
type Recovered struct {
	Reader string // display name of who reads it
	Tenant string
	Admin  string // UPN of who has the pass
	At     time.Time
	End    time.Time
	Once   bool
	ID     string // correlation id of the event
}

// LanguageOf returns the language of letters to a person with that preferredLanguage, such as
// de-AT: the best match, English without one.
func LanguageOf(preferred string) string {
	return design.LanguageOf(preferred)
}

// Recovered writes r in lang, with times in zone.
func (v *View) Recovered(lang string, zone *time.Location, r Recovered) (Letter, error) {
	at, err := v.moment(lang, zone, r.At)
	if err != nil {
		return Letter{}, err
	}
	end, err := v.moment(lang, zone, r.End)
	if err != nil {
		return Letter{}, err
	}
	what := "letter_recovered_multi"
	if r.Once {
		what = "letter_recovered_once"
	}
	return v.letter(lang, v.Text(lang, "letter_recovered_subject"),
		v.Text(lang, "letter_hello", "Name", r.Reader),
		v.Text(lang, what, "At", at, "Tenant", r.Tenant, "Admin", r.Admin, "End", end),
		v.Text(lang, "letter_recovered_why"),
		v.Text(lang, "letter_recovered_known"),
		v.Text(lang, "letter_recovered_unknown", "Admin", r.Admin, "ID", r.ID),
		v.Text(lang, "letter_nothing_secret"),
	)
}

func (v *View) moment(lang string, zone *time.Location, at time.Time) (string, error) {
	return phrasebook{design.Phrases{Words: v.words, Lang: lang, Now: v.now}}.Moment(at, zone, true)
}

// letterHTML is the document around the paragraphs of a letter. The scheme lets the reader's
// dark theme apply.
var letterHTML = template.Must(template.New("letter").Funcs(template.FuncMap{"link": isLink}).Parse(`<!doctype html>
<html lang="{{.Lang}}"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>{{.Subject}}</title></head>
<body>
{{range .Paragraphs}}<p>{{if link .}}<a href="{{.}}">{{.}}</a>{{else}}{{.}}{{end}}</p>
{{end}}</body></html>
`))

func (v *View) letter(lang, subject string, paragraphs ...string) (Letter, error) {
	var out bytes.Buffer
	if err := letterHTML.Execute(&out, struct {
		Lang, Subject string
		Paragraphs    []string
	}{lang, subject, paragraphs}); err != nil {
		return Letter{}, fmt.Errorf("write a letter: %w", err)
	}
	return Letter{Subject: subject, Text: strings.Join(paragraphs, "\n\n") + "\n", HTML: out.String()}, nil
}

// isLink reports whether a paragraph is a link of ours, and nothing else.
func isLink(paragraph string) bool {
	return strings.HasPrefix(paragraph, "https://") && !strings.ContainsAny(paragraph, " \n")
}
