package greeter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/agent/greeter/greetd"
	"github.com/postern-id/postern/internal/agent/greeter/kiosk"
	"github.com/postern-id/postern/internal/agent/peer"
	"github.com/postern-id/postern/internal/fault"
)

// Options say where the greeter finds things. Every field is required.
type Options struct {
	Agent    string // socket of the agent
	Greetd   string // socket of greetd
	Runtime  string // folder of the user's own
	Display  string // socket of the compositor
	Web      string // socket that starts web sign-in's browser as its own user
	Bwrap    string
	Chromium string
	Self     string         // this program
	Front    func(web bool) // brings web sign-in's browser to the front, or the lock screen's
	// Titles tells the titles of web sign-in's windows until ctx ends.
	Titles func(ctx context.Context, tell func(title string))
	Log    *slog.Logger
}

// Greeter is the unprivileged half.
type Greeter struct {
	o    Options
	quit context.CancelCauseFunc

	mu     sync.Mutex
	turn   uint64
	signIn *page       // web sign-in's browser, if one is shown
	spare  *page       // one that waits
	site   *kiosk.Site // for the next spare
	lang   string      // likewise
	idle   *time.Timer // runs while nothing is shown

	tryMu sync.Mutex
	tried string // what came of trying web sign-in's browser, as the agent was told; empty while it works
}

// errOpened ends a greeter whose work is done: greetd starts the session when it is gone.
var errOpened = errors.New("a session opens")

// Run shows the sign-in screen until a session opens, with nil, or it can't be shown.
func Run(ctx context.Context, o Options) error {
	ctx, quit := context.WithCancelCause(ctx)
	defer quit(nil)
	if err := withCompositor(ctx, o.Display, quit); err != nil {
		return err
	}
	g := &Greeter{o: o, quit: quit, idle: time.NewTimer(time.Hour)}
	g.idle.Stop()
	if err := os.Remove(BackSocket(o.Runtime)); err != nil && !os.IsNotExist(err) { // of a greeter that was killed
		return err
	}
	back, err := net.ListenUnix("unix", &net.UnixAddr{Name: BackSocket(o.Runtime), Net: "unix"})
	if err != nil {
		return err
	}
	var last error
	for ctx.Err() == nil {
		err := g.attach(ctx, back)
		if fatal, ok := errors.AsType[fatal](err); ok {
			last = fatal.error
			break
		}
		if err != nil && ctx.Err() == nil && (last == nil || last.Error() != err.Error()) {
			o.Log.WarnContext(ctx, "the agent is not there", "err", err)
			last = err
		}
		select {
		case <-ctx.Done():
		case <-time.After(500 * time.Millisecond):
		}
	}
	_ = back.Close()
	if errors.Is(context.Cause(ctx), errOpened) {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return last
}

// errCompositor says that there is nothing to show browsers on any more. The next greeter, with
// a compositor of its own, finds the agent free.
var errCompositor = errors.New("the compositor ended")

// withCompositor quits when the compositor at display ends: until then it keeps a connection
// open on which nobody says anything.
func withCompositor(ctx context.Context, display string, quit context.CancelCauseFunc) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", display)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	go func() {
		_, _ = io.Copy(io.Discard, conn)
		quit(errCompositor)
	}()
	return nil
}

// fatal is an error that trying again does not mend.
type fatal struct{ error }

// attach is with the agent until it goes away.
func (g *Greeter) attach(ctx context.Context, back *net.UnixListener) error {
	conn, err := dialAgent(ctx, g.o.Agent)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	welcome := make(chan hello, 1)
	w := &wire{conn: conn}
	w.handle = func(ctx context.Context, name string, body json.RawMessage) (any, error) {
		return g.answer(ctx, w, welcome, name, body)
	}
	ended := make(chan error, 1)
	go func() { ended <- w.run(ctx) }()
	var h hello
	select {
	case err := <-ended:
		return errors.Join(errGone, err)
	case h = <-welcome:
	}
	var all sync.WaitGroup
	defer all.Wait()
	defer g.hideAll()
	defer cancel()
	if err := kiosk.Probe(ctx, g.o.Bwrap); err != nil {
		g.tell(ctx, w, callTrouble, err)
		return fatal{err}
	}
	all.Go(func() { backs(ctx, back, w) })
	g.mu.Lock()
	g.site, g.lang = h.Site, defaultLang
	g.mu.Unlock()
	g.tryMu.Lock()
	g.tried = ""
	g.tryMu.Unlock()
	all.Go(func() { g.prepare(ctx, w) })
	shown := make(chan error, 1)
	all.Go(func() { shown <- g.screen(ctx, w, h) })
	select {
	case err := <-ended:
		return errors.Join(errGone, err)
	case err := <-shown:
		if ctx.Err() != nil {
			return ctx.Err()
		}
		g.tell(ctx, w, callTrouble, err)
		return fatal{err}
	case <-ctx.Done():
		return ctx.Err()
	}
}

// dialAgent connects to the agent, which is root's: what is typed goes nowhere else.
func dialAgent(ctx context.Context, socket string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, err
	}
	if from, err := peer.Of(conn); err != nil || from.UID != 0 {
		_ = conn.Close()
		return nil, errors.Join(fmt.Errorf("%s is not the agent's: uid %d listens there", socket, from.UID), err)
	}
	return conn, nil
}

// tell tells the agent of trouble; it is logged here, too.
func (g *Greeter) tell(ctx context.Context, w *wire, what string, err error) {
	g.o.Log.ErrorContext(ctx, what, "err", err)
	in := trouble{Text: err.Error()}
	in.Fault, _ = errors.AsType[*fault.Error](err)
	short, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeWithin)
	defer cancel()
	if err := w.call(short, what, in, nil); err != nil {
		g.o.Log.WarnContext(ctx, "the agent was not told", "err", err)
	}
}

// answer serves a call of the agent.
func (g *Greeter) answer(ctx context.Context, w *wire, welcome chan<- hello, name string, body json.RawMessage) (any, error) {
	switch name {
	case callHello:
		var in hello
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, err
		}
		select {
		case welcome <- in:
		default:
		}
		return nil, nil //nolint:nilnil // there is nothing to say
	case callShow:
		var in show
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, err
		}
		return nil, g.show(w, in)
	case callHide:
		var in hide
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, err
		}
		g.hide(in.Turn)
		return nil, nil //nolint:nilnil // see above
	case callOpen:
		var in open
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, err
		}
		return nil, g.open(ctx, in)
	}
	return nil, errors.New("a call that there is not")
}

// open has greetd open a session: the ticket answers PAM's one question.
func (g *Greeter) open(ctx context.Context, in open) error {
	c, err := greetd.Dial(ctx, g.o.Greetd)
	if err != nil {
		return errors.Join(ErrSession, err)
	}
	asked := false
	err = c.Open(ctx, in.User, func(m greetd.Message) (string, error) {
		if m.Kind != greetd.Secret || asked {
			return "", fmt.Errorf("PAM asks %q", m.Text)
		}
		asked = true
		return in.Ticket, nil
	}, in.Cmd, in.Env)
	if err != nil {
		_ = c.Close()
		g.o.Log.ErrorContext(ctx, "greetd opens no session", "err", err)
		return errors.Join(ErrSession, err)
	}
	// The agent is answered first; the session starts when this process is gone.
	time.AfterFunc(100*time.Millisecond, func() { g.quit(errOpened) })
	return nil
}

// screen shows the lock screen in its own browser, and starts the browser again when it ends.
func (g *Greeter) screen(ctx context.Context, w *wire, h hello) error {
	policy, err := kiosk.ScreenPolicy()
	if err != nil {
		return err
	}
	var browser *kiosk.Browser
	var heart *pulse
	var mu sync.Mutex
	var first sync.Once
	site := &http.Server{ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 32 << 10, Handler: pagesOf(g.o, h, func(r *http.Request) {
		first.Do(func() { g.idle.Reset(spareAfter) })
		mu.Lock()
		defer mu.Unlock()
		if browser == nil {
			return
		}
		browser.Asked()
		if r.URL.Path == alivePath {
			heart.beat(r.URL.Query().Has("hidden"))
		}
	})}
	defer func() { _ = site.Close() }()
	for tries := 0; ; tries++ {
		b, err := kiosk.Start(g.sandbox(kiosk.Lock, policy, kiosk.Screen+startPath, ""))
		if err != nil {
			return err
		}
		mu.Lock()
		browser, heart = b, &pulse{hangs: b.Hangs}
		beats := heart
		mu.Unlock()
		shown := make(chan struct{})
		go func() {
			defer close(shown)
			g.doors(ctx, b, func(l net.Listener) { _ = site.Serve(l) })
		}()
		err = b.Watch(ctx)
		beats.end()
		<-shown
		if err == nil || tries >= mostStarts {
			return err
		}
		g.tell(ctx, w, callTrouble, err)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

const mostStarts = 5 // of the lock screen's browser, before greetd begins anew

// defaultLang is that of the lock screen until somebody chooses.
const defaultLang = "en"

// startPath is where the lock screen's browser begins: its key is on no command line.
const startPath = "/start"

// alivePath is where pages with script say that they live.
const alivePath = "/alive"

// pagesOf is the lock screen as its browser meets it.
func pagesOf(o Options, h hello, asked func(*http.Request)) http.Handler {
	host := strings.TrimPrefix(kiosk.Screen, "http://")
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", host, host
		},
		FlushInterval: -1,
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialAgent(ctx, ScreenSocket(o.Agent))
		}},
		ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelInfo),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked(r)
		switch {
		case r.Host != host:
			http.Error(w, "There is nothing here.", http.StatusNotFound)
		case r.URL.Path == startPath:
			http.Redirect(w, r, h.Enter, http.StatusSeeOther)
		case r.URL.Path == alivePath:
			w.WriteHeader(http.StatusNoContent)
		default:
			proxy.ServeHTTP(w, r)
		}
	})
}

func (g *Greeter) sandbox(name string, policy []byte, address, lang string) kiosk.Sandbox {
	return kiosk.Sandbox{Bwrap: g.o.Bwrap, Chromium: g.o.Chromium, Self: g.o.Self, Policy: policy, Lang: lang, URL: address, Name: name}
}

// barFile is what the compositor's bar shows the last line of.
const barFile = "postern-bar"

// show shows a page, in the place of one that is shown: in the browser that waits for it, or
// in a new one.
func (g *Greeter) show(w *wire, in show) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if in.Turn <= g.turn {
		return errors.New("the page was hidden before it was shown")
	}
	g.turn = in.Turn
	g.endPage()
	p := g.spare
	g.spare = nil
	if p != nil && !p.fits(in.Site, in.Lang) {
		p.close()
		p = nil
	}
	if p == nil {
		var err error
		if p, err = g.newPage(w, in.Site, in.Lang); err != nil {
			return err
		}
	}
	g.signIn, g.site, g.lang = p, &in.Site, in.Lang
	p.shown.Store(true)
	g.bar(bar(in.Site, in.Lang, ""))
	go g.o.Titles(p.ctx, func(title string) {
		if host := refusedBy(title, p.rules); host != "" {
			g.bar(bar(in.Site, in.Lang, host))
		}
	})
	p.next <- in.URL
	g.o.Front(true)
	return nil
}

// bar writes what the compositor's bar shows.
func (g *Greeter) bar(text string) {
	if err := os.WriteFile(filepath.Join(g.o.Runtime, barFile), []byte(text+"\n"), 0o600); err != nil {
		g.o.Log.Warn("bar", "err", err)
	}
}

// hide ends the page that was shown before turn, and returns when it is gone.
func (g *Greeter) hide(turn uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if turn <= g.turn {
		return
	}
	g.turn = turn
	g.endPage()
}

func (g *Greeter) hideAll() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turn = 0
	g.endPage()
	if g.spare != nil {
		g.spare.close()
		g.spare = nil
	}
}

func (g *Greeter) endPage() {
	if g.signIn != nil {
		g.signIn.close()
		g.signIn = nil
		g.idle.Reset(spareAfter)
	}
}

// spareAfter is how long nothing is shown before a browser is made ready: starting one is most
// of the time from the click to the first prompt.
const spareAfter = 3 * time.Second

// tryAgainAfter is how long a browser that is of no use is left alone.
const tryAgainAfter = 15 * time.Second

// browser tells the agent what came of trying web sign-in's browser, if that is news.
func (g *Greeter) browser(ctx context.Context, w *wire, err error) {
	g.tryMu.Lock()
	defer g.tryMu.Unlock()
	said := ""
	if err != nil {
		said = err.Error()
	}
	if said == g.tried {
		return
	}
	g.tried = said
	if err != nil {
		g.tell(ctx, w, callBrowser, err)
		return
	}
	_, _, _ = w.send(callBrowser, trouble{}) // who is gone needs no news
}

// prepare makes a browser ready each time that nothing is shown, until ctx ends.
func (g *Greeter) prepare(ctx context.Context, w *wire) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-g.idle.C:
		}
		g.mu.Lock()
		if g.spare != nil && g.spare.gone() {
			g.spare = nil
		}
		if g.signIn == nil && g.spare == nil && g.site != nil && ctx.Err() == nil {
			p, err := g.newPage(w, *g.site, g.lang)
			if err != nil {
				g.idle.Reset(tryAgainAfter) // before it is told: who hears of it may want the next try sooner
				go g.browser(ctx, w, err)
			}
			g.spare = p
		}
		g.mu.Unlock()
	}
}

// BackSocket is where Back is told of a key that leads back to the tiles.
func BackSocket(runtime string) string { return filepath.Join(runtime, "postern-back.sock") }

// Back goes back to the tiles, whatever the pages do. The compositor calls it by a key.
func Back(ctx context.Context, runtime string) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", BackSocket(runtime))
	if err != nil {
		return err
	}
	return conn.Close()
}

// backs tells the agent of each connection to l.
func backs(ctx context.Context, l *net.UnixListener, w *wire) {
	stop := context.AfterFunc(ctx, func() { _ = l.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	_ = l.SetDeadline(time.Time{})
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_ = conn.Close()
		_, _, _ = w.send(callBack, struct{}{}) // one that is not heard can be pressed again
	}
}
