// Package logs is where sign-ins and changes are looked at: lists whose filters are their
// address, one entry with its whole story, and how far the log is sealed.
//
// It shows what Graph's auditLogs say. What Postern adds, stories, proofs and saved views, is
// left out where Graph is not Postern's.
package logs

import (
	"embed"

	"github.com/postern-id/postern/internal/console"
)

//go:embed *.html words/*.json
var files embed.FS

// Section returns the pages of this package.
func Section() console.Section {
	signIns, changes := []string{"readSignIns"}, []string{"readAudits"}
	either := []string{"readSignIns", "readAudits"}
	return console.Section{Name: "logs", Files: files, Routes: []console.Route{
		{Pattern: "GET /console/logs", Needs: either, Serve: begin},
		{Pattern: "GET /console/logs/signins", Needs: signIns, Serve: signInLog.list},
		{Pattern: "GET /console/logs/signins/events", Needs: signIns, Serve: signInLog.events},
		{Pattern: "GET /console/logs/signins/export", Needs: signIns, Serve: signInLog.export},
		{Pattern: "GET /console/logs/signins/{id}", Needs: signIns, Serve: signInLog.one},
		{Pattern: "GET /console/logs/changes", Needs: changes, Serve: changeLog.list},
		{Pattern: "GET /console/logs/changes/events", Needs: changes, Serve: changeLog.events},
		{Pattern: "GET /console/logs/changes/export", Needs: changes, Serve: changeLog.export},
		{Pattern: "GET /console/logs/changes/{id}", Needs: changes, Serve: changeLog.one},
		{Pattern: "GET /console/logs/story/{id}", Needs: signIns, Serve: story},
		{Pattern: "GET /console/logs/seal", Needs: changes, Serve: seal},
		{Pattern: "POST /console/logs/views", Needs: either, Serve: saveView},
		{Pattern: "POST /console/logs/views/{id}/remove", Needs: either, Serve: removeView},
	}}
}

// A trail is one of the two logs.
type trail struct {
	name string // in addresses: signins, changes
	set  string // of auditLogs
	at   string // the property that holds when
	// filters turn what the address says into conditions of $filter, in the order of their chips.
	filters []param
	// selected is what is asked for of Postern's Graph; another one sends all that it has.
	selected string
	heads    []string // of an export
	row      func(entry) []string
}

// begin leads to the log that the person may read.
func begin(c *console.Call) error {
	name := "signins"
	if !c.May("readSignIns") {
		name = "changes"
	}
	path := "/console/logs/" + name
	if q := c.R.URL.RawQuery; q != "" {
		path += "?" + q
	}
	return c.Go(path, "")
}
