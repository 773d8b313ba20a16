// Package components shows every component of the console in every state, for whoever builds
// pages: light, dark, and from right to left. Only `postern dev` has it.
package components

import (
	"embed"
	"net/http"

	"github.com/postern-id/postern/internal/console"
)

//go:embed *.html words/*.json
var files embed.FS

// Section returns the page of this package.
func Section() console.Section {
	return console.Section{Name: "components", Files: files, Routes: []console.Route{
		{Pattern: "GET /console/_components", Serve: show},
	}}
}

type page struct { // components.html
	console.Frame
	Icons []string
}

// File implements console.Page.
func (page) File() string { return "components.html" }

// show takes theme (light or dark) and dir (rtl) from the address.
func show(c *console.Call) error {
	p := page{Frame: c.Frame(""), Icons: []string{
		"gate", "globe", "key", "passkey", "phone", "keypad", "pass", "clock", "person", "people", "apps", "device", "shield", "sliders", "log", "tools", "home",
		"role", "search", "menu", "plus", "check", "caution", "stop", "info", "next", "back", "copy", "print", "hide", "network", "offline", "help", "power",
		"lock", "download", "language", "place", "folder", "mail", "chip", "erase",
	}}
	switch theme := c.Form("theme"); theme {
	case "light", "dark":
		p.Theme = theme
	}
	if c.Form("dir") == "rtl" {
		p.Dir = "rtl"
	}
	return c.Show(http.StatusOK, p)
}
