package pages

import (
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/design"
	"github.com/postern-id/postern/internal/outbox/letter"
	"github.com/postern-id/postern/internal/signin"
)

func TestTheProductsPhrasesAreATemplateOfTheSameEffect(t *testing.T) {
	v := newView(t)
	for _, lang := range design.Languages {
		words := v.PhraseWords(lang)
		if err := words.Check(PhraseKind()); err != nil {
			t.Errorf("%s: %v\n%s", lang, err, words.Body)
		}
		product, err := v.SamplePhrases(lang, london, letter.Template{})
		if err != nil {
			t.Fatal(err)
		}
		own, err := v.SamplePhrases(lang, london, words)
		if err != nil || own.Text != product.Text || strings.Contains(own.Text, "{{") || strings.Count(own.Text, "\n\n") != len(letterPhrases)-1 {
			t.Errorf("%s, %v:\n%s\nwant\n%s", lang, err, own.Text, product.Text)
		}
	}
}

// everyPhrase are letters that have all phrases between them, by the names of methods and sentences.
func everyPhrase(t *testing.T, v *View) []Letter {
	t.Helper()
	var all []Letter
	add := func(l Letter, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	for _, id := range []signin.MethodID{"passkey", "authenticator", "otc", "password", "hello", "federated"} {
		add(v.MethodChanged("en", london, MethodChanged{Reader: "Nils", What: "added", Kind: id, Name: "{{endTime}}", At: morning}))
	}
	for _, yes := range []bool{true, false} {
		issuer := ""
		if yes {
			issuer = "{{id}} {{endTime}}"
		}
		add(v.PassIssued("en", london, PassIssued{Reader: "Nils", Issuer: issuer, At: morning, Start: morning, End: morning, Once: yes}))
		add(v.PINReset("en", london, PINReset{Reader: "Nils", Issuer: issuer, At: morning, Device: "x", ID: "0c1d2e3f"}))
		add(v.PINSetUp("en", london, PINSetUp{Reader: "Nils", ByPass: yes, At: morning, Device: "x"}))
		add(v.Practice("en", london, PracticeLetter{Reader: "Nils", AtLockScreen: yes, EndsAt: morning}))
		add(v.Recovered("en", london, Recovered{Reader: "Nils", Once: yes, At: morning, End: morning}))
	}
	return all
}

func TestATenantSaysNamesAndSentencesInItsLanguage(t *testing.T) {
	v := newView(t)
	var lines []string
	for _, p := range letterPhrases {
		line := p.name + ": §" + p.name + "§"
		for i := 1; i < len(p.args); i += 2 {
			line += " {{" + p.args[i] + "}}"
		}
		lines = append(lines, line)
	}
	phrases := letter.Template{Kind: letter.Phrases, Language: "fr", Body: strings.Join(lines, "\n")}
	if err := phrases.Check(PhraseKind()); err != nil {
		t.Fatal(err)
	}
	own := letter.Template{Language: "fr", Subject: "x", Body: "{{method}} {{explanation}} {{issuerDisplayName}}"}
	var text string
	for _, l := range everyPhrase(t, v) {
		var there []string // a paragraph with what the letter does not have would be left out
		for _, f := range l.draft.facts {
			if f.value != "" {
				there = append(there, "{{"+f.name+"}}")
			}
		}
		own.Body = strings.Join(there, "\n\n")
		got, err := v.Rewrite(l, own, phrases)
		if err != nil {
			t.Fatal(err)
		}
		text += got.Text
		plain, err := v.Rewrite(l, own, letter.Template{})
		if err != nil || strings.Contains(plain.Text, "§") {
			t.Errorf("%s: %v\n%s", l.Kind, err, plain.Text)
		}
	}
	for _, p := range letterPhrases {
		if !strings.Contains(text, "§"+p.name+"§") {
			t.Errorf("%s stands in no letter", p.name)
		}
	}
	if !strings.Contains(text, "§passIssuedOnce§ 2026-") || !strings.Contains(text, "§pinResetPass§ {{id}} {{endTime}}") {
		t.Errorf("the facts of a sentence are not in\n%s", text)
	}
}
