package usercode

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/method/tap"
)

func TestACodeIsReadHoweverItIsTyped(t *testing.T) {
	code, err := New(rand.Reader)
	if err != nil || len(code) != length {
		t.Fatalf("New = %q, %v", code, err)
	}
	for _, typed := range []string{
		code, Show(code), strings.ToLower(Show(code)), " " + code[:2] + " " + code[2:5] + "–" + code[5:] + "\n",
		strings.Join(strings.Split(code, ""), "-"),
	} {
		if got, ok := Parse(typed); !ok || got != code {
			t.Errorf("Parse(%q) = %q, %t; want %q", typed, got, ok, code)
		}
	}
}

func TestWhatCantBeACodeIsNotLookedUp(t *testing.T) {
	for _, typed := range []string{"", "ABCDEFG", "ABCDEFGHJ", "ABCDEFG0", "ABCDEFGI", "ABCD_EFG", "ÄBCDEFGH", "ABCDEFGH" + strings.Repeat(" ", maxTyped)} {
		if got, ok := Parse(typed); ok {
			t.Errorf("Parse(%q) = %q", typed, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"ABCD-EFGH", "abcd efgh", "ABCDEFG0", "\x00", "ſABCDEFG", strings.Repeat("A-", 40)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := Parse(typed)
		if !ok {
			return
		}
		if len(code) != length || strings.Trim(code, tap.Alphabet) != "" {
			t.Fatalf("Parse(%q) = %q", typed, code)
		}
		if again, ok := Parse(Show(code)); !ok || again != code {
			t.Fatalf("what is shown for %q is read as %q", code, again)
		}
	})
}
