package workflows

import (
	"net/http"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

type listPage struct { // list.html
	console.Frame
	Flows             []flow
	Dead              bool // jobs were given up
	MayWrite, MayJobs bool
}

// File implements console.Page.
func (listPage) File() string { return "list.html" }

// most is how many workflows a tenant has at most.
const most = 100

// list serves GET /console/workflows.
func list(c *console.Call) error {
	p := listPage{Frame: c.Frame("workflows"), MayWrite: c.May(writes), MayJobs: c.May(readsJobs)}
	found, err := c.Graph.Page(c.Context(), graphclient.Query{Top: most}, at()...)
	if err != nil {
		return err
	}
	for _, o := range found.Items {
		p.Flows = append(p.Flows, flowOf(o))
	}
	if p.MayJobs {
		jobs, err := c.Graph.Page(c.Context(), graphclient.Query{Top: 1}, "postern", "jobs")
		if err != nil {
			return err
		}
		p.Dead = len(jobs.Items) > 0
	}
	return c.Show(http.StatusOK, p)
}
