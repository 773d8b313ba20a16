package pam

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func start(items ...string) Frame {
	return Frame{typeStart, []byte(strings.Join(items, "\x00") + "\x00")}
}

func TestAStartIsReadWhole(t *testing.T) {
	r, err := ParseStart(start("v=1", "action=auth", "user=ada", "service=sshd", "rhost=192.0.2.1", "ruser=", "tty=ssh", "xdisplay=:0", "seat=seat0", "flags=0"))
	want := Request{Action: Auth, User: "ada", Service: "sshd", RHost: "192.0.2.1", TTY: "ssh", Display: ":0", Seat: "seat0"}
	if err != nil || r != want {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestWhatIsNoStartIsRefused(t *testing.T) {
	for name, f := range map[string]Frame{
		"another type":         {typeAnswer, []byte("v=1\x00")},
		"nothing":              {typeStart, nil},
		"no end":               {typeStart, []byte("v=1\x00action=auth\x00user=ada")},
		"another version":      start("v=2", "action=auth", "user=ada"),
		"no action":            start("v=1", "user=ada"),
		"an action of no sort": start("v=1", "action=rm", "user=ada"),
		"a name that is twice": start("v=1", "action=auth", "user=ada", "user=root"),
		"no name":              start("v=1", "action=auth", "user="),
		"a name with a line":   start("v=1", "action=auth", "user=ada\nroot"),
		"no equals sign":       start("v=1", "action=auth", "user"),
	} {
		if r, err := ParseStart(f); !errors.Is(err, ErrFrame) {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

func TestAFrameThatIsTooLongIsRefused(t *testing.T) {
	if _, err := ReadFrame(bytes.NewReader([]byte{'S', 0, 0, 0x40, 1})); !errors.Is(err, ErrFrame) {
		t.Error(err)
	}
	if err := WriteFrame(&bytes.Buffer{}, Frame{'P', make([]byte, MaxPayload+1)}); !errors.Is(err, ErrFrame) {
		t.Error(err)
	}
	if err := WriteFrame(&bytes.Buffer{}, Frame{'P', []byte("a\x00b")}); !errors.Is(err, ErrFrame) {
		t.Error("a NUL:", err)
	}
}

// FuzzStart feeds the agent what a module, or anybody who can connect, may send.
func FuzzStart(f *testing.F) {
	var good bytes.Buffer
	_ = WriteFrame(&good, start("v=1", "action=auth", "user=ada", "service=login"))
	f.Add(good.Bytes())
	f.Add([]byte{'S', 0, 0, 0, 0})
	f.Add([]byte{'S', 0xff, 0xff, 0xff, 0xff, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		frame, err := ReadFrame(bytes.NewReader(data))
		if err != nil {
			return
		}
		r, err := ParseStart(frame)
		if err == nil && (r.User == "" || len(r.User) > maxNameTyped || strings.ContainsFunc(r.User, control)) {
			t.Errorf("%+v", r)
		}
	})
}
