package greeter

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent/greeter/kiosk"
)

func TestAGreeterEndsWithItsCompositor(t *testing.T) {
	dir := t.TempDir()
	display, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", filepath.Join(dir, "d"))
	must(t, err)
	connected := make(chan net.Conn, 1)
	go func() {
		conn, err := display.Accept()
		if err == nil {
			connected <- conn
		}
	}()
	done := make(chan error, 1)
	go func() {
		done <- Run(t.Context(), Options{Agent: filepath.Join(dir, "none"), Runtime: dir, Display: filepath.Join(dir, "d"), Log: slog.New(slog.DiscardHandler)})
	}()
	_ = (<-connected).Close()
	if err := <-done; !errors.Is(err, errCompositor) {
		t.Error(err)
	}
	_ = display.Close()
	if err := Run(context.WithoutCancel(t.Context()), Options{Runtime: dir, Display: filepath.Join(dir, "d"), Log: slog.New(slog.DiscardHandler)}); err == nil {
		t.Error("a greeter without a compositor")
	}
}

// A browser that is of no use is found before anybody needs it, and told once.
func TestABrowserThatDoesNotStartIsToldAtOnce(t *testing.T) {
	needRoot(t)
	b := newBench(t, os.Getuid())
	w := b.greeter(func(string, json.RawMessage) (any, error) { return nil, nil }) //nolint:nilnil // never called
	web := filepath.Join(t.TempDir(), "web")
	g := &Greeter{
		o:    Options{Web: web, Runtime: t.TempDir(), Front: func(bool) {}, Titles: func(context.Context, func(string)) {}, Log: slog.New(slog.DiscardHandler)},
		site: &kiosk.Site{Server: "https://id.contoso.example", Redirect: Redirect}, lang: "en", idle: time.NewTimer(0),
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); g.prepare(ctx, w) }()
	t.Cleanup(func() { cancel(); <-done })
	b.told("browser " + kiosk.ErrAway.Error())

	// The service is there, and has a browser that ends.
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: web, Net: "unix"})
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.AcceptUnix()
			if err != nil {
				return
			}
			_ = kiosk.Serve(ctx, conn, kiosk.Sandbox{Bwrap: "/bin/false"})
			_ = conn.Close()
		}
	}()
	g.idle.Reset(0)
	b.told("browser " + kiosk.ErrEnded.Error())
	g.idle.Reset(0) // the same again is no news
	g.mu.Lock()
	site := *g.site
	g.mu.Unlock()
	if err := g.show(w, show{Turn: 1, URL: "https://id.contoso.example/x", Site: site}); err != nil {
		t.Fatal(err)
	}
	b.told("crashed " + kiosk.ErrEnded.Error())
	g.hideAll()
}
