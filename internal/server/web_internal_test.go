package server

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/request"
)

// listening serves with web behind a limit and returns its address.
func listening(t *testing.T, web *http.Server, most int, proxies request.Proxies) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { _ = web.Serve(limit(l, most, proxies)); close(done) }()
	t.Cleanup(func() { _ = web.Close(); <-done })
	return l.Addr().String()
}

func greeting() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
}

// ask sends text over a new connection, which stays open, and returns the first line that
// comes back, or nothing when the server hangs up.
func ask(t *testing.T, address, text string) (net.Conn, string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_, _ = io.WriteString(conn, text) // fails where the server hung up already
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	answer := make([]byte, 512)
	n, err := conn.Read(answer)
	if e, ok := err.(net.Error); ok && e.Timeout() { //nolint:errorlint // as net says
		t.Fatal("the server neither answers nor hangs up")
	}
	line, _, _ := strings.Cut(string(answer[:n]), "\r\n")
	return conn, line
}

const get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

func TestOneAddressCannotHoldAllConnections(t *testing.T) {
	address := listening(t, webServer(greeting()), 3, nil)
	var first net.Conn
	for i := range 3 {
		conn, line := ask(t, address, get)
		if !strings.Contains(line, "200") {
			t.Fatalf("connection %d: %q", i, line)
		}
		first = conn
	}
	if _, line := ask(t, address, get); line != "" {
		t.Errorf("one too many: %q", line)
	}
	_ = first.Close()
	for { // until the server has noticed
		if _, line := ask(t, address, get); strings.Contains(line, "200") {
			break
		}
	}
}

// Devices of an office are behind one address, and each holds a stream. What a stream spared
// counts again when it ends.
func TestStreamsOfDevicesDoNotCountAmongThoseOfTheirAddress(t *testing.T) {
	end := make(chan struct{})
	address := listening(t, webServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stream" {
			defer spare(r.Context())()
			_ = http.NewResponseController(w).Flush()
			<-end
			return
		}
		greeting().ServeHTTP(w, r)
	})), 3, nil)
	for i := range 10 {
		if _, line := ask(t, address, strings.Replace(get, "/", "/stream", 1)); !strings.Contains(line, "200") {
			t.Fatalf("stream %d: %q", i, line)
		}
	}
	if conn, line := ask(t, address, get); !strings.Contains(line, "200") {
		t.Errorf("beside them: %q", line)
	} else {
		_ = conn.Close()
	}
	close(end)
	for { // until they have ended, and their connections count
		conn, line := ask(t, address, get)
		_ = conn.Close()
		if line == "" {
			break
		}
	}
}

// By TLS the connection that counts is the one below.
func TestAStreamIsSparedByTLSToo(t *testing.T) {
	site := httptest.NewUnstartedServer(nil)
	site.StartTLS()
	site.Close() // only its certificate is of use
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	most := limit(l, 1, nil)
	web := webServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer spare(r.Context())()
		most.mu.Lock()
		defer most.mu.Unlock()
		_, _ = fmt.Fprintf(w, "%d held", len(most.held))
	}))
	go func() { _ = web.Serve(tls.NewListener(most, site.TLS)) }()
	t.Cleanup(func() { _ = web.Close() })
	res, err := site.Client().Get("https://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if body, err := io.ReadAll(res.Body); string(body) != "0 held" {
		t.Errorf("%q, %v", body, err)
	}
}

func TestATrustedProxyMayHoldMany(t *testing.T) {
	address := listening(t, webServer(greeting()), 1, request.Proxies{netip.MustParsePrefix("127.0.0.0/8")})
	for range 5 {
		if _, line := ask(t, address, get); !strings.Contains(line, "200") {
			t.Fatalf("%q", line)
		}
	}
}

func TestHeadersThatAreTooLargeAreRefused(t *testing.T) {
	address := listening(t, webServer(greeting()), 10, nil)
	if _, line := ask(t, address, "GET / HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 128<<10)+"\r\n\r\n"); !strings.Contains(line, "431") {
		t.Errorf("%q", line)
	}
}

func TestWhoSendsSlowlyIsNotWaitedFor(t *testing.T) {
	web := webServer(greeting())
	if web.ReadHeaderTimeout == 0 || web.ReadTimeout == 0 || web.WriteTimeout == 0 || web.IdleTimeout == 0 {
		t.Errorf("something may take for ever: %+v", web)
	}
	web.ReadHeaderTimeout = 20 * time.Millisecond
	address := listening(t, web, 10, nil)
	if _, line := ask(t, address, "GET / HTTP/1.1\r\nHos"); strings.Contains(line, "200") {
		t.Errorf("%q", line)
	}
}
