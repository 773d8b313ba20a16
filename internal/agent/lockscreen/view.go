package lockscreen

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/design"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/fault"
)

var (
	//go:embed *.html
	markup embed.FS
	//go:embed active.*.json
	texts embed.FS
	//go:embed assets
	own embed.FS

	assets = design.Collect(own)
)

const layoutFile = "layout.html"

// A view holds the templates, by language and file.
type view struct {
	words     *design.Words
	templates map[string]map[string]*template.Template
}

// A page is one of this package's page structs, next to the .html of the same name.
type page interface {
	file() string
	shared() frame
}

func newView() (*view, error) {
	words, err := design.LoadWords(texts)
	if err != nil {
		return nil, err
	}
	v := &view{words: words, templates: map[string]map[string]*template.Template{}}
	files, err := fs.Glob(markup, "*.html")
	if err != nil {
		return nil, err
	}
	for _, lang := range design.Languages {
		layout, err := template.New(layoutFile).Funcs(phrasebook{words, lang}.funcs()).ParseFS(markup, layoutFile)
		if err != nil {
			return nil, fmt.Errorf("parse layout: %w", err)
		}
		v.templates[lang] = map[string]*template.Template{}
		for _, file := range files {
			if file == layoutFile {
				continue
			}
			t, err := layout.Clone()
			if err != nil {
				return nil, err
			}
			if t, err = t.ParseFS(markup, file); err != nil {
				return nil, fmt.Errorf("parse page: %w", err)
			}
			v.templates[lang][file] = t.Lookup(file)
		}
	}
	return v, nil
}

// policy is the Content-Security-Policy of every page: what comes is this screen's, and where
// a page leads elsewhere it is by a link.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// page writes p. Nothing is sent before it is finished.
func (s *Screen) page(w http.ResponseWriter, r *http.Request, status int, p page) {
	var out bytes.Buffer
	f := p.shared()
	if err := s.view.templates[f.Lang][p.file()].Execute(&out, p); err != nil {
		s.log.ErrorContext(r.Context(), "page was not rendered", "page", p.file(), "err", err)
		http.Error(w, "Something went wrong.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	w.WriteHeader(status)
	_, _ = out.WriteTo(w) // who went away reads nothing
}

// A frame is what every page has.
type frame struct {
	Lang    string
	Device  string // its name
	Tenant  string
	Now     time.Time // in the tenant's zone
	Zone    string
	Changes int64 // of the screen so far: the page loads anew when there are more
	Attempt string
	Trouble *trouble
	Broken  *trouble // why web sign-in's browser can't be used; nil while it can

	Network  string // name of the network
	Online   bool
	Portal   bool // the network wants a sign-in of its own, and does not let through to the server
	Picker   bool // a network can be chosen
	CanPower bool
	Others   string // the other language
	Helpdesk device.Helpdesk

	Tiles []tile
}

func (f frame) shared() frame { return f }

// A tile is a person on the screen.
type tile struct {
	ID       string // "other" for other people
	Name     string
	Initials string
	Current  bool
}

// frame fills what all pages have. a may be nil for pages of no attempt.
func (s *Screen) frame(r *http.Request, a *attempt) frame {
	rung, _ := s.bell.state()
	f := frame{Changes: rung, CanPower: s.seat.Facts().CanPower, Picker: s.network != nil}
	s.mu.Lock()
	f.Lang = s.lang
	if a != nil {
		f.Attempt, f.Trouble = a.id, a.trouble
		if s.broken != nil {
			f.Broken = faultOf(s.broken)
		}
	}
	s.mu.Unlock()
	if f.Lang == "" {
		f.Lang = design.LanguageFor(r)
	}
	f.Others = design.Languages[0]
	if f.Lang == f.Others {
		f.Others = design.Languages[1]
	}
	zone := time.Local
	if d, err := s.agent.Device(); err == nil {
		i := d.Identity()
		f.Device, f.Tenant, f.Helpdesk = i.DisplayName, i.Tenant.DisplayName, i.Tenant.Helpdesk
		if there, err := time.LoadLocation(i.Tenant.TimeZone); err == nil && i.Tenant.TimeZone != "" {
			zone = there
		}
	}
	f.Now, f.Zone = s.now().In(zone), zone.String()
	if a != nil {
		known := s.reached(r.Context())
		f.Online, f.Portal, f.Network = known.online, known.portal, known.network.Name
	}
	return f
}

// A phrasebook is what the templates of one language call.
type phrasebook struct {
	words *design.Words
	lang  string
}

func (p phrasebook) funcs() template.FuncMap {
	return template.FuncMap{
		"lang":   func() string { return p.lang },
		"t":      func(key string, args ...any) (template.HTML, error) { return p.words.Fill(p.lang, key, args...) },
		"fault":  p.fault,
		"remedy": p.remedy,
		"found":  p.found,
		"mend":   p.mend,
		"day":    p.day,
		"date":   p.date,
		"clock":  clock,
		"step":   stepWords,
		"asset":  assets.Path,
		"icon":   assets.Icon,
		"name":   design.Isolate,
		"clean":  design.Clean,
		"phone":  design.Phone,
		"code":   design.Mono,
		"short":  shortCode,
		"secs":   func(d time.Duration) string { return strconv.Itoa(int((d + time.Second - 1) / time.Second)) },
	}
}

// fault returns what t says happened. It knows how many tries are left after a wrong PIN.
func (p phrasebook) fault(t *trouble) template.HTML {
	if t.Fault == nil {
		return p.words.Translated(p.lang, "ours", "", nil)
	}
	if t.Left > 1 {
		return p.words.Translated(p.lang, "wrong_left", t.Fault.Text, map[string]string{"Left": strconv.Itoa(t.Left)})
	}
	if text, ok := p.weak(t.Weak); ok {
		return text
	}
	if p.lang != "en" && (t.Fault.Target != "" || t.Fault.Code == "webSignInRefused") { // says more than its code
		return p.words.Translated(p.lang, "", t.Fault.Text, nil)
	}
	return p.words.Translated(p.lang, "fault_"+t.Fault.Code, t.Fault.Text, nil)
}

// remedy returns what t says to do.
func (p phrasebook) remedy(t *trouble) template.HTML {
	if t.Fault == nil {
		return p.words.Translated(p.lang, "ours_remedy", "", nil)
	}
	return p.words.Translated(p.lang, "fault_"+t.Fault.Code+"_remedy", t.Fault.Remedy, nil)
}

// day returns a day as people say it: "Friday 27 November".
func (p phrasebook) day(at time.Time) (template.HTML, error) {
	days, _ := p.words.Find(p.lang, "days", nil)
	months, _ := p.words.Find(p.lang, "months", nil)
	d, m := strings.Fields(days), strings.Fields(months)
	if len(d) != 7 || len(m) != 12 {
		return "", fmt.Errorf("no words for days in %s", p.lang)
	}
	return p.words.Fill(p.lang, "day", "Weekday", template.HTML(d[at.Weekday()]), "Day", template.HTML(strconv.Itoa(at.Day())), "Month", template.HTML(m[at.Month()-1]))
}

// date is day for screen readers and scripts, too.
func (p phrasebook) date(at time.Time) (template.HTML, error) {
	text, err := p.day(at)
	return `<time datetime="` + template.HTML(at.Format(time.DateOnly)) + `">` + text + `</time>`, err
}

// clock returns a time of day.
func clock(at time.Time) template.HTML {
	return template.HTML(`<time datetime="` + at.Format(time.RFC3339) + `">` + at.Format("15:04") + `</time>`)
}

// shortCode is the code to say aloud, in two groups.
func shortCode(id string) template.HTML {
	c := design.ShortCode(id)
	if len(c) != 8 {
		return ""
	}
	return design.Mono(c[:4] + "-" + c[4:])
}

// initials returns the first letters of the first and the last word of a name.
func initials(name string) string {
	words := strings.Fields(design.Clean(name))
	if len(words) == 0 {
		return ""
	}
	out := string([]rune(words[0])[:1])
	if len(words) > 1 {
		out += string([]rune(words[len(words)-1])[:1])
	}
	return strings.ToUpper(out)
}

// faultOf is for pages that show a fault which is no trouble, such as why nobody may sign in.
func faultOf(f *fault.Error) *trouble { return &trouble{Fault: f} }
