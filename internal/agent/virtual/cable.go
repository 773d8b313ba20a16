package virtual

import (
	"context"
	"errors"
	"net"
	"sync"
)

// A cable is the network of one device. Pulling it cuts what goes through it, at once.
type cable struct {
	mu     sync.Mutex
	pulled bool
	open   map[net.Conn]bool
}

var errPulled = errors.New("the network is unplugged")

// dial opens a connection through the cable.
func (c *cable) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if c.unplugged() {
		return nil, errPulled
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pulled { // meanwhile
		return nil, errors.Join(errPulled, conn.Close())
	}
	if c.open == nil {
		c.open = map[net.Conn]bool{}
	}
	c.open[conn] = true
	return &wire{conn, c}, nil
}

func (c *cable) unplugged() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pulled
}

// unplug pulls the cable.
func (c *cable) unplug() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pulled = true
	for conn := range c.open {
		_ = conn.Close() // it is cut
	}
	clear(c.open)
}

// plug puts it in again.
func (c *cable) plug() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pulled = false
}

// A wire is a connection that tells its cable when it ends.
type wire struct {
	net.Conn
	cable *cable
}

// Close implements net.Conn.
func (w *wire) Close() error {
	w.cable.mu.Lock()
	delete(w.cable.open, w.Conn)
	w.cable.mu.Unlock()
	return w.Conn.Close()
}
