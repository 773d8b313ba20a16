package pam

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A wire sends what happens next to the module, and brings answers back.
type wire struct {
	conn    net.Conn
	answers <-chan Frame
}

var errRefused = errors.New("the program refused to ask")

func (w *wire) send(t byte, text string) error {
	if err := w.conn.SetWriteDeadline(time.Now().Add(startWithin)); err != nil {
		return err
	}
	return WriteFrame(w.conn, Frame{t, []byte(plain(text))})
}

// plain is text as the module takes it: without NULs, and no longer than a frame.
func plain(text string) string {
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "?")
	for len(text) > MaxPayload {
		_, n := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-n]
	}
	return text
}

func (w *wire) ask(ctx context.Context, q Question) (string, error) {
	t := byte(typeShown)
	if q.Hidden {
		t = typeHidden
	}
	if err := w.send(t, q.Text); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	select {
	case f := <-w.answers:
		if f.Type != typeAnswer {
			return "", errRefused
		}
		text := string(f.Payload)
		clear(f.Payload)
		return text, nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// grant tells the program who signed in and how.
func (w *wire) grant(a Attempt, by Method) error {
	if a.Person.Name != a.Request.User {
		if err := w.send(typeUser, a.Person.Name); err != nil {
			return err
		}
	}
	return w.send(typeVariable, "POSTERN_METHOD="+string(by))
}

func (w *wire) finish(m Move) error {
	for _, line := range m.Say {
		t := byte(typeInfo)
		if line.Error {
			t = typeError
		}
		if err := w.send(t, line.Text); err != nil {
			return err
		}
	}
	return w.send(typeResult, strconv.Itoa(int(m.Result)))
}
