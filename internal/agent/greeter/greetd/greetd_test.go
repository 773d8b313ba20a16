package greetd

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
)

// play is a greetd that gives answers one after the other, and returns what it was asked.
func play(t *testing.T, answers ...string) (*Client, func() []string) {
	t.Helper()
	ours, theirs := net.Pipe()
	var asked []string
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { _ = theirs.Close() }()
		for _, a := range answers {
			var head [4]byte
			if _, err := io.ReadFull(theirs, head[:]); err != nil {
				return
			}
			body := make([]byte, binary.NativeEndian.Uint32(head[:]))
			if _, err := io.ReadFull(theirs, body); err != nil {
				return
			}
			asked = append(asked, string(body))
			if _, err := theirs.Write(append(binary.NativeEndian.AppendUint32(nil, uint32(len(a))), a...)); err != nil {
				return
			}
		}
	}()
	c := &Client{conn: ours}
	t.Cleanup(func() { _ = c.Close() })
	return c, func() []string {
		_ = c.Close()
		<-done
		return asked
	}
}

const yes = `{"type":"success"}`

func question(kind, text string) string {
	return `{"type":"auth_message","auth_message_type":"` + kind + `","auth_message":"` + text + `"}`
}

func TestWhatIsSaidIsAnsweredWithNothing(t *testing.T) {
	c, asked := play(t, question("info", "Hello"), question("secret", "PIN: "), yes, yes)
	err := c.Open(t.Context(), "ada", func(m Message) (string, error) { return "1 for " + m.Text, nil }, []string{"/bin/true"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`{"type":"create_session","username":"ada"}`, `{"type":"post_auth_message_response"}`,
		`{"type":"post_auth_message_response","response":"1 for PIN: "}`, `{"type":"start_session","cmd":["/bin/true"],"env":[]}`,
	}
	if got := asked(); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("asked:\n%s", strings.Join(got, "\n"))
	}
}

func TestARefusalIsToldAndTheSessionIsCancelled(t *testing.T) {
	c, asked := play(t, question("secret", "PIN: "), question("error", " That's not the PIN. "), `{"type":"error","error_type":"auth_error","description":"pam_authenticate: AUTH_ERR"}`, yes)
	err := c.Open(t.Context(), "ada", func(Message) (string, error) { return "x", nil }, nil, nil)
	refused, ok := errors.AsType[Refused](err)
	if !ok || !refused.Auth || refused.Said != "That's not the PIN." {
		t.Errorf("%#v", err)
	}
	if got := asked(); got[len(got)-1] != `{"type":"cancel_session"}` {
		t.Errorf("asked %q", got)
	}
}

func TestNonsenseOfGreetdOpensNothing(t *testing.T) {
	for _, answer := range []string{`{}`, `[]`, `{"type":"auth"}`, ``} {
		c, _ := play(t, answer, yes)
		if err := c.Open(t.Context(), "ada", nil, nil, nil); err == nil {
			t.Errorf("%q opens a session", answer)
		}
	}
}

func TestAnEndlessAnswerIsNotRead(t *testing.T) {
	head := binary.NativeEndian.AppendUint32(nil, 1<<31)
	if _, err := read(io.MultiReader(bytes.NewReader(head), strings.NewReader("{}"))); err == nil {
		t.Error("two gigabytes were read")
	}
}

func TestWhoGivesUpIsNotWaitedFor(t *testing.T) {
	ours, theirs := net.Pipe()
	defer func() { _ = theirs.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	go func() { _, _ = theirs.Read(make([]byte, 4)); cancel() }()
	if err := (&Client{conn: ours}).Open(ctx, "ada", nil, nil, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	for _, one := range []string{yes, question("secret", "PIN: "), `{"type":"error"}`, "", "[]"} {
		f.Add(append(binary.NativeEndian.AppendUint32(nil, uint32(len(one))), one...))
	}
	f.Fuzz(func(_ *testing.T, data []byte) {
		got, err := read(bytes.NewReader(data))
		if err == nil {
			_, _ = json.Marshal(got)
		}
	})
}
