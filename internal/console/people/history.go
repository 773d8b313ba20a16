package people

import (
	"net/http"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// An entry is one thing that happened to a person.
type entry struct {
	ID, Correlation string
	At              time.Time
	SignIn, Failed  bool
	// Of a sign-in: where to, with what, on which device, from where, and why not.
	App, Device, Address, Reason string
	With                         []string
	// Of a change: what, by whom, and the reason or ticket that was given.
	Activity, By, Said, Ticket string
}

func entriesOf(c *console.Call, items []graphclient.Object) []entry {
	var all []entry
	for _, o := range items {
		e := entry{ID: o.Text("id"), Correlation: o.Text("correlationId"), SignIn: o.Text("@odata.type") == "#microsoft.graph.signIn"}
		if e.SignIn {
			e.At, e.App, e.Device, e.Address = o.Time("createdDateTime"), o.Text("appDisplayName"), o.Text("deviceDetail/displayName"), o.Text("ipAddress")
			code, _ := statusOf(o)["errorCode"].(float64)
			e.Failed, e.Reason = code != 0, o.Text("status/failureReason")
			with, _ := o["authenticationMethodsUsed"].([]any)
			for _, w := range with {
				if name, ok := w.(string); ok {
					e.With = append(e.With, name)
				}
			}
		} else {
			e.At, e.Activity = o.Time("activityDateTime"), o.Text("activityDisplayName")
			if key := "people_activity_" + e.Activity; c.Text(key) == key {
				e.Activity = c.Did(e.Activity, o.Text("resultReason"))
			}
			if e.Failed = o.Text("result") != "success"; e.Failed {
				e.Reason = o.Text("resultReason")
			}
			if e.By = o.Text("initiatedBy/user/displayName"); e.By == "" {
				if e.By = o.Text("initiatedBy/user/userPrincipalName"); e.By == "" {
					e.By = o.Text("initiatedBy/app/displayName")
				}
			}
			for _, target := range o.Objects("targetResources") {
				for _, m := range target.Objects("modifiedProperties") {
					switch m.Text("displayName") {
					case "postern_reason":
						e.Said = unquoted(m.Text("newValue"))
					case "postern_ticket":
						e.Ticket = unquoted(m.Text("newValue"))
					}
				}
			}
		}
		all = append(all, e)
	}
	return all
}

func statusOf(o graphclient.Object) graphclient.Object {
	status, _ := o["status"].(map[string]any)
	return status
}

// unquoted is a value as the log keeps it, which is as JSON.
func unquoted(s string) string {
	if len(s) > 1 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

type historyPage struct { // history.html
	console.Frame
	User     graphclient.Object
	Name     string
	Entries  []entry
	NextHref string
}

// File implements console.Page.
func (historyPage) File() string { return "history.html" }

// showHistory serves GET /console/people/{id}/history.
func showHistory(c *console.Call) error {
	if c.Foreign() {
		return console.ErrNowhere
	}
	user, err := person(c, "id,displayName,userPrincipalName")
	if err != nil {
		return err
	}
	found, err := c.Page(graphclient.Query{}, "postern", "users", user.Text("id"), "history")
	if err != nil {
		return err
	}
	return c.Show(http.StatusOK, historyPage{
		Frame: c.Frame("people"), User: user, Name: nameOf(user), Entries: entriesOf(c, found.Items), NextHref: c.NextHref(found),
	})
}

// mayOne reports whether the person may do one of actions.
func mayOne(c *console.Call, actions []string) bool { return slices.ContainsFunc(actions, c.May) }
