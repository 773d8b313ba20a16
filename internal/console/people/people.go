// Package people is where people are found, looked at, helped, added and changed.
package people

import (
	"embed"
	"strings"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

//go:embed *.html words/*.json
var files embed.FS

const root = "/console/people"

// What opens which page; Graph decides again for the person at hand.
var (
	read   = []string{"readUserBasic"}
	write  = []string{"updateUser", "updateUserSensitive"}
	helper = []string{"deletePhone", "deletePasskey", "deleteCodes", "deleteHello", "deletePass", "freezeMethod", "revokeSessions", "switchDevice"}
)

// Section returns the pages of this package.
func Section() console.Section {
	return console.Section{Name: "people", Files: files, Routes: []console.Route{
		{Pattern: "GET " + root, Needs: read, Serve: list},
		{Pattern: "GET " + root + "/export", Needs: read, Serve: export},
		{Pattern: "GET " + root + "/deleted", Needs: []string{"readDeletedUser"}, Serve: listDeleted},
		{Pattern: "GET " + root + "/new", Needs: []string{"createUser"}, Serve: askNew},
		{Pattern: "POST " + root + "/new", Needs: []string{"createUser"}, Serve: create},
		{Pattern: "GET " + root + "/import", Needs: []string{"createUser"}, Serve: askImport},
		{Pattern: "POST " + root + "/import", Needs: []string{"createUser"}, Most: importForm, Serve: importFile},
		{Pattern: "GET " + root + "/{id}", Needs: read, Serve: show},
		{Pattern: "GET " + root + "/{id}/edit", Needs: write, Serve: askEdit},
		{Pattern: "POST " + root + "/{id}/edit", Needs: write, Serve: edit},
		{Pattern: "GET " + root + "/{id}/delete", Needs: []string{"deleteUser"}, Serve: askDelete},
		{Pattern: "POST " + root + "/{id}/delete", Needs: []string{"deleteUser"}, Serve: remove},
		{Pattern: "GET " + root + "/{id}/purge", Needs: []string{"deleteUser"}, Serve: askPurge},
		{Pattern: "POST " + root + "/{id}/purge", Needs: []string{"deleteUser"}, Serve: purge},
		{Pattern: "POST " + root + "/{id}/restore", Needs: []string{"restoreUser"}, Serve: restore},
		{Pattern: "GET " + root + "/{id}/lost", Needs: helper, Serve: askLost},
		{Pattern: "POST " + root + "/{id}/lost", Needs: helper, Serve: takeAway},
		{Pattern: "GET " + root + "/{id}/signout", Needs: []string{"revokeSessions"}, Serve: askSignOut},
		{Pattern: "POST " + root + "/{id}/signout", Needs: []string{"revokeSessions"}, Serve: signOut},
		{Pattern: "POST " + root + "/{id}/sessions/{session}", Needs: []string{"revokeSessions"}, Serve: endSession},
		{Pattern: "GET " + root + "/{id}/methods/{method}/remove", Needs: helper, Serve: askRemoveMethod},
		{Pattern: "POST " + root + "/{id}/methods/{method}/remove", Needs: helper, Serve: removeMethod},
		{Pattern: "POST " + root + "/{id}/methods/{method}/freeze", Needs: []string{"freezeMethod"}, Serve: setFrozen(true)},
		{Pattern: "POST " + root + "/{id}/methods/{method}/thaw", Needs: []string{"freezeMethod"}, Serve: setFrozen(false)},
		{Pattern: "GET " + root + "/{id}/history", Needs: []string{"readHistory", "readSignIns"}, Serve: showHistory},
	}}
}

// pathOf is the address of somebody's page.
func pathOf(id string) string { return root + "/" + id }

// shortType is the last part of a type: fido2 of #microsoft.graph.fido2AuthenticationMethod.
func shortType(odata string) string {
	return strings.TrimSuffix(strings.TrimPrefix(odata, "#microsoft.graph."), "AuthenticationMethod")
}

// person asks for the one that the path names.
func person(c *console.Call, properties string) (graphclient.Object, error) {
	return c.Graph.Select(c.Context(), properties, "users", c.R.PathValue("id"))
}
