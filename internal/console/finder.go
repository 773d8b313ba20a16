package console

import "github.com/postern-id/postern/internal/graphclient"

// A Finder is how a form that is about somebody begins: whom is it for? A page embeds one, and shows it by "finder".
type Finder struct {
	Address string // of the page; ?person= and an id choose who was found
	Ask     string // key of the question; what stands below it is at {Ask}_hint, if anything
	Typed   string
	People  []graphclient.Object
	More    bool                 // than are shown
	Groups  []graphclient.Object // where one of a group is meant, too; ?group= chooses one
}

// mostFound is how many people a Finder offers.
const mostFound = 10

// Find looks for whom q names by one of properties.
func (c *Call) Find(address, ask string, properties ...string) (Finder, error) {
	f := Finder{Address: address, Ask: ask, Typed: c.Form("q")}
	search := Search(f.Typed, properties...)
	if search == "" {
		return f, nil
	}
	found, err := c.Graph.Page(c.Context(), graphclient.Query{Search: search, Select: "id,displayName,userPrincipalName,department,jobTitle", Top: mostFound}, "users")
	f.People, f.More = found.Items, found.Next != ""
	return f, err
}

// FindGroups looks for groups that q names as well, for who may read them.
func (c *Call) FindGroups(f *Finder) error {
	search := Search(f.Typed, "displayName")
	if search == "" || !c.May("readGroup") {
		return nil
	}
	found, err := c.Graph.Page(c.Context(), graphclient.Query{Search: search, Select: "id,displayName,description", Top: mostFound}, "groups")
	f.Groups = found.Items
	return err
}

// Only returns the id of the only one that fits, whom Enter goes on with; nothing while somebody types.
func (f Finder) Only(c *Call) string {
	if len(f.People) != 1 || f.More || c.R.Header.Get("HX-Request") != "" {
		return ""
	}
	return f.People[0].Text("id")
}
