// Package devices is where devices are found and looked at, and where what the organisation
// tells them is set: the catalog of settings, and policies with their review.
package devices

import (
	"embed"

	"github.com/postern-id/postern/internal/console"
)

//go:embed *.html words/*.json
var files embed.FS

// Paths of this section.
const (
	root     = console.Root + "/devices"
	settings = console.Root + "/settings"
)

// Section returns the pages of this package.
func Section() console.Section {
	var (
		read     = []string{"readDevices"}
		manage   = []string{"switchDevice", "approveDevice", "deleteDevice", "updateDevice"}
		policies = []string{"readDevicePolicy"}
		write    = []string{"writeDevicePolicy"}
	)
	return console.Section{Name: "devices", Files: files, Routes: []console.Route{
		{Pattern: "GET " + root, Needs: read, Serve: listDevices},
		{Pattern: "GET " + root + "/devices.csv", Needs: read, Serve: exportDevices},
		{Pattern: "GET " + root + "/{id}", Needs: read, Serve: showDevice},
		{Pattern: "GET " + root + "/{id}/prepare", Needs: []string{"prepareDevice"}, Serve: askPrepare},
		{Pattern: "POST " + root + "/{id}/prepare", Needs: []string{"prepareDevice"}, Serve: prepare},
		{Pattern: "GET " + root + "/{id}/prepare/events", Needs: read, Serve: followPreparation},
		{Pattern: "GET " + root + "/{id}/{deed}", Needs: manage, Serve: askDeed},
		{Pattern: "POST " + root + "/{id}/{deed}", Needs: manage, Serve: doDeed},

		{Pattern: "GET " + settings, Needs: policies, Serve: listPolicies},
		{Pattern: "GET " + settings + "/catalog", Needs: policies, Serve: showCatalog},
		{Pattern: "GET " + settings + "/new", Needs: write, Serve: newPolicy},
		{Pattern: "GET " + settings + "/draft", Needs: write, Serve: newPolicy},
		{Pattern: "POST " + settings + "/draft", Needs: write, Serve: draftPolicy},
		{Pattern: "GET " + settings + "/import", Needs: write, Serve: askImport},
		{Pattern: "POST " + settings + "/import", Needs: write, Serve: importPolicy},
		{Pattern: "GET " + settings + "/{id}", Needs: policies, Serve: showPolicy},
		{Pattern: "GET " + settings + "/{id}/edit", Needs: write, Serve: editPolicy},
		{Pattern: "GET " + settings + "/{id}/delete", Needs: write, Serve: askDeletePolicy},
		{Pattern: "POST " + settings + "/{id}/delete", Needs: write, Serve: deletePolicy},
		{Pattern: "GET " + settings + "/{id}/export", Needs: policies, Serve: exportPolicy},
	}}
}
