// Package pages shows what people see in a browser when they sign in, and their own
// page of methods and sessions. It owns the HTML, the words and the headers that come
// with them, and translates between forms and the packages that decide: who may sign in
// is the business of package signin, and nothing here knows SQL.
//
// A page is a struct next to the .html file of the same name. Every page has one main
// element with a data-step attribute, one h1 and labelled inputs; docs/pages.md lists
// the steps and the names of the fields, which scripts and password managers rely on.
package pages

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"sync"
	"text/template/parse"
	"time"

	"github.com/postern-id/postern/internal/design"
)

var (
	//go:embed *.html
	markup embed.FS
	//go:embed active.*.json
	texts embed.FS
)

const layoutFile = "layout.html"

// A View renders pages, in every language.
type View struct {
	words  *design.Words
	now    func() time.Time
	sheets map[string]map[string]func() (sheet, error) // by language, then by file; parsed when first shown
}

// A sheet is one page's template.
type sheet struct {
	template *template.Template
	script   bool // it loads a module of ours
}

// A page is one of this package's page structs.
type page interface {
	file() string  // the page's .html file
	shared() frame // what all pages have; comes with the embedded frame
}

// NewView reads the texts and finds the templates. The year of now, in the zone of a page, is
// left out of the times on it.
func NewView(now func() time.Time) (*View, error) {
	words, err := design.LoadWords(texts)
	if err != nil {
		return nil, err
	}
	v := &View{words: words, now: now, sheets: map[string]map[string]func() (sheet, error){}}
	for _, lang := range design.Languages {
		v.sheets[lang], err = findPages(phrasebook{design.Phrases{Words: words, Lang: lang, Now: now}})
		if err != nil {
			return nil, err
		}
	}
	return v, nil
}

// findPages lists the pages in one language.
func findPages(p phrasebook) (map[string]func() (sheet, error), error) {
	layout, err := template.New(layoutFile).Funcs(p.funcs()).ParseFS(markup, layoutFile)
	if err != nil {
		return nil, fmt.Errorf("parse layout: %w", err)
	}
	files, err := fs.Glob(markup, "*.html")
	if err != nil {
		return nil, err
	}
	found := map[string]func() (sheet, error){}
	for _, file := range files {
		if file != layoutFile {
			found[file] = sync.OnceValues(func() (sheet, error) { return parsePage(layout, file) })
		}
	}
	return found, nil
}

// parsePage reads a page together with the layout.
func parsePage(layout *template.Template, file string) (sheet, error) {
	t, err := layout.Clone()
	if err != nil {
		return sheet{}, err
	}
	if t, err = t.ParseFS(markup, file); err != nil {
		return sheet{}, err
	}
	script := !parse.IsEmptyTree(t.Lookup("script").Tree.Root)
	return sheet{template: t.Lookup(file), script: script}, nil
}

// Text returns the words for key in lang, for what a page shows that its template does
// not know by itself. Arguments are pairs of a name and a value. A missing key is
// returned as it is.
func (v *View) Text(lang, key string, args ...string) string {
	data := map[string]string{}
	for i := 0; i+1 < len(args); i += 2 {
		data[args[i]] = design.Clean(args[i+1])
	}
	text, ok := v.words.Find(lang, key, data)
	if !ok {
		return key
	}
	return text
}

// Render writes p with the given status. The page is finished before the first byte is
// sent: when Render returns an error, nothing was written unless the connection broke.
func (v *View) Render(w http.ResponseWriter, status int, p page) error {
	f := p.shared()
	find, ok := v.sheets[design.KnownLanguage(f.Lang)][p.file()]
	if !ok {
		return fmt.Errorf("render %s: no such page", p.file())
	}
	sheet, err := find()
	if err != nil {
		return fmt.Errorf("render %s: %w", p.file(), err)
	}
	policy, err := contentPolicy(sheet.script, f.FormTargets, f.Frames)
	if err != nil {
		return fmt.Errorf("render %s: %w", p.file(), err)
	}
	if f.Fetches {
		policy += "; connect-src 'self'"
	}
	if f.Installs {
		policy += "; worker-src 'self'; manifest-src 'self'"
	}
	var out bytes.Buffer
	if err := sheet.template.Execute(&out, p); err != nil {
		return fmt.Errorf("render %s: %w", p.file(), err)
	}
	setHeaders(w.Header(), policy, f.KeepOpener)
	w.WriteHeader(status)
	if _, err := out.WriteTo(w); err != nil {
		return fmt.Errorf("send %s: %w", p.file(), err)
	}
	return nil
}
