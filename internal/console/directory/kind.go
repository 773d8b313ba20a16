package directory

import (
	"strings"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// A kind is what the pages of groups and of applications have in common.
type kind struct {
	nav  string // its name in the navigation, in addresses and at Graph
	cast string // its type in lists of what was deleted
	one  string // what one of them is called in keys of words
	// lists are the lists that people can be put on, each with what may be on it.
	lists map[string][]string
	// may reports whether a person may do to o what the name stands for: edit, delete, members.
	may func(c *console.Call, o graphclient.Object, what string) bool
}

// The words for what may be done to an object; each kind knows the action behind it.
const (
	toEdit   = "edit"
	toDelete = "delete"
	toLink   = "members" // and owners
)

var (
	groups = kind{
		nav: "groups", cast: "microsoft.graph.group", one: "group",
		lists: map[string][]string{"members": {"users", "groups", "devices", "servicePrincipals"}, "owners": {"users", "servicePrincipals"}},
		may:   mayGroup,
	}
	applications = kind{
		nav: "applications", cast: "microsoft.graph.application", one: "application",
		lists: map[string][]string{"owners": {"users", "servicePrincipals"}},
		may:   mayApplication,
	}
)

// href is the address of a page of the object with an id.
func (k kind) href(id string, rest ...string) string {
	return console.Root + "/" + k.nav + "/" + strings.Join(append([]string{id}, rest...), "/")
}

// open reads the object that {id} names.
func (k kind) open(c *console.Call) (graphclient.Object, error) {
	return c.Graph.Get(c.Context(), k.nav, c.R.PathValue("id"))
}

// allowed reads the object that {id} names, and refuses who may not do what to it.
func (k kind) allowed(c *console.Call, what string) (graphclient.Object, error) {
	o, err := k.open(c)
	if err == nil && !k.may(c, o, what) {
		err = console.ErrNotYours
	}
	return o, err
}

func mayGroup(c *console.Call, g graphclient.Object, what string) bool {
	if is(g, "isAssignableToRole") {
		return c.May("changeRoleGroup") // owning one gives no right
	}
	action := map[string]string{toEdit: "updateGroup", toDelete: "deleteGroup", toLink: "changeMembers"}[what]
	return c.May(action) || owns(c, "groups", g)
}

func mayApplication(c *console.Call, app graphclient.Object, _ string) bool {
	return c.May("writeApplications") || owns(c, "applications", app)
}

// owns reports whether the signed-in person owns o. Not to know is not to own.
func owns(c *console.Call, set string, o graphclient.Object) bool {
	filter := "id in (" + graphclient.Quote(c.Person.ID) + ")"
	page, err := c.Graph.Page(c.Context(), graphclient.Query{Filter: filter, Top: 1}, set, o.Text("id"), "owners")
	return err == nil && len(page.Items) == 1 && page.Items[0].Text("id") == c.Person.ID
}

// is reports whether a property is true.
func is(o graphclient.Object, name string) bool {
	v, _ := o[name].(bool)
	return v
}

// texts returns a property that is a list of texts, at a path of names.
func texts(o graphclient.Object, path ...string) []string {
	for len(path) > 1 {
		inner, _ := o[path[0]].(map[string]any)
		o, path = inner, path[1:]
	}
	list, _ := o[path[0]].([]any)
	var all []string
	for _, one := range list {
		if s, ok := one.(string); ok {
			all = append(all, s)
		}
	}
	return all
}

// A thing is an object of the directory as a list shows it.
type thing struct {
	ID, Name string
	Second   string // what tells it from others of that name
	Kind     string // user, group, servicePrincipal, device or application
	Href     string // of its page; empty if there is none
	Off      bool   // its account is disabled
}

func thingOf(o graphclient.Object, kind string) thing {
	if t := strings.TrimPrefix(o.Text("@odata.type"), "#microsoft.graph."); t != "" {
		kind = t
	}
	t := thing{ID: o.Text("id"), Name: o.Text("displayName"), Kind: kind}
	if enabled, ok := o["accountEnabled"].(bool); ok {
		t.Off = !enabled
	}
	switch kind {
	case "user":
		t.Second, t.Href = o.Text("userPrincipalName"), console.Root+"/people/"+t.ID
	case "group":
		t.Second, t.Href = o.Text("description"), groups.href(t.ID)
	case "device":
		t.Second, t.Href = o.Text("operatingSystem"), console.Root+"/devices/"+t.ID
	case "servicePrincipal", "application":
		t.Second = o.Text("appId")
	}
	return t
}

// sets are the collections that things are found in, with what they are called one by one.
var sets = map[string]string{"users": "user", "groups": "group", "devices": "device", "servicePrincipals": "servicePrincipal"}

// usable says which action lets a person look into a set.
var usable = map[string]string{"users": "readUserBasic", "groups": "readGroup", "devices": "readDevices", "servicePrincipals": "readApplications"}

// mostFound is how many things of one set a search shows.
const mostFound = 10

// find returns what is called q among the sets in, mostFound of each, and whether there are more.
func find(c *console.Call, q string, in []string) (found []thing, more bool, err error) {
	if q == "" {
		return nil, false, nil
	}
	for _, set := range in {
		if !c.May(usable[set]) {
			continue
		}
		page, err := named(c, set, q)
		if err != nil {
			return nil, false, err
		}
		for _, o := range page.Items {
			found = append(found, thingOf(o, sets[set]))
		}
		more = more || page.Next != ""
	}
	return found, more, nil
}

// named asks for what of a set is called q: by the beginnings of words, and devices, whose words
// are not searched, by how the name begins.
func named(c *console.Call, set, q string) (graphclient.Page, error) {
	query := graphclient.Query{Top: mostFound, Search: console.Search(q, "displayName")}
	switch {
	case set == "devices":
		query.Search, query.Filter = "", "startsWith(displayName,"+graphclient.Quote(q)+")"
	case query.Search == "":
		return graphclient.Page{}, nil
	case set == "users":
		query.Search = console.Search(q, "displayName", "userPrincipalName", "mail")
	}
	return c.Graph.Page(c.Context(), query, set)
}

// Icon is the icon that stands for a thing.
func (t thing) Icon() string {
	switch t.Kind {
	case "group":
		return "people"
	case "device":
		return "device"
	case "servicePrincipal", "application":
		return "apps"
	}
	return "person"
}
