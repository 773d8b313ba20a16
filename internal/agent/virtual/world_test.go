//go:build linux

package virtual_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent/virtual/visitor"
	"github.com/postern-id/postern/internal/graphclient"
	"github.com/postern-id/postern/internal/server"
)

// world is `postern dev`, with its two devices.
type world struct {
	t       *testing.T
	dir     string
	created server.Created
	devices []server.DevDevice
	client  *http.Client // trusts the server
	log     *safeBuffer
	stop    func()
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), log: &safeBuffer{}}
	w.start()
	return w
}

// start starts it on the data that there is.
func (w *world) start() {
	w.t.Helper()
	listen := server.Listen{Address: "127.0.0.1:0"}
	if err := listen.Open(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	_, port, _ := strings.Cut(listen.Address, ":")
	o := server.Options{
		Dir: w.dir, PublicURL: "https://localhost:" + port, Hold: time.Millisecond, Log: slog.New(slog.NewTextHandler(w.log, nil)),
	}
	var err error
	if w.created, err = server.Dev(w.t.Context(), o, false); err != nil {
		w.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(w.t.Context())
	ready, ended := make(chan error, 1), make(chan error, 1)
	d := server.DevServer{
		Options: o, Listen: listen, Created: w.created, Version: "test", Started: func(server.Running) {},
		Ready: func(r server.Running, err error) {
			w.devices = r.Devices
			ready <- err
		},
	}
	go func() { ended <- d.Serve(ctx) }()
	select {
	case err = <-ready:
	case err = <-ended:
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.stop = sync.OnceFunc(func() {
		w.client.CloseIdleConnections()
		stop()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	})
	w.t.Cleanup(func() { w.stop() })
	if w.client, err = graphclient.NewHTTP(w.created.CACertificate); err != nil {
		w.t.Fatal(err)
	}
}

// in is the same world, for a part of the test.
func (w *world) in(t *testing.T) *world {
	t.Helper()
	part := *w
	part.t = t
	return &part
}

// safeBuffer takes the log of many goroutines.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// browser is one that stands before the lock screen of a device.
func (w *world) browser(device int) *visitor.Browser {
	w.t.Helper()
	b, err := visitor.New(w.t.Context(), w.client.Transport)
	if err == nil {
		err = b.Open(w.devices[device].URL)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	if b.Step() == "websignin" { // of the one before
		w.must(b.Press("/cancel"))
	}
	w.at(b, "lock")
	return b
}

func (w *world) at(b *visitor.Browser, step string) {
	w.t.Helper()
	if b.Step() != step {
		w.t.Fatalf("the browser is at %s, a page for %q that says %q, and not at %q:\n%s", b.At.Path, b.Step(), b.Trouble(), step, b.Text())
	}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// press presses a button of the bench, and returns the code that it complains with.
func (w *world) press(device int, button string) string {
	w.t.Helper()
	b := w.browserAt(device, "/bench")
	w.at(b, "bench")
	w.must(b.Fill(map[string]string{"break": button}))
	return b.Trouble()
}

func (w *world) browserAt(device int, path string) *visitor.Browser {
	w.t.Helper()
	b, err := visitor.New(w.t.Context(), w.client.Transport)
	if err == nil {
		err = b.Open(w.devices[device].URL)
	}
	if err == nil {
		err = b.Open(w.site(device) + path) // the lock screen may have led elsewhere
	}
	w.must(err)
	return b
}

const pin = "271828"

// desktop is the administrator at a device, with a PIN.
func (w *world) desktop(device int) *visitor.Browser {
	w.t.Helper()
	b := w.browser(device)
	w.webSignIn(b)
	w.at(b, "register")
	w.must(b.Fill(map[string]string{"pin": pin, "repeat": pin}))
	w.at(b, "desktop")
	return b
}

// webSignIn goes from the lock screen to where the sign-in leads.
func (w *world) webSignIn(b *visitor.Browser) {
	w.t.Helper()
	w.must(b.Press("/web"))
	w.must(b.SignIn(w.created.Administrator, w.created.Pass))
}

// typePIN types a PIN into the doorway.
func (w *world) typePIN(b *visitor.Browser) {
	w.t.Helper()
	field := map[string]string{"pin": pin}
	if !b.Has(field) {
		w.must(b.Follow("PIN"))
	}
	w.must(b.Fill(field))
}

// containers are the files of the PINs on a device.
func (w *world) containers(device int) map[string]string {
	w.t.Helper()
	files, err := filepath.Glob(filepath.Join(w.dir, "devices", w.devices[device].Name, "agent", "containers", "*.json"))
	w.must(err)
	all := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		w.must(err)
		all[file] = string(text)
	}
	return all
}

// site is where a device's pages are.
func (w *world) site(device int) string {
	w.t.Helper()
	u, err := url.Parse(w.devices[device].URL)
	w.must(err)
	return u.Scheme + "://" + u.Host
}

// stranger is a browser with the cookies of a device that can send what it likes.
func (w *world) stranger(device int) *http.Client {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	w.must(err)
	c := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	w.send(c, http.MethodGet, w.devices[device].URL, nil, nil)
	return c
}

// send sends a request, and returns status and body.
func (w *world) send(c *http.Client, method, address string, form url.Values, change func(*http.Request)) (int, string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, address, strings.NewReader(form.Encode()))
	w.must(err)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if change != nil {
		change(r)
	}
	res, err := c.Do(r)
	w.must(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	w.must(err)
	return res.StatusCode, string(body)
}
