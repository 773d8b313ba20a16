// Package lockscreen is the screen of a device while nobody is signed in, or while a session
// is locked: people, the ways in, web sign-in, and the wizard for a new PIN. It proves who
// somebody is by package agent, and then asks its [Seat] to open a session: on a real machine
// that is the greeter, in postern dev a page. Pages are made on this machine and work without
// script; a PIN is typed nowhere else. docs/lock-screen.md tells administrators about it, and
// section by section what is answered when.
//
// One seat has one screen, and one attempt at a time, in memory:
//
//	          PIN                                   Open
//	lock ───────────────────────────────────────────────▶ (a new attempt)
//	 │ ▲                                              ▲
//	 │ └─ cancel, time-out, crash ─┐                  │ no PIN is due, or later
//	 │ globe                       │   answer         │
//	 └────────────▶ web ───────────┴──────────▶ (who is it?)
//	                                                  │ a PIN is due, or was forgotten
//	                                                  ▼
//	                                               new PIN ──▶ test unlock ──▶ Open
package lockscreen

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/fault"
)

// Options say what a screen stands on. Agent and Seat are required.
type Options struct {
	Agent   *agent.Agent
	Seat    Seat
	Network Network // nil: people can't choose one
	Now     func() time.Time
	Log     *slog.Logger
	// Key opens the screen to one browser, by [Screen.Enter]. It is drawn where it is empty.
	Key string
	// WebTime is how long a web sign-in may take; a quarter of an hour where it is zero.
	WebTime time.Duration
}

func (o Options) filled() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Key == "" {
		o.Key = rand.Text()
	}
	if o.WebTime == 0 {
		o.WebTime = 15 * time.Minute
	}
	return o
}

// Screen is the lock screen of one seat. It is safe for concurrent use. Close it.
type Screen struct {
	agent   *agent.Agent
	seat    Seat
	network Network
	now     func() time.Time
	log     *slog.Logger
	webTime time.Duration
	view    *view
	handler http.Handler
	unwatch func()

	key        [sha256.Size]byte // of the address that opens the screen
	enter      string
	cookie     string // its value
	cookieName string

	bell bell // rings when something that the screen shows has changed

	mu      sync.Mutex
	attempt *attempt
	lang    string         // as chosen on the screen; empty follows the browser
	repairs *agent.Repairs // what "Fix my PIN" found in this attempt
	broken  *fault.Error   // why web sign-in's browser is of no use, as the seat found when it tried it
	reach   reach
}

// Faults of the lock screen.
var (
	ErrForeign = &fault.Error{
		Kind: fault.Forbidden, Code: "lockForeign",
		Text: "This lock screen is another browser's.", Remedy: "Use the lock screen that the device shows.",
	}
	ErrChanged = &fault.Error{
		Kind: fault.Conflict, Code: "lockChanged",
		Text: "The lock screen has gone on since this page was shown.", Remedy: "Begin again.",
	}
	ErrLastTry = &fault.Error{
		Kind: fault.Unauthorized, Code: "pinLastTry",
		Text: "Wrong PIN. One try left.", Remedy: "After that the PIN locks and you need web sign-in.",
	}
	ErrNameOrPIN = &fault.Error{
		Kind: fault.Unauthorized, Code: "lockNameOrPIN",
		Text: "That did not work. Check the name and the PIN.", Remedy: "Or use web sign-in.",
	}
	ErrSomebodyElse = &fault.Error{
		Kind: fault.Forbidden, Code: "lockSomebodyElse",
		Text: "Only the person whose session is locked can unlock it.", Remedy: "Sign in as that person, or restart the device.",
	}
	ErrOther = &fault.Error{
		Kind: fault.Unauthorized, Code: "lockOtherPerson",
		Text: "Somebody else signed in than the one whose PIN was forgotten.", Remedy: "Begin again, with your own name.",
	}
	ErrBrowser = &fault.Error{
		Kind: fault.Unavailable, Code: "lockBrowser",
		Text: "The sign-in page stopped working.", Remedy: "Try again.",
	}
	ErrTime = &fault.Error{
		Kind: fault.Unauthorized, Code: "lockTime",
		Text: "The sign-in took too long and was ended.", Remedy: "Try again.",
	}
	ErrRepeat = &fault.Error{
		Kind: fault.Invalid, Code: "pinRepeat", Target: "repeat",
		Text: "The two PINs are not the same.", Remedy: "Type the same PIN into both fields.",
	}
	ErrConfirm = &fault.Error{
		Kind: fault.Invalid, Code: "lockConfirm", Target: "confirm",
		Text: "That is not the name of this device.", Remedy: "Type it as it is shown, or go back.",
	}
	ErrNetwork = &fault.Error{
		Kind: fault.Unavailable, Code: "networkFailed",
		Text: "This network could not be joined.", Remedy: "Try again, or choose another one.",
	}
	ErrNetworkSecret = &fault.Error{
		Kind: fault.Unauthorized, Code: "networkSecret", Target: "secret",
		Text: "That is not the passphrase of this network.", Remedy: "Check each character.",
	}
)

// New returns the screen of a seat.
func New(o Options) (*Screen, error) {
	o = o.filled()
	s := &Screen{
		agent: o.Agent, seat: o.Seat, network: o.Network, now: o.Now, log: o.Log, webTime: o.WebTime,
		key: sha256.Sum256([]byte(o.Key)), enter: "/enter/" + url.PathEscape(o.Key), cookie: rand.Text() + rand.Text(),
	}
	// Browsers keep cookies by host and not by port: two seats of a machine need two names.
	s.cookieName = "lock-" + hex.EncodeToString(s.key[:4])
	var err error
	if s.view, err = newView(); err != nil {
		return nil, err
	}
	s.attempt = s.newAttempt()
	s.handler = s.routes()
	s.unwatch = s.agent.Watch(func(agent.Change) { s.bell.ring() })
	return s, nil
}

// Enter is the path that opens the screen to a browser. Whoever knows it is at the screen.
func (s *Screen) Enter() string { return s.enter }

// Close ends the attempt that is under way.
func (s *Screen) Close() {
	s.unwatch()
	s.Lock()
}

// Handler serves the screen's pages.
func (s *Screen) Handler() http.Handler { return s.handler }

// Lock goes back to the tiles, whatever was under way.
func (s *Screen) Lock() {
	s.mu.Lock()
	s.renew()
	s.lang = ""
	s.mu.Unlock()
	s.seat.Hide()
	s.bell.ring()
}

func (s *Screen) routes() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range map[string]handler{
		"POST /pin":     s.takePIN,
		"POST /web":     s.startWeb,
		"GET /web":      s.showWeb,
		"POST /pass":    s.takePass,
		"POST /cancel":  s.cancel,
		"GET /new-pin":  s.showNewPIN,
		"POST /new-pin": s.takeNewPIN,
		"GET /forgot":   s.showForgot,
		"POST /forgot":  s.takeForgot,
		"GET /practice": s.showPractice,
		"GET /help":     s.showHelp,
		"POST /repair":  s.repair,
		"GET /network":  s.showNetwork,
		"POST /network": s.takeNetwork,
		"GET /power":    s.showPower,
		"POST /power":   s.takePower,
		"GET /events":   s.events,
	} {
		mux.Handle(pattern, s.guard(h))
	}
	locked := s.guard(s.showLock)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("state") {
			s.back(w, r)
			return
		}
		locked.ServeHTTP(w, r)
	})
	mux.HandleFunc("GET /enter/{key}", s.letIn)
	mux.HandleFunc("GET /alive", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }) // seats that watch their browser take it themselves
	mux.Handle("GET /assets/", assets)
	return mux
}

// letIn gives a browser that knows the key its cookie.
func (s *Screen) letIn(w http.ResponseWriter, r *http.Request) {
	given := sha256.Sum256([]byte(r.PathValue("key")))
	if subtle.ConstantTimeCompare(given[:], s.key[:]) != 1 {
		s.refuse(w, r)
		return
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // a browser on this very machine comes without TLS
		Name: s.cookieName, Value: s.cookie, Path: "/", HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode,
	})
	// A page of this host goes on: after a redirect that began elsewhere the cookie would be left out.
	s.page(w, r, http.StatusOK, onwardPage{frame: s.frame(r, nil), To: "/"})
}

// ours reports whether a request comes from a page of this screen.
func (s *Screen) ours(r *http.Request) bool {
	c, err := r.Cookie(s.cookieName)
	if err != nil || subtle.ConstantTimeCompare([]byte(c.Value), []byte(s.cookie)) != 1 {
		return false
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" {
		return false
	}
	scheme, host, ok := strings.Cut(r.Header.Get("Origin"), "://")
	return ok && (scheme == "http" || scheme == "https") && host == r.Host
}

type handler func(w http.ResponseWriter, r *http.Request) error

const maxForm = 16 << 10 // bytes

// guard lets the screen's own browser in, and turns an error into a page.
func (s *Screen) guard(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.ours(r) {
			s.refuse(w, r)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := h(w, r); err != nil {
			s.fail(r.Context(), err)
			http.Redirect(w, r, "/", http.StatusSeeOther)
		}
	})
}

// fail keeps an error for the page that comes next.
func (s *Screen) fail(ctx context.Context, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attempt.trouble = s.tell(ctx, s.attempt, err)
}

func (s *Screen) refuse(w http.ResponseWriter, r *http.Request) {
	f := s.frame(r, nil)
	f.Trouble = &trouble{Fault: ErrForeign}
	s.page(w, r, http.StatusForbidden, refusedPage{f})
}
