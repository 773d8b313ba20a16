package design

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"slices"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// Languages lists what there are words for. The first serves everyone else.
var Languages = []string{"en", "de"}

var matcher = language.NewMatcher([]language.Tag{language.English, language.German})

// LanguageFor returns the language of a page for r: the best match for its
// Accept-Language header (RFC 9110 section 12.5.4), English without one.
func LanguageFor(r *http.Request) string {
	wanted, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil {
		return Languages[0]
	}
	_, i, _ := matcher.Match(wanted...)
	return Languages[i]
}

// LanguageOf returns the language for somebody with that preferredLanguage, such as de-AT: the
// best match, English without one.
func LanguageOf(preferred string) string {
	tag, err := language.Parse(preferred)
	if err != nil {
		return Languages[0]
	}
	_, i, _ := matcher.Match(tag)
	return Languages[i]
}

// KnownLanguage returns lang if there are words for it, otherwise English.
func KnownLanguage(lang string) string {
	if slices.Contains(Languages, lang) {
		return lang
	}
	return Languages[0]
}

// Words are the texts of a set of pages, in every language. They are trusted to be safe in
// HTML.
type Words struct {
	localizers map[string]*i18n.Localizer
}

// LoadWords reads active.{language}.json of texts for every language.
func LoadWords(texts fs.FS) (*Words, error) {
	bundle := newBundle()
	w := &Words{localizers: map[string]*i18n.Localizer{}}
	for _, lang := range Languages {
		if _, err := bundle.LoadMessageFileFS(texts, "active."+lang+".json"); err != nil {
			return nil, fmt.Errorf("load texts: %w", err)
		}
		w.localizers[lang] = i18n.NewLocalizer(bundle, lang)
	}
	return w, nil
}

// CollectWords reads words/*.{language}.json of every one of texts. A language that none of them
// has is served in English.
func CollectWords(texts ...fs.FS) (*Words, error) {
	bundle := newBundle()
	for _, from := range texts {
		files, err := fs.Glob(from, "words/*.json")
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			if _, err := bundle.LoadMessageFileFS(from, file); err != nil {
				return nil, fmt.Errorf("load texts: %w", err)
			}
		}
	}
	w := &Words{localizers: map[string]*i18n.Localizer{}}
	for _, lang := range Languages {
		w.localizers[lang] = i18n.NewLocalizer(bundle, lang)
	}
	return w, nil
}

func newBundle() *i18n.Bundle {
	bundle := i18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("json", json.Unmarshal)
	return bundle
}

// Find returns the text for key with data filled in, and whether lang has it.
func (w *Words) Find(lang, key string, data map[string]string) (string, bool) {
	text, err := w.localizers[KnownLanguage(lang)].Localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: data})
	return text, err == nil
}
