package directory

import (
	"context"
	"net/http"
	"slices"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// pickPage finds people and things to put on a list, or to give a role to.
type pickPage struct {
	console.Frame
	What     string // keys of the words: pick_{what}
	Of       thing  // whose list it is
	Q        string
	Found    []thing
	More     bool
	Post     string // where a choice is posted; empty: it is a link to Link + its id
	Link     string
	BackHref string
	ForRoles bool
}

func (pickPage) File() string { return "pick.html" }

// listOf is the list that the address names, with what may be on it.
func (k kind) listOf(c *console.Call, o graphclient.Object) (name string, in []string, err error) {
	name = c.R.PathValue("list")
	in, ok := k.lists[name]
	if !ok {
		return "", nil, console.ErrNowhere
	}
	if is(o, "isAssignableToRole") {
		in = slices.DeleteFunc(slices.Clone(in), func(set string) bool { return set == "groups" })
	}
	return name, in, nil
}

// change does something to an entry of the list that the address names; refused answers if it
// can't be done.
func (k kind) change(c *console.Call, do func(ctx context.Context, set, id, list, entry string) error, done string, refused func(error) error) error {
	o, err := k.allowed(c, toLink)
	if err != nil {
		return err
	}
	name, _, err := k.listOf(c, o)
	if err != nil {
		return err
	}
	if err := do(c.Context(), k.nav, o.Text("id"), name, c.Form("id")); err != nil {
		return refused(err)
	}
	return c.Go(k.href(o.Text("id")), done+name)
}

// askAdd finds what is to be put on a list.
func askAdd(k kind) func(*console.Call) error {
	return func(c *console.Call) error { return k.pick(c, nil) }
}

// pick shows the page on which something is found, with why a choice was refused.
func (k kind) pick(c *console.Call, refused error) error {
	o, err := k.allowed(c, toLink)
	if err != nil {
		return err
	}
	name, in, err := k.listOf(c, o)
	if err != nil {
		return err
	}
	id := o.Text("id")
	page := pickPage{
		Frame: c.Frame(k.nav), What: k.one + "_" + name, Of: thingOf(o, k.one), Q: c.Form("q"),
		Post: k.href(id, name, "add"), BackHref: k.href(id), ForRoles: is(o, "isAssignableToRole"),
	}
	if page.Found, page.More, err = find(c, page.Q, in); err != nil {
		return err
	}
	if refused != nil {
		return again(c, &page.Frame, refused, func() console.Page { return page })
	}
	return c.Show(http.StatusOK, page)
}

// add puts what was chosen on a list.
func add(k kind) func(*console.Call) error {
	return func(c *console.Call) error {
		return k.change(c, c.Graph.AddLink, "directory_added_", func(err error) error { return k.pick(c, err) })
	}
}

// takeOut removes from a list. What was removed can be added again, so nobody is asked first.
func takeOut(k kind) func(*console.Call) error {
	return func(c *console.Call) error {
		return k.change(c, c.Graph.RemoveLink, "directory_removed_", func(err error) error { return err })
	}
}
