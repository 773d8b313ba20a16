package methods

import (
	"net/http"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

type historyPage struct { // history.html
	console.Frame
	Policy   policy
	MayWrite bool
	Events   []event
	After    string // the token of this page
	NextHref string
}

// An event is a change of the policy.
type event struct {
	ID, By, Activity string
	At               time.Time
	Changes          []change
	Back             bool // the log says what was before
}

// File implements console.Page.
func (historyPage) File() string { return "history.html" }

func (p policy) historyPath() []string {
	if p.history != nil {
		return p.history
	}
	return methodHistory(p.Key)
}

func history(c *console.Call) error {
	p, err := named(c)
	if err != nil {
		return err
	}
	if !p.told {
		return console.ErrNowhere
	}
	found, err := c.Page(graphclient.Query{Top: 50}, p.historyPath()...)
	if err != nil {
		return err
	}
	page := historyPage{Frame: c.Frame(p.Section()), Policy: p, MayWrite: p.mayWrite(c), After: c.Form("after"), NextHref: c.NextHref(found)}
	names, err := groupNames(c, found.Items)
	if err != nil {
		return err
	}
	scoped := namesIn(c, scopesIn(p, found.Items))
	for _, one := range found.Items {
		page.Events = append(page.Events, eventOf(c, p, one, names, scoped))
	}
	return c.Show(http.StatusOK, page)
}

// groupNames returns the names of the groups that changes speak of, in the form of a preview.
func groupNames(c *console.Call, events []graphclient.Object) (graphclient.Object, error) {
	var ids []string
	seen := map[string]bool{allUsers: true}
	for _, e := range events {
		for _, version := range []string{"before", "after"} {
			o, _ := e[version].(map[string]any)
			for _, list := range []string{include, exclude} {
				for _, t := range graphclient.Object(o).Objects(list) {
					if id := t.Text("id"); !seen[id] {
						seen[id] = true
						ids = append(ids, id)
					}
				}
			}
		}
	}
	if len(ids) == 0 || !c.May("readGroup") {
		return nil, nil
	}
	answer, err := c.Graph.Do(c.Context(), http.MethodPost, graphclient.Object{"ids": ids[:min(len(ids), 1000)], "types": []string{"group"}}, "directoryObjects", "getByIds")
	if err != nil {
		return nil, err
	}
	var targets []any
	for _, g := range answer.Objects("value") {
		targets = append(targets, map[string]any{"id": g.Text("id"), "displayName": g.Text("displayName"), "count": 0.0})
	}
	return graphclient.Object{"targets": targets}, nil
}

// scopesIn are the scopes that changes speak of.
func scopesIn(p policy, events []graphclient.Object) (all []string) {
	for _, e := range events {
		for _, version := range []string{"before", "after"} {
			o, _ := e[version].(map[string]any)
			for _, f := range p.fields {
				if f.Kind == kindWho {
					all = append(all, f.of(o))
				}
			}
		}
	}
	return all
}

func eventOf(c *console.Call, p policy, o, names graphclient.Object, scoped map[string]string) event {
	e := event{ID: o.Text("id"), By: actor(o), Activity: o.Text("activityDisplayName"), At: moment(o.Text("activityDateTime"))}
	before, _ := o["before"].(map[string]any)
	after, _ := o["after"].(map[string]any)
	e.Back = before != nil && after != nil
	if !e.Back {
		return e
	}
	old, now := draftOf(p, before, ""), draftOf(p, after, "")
	for i, s := range old.Settings {
		s.names = scoped
		if then := now.Settings[i].Now; then != s.Now {
			e.Changes = append(e.Changes, change{Label: s.Label(c, p), Now: s.shown(c, s.Now, names), Then: s.shown(c, then, names)})
		}
	}
	return e
}

func actor(o graphclient.Object) string {
	if name := o.Text("initiatedBy/user/displayName"); name != "" {
		return name
	}
	return o.Text("initiatedBy/app/displayName")
}

func moment(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return at
}

// beforeOf returns the policy as it was before a change that is on the page of the history that the
// address names.
func beforeOf(c *console.Call, p policy, id string) (graphclient.Object, error) {
	found, err := c.Page(graphclient.Query{Top: 50}, p.historyPath()...)
	if err != nil {
		return nil, err
	}
	for _, one := range found.Items {
		if before, ok := one["before"].(map[string]any); ok && one.Text("id") == id {
			return before, nil
		}
	}
	return nil, console.ErrNowhere
}

// lastChange says who changed the policy last; nothing when the log does not tell.
func lastChange(c *console.Call, p policy) (by string, at time.Time, err error) {
	found, err := c.Graph.Page(c.Context(), graphclient.Query{Top: 1}, p.historyPath()...)
	if err != nil || len(found.Items) == 0 {
		return "", time.Time{}, err
	}
	return actor(found.Items[0]), moment(found.Items[0].Text("activityDateTime")), nil
}
