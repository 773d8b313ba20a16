package people

import (
	"net/http"

	"github.com/postern-id/postern/internal/console"
)

// purgePage asks for the name of somebody who is to be deleted for good.
type purgePage struct { // purge.html
	console.Frame
	Name     string // that is to be typed
	Typed    string
	Mistyped bool
}

// File implements console.Page.
func (purgePage) File() string { return "purge.html" }

func purging(c *console.Call) (purgePage, error) {
	gone, err := c.Graph.Get(c.Context(), "directory", "deletedItems", c.R.PathValue("id"))
	if err != nil {
		return purgePage{}, err
	}
	if gone.Text("@odata.type") != "#microsoft.graph.user" {
		return purgePage{}, console.ErrNowhere
	}
	return purgePage{Frame: c.Frame("people"), Name: nameOf(gone)}, nil
}

// askPurge serves GET /console/people/{id}/purge.
func askPurge(c *console.Call) error {
	p, err := purging(c)
	if err != nil {
		return err
	}
	return c.Show(http.StatusOK, p)
}

// purge serves POST /console/people/{id}/purge: it deletes for good who was deleted, once their name was typed.
func purge(c *console.Call) error {
	p, err := purging(c)
	if err != nil {
		return err
	}
	if p.Typed = c.Form("name"); !console.SameName(p.Typed, p.Name) {
		p.Mistyped = true
		return c.Show(http.StatusBadRequest, p)
	}
	if _, err := c.Graph.Do(c.Context(), http.MethodDelete, nil, "directory", "deletedItems", c.R.PathValue("id")); err != nil {
		if p.Fault = console.Explain(err); p.Fault == nil {
			return err
		}
		return c.Show(http.StatusConflict, p)
	}
	return c.Go(root+"/deleted", "people_purged")
}
