// Package access is where Conditional Access is looked at and changed: policies in words, the
// places and the strengths that they name. What may be saved is Graph's to decide; a form here
// says it in everyday words, and what it comes to before it is saved.
package access

import (
	"embed"

	"github.com/postern-id/postern/internal/console"
)

//go:embed *.html words/*.json
var files embed.FS

// Paths of this section.
const (
	root      = console.Root + "/access"
	places    = console.Root + "/places"
	strengths = console.Root + "/strengths"
)

// Section returns the pages of this package.
func Section() console.Section {
	var (
		read          = []string{"readAccessRules"}
		write         = []string{"writeAccessRules"}
		readStrength  = []string{"readStrengths"}
		writeStrength = []string{"writeStrengths"}
	)
	return console.Section{Name: "access", Files: files, Routes: []console.Route{
		{Pattern: "GET " + root, Needs: read, Serve: listPolicies},
		{Pattern: "GET " + root + "/new", Needs: write, Serve: newPolicy},
		{Pattern: "POST " + root + "/new", Needs: write, Serve: editPolicy},
		{Pattern: "GET " + root + "/try", Needs: read, Serve: tryRules},
		{Pattern: "GET " + root + "/impact", Needs: []string{"readSignIns"}, Serve: showImpact},
		{Pattern: "GET " + root + "/{id}", Needs: read, Serve: showPolicy},
		{Pattern: "POST " + root + "/{id}", Needs: write, Serve: switchPolicy},
		{Pattern: "GET " + root + "/{id}/edit", Needs: write, Serve: askPolicy},
		{Pattern: "POST " + root + "/{id}/edit", Needs: write, Serve: editPolicy},
		{Pattern: "GET " + root + "/{id}/delete", Needs: write, Serve: askDelete},
		{Pattern: "POST " + root + "/{id}/delete", Needs: write, Serve: deletePolicy},

		{Pattern: "GET " + places, Needs: read, Serve: listPlaces},
		{Pattern: "GET " + places + "/new", Needs: write, Serve: askPlace},
		{Pattern: "POST " + places + "/new", Needs: write, Serve: savePlace},
		{Pattern: "GET " + places + "/{id}", Needs: write, Serve: askPlace},
		{Pattern: "POST " + places + "/{id}", Needs: write, Serve: savePlace},

		{Pattern: "GET " + strengths, Needs: readStrength, Serve: listStrengths},
		{Pattern: "GET " + strengths + "/new", Needs: writeStrength, Serve: askStrength},
		{Pattern: "POST " + strengths + "/new", Needs: writeStrength, Serve: saveStrength},
		{Pattern: "GET " + strengths + "/{id}", Needs: writeStrength, Serve: askStrength},
		{Pattern: "POST " + strengths + "/{id}", Needs: writeStrength, Serve: saveStrength},
	}}
}
