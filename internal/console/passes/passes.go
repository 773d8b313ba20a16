// Package passes is where a Temporary Access Pass is issued, read out once, and followed until
// the person is back in.
//
//	/console/pass ──▶ /console/people/{id}/pass ──▶ /console/people/{id}/pass/{pass}
//	  whom?             what for, who asks?           read it out, follow it, take it back
//
// The pass itself goes from Graph's answer into what is held for this browser, sealed, and from
// there into one page; a reload, the back button or another browser find it nowhere.
package passes

import (
	"embed"
	"net/http"
	"net/url"
	"strings"

	"github.com/postern-id/postern/internal/console"
)

//go:embed *.html words/*.json
var files embed.FS

// Section returns the pages of this package.
func Section() console.Section {
	seen := []string{"readUserBasic"} // who may not issue is told whom to ask
	return console.Section{Name: "passes", Files: files, Routes: []console.Route{
		{Pattern: "GET /console/pass", Needs: seen, Serve: find},
		{Pattern: "GET /console/people/{id}/pass", Needs: seen, Serve: ask},
		{Pattern: "POST /console/people/{id}/pass", Needs: []string{"issuePass"}, Serve: issue},
		{Pattern: "GET /console/people/{id}/pass/{pass}", Needs: []string{"issuePass", "readPass"}, Serve: show},
		{Pattern: "GET /console/people/{id}/pass/{pass}/events", Needs: []string{"issuePass", "readPass"}, Serve: follow},
		{Pattern: "POST /console/people/{id}/pass/{pass}/back", Needs: []string{"deletePass"}, Serve: takeBack},
	}}
}

// A person is whom a pass is for.
type person struct {
	ID, Name, Username, Title, Department string
	Numbers                               []string // that the directory has
	Manager                               string
	Enabled                               bool
}

// FirstName is what somebody is called in a sentence.
func (p person) FirstName() string {
	if first, _, ok := strings.Cut(p.Name, " "); ok && first != "" {
		return first
	}
	return p.Name
}

func formHref(id string) string { return "/console/people/" + url.PathEscape(id) + "/pass" }

// whom reads the person that the address names.
func whom(c *console.Call) (person, error) {
	id := c.R.PathValue("id")
	u, err := c.Graph.Select(c.Context(), "id,displayName,userPrincipalName,jobTitle,department,businessPhones,mobilePhone,accountEnabled", "users", id)
	if err != nil {
		return person{}, err
	}
	p := person{
		ID: u.Text("id"), Name: u.Text("displayName"), Username: u.Text("userPrincipalName"),
		Title: u.Text("jobTitle"), Department: u.Text("department"), Enabled: u["accountEnabled"] != false,
	}
	phones, _ := u["businessPhones"].([]any)
	for _, one := range append(phones, u["mobilePhone"]) {
		if number, ok := one.(string); ok && number != "" {
			p.Numbers = append(p.Numbers, number)
		}
	}
	if manager, err := c.Graph.Select(c.Context(), "id,displayName", "users", p.ID, "manager"); err == nil { // who vouches is a help, not a need
		p.Manager = manager.Text("displayName")
	}
	return p, nil
}

type findPage struct { // find.html
	console.Frame
	console.Finder
}

// File implements console.Page.
func (findPage) File() string { return "find.html" }

// find serves GET /console/pass: whoever is the only one that fits is gone on with.
func find(c *console.Call) error {
	found, err := c.Find(console.Root+"/pass", "passes_for_whom", "displayName", "userPrincipalName", "mail")
	if err != nil {
		return err
	}
	if only := found.Only(c); only != "" {
		return c.Go(formHref(only), "")
	}
	return c.Show(http.StatusOK, findPage{Frame: c.Frame("people"), Finder: found})
}
