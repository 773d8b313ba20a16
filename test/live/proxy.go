package live

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Fault is what happens to a transaction at its COMMIT.
type Fault int

// The faults.
const (
	None  Fault = iota
	Cut         // the connection ends before the server gets the COMMIT
	Lost        // the server gets it, and the connection is reset before the answer comes
	Stall       // the answer comes late
)

// stall is how late.
const stall = 100 * time.Millisecond

// Proxy stands between a server and PostgreSQL and breaks connections at the worst moment.
type Proxy struct {
	URL string // the database, by way of the proxy

	listener net.Listener
	network  string
	address  string
	choose   atomic.Pointer[func() Fault]
	counts   [Stall + 1]atomic.Int64
	work     sync.WaitGroup
	mu       sync.Mutex
	open     map[net.Conn]bool
}

// NewProxy starts a proxy on loopback for the database at a URL, such as pgtest's.
func NewProxy(database string) (*Proxy, error) {
	u, err := url.Parse(database)
	if err != nil {
		return nil, err
	}
	p := &Proxy{network: "tcp", address: u.Host, open: map[net.Conn]bool{}}
	q := u.Query()
	if dir := q.Get("host"); strings.HasPrefix(dir, "/") {
		p.network, p.address = "unix", dir+"/.s.PGSQL.5432"
		q.Del("host")
	} else if u.Port() == "" {
		p.address = net.JoinHostPort(u.Hostname(), "5432")
	}
	q.Set("sslmode", "disable")                                         // it looks into the messages
	if p.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil { //nolint:noctx // it takes no time
		return nil, err
	}
	u.Host, u.RawQuery = p.listener.Addr().String(), q.Encode()
	p.URL = u.String()
	p.Break(func() Fault { return None })
	p.work.Go(p.serve)
	return p, nil
}

// Break lets choose say what happens to each transaction from now on.
func (p *Proxy) Break(choose func() Fault) { p.choose.Store(&choose) }

// Count returns how often a fault happened.
func (p *Proxy) Count(f Fault) int64 { return p.counts[f].Load() }

// Close ends the proxy and its connections.
func (p *Proxy) Close() error {
	err := p.listener.Close()
	p.mu.Lock()
	for c := range p.open {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.work.Wait()
	return err
}

func (p *Proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.work.Go(func() { p.pass(client) })
	}
}

func (p *Proxy) keep(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[c] = true
}

func (p *Proxy) drop(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
	_ = c.Close()
}

// pass carries one connection until either end, or a fault, ends it.
func (p *Proxy) pass(client net.Conn) {
	p.keep(client)
	defer p.drop(client)
	server, err := net.Dial(p.network, p.address) //nolint:noctx // loopback
	if err != nil {
		return
	}
	p.keep(server)
	defer p.drop(server)
	var fault atomic.Int64 // of the COMMIT that is under way
	var back sync.WaitGroup
	back.Go(func() {
		p.answers(client, server, &fault)
		_ = client.Close()
	})
	_ = p.requests(client, server, &fault) // it ends when one of them does
	_ = server.Close()
	back.Wait()
}

// requests carries the client's messages, one after the other, and looks for COMMIT.
// https://www.postgresql.org/docs/current/protocol-message-formats.html
func (p *Proxy) requests(client, server net.Conn, fault *atomic.Int64) error {
	for first := true; ; first = false {
		head := make([]byte, 5)
		if first { // the first message has no type
			head = head[:4]
		}
		if _, err := io.ReadFull(client, head); err != nil {
			return err
		}
		size := binary.BigEndian.Uint32(head[len(head)-4:])
		if size < 4 || size > 64<<20 {
			return fmt.Errorf("a message of %d bytes", size)
		}
		message := make([]byte, len(head)+int(size)-4)
		copy(message, head)
		body := message[len(head):]
		if _, err := io.ReadFull(client, body); err != nil {
			return err
		}
		if !first && head[0] == 'Q' && strings.EqualFold(string(body), "commit\x00") {
			f := (*p.choose.Load())()
			p.counts[f].Add(1)
			if f == Cut {
				return errCut
			}
			fault.Store(int64(f))
		}
		if _, err := server.Write(message); err != nil {
			return err
		}
	}
}

var errCut = errors.New("cut before the COMMIT")

// answers carries what the server says, except the answer that a fault keeps back.
func (p *Proxy) answers(client, server net.Conn, fault *atomic.Int64) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := server.Read(buffer)
		if err != nil {
			return
		}
		switch Fault(fault.Swap(int64(None))) {
		case Lost:
			if tcp, ok := client.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0) // a reset, not an orderly end
			}
			return
		case Stall:
			t := time.NewTimer(stall)
			<-t.C
		}
		if _, err := client.Write(buffer[:n]); err != nil {
			return
		}
	}
}
