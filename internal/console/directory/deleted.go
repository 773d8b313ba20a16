package directory

import (
	"net/http"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// A gone is an object that was just deleted, with the way back.
type gone struct {
	Thing       thing
	RestoreHref string
}

// wasDeleted returns what the address says was just deleted, if it is among what can be restored.
// The address names an id only, so that no address can make the page say what is not so.
func wasDeleted(c *console.Call, k kind) *gone {
	id := c.R.URL.Query().Get("gone")
	if id == "" {
		return nil
	}
	o, err := c.Graph.Get(c.Context(), "directory", "deletedItems", id)
	if err != nil {
		return nil
	}
	if t := thingOf(o, k.one); t.Kind == k.one {
		return &gone{Thing: t, RestoreHref: k.href("deleted", id, "restore")}
	}
	return nil
}

// deletedPage lists what can be restored.
type deletedPage struct {
	console.Frame
	What     string // group or application
	Items    []deletedRow
	NextHref string
	MayAct   bool
	BackHref string
}

type deletedRow struct {
	thing
	DeletedAt, EndsAt      time.Time
	RestoreHref, PurgeHref string
}

func (deletedPage) File() string { return "deleted.html" }

func rowOf(k kind, o graphclient.Object) deletedRow {
	t := thingOf(o, k.one)
	row := deletedRow{thing: t, DeletedAt: timeOf(o, "deletedDateTime"), RestoreHref: k.href("deleted", t.ID, "restore"), PurgeHref: k.href("deleted", t.ID, "purge")}
	if !row.DeletedAt.IsZero() {
		row.EndsAt = row.DeletedAt.Add(console.KeptFor)
	}
	return row
}

func listDeleted(k kind) func(*console.Call) error {
	return func(c *console.Call) error {
		found, err := c.Page(graphclient.Query{}, "directory", "deletedItems", k.cast)
		if err != nil {
			return err
		}
		page := deletedPage{Frame: c.Frame(k.nav), What: k.one, NextHref: c.NextHref(found), MayAct: k.mayRestore(c), BackHref: console.Root + "/" + k.nav}
		for _, o := range found.Items {
			page.Items = append(page.Items, rowOf(k, o))
		}
		return c.Show(http.StatusOK, page)
	}
}

func (k kind) mayRestore(c *console.Call) bool {
	if k.one == groups.one {
		return c.May("restoreGroup") || c.May("changeRoleGroup")
	}
	return c.May("writeApplications")
}

// restore brings an object back.
func restore(k kind) func(*console.Call) error {
	return func(c *console.Call) error {
		id := c.R.PathValue("id")
		if _, err := c.Graph.Do(c.Context(), http.MethodPost, nil, "directory", "deletedItems", id, "restore"); err != nil {
			return err
		}
		return c.Go(k.href(id), "directory_"+k.one+"_restored")
	}
}

// deletePage asks before something is deleted: for a while, or for good.
type deletePage struct {
	console.Frame
	What     string // group or application
	Item     deletedRow
	ForGood  bool
	Typed    string // the name, typed again, where there is no way back
	Mistyped bool
	Members  int // of a group, -1 if there are more than were counted
	BackHref string
}

func (deletePage) File() string { return "delete.html" }

// askDelete says what deleting comes to.
func askDelete(k kind) func(*console.Call) error {
	return func(c *console.Call) error {
		page, err := k.deleting(c)
		if err != nil {
			return err
		}
		return c.Show(http.StatusOK, page)
	}
}

func (k kind) deleting(c *console.Call) (deletePage, error) {
	o, err := k.allowed(c, toDelete)
	if err != nil {
		return deletePage{}, err
	}
	page := deletePage{Frame: c.Frame(k.nav), What: k.one, Item: rowOf(k, o), BackHref: k.href(o.Text("id"))}
	if k.one == groups.one {
		members, err := c.Graph.Page(c.Context(), graphclient.Query{Top: 100}, "groups", page.Item.ID, "members")
		if err != nil {
			return page, err
		}
		if page.Members = len(members.Items); members.Next != "" {
			page.Members = -1
		}
	}
	return page, nil
}

// remove deletes an object so that it can be restored.
func remove(k kind) func(*console.Call) error {
	return func(c *console.Call) error {
		page, err := k.deleting(c)
		if err != nil {
			return err
		}
		if _, err := c.Graph.Do(c.Context(), http.MethodDelete, nil, k.nav, page.Item.ID); err != nil {
			return again(c, &page.Frame, err, func() console.Page { return page })
		}
		return c.Go(console.Root+"/"+k.nav+"?gone="+page.Item.ID, "")
	}
}

func (k kind) purging(c *console.Call) (deletePage, error) {
	o, err := c.Graph.Get(c.Context(), "directory", "deletedItems", c.R.PathValue("id"))
	if err != nil {
		return deletePage{}, err
	}
	page := deletePage{Frame: c.Frame(k.nav), What: k.one, Item: rowOf(k, o), ForGood: true, BackHref: k.href("deleted")}
	switch {
	case page.Item.Kind != k.one:
		return page, console.ErrNowhere
	case !k.mayRestore(c):
		return page, console.ErrNotYours
	}
	return page, nil
}

// askPurge asks for the name of what is to be deleted for good.
func askPurge(k kind) func(*console.Call) error {
	return func(c *console.Call) error {
		page, err := k.purging(c)
		if err != nil {
			return err
		}
		return c.Show(http.StatusOK, page)
	}
}

// purge deletes for good what was deleted, once its name was typed.
func purge(k kind) func(*console.Call) error {
	return func(c *console.Call) error {
		page, err := k.purging(c)
		if err != nil {
			return err
		}
		if page.Typed = c.Form("name"); !console.SameName(page.Typed, page.Item.Name) {
			page.Mistyped = true
			return c.Show(http.StatusBadRequest, page)
		}
		if _, err := c.Graph.Do(c.Context(), http.MethodDelete, nil, "directory", "deletedItems", page.Item.ID); err != nil {
			return again(c, &page.Frame, err, func() console.Page { return page })
		}
		return c.Go(k.href("deleted"), "directory_"+k.one+"_purged")
	}
}
