package server

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/request"
)

// maxConnections bounds how many connections one address may hold (IPv6: a /64), so that one
// machine can't take them all. It leaves room for an office behind one address; the streams of
// its devices do not count, see [spare].
const maxConnections = 1024

// webServer returns a server for h that waits for nobody for ever: neither for one who sends
// slowly nor for one who reads slowly.
func webServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 2 * time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			if secure, ok := c.(*tls.Conn); ok {
				c = secure.NetConn()
			}
			return context.WithValue(ctx, heldKey{}, c)
		},
	}
}

type heldKey struct{}

// spare does not count the connection of a request while the request lasts, until count is
// called: a device has shown that it is one, and has one stream at a time.
func spare(ctx context.Context) (count func()) {
	c, ok := ctx.Value(heldKey{}).(*held)
	if !ok {
		return func() {}
	}
	c.count(false)
	return func() { c.count(true) }
}

// limited is a listener that holds at most most connections of one address. Trusted proxies,
// behind which everybody is, have no limit.
type limited struct {
	net.Listener
	most    int
	proxies request.Proxies

	mu   sync.Mutex
	held map[netip.Prefix]int
}

func limit(l net.Listener, most int, proxies request.Proxies) *limited {
	return &limited{Listener: l, most: most, proxies: proxies, held: map[netip.Prefix]int{}}
}

// Accept implements net.Listener. A connection too many is closed unread.
func (l *limited) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from, counted := l.network(conn)
		if !counted {
			return conn, nil
		}
		if l.take(from) {
			return &held{Conn: conn, list: l, from: from, counted: true}, nil
		}
		_ = conn.Close()
	}
}

// network returns what conn counts for, and false when it doesn't count.
func (l *limited) network(conn net.Conn) (netip.Prefix, bool) {
	at, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return netip.Prefix{}, false
	}
	address := at.Addr().Unmap().WithZone("")
	if l.proxies.Trust(address) {
		return netip.Prefix{}, false
	}
	bits := address.BitLen()
	if address.Is6() {
		bits = 64
	}
	from, err := address.Prefix(bits)
	return from, err == nil
}

func (l *limited) take(from netip.Prefix) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[from] >= l.most {
		return false
	}
	l.held[from]++
	return true
}

func (l *limited) leave(from netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[from]--; l.held[from] == 0 {
		delete(l.held, from)
	}
}

// held is a connection that counts.
type held struct {
	net.Conn
	list *limited
	from netip.Prefix

	mu      sync.Mutex
	counted bool
	closed  bool
}

// count has the connection count or not. One that is closed does not.
func (c *held) count(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.counted == on {
		return
	}
	c.counted = on
	if !on {
		c.list.leave(c.from)
		return
	}
	c.list.mu.Lock()
	defer c.list.mu.Unlock()
	c.list.held[c.from]++ // it is there, however many there are
}

// Close implements net.Conn.
func (c *held) Close() error {
	c.count(false)
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	return c.Conn.Close()
}
