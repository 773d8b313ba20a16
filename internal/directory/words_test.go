package directory_test

import (
	"slices"
	"testing"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
)

func TestEveryWordThatCanBeSearchedForIsKept(t *testing.T) {
	for _, name := range []string{"Team <Ops>", "Mira \"Mimi\" Okafor", "R&D + Sales", "Jean‑Luc Nö’el", "O’Brien", "EMP-0042", "mira.okafor@contoso.example", "日本 支店"} {
		kept := directory.Words(name)
		for _, word := range filter.Words(name) {
			if !slices.Contains(kept, word) {
				t.Errorf("%q is not found by %q: %q", name, word, kept)
			}
		}
	}
}
