package pages

import (
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed active.*.json
var texts embed.FS

// languages lists what there is a catalogue for. The first serves everyone else.
var languages = []string{"en", "de"}

var matcher = language.NewMatcher([]language.Tag{language.English, language.German})

// LanguageFor returns the language of a page for r: the best match for its
// Accept-Language header (RFC 9110 section 12.5.4), English without one.
func LanguageFor(r *http.Request) string {
	wanted, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil {
		return languages[0]
	}
	_, i, _ := matcher.Match(wanted...)
	return languages[i]
}

// knownLanguage returns lang if there is a catalogue for it, otherwise English.
func knownLanguage(lang string) string {
	if slices.Contains(languages, lang) {
		return lang
	}
	return languages[0]
}

// A catalogue holds the words of all pages. Its texts are trusted to be safe in HTML.
type catalogue struct {
	localizers map[string]*i18n.Localizer
}

func loadCatalogue() (*catalogue, error) {
	bundle := i18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("json", json.Unmarshal)
	c := &catalogue{localizers: map[string]*i18n.Localizer{}}
	for _, lang := range languages {
		if _, err := bundle.LoadMessageFileFS(texts, "active."+lang+".json"); err != nil {
			return nil, fmt.Errorf("load texts: %w", err)
		}
		c.localizers[lang] = i18n.NewLocalizer(bundle, lang)
	}
	return c, nil
}

// find returns the text for key with data filled in, and whether lang has it.
func (c *catalogue) find(lang, key string, data map[string]string) (string, bool) {
	text, err := c.localizers[knownLanguage(lang)].Localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: data})
	return text, err == nil
}
