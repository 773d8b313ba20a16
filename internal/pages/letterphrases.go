package pages

import (
	"maps"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/outbox/letter"
	"github.com/postern-id/postern/internal/signin"
)

// A phrase is a name or a sentence of the product's that stands for a placeholder of a letter and depends on what
// happened. A tenant that writes in a language of its own says these, too.
type phrase struct {
	name string // as a tenant writes it; of a method its id
	key  string // of the text
	args []string
}

const (
	phraseSomebody  = "somebody"
	factIssuer      = "issuerDisplayName"
	phraseRecovered = "accessRecovered"
	phraseIssued    = "passIssued"
	phrasePINReset  = "pinReset"
	phrasePINSetUp  = "pinSetUp"
	phrasePractice  = "recoveryDrill"
)

// letterPhrases are in the order in which they are shown.
var letterPhrases = []phrase{
	methodPhrase("passkey"), methodPhrase("authenticator"), methodPhrase("otc"), methodPhrase("password"), methodPhrase("hello"), methodPhrase("federated"),
	{phraseSomebody, "letter_somebody", nil},
	{phraseIssued + "Once", "letter_issued_once", []string{"Start", factStart, "End", factEnd}},
	{phraseIssued + "Multi", "letter_issued_multi", []string{"Start", factStart, "End", factEnd}},
	{phrasePINSetUp + "Pass", "letter_pinsetup_pass", nil},
	{phrasePINSetUp + "Method", "letter_pinsetup_method", nil},
	{phrasePINReset + "Pass", "letter_pin_pass", []string{"Issuer", factIssuer}},
	{phrasePINReset + "Method", "letter_pin_method", nil},
	{phrasePractice + "Anywhere", "letter_practice_any", nil},
	{phrasePractice + "LockScreen", "letter_practice_lock", nil},
	{phraseRecovered + "Once", "letter_recovered_once", []string{"End", factEnd}},
	{phraseRecovered + "Multi", "letter_recovered_multi", []string{"End", factEnd}},
}

func methodPhrase(id signin.MethodID) phrase { return phrase{string(id), "method_" + string(id), nil} }

// write returns the product's words for p in lang, with the names of placeholders where facts stand.
func (p phrase) write(v *View, lang string) string {
	var args []string
	for i := 0; i < len(p.args); i += 2 {
		args = append(args, p.args[i], "{{"+p.args[i+1]+"}}")
	}
	return v.Text(lang, p.key, args...)
}

// PhraseKind is the kind of template that holds a tenant's phrases.
func PhraseKind() letter.Kind {
	k := letter.Kind{Name: letter.Phrases, Placeholders: []string{factStart, factEnd, factIssuer}, Phrases: map[string][]string{}}
	for _, p := range letterPhrases {
		needs := []string{}
		for i := 1; i < len(p.args); i += 2 {
			needs = append(needs, p.args[i])
		}
		k.Phrases[p.name] = needs
	}
	return k
}

// PhraseWords returns the product's own phrases in lang.
func (v *View) PhraseWords(lang string) letter.Template {
	var lines []string
	for _, p := range letterPhrases {
		lines = append(lines, p.name+": "+p.write(v, lang))
	}
	return letter.Template{Kind: letter.Phrases, Language: lang, Body: strings.Join(lines, "\n")}
}

// SamplePhrases writes every phrase as it stands in letters to somebody who reads lang: that of own, or else the product's.
func (v *View) SamplePhrases(lang string, zone *time.Location, own letter.Template) (Letter, error) {
	d := draft{kind: letter.Phrases, zone: zone, subject: v.Text(lang, "letter_phrases")}
	d.facts = []fact{{factStart, "", v.now().Add(time.Hour)}, {factEnd, "", v.now().Add(9 * time.Hour)}, {factIssuer, "Ida Berg", never}}
	if own.Language == "" {
		own.Language = letter.Default
	}
	values, err := v.values(lang, &d, own.Language)
	if err != nil {
		return Letter{}, err
	}
	said := own.Said()
	for _, p := range letterPhrases {
		text := said[p.name]
		if text == "" {
			text = p.write(v, lang)
		}
		d.said = append(d.said, letter.Fill(text, values))
	}
	return v.letter(lang, &d)
}

// say puts the phrases of own in the places of the product's.
func (d *draft) say(values map[string]string, own letter.Template) {
	said, facts := own.Said(), maps.Clone(values)
	for name, phrase := range d.phrases {
		if text := said[phrase]; text != "" {
			values[name] = letter.Fill(text, facts)
		}
	}
}
