package directory

import (
	"slices"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// groupsPage lists groups.
type groupsPage struct {
	console.Frame
	Q        string
	Only     string // dynamic, or empty
	Groups   []groupRow
	NextHref string
	MayMake  bool
	// MayRestore says that there is a page of what was deleted.
	MayRestore bool
	MayRoles   bool
	Gone       *gone
}

type groupRow struct {
	ID, Name, Description string
	Dynamic, ForRoles     bool
}

func (groupsPage) File() string { return "groups.html" }

func listGroups(c *console.Call) error {
	page := groupsPage{
		Frame: c.Frame("groups"), Q: c.Form("q"), Only: c.Form("only"),
		MayMake: c.May("createGroup") || c.May("changeRoleGroup"), MayRestore: c.May("readDeletedGroup"), MayRoles: c.May("readRoles"),
		Gone: wasDeleted(c, groups),
	}
	q := graphclient.Query{OrderBy: "displayName"}
	if page.Q != "" {
		q.OrderBy, q.Search = "", console.Search(page.Q, "displayName")
	}
	if page.Only == "dynamic" {
		q.OrderBy, q.Filter = "", "groupTypes/any(t:t eq 'DynamicMembership')"
	}
	if page.Q == "" || q.Search != "" {
		found, err := c.Page(q, "groups")
		if err != nil {
			return err
		}
		for _, o := range found.Items {
			page.Groups = append(page.Groups, groupRow{
				ID: o.Text("id"), Name: o.Text("displayName"), Description: o.Text("description"),
				Dynamic: dynamic(o), ForRoles: is(o, "isAssignableToRole"),
			})
		}
		page.NextHref = c.NextHref(found)
	}
	return c.Show(200, page)
}

// dynamic reports whether a rule decides who is in a group.
func dynamic(group graphclient.Object) bool {
	return slices.Contains(texts(group, "groupTypes"), ruled)
}

// ruled is the type of a group whose members a rule decides on.
const ruled = "DynamicMembership"

// groupPage shows one group.
type groupPage struct {
	console.Frame
	Group    groupFacts
	Owners   []thing
	Members  []thing
	NextHref string
	Find     string // what is looked for among the members
	FindMore bool   // more have such a name than were looked at

	MayEdit, MayDelete, MayLink bool
	MayRoles                    bool
	Roles                       []thing // that members hold through the group
}

type groupFacts struct {
	ID, Name, Description, Nickname, Rule string
	Dynamic, Paused, ForRoles             bool
	CreatedAt                             time.Time
}

func factsOf(o graphclient.Object) groupFacts {
	return groupFacts{
		ID: o.Text("id"), Name: o.Text("displayName"), Description: o.Text("description"), Nickname: o.Text("mailNickname"),
		Rule: o.Text("membershipRule"), Dynamic: dynamic(o), Paused: o.Text("membershipRuleProcessingState") == "Paused",
		ForRoles: is(o, "isAssignableToRole"), CreatedAt: timeOf(o, "createdDateTime"),
	}
}

func timeOf(o graphclient.Object, name string) time.Time {
	at, err := time.Parse(time.RFC3339, o.Text(name))
	if err != nil {
		return time.Time{}
	}
	return at
}

func (groupPage) File() string { return "group.html" }

func showGroup(c *console.Call) error {
	o, err := groups.open(c)
	if err != nil {
		return err
	}
	page := groupPage{
		Frame: c.Frame("groups"), Group: factsOf(o), Find: c.Form("find"), MayRoles: c.May("readRoles"),
		MayEdit: mayGroup(c, o, toEdit), MayDelete: mayGroup(c, o, toDelete), MayLink: mayGroup(c, o, toLink),
	}
	id := page.Group.ID
	owners, err := c.Graph.Page(c.Context(), graphclient.Query{Top: 20}, "groups", id, "owners")
	if err != nil {
		return err
	}
	page.Owners = things(owners.Items)
	if page.Find != "" {
		page.Members, page.FindMore, err = amongMembers(c, id, page.Find)
	} else {
		var members graphclient.Page
		members, err = c.Page(graphclient.Query{}, "groups", id, "members")
		page.Members, page.NextHref = things(members.Items), c.NextHref(members)
	}
	if err != nil {
		return err
	}
	if page.Group.ForRoles && page.MayRoles {
		page.Roles, err = rolesOf(c, id)
	}
	if err != nil {
		return err
	}
	return c.Show(200, page)
}

func things(objects []graphclient.Object) []thing {
	var all []thing
	for _, o := range objects {
		all = append(all, thingOf(o, ""))
	}
	return all
}

// amongMembers returns the members of a group that are called q. It asks for the first that are
// called so in the tenant, and which of them are members: a group may have a million.
func amongMembers(c *console.Call, id, q string) ([]thing, bool, error) {
	found, more, err := find(c, q, groups.lists["members"])
	if err != nil || len(found) == 0 {
		return nil, more, err
	}
	filter := "id in ("
	for i, t := range found {
		if i > 0 {
			filter += ","
		}
		filter += graphclient.Quote(t.ID)
	}
	page, err := c.Graph.Page(c.Context(), graphclient.Query{Filter: filter + ")", Top: len(found)}, "groups", id, "members")
	return things(page.Items), more, err
}

// rolesOf returns the roles that a principal holds by itself.
func rolesOf(c *console.Call, principal string) ([]thing, error) {
	held, err := c.Graph.Page(c.Context(), graphclient.Query{
		Filter: "principalId eq " + graphclient.Quote(principal), Expand: "roleDefinition",
	}, "roleManagement", "directory", "roleAssignments")
	var all []thing
	for _, o := range held.Items {
		id := o.Text("roleDefinitionId")
		all = append(all, thing{ID: id, Name: o.Text("roleDefinition/displayName"), Kind: "role", Href: console.Root + "/roles/" + id})
	}
	return all, err
}
