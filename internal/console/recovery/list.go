package recovery

import (
	"errors"
	"net/http"
	"slices"
	"sync"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// Views of the list beside the states.
const (
	showLiving = ""
	showAll    = "all"
)

// mostOfState is how many cases of a state the first view has.
const mostOfState = 10

type listPage struct { // list.html
	console.Frame
	Typed, Show, User string
	Shows             []string
	Groups            []group
	NextHref          string
	Unknown           bool // there is no case of that number
	MayOpen, MayRules bool
	UserName          string
}

// A group are cases of one state, or all that are asked for.
type group struct {
	State string
	Cases []kase
	More  bool
}

// File implements console.Page.
func (listPage) File() string { return "list.html" }

// Any reports whether there is a case to show.
func (p listPage) Any() bool {
	return slices.ContainsFunc(p.Groups, func(g group) bool { return len(g.Cases) > 0 })
}

// list serves GET /console/recovery: what waits for somebody first, by what it waits for; one
// state or all of them a page at a time; or the case of a number.
func list(c *console.Call) error {
	p := listPage{
		Frame: c.Frame("recovery"), Typed: c.Form("q"), Show: c.Form("show"), User: c.Form("person"), MayOpen: c.May(handles), MayRules: c.May(readsPolicy),
		Shows: slices.Concat([]string{showLiving, showAll}, living, over),
	}
	if !slices.Contains(p.Shows, p.Show) {
		p.Show = showLiving
	}
	if p.Typed != "" {
		found, err := p.find(c)
		if err != nil || found {
			return err
		}
	}
	var err error
	switch {
	case p.Unknown:
	case p.User != "":
		err = p.page(c, "userId eq "+graphclient.Quote(p.User))
	case p.Show == showAll:
		err = p.page(c, "")
	case p.Show == showLiving:
		p.Groups, err = waiting(c)
	default:
		err = p.page(c, "state eq "+graphclient.Quote(p.Show))
	}
	if err != nil {
		return err
	}
	p.call(c)
	if p.User != "" {
		p.UserName = c.Called([]string{p.User})[p.User]
	}
	return c.Show(http.StatusOK, p)
}

// call gives the people of the cases their names.
func (p *listPage) call(c *console.Call) {
	var ids []string
	for _, g := range p.Groups {
		for _, k := range g.Cases {
			if !slices.Contains(ids, k.Who.ID) {
				ids = append(ids, k.Who.ID)
			}
		}
	}
	names := c.Called(ids)
	for _, g := range p.Groups {
		for i := range g.Cases {
			g.Cases[i].Who.Name = names[g.Cases[i].Who.ID]
		}
	}
}

// find goes on to the case of a number; true when it answered.
func (p *listPage) find(c *console.Call) (bool, error) {
	number, ok := isNumber(p.Typed)
	if !ok {
		p.Unknown = true
		return false, nil
	}
	found, err := c.Graph.Page(c.Context(), graphclient.Query{Filter: "number eq " + graphclient.Quote(number)}, at()...)
	if err != nil {
		return false, err
	}
	if len(found.Items) == 1 {
		return true, c.Go(hrefOf(found.Items[0].Text("id")), "")
	}
	p.Unknown = true
	return false, nil
}

// page reads one page of the cases that meet filter, newest first.
func (p *listPage) page(c *console.Call, filter string) error {
	found, err := c.Page(graphclient.Query{Filter: filter}, at()...)
	if err != nil {
		return err
	}
	p.NextHref = c.NextHref(found)
	p.Groups = []group{groupOf(p.Show, found)}
	return nil
}

func groupOf(state string, found graphclient.Page) group {
	g := group{State: state, More: found.Next != ""}
	for _, o := range found.Items {
		g.Cases = append(g.Cases, caseOf(o))
	}
	return g
}

// waiting reads what waits for somebody. A case whose time is over, which nobody noted yet, is in
// the state that it is in.
func waiting(c *console.Call) ([]group, error) {
	groups, errs := make([]group, len(living)), make([]error, len(living))
	var all sync.WaitGroup
	for i, state := range living {
		all.Go(func() {
			found, err := c.Graph.Page(c.Context(), graphclient.Query{Filter: "state eq " + graphclient.Quote(state), Top: mostOfState}, at()...)
			groups[i], errs[i] = groupOf(state, found), err
		})
	}
	all.Wait()
	return slices.DeleteFunc(groups, func(g group) bool { return len(g.Cases) == 0 }), errors.Join(errs...)
}
