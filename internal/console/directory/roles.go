package directory

import (
	"net/http"
	"sort"
	"strings"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// globalAdministrator is the template id of the role that must not be left without a holder.
const globalAdministrator = "62e90394-69f5-4237-9190-012177145e10"

// fewGlobals is how many Global Administrators are enough; Microsoft advises fewer than five.
// https://learn.microsoft.com/entra/identity/role-based-access-control/best-practices
const fewGlobals = 5

// rolesPage lists the roles.
type rolesPage struct {
	console.Frame
	Held, Free []roleRow // with holders, and without
	MayGroups  bool
}

type roleRow struct {
	ID, Name, Description string
	Holders               int
}

func (rolesPage) File() string { return "roles.html" }

func listRoles(c *console.Call) error {
	page := rolesPage{Frame: c.Frame("groups"), MayGroups: c.May("readGroup")}
	holders := map[string]int{}
	for held, err := range c.Graph.RoleAssignments(c.Context(), graphclient.Query{}) {
		if err != nil {
			return err
		}
		holders[held.Text("roleDefinitionId")]++
	}
	for o, err := range c.Graph.RoleDefinitions(c.Context()) {
		if err != nil {
			return err
		}
		row := roleRow{ID: o.Text("id"), Name: o.Text("displayName"), Description: o.Text("description"), Holders: holders[o.Text("id")]}
		if row.Holders > 0 {
			page.Held = append(page.Held, row)
		} else {
			page.Free = append(page.Free, row)
		}
	}
	return c.Show(http.StatusOK, page)
}

// A role is one with what it comes to.
type role struct {
	ID, Name, Description string
	Privileged            bool
	Known                 bool // Graph says what the role comes to
	// Everywhere are the actions that extend to everybody, Reached those that extend only to whom
	// the role reaches, Plain those that every member may do without it.
	Everywhere, Reached, Plain []string
	Everybody                  bool
	Reaches                    []string // roles, by name
	HelpedBy                   []thing  // roles that issue passes for who holds it
	Issues                     bool     // it issues passes
	Native                     []string // Graph's own names of what it allows, where nothing else is known
}

// roleOf reads a role, with what it comes to where Graph says so.
func roleOf(c *console.Call, id string) (role, error) {
	o, err := c.Graph.RoleDefinition(c.Context(), id)
	if err != nil {
		return role{}, err
	}
	r := role{ID: o.Text("id"), Name: o.Text("displayName"), Description: o.Text("description")}
	if c.Foreign() {
		for _, p := range o.Objects("rolePermissions") {
			r.Native = append(r.Native, texts(p, "allowedResourceActions")...)
		}
		return r, nil
	}
	reach, err := c.Graph.Get(c.Context(), "postern", "roles", id, "reach")
	if err != nil {
		return r, err
	}
	r.Known, r.Privileged, r.Everybody = true, is(reach, "isPrivileged"), is(reach, "reachesEverybody")
	for _, a := range reach.Objects("actions") {
		name := a.Text("action")
		switch {
		case is(a, "openToMembers"):
			r.Plain = append(r.Plain, name)
		case is(a, "limitedToReach") && !r.Everybody:
			r.Reached = append(r.Reached, name)
		default:
			r.Everywhere = append(r.Everywhere, name)
		}
		r.Issues = r.Issues || name == "issuePass"
	}
	for _, list := range [][]string{r.Everywhere, r.Reached} {
		sort.SliceStable(list, func(i, j int) bool { return !onlyReads(list[i]) && onlyReads(list[j]) })
	}
	for _, one := range reach.Objects("reachesRoles") {
		r.Reaches = append(r.Reaches, one.Text("displayName"))
	}
	for _, one := range reach.Objects("passesIssuedBy") {
		r.HelpedBy = append(r.HelpedBy, thing{ID: one.Text("id"), Name: one.Text("displayName"), Href: console.Root + "/roles/" + one.Text("id")})
	}
	return r, nil
}

// onlyReads reports whether an action changes nothing, by its name: what changes something comes
// first.
func onlyReads(action string) bool { return strings.HasPrefix(action, "read") }

// A holder holds a role.
type holder struct {
	thing
	Assignment string
	Own        bool // it is the signed-in person
	Last       bool // nobody else is left
}

// holdersOf returns who holds a role. Where one enabled person is the last Global Administrator,
// that one is marked: Graph keeps them.
func holdersOf(c *console.Call, id string) ([]holder, error) {
	q := graphclient.Query{Filter: "roleDefinitionId eq " + graphclient.Quote(id), Expand: "principal"}
	var all []holder
	enabled := 0
	for o, err := range c.Graph.RoleAssignments(c.Context(), q) {
		if err != nil {
			return nil, err
		}
		principal, _ := o["principal"].(map[string]any)
		h := holder{thing: thingOf(principal, ""), Assignment: o.Text("id"), Own: o.Text("principalId") == c.Person.ID}
		if h.ID == "" {
			h.ID, h.Name = o.Text("principalId"), o.Text("principalId") // what may not be read
		}
		if h.Kind == "user" && !h.Off {
			enabled++
		}
		all = append(all, h)
	}
	for i := range all {
		all[i].Last = id == globalAdministrator && enabled == 1 && all[i].Kind == "user" && !all[i].Off
	}
	return all, nil
}

// rolePage shows one role.
type rolePage struct {
	console.Frame
	Of        role
	Holders   []holder
	MayAssign bool
	Many      bool // Global Administrators
	Alone     bool // one Global Administrator
}

func (rolePage) File() string { return "role.html" }

func showRole(c *console.Call) error {
	r, err := roleOf(c, c.R.PathValue("id"))
	if err != nil {
		return err
	}
	page := rolePage{Frame: c.Frame("groups"), Of: r, MayAssign: c.May("assignRoles")}
	if page.Holders, err = holdersOf(c, r.ID); err != nil {
		return err
	}
	page.Many, page.Alone = globals(r.ID, page.Holders)
	return c.Show(http.StatusOK, page)
}

func globals(role string, holders []holder) (many, alone bool) {
	return role == globalAdministrator && len(holders) >= fewGlobals, role == globalAdministrator && len(holders) == 1
}
