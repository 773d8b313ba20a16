package websignin

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/agent/link"
	"github.com/postern-id/postern/internal/device"
)

// Browser signs in with a browser of this machine, which show opens at a URL and which comes
// back to a port of this machine (RFC 8252 section 7.3).
func Browser(ctx context.Context, l *link.Link, about device.About, name string, show func(address string)) (Person, error) {
	var config net.ListenConfig
	four, err := config.Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return Person{}, err
	}
	listeners := []net.Listener{four}
	_, port, err := net.SplitHostPort(four.Addr().String())
	if err != nil {
		return Person{}, err
	}
	// Browsers differ in which address of localhost they try first.
	if six, err := config.Listen(ctx, "tcp6", "[::1]:"+port); err == nil {
		listeners = append(listeners, six)
	}
	r, err := Start(ctx, l, about, "http://localhost:"+port, Hint{Name: name}, "")
	if err != nil {
		for _, one := range listeners {
			_ = one.Close()
		}
		return Person{}, err
	}
	answer, err := r.wait(ctx, listeners, show)
	if err != nil {
		return Person{}, err
	}
	return r.Redeem(ctx, answer)
}

func (r *Request) wait(ctx context.Context, listeners []net.Listener, show func(string)) (url.Values, error) {
	answers := make(chan url.Values, 1)
	site := &http.Server{
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, MaxHeaderBytes: 32 << 10,
		Handler: r.back(answers),
	}
	for _, one := range listeners {
		go func() { _ = site.Serve(one) }() // ends with Shutdown
	}
	show(r.URL)
	var answer url.Values
	var err error
	select {
	case answer = <-answers:
	case <-ctx.Done():
		err = ctx.Err()
	}
	short, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	_ = site.Shutdown(short) // a browser that keeps a connection open loses it
	return answer, err
}

// back takes the browser's return. What belongs to no sign-in of ours is refused, and does not
// end the wait: any page can send a browser here.
func (r *Request) back(answers chan<- url.Values) http.Handler {
	host := strings.TrimPrefix(r.redirect, "http://")
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'")
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		answer := req.URL.Query()
		if req.Method != http.MethodGet || req.URL.Path != "/" || req.Host != host || !r.Ours(answer) {
			http.Error(w, "This address waits for a sign-in that is not yours.", http.StatusNotFound)
			return
		}
		h.Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(backPage)) // who closed the page has seen enough
		select {
		case answers <- answer:
		default: // the page was loaded again
		}
	})
}

const backPage = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Postern</title>` +
	`<main><h1>Go back to the terminal</h1><p>It says how the sign-in went. You can close this page.</p></main></html>`
