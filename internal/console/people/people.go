// Package people is where people are found, and where one of them is looked at.
package people

import (
	"embed"
	"net/http"
	"strings"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

//go:embed *.html words/*.json
var files embed.FS

// Section returns the pages of this package.
func Section() console.Section {
	return console.Section{Name: "people", Files: files, Routes: []console.Route{
		{Pattern: "GET /console/people", Needs: []string{"readUserBasic"}, Serve: list},
		{Pattern: "GET /console/people/{id}", Needs: []string{"readUserBasic"}, Serve: show},
	}}
}

// searchOf returns a $search for the words that somebody typed.
func searchOf(typed string) string {
	words := strings.Fields(strings.ReplaceAll(typed, `"`, " "))
	if len(words) == 0 {
		return ""
	}
	quoted := strings.Join(words, " ")
	return `"displayName:` + quoted + `" OR "userPrincipalName:` + quoted + `" OR "mail:` + quoted + `"`
}

type listPage struct { // list.html
	console.Frame
	Typed    string
	People   []graphclient.Object
	NextHref string
}

// File implements console.Page.
func (listPage) File() string { return "list.html" }

func list(c *console.Call) error {
	p := listPage{Frame: c.Frame("people"), Typed: c.Form("q")}
	found, err := c.Page(graphclient.Query{Search: searchOf(p.Typed), Select: "id,displayName,userPrincipalName,department,jobTitle,accountEnabled"}, "users")
	if err != nil {
		return err
	}
	p.People, p.NextHref = found.Items, c.NextHref(found)
	return c.Show(http.StatusOK, p)
}

type personPage struct { // person.html
	console.Frame
	User graphclient.Object
}

// File implements console.Page.
func (personPage) File() string { return "person.html" }

func show(c *console.Call) error {
	user, err := c.Graph.Select(c.Context(), "id,displayName,userPrincipalName,department,jobTitle,accountEnabled", "users", c.R.PathValue("id"))
	if err != nil {
		return err
	}
	return c.Show(http.StatusOK, personPage{Frame: c.Frame("people"), User: user})
}
