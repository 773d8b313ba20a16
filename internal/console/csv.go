package console

import (
	"encoding/csv"
	"net/http"
	"regexp"

	"github.com/postern-id/postern/internal/design"
)

// A CSV writes a table that spreadsheets open, row by row as it is read.
type CSV struct {
	out *csv.Writer
	w   http.ResponseWriter
	row int
}

// CSV answers with a file of that name; the first row are the heads.
func (c *Call) CSV(file string, heads ...string) *CSV {
	h := c.W.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="`+file+`"`)
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	t := &CSV{out: csv.NewWriter(c.W), w: c.W}
	t.Row(heads...)
	return t
}

// Row writes one row. A cell that a spreadsheet would take for a formula gets an apostrophe in
// front (OWASP, CSV injection).
func (t *CSV) Row(cells ...string) {
	row := make([]string, len(cells))
	for i, cell := range cells {
		row[i] = Cell(cell)
	}
	_ = t.out.Write(row) // the browser is gone, or reads it; Close says so
	if t.row++; t.row%100 == 0 {
		t.flush()
	}
}

// Close sends what is left.
func (t *CSV) Close() error {
	t.flush()
	return t.out.Error()
}

func (t *CSV) flush() {
	t.out.Flush()
	_ = http.NewResponseController(t.w).Flush()
}

// Cell makes text safe as the cell of a spreadsheet.
func Cell(text string) string {
	return formula.ReplaceAllString(design.Clean(text), "$1'$2")
}

// formula is where one may begin: at the start, behind spaces that a spreadsheet leaves out, and
// behind a semicolon, which parts cells where the comma is in numbers. Quotes don't help there.
var formula = regexp.MustCompile(`(^|;)([\s\p{Z}]*[=+\-@\t\r＝＋－＠])`)
