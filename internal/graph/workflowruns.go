package graph

import (
	"errors"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/lifecycle"
)

var runProperties = names(runResource(lifecycle.Run{}))

// runResource is r as Graph shows it.
// https://learn.microsoft.com/graph/api/resources/identitygovernance-run
func runResource(r lifecycle.Run) odata.Entity {
	n := r.Counts
	return odata.Entity{
		{Name: "id", Value: r.ID},
		{Name: "processingStatus", Value: string(r.Status)},
		{Name: "scheduledDateTime", Value: odata.Time(r.ScheduledAt)},
		{Name: "startedDateTime", Value: odata.Time(r.StartedAt)},
		{Name: "completedDateTime", Value: odata.Time(r.CompletedAt)},
		{Name: "lastUpdatedDateTime", Value: odata.Time(r.UpdatedAt)},
		{Name: "totalUsersCount", Value: n.People},
		{Name: "successfulUsersCount", Value: n.Succeeded},
		{Name: "failedUsersCount", Value: n.Failed},
		{Name: "totalTasksCount", Value: n.Tasks},
		{Name: "failedTasksCount", Value: n.TasksFailed},
		{Name: "totalUnprocessedTasksCount", Value: n.TasksUnprocessed},
		{Name: "workflowExecutionType", Value: string(r.Execution)},
		{Name: "postern_workflowVersion", Value: r.Version, OnSelect: true},
	}
}

// pages reads the options of a list by time.
func (a *API) pages(c *call, properties []string) (wish, error) {
	var w wish
	var err error
	if w.options, err = odata.ParseOptions(c.r, odata.Allow{Properties: properties, DefaultTop: usualPage, MaxTop: largestPage}); err != nil {
		return w, err
	}
	err = a.openCursor(c, &w)
	return w, err
}

// listRuns serves GET …/workflows/{id}/runs, the newest first.
// https://learn.microsoft.com/graph/api/identitygovernance-workflow-list-runs
func (a *API) listRuns(c *call) error {
	w, err := a.pages(c, runProperties)
	if err != nil {
		return err
	}
	of, err := a.workflow(c)
	if err != nil {
		return err
	}
	found, position, err := a.Store.ListRuns(c.ctx(), c.tenant.ID, of.ID, w.after, w.options.Top)
	if err != nil {
		return err
	}
	return writeList(a, c, w, odata.Within(workflowSet, of.ID, "runs"), found, position, nil, runResource)
}

func (a *API) workflowRun(c *call) (lifecycle.Run, error) {
	of, err := a.workflow(c)
	if err != nil {
		return lifecycle.Run{}, err
	}
	return a.Store.Run(c.ctx(), c.tenant.ID, of.ID, c.r.PathValue("run"))
}

// getRun serves GET …/workflows/{id}/runs/{run}.
func (a *API) getRun(c *call) error {
	r, err := a.workflowRun(c)
	if err != nil {
		return err
	}
	return a.single(c, odata.Within(workflowSet, r.Workflow, "runs"), runResource(r))
}

var personProperties = names(runPersonResource(lifecycle.Person{}, directory.User{}))

// runPersonResource is what a workflow did for one person.
// https://learn.microsoft.com/graph/api/resources/identitygovernance-userprocessingresult
func runPersonResource(p lifecycle.Person, u directory.User) odata.Entity {
	failed, open := 0, 0
	for _, t := range p.Tasks {
		switch t.Status {
		case lifecycle.Failed:
			failed++
		case lifecycle.Queued, lifecycle.InProgress, lifecycle.Canceled:
			open++
		}
	}
	return odata.Entity{
		{Name: "id", Value: p.ID},
		{Name: "processingStatus", Value: string(p.Status)},
		{Name: "scheduledDateTime", Value: odata.Time(p.ScheduledAt)},
		{Name: "startedDateTime", Value: odata.Time(p.StartedAt)},
		{Name: "completedDateTime", Value: odata.Time(p.CompletedAt)},
		{Name: "totalTasksCount", Value: len(p.Tasks)},
		{Name: "failedTasksCount", Value: failed},
		{Name: "totalUnprocessedTasksCount", Value: open},
		{Name: "workflowExecutionType", Value: string(p.Execution)},
		{Name: "workflowVersion", Value: p.Version},
		{Name: "subject", Value: subjectResource(p.User, u)},
		{Name: "postern_runId", Value: p.Run, OnSelect: true},
	}
}

func subjectResource(id directory.UserID, u directory.User) odata.Entity {
	return odata.Entity{{Name: "id", Value: id}, {Name: "displayName", Value: text(u.DisplayName)}, {Name: "userPrincipalName", Value: text(u.UserPrincipalName)}}
}

// processed is who p is about; who is gone has an id and no name.
func (a *API) processed(c *call, p lifecycle.Person) (directory.User, error) {
	u, err := a.Store.User(c.ctx(), c.tenant.ID, p.User)
	if errors.Is(err, directory.ErrUserUnknown) {
		return directory.User{}, nil
	}
	return u, err
}

var resultExpand = map[string][]string{"taskProcessingResults": names(taskResultResource(lifecycle.Person{}, directory.User{}, lifecycle.TaskResult{}))}

// listRunPeople serves GET …/workflows/{id}/userProcessingResults, and those of one run.
// https://learn.microsoft.com/graph/api/identitygovernance-workflow-list-userprocessingresults
func (a *API) listRunPeople(c *call) error {
	var w wish
	var err error
	if w.options, err = odata.ParseOptions(c.r, odata.Allow{Properties: personProperties, Expand: resultExpand, DefaultTop: usualPage, MaxTop: largestPage}); err != nil {
		return err
	}
	if err := a.openCursor(c, &w); err != nil {
		return err
	}
	of, err := a.workflow(c)
	if err != nil {
		return err
	}
	run := c.r.PathValue("run")
	if run != "" {
		if _, err := a.Store.Run(c.ctx(), c.tenant.ID, of.ID, run); err != nil {
			return err
		}
	}
	found, position, err := a.Store.ListPeople(c.ctx(), c.tenant.ID, of.ID, run, w.after, w.options.Top)
	if err != nil {
		return err
	}
	shown := make([]odata.Entity, len(found))
	for i, p := range found {
		if shown[i], err = a.showRunPerson(c, p, w.options); err != nil {
			return err
		}
	}
	if w.options.Select != nil && len(w.options.Expand) > 0 {
		w.options.Select = append(w.options.Select, "taskProcessingResults")
	}
	return writeList(a, c, w, odata.Within(workflowSet, of.ID, "userProcessingResults"), shown, position, nil, func(e odata.Entity) odata.Entity { return e })
}

func (a *API) showRunPerson(c *call, p lifecycle.Person, o odata.Options) (odata.Entity, error) {
	u, err := a.processed(c, p)
	e := runPersonResource(p, u).Select(o.Select)
	if len(o.Expand) > 0 {
		all := []odata.Entity{}
		for _, t := range p.Tasks {
			all = append(all, taskResultResource(p, u, t).Select(o.Expand[0].Select))
		}
		e = append(e, odata.Property{Name: "taskProcessingResults", Value: all})
	}
	return e, err
}

// runPerson finds the result that the path names.
func (a *API) runPerson(c *call) (lifecycle.Person, error) {
	of, err := a.workflow(c)
	if err != nil {
		return lifecycle.Person{}, err
	}
	p, err := a.Store.Person(c.ctx(), c.tenant.ID, c.r.PathValue("result"))
	if run := c.r.PathValue("run"); err == nil && (p.Workflow != of.ID || run != "" && p.Run != run) {
		err = lifecycle.ErrRunUnknown
	}
	return p, err
}

// getRunPerson serves GET …/workflows/{id}/userProcessingResults/{result}.
func (a *API) getRunPerson(c *call) error {
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: personProperties, Expand: resultExpand})
	if err != nil {
		return err
	}
	p, err := a.runPerson(c)
	if err != nil {
		return err
	}
	e, err := a.showRunPerson(c, p, o)
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity(odata.Within(workflowSet, p.Workflow, "userProcessingResults"), o.Select), e)
}

// taskResultResource is what a task came to for one person.
// https://learn.microsoft.com/graph/api/resources/identitygovernance-taskprocessingresult
func taskResultResource(p lifecycle.Person, u directory.User, t lifecycle.TaskResult) odata.Entity {
	until, why := p.Held(t)
	return odata.Entity{
		{Name: "id", Value: t.ID},
		{Name: "processingStatus", Value: string(t.Status)},
		{Name: "failureReason", Value: text(t.FailureReason)},
		{Name: "createdDateTime", Value: odata.Time(t.CreatedAt)},
		{Name: "startedDateTime", Value: odata.Time(t.StartedAt)},
		{Name: "completedDateTime", Value: odata.Time(t.CompletedAt)},
		{Name: "subject", Value: subjectResource(p.User, u)},
		{Name: "task", Value: taskResource(t.Sequence, t.Task)},
		{Name: "postern_waitsUntilDateTime", Value: odata.Time(until), OnSelect: true},
		{Name: "postern_waitsFor", Value: text(why), OnSelect: true},
	}
}

// listPersonTasks serves GET …/userProcessingResults/{result}/taskProcessingResults.
func (a *API) listPersonTasks(c *call) error {
	p, err := a.runPerson(c)
	if err != nil {
		return err
	}
	u, err := a.processed(c, p)
	if err != nil {
		return err
	}
	all := make([]odata.Entity, len(p.Tasks))
	for i, t := range p.Tasks {
		all[i] = taskResultResource(p, u, t)
	}
	return a.plain(c, odata.Within(workflowSet, p.Workflow, "taskProcessingResults"), resultExpand["taskProcessingResults"], all)
}

// mostRunPeople is of how many people a page of the tasks of a run tells at most.
const mostRunPeople = 25

// listRunTasks serves GET …/runs/{run}/taskProcessingResults: the tasks of all people of a run. A page ends at a
// person, of whom so many tasks were shown.
// https://learn.microsoft.com/graph/api/identitygovernance-run-list-taskprocessingresults
func (a *API) listRunTasks(c *call) error {
	w, err := a.pages(c, resultExpand["taskProcessingResults"])
	if err != nil {
		return err
	}
	r, err := a.workflowRun(c)
	if err != nil {
		return err
	}
	var begun []lifecycle.Person
	shown := 0
	if len(w.after) == 3 {
		id, _ := w.after[1].(string)
		p, err := a.Store.Person(c.ctx(), c.tenant.ID, id)
		if err != nil {
			return err
		}
		n, _ := w.after[2].(float64)
		begun, shown, w.after = []lifecycle.Person{p}, min(int(n), len(p.Tasks)), w.after[:2]
	}
	people, position, err := a.Store.ListPeople(c.ctx(), c.tenant.ID, r.Workflow, r.ID, w.after, min(w.options.Top, mostRunPeople))
	if err != nil {
		return err
	}
	if position != nil {
		position = append(position, len(people[len(people)-1].Tasks))
	}
	var all []odata.Entity
	for _, p := range append(begun, people...) {
		u, err := a.processed(c, p)
		if err != nil {
			return err
		}
		if room := w.options.Top - len(all); len(p.Tasks)-shown > room {
			position = []any{p.ScheduledAt.UnixMicro(), p.ID, shown + room}
			p.Tasks = p.Tasks[:shown+room]
		}
		for _, t := range p.Tasks[shown:] {
			all = append(all, taskResultResource(p, u, t))
		}
		if shown = 0; len(position) == 3 && position[1] == p.ID {
			break
		}
	}
	set := odata.Within(odata.Within(workflowSet, r.Workflow, "runs"), r.ID, "taskProcessingResults")
	return writeList(a, c, w, set, all, position, nil, func(e odata.Entity) odata.Entity { return e })
}

// recentRuns is of how many runs reports are shown at once.
const recentRuns = 10

// listTaskReports serves GET …/workflows/{id}/taskReports: how the tasks of the latest runs stand, the newest first.
// https://learn.microsoft.com/graph/api/identitygovernance-workflow-list-taskreports
func (a *API) listTaskReports(c *call) error {
	of, err := a.workflow(c)
	if err != nil {
		return err
	}
	runs, _, err := a.Store.ListRuns(c.ctx(), c.tenant.ID, of.ID, nil, recentRuns)
	if err != nil {
		return err
	}
	var all []odata.Entity
	for _, r := range runs {
		reports, err := a.Store.TaskReports(c.ctx(), c.tenant.ID, of.ID, r.ID)
		if err != nil {
			return err
		}
		for _, t := range reports {
			all = append(all, taskReportResource(r, t))
		}
	}
	return a.plain(c, odata.Within(workflowSet, of.ID, "taskReports"), names(taskReportResource(lifecycle.Run{}, lifecycle.TaskReport{})), all)
}

// taskReportResource is t as Graph shows it; its id is made of those of the run and the task.
// https://learn.microsoft.com/graph/api/resources/identitygovernance-taskreport
func taskReportResource(r lifecycle.Run, t lifecycle.TaskReport) odata.Entity {
	status := lifecycle.Completed
	switch {
	case !r.Status.Ended():
		status = lifecycle.InProgress
	case t.Failed > 0 && t.Succeeded > 0:
		status = lifecycle.CompletedWithErrors
	case t.Failed > 0:
		status = lifecycle.Failed
	case t.Succeeded == 0 && t.Unprocessed > 0:
		status = lifecycle.Canceled
	}
	return odata.Entity{
		{Name: "id", Value: r.ID + "_" + t.TaskID},
		{Name: "runId", Value: r.ID},
		{Name: "processingStatus", Value: string(status)},
		{Name: "totalUsersCount", Value: t.Total},
		{Name: "successfulUsersCount", Value: t.Succeeded},
		{Name: "failedUsersCount", Value: t.Failed},
		{Name: "unprocessedUsersCount", Value: t.Unprocessed},
		{Name: "startedDateTime", Value: odata.Time(t.StartedAt)},
		{Name: "completedDateTime", Value: odata.Time(t.CompletedAt)},
		{Name: "lastUpdatedDateTime", Value: odata.Time(r.UpdatedAt)},
		{Name: "task", Value: taskResource(t.Sequence, t.Task)},
	}
}
