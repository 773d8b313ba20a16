package tap

import (
	"strings"
	"testing"
)

func FuzzParsePasscode(f *testing.F) {
	for _, typed := range []string{"", "TQDZ7NC96FXE", "tqdz 7nc9-6fxe", "TQDZ\u20117NC9", "O0O0O0O0", strings.Repeat("A", 300), "ſſſſſſſſ", "\xff\xfe"} {
		f.Add(typed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code, err := ParsePasscode(typed)
		if err != nil {
			return
		}
		text := code.Reveal()
		if len(text) < LeastLength || len(text) > MostLength || strings.Trim(text, Alphabet) != "" {
			t.Errorf("%q is read as %q", typed, text)
		}
		if again, err := ParsePasscode(text); err != nil || again.Reveal() != text {
			t.Errorf("%q is not read as itself: %v", text, err)
		}
	})
}
