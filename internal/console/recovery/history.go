package recovery

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

type historyPage struct { // history.html
	console.Frame
	MayWrite bool
	Events   []event
	After    string // the token of this page
	NextHref string
}

// An event is a change of the policy.
type event struct {
	ID, By  string
	At      time.Time
	Changes []change
	Back    bool // the log says what was before
}

// File implements console.Page.
func (historyPage) File() string { return "history.html" }

func policyEvents(c *console.Call) (graphclient.Page, error) {
	return c.Page(graphclient.Query{SkipToken: c.Form("after")}, append(slices.Clip(policyAt), "history")...)
}

// policyHistory serves GET /console/recovery/policy/history.
func policyHistory(c *console.Call) error {
	found, err := policyEvents(c)
	if err != nil {
		return err
	}
	p := historyPage{Frame: c.Frame("recovery"), MayWrite: c.May(writesPolicy), After: c.Form("after"), NextHref: c.NextHref(found)}
	for _, one := range found.Items {
		e := event{
			ID: one.Text("id"), By: cmp.Or(one.Text("initiatedBy/user/displayName"), one.Text("initiatedBy/app/displayName")), At: moment(one, "activityDateTime"),
		}
		before, had := one["before"].(map[string]any)
		after, has := one["after"].(map[string]any)
		if e.Back = had && has; e.Back {
			was, err := rulesOf(before)
			if err != nil {
				return err
			}
			is, err := rulesOf(after)
			if err != nil {
				return err
			}
			e.Changes = changesOf(c, was, is)
		}
		p.Events = append(p.Events, e)
	}
	return c.Show(http.StatusOK, p)
}

// beforeOf returns the policy as it was before a change that is on the page of the history that the address or
// the form names.
func beforeOf(c *console.Call, id string) (rules, error) {
	found, err := policyEvents(c)
	if err != nil {
		return rules{}, err
	}
	for _, one := range found.Items {
		if before, ok := one["before"].(map[string]any); ok && one.Text("id") == id {
			return rulesOf(before)
		}
	}
	return rules{}, console.ErrNowhere
}
