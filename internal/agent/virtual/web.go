package virtual

import (
	"crypto/sha256"
	"crypto/subtle"
	"embed"
	"encoding/hex"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/agent/lockscreen"
	"github.com/postern-id/postern/internal/design"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/fault"
)

const (
	desktopPath = "/desktop"
	benchPath   = "/bench"
)

//go:embed desktop.html
var markup embed.FS

var assets = design.Collect()

var page = template.Must(template.New("desktop.html").Funcs(template.FuncMap{
	"asset": assets.Path, "icon": assets.Icon,
}).ParseFS(markup, "desktop.html"))

// Handler serves the lock screen, and beside it the desktop and the bench.
func (d *Device) Handler() http.Handler {
	own := http.NewServeMux()
	own.HandleFunc("GET "+desktopPath, d.showDesktop)
	own.HandleFunc("POST "+desktopPath, d.actOnDesktop)
	own.HandleFunc("GET "+benchPath, d.showBench)
	own.HandleFunc("POST "+benchPath, d.actOnBench)
	mine := d.known(own)
	return d.local(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == desktopPath || r.URL.Path == benchPath:
			mine.ServeHTTP(w, r)
		case r.URL.Path == "/enter/"+d.key:
			d.remember(w)
			d.serveScreen(w, r)
		case d.stale(r): // the device was restarted, and its lock screen knows no browser yet
			d.remember(w)
			again := r.Clone(r.Context())
			again.URL.Path, again.URL.RawQuery = "/enter/"+d.key, ""
			d.serveScreen(w, again)
		case r.URL.Path == "/" && !r.URL.Query().Has("state") && d.desktop() != nil: // the lock screen is for who is not in
			http.Redirect(w, r, desktopPath, http.StatusSeeOther)
		default:
			d.serveScreen(w, r)
		}
	}))
}

func (d *Device) serveScreen(w http.ResponseWriter, r *http.Request) {
	if m := d.machine(); m != nil {
		m.pages.ServeHTTP(w, r)
		return
	}
	http.Error(w, "The device is switched off.", http.StatusServiceUnavailable)
}

// local lets through what was asked of this machine by its own name. A page of the Internet
// whose name was pointed at this machine asks by that name (DNS rebinding).
func (d *Device) local(next http.Handler) http.Handler {
	host := strings.TrimPrefix(d.origin, "http://")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != host {
			http.Error(w, "This address is for "+host+" only.", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// cookie has the port in its name: cookies of one host go to all its ports.
func (d *Device) cookie() string {
	u, err := url.Parse(d.origin)
	if err != nil {
		return "postern-bench"
	}
	return "postern-bench-" + u.Port()
}

// mark is what the cookie's value begins with; the start of the device follows. Other programs of this machine may come to see it, and learn
// the key by it as little as anybody.
func (d *Device) mark() string {
	sum := sha256.Sum256([]byte("bench " + d.key))
	return hex.EncodeToString(sum[:])
}

// stale reports whether a browser that knows the key has been let in by a former start of the
// device. It then wants a page, and no part of one.
func (d *Device) stale(r *http.Request) bool {
	c, err := r.Cookie(d.cookie())
	if err != nil || r.Method != http.MethodGet || r.URL.Path == "/events" || strings.HasPrefix(r.URL.Path, design.Root) {
		return false
	}
	mark, start, _ := strings.Cut(c.Value, ".")
	return d.isMark(mark) && start != d.start()
}

func (d *Device) isMark(text string) bool {
	return subtle.ConstantTimeCompare([]byte(text), []byte(d.mark())) == 1
}

func (d *Device) start() string {
	if m := d.machine(); m != nil {
		return m.start
	}
	return ""
}

func (d *Device) remember(w http.ResponseWriter) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // these pages have no TLS: nobody else is on the way
		Name: d.cookie(), Value: d.mark() + "." + d.start(), Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
}

// known lets the browser through that has been given the key, and forms of these pages only.
func (d *Device) known(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := r.Cookie(d.cookie())
		if err != nil {
			c = &http.Cookie{}
		}
		if mark, _, _ := strings.Cut(c.Value, "."); !d.isMark(mark) {
			http.Error(w, "Open the lock screen by the address that postern dev prints.", http.StatusForbidden)
			return
		}
		site := r.Header.Get("Sec-Fetch-Site")
		if r.Method != http.MethodGet && (r.Header.Get("Origin") != d.origin || site != "" && site != "same-origin") {
			http.Error(w, "This form comes from another page.", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// maxForm is far above the few bytes that the forms of these pages have.
const maxForm = 4 << 10

// view is what the page shows.
type view struct {
	Device    string
	Storage   string
	Clock     time.Time
	Unplugged bool
	Path      string
	Desktop   *desktopView // nil on the bench alone
	Locked    bool         // the bench alone: nobody is at the desktop
	Said      string
	Fault     *fault.Error
	Blows     []blow
	Lines     []line
}

type desktopView struct {
	Name, First, User string
	By                string
	PIN               device.PINState
	PINOffered        bool
	Damaged           bool // there is a PIN, and its container can't be read
	Offline           bool
	Ends              time.Time // when the PIN that was typed expires; zero while that is far
	Things            []thing
}

// linesShown is how much of what the agent says fits beside a desktop.
const linesShown = 30

func (d *Device) view(path string) view {
	v := view{
		Device: d.o.Name, Storage: d.Storage(), Clock: d.now().In(d.zone()), Unplugged: d.cable.unplugged(), Path: path,
		Lines: d.diary.latest(linesShown),
	}
	for i := range v.Lines {
		v.Lines[i].At = v.Lines[i].At.In(d.zone())
	}
	for _, b := range blows {
		if b.shown == nil || b.shown(d) {
			v.Blows = append(v.Blows, b)
		}
	}
	return v
}

// zone is the organisation's.
func (d *Device) zone() *time.Location {
	if m := d.machine(); m != nil {
		if joined, err := m.agent.Device(); err == nil {
			if zone, err := time.LoadLocation(joined.Identity().Tenant.TimeZone); err == nil {
				return zone
			}
		}
	}
	return time.UTC
}

func (d *Device) showDesktop(w http.ResponseWriter, r *http.Request) {
	s := d.desktop()
	if s == nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	v := d.view(desktopPath)
	v.Desktop = d.desktopOf(s)
	d.show(w, r, v)
}

func (d *Device) desktopOf(s *session) *desktopView {
	first, _, _ := strings.Cut(s.Account.DisplayName, " ")
	v := &desktopView{Name: s.Account.DisplayName, First: first, User: s.Account.UserName, By: string(s.Opening.By), Offline: s.Opening.Offline}
	if ends := s.Opening.Ends; !ends.IsZero() {
		v.Ends = ends.In(d.zone())
	}
	if m := d.machine(); m != nil {
		if joined, err := m.agent.Device(); err == nil {
			v.PIN, v.PINOffered = joined.PINState(s.Account.ID), joined.PINOffered(s.Account.ID) == nil
			_, err := joined.PINs.Containers.Find(s.Account.ID)
			v.Damaged = errors.Is(err, container.ErrBroken)
		}
	}
	var err error
	if v.Things, err = things(d.Home(s.Account.UserName)); err != nil {
		d.log.Error("a home can't be read", "err", err)
	}
	for i := range v.Things {
		v.Things[i].ChangedAt = v.Things[i].ChangedAt.In(d.zone())
	}
	return v
}

func (d *Device) showBench(w http.ResponseWriter, r *http.Request) {
	v := d.view(benchPath)
	v.Locked = d.desktop() == nil
	d.show(w, r, v)
}

// show shows v, and what came of the button that led here.
func (d *Device) show(w http.ResponseWriter, r *http.Request, v view) {
	if i := d.blow(r.URL.Query().Get("done")); i >= 0 {
		v.Said = blows[i].Title + ": done."
	}
	d.write(w, http.StatusOK, v)
}

func (d *Device) write(w http.ResponseWriter, status int, v view) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	w.WriteHeader(status)
	if err := page.Execute(w, v); err != nil {
		d.log.Error("page", "err", err)
	}
}

func (d *Device) blow(name string) int {
	return slices.IndexFunc(blows, func(b blow) bool { return b.Name == name && name != "" })
}

// actOnDesktop locks the desktop, or ends the session.
func (d *Device) actOnDesktop(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	switch r.PostFormValue("do") {
	case "lock":
		d.lock()
	case "signout":
		d.signOut("signed out")
	case "pin": // it takes a sign-in that is no older than ten minutes
		s := d.desktop()
		if s == nil {
			break
		}
		d.lock()
		http.Redirect(w, r, "/?"+url.Values{"person": {s.Account.ID}, "way": {string(lockscreen.Web)}}.Encode(), http.StatusSeeOther)
		return
	default:
		http.Error(w, "There is no such button.", http.StatusBadRequest)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// actOnBench breaks something, or mends it.
func (d *Device) actOnBench(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	i := d.blow(r.PostFormValue("break"))
	if i < 0 || blows[i].shown != nil && !blows[i].shown(d) {
		http.Error(w, "There is no such button.", http.StatusBadRequest)
		return
	}
	to := benchPath
	if r.PostFormValue("from") == desktopPath {
		to = desktopPath
	}
	said, err := blows[i].do(d, r.Context())
	if err != nil {
		d.log.InfoContext(r.Context(), "the bench could not do it", "err", err)
		d.refuse(w, to, err)
		return
	}
	d.diary.note(said, "on the test bench")
	http.Redirect(w, r, to+"?done="+url.QueryEscape(blows[i].Name), http.StatusSeeOther)
}

// refuse shows the page again, with why nothing was broken.
func (d *Device) refuse(w http.ResponseWriter, path string, err error) {
	v := d.view(path)
	s := d.desktop()
	v.Locked = s == nil
	if path == desktopPath && s != nil {
		v.Desktop = d.desktopOf(s)
	}
	v.Fault = faultOf(err)
	d.write(w, http.StatusConflict, v)
}
