// Package recovery is where cases of recovery are worked on: who asks, what shows it, who has to
// agree, and what came of it. Whatever a case waits for is one button on its page.
//
//	/console/recovery ──▶ /console/recovery/cases/{id} ──▶ its pass, read out once
//	  what waits?           the next thing to do
//
// Graph decides what a case may do; a page here hides what would be refused, and says why.
package recovery

import (
	"embed"
	"net/url"

	"github.com/postern-id/postern/internal/console"
)

//go:embed *.html words/*.json
var files embed.FS

// Paths of this section.
const (
	root   = console.Root + "/recovery"
	opens  = root + "/new"
	policy = root + "/policy"
	cases  = root + "/cases"
)

// Actions of package directory that these pages ask for.
const (
	reads    = "readCases"
	handles  = "handleCase"
	approves = "approveCase"
	issues   = "issuePass"
	judges   = "revertPass"

	readsPolicy  = "readMethodsPolicy"
	writesPolicy = "writeMethodsPolicy"
)

// Section returns the pages of this package.
func Section() console.Section {
	read, handle := []string{reads}, []string{handles}
	return console.Section{Name: "recovery", Files: files, Routes: []console.Route{
		{Pattern: "GET " + root, Needs: read, Serve: list},
		{Pattern: "GET " + opens, Needs: handle, Serve: ask},
		{Pattern: "POST " + opens, Needs: handle, Serve: open},
		{Pattern: "GET " + cases + "/{id}", Needs: read, Serve: show},
		{Pattern: "GET " + cases + "/{id}/events", Needs: read, Serve: follow},
		{Pattern: "POST " + cases + "/{id}/proof", Needs: handle, Serve: prove},
		{Pattern: "POST " + cases + "/{id}/approve", Needs: []string{approves}, Serve: approve},
		{Pattern: "POST " + cases + "/{id}/number", Needs: []string{handles, approves}, Serve: addNumber},
		{Pattern: "GET " + cases + "/{id}/pass", Needs: []string{issues}, Serve: askPass},
		{Pattern: "POST " + cases + "/{id}/pass", Needs: []string{issues}, Serve: issue},
		{Pattern: "GET " + cases + "/{id}/{step}", Needs: read, Serve: askStep},
		{Pattern: "POST " + cases + "/{id}/{step}", Needs: []string{handles, judges}, Serve: takeStep},
		{Pattern: "GET " + policy, Needs: []string{readsPolicy}, Serve: showPolicy},
		{Pattern: "GET " + policy + "/history", Needs: []string{readsPolicy}, Serve: policyHistory},
		{Pattern: "POST " + policy, Needs: []string{writesPolicy}, Serve: editPolicy},
		{Pattern: "GET " + issuers, Needs: []string{readsPolicy}, Serve: listIssuers},
		{Pattern: "GET " + issuers + "/{n}", Needs: []string{readsPolicy}, Serve: showIssuer},
		{Pattern: "POST " + issuers + "/{n}", Needs: []string{writesPolicy}, Serve: saveIssuer},
	}}
}

// hrefOf is the address of a case.
func hrefOf(id string) string { return cases + "/" + url.PathEscape(id) }
