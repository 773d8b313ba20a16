package greeter

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent/greeter/kiosk"
	"github.com/postern-id/postern/internal/agent/lockscreen"
	"github.com/postern-id/postern/internal/agent/pam"
	"github.com/postern-id/postern/internal/agent/peer"
	"github.com/postern-id/postern/internal/agent/ticket"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/fault"
)

// screen is a lock screen that notes what it is told.
type screen struct {
	mu    sync.Mutex
	notes []string
	told  chan string
}

func (s *screen) note(text string) {
	s.mu.Lock()
	s.notes = append(s.notes, text)
	s.mu.Unlock()
	s.told <- text
}

func (*screen) Enter() string { return "/enter/key" }

func (*screen) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "tiles") })
}

func (s *screen) Returned(_ context.Context, v url.Values) error {
	s.note("returned " + v.Encode())
	if v.Get("state") != "mine" {
		return errors.New("another sign-in's")
	}
	return nil
}

func (s *screen) Crashed(err error) { s.note("crashed " + err.Error()) }
func (s *screen) Lock()             { s.note("lock") }

func (s *screen) Browser(err error) {
	if err != nil {
		s.note("browser " + err.Error())
	}
}

type noPower struct{}

func (noPower) CanPower() bool                                 { return false }
func (noPower) Power(context.Context, lockscreen.Action) error { return lockscreen.ErrNoPower }

// A bench is an agent's half that serves, and where it does.
type bench struct {
	*Host
	t      *testing.T
	screen *screen
	socket string
}

func newBench(t *testing.T, uid int) *bench {
	t.Helper()
	b := &bench{t: t, screen: &screen{told: make(chan string, 32)}, socket: filepath.Join(t.TempDir(), "g")}
	b.Host = &Host{
		Tickets: &ticket.Box{Now: time.Now, Rand: rand.Reader}, Boot: "boot", UID: uint32(uid), Machine: noPower{}, Log: slog.New(slog.DiscardHandler),
		Session: func() (Session, error) { return Session{Cmd: []string{"desktop"}}, nil },
		Site:    func() (kiosk.Site, error) { return kiosk.Site{Server: "https://id.contoso.example"}, nil },
	}
	control, err := peer.Listen(t.Context(), b.socket)
	must(t, err)
	pages, err := peer.Listen(t.Context(), ScreenSocket(b.socket))
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Serve(ctx, b.screen, control, pages) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// told waits for what the screen is told next.
func (b *bench) told(want string) {
	b.t.Helper()
	select {
	case got := <-b.screen.told:
		if got != want {
			b.t.Fatalf("the screen is told %q, want %q", got, want)
		}
	case <-time.After(10 * time.Second):
		b.t.Fatalf("the screen is not told %q", want)
	}
}

// greeter attaches to the agent, with calls answered by answer.
func (b *bench) greeter(answer func(name string, body json.RawMessage) (any, error)) *wire {
	b.t.Helper()
	conn, err := dialAgent(b.t.Context(), b.socket)
	must(b.t, err)
	attached := make(chan struct{})
	w := &wire{conn: conn, handle: func(_ context.Context, name string, body json.RawMessage) (any, error) {
		if name == callHello {
			close(attached)
			return nil, nil //nolint:nilnil // there is nothing to say
		}
		return answer(name, body)
	}}
	done := make(chan struct{})
	go func() { defer close(done); _ = w.run(b.t.Context()) }()
	b.t.Cleanup(func() { _ = conn.Close(); <-done })
	select {
	case <-attached:
	case <-done:
		b.t.Fatal("sent away")
	case <-time.After(10 * time.Second):
		b.t.Fatal("no hello")
	}
	return w
}

var ada = lockscreen.Opening{
	Account: device.Account{ID: "id-ada", UserName: "ada", UID: 200001}, By: lockscreen.Web, Attempt: "attempt-1",
}

// given is the ticket in an open call.
func given(t *testing.T, body json.RawMessage) (open, string) {
	t.Helper()
	var in open
	must(t, json.Unmarshal(body, &in))
	text, ok := strings.CutPrefix(in.Ticket, pam.Ticket)
	if !ok {
		t.Errorf("%q is no answer for PAM", in.Ticket)
	}
	return in, text
}

func TestATicketIsForThisGreeterAndThisAttempt(t *testing.T) {
	needRoot(t)
	b := newBench(t, os.Getuid())
	own, _ := peer.StatOf(int32(os.Getpid()))
	want := ticket.Binding{
		User: "id-ada", UID: 200001, PAMUser: "ada", Service: "greetd", Greeter: ticket.Process{PID: int32(os.Getpid()), Started: own.Started},
		Peer: uint32(os.Getuid()), Boot: "boot", Attempt: "attempt-1",
	}
	used := ""
	b.greeter(func(name string, body json.RawMessage) (any, error) {
		in, text := given(t, body)
		if name != callOpen || in.User != "ada" || in.Cmd[0] != "desktop" {
			t.Errorf("%s %+v", name, in)
		}
		used = text
		return nil, b.Tickets.Use(text, want) // as PAM does
	})
	if _, err := b.Open(t.Context(), ada); err != nil {
		t.Fatal(err)
	}
	if err := b.Tickets.Use(used, want); !errors.Is(err, ticket.ErrInvalid) {
		t.Errorf("the ticket works twice: %v", err)
	}
}

func TestATicketThatWasNotUsedIsWorthNothing(t *testing.T) {
	needRoot(t)
	b := newBench(t, os.Getuid())
	var kept string
	b.greeter(func(_ string, body json.RawMessage) (any, error) {
		_, kept = given(t, body)
		return nil, ErrSession // greetd said no, and the ticket was kept
	})
	if _, err := b.Open(t.Context(), ada); !errors.Is(err, ErrSession) {
		t.Error(err)
	}
	if _, err := b.Tickets.Spend(kept, "ada", func(ticket.Binding) bool { return true }); !errors.Is(err, ticket.ErrInvalid) {
		t.Errorf("a ticket that was kept works: %v", err)
	}
}

func TestTheTicketOfAGreeterThatWentAwayIsVoid(t *testing.T) {
	needRoot(t)
	b := newBench(t, os.Getuid())
	kept := make(chan string, 1)
	var w *wire
	w = b.greeter(func(_ string, body json.RawMessage) (any, error) {
		_, text := given(t, body)
		kept <- text
		_ = w.conn.Close()
		return nil, nil //nolint:nilnil // nobody hears it
	})
	if _, err := b.Open(t.Context(), ada); err == nil {
		t.Error("a session opens without a greeter")
	}
	b.told("lock")
	if _, err := b.Tickets.Spend(<-kept, "ada", func(ticket.Binding) bool { return true }); !errors.Is(err, ticket.ErrInvalid) {
		t.Errorf("its ticket works: %v", err)
	}
	if _, err := b.Open(t.Context(), ada); !errors.Is(err, ErrNoGreeter) {
		t.Error(err)
	}
}

// silent reports whether a socket says nothing and closes.
func silent(t *testing.T, path, say string) bool {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "unix", path)
	must(t, err)
	defer func() { _ = conn.Close() }()
	must(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	_, _ = io.WriteString(conn, say)
	text, err := io.ReadAll(conn)
	return len(text) == 0 && !errors.Is(err, os.ErrDeadlineExceeded)
}

const get = "GET / HTTP/1.1\r\nHost: localhost:8000\r\n\r\n"

func TestSomebodyElseIsToldNothing(t *testing.T) {
	b := newBench(t, os.Getuid()+1)
	if !silent(t, b.socket, "") || !silent(t, ScreenSocket(b.socket), get) {
		t.Error("another user of the machine is answered")
	}
}

func TestThereIsOneGreeterAndOnlyItSeesThePages(t *testing.T) {
	needRoot(t)
	b := newBench(t, os.Getuid())
	if !silent(t, ScreenSocket(b.socket), get) {
		t.Error("pages without a greeter")
	}
	b.greeter(func(string, json.RawMessage) (any, error) { return nil, nil }) //nolint:nilnil // never called
	if !silent(t, b.socket, "") {
		t.Error("a second greeter is answered")
	}
	if silent(t, ScreenSocket(b.socket), "GET / HTTP/1.0\r\n\r\n") {
		t.Error("the greeter sees no pages")
	}
}

func TestTheScreenHearsWhatTheGreeterSays(t *testing.T) {
	needRoot(t)
	b := newBench(t, os.Getuid())
	w := b.greeter(func(string, json.RawMessage) (any, error) { return nil, nil }) //nolint:nilnil // never called
	for query, want := range map[string]bool{"state=mine&code=1": true, "state=foreign&code=2": false} {
		var ours bool
		if err := w.call(t.Context(), callReturned, returned{query}, &ours); err != nil || ours != want {
			t.Errorf("%s: %v, %v", query, ours, err)
		}
		values, _ := url.ParseQuery(query)
		b.told("returned " + values.Encode())
	}
	must(t, w.call(t.Context(), callCrashed, trouble{Fault: kiosk.ErrHangs, Text: "killed"}, nil))
	b.told("crashed " + kiosk.ErrHangs.Error())
	must(t, w.call(t.Context(), callBack, struct{}{}, nil))
	b.told("lock")
	for _, name := range []string{"open", "show", "", "power"} {
		if err := w.call(t.Context(), name+"!", nil, nil); err == nil {
			t.Errorf("the agent does %q for its greeter", name)
		}
	}
}

func TestAPageIsHiddenAfterItWasShown(t *testing.T) {
	needRoot(t)
	b := newBench(t, os.Getuid())
	turns := make(chan uint64, 8)
	b.greeter(func(name string, body json.RawMessage) (any, error) {
		var in show
		must(t, json.Unmarshal(body, &in))
		if name == callShow && (in.URL != "https://id.contoso.example/x" || in.Site.Server == "") {
			t.Errorf("%+v", in)
		}
		turns <- in.Turn
		return nil, nil //nolint:nilnil // there is nothing to say
	})
	if next, err := b.Show(t.Context(), lockscreen.Page{URL: "https://id.contoso.example/x"}); err != nil || next != "" {
		t.Errorf("%q, %v", next, err)
	}
	b.Hide()
	if first, second := <-turns, <-turns; first >= second {
		t.Errorf("turns %d, %d", first, second)
	}
}

func TestAWireKeepsToItsLimits(t *testing.T) {
	ours, theirs := net.Pipe()
	w := &wire{conn: ours}
	done := make(chan error, 1)
	go func() { done <- w.run(t.Context()) }()
	_, err := theirs.Write([]byte{0xff, 0xff, 0xff, 0xff})
	must(t, err)
	if err := <-done; err == nil {
		t.Error("four gigabytes are read")
	}
	if err := w.call(t.Context(), "x", nil, nil); !errors.Is(err, errGone) {
		t.Error(err)
	}
}

func TestAFaultCrossesTheWire(t *testing.T) {
	ours, theirs := net.Pipe()
	a := &wire{conn: ours, handle: func(context.Context, string, json.RawMessage) (any, error) {
		return nil, errors.Join(ErrSession, errors.New("with details"))
	}}
	b := &wire{conn: theirs}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { _ = a.run(ctx) })
	all.Go(func() { _ = b.run(ctx) })
	err := b.call(ctx, "x", nil, nil)
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != ErrSession.Code {
		t.Errorf("%v", err)
	}
	cancel()
	all.Wait()
}

// needRoot skips a test where this program can't stand for the agent, which is root's.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("the greeter talks to root only")
	}
}
