package pages

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/postern-id/postern/internal/design"
	"github.com/postern-id/postern/internal/method"
)

var recovered = Recovered{
	Reader: "Aylin Demir", Tenant: "Contoso", Admin: "admin@contoso.example", At: morning, End: morning.AddDate(0, 0, 1), ID: "0c1d2e3f",
}

func TestALetterSaysTheSameAsTextAndAsHTML(t *testing.T) {
	for _, lang := range design.Languages {
		for _, once := range []bool{true, false} {
			r := recovered
			r.Once = once
			l, err := newView(t).Recovered(lang, london, r)
			if err != nil {
				t.Fatal(err)
			}
			doc, err := html.Parse(strings.NewReader(l.HTML))
			if err != nil {
				t.Fatal(err)
			}
			var paragraphs []string
			for _, p := range all(doc, tags("p")) {
				paragraphs = append(paragraphs, words(p))
			}
			if got := strings.Join(paragraphs, "\n\n") + "\n"; got != l.Text {
				t.Errorf("the HTML says\n%s\nand the text\n%s", got, l.Text)
			}
			for _, want := range []string{"Aylin Demir", "Contoso", "admin@contoso.example", "10:42", "(Europe/London)", "0c1d2e3f", "Recover administrator access"} {
				if !strings.Contains(l.Text, want) {
					t.Errorf("%s: %q is not in\n%s", lang, want, l.Text)
				}
			}
			if value(all(doc, tags("html"))[0], "lang") != lang || words(all(doc, tags("title"))[0]) != l.Subject {
				t.Errorf("%s: language or title of the HTML", lang)
			}
			if strings.Contains(l.Text, "letter_") || strings.Contains(l.Text, "<no value>") {
				t.Errorf("words are missing in\n%s", l.Text)
			}
		}
	}
}

func TestNamesInALetterStayText(t *testing.T) {
	r := recovered
	r.Reader, r.Tenant, r.Admin = hostile, hostile, hostile
	l, err := newView(t).Recovered("en", london, r)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := html.Parse(strings.NewReader(l.HTML))
	if err != nil {
		t.Fatal(err)
	}
	if found := all(doc, tags("script", "img")); len(found) > 0 || !strings.Contains(l.HTML, "HOSTILE") {
		t.Errorf("a name became markup\n%s", l.HTML)
	}
	if strings.ContainsAny(l.Text+l.HTML, "\u202e\u2066") {
		t.Error("a name reorders the text around it")
	}
}

func TestTheFrameOfAMailHoldsItsHTMLAsItIs(t *testing.T) {
	const document = `<!doctype html><title>"A" & 'B'</title><p>&lt;b&gt;</p><script>alert(1)</script>`
	doc, _, _ := render(t, mailPage{frame: sampleFrame("en"), Subject: "s", HTML: document})
	frame := first(all(doc, tags("iframe")))
	if got := value(frame, "srcdoc"); got != document {
		t.Errorf("the frame has\n%s", got)
	}
	if box, ok := attr(frame, "sandbox"); !ok || box != "" {
		t.Error("the frame has no sandbox, or one that allows something")
	}
}

func TestLanguageOf(t *testing.T) {
	for preferred, want := range map[string]string{"": "en", "de": "de", "de-AT": "de", "en-GB": "en", "fi": "en", "nonsense!": "en"} {
		if got := LanguageOf(preferred); got != want {
			t.Errorf("%q: %q, want %q", preferred, got, want)
		}
	}
}

func TestLettersAboutAPassSayWhoAndWhereAndUntilWhen(t *testing.T) {
	for _, lang := range design.Languages {
		v := newView(t)
		for name, write := range map[string]func() (Letter, error){
			"Dana Novak": func() (Letter, error) {
				return v.PassIssued(lang, london, PassIssued{Reader: "Mira Okafor", Tenant: "Contoso", Issuer: "Dana Novak", At: morning, Start: morning, End: morning.Add(time.Hour), Once: true, ID: "0c1d2e3f"})
			},
			"11:42": func() (Letter, error) {
				return v.PassIssued(lang, london, PassIssued{Reader: "Mira Okafor", Tenant: "Contoso", At: morning, Start: morning, End: morning.Add(time.Hour), ID: "0c1d2e3f"})
			},
			"192.0.2.7": func() (Letter, error) {
				return v.PassRedeemed(lang, london, PassRedeemed{Reader: "Mira Okafor", Tenant: "Contoso", Application: "Mail", Address: "192.0.2.7", At: morning, ID: "0c1d2e3f"})
			},
			"LT-0451": func() (Letter, error) {
				return v.PassRedeemed(lang, london, PassRedeemed{Reader: "Mira Okafor", Tenant: "Contoso", Device: "LT-0451", At: morning, ID: "0c1d2e3f"})
			},
		} {
			l, err := write()
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{name, "Mira Okafor", "Contoso", "10:42", "0c1d2e3f"} {
				if !strings.Contains(l.Subject+l.Text, want) {
					t.Errorf("%s: %q is not in\n%s", lang, want, l.Text)
				}
			}
			if strings.Contains(l.Subject+l.Text, "letter_") || strings.Contains(l.Text, "<no value>") {
				t.Errorf("words are missing in\n%s", l.Text)
			}
		}
	}
}

func TestEveryChangeOfAMethodHasItsWords(t *testing.T) {
	v := newView(t)
	for _, lang := range design.Languages {
		for _, what := range []string{method.Added, method.Renamed, method.Removed, method.Replaced, method.Frozen, method.Thawed} {
			l, err := v.MethodChanged(lang, london, MethodChanged{Reader: "Mira Okafor", Tenant: "Contoso", What: what, Kind: "password", At: morning, ID: "0c1d2e3f"})
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range []string{l.Subject, l.Text, v.Text(lang, "change_method_"+what, "Method", "Password"), v.Text(lang, "change_method_"+what+"_by", "Method", "Password", "By", "Dana Novak")} {
				if strings.Contains(text, "change_") || strings.Contains(text, "<no value>") {
					t.Errorf("%s: %s has no words: %q", lang, what, text)
				}
			}
		}
	}
}

func TestALetterAboutAPINNamesDeviceAndIssuer(t *testing.T) {
	for _, lang := range design.Languages {
		for _, issuer := range []string{"Dana Novak", ""} {
			l, err := newView(t).PINReset(lang, london, PINReset{
				Reader: "Mira Okafor", Tenant: "Contoso", Device: "LT-0451", At: morning, Issuer: issuer, ID: "0c1d2e3f",
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"Mira Okafor", "Contoso", "LT-0451", "10:42", "0c1d2e3f", "Reset device PIN", issuer} {
				if !strings.Contains(l.Text, want) {
					t.Errorf("%s: %q is not in\n%s", lang, want, l.Text)
				}
			}
			if strings.Contains(l.Text, "letter_") || strings.Contains(l.Text, "<no value>") {
				t.Errorf("words are missing in\n%s", l.Text)
			}
		}
	}
}

func TestALetterAboutANewPINSaysHowToUndoIt(t *testing.T) {
	undo := map[string]string{"en": "Your ways to sign in", "de": "Ihre Wege zur Anmeldung"}
	for _, lang := range design.Languages {
		for _, byPass := range []bool{true, false} {
			l, err := newView(t).PINSetUp(lang, london, PINSetUp{
				Reader: "Mira Okafor", Tenant: "Contoso", Device: "LT-0451", At: morning, ByPass: byPass, ID: "0c1d2e3f",
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"Mira Okafor", "Contoso", "LT-0451", "10:42", "0c1d2e3f", undo[lang]} {
				if !strings.Contains(l.Text, want) {
					t.Errorf("%s: %q is not in\n%s", lang, want, l.Text)
				}
			}
			if pass := strings.Contains(l.Text, "Access Pass") || strings.Contains(l.Text, "Zugriffspass"); pass != byPass {
				t.Errorf("%s: by a pass is %t in\n%s", lang, pass, l.Text)
			}
			if strings.Contains(l.Subject+l.Text, "letter_") || strings.Contains(l.Text, "<no value>") || strings.Contains(l.Text, "://") {
				t.Errorf("words are missing, or a link is there, in\n%s", l.Text)
			}
		}
	}
}
