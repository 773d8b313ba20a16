package workflows

import (
	"net/http"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

type jobsPage struct { // jobs.html
	console.Frame
	Jobs     []job
	NextHref string
	MayRetry bool
	MayFlows bool
}

// File implements console.Page.
func (jobsPage) File() string { return "jobs.html" }

// A job is something that was given up.
type job struct {
	ID, Kind, Slug, Why string
	Queued, Ended       time.Time
	Tries               int
}

// listJobs serves GET /console/workflows/jobs.
func listJobs(c *console.Call) error {
	p := jobsPage{Frame: c.Frame("workflows"), MayRetry: c.May(retries), MayFlows: c.May(reads)}
	found, err := c.Page(graphclient.Query{}, "postern", "jobs")
	if err != nil {
		return err
	}
	p.NextHref = c.NextHref(found)
	for _, o := range found.Items {
		p.Jobs = append(p.Jobs, job{
			o.Text("id"), o.Text("kind"), console.Slug(o.Text("kind")), o.Text("lastError"), o.Time("createdDateTime"), o.Time("endedDateTime"), number(o, "attempts"),
		})
	}
	return c.Show(http.StatusOK, p)
}

// retry serves POST /console/workflows/jobs/{id}/retry.
func retry(c *console.Call) error {
	if err := c.Graph.RetryJob(c.Context(), c.R.PathValue("id")); err != nil {
		return err
	}
	return c.Go(dead, "workflows_retried")
}
