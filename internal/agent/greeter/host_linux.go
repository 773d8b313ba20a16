package greeter

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/agent/greeter/kiosk"
	"github.com/postern-id/postern/internal/agent/lockscreen"
	"github.com/postern-id/postern/internal/agent/pam"
	"github.com/postern-id/postern/internal/agent/peer"
	"github.com/postern-id/postern/internal/agent/ticket"
)

// Screen is what the agent's half needs of the lock screen.
type Screen interface {
	Enter() string
	Handler() http.Handler
	Returned(ctx context.Context, answer url.Values) error
	Crashed(err error)
	Browser(err error) // of trying it before anybody needs it; nil when it works
	Lock()
}

// A Host is the agent's half: the seat of a lock screen, whose greeter attaches to a socket.
// It implements lockscreen.Seat. Every field is required.
type Host struct {
	Tickets *ticket.Box
	Boot    string // id of this boot
	UID     uint32 // who the greeter runs as
	Session func() (Session, error)
	Site    func() (kiosk.Site, error) // what web sign-in may open now
	Machine Machine
	Log     *slog.Logger

	mu        sync.Mutex
	attached  *attached
	turn      uint64
	strangers once // by uid
}

// A Machine can be switched off.
type Machine interface {
	CanPower() bool
	Power(ctx context.Context, a lockscreen.Action) error
}

// A Session is what is started for a person who is let in.
type Session struct {
	Cmd []string
	Env []string
}

// attached is a greeter that is there.
type attached struct {
	wire    *wire
	process ticket.Process
	opening string // attempt whose session is being opened
}

var _ lockscreen.Seat = (*Host)(nil)

// Redirect implements lockscreen.Seat.
func (h *Host) Redirect() string { return Redirect }

// Facts implements lockscreen.Seat. greetd runs one greeter, and no session beside it.
func (h *Host) Facts() lockscreen.Facts {
	return lockscreen.Facts{Name: "seat0", CanPower: h.Machine.CanPower()}
}

// Power implements lockscreen.Seat.
func (h *Host) Power(ctx context.Context, a lockscreen.Action) error { return h.Machine.Power(ctx, a) }

func (h *Host) greeter() (*attached, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.attached == nil {
		return nil, ErrNoGreeter
	}
	return h.attached, nil
}

// step counts shows and hides.
func (h *Host) step() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.turn++
	return h.turn
}

// showWithin is how long a browser may take to be started.
const showWithin = 10 * time.Second

// Show implements lockscreen.Seat: another browser than the lock screen's shows the page.
func (h *Host) Show(ctx context.Context, p lockscreen.Page) (string, error) {
	g, err := h.greeter()
	if err != nil {
		return "", err
	}
	site, err := h.Site()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, showWithin)
	defer cancel()
	return "", g.wire.call(ctx, callShow, show{Turn: h.step(), URL: p.URL, Lang: p.Lang, Site: site}, nil)
}

// Hide implements lockscreen.Seat.
func (h *Host) Hide() {
	g, err := h.greeter()
	if err != nil {
		return
	}
	// Nobody waits for the answer: what counts is that it comes after the show.
	if _, _, err := g.wire.send(callHide, hide{Turn: h.step()}); err != nil {
		h.Log.Warn("the browser of web sign-in was not ended", "err", err)
	}
}

// openWithin is how long greetd and PAM may take.
const openWithin = 30 * time.Second

// Open implements lockscreen.Seat: it issues a ticket for this greeter and this attempt, which
// the greeter gives to PAM (rule 21 of docs/threat-model.md).
func (h *Host) Open(ctx context.Context, o lockscreen.Opening) (string, error) {
	session, err := h.Session()
	if err != nil {
		return "", err
	}
	h.mu.Lock()
	g := h.attached
	if g != nil {
		g.opening = o.Attempt
	}
	h.mu.Unlock()
	if g == nil {
		return "", ErrNoGreeter
	}
	text, err := h.Tickets.Issue(ticket.Binding{
		User: o.Account.ID, UID: o.Account.UID, PAMUser: o.Account.UserName, Service: Service,
		Greeter: g.process, Peer: h.UID, Boot: h.Boot, Attempt: o.Attempt,
	})
	if err != nil {
		return "", err
	}
	defer h.Tickets.Cancel(o.Attempt) // spent, or of no more use
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	err = g.wire.call(ctx, callOpen, open{User: o.Account.UserName, Ticket: pam.Ticket + text, Cmd: session.Cmd, Env: session.Env}, nil)
	h.Log.InfoContext(ctx, "session", "correlationId", o.Attempt, "user", o.Account.ID, "by", string(o.By), "err", err)
	return "", err
}

// Serve takes greeters on control and shows them the screen's pages on pages, until ctx ends.
func (h *Host) Serve(ctx context.Context, screen Screen, control, pages net.Listener) error {
	site := &http.Server{
		Handler: screen.Handler(), ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 32 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    slog.NewLogLogger(h.Log.Handler(), slog.LevelInfo),
	}
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { _ = site.Serve(guarded{pages, h.isAttached}) }) // ends with Close
	stop := context.AfterFunc(ctx, func() { _, _ = control.Close(), site.Close() })
	defer stop()
	for {
		conn, err := control.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			return errors.Join(err, site.Close())
		}
		all.Go(func() { h.attend(ctx, screen, conn) })
	}
}

// attend serves one greeter until it is gone. There is one at a time, and it is who it has to be.
func (h *Host) attend(ctx context.Context, screen Screen, conn net.Conn) {
	defer func() { _ = conn.Close() }()
	from, ok := h.process(conn)
	if !ok {
		return
	}
	g := &attached{process: from}
	g.wire = &wire{conn: conn, handle: func(ctx context.Context, name string, body json.RawMessage) (any, error) {
		return h.answer(ctx, screen, name, body)
	}}
	h.mu.Lock()
	taken := h.attached != nil
	if !taken {
		h.attached = g
	}
	h.mu.Unlock()
	if taken {
		h.Log.WarnContext(ctx, "a second greeter was sent away", "pid", from.PID)
		return
	}
	h.Log.InfoContext(ctx, "greeter", "pid", from.PID)
	welcome := hello{Enter: screen.Enter()}
	if site, err := h.Site(); err == nil {
		welcome.Site = &site
	}
	if _, _, err := g.wire.send(callHello, welcome); err == nil {
		if err := g.wire.run(ctx); err != nil {
			h.Log.InfoContext(ctx, "the greeter is gone", "pid", from.PID, "err", err)
		}
	}
	h.mu.Lock()
	h.attached = nil
	opening := g.opening
	h.mu.Unlock()
	h.Tickets.Cancel(opening) // it was for this process
	screen.Browser(nil)       // the next greeter tries it
	screen.Lock()
}

// process says who connects, if that may be a greeter.
func (h *Host) process(conn net.Conn) (ticket.Process, bool) {
	from, err := peer.Of(conn)
	if err != nil || from.UID != h.UID {
		if h.strangers.first(strconv.FormatUint(uint64(from.UID), 10)) { // who tries again and again fills no log
			h.Log.Warn("somebody else than the greeter was sent away", "uid", from.UID, "pid", from.PID, "err", err)
		}
		return ticket.Process{}, false
	}
	stat, ok := peer.StatOf(from.PID)
	return ticket.Process{PID: from.PID, Started: stat.Started}, ok
}

// isAttached reports whether the greeter that is attached connects.
func (h *Host) isAttached(conn net.Conn) bool {
	from, ok := h.process(conn)
	g, err := h.greeter()
	return ok && err == nil && g.process == from
}

// answer serves a call of the greeter.
func (h *Host) answer(ctx context.Context, screen Screen, name string, body json.RawMessage) (any, error) {
	switch name {
	case callReturned:
		var in returned
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, err
		}
		values, err := url.ParseQuery(in.Query)
		if err != nil {
			return false, nil //nolint:nilerr // it belongs to no sign-in
		}
		return screen.Returned(ctx, values) == nil, nil
	case callCrashed, callTrouble, callBrowser:
		var in trouble
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, err
		}
		if name == callBrowser && in == (trouble{}) {
			screen.Browser(nil)
			return nil, nil //nolint:nilnil // there is nothing to say
		}
		h.Log.ErrorContext(ctx, "sign-in screen", "what", name, "err", in.Text)
		switch name {
		case callCrashed:
			screen.Crashed(in.err())
		case callBrowser:
			screen.Browser(in.err())
		}
		return nil, nil //nolint:nilnil // there is nothing to say
	case callRefused:
		var in refused
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, err
		}
		h.Log.InfoContext(ctx, "web sign-in may not open this", "host", in.Host, "code", in.Code)
		return nil, nil //nolint:nilnil // see above
	case callBack:
		screen.Lock()
		return nil, nil //nolint:nilnil // see above
	}
	return nil, errors.New("a call that there is not")
}

// err is what the greeter told.
func (t trouble) err() error {
	if t.Fault != nil {
		return t.Fault
	}
	return errors.New(t.Text)
}

// guarded lets in whom may says.
type guarded struct {
	net.Listener
	may func(net.Conn) bool
}

func (g guarded) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil || g.may(conn) {
			return conn, err
		}
		_ = conn.Close()
	}
}
