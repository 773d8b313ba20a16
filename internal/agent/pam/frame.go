package pam

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// MaxPayload bounds a frame, in bytes; the module has the same number.
const MaxPayload = 16384

// A Frame is one message between module and agent.
type Frame struct {
	Type    byte
	Payload []byte
}

// The types of frames.
const (
	typeStart    = 'S'
	typeAnswer   = 'r'
	typeRefused  = 'c' // the conversation was
	typeHidden   = 'P'
	typeShown    = 'E'
	typeInfo     = 'I'
	typeError    = 'X'
	typeUser     = 'U'
	typeVariable = 'V'
	typeResult   = 'R'
)

// ErrFrame says that the other end does not speak this protocol.
var ErrFrame = errors.New("not a frame of pam_postern")

// ReadFrame reads one frame.
func ReadFrame(r io.Reader) (Frame, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return Frame{}, err
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n > MaxPayload {
		return Frame{}, ErrFrame
	}
	f := Frame{Type: head[0], Payload: make([]byte, n)}
	_, err := io.ReadFull(r, f.Payload)
	return f, err
}

// WriteFrame writes one frame. A payload has no NUL: the module takes it for a C string.
func WriteFrame(w io.Writer, f Frame) error {
	if len(f.Payload) > MaxPayload || strings.ContainsRune(string(f.Payload), 0) && f.Type != typeStart {
		return ErrFrame
	}
	out := binary.BigEndian.AppendUint32([]byte{f.Type}, uint32(len(f.Payload)))
	_, err := w.Write(append(out, f.Payload...))
	return err
}

// ParseStart reads the first frame: k=v, each ended by a NUL. Every key comes once.
func ParseStart(f Frame) (Request, error) {
	var r Request
	if f.Type != typeStart || len(f.Payload) == 0 || f.Payload[len(f.Payload)-1] != 0 {
		return r, ErrFrame
	}
	seen := map[string]string{}
	for item := range strings.SplitSeq(string(f.Payload[:len(f.Payload)-1]), "\x00") {
		key, value, ok := strings.Cut(item, "=")
		if _, twice := seen[key]; !ok || twice {
			return r, ErrFrame
		}
		seen[key] = value
	}
	if seen["v"] != "1" {
		return r, fmt.Errorf("%w: version %.8q", ErrFrame, seen["v"])
	}
	r = Request{
		Action: Action(seen["action"]), User: seen["user"], Service: seen["service"], RHost: seen["rhost"],
		RUser: seen["ruser"], TTY: seen["tty"], Display: seen["xdisplay"], Seat: seen["seat"],
	}
	switch r.Action {
	case Auth, Account, OpenSession, CloseSession, ChangeToken:
	default:
		return r, fmt.Errorf("%w: action %.16q", ErrFrame, r.Action)
	}
	if r.User == "" || len(r.User) > maxNameTyped || strings.ContainsFunc(r.User, control) {
		return r, fmt.Errorf("%w: no name", ErrFrame)
	}
	return r, nil
}

func control(c rune) bool { return c < ' ' || c == 0x7f }
