package pages

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/postern-id/postern/internal/design"
	"github.com/postern-id/postern/internal/outbox/letter"
)

const server = "https://id.contoso.example"

func sample(t *testing.T, v *View, kind, lang string) Letter {
	t.Helper()
	l, err := v.SampleLetter(kind, lang, london, "Contoso", server)
	if err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
	return l
}

// Where somebody asked from is not always known, so that the words to begin with leave it out.
var fromWhere = regexp.MustCompile(`,? \S+ Firefox, Linux, 203\.0\.113\.7( aus)?`)

func TestTheProductsWordsAsATemplateWriteTheSameMail(t *testing.T) {
	v := newView(t)
	kinds, err := v.LetterKinds()
	if err != nil || len(kinds) != len(letterKinds) {
		t.Fatal(len(kinds), err)
	}
	for _, k := range kinds {
		for _, lang := range design.Languages {
			words, err := v.LetterWords(k.Name, lang)
			if err != nil {
				t.Fatal(err)
			}
			if err := words.Check(k); err != nil {
				t.Errorf("%s in %s: %v\n%s", k.Name, lang, err, words.Body)
			}
			l := sample(t, v, k.Name, lang)
			if l.Kind != k.Name {
				t.Errorf("the sample of %s is a %s", k.Name, l.Kind)
			}
			got, err := v.Rewrite(l, words, letter.Template{})
			if err != nil {
				t.Fatal(err)
			}
			if want := fromWhere.ReplaceAllString(l.Text, ""); got.Subject != l.Subject || got.Text != want {
				t.Errorf("%s in %s is\n%s\n%s\nwant\n%s\n%s", k.Name, lang, got.Subject, got.Text, l.Subject, want)
			}
		}
	}
	if _, err := v.SampleLetter("nothing", "en", london, "Contoso", server); !errors.Is(err, letter.ErrKindUnknown) {
		t.Errorf("a kind that is none: %v", err)
	}
}

func TestNoTemplateLeavesOutTheNoticeOfAMail(t *testing.T) {
	v := newView(t)
	for _, k := range letterKinds {
		l := sample(t, v, k.name, "de")
		for _, lang := range []string{"de", "de-AT", letter.Default, "fr"} {
			got, err := v.Rewrite(l, letter.Template{Kind: k.name, Language: lang, Subject: "x", Body: "Alles gut."}, letter.Template{})
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range l.draft.notice {
				if !strings.HasSuffix(got.Text, "\n") || strings.Count(got.Text, p.Text) != 1 {
					t.Errorf("%s in %s lacks %q:\n%s", k.name, lang, p.Text, got.Text)
				}
				if p.Link && !strings.Contains(got.HTML, `<a href="`+html.EscapeString(p.Text)+`">`) {
					t.Errorf("%s in %s has no link:\n%s", k.name, lang, got.HTML)
				}
			}
		}
	}
}

func TestAMailInALanguageThatTheProductDoesNotWrite(t *testing.T) {
	v := newView(t)
	l := sample(t, v, "methodAdded", LanguageOf("fr-CH"))
	own := letter.Template{Language: "fr", Subject: "Ajouté : {{method}}", Body: "Bonjour {{recipientDisplayName}},\nle {{time}} {{method}}."}
	got, err := v.Rewrite(l, own, letter.Template{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`<html lang="fr">`, "Bonjour Nils Holm,<br>le ", `<p lang="en">If it wasn`} {
		if !strings.Contains(got.HTML, want) {
			t.Errorf("%q is not in\n%s", want, got.HTML)
		}
	}
	if !regexp.MustCompile(`le \d{4}-\d\d-\d\d \d\d:\d\d \(Europe/London\)`).MatchString(got.Text) {
		t.Errorf("the time is in another language:\n%s", got.Text)
	}
	own.Notice = "Pas vous ? Ouvrez {{link}}.\n\nNuméro {{id}}"
	if got, err = v.Rewrite(l, own, letter.Template{}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(got.Text, "wasn’t you") || !strings.Contains(got.Text, "Pas vous ? Ouvrez ….\n\n"+server+NotMePath+"#example\n\nNuméro 1f6b") || strings.Contains(got.HTML, `lang="en"`) {
		t.Errorf("the notice is\n%s\n%s", got.Text, got.HTML)
	}
}

func TestWhatPeopleAreCalledCanNotPutAnythingIntoAMail(t *testing.T) {
	v := newView(t)
	for _, name := range []string{
		`<script>alert(1)</script><img src=x>`, "{{link}}", "{{id}}", "Eve\r\nBcc: eve@evil.example", "Eve\n\nhttps://evil.example/", "https://evil.example/", "\u202eEve", `"><a href="https://evil.example/">`,
	} {
		l, err := v.MethodChanged("en", london, MethodChanged{Reader: name, Tenant: name, What: "added", Kind: "passkey", Name: name, By: name, At: morning, Link: server + "/not-me#x", ID: "0c1d2e3f"})
		if err != nil {
			t.Fatal(err)
		}
		got, err := v.Rewrite(l, letter.Template{
			Language: "en", Subject: "{{recipientDisplayName}} {{methodName}}",
			Body: "{{recipientDisplayName}}\n\n{{time}} {{method}}\n\n<script>{{changedBy}}</script>\n\n{{tenantDisplayName}}",
		}, letter.Template{})
		if err != nil {
			t.Fatal(err)
		}
		doc, err := html.Parse(strings.NewReader(got.HTML))
		if err != nil {
			t.Fatal(err)
		}
		if found := all(doc, tags("script", "img")); len(found) > 0 {
			t.Errorf("%q became markup\n%s", name, got.HTML)
		}
		if links := all(doc, tags("a")); len(links) != 1 || value(links[0], "href") != server+"/not-me#x" {
			t.Errorf("%q became a link\n%s", name, got.HTML)
		}
		if strings.ContainsAny(got.Subject, "\r\n\u202e") || strings.Contains(got.Text, "\n\nhttps://evil.example/\n\nhttps") || strings.Count(got.Text, "0c1d2e3f") != 1 {
			t.Errorf("%q makes\n%s\n%s", name, got.Subject, got.Text)
		}
		if n := len(all(doc, tags("p"))); n != 4+4 {
			t.Errorf("%q makes %d paragraphs\n%s", name, n, got.Text)
		}
	}
}

func TestTheLargestTemplateAboutTheLongestNamesIsAMail(t *testing.T) {
	v := newView(t)
	long := strings.Repeat(`"`, 4000)
	l, err := v.MethodChanged("en", london, MethodChanged{Reader: long[:256], Tenant: long[:256], What: "added", Kind: "passkey", Name: long, By: long[:256], At: morning, Link: server + "/" + strings.Repeat("x", 1000), ID: "0c1d2e3f"})
	if err != nil {
		t.Fatal(err)
	}
	kinds, err := v.LetterKinds()
	if err != nil {
		t.Fatal(err)
	}
	fill := func(most int, start, again string, n int) string {
		start += strings.Repeat(again, n)
		return start + strings.Repeat(`"`, most-len(start))
	}
	own := letter.Template{Language: "fr", Subject: "x", Body: fill(letter.MostBody, "{{time}}{{method}}", "{{methodName}}", 26), Notice: fill(letter.MostNotice, "{{link}} {{id}}", "", 0)}
	for _, k := range kinds {
		if k.Name == l.Kind {
			if err := own.Check(k); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := v.Rewrite(l, own, letter.Template{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(got.Subject + got.Text + got.HTML); n > 256<<10 {
		t.Errorf("the mail has %d bytes, more than the outbox takes", n)
	}
}
