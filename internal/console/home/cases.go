package home

import (
	"net/url"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// mostCases is how many cases of recovery the first page names of each state.
const mostCases = 3

// casesWaiting are the cases of recovery that wait for somebody who works here, the most urgent first.
func casesWaiting(c *console.Call) ([]need, error) {
	if !c.May("readCases") {
		return nil, nil
	}
	states := []struct{ state, kind, severity string }{
		{"disputed", "caseDisputed", "danger"}, {"approved", "caseApproved", "caution"}, {"proven", "caseProven", "caution"}, {"open", "caseOpen", "caution"},
	}
	pages, errs := make([]graphclient.Page, len(states)), make([]error, len(states))
	var all sync.WaitGroup
	for i, one := range states {
		all.Go(func() {
			pages[i], errs[i] = c.Graph.Page(c.Context(), graphclient.Query{Filter: "state eq " + graphclient.Quote(one.state), Top: mostCases}, "postern", "recovery", "cases")
		})
	}
	all.Wait()
	var ids []string
	for _, p := range pages {
		for _, o := range p.Items {
			ids = append(ids, o.Text("userId"))
		}
	}
	names := c.Called(ids)
	var needs []need
	more := false
	for i, one := range states {
		if errs[i] != nil {
			return nil, errs[i]
		}
		mark := icons[one.severity]
		for _, o := range pages[i].Items {
			n := need{Kind: one.kind, Key: "home_need_" + one.kind, Why: "home_why_" + one.kind, Icon: mark[0], Tone: mark[1], Name: names[o.Text("userId")]}
			if n.Name == "" {
				n.Name = o.Text("number")
			}
			n.At, _ = time.Parse(time.RFC3339, o.Text("createdDateTime"))
			n.Href = console.Root + "/recovery/cases/" + url.PathEscape(o.Text("id"))
			needs = append(needs, n)
		}
		more = more || pages[i].Next != ""
	}
	if more {
		mark := icons["notice"]
		needs = append(needs, need{Kind: "casesMore", Key: "home_need_casesMore", Why: "home_why_casesMore", Icon: mark[0], Tone: mark[1], Href: console.Root + "/recovery"})
	}
	return needs, nil
}
