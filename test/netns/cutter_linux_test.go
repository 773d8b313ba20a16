package netns

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"
)

// A cutter is the router as it carries the device's connections to the server: it sees TLS
// records go by, and cuts the link at one of them. A record of the device's is cut before it
// arrives, so that a request is never heard; one of the server's after the server has done
// what was asked for, so that its answer is lost.
type cutter struct {
	w *world

	mu    sync.Mutex
	left  int // records until the cut; negative for never
	seen  int
	cut   bool
	blip  int // connections that are refused until the link is there again; negative for all
	conns map[net.Conn]bool
}

// newCutter puts a cutter between device and server.
func newCutter(w *world) *cutter {
	w.t.Helper()
	w.take()
	c := &cutter{w: w, left: -1, conns: map[net.Conn]bool{}}
	l := w.router.listen("0.0.0.0:" + port)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go c.carry(conn)
		}
	}()
	w.t.Cleanup(func() { c.close() })
	return c
}

// after arms the cutter: it cuts after n more records, never when n is negative. It returns
// how many it has seen since it was armed before.
func (c *cutter) after(n int) (seen int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen = c.seen
	c.left, c.seen, c.cut, c.blip = n, 0, false, -1
	return seen
}

// blink is after for a link that is back when the device tries again for the second time.
func (c *cutter) blink(n int) {
	c.after(n)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.blip = 1
}

// close ends all connections.
func (c *cutter) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reset()
}

func (c *cutter) reset() {
	for conn := range c.conns {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a reset, not an orderly end
		}
		_ = conn.Close()
	}
	clear(c.conns)
}

// pass reports whether one more record may pass.
func (c *cutter) pass() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut {
		return false
	}
	if c.left == 0 {
		c.cut = true
		c.reset()
		return false
	}
	c.left--
	c.seen++
	return true
}

func (c *cutter) keep(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
		if c.blip--; c.blip == 0 {
			c.left, c.cut = -1, false
		}
		return false
	}
	c.conns[conn] = true
	return true
}

func (c *cutter) carry(device net.Conn) {
	if !c.keep(device) {
		return
	}
	server, err := c.w.router.dial(c.w.t.Context(), behindIP+":"+port)
	if err != nil || !c.keep(server) {
		_ = device.Close()
		return
	}
	var both sync.WaitGroup
	both.Go(func() { c.records(server, device) })
	both.Go(func() { c.records(device, server) })
	both.Wait()
}

// records carries TLS records, one after the other (RFC 8446 section 5.1).
func (c *cutter) records(to, from net.Conn) {
	defer func() { _ = to.Close(); _ = from.Close() }()
	for {
		var head [5]byte
		if _, err := io.ReadFull(from, head[:]); err != nil {
			return
		}
		record := make([]byte, 5+int(binary.BigEndian.Uint16(head[3:])))
		copy(record, head[:])
		if _, err := io.ReadFull(from, record[5:]); err != nil {
			return
		}
		if !c.pass() {
			return
		}
		if _, err := to.Write(record); err != nil {
			return
		}
	}
}

// broken is one cut of a link: after so many records, and for how long.
type broken struct {
	after int
	blink bool // the link is back when the device tries again
}

// cuts are the breaks that a test tries in what takes n records: some in CI, spread over them
// all; in `make soak` both kinds at each.
func cuts(t *testing.T, n, blinks, longs int) []broken {
	t.Helper()
	if n < blinks+longs {
		t.Fatalf("%d records are not what was thought of", n)
	}
	var all []broken
	for i := range rounds(blinks, n) {
		all = append(all, broken{i * n / rounds(blinks, n), true})
	}
	for i := range rounds(longs, n) {
		all = append(all, broken{(2*i + 1) * n / (2 * rounds(longs, n)), false})
	}
	return all
}

// during does something while the link breaks. Then the link is whole again.
func (c *cutter) during(b broken, does func()) {
	if b.blink {
		c.blink(b.after)
	} else {
		c.after(b.after)
	}
	does()
	c.after(-1)
}
