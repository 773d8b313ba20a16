package workflows

import (
	"net/http"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// mostPeople is how many people one run on demand takes, as in Entra.
const mostPeople = 10

type runPage struct { // run.html
	console.Frame
	Flow    flow
	Typed   string
	Chosen  []graphclient.Object
	Found   []graphclient.Object
	More    bool
	Met     bool // the search found somebody, who may be chosen already
	Full    bool
	OnesOwn string // query of the address with those who are chosen
}

// File implements console.Page.
func (runPage) File() string { return "run.html" }

// choose serves GET /console/workflows/{id}/run: for whom it is to run now.
func choose(c *console.Call) error { return chooseAgain(c, http.StatusOK, nil) }

func chooseAgain(c *console.Call, status int, wrong *console.Trouble) error {
	if err := c.R.ParseForm(); err != nil {
		return err
	}
	p := runPage{Frame: c.Frame("workflows"), Typed: c.Form("q")}
	p.Fault = wrong
	var err error
	if p.Flow, err = read(c); err != nil {
		return err
	}
	ids := chosen(c)
	for _, id := range ids {
		u, err := c.Graph.Select(c.Context(), "id,displayName,userPrincipalName,department", "users", id)
		if err != nil {
			return err
		}
		p.Chosen = append(p.Chosen, u)
	}
	p.Full = len(ids) == mostPeople
	if search := console.Search(p.Typed, "displayName", "userPrincipalName", "mail", "employeeId"); search != "" && !p.Full {
		found, err := c.Graph.Page(c.Context(), graphclient.Query{Search: search, Select: "id,displayName,userPrincipalName,department", Top: 10}, "users")
		if err != nil {
			return err
		}
		p.More, p.Met = found.Next != "", len(found.Items) > 0
		p.Found = slices.DeleteFunc(found.Items, func(o graphclient.Object) bool { return slices.Contains(ids, o.Text("id")) })
	}
	return c.Show(status, p)
}

// chosen are the ids of those who were chosen so far, without the one who is taken out.
func chosen(c *console.Call) []string {
	var ids []string
	for _, id := range c.R.Form["person"] {
		if id != "" && !slices.Contains(ids, id) && id != c.Form("without") && len(ids) < mostPeople {
			ids = append(ids, id)
		}
	}
	return ids
}

// run serves POST /console/workflows/{id}/run.
func run(c *console.Call) error {
	if err := c.R.ParseForm(); err != nil {
		return err
	}
	id := c.R.PathValue("id")
	if err := c.Graph.RunWorkflow(c.Context(), id, chosen(c)); err != nil {
		if wrong := console.Explain(err); wrong != nil {
			return chooseAgain(c, http.StatusBadRequest, wrong)
		}
		return err
	}
	return c.Go(hrefOf(id), "workflows_running")
}

type resultsPage struct { // results.html
	console.Frame
	Flow     flow
	Run      runLine
	Open     bool // somebody's tasks are under way
	People   []result
	NextHref string
}

// File implements console.Page.
func (resultsPage) File() string { return "results.html" }

// A result is what a run did for one person.
type result struct {
	UserID, Name, Username, Status string
	At                             time.Time
	Tasks                          []taskResult
	Held                           bool // the next task waits for a time
}

// A taskResult is how one task ended, and why.
type taskResult struct {
	Name, Status, Why string
	At                time.Time
	Until             time.Time // that it waits until, for the reason in Why
}

// showRun serves GET /console/workflows/{id}/runs/{run}: each person and task, and what went wrong.
func showRun(c *console.Call) error {
	p := resultsPage{Frame: c.Frame("workflows")}
	var err error
	if p.Flow, err = read(c); err != nil {
		return err
	}
	id := c.R.PathValue("run")
	o, err := c.Graph.Get(c.Context(), at(p.Flow.ID, "runs", id)...)
	if err != nil {
		return err
	}
	p.Run = runOf(o)
	p.Open = p.Run.Status == "inProgress" || p.Run.Status == "queued"
	found, err := c.Page(graphclient.Query{Expand: graphclient.TaskResults}, at(p.Flow.ID, "runs", id, "userProcessingResults")...)
	if err != nil {
		return err
	}
	p.NextHref = c.NextHref(found)
	held := len(found.Items) > 0
	for _, o := range found.Items {
		r := result{o.Text("subject/id"), o.Text("subject/displayName"), o.Text("subject/userPrincipalName"), o.Text("processingStatus"), o.Time("completedDateTime"), nil, false}
		for _, t := range o.Objects("taskProcessingResults") {
			one := taskResult{t.Text("task/displayName"), t.Text("processingStatus"), t.Text("failureReason"), t.Time("completedDateTime"), t.Time("postern_waitsUntilDateTime")}
			if !one.Until.IsZero() {
				one.Status, one.Why = "queued", t.Text("postern_waitsFor")
				r.Status, r.Held = one.Status, true
			}
			r.Tasks = append(r.Tasks, one)
		}
		held = held && (r.Held || !r.At.IsZero())
		p.People = append(p.People, r)
	}
	p.Open = p.Open && !held
	return c.Show(http.StatusOK, p)
}
