package graph

import (
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/jobs"
)

const jobSet = "postern/jobs"

// jobRoutes are the jobs that the server does by itself.
func jobRoutes() []route {
	return []route{
		{"GET /postern/jobs", odata.Logs, directory.ReadJobs, nil, (*API).listJobs},
		{"POST /postern/jobs/{id}/retry", odata.Policies, directory.RetryJob, nil, (*API).retryJob},
	}
}

var (
	jobProperties = names(jobResource(jobs.Job{}))
	jobSchema     = filter.Schema{{Name: "state", Type: filter.TypeString, Column: "state", Ops: filter.Equality}}
	jobStates     = []jobs.State{jobs.Dead, jobs.Waiting, jobs.Done}
)

// errJobState says what jobs are listed by.
var errJobState = odata.ErrUnsupportedQuery.With("$filter", "Jobs are listed by one state: state eq 'dead', 'waiting' or 'done'.")

// jobResource is j without its body, which only its kind understands.
func jobResource(j jobs.Job) odata.Entity {
	next := odata.Time(j.DueAt)
	if j.State != jobs.Waiting {
		next = nil
	}
	return odata.Entity{
		{Name: "id", Value: j.ID},
		{Name: "kind", Value: j.Kind},
		{Name: "key", Value: j.Key},
		{Name: "state", Value: string(j.State)},
		{Name: "createdDateTime", Value: odata.Time(j.CreatedAt)},
		{Name: "nextTryDateTime", Value: next},
		{Name: "endedDateTime", Value: odata.Time(j.EndedAt)},
		{Name: "attempts", Value: j.Attempts},
		{Name: "lastError", Value: text(j.LastError)},
	}
}

// listJobs serves GET /postern/jobs: those of one state, dead unless $filter or the address says another.
func (a *API) listJobs(c *call) error {
	w, err := a.wish(c, odata.Allow{Properties: jobProperties, DefaultTop: usualPage, MaxTop: largestPage, Filter: true}, jobSchema)
	if err != nil {
		return err
	}
	state := jobs.Dead
	if len(w.match) > 0 {
		if state = jobStateOf(w.match[0]); len(w.match) > 1 || state == "" {
			return errJobState
		}
	}
	found, position, err := a.Store.Jobs(c.ctx(), c.tenant.ID, state, w.after, w.options.Top)
	if err != nil {
		return err
	}
	return writeList(a, c, w, jobSet, found, position, nil, jobResource)
}

// jobStateOf is the one state that b asks for, or "".
func jobStateOf(b filter.Bound) jobs.State {
	var one jobs.State
	for _, s := range jobStates {
		if filter.Eval(b, func(string) []filter.Value { return []filter.Value{filter.String(s)} }) {
			if one != "" {
				return ""
			}
			one = s
		}
	}
	return one
}

// retryJob serves POST /postern/jobs/{id}/retry: what was given up begins anew.
func (a *API) retryJob(c *call) error {
	id, err := objectID(c, "id", jobs.ErrUnknown)
	if err != nil {
		return err
	}
	j, err := a.Store.DeadJob(c.ctx(), c.tenant.ID, id)
	if err != nil {
		return err
	}
	e := a.event(c, audit.Change{
		Activity: audit.WakeJob, Category: audit.CategoryDirectoryManagement, Service: audit.ServicePostern, Operation: audit.OperationUpdate,
		Targets: []audit.Target{{ID: j.ID, Type: audit.TargetOther, DisplayName: j.Kind}},
		Details: []audit.KeyValue{{Key: "job", Value: j.ID}, {Key: "kind", Value: j.Kind}, {Key: "key", Value: j.Key}, {Key: "lastError", Value: j.LastError}},
	})
	if err := a.Store.WakeJob(c.ctx(), c.tenant.ID, j.ID, a.Now(), e); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}
