package netns

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/device"
)

// An eavesdropper keeps what arrives at the router in the place of the server: outside of TLS,
// and inside of it where the device let it in.
type eavesdropper struct {
	mu       sync.Mutex
	outside  bytes.Buffer
	requests []string
}

// Write keeps what came outside of TLS.
func (e *eavesdropper) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.outside.Write(p)
}

// ServeHTTP asks everybody to sign in to the network first.
func (e *eavesdropper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	e.requests = append(e.requests, r.Method+" "+r.URL.Path)
	e.mu.Unlock()
	http.Redirect(w, r, "http://"+routerIP+"/welcome-to-the-hotel", http.StatusFound)
}

// heard fails the test if the device told anything.
func (e *eavesdropper) heard(t *testing.T, secrets ...string) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.requests) > 0 {
		t.Errorf("the portal was asked for %v", e.requests)
	}
	for _, secret := range append(secrets, "DPoP", "/device/v1") {
		if bytes.Contains(e.outside.Bytes(), []byte(secret)) {
			t.Errorf("the portal has read %q", secret)
		}
	}
}

// tap is a connection of which somebody reads along.
type tap struct {
	net.Conn
	e *eavesdropper
}

func (c tap) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	_, _ = c.e.Write(p[:n])
	return n, err
}

type tapped struct {
	net.Listener
	e *eavesdropper
}

func (l tapped) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return tap{conn, l.e}, err
}

// portal has the router answer in the place of everybody, as a hotel's network does; with a
// certificate of its own, or without TLS.
func (w *world) portal(t *testing.T, pair *tls.Certificate) *eavesdropper {
	t.Helper()
	e := &eavesdropper{}
	var l net.Listener = tapped{w.router.listen("0.0.0.0:" + port), e}
	if pair != nil {
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{*pair}, MinVersion: tls.VersionTLS12})
	}
	s := &http.Server{Handler: e, ReadHeaderTimeout: time.Second, ErrorLog: quiet}
	go func() { _ = s.Serve(l) }()
	w.take()
	t.Cleanup(func() {
		_ = s.Close()
		w.give()
	})
	return e
}

// A network that answers in the place of the server learns nothing: no pass, no PIN, not even
// a request. It is said, and what works without a server works.
func TestInsideACaptivePortal(t *testing.T) {
	w := newWorld(t)
	m := w.machine().joined().start().online().withPIN()
	pass := w.pass(once)
	pair, _, _, _ := foreign(t, func(*certificate) {})
	for name, tt := range map[string]struct {
		pair *tls.Certificate
		says string
	}{
		"with a certificate of its own": {&pair, "serverUntrusted"},
		"without TLS":                   {nil, "does not speak TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			w.replug() // from home to the hotel
			e := w.portal(t, tt.pair)
			stranger := w.machine()
			if words, err := stranger.join(pass); err == nil || !strings.Contains(words, tt.says) || !strings.Contains(words, "of its own") {
				t.Errorf("joining: %v %s", err, words)
			}
			if out, _, err := m.says("", "doctor"); err == nil || !strings.Contains(out, tt.says) || !strings.Contains(out, "of its own") {
				t.Errorf("doctor: %v %s", err, out)
			}
			m.does(false, "auth", pass)
			m.does(false, "auth", secondPIN)
			m.does(true, "auth", firstPIN)
			e.heard(t, pass, firstPIN, secondPIN)
		})
	}
	m.online()
	m.does(true, "auth", pass) // it was not spent
}

// A server whose certificate is not right is not talked to, and is again once it is.
func TestInsideAServersCertificate(t *testing.T) {
	w := newWorld(t)
	m := w.machine()
	bundle := m.trusting(t)
	m.joined().start().online().withPIN()
	pass := w.pass(once)
	for name, change := range map[string]func(*certificate){
		"has expired":                           func(c *certificate) { c.until = time.Now().Add(-time.Minute) },
		"is not valid yet, or the clock is off": func(c *certificate) { c.from = time.Now().Add(24 * time.Hour); c.until = c.from.Add(time.Hour) },
		"is for another name":                   func(c *certificate) { c.name = "id.fabrikam.test" },
		"is another CA's":                       func(*certificate) {},
	} {
		t.Run(name, func(t *testing.T) {
			_, cert, key, ca := foreign(t, change)
			if name != "is another CA's" {
				bundle(ca)
				m.kill()
				m.start()
			}
			w.restart("--tls-cert", cert, "--tls-key", key)
			if out, _, err := m.says("", "doctor"); err == nil || !strings.Contains(out, "serverUntrusted") {
				t.Errorf("doctor: %v %s", err, out)
			}
			m.does(false, "auth", pass)
			m.does(false, "auth", secondPIN)
			m.does(true, "auth", firstPIN)
		})
	}
	w.restart()
	m.online()
	m.does(true, "auth", pass)
}

// A proxy that the device trusts, as that of a company which looks into all that leaves it, can
// read what goes by and nothing that it keeps works a second time.
func TestInsideAProxyThatReplays(t *testing.T) {
	w := newWorld(t)
	pair, _, _, ca := foreign(t, func(*certificate) {})
	m := w.machine()
	m.trusting(t)(ca)
	p := w.proxy(t, pair)
	m.joined().start().online().withPIN()
	m.does(true, "auth", firstPIN)
	m.does(true, "auth", w.pass(once))
	devices := w.devices()

	p.mu.Lock()
	all := p.requests
	p.mu.Unlock()
	worked, tried := 0, 0
	for _, one := range all {
		if one.status >= 400 || strings.HasSuffix(one.url.Path, "/stream") {
			continue
		}
		worked++
		r, err := http.NewRequestWithContext(t.Context(), one.method, site+one.url.RequestURI(), bytes.NewReader(one.body))
		must(t, err)
		r.Header = one.header.Clone()
		res, err := w.house.Client().Do(r)
		must(t, err)
		_ = res.Body.Close()
		public := one.method == http.MethodGet && one.header.Get("DPoP") == "" || // where things are
			bytes.Contains(one.body, []byte("grant_type="+device.GrantChallenge)) // a nonce for anybody
		if !public {
			tried++
		}
		if !public && res.StatusCode < 400 {
			t.Errorf("%s %s once more: %d", one.method, one.url.Path, res.StatusCode)
		}
	}
	if t.Logf("%d requests worked, %d of them are secret", worked, tried); tried < 15 {
		t.Error("the proxy has not read what was thought of")
	}
	if got := w.devices(); got != devices {
		t.Errorf("%d devices, and %d before", got, devices)
	}
	m.does(true, "auth", firstPIN)
}

type captured struct {
	method string
	url    *url.URL
	header http.Header
	body   []byte
	status int
}

type proxy struct {
	mu       sync.Mutex
	requests []*captured
}

// proxy ends TLS at the router with a certificate of its own, and carries requests on.
func (w *world) proxy(t *testing.T, pair tls.Certificate) *proxy {
	t.Helper()
	p := &proxy{}
	to, err := url.Parse(site)
	must(t, err)
	next := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(to) },
		Transport: w.house.Client().Transport, FlushInterval: -1, ErrorLog: quiet,
		ModifyResponse: func(res *http.Response) error {
			one, ok := res.Request.Context().Value(p).(*captured)
			if !ok {
				return fmt.Errorf("a request of nobody: %s", res.Request.URL.Path)
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			one.status = res.StatusCode
			return nil
		},
	}
	l := tls.NewListener(w.router.listen("0.0.0.0:"+port), &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})
	s := &http.Server{ReadHeaderTimeout: time.Second, ErrorLog: quiet, Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		one := &captured{method: r.Method, url: r.URL, header: r.Header.Clone(), body: body}
		p.mu.Lock()
		p.requests = append(p.requests, one)
		p.mu.Unlock()
		next.ServeHTTP(rw, r.WithContext(withValue(r, p, one)))
	})}
	go func() { _ = s.Serve(l) }()
	w.take()
	t.Cleanup(func() { _ = s.Close() })
	return p
}
