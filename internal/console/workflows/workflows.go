// Package workflows is what is done by itself when people join, move and leave: workflows in words, their
// runs with what went wrong for whom, and jobs that were given up.
//
//	/console/workflows ──▶ /console/workflows/{id} ──▶ one run, one version, a run now
//	                  └──▶ /console/workflows/jobs
package workflows

import (
	"embed"
	"net/url"
	"strconv"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

//go:embed *.html words/*.json
var files embed.FS

// Paths of this section.
const (
	root = console.Root + "/workflows"
	one  = root + "/{id}"
	dead = root + "/jobs"
	made = root + "/new"
)

// Actions of package directory that these pages ask for.
const (
	reads     = "readWorkflows"
	writes    = "writeWorkflows"
	readsJobs = "readJobs"
	retries   = "retryJob"
)

// Section returns the pages of this package.
func Section() console.Section {
	read, write := []string{reads}, []string{writes}
	return console.Section{Name: "workflows", Files: files, Routes: []console.Route{
		{Pattern: "GET " + root, Needs: read, Serve: list},
		{Pattern: "GET " + dead, Needs: []string{readsJobs}, Serve: listJobs},
		{Pattern: "POST " + dead + "/{id}/retry", Needs: []string{retries}, Serve: retry},
		{Pattern: "GET " + made, Needs: write, Serve: begin},
		{Pattern: "POST " + made, Needs: write, Serve: save},
		{Pattern: "GET " + one, Needs: read, Serve: show},
		{Pattern: "GET " + one + "/edit", Needs: write, Serve: edit},
		{Pattern: "POST " + one + "/edit", Needs: write, Serve: save},
		{Pattern: "POST " + one + "/switch", Needs: write, Serve: turn},
		{Pattern: "GET " + one + "/run", Needs: write, Serve: choose},
		{Pattern: "POST " + one + "/run", Needs: write, Serve: run},
		{Pattern: "GET " + one + "/runs/{run}", Needs: read, Serve: showRun},
		{Pattern: "GET " + one + "/versions/{version}", Needs: read, Serve: showVersion},
		{Pattern: "GET " + one + "/delete", Needs: write, Serve: askDelete},
		{Pattern: "POST " + one + "/delete", Needs: write, Serve: remove},
	}}
}

// at leads to the workflows of Graph.
func at(names ...string) []string {
	return append([]string{"identityGovernance", "lifecycleWorkflows", "workflows"}, names...)
}

// beside leads to what is beside them, such as templates.
func beside(name string) []string { return []string{"identityGovernance", "lifecycleWorkflows", name} }

func hrefOf(id string) string { return root + "/" + url.PathEscape(id) }

func number(o graphclient.Object, name string) int {
	n, err := strconv.ParseFloat(o.Text(name), 64)
	if err != nil {
		return 0
	}
	return int(n)
}

func truth(o graphclient.Object, name string) bool { return o[name] == true }
