package console

import (
	"cmp"
	"net/http"
	"time"

	"github.com/postern-id/postern/internal/graphclient"
)

// A History is the page of what was changed in a policy: history.html.
type History struct {
	Frame
	Of       string // key of what the policy is called
	Href     string // of the policy; ?back= and the id of an event show it as it was before
	MayWrite bool
	Events   []PolicyEvent
	After    string // the token of this page
	NextHref string
}

// A PolicyEvent is a change of a policy, as the log tells it.
type PolicyEvent struct {
	ID, By  string
	At      time.Time
	Changes []Change
	Back    bool // the log says what was before
}

// A Change is a row of what changes in a policy, in words.
type Change struct{ Label, Now, Then string }

// File implements Page.
func (History) File() string { return "history.html" }

// ShowHistory shows found, a page of the log of one policy; changes says in words what differs between two versions.
func (c *Call) ShowHistory(h History, found graphclient.Page, changes func(before, after graphclient.Object) ([]Change, error)) error {
	h.After, h.NextHref = c.Form("after"), c.NextHref(found)
	for _, one := range found.Items {
		e := PolicyEvent{ID: one.Text("id"), By: ActorOf(one), At: one.Time("activityDateTime")}
		before, had := one["before"].(map[string]any)
		after, has := one["after"].(map[string]any)
		if e.Back = had && has; e.Back {
			var err error
			if e.Changes, err = changes(before, after); err != nil {
				return err
			}
		}
		h.Events = append(h.Events, e)
	}
	return c.Show(http.StatusOK, h)
}

// ActorOf is the name of who did what an event of the log tells; empty where it was the server itself.
func ActorOf(event graphclient.Object) string {
	return cmp.Or(event.Text("initiatedBy/user/displayName"), event.Text("initiatedBy/app/displayName"))
}

// Before returns the policy as it was before a change of found, a page of its history.
func Before(found graphclient.Page, id string) (graphclient.Object, error) {
	for _, one := range found.Items {
		if before, ok := one["before"].(map[string]any); ok && one.Text("id") == id {
			return before, nil
		}
	}
	return nil, ErrNowhere
}
