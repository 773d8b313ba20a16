package devices

import (
	"encoding/csv"
	"net/http"
	"strings"
)

// A sheet is a file of comma-separated values on its way to a browser.
type sheet struct{ out *csv.Writer }

func newSheet(w http.ResponseWriter, name string) sheet {
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	return sheet{csv.NewWriter(w)}
}

// row writes one line. A cell that a spreadsheet would take for a formula gets an apostrophe.
func (s sheet) row(cells ...string) {
	for i, cell := range cells {
		if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
			cells[i] = "'" + cell
		}
	}
	_ = s.out.Write(cells) // failed says it
	s.out.Flush()
}

func (s sheet) failed() bool { return s.out.Error() != nil }
