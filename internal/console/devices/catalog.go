package devices

import (
	"net/http"
	"strings"

	"github.com/postern-id/postern/internal/console"
)

type catalogPage struct { // catalog.html
	console.Frame
	Typed      string
	Category   string
	Categories []string
	Settings   []entry
	Write      bool
}

// File implements console.Page.
func (catalogPage) File() string { return "catalog.html" }

// An entry is a setting as the catalog shows it.
type entry struct {
	definition
	Initial string // the default, in words
}

// Anchor is where the entry is on its page.
func (e entry) Anchor() string { return strings.NewReplacer("{", "", "}", "").Replace(e.ID) }

// finds reports whether every word that was typed is in the setting's name, address or description.
func (d definition) finds(typed string) bool {
	whole := strings.ToLower(d.Name + " " + d.Description + " " + d.URI + " " + d.Category + " " + d.ID)
	for word := range strings.FieldsSeq(strings.ToLower(typed)) {
		if !strings.Contains(whole, word) {
			return false
		}
	}
	return true
}

func showCatalog(c *console.Call) error {
	p := catalogPage{Frame: c.Frame("settings"), Typed: c.R.URL.Query().Get("q"), Category: c.R.URL.Query().Get("category"), Write: c.May("writeDevicePolicy")}
	book, err := catalogOf(c)
	if err != nil {
		return err
	}
	for _, d := range book.ordered() {
		if n := len(p.Categories); n == 0 || p.Categories[n-1] != d.Category {
			p.Categories = append(p.Categories, d.Category)
		}
		if (p.Category == "" || p.Category == d.Category) && d.finds(p.Typed) {
			p.Settings = append(p.Settings, entry{d, d.inWords(c, d.Default)})
		}
	}
	return c.Show(http.StatusOK, p)
}
