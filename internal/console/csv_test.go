package console_test

import (
	"net/http"
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

// counter is a browser that reads what it is sent.
type counter struct {
	header http.Header
	read   int
}

func (c *counter) Header() http.Header         { return c.header }
func (c *counter) WriteHeader(int)             {}
func (c *counter) Write(b []byte) (int, error) { c.read += len(b); return len(b), nil }

// TestAFileOfAnyLengthTakesNoMoreMemoryThanAShortOne: whatever is written is sent on, all but a few rows.
func TestAFileOfAnyLengthTakesNoMoreMemoryThanAShortOne(t *testing.T) {
	browser := &counter{header: http.Header{}}
	file := (&console.Call{W: browser}).CSV("people.csv", "id", "name")
	written := len("id,name\n")
	for range 100_000 {
		file.Row("0190b0c8-0000-7000-8000-000000000000", "Somebody")
		written += len("0190b0c8-0000-7000-8000-000000000000,Somebody\n")
		if held := written - browser.read; held > 8<<10 {
			t.Fatalf("%d of %d bytes wait", held, written)
		}
	}
	if err := file.Close(); err != nil || browser.read != written {
		t.Errorf("%d of %d bytes, %v", browser.read, written, err)
	}
}
