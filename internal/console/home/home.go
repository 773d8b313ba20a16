// Package home is the first page of the console: what needs somebody, and how things stand.
package home

import (
	"embed"
	"net/http"

	"github.com/postern-id/postern/internal/console"
)

//go:embed *.html words/*.json
var files embed.FS

// Section returns the pages of this package.
func Section() console.Section {
	return console.Section{Name: "home", Files: files, Routes: []console.Route{
		{Pattern: "GET /console/{$}", Serve: show},
	}}
}

type page struct { // home.html
	console.Frame
}

// File implements console.Page.
func (page) File() string { return "home.html" }

func show(c *console.Call) error {
	return c.Show(http.StatusOK, page{Frame: c.Frame("home")})
}
