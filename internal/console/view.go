package console

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/design"
	"github.com/postern-id/postern/internal/request"
)

var (
	//go:embed *.html words/*.json
	files embed.FS
	//go:embed assets
	assetFiles embed.FS

	assets = design.CollectAt(Root+"/assets/", assetFiles)
)

const layoutFile = "layout.html"

// A View renders pages, in every language.
type View struct {
	words  *design.Words
	now    func() time.Time
	sheets map[string]map[string]sheet // by language, then by section/file
}

// A sheet is the template of a page, parsed when the page is first shown: a server starts sooner,
// and most never show every page in every language.
type sheet func() (*template.Template, error)

// A Page is a page's struct: it embeds a Frame and names its .html file.
type Page interface {
	File() string
	shared() Frame
}

// NewView reads the texts of all sections and finds their templates.
func NewView(now func() time.Time, sections []Section) (*View, error) {
	texts := []fs.FS{files}
	for _, s := range sections {
		texts = append(texts, s.Files)
	}
	words, err := design.CollectWords(texts...)
	if err != nil {
		return nil, err
	}
	v := &View{words: words, now: now, sheets: map[string]map[string]sheet{}}
	for _, lang := range design.Languages {
		v.sheets[lang] = map[string]sheet{}
		layout, err := template.New(layoutFile).Funcs(v.funcs(lang)).ParseFS(files, layoutFile, "parts.html")
		if err != nil {
			return nil, fmt.Errorf("parse the layout: %w", err)
		}
		for _, s := range append([]Section{{Files: files}}, sections...) {
			if err := v.find(lang, layout, s); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

// find lists the pages of a section. A file that begins with _ holds parts that all of them use.
func (v *View) find(lang string, layout *template.Template, s Section) error {
	all, err := fs.Glob(s.Files, "*.html")
	if err != nil {
		return err
	}
	own := slices.DeleteFunc(all, func(file string) bool { return s.Name == "" && (file == layoutFile || file == "parts.html") })
	parts := slices.DeleteFunc(slices.Clone(own), func(file string) bool { return !strings.HasPrefix(file, "_") })
	for _, file := range own {
		if strings.HasPrefix(file, "_") {
			continue
		}
		v.sheets[lang][path.Join(s.Name, file)] = sync.OnceValues(func() (*template.Template, error) {
			return parse(layout, s.Files, parts, file)
		})
	}
	return nil
}

// parse reads the page of file, with the layout and the parts of its section.
func parse(layout *template.Template, files fs.FS, parts []string, file string) (*template.Template, error) {
	t, err := layout.Clone()
	if err != nil {
		return nil, err
	}
	if t, err = t.ParseFS(files, append(slices.Clip(parts), file)...); err != nil {
		return nil, err
	}
	return t.Lookup(file), nil
}

// Check parses every page in every language, for a test: what is wrong with a template is found
// before it is shipped.
func (v *View) Check() error {
	var wrong []error
	for lang, sheets := range v.sheets {
		for name, parsed := range sheets {
			if t, err := parsed(); err != nil || t == nil {
				wrong = append(wrong, fmt.Errorf("%s in %s: %w", name, lang, err))
			}
		}
	}
	return errors.Join(wrong...)
}

func (v *View) funcs(lang string) template.FuncMap {
	p := design.Phrases{Words: v.words, Lang: design.KnownLanguage(lang), Now: v.now}
	all := p.Funcs()
	all["asset"], all["icon"] = assets.Path, assets.Icon
	all["has"] = func(key string) bool { _, ok := v.words.Find(lang, key, nil); return ok }
	all["word"] = func(prefix string, value any) template.HTML { return v.word(lang, prefix, fmt.Sprint(value)) }
	all["plain"] = plain
	all["when"] = func(at time.Time, zone *time.Location) (template.HTML, error) { return v.when(p, at, zone) }
	all["number"] = grouped
	all["day"] = func(at time.Time, zone *time.Location) (template.HTML, error) { return v.day(lang, at, zone) }
	all["number64"] = func(n int64) string { return grouped(int(n)) }
	return all
}

// word returns the words for prefix_value, or the value itself where there are none: another
// Graph may know values that we don't.
func (v *View) word(lang, prefix, value string) template.HTML {
	if text, ok := v.words.Find(lang, prefix+"_"+value, nil); ok {
		return template.HTML(text)
	}
	return design.Isolate(value)
}

// plain is a text without the marks that keep the direction of a name: a title can't have elements.
func plain(text template.HTML) template.HTML {
	return template.HTML(strings.NewReplacer("<bdi>", "", "</bdi>", "").Replace(string(text)))
}

// when is design.Phrases.When without the day where that is today, as people say it.
func (v *View) when(p design.Phrases, at time.Time, zone *time.Location) (template.HTML, error) {
	if zone == nil {
		zone = time.UTC
	}
	local := at.In(zone)
	if at.IsZero() || local.Format(time.DateOnly) != v.now().In(zone).Format(time.DateOnly) {
		return p.When(at, zone)
	}
	return template.HTML(`<time datetime="` + at.UTC().Format(time.RFC3339) + `">` + local.Format("15:04") + `</time>`), nil
}

// day is When without the hour.
func (v *View) day(lang string, at time.Time, zone *time.Location) (template.HTML, error) {
	if at.IsZero() {
		return "", nil
	}
	if zone == nil {
		zone = time.UTC
	}
	at = at.In(zone)
	months, _ := v.words.Find(lang, "months", nil)
	names := strings.Fields(months)
	if len(names) != 12 {
		return "", fmt.Errorf("no words for days in %s", lang)
	}
	data := map[string]string{"Day": strconv.Itoa(at.Day()), "Month": names[at.Month()-1]}
	if at.Year() != v.now().In(zone).Year() {
		data["Year"] = strconv.Itoa(at.Year())
	}
	text, ok := v.words.Find(lang, "day", data)
	if !ok {
		return "", fmt.Errorf("no words for days in %s", lang)
	}
	return template.HTML(`<time datetime="` + at.Format(time.DateOnly) + `">` + text + `</time>`), nil
}

// Number writes n as pages do.
func Number(n int) string { return grouped(n) }

// grouped writes n with a comma between thousands.
func grouped(n int) string {
	text := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, text = "-", text[1:]
	}
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return sign + text
}

// Text returns the words for key in lang, with pairs of a name and a value filled in; a missing
// key is returned as it is.
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

// policy is the Content-Security-Policy of every page.
const policy = "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Render returns p as HTML.
func (v *View) Render(p Page) ([]byte, error) {
	f := p.shared()
	file := path.Join(f.section, p.File())
	sheets := v.sheets[design.KnownLanguage(f.Lang)]
	parsed, ok := sheets[file]
	if !ok {
		parsed, ok = sheets[p.File()] // a page of all sections
	}
	if !ok {
		return nil, fmt.Errorf("render %s: no such page", file)
	}
	t, err := parsed()
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", file, err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, p); err != nil {
		return nil, fmt.Errorf("render %s: %w", file, err)
	}
	return out.Bytes(), nil
}

// render writes p; the page is finished before the first byte is sent.
func (c *Console) render(call *Call, status int, p Page) {
	out, err := c.view.Render(p)
	if err != nil {
		c.Log.ErrorContext(call.Context(), "console page was not rendered", "page", p.File(),
			"correlation_id", request.From(call.Context()).CorrelationID, "err", err)
		http.Error(call.W, "Something went wrong on our side.", http.StatusInternalServerError)
		return
	}
	h := call.W.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	call.W.WriteHeader(status)
	_, _ = call.W.Write(out) // the browser is gone, or reads it
}
