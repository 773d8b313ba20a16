package deviceapi

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"time"
)

// writeLimit is how long a device may take to read what it is told.
const writeLimit = 10 * time.Second

// A line is the way to one device that listens.
type line interface {
	send(text string) error
	close()
}

// lineTo answers a request by the headers of w, and returns the line that its body is. limit
// is of one write. By HTTP/1.1 (RFC 9112) the line is alone: the server has let go of its
// connection, which is to be closed.
func lineTo(w http.ResponseWriter, limit time.Duration) (l line, alone bool) {
	control := http.NewResponseController(w)
	conn, _, err := control.Hijack()
	if err != nil {
		_ = control.SetReadDeadline(time.Time{}) // the server's limit is for requests
		w.WriteHeader(http.StatusOK)
		return sharedLine{w, control, limit}, false
	}
	w.Header().Set("Connection", "close")                            // the body lasts until then (section 6.3, point 8)
	w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat)) //nolint:forbidigo // as net/http does; devices date their proofs by it
	var head bytes.Buffer
	_, _ = head.WriteString("HTTP/1.1 200 OK\r\n")
	_ = w.Header().Write(&head)
	_, _ = head.WriteString("\r\n")
	own := ownLine{conn, limit}
	_ = own.send(head.String()) // who does not read this, reads what follows neither
	return own, true
}

// An ownLine is a connection without the buffers and goroutines of the HTTP server, which take
// more than half of what a stream takes. That a device has gone shows when it is told
// something, at the latest by the second ping.
type ownLine struct {
	conn  net.Conn
	limit time.Duration
}

func (l ownLine) send(text string) error {
	_ = l.conn.SetWriteDeadline(time.Now().Add(l.limit)) //nolint:forbidigo // of the socket
	_, err := io.WriteString(l.conn, text)
	return err
}

func (l ownLine) close() { _ = l.conn.Close() }

// A sharedLine is one of the streams of a connection (HTTP/2).
type sharedLine struct {
	w       http.ResponseWriter
	control *http.ResponseController
	limit   time.Duration
}

func (l sharedLine) send(text string) error {
	_ = l.control.SetWriteDeadline(time.Now().Add(l.limit)) //nolint:forbidigo // of the socket; where there is none, the ping notices
	if _, err := io.WriteString(l.w, text); err != nil {
		return err
	}
	if err := l.control.Flush(); err != nil {
		return err
	}
	// HTTP/2 resets a stream whose time is over, also when nothing is being written.
	_ = l.control.SetWriteDeadline(time.Time{})
	return nil
}

func (sharedLine) close() {}
