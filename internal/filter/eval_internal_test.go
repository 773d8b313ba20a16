package filter

import (
	"strings"
	"testing"
)

func TestPlainTextsCompareAsFoldedOnesDo(t *testing.T) {
	texts := []string{"", "a", "A", "b", "B", "ab", "AB", "aB ", "LAP-1", "lap-10", "[", "Z", "ä", "Ä", "aÄ", "Aä", "ſ", "s", "K", "k", "zz", "\x7f"}
	for _, a := range texts {
		for _, b := range texts {
			order, plain := comparePlain(a, b)
			if want := strings.Compare(Fold(a), Fold(b)); plain && order != want {
				t.Errorf("%q and %q: %d, want %d", a, b, order, want)
			}
			if ascii := len(a+b) == len([]rune(a+b)); plain != ascii {
				t.Errorf("%q and %q are plain: %v", a, b, plain)
			}
		}
	}
}
