// Package greetd asks greetd to open a session: the protocol of greetd-ipc(7), by the socket
// that greetd names to its greeter. PAM's questions are the caller's to answer.
//
//	create_session ─▶ auth_message ─▶ answer ─▶ … ─▶ success ─▶ start_session ─▶ success
//	                                               └▶ error ─▶ cancel_session
package greetd

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
)

// Kind is how a message of PAM is meant.
type Kind string

// The kinds.
const (
	Visible Kind = "visible" // a question; the answer may be shown
	Secret  Kind = "secret"
	Info    Kind = "info"
	Trouble Kind = "error"
)

// A Message is one that PAM has for the person.
type Message struct {
	Kind Kind
	Text string
}

// Asks reports whether the message is a question.
func (m Message) Asks() bool { return m.Kind == Visible || m.Kind == Secret }

// Refused is an answer of greetd that is no success.
type Refused struct {
	Auth bool   // what was typed was wrong; otherwise something broke
	Text string // greetd's words, for the log
	Said string // what PAM last told the person; may be empty
}

func (r Refused) Error() string { return "greetd: " + r.Text }

// errProtocol says that greetd answered with something that does not belong there.
var errProtocol = errors.New("an answer of greetd that nobody asked for")

// mostBytes of one answer. greetd passes on what PAM modules say.
const mostBytes = 64 << 10

// Dial opens the way to greetd. A session that was not started is cancelled when conn closes.
func Dial(ctx context.Context, socket string) (*Client, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, err
	}
	return &Client{conn: conn}, nil
}

// A Client opens one session at a time. It is for one goroutine. Close it.
type Client struct{ conn net.Conn }

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

type request struct {
	Type     string   `json:"type"`
	Username string   `json:"username,omitempty"`
	Response *string  `json:"response,omitempty"`
	Cmd      []string `json:"cmd,omitempty"`
	Env      []string `json:"env,omitzero"`
}

type reply struct {
	Type        string `json:"type"`
	ErrorType   string `json:"error_type"`
	Description string `json:"description"`
	MessageType Kind   `json:"auth_message_type"`
	Message     string `json:"auth_message"`
}

// Open signs user in, with what answer says to PAM's questions, and has cmd started once the
// greeter has ended. Whatever goes wrong, no session is left half open. The error is a
// [Refused] when greetd says no.
func (c *Client) Open(ctx context.Context, user string, answer func(Message) (string, error), cmd, env []string) error {
	stop := context.AfterFunc(ctx, func() { _ = c.conn.Close() })
	defer stop()
	err := c.open(user, answer, cmd, env)
	if err != nil && ctx.Err() == nil {
		_, _ = c.ask(request{Type: "cancel_session"}) // greetd says so, too, when there is none
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (c *Client) open(user string, answer func(Message) (string, error), cmd, env []string) error {
	got, err := c.ask(request{Type: "create_session", Username: user})
	said := ""
	for err == nil && got.Type == "auth_message" {
		next := request{Type: "post_auth_message_response"}
		if m := (Message{Kind: got.MessageType, Text: got.Message}); m.Asks() {
			text, err := answer(m)
			if err != nil {
				return err
			}
			next.Response = &text
		} else {
			said = strings.TrimSpace(m.Text)
		}
		got, err = c.ask(next)
	}
	if err == nil && got.Type == "success" {
		got, err = c.ask(request{Type: "start_session", Cmd: cmd, Env: append([]string{}, env...)})
	}
	switch {
	case err != nil:
		return err
	case got.Type == "error":
		return Refused{Auth: got.ErrorType == "auth_error", Text: got.Description, Said: said}
	case got.Type != "success":
		return errProtocol
	}
	return nil
}

// ask sends one request and reads its answer.
func (c *Client) ask(r request) (reply, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return reply{}, err
	}
	frame := append(binary.NativeEndian.AppendUint32(nil, uint32(len(body))), body...)
	if _, err := c.conn.Write(frame); err != nil {
		return reply{}, err
	}
	return read(c.conn)
}

// read reads one answer.
func read(from io.Reader) (reply, error) {
	var head [4]byte
	if _, err := io.ReadFull(from, head[:]); err != nil {
		return reply{}, err
	}
	n := binary.NativeEndian.Uint32(head[:])
	if n > mostBytes {
		return reply{}, fmt.Errorf("greetd: an answer of %d bytes", n)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(from, body); err != nil {
		return reply{}, err
	}
	var got reply
	if err := json.Unmarshal(body, &got); err != nil {
		return reply{}, fmt.Errorf("greetd: %w", err)
	}
	return got, nil
}
