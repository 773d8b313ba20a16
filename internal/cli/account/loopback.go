package account

import (
	"context"
	_ "embed"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/graphclient"
)

//go:embed back.html
var backPage string

// loopback waits on this machine for the browser to come back (RFC 8252 section 7.3).
type loopback struct {
	listeners []net.Listener
	// Redirect is where the browser has to come back.
	Redirect string
}

// listen takes a free port of localhost, on IPv6 too where the machine has it: browsers
// differ in which one they try first.
func listen(ctx context.Context) (*loopback, error) {
	var config net.ListenConfig
	four, err := config.Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &loopback{listeners: []net.Listener{four}}
	_, port, err := net.SplitHostPort(four.Addr().String())
	if err != nil {
		return nil, err
	}
	if six, err := config.Listen(ctx, "tcp6", "[::1]:"+port); err == nil {
		l.listeners = append(l.listeners, six)
	}
	l.Redirect = "http://localhost:" + port
	return l, nil
}

// wait returns what the browser brought back for s. What belongs to no sign-in of ours is
// refused and does not end the wait.
func (l *loopback) wait(ctx context.Context, s *graphclient.SignIn) (url.Values, error) {
	answers := make(chan url.Values, 1)
	site := &http.Server{
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, MaxHeaderBytes: 32 << 10,
		Handler: l.handler(s, answers),
	}
	for _, one := range l.listeners {
		go func() { _ = site.Serve(one) }() // ends with Shutdown
	}
	var answer url.Values
	var err error
	select {
	case answer = <-answers:
	case <-ctx.Done():
		err = ctx.Err()
	}
	short, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if stop := site.Shutdown(short); stop != nil && !errors.Is(stop, context.DeadlineExceeded) {
		err = errors.Join(err, stop)
	}
	return answer, err
}

func (l *loopback) handler(s *graphclient.SignIn, answers chan<- url.Values) http.Handler {
	host := strings.TrimPrefix(l.Redirect, "http://")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'")
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		answer := r.URL.Query()
		// A page of another site can send requests here, by our name or by one of its own.
		if r.Method != http.MethodGet || r.URL.Path != "/" || r.Host != host || !s.Ours(answer) {
			http.Error(w, "This address waits for a sign-in that is not yours.", http.StatusNotFound)
			return
		}
		text := "You can close this page and go back to the terminal."
		if answer.Get("error") != "" {
			text = "The sign-in came to nothing. The terminal says why; you can close this page."
		}
		h.Set("Content-Type", "text/html; charset=utf-8")
		body := strings.ReplaceAll(backPage, "{text}", text)
		h.Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write([]byte(body)) // who closed the page has seen enough
		select {
		case answers <- answer:
		default: // the page was loaded again
		}
	})
}

func (l *loopback) close() {
	for _, one := range l.listeners {
		_ = one.Close() // the server may have closed it
	}
}
