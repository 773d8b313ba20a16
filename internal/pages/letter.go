package pages

import (
	"bytes"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/design"
	"github.com/postern-id/postern/internal/outbox/letter"
)

// A Letter is what a mail says: once as text, once as HTML with the same words. It has no
// style, pictures, links or secrets, so that it is the same everywhere and nothing to phish
// with.
type Letter struct {
	Subject string
	Text    string
	HTML    string
	// Kind names what a tenant's own words for such a letter are kept under.
	Kind string

	lang  string
	draft *draft
}

// A draft is a letter before it is laid out.
type draft struct {
	kind    string
	zone    *time.Location
	subject string
	// said are paragraphs that a tenant may say in its own words, which have to name what needs lists.
	said  []string
	facts []fact
	needs []string
	// phrases are, by their names, the facts for which a phrase stands that a tenant may say itself.
	phrases map[string]string
	// notice ends every letter of the kind, whoever wrote the rest. Block, "link" or "code", names what
	// stands in it as a paragraph of its own.
	notice        []letter.Paragraph
	block, blocks string
}

// A fact is what a placeholder stands for.
type fact struct {
	name, value string
	at          time.Time // instead of value
}

// The names of facts.
const (
	factReader = "recipientDisplayName"
	factTenant = "tenantDisplayName"
	factTime   = "time"
	factStart  = "startTime"
	factEnd    = "endTime"
	factID     = "id"
	factPerson = "personDisplayName"
	factDevice = "deviceDisplayName"
	factFrom   = "from"
	factWhy    = "explanation" // a sentence of the product's
)

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
	often, how := v.Text(lang, "letter_recovered_multi", "End", end), phraseRecovered+"Multi"
	if r.Once {
		often, how = v.Text(lang, "letter_recovered_once", "End", end), phraseRecovered+"Once"
	}
	return v.letter(lang, &draft{
		kind: "accessRecovered", zone: zone, subject: v.Text(lang, "letter_recovered_subject"),
		said: []string{
			v.Text(lang, "letter_hello", "Name", r.Reader),
			v.Text(lang, "letter_recovered_what", "At", at, "Tenant", r.Tenant, "Admin", r.Admin),
			often,
			v.Text(lang, "letter_recovered_why"),
		},
		facts: []fact{
			{factReader, r.Reader, never},
			{factTenant, r.Tenant, never},
			{factTime, "", r.At},
			{"adminUserPrincipalName", r.Admin, never},
			{factWhy, often, never},
			{factEnd, "", r.End},
			{factID, r.ID, never},
		},
		needs:   []string{factTime, "adminUserPrincipalName"},
		phrases: map[string]string{factWhy: how},
		notice: letter.Plain(
			v.Text(lang, "letter_recovered_known"),
			v.Text(lang, "letter_recovered_unknown", "Admin", r.Admin, "ID", r.ID),
			v.Text(lang, "letter_nothing_secret"),
		),
	})
}

var never time.Time

// Moment writes a day with its hour and zone, for a letter in lang.
func (v *View) Moment(lang string, zone *time.Location, at time.Time) string {
	text, err := v.moment(LanguageOf(lang), zone, at)
	if err != nil {
		return at.In(zone).Format(time.DateTime)
	}
	return text
}

func (v *View) moment(lang string, zone *time.Location, at time.Time) (string, error) {
	return phrasebook{design.Phrases{Words: v.words, Lang: lang, Now: v.now}}.Moment(at, zone, true)
}

// letterHTML is the document around the paragraphs of a letter. The scheme lets the reader's
// dark theme apply.
var letterHTML = template.Must(template.New("letter").Parse(`<!doctype html>
<html lang="{{.Lang}}"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>{{.Subject}}</title></head>
<body>
{{range .Paragraphs}}<p{{with .Lang}} lang="{{.}}"{{end}}>{{if .Link}}<a href="{{.Text}}">{{.Text}}</a>{{else}}{{range $i, $line := .Lines}}{{if $i}}<br>{{end}}{{$line}}{{end}}{{end}}</p>
{{end}}</body></html>
`))

// A piece is a paragraph in a language: empty in that of the letter.
type piece struct {
	letter.Paragraph
	Lang string
}

// Lines are those of a paragraph that a tenant wrote.
func (p piece) Lines() []string { return strings.Split(strings.ReplaceAll(p.Text, "\r\n", "\n"), "\n") }

// letter lays out d in the product's own words.
func (v *View) letter(lang string, d *draft) (Letter, error) {
	return layOut(lang, lang, d, d.subject, letter.Plain(d.said...), d.notice, lang)
}

// values are what stands for the facts of d in a template in language; lang is the product's.
func (v *View) values(lang string, d *draft, language string) (map[string]string, error) {
	values := map[string]string{}
	for _, f := range d.facts {
		values[f.name] = f.value
		if f.at.IsZero() {
			continue
		}
		values[f.name] = f.at.In(d.zone).Format("2006-01-02 15:04") + " (" + d.zone.String() + ")"
		if letter.HasWords(language) {
			at, err := v.moment(lang, d.zone, f.at)
			if err != nil {
				return nil, err
			}
			values[f.name] = at
		}
	}
	return values, nil
}

// Rewrite returns l in a tenant's own words, with its phrases for what t leaves to them. The notice stays; one in a
// language that the product does not write may be the tenant's translation.
func (v *View) Rewrite(l Letter, t, phrases letter.Template) (Letter, error) {
	d, lang := l.draft, t.Language
	if lang == letter.Default {
		lang = l.lang
	}
	values, err := v.values(l.lang, d, t.Language)
	if err != nil {
		return Letter{}, err
	}
	d.say(values, phrases)
	subject := letter.Fill(t.Subject, values)
	if subject == "" {
		subject = d.subject
	}
	said := letter.Write(letter.Told(letter.Paragraphs(t.Body), values, d.needs), values, "", nil)
	notice, noticeLang := d.notice, l.lang
	if t.Notice != "" && !letter.HasWords(t.Language) {
		var stands []letter.Paragraph
		if d.block != "" {
			stands = []letter.Paragraph{{Text: d.blocks, Link: letter.IsLink(d.blocks)}}
		}
		notice, noticeLang = letter.Write(letter.Paragraphs(t.Notice), values, d.block, stands), lang
	}
	return layOut(l.lang, lang, d, subject, said, notice, noticeLang)
}

func layOut(product, lang string, d *draft, subject string, said, notice []letter.Paragraph, noticeLang string) (Letter, error) {
	var pieces []piece
	var text strings.Builder
	for i, p := range append(slices.Clone(said), notice...) {
		one := piece{Paragraph: p}
		if i >= len(said) && noticeLang != lang {
			one.Lang = noticeLang
		}
		if i > 0 {
			text.WriteString("\n\n")
		}
		text.WriteString(p.Text)
		pieces = append(pieces, one)
	}
	text.WriteString("\n")
	var out bytes.Buffer
	if err := letterHTML.Execute(&out, struct {
		Lang, Subject string
		Paragraphs    []piece
	}{lang, subject, pieces}); err != nil {
		return Letter{}, fmt.Errorf("write a letter: %w", err)
	}
	return Letter{Subject: subject, Text: text.String(), HTML: out.String(), Kind: d.kind, lang: product, draft: d}, nil
}
