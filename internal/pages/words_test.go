package pages

import (
	"encoding/json"
	"io/fs"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/design"
)

func readTexts(t *testing.T, lang string) map[string]string {
	t.Helper()
	content, err := texts.ReadFile("active." + lang + ".json")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	if err := json.Unmarshal(content, &found); err != nil {
		t.Fatal(err)
	}
	return found
}

var placeholder = regexp.MustCompile(`\{\{(?:if )?\.([A-Za-z]+)\}\}`)

func TestCataloguesAreComplete(t *testing.T) {
	english := readTexts(t, "en")
	for _, lang := range design.Languages {
		other := readTexts(t, lang)
		for key, text := range english {
			if other[key] == "" {
				t.Errorf("%s: no text for %q", lang, key)
			}
			if got, want := placeholders(other[key]), placeholders(text); got != want {
				t.Errorf("%s: %q is filled with %q, want %q", lang, key, got, want)
			}
		}
		for key, text := range other {
			if english[key] == "" {
				t.Errorf("%s: %q is in no other catalogue", lang, key)
			}
			if strings.ContainsAny(text, "<>&\"") {
				t.Errorf("%s: %q has markup in it", lang, key)
			}
			if strings.ContainsAny(text, "!") {
				t.Errorf("%s: %q shouts", lang, key)
			}
		}
	}
}

func placeholders(text string) string {
	names := map[string]bool{}
	for _, match := range placeholder.FindAllStringSubmatch(text, -1) {
		names[match[1]] = true
	}
	sorted, _ := json.Marshal(names)
	return string(sorted)
}

// Keys of these families are chosen by a fault's code or by handlers; the last two say when, in package design.
var families = regexp.MustCompile(`^((fault|method|change|recover_lost|approve_field|practised|case_proof|letter_case)_|moment$|months$)`)

func TestEveryTextIsUsed(t *testing.T) {
	var sources strings.Builder
	files, err := fs.Glob(os.DirFS("."), "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, ".html") || strings.HasSuffix(file, ".go") && !strings.HasSuffix(file, "_test.go") {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			sources.Write(content)
		}
	}
	for key := range readTexts(t, "en") {
		if !families.MatchString(key) && !strings.Contains(sources.String(), `"`+key+`"`) {
			t.Errorf("no page says %q", key)
		}
	}
	english := readTexts(t, "en")
	for _, call := range regexp.MustCompile(`\bt "([a-z_]+)"`).FindAllStringSubmatch(sources.String(), -1) {
		if english[call[1]] == "" {
			t.Errorf("no text for %q", call[1])
		}
	}
}

func TestLanguageFor(t *testing.T) {
	tests := []struct{ name, header, want string }{
		{"no header", "", "en"},
		{"British English", "en-GB", "en"},
		{"Austrian German", "de-AT,de;q=0.9,en;q=0.8", "de"},
		{"German is the lesser wish", "en;q=0.9,de;q=0.2", "en"},
		{"a language without a catalogue", "fi", "en"},
		{"the second wish where the first is missing", "fi,de;q=0.5", "de"},
		{"nonsense", ";;;q=x", "en"},
		{"far too long", strings.Repeat("a-", 100_000), "en"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Accept-Language", test.header)
			if got := design.LanguageFor(r); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestTimesAreSaidInTheTenantsZone(t *testing.T) {
	summer := time.Date(2026, 7, 1, 22, 30, 0, 0, time.UTC)
	tests := []struct {
		name, lang string
		at         time.Time
		zone       *time.Location
		named      bool
		want       string
	}{
		{"in winter", "en", morning, london, false, "12 November, 10:42"},
		{"after midnight there", "en", summer, mustZone("Europe/Berlin"), false, "2 July, 00:30"},
		{"in German", "de", summer, mustZone("Europe/Berlin"), false, "2. Juli, 00:30 Uhr"},
		{"with the zone", "en", morning, london, true, "12 November, 10:42 (Europe/London)"},
		{"in another year", "en", morning.AddDate(-1, 0, 0), london, false, "12 November 2025, 10:42"},
		{"without a zone", "en", morning, nil, true, "12 November, 10:42 (UTC)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := design.Phrases{Words: newView(t).words, Lang: test.lang, Now: func() time.Time { return morning }}
			say := p.When
			if test.named {
				say = p.WhenIn
			}
			got, err := say(test.at, test.zone)
			want := `<time datetime="` + test.at.Format(time.RFC3339) + `">` + test.want + `</time>`
			if err != nil || string(got) != want {
				t.Errorf("got %q, %v; want %q", got, err, want)
			}
		})
	}
	t.Run("a time that is not set says nothing", func(t *testing.T) {
		if got, err := (design.Phrases{}).When(time.Time{}, nil); got != "" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

func TestTextForHandlers(t *testing.T) {
	v := newView(t)
	if got := v.Text("en", "change_pass_issued", "By", "Dana\u202E Novak"); got != "Pass issued by Dana Novak" {
		t.Errorf("got %q", got)
	}
	if got := v.Text("de", "change_pass_issued"); got != "Pass ausgestellt" {
		t.Errorf("got %q", got)
	}
	if got := v.Text("en", "nonsense"); got != "nonsense" {
		t.Errorf("got %q", got)
	}
}

func TestAFaultWithoutTranslationIsMarkedEnglish(t *testing.T) {
	f := sampleFrame("de")
	f.Fault = errTarget
	_, _, source := render(t, errorPage{frame: f})
	if !strings.Contains(source, `<bdi lang="en">This application asked`) {
		t.Error("the English sentence is not marked")
	}
}
