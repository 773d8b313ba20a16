// Package methods is where the policy of every method is looked at and changed: who may use it, how,
// and where, what a change comes to before it is made, and what was changed by whom. What is
// allowed is Graph's to decide; a form here only says it in everyday words.
package methods

import (
	"embed"
	"net/http"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

//go:embed *.html words/*.json
var files embed.FS

const root = "/console/methods"

var (
	mayRead  = []string{"readMethodsPolicy"}
	mayWrite = []string{"writeMethodsPolicy"}
)

// Section returns the pages of this package.
func Section() console.Section {
	s := console.Section{Name: "methods", Files: files, Routes: []console.Route{
		{Pattern: "GET " + root, Needs: mayRead, Serve: list},
		{Pattern: "GET " + root + "/{policy}", Needs: mayRead, Serve: show},
		{Pattern: "POST " + root + "/{policy}", Needs: mayWrite, Serve: edit},
		{Pattern: "GET " + root + "/{policy}/history", Needs: mayRead, Serve: history},
		{Pattern: "GET " + joiningAt, Needs: []string{"readJoinPolicy"}, Serve: show},
		{Pattern: "POST " + joiningAt, Needs: []string{"writeJoinPolicy"}, Serve: edit},
		{Pattern: "GET " + joiningAt + "/history", Needs: []string{"readJoinPolicy"}, Serve: history},
	}}
	return s
}

type listPage struct { // list.html
	console.Frame
	Methods []listed
	Others  []policy
}

// A listed method is a row of the list.
type listed struct {
	Policy policy
	On     bool
	Whom   string // key of words: for everybody, for some, with exceptions
	Groups int    // that may use it, and that may not
	Except int
}

// File implements console.Page.
func (listPage) File() string { return "list.html" }

func list(c *console.Call) error {
	p := listPage{Frame: c.Frame("methods")}
	for one, err := range c.Graph.MethodPolicies(c.Context()) {
		if err != nil {
			return err
		}
		if about, ok := policies[one.Text("id")]; ok {
			p.Methods = append(p.Methods, listedOf(about, one))
		}
	}
	if !c.Foreign() {
		p.Others = []policy{policies["signin"], policies["campaign"]}
		if c.May("readJoinPolicy") {
			p.Others = append(p.Others, policies[joining])
		}
	}
	return c.Show(http.StatusOK, p)
}

func listedOf(about policy, o graphclient.Object) listed {
	row := listed{Policy: about, On: o.Text("state") == "enabled", Whom: "everybody", Except: len(o.Objects("excludeTargets"))}
	everybody := false
	for _, t := range o.Objects("includeTargets") {
		everybody = everybody || t.Text("id") == allUsers
		row.Groups++
	}
	switch {
	case row.Groups == 0:
		row.Whom = "nobody"
	case !everybody:
		row.Whom = "groups"
	}
	return row
}
