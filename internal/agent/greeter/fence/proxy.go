package fence

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/fault"
)

// Limits of one browser.
const (
	mostTunnels = 96
	dialWithin  = 10 * time.Second
	headWithin  = 10 * time.Second
)

// A Proxy serves one browser. Rules, Returned and Refused are required.
type Proxy struct {
	Rules Rules
	// Returned takes what web sign-in came back with, and reports whether it belongs to the
	// sign-in that is under way: any page can send the browser to the redirect.
	Returned func(context.Context, url.Values) bool
	// Begin, where set, returns where the browser goes that opens [BeginPath], once that is
	// known, or false when nothing comes any more.
	Begin func(context.Context) (next string, ok bool)
	// Refused is told what was not opened, and why.
	Refused func(host string, why error)
	// Asked, where set, is called at each request: the browser lives.
	Asked func()

	// Lookup and Dial are the system's, except in tests.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	Dial   func(ctx context.Context, to netip.AddrPort) (net.Conn, error)
	Own    func() []netip.Addr // of this machine

	mu      sync.Mutex
	tunnels int
}

// Serve serves the browser on l until ctx ends, and returns when all its tunnels are closed.
func (p *Proxy) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var all requests
	site := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !all.begin() {
				return // its connection is being closed
			}
			defer all.under.Done()
			p.ServeHTTP(w, r)
		}),
		ReadHeaderTimeout: headWithin, MaxHeaderBytes: 64 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	stop := context.AfterFunc(ctx, func() { _ = site.Close() })
	defer stop()
	err := site.Serve(l)
	cancel()
	all.end()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// requests are those under way, tunnels included, of which the HTTP server knows nothing.
type requests struct {
	mu    sync.Mutex
	ended bool
	under sync.WaitGroup
}

// begin counts one more, until under.Done, unless the last one has begun.
func (q *requests) begin() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.ended {
		q.under.Add(1)
	}
	return !q.ended
}

// end waits for all; none begins any more.
func (q *requests) end() {
	q.mu.Lock()
	q.ended = true
	q.mu.Unlock()
	q.under.Wait()
}

func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.Asked != nil {
		p.Asked()
	}
	if r.Method == http.MethodConnect {
		p.connect(w, r)
		return
	}
	p.plain(w, r)
}

// BeginPath is below the redirect. A browser that is started before it is known what it will
// show opens it, and waits.
const BeginPath = "/begin"

// begin sends the browser on.
func (p *Proxy) begin(w http.ResponseWriter, r *http.Request) {
	next, ok := p.Begin(r.Context())
	if !ok {
		page(w, http.StatusNotFound, "There is nothing here", "This page was shown before.")
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// plain serves requests that are not encrypted: the redirect is the one that there is.
func (p *Proxy) plain(w http.ResponseWriter, r *http.Request) {
	back, err := url.Parse(p.Rules.Redirect)
	here := err == nil && r.URL.Scheme == "http" && r.URL.Host == back.Host && r.URL.User == nil
	switch {
	case !here:
		p.refuse(w, shown(r.URL.Host), ErrHost.With("", "Web sign-in may not open "+shown(r.URL.Host)+"."))
	case r.Method == http.MethodGet && r.URL.Path == strings.TrimSuffix(back.Path, "/")+BeginPath && p.Begin != nil:
		p.begin(w, r)
	case r.Method != http.MethodGet || strings.TrimSuffix(r.URL.Path, "/") != strings.TrimSuffix(back.Path, "/"):
		page(w, http.StatusNotFound, "There is nothing here", "This address waits for the end of a sign-in.")
	case !p.Returned(r.Context(), r.URL.Query()):
		page(w, http.StatusNotFound, "This is not your sign-in", "The address that was opened ends another sign-in than the one on this screen.")
	default:
		page(w, http.StatusOK, "One moment", "You are being signed in.")
	}
}

// connect opens a tunnel.
func (p *Proxy) connect(w http.ResponseWriter, r *http.Request) {
	target, err := p.Rules.Target(r.RequestURI)
	if err != nil {
		p.refuse(w, shown(r.RequestURI), err)
		return
	}
	if !p.enter() {
		page(w, http.StatusServiceUnavailable, "Too much at once", "The page opens too many connections.")
		return
	}
	defer p.leave()
	far, err := p.reach(r.Context(), target)
	if err != nil {
		if _, told := errors.AsType[*fault.Error](err); told {
			p.refuse(w, target.Host, err)
			return
		}
		page(w, http.StatusBadGateway, "The page does not answer", shown(target.Host)+" can't be reached now.")
		return
	}
	defer func() { _ = far.Close() }()
	near, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = near.Close() }()
	stop := context.AfterFunc(r.Context(), func() { _, _ = near.Close(), far.Close() })
	defer stop()
	if _, err := io.WriteString(near, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return
	}
	join(near, buffered, far)
}

// join passes bytes on until both directions have ended.
func join(near net.Conn, fromNear io.Reader, far net.Conn) {
	var both sync.WaitGroup
	pass := func(to net.Conn, from io.Reader) {
		_, _ = io.Copy(to, from)
		if half, ok := to.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
		} else {
			_ = to.Close()
		}
	}
	both.Go(func() { pass(far, fromNear) })
	both.Go(func() { pass(near, far) })
	both.Wait()
}

func (p *Proxy) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tunnels >= mostTunnels {
		return false
	}
	p.tunnels++
	return true
}

func (p *Proxy) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tunnels--
}

// Try reports why a host is not opened, or nil. It connects to nothing.
func (p *Proxy) Try(ctx context.Context, host string) error {
	authority := net.JoinHostPort(host, strconv.Itoa(tlsPort))
	if server, ok := split(p.Rules.Server); ok && strings.EqualFold(server.Host, host) {
		authority = p.Rules.Server
	}
	t, err := p.Rules.Target(authority)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	_, err = p.resolve(ctx, t)
	return err
}

// resolve looks a name up, and judges what it stands for.
func (p *Proxy) resolve(ctx context.Context, t Target) ([]netip.Addr, error) {
	found, err := p.lookup(ctx, t.Host)
	if err != nil || t.Inside {
		return found, err
	}
	own := p.own()
	for _, a := range found {
		if !Public(a) || slices.Contains(own, a.Unmap()) {
			return nil, ErrAddress.With("", fmt.Sprintf("Web sign-in may not open %s: its address %s is inside this machine or network.", t.Host, a))
		}
	}
	return found, nil
}

// reach resolves a name once and dials what it found, so that nobody can answer otherwise
// the second time.
func (p *Proxy) reach(ctx context.Context, t Target) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	found, err := p.resolve(ctx, t)
	if err != nil {
		return nil, err
	}
	err = fmt.Errorf("%s has no address", t.Host)
	for _, a := range found {
		var c net.Conn
		if c, err = p.dial(ctx, netip.AddrPortFrom(a, t.Port)); err == nil {
			return c, nil
		}
	}
	return nil, err
}

func (p *Proxy) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	if p.Lookup != nil {
		return p.Lookup(ctx, host)
	}
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

func (p *Proxy) dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	if p.Dial != nil {
		return p.Dial(ctx, to)
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", to.String())
}

// own returns the addresses of this machine, whose services are none of a page's business.
func (p *Proxy) own() []netip.Addr {
	if p.Own != nil {
		return p.Own()
	}
	var all []netip.Addr
	found, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, one := range found {
		if prefix, err := netip.ParsePrefix(one.String()); err == nil {
			all = append(all, prefix.Addr().Unmap())
		}
	}
	return all
}

func (p *Proxy) refuse(w http.ResponseWriter, host string, why error) {
	p.Refused(host, why)
	text := why.Error()
	if f, ok := errors.AsType[*fault.Error](why); ok {
		text = f.Error() + " (" + f.Code + ")"
	}
	page(w, http.StatusForbidden, "We can't open that page here", text)
}

// page writes a page of the proxy's own. Browsers show those of refused tunnels as an error
// of their own.
func page(w http.ResponseWriter, status int, title, text string) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `<!doctype html><html lang="en"><meta charset="utf-8"><title>%[1]s</title><main><h1>%[1]s</h1><p>%[2]s</p></main></html>`,
		html.EscapeString(title), html.EscapeString(text))
}
