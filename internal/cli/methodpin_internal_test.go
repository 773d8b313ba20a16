package cli

import (
	"errors"
	"strings"
	"testing"
)

func TestADevicePINIsRemovedOnceTheNameOfItsComputerIsTyped(t *testing.T) {
	for text, want := range map[string]error{
		"laptop of mira": nil, "Laptop  of Mira\n": nil, " laptop of mira \r\nmore": nil,
		"": ErrNotConfirmed, "\n": ErrNotConfirmed, "yes\n": ErrNotConfirmed, "laptop\n": ErrNotConfirmed, "laptop of mira x\n": ErrNotConfirmed,
	} {
		if err := typed(strings.NewReader(text), "laptop of mira"); !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
}

func TestWhatIsLostWithADevicePINIsSaidBeforeItGoes(t *testing.T) {
	said := strings.Join(pinLost, "\n")
	for _, want := range []string{"What is lost", "the key in that computer", "can't be copied", "sessions", "No files are encrypted with this key", "nothing to make a copy of"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
}
