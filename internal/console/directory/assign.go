package directory

import (
	"net/http"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// chooseHolder finds who is to get a role.
func chooseHolder(c *console.Call) error {
	r, err := roleOf(c, c.R.PathValue("id"))
	if err != nil {
		return err
	}
	href := console.Root + "/roles/" + r.ID
	page := pickPage{
		Frame: c.Frame("groups"), What: "role", Of: thing{ID: r.ID, Name: r.Name, Href: href}, Q: c.Form("q"),
		Link: href + "/assign/", BackHref: href,
	}
	if page.Found, page.More, err = find(c, page.Q, []string{"users", "servicePrincipals"}); err != nil {
		return err
	}
	bearers, more, err := roleGroups(c, page.Q)
	if err != nil {
		return err
	}
	page.Found, page.More = append(page.Found, bearers...), page.More || more
	return c.Show(http.StatusOK, page)
}

// roleGroups finds groups that may hold roles.
func roleGroups(c *console.Call, q string) ([]thing, bool, error) {
	if console.Search(q, "displayName") == "" || !c.May("readGroup") {
		return nil, false, nil
	}
	page, err := c.Graph.Page(c.Context(), graphclient.Query{Search: console.Search(q, "displayName"), Top: 50}, "groups")
	var all []thing
	for _, o := range page.Items {
		if is(o, "isAssignableToRole") {
			all = append(all, thingOf(o, "group"))
		}
	}
	return all, page.Next != "", err
}

// assignPage says what giving a role, or taking it, comes to.
type assignPage struct {
	console.Frame
	Of      role
	To      thing
	Holders int
	Many    bool // it would make many Global Administrators
	Members int  // of a group; -1 if there are more than were counted
	Already bool

	Take      bool // the role is taken away
	Last, Own bool // why it can't be
	Holder    holder
}

func (assignPage) File() string { return "assign.html" }

func assigning(c *console.Call) (assignPage, error) {
	page := assignPage{Frame: c.Frame("groups")}
	var err error
	if page.Of, err = roleOf(c, c.R.PathValue("id")); err != nil {
		return page, err
	}
	o, err := c.Graph.Get(c.Context(), "directoryObjects", c.R.PathValue("principal"))
	if err != nil {
		return page, err
	}
	page.To = thingOf(o, "")
	holders, err := holdersOf(c, page.Of.ID)
	if err != nil {
		return page, err
	}
	page.Holders = len(holders)
	for _, h := range holders {
		page.Already = page.Already || h.ID == page.To.ID
	}
	page.Many = page.Of.ID == globalAdministrator && page.Holders+1 >= fewGlobals
	err = countMembers(c, &page)
	return page, err
}

// countMembers says how many people get a role through a group.
func countMembers(c *console.Call, page *assignPage) error {
	if page.To.Kind != "group" {
		return nil
	}
	members, err := c.Graph.Page(c.Context(), graphclient.Query{Top: 100}, "groups", page.To.ID, "members")
	if page.Members = len(members.Items); members.Next != "" {
		page.Members = -1
	}
	return err
}

func askAssign(c *console.Call) error {
	page, err := assigning(c)
	if err != nil {
		return err
	}
	return c.Show(http.StatusOK, page)
}

func assign(c *console.Call) error {
	role, principal := c.R.PathValue("id"), c.R.PathValue("principal")
	if _, err := c.Graph.AssignRole(c.Context(), role, principal); err != nil {
		page, failed := assigning(c)
		if failed != nil {
			return err
		}
		return again(c, &page.Frame, err, func() console.Page { return page })
	}
	return c.Go(console.Root+"/roles/"+role, "directory_role_given")
}

func taking(c *console.Call) (assignPage, error) {
	page := assignPage{Frame: c.Frame("groups"), Take: true}
	var err error
	if page.Of, err = roleOf(c, c.R.PathValue("id")); err != nil {
		return page, err
	}
	holders, err := holdersOf(c, page.Of.ID)
	if err != nil {
		return page, err
	}
	page.Holders = len(holders)
	for _, h := range holders {
		if h.Assignment == c.R.PathValue("assignment") {
			page.To, page.Holder, page.Last, page.Own = h.thing, h, h.Last, h.Own
			err = countMembers(c, &page)
			return page, err
		}
	}
	return page, console.ErrNowhere
}

func askTake(c *console.Call) error {
	page, err := taking(c)
	if err != nil {
		return err
	}
	return c.Show(http.StatusOK, page)
}

func take(c *console.Call) error {
	page, err := taking(c)
	if err != nil {
		return err
	}
	if err := c.Graph.RemoveAssignment(c.Context(), page.Holder.Assignment); err != nil {
		return again(c, &page.Frame, err, func() console.Page { return page })
	}
	return c.Go(console.Root+"/roles/"+page.Of.ID, "directory_role_taken")
}
