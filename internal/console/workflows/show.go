package workflows

import (
	"net/http"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

type showPage struct { // show.html
	console.Frame
	Flow     flow
	Names    names
	Runs     []runLine
	NextHref string
	Due      []person
	Versions []flow
	MayWrite bool
	Meets    int // how many people meet the rule now; -1 where that is not known
}

// File implements console.Page.
func (showPage) File() string { return "show.html" }

// A runLine is one time that a workflow ran.
type runLine struct {
	ID, Status, How         string
	At, Ended               time.Time
	People, Done, Failed    int
	TasksFailed, TasksUnrun int
}

func runOf(o graphclient.Object) runLine {
	return runLine{
		ID: o.Text("id"), Status: o.Text("processingStatus"), How: o.Text("workflowExecutionType"), At: o.Time("scheduledDateTime"), Ended: o.Time("completedDateTime"),
		People: number(o, "totalUsersCount"), Done: number(o, "successfulUsersCount"), Failed: number(o, "failedUsersCount"),
		TasksFailed: number(o, "failedTasksCount"), TasksUnrun: number(o, "totalUnprocessedTasksCount"),
	}
}

// A person is somebody whose turn comes.
type person struct {
	ID, Name, Username string
	At                 time.Time
}

// soon is how many of those whose turn comes a page names.
const soon = 10

// show serves GET /console/workflows/{id}: what it does, for whom it will be due, and what it did.
func show(c *console.Call) error {
	p := showPage{Frame: c.Frame("workflows"), MayWrite: c.May(writes), Meets: -1}
	var err error
	if p.Flow, err = read(c); err != nil {
		return err
	}
	p.Names = namesOf(c, p.Flow.Tasks)
	if !p.Flow.OnDemand && p.Flow.Rule != "" {
		met, err := c.Graph.Page(c.Context(), graphclient.Query{Filter: p.Flow.Rule, Select: "id", Top: 1, Count: true}, "users")
		if err == nil { // a help, not a need: not every role may look, nor every rule be looked for
			p.Meets = met.Count
		}
	}
	runs, err := c.Page(graphclient.Query{Top: 20}, at(p.Flow.ID, "runs")...)
	if err != nil {
		return err
	}
	p.NextHref = c.NextHref(runs)
	for _, o := range runs.Items {
		p.Runs = append(p.Runs, runOf(o))
	}
	if p.Flow.State() == "on" {
		due, err := c.Graph.Page(c.Context(), graphclient.Query{Top: soon}, at(p.Flow.ID, "executionScope")...)
		if err != nil {
			return err
		}
		for _, o := range due.Items {
			p.Due = append(p.Due, person{o.Text("id"), o.Text("displayName"), o.Text("userPrincipalName"), o.Time("postern_dueDateTime")})
		}
	}
	versions, err := c.Graph.Page(c.Context(), graphclient.Query{Top: most}, at(p.Flow.ID, "versions")...)
	if err != nil {
		return err
	}
	for _, o := range versions.Items {
		p.Versions = append(p.Versions, flowOf(o))
	}
	return c.Show(http.StatusOK, p)
}

// turn serves POST /console/workflows/{id}/switch: on, on without its schedule, or off.
func turn(c *console.Call) error {
	to := c.Form("to")
	change := graphclient.Object{"isEnabled": to != "off", "isSchedulingEnabled": to == "on"}
	id := c.R.PathValue("id")
	if _, err := c.Graph.Matching(c.Form("etag")).Do(c.Context(), http.MethodPatch, change, at(id)...); err != nil {
		return err
	}
	return c.Go(hrefOf(id), "workflows_"+map[bool]string{true: "on", false: "off"}[to != "off"])
}

type versionPage struct { // version.html
	console.Frame
	Of, Flow flow
	Names    names
}

// File implements console.Page.
func (versionPage) File() string { return "version.html" }

// showVersion serves GET /console/workflows/{id}/versions/{version}.
func showVersion(c *console.Call) error {
	p := versionPage{Frame: c.Frame("workflows")}
	var err error
	if p.Of, err = read(c); err != nil {
		return err
	}
	o, err := c.Graph.Get(c.Context(), at(p.Of.ID, "versions", c.R.PathValue("version"))...)
	if err != nil {
		return err
	}
	p.Flow = flowOf(o)
	p.Names = namesOf(c, p.Flow.Tasks)
	return c.Show(http.StatusOK, p)
}

type deletePage struct { // delete.html
	console.Frame
	Flow flow
}

// File implements console.Page.
func (deletePage) File() string { return "delete.html" }

func askDelete(c *console.Call) error {
	f, err := read(c)
	if err != nil {
		return err
	}
	return c.Show(http.StatusOK, deletePage{Frame: c.Frame("workflows"), Flow: f})
}

// remove serves POST /console/workflows/{id}/delete. It can be restored by Graph.
func remove(c *console.Call) error {
	if _, err := c.Graph.Matching(c.Form("etag")).Do(c.Context(), http.MethodDelete, nil, at(c.R.PathValue("id"))...); err != nil {
		return err
	}
	return c.Go(root, "workflows_deleted")
}
