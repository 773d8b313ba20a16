package methods

import (
	"net/http"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

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
	names, err := groupNames(c, found.Items)
	if err != nil {
		return err
	}
	scoped := namesIn(c, scopesIn(p, found.Items))
	h := console.History{Frame: c.Frame(p.Section()), Of: "methods_name_" + p.Key, Href: p.Href(), MayWrite: p.mayWrite(c)}
	return c.ShowHistory(h, found, func(before, after graphclient.Object) ([]console.Change, error) {
		return changesOf(c, p, before, after, names, scoped), nil
	})
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

func changesOf(c *console.Call, p policy, before, after, names graphclient.Object, scoped map[string]string) []console.Change {
	var all []console.Change
	was, is := draftOf(p, before, ""), draftOf(p, after, "")
	for i, s := range was.Settings {
		s.names = scoped
		if then := is.Settings[i].Now; then != s.Now {
			all = append(all, console.Change{Label: s.Label(c, p), Now: s.shown(c, s.Now, names), Then: s.shown(c, then, names)})
		}
	}
	return all
}

// beforeOf returns the policy as it was before a change that is on the page of the history that the
// address names.
func beforeOf(c *console.Call, p policy, id string) (graphclient.Object, error) {
	found, err := c.Page(graphclient.Query{Top: 50}, p.historyPath()...)
	if err != nil {
		return nil, err
	}
	return console.Before(found, id)
}

// lastChange says who changed the policy last; nothing when the log does not tell.
func lastChange(c *console.Call, p policy) (by string, at time.Time, err error) {
	found, err := c.Graph.Page(c.Context(), graphclient.Query{Top: 1}, p.historyPath()...)
	if err != nil || len(found.Items) == 0 {
		return "", time.Time{}, err
	}
	return console.ActorOf(found.Items[0]), found.Items[0].Time("activityDateTime"), nil
}
