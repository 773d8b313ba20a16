package signed

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"time"
)

const (
	// PingInterval is how long a stream says nothing, so that both sides notice a cut line.
	PingInterval = 20 * time.Second
	// writeLimit is how long who listens may take to read what they are told.
	writeLimit = 10 * time.Second
)

// A Line is the way to one device or phone that listens.
type Line interface {
	Send(text string) error
	Close()
}

// LineTo answers a request by the headers of w, and returns the line of server-sent events that
// its body is. By HTTP/1.1 (RFC 9112) the line is alone: the server has let go of its
// connection, which is to be closed.
func LineTo(w http.ResponseWriter) (l Line, alone bool) { return lineTo(w, writeLimit) }

// Share does as LineTo, and leaves the connection to the server.
func Share(w http.ResponseWriter) Line { return share(w, writeLimit) }

// lineTo is LineTo with a limit of one write.
func lineTo(w http.ResponseWriter, limit time.Duration) (l Line, alone bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return share(w, limit), false
	}
	beStream(w)
	w.Header().Set("Connection", "close")                            // the body lasts until then (section 6.3, point 8)
	w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat)) //nolint:forbidigo // as net/http does; devices date their proofs by it
	var head bytes.Buffer
	_, _ = head.WriteString("HTTP/1.1 200 OK\r\n")
	_ = w.Header().Write(&head)
	_, _ = head.WriteString("\r\n")
	own := ownLine{conn, limit}
	_ = own.Send(head.String()) // who does not read this, reads what follows neither
	return own, true
}

func share(w http.ResponseWriter, limit time.Duration) Line {
	beStream(w)
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // the server's limit is for requests
	w.WriteHeader(http.StatusOK)
	return sharedLine{w, control, limit}
}

func beStream(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // proxies hold nothing back
}

// An ownLine is a connection without the buffers and goroutines of the HTTP server, which take
// more than half of what a stream takes. That a device has gone shows when it is told
// something, at the latest by the second ping.
type ownLine struct {
	conn  net.Conn
	limit time.Duration
}

func (l ownLine) Send(text string) error {
	_ = l.conn.SetWriteDeadline(time.Now().Add(l.limit)) //nolint:forbidigo // of the socket
	_, err := io.WriteString(l.conn, text)
	return err
}

func (l ownLine) Close() { _ = l.conn.Close() }

// A sharedLine is one of the streams of a connection (HTTP/2).
type sharedLine struct {
	w       http.ResponseWriter
	control *http.ResponseController
	limit   time.Duration
}

func (l sharedLine) Send(text string) error {
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

func (sharedLine) Close() {}
