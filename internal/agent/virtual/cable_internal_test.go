package virtual

import (
	"net"
	"testing"
)

func TestACableThatIsPulledCutsWhatGoesThroughIt(t *testing.T) {
	site := quietServer(t)
	var c cable
	conn, err := c.dial(t.Context(), "tcp", site)
	if err != nil {
		t.Fatal(err)
	}
	c.unplug()
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("a connection outlived the cable")
	}
	if _, err := c.dial(t.Context(), "tcp", site); err == nil {
		t.Error("a connection was opened without a cable")
	}
	c.plug()
	conn, err = c.dial(t.Context(), "tcp", site)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil || len(c.open) != 0 {
		t.Errorf("closed: %v, and the cable holds %d", err, len(c.open))
	}
}

// quietServer is a server that takes connections and says nothing.
func quietServer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
		}
	}()
	return l.Addr().String()
}
