package console_test

import (
	"testing"

	"github.com/postern-id/postern/internal/console"
)

func TestNoCellOfATableIsAFormula(t *testing.T) {
	for text, want := range map[string]string{
		"Mira Okafor": "Mira Okafor", "": "", "1,204": "1,204",
		`=HYPERLINK("https://evil.example")`: `'=HYPERLINK("https://evil.example")`,
		"+1":                                 "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\t=1": "' =1", "\r=1": "'=1", "＝1": "'＝1",
		" =1": "' =1", "a;=1;b": "a;'=1;b", "a; @SUM(A1)": "a;' @SUM(A1)", "a = b; c - d": "a = b; c - d",
	} {
		if got := console.Cell(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
