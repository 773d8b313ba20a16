package graph

import (
	"context"
	"slices"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/lifecycle"
	"github.com/postern-id/postern/internal/outbox"
)

// Workflows is what runs lifecycle workflows; *lifecycle.Engine is one.
type Workflows interface {
	Activate(ctx context.Context, w lifecycle.Workflow, ids []directory.UserID, vouched map[directory.UserID]bool, event audit.Event) (lifecycle.Run, error)
	CheckThere(ctx context.Context, w lifecycle.Workflow) error
	Scope(ctx context.Context, w lifecycle.Workflow, limit int) ([]directory.User, error)
	Preview(ctx context.Context, tenant directory.TenantID, t lifecycle.Task, lang string) (outbox.Mail, error)
}

const (
	lifecycleSet = "identityGovernance/lifecycleWorkflows/"
	workflowSet  = lifecycleSet + "workflows"

	byTriggerAndScope = "#microsoft.graph.identityGovernance.triggerAndScopeBasedConditions"
	onDemandCondition = "#microsoft.graph.identityGovernance.onDemandExecutionOnly"
	byRule            = "#microsoft.graph.identityGovernance.ruleBasedSubjectSet"
	byTime            = "#microsoft.graph.identityGovernance.timeBasedAttributeTrigger"
)

// workflowRoutes are below /identityGovernance/lifecycleWorkflows. Actions go by their short names, too.
func workflowRoutes() []route {
	const (
		at     = "/identityGovernance/lifecycleWorkflows/"
		one    = at + "workflows/{id}"
		buried = at + "deletedItems/workflows/{id}"
		graph  = "microsoft.graph.identityGovernance."
	)
	read := func(path string, serve func(*API, *call) error) route {
		return route{"GET " + path, odata.Policies, directory.ReadWorkflows, nil, serve}
	}
	write := func(pattern string, serve func(*API, *call) error) route {
		return route{pattern, odata.Policies, directory.WriteWorkflows, nil, serve}
	}
	return []route{
		read(at+"workflows", (*API).listWorkflows), write("POST "+at+"workflows", (*API).createWorkflow),
		read(one, (*API).getWorkflow), write("PATCH "+one, (*API).patchWorkflow), write("DELETE "+one, (*API).deleteWorkflow),
		read(one+"/tasks", (*API).listTasks), read(one+"/tasks/{task}", (*API).getTask), write("PATCH "+one+"/tasks/{task}", (*API).patchTask),
		read(one+"/versions", (*API).listVersions), read(one+"/versions/{version}", (*API).getVersion),
		read(one+"/executionScope", (*API).listScope),
		write("POST "+one+"/"+graph+"activate", (*API).activateWorkflow), write("POST "+one+"/activate", (*API).activateWorkflow),
		write("POST "+one+"/"+graph+"createNewVersion", (*API).createVersion), write("POST "+one+"/createNewVersion", (*API).createVersion),
		read(one+"/runs", (*API).listRuns), read(one+"/runs/{run}", (*API).getRun),
		read(one+"/runs/{run}/userProcessingResults", (*API).listRunPeople), read(one+"/runs/{run}/userProcessingResults/{result}", (*API).getRunPerson),
		read(one+"/runs/{run}/taskProcessingResults", (*API).listRunTasks),
		read(one+"/runs/{run}/userProcessingResults/{result}/taskProcessingResults", (*API).listPersonTasks),
		read(one+"/userProcessingResults", (*API).listRunPeople), read(one+"/userProcessingResults/{result}", (*API).getRunPerson),
		read(one+"/userProcessingResults/{result}/taskProcessingResults", (*API).listPersonTasks),
		read(one+"/taskReports", (*API).listTaskReports),
		read(at+"taskDefinitions", (*API).listTaskDefinitions), read(at+"taskDefinitions/{definition}", (*API).getTaskDefinition),
		read(at+"workflowTemplates", (*API).listWorkflowTemplates), read(at+"workflowTemplates/{template}", (*API).getWorkflowTemplate),
		read(at+"deletedItems/workflows", (*API).listDeletedWorkflows), read(buried, (*API).getWorkflow), write("DELETE "+buried, (*API).purgeWorkflow),
		write("POST "+buried+"/"+graph+"restore", (*API).restoreWorkflow), write("POST "+buried+"/restore", (*API).restoreWorkflow),
		read(at+"settings", (*API).getWorkflowSettings), write("PATCH "+at+"settings", (*API).patchWorkflowSettings),
		read(at+"customTaskExtensions", (*API).listExtensions), write("POST "+at+"customTaskExtensions", (*API).createExtension),
		read(at+"customTaskExtensions/{id}", (*API).getExtension), write("PATCH "+at+"customTaskExtensions/{id}", (*API).patchExtension),
		write("DELETE "+at+"customTaskExtensions/{id}", (*API).deleteExtension),
		write("POST /postern/lifecycleWorkflows/preview", (*API).previewMail),
	}
}

var workflowSchema = filter.Schema{
	{Name: "id", Type: filter.TypeGUID, Column: "id", Ops: filter.Equality},
	{Name: "displayName", Type: filter.TypeString, Column: "displayName", Ops: filter.Equality | filter.StartsWith | filter.Contains | filter.Sort},
	{Name: "category", Type: filter.TypeString, Column: "category", Ops: filter.Equality},
	{Name: "isEnabled", Type: filter.TypeBool, Column: "isEnabled", Ops: filter.Equality},
	{Name: "isSchedulingEnabled", Type: filter.TypeBool, Column: "isSchedulingEnabled", Ops: filter.Equality},
	{Name: "createdDateTime", Type: filter.TypeTime, Column: "createdDateTime", Ops: filter.Ordering | filter.Equality | filter.Sort},
	{Name: "lastModifiedDateTime", Type: filter.TypeTime, Column: "lastModifiedDateTime", Ops: filter.Ordering | filter.Equality | filter.Sort},
}

var (
	workflowProperties = names(workflowResource(lifecycle.Workflow{}))
	taskProperties     = names(taskResource(0, lifecycle.Task{}))
	workflowExpand     = map[string][]string{"tasks": taskProperties, "executionScope": {"id", "displayName", "userPrincipalName"}}
)

// workflowResource is w as Graph shows it.
// https://learn.microsoft.com/graph/api/resources/identitygovernance-workflow
func workflowResource(w lifecycle.Workflow) odata.Entity {
	return odata.Entity{
		{Name: odata.TagName, Value: odata.ETag(w.Stamp)},
		{Name: "id", Value: w.ID},
		{Name: "category", Value: string(w.Category)},
		{Name: "displayName", Value: w.DisplayName},
		{Name: "description", Value: text(w.Description)},
		{Name: "isEnabled", Value: w.Enabled},
		{Name: "isSchedulingEnabled", Value: w.Scheduled},
		{Name: "version", Value: w.Version},
		{Name: "createdDateTime", Value: odata.Time(w.CreatedAt)},
		{Name: "lastModifiedDateTime", Value: odata.Time(w.ModifiedAt)},
		{Name: "deletedDateTime", Value: odata.Time(w.DeletedAt)},
		{Name: "nextScheduleRunDateTime", Value: odata.Time(w.NextRunAt)},
		{Name: "executionConditions", Value: workflowConditions(w)},
	}
}

func workflowConditions(w lifecycle.Workflow) odata.Entity {
	if w.OnDemandOnly {
		return odata.Entity{{Name: "@odata.type", Value: onDemandCondition}}
	}
	return odata.Entity{
		{Name: "@odata.type", Value: byTriggerAndScope},
		{Name: "scope", Value: odata.Entity{{Name: "@odata.type", Value: byRule}, {Name: "rule", Value: w.Rule}}},
		{Name: "trigger", Value: odata.Entity{
			{Name: "@odata.type", Value: byTime}, {Name: "timeBasedAttribute", Value: string(w.Attribute)}, {Name: "offsetInDays", Value: w.Offset},
		}},
	}
}

// taskResource is t as Graph shows it: its category is that of its definition, which may be several.
// https://learn.microsoft.com/graph/api/resources/identitygovernance-task
func taskResource(sequence int, t lifecycle.Task) odata.Entity {
	d, _ := lifecycle.DefinitionOf(t.Definition)
	arguments := []odata.Entity{}
	for _, a := range t.Arguments {
		arguments = append(arguments, odata.Entity{{Name: "name", Value: a.Name}, {Name: "value", Value: a.Value}})
	}
	return odata.Entity{
		{Name: "id", Value: t.ID},
		{Name: "category", Value: d.CategoryText()},
		{Name: "continueOnError", Value: t.ContinueOnError},
		{Name: "description", Value: text(t.Description)},
		{Name: "displayName", Value: t.DisplayName},
		{Name: "executionSequence", Value: sequence},
		{Name: "isEnabled", Value: t.Enabled},
		{Name: "taskDefinitionId", Value: t.Definition},
		{Name: "arguments", Value: arguments},
	}
}

func workflowTasks(w lifecycle.Workflow) []odata.Entity {
	all := []odata.Entity{}
	for i, t := range w.Tasks {
		all = append(all, taskResource(i+1, t))
	}
	return all
}

// listWorkflows serves GET …/workflows.
// https://learn.microsoft.com/graph/api/identitygovernance-lifecycleworkflowscontainer-list-workflows
func (a *API) listWorkflows(c *call) error { return a.showWorkflows(c, workflowSet, false) }

// listDeletedWorkflows serves GET …/deletedItems/workflows.
func (a *API) listDeletedWorkflows(c *call) error {
	return a.showWorkflows(c, lifecycleSet+"deletedItems/workflows", true)
}

func (a *API) showWorkflows(c *call, set string, deleted bool) error {
	there, err := a.Store.Workflows(c.ctx(), c.tenant.ID, deleted)
	if err != nil {
		return err
	}
	all := make([]odata.Entity, len(there))
	for i, w := range there {
		all[i] = workflowResource(w)
	}
	return a.writeHeld(c, set, workflowSchema, byCreation, all, workflowProperties)
}

// workflow returns the one that the path names, if it was deleted or not, as the path says.
func (a *API) workflow(c *call) (lifecycle.Workflow, error) {
	id, err := objectID(c, "id", lifecycle.ErrUnknown)
	if err != nil {
		return lifecycle.Workflow{}, err
	}
	w, err := a.Store.Workflow(c.ctx(), c.tenant.ID, id)
	if err == nil && w.DeletedAt.IsZero() == inDeleted(c) {
		err = lifecycle.ErrUnknown
	}
	return w, err
}

func inDeleted(c *call) bool {
	const prefix = "/identityGovernance/lifecycleWorkflows/deletedItems/"
	return len(c.r.URL.Path) > len(prefix) && c.r.URL.Path[:len(prefix)] == prefix
}

// getWorkflow serves GET …/workflows/{id}. Graph shows the tasks of one workflow without being asked.
// https://learn.microsoft.com/graph/api/identitygovernance-workflow-get
func (a *API) getWorkflow(c *call) error {
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: workflowProperties, Expand: workflowExpand})
	if err != nil {
		return err
	}
	w, err := a.workflow(c)
	if err != nil {
		return err
	}
	odata.SetETag(c.w, odata.ETag(w.Stamp))
	e := workflowResource(w).Select(o.Select)
	if o.Select == nil && !slices.ContainsFunc(o.Expand, func(x odata.Expansion) bool { return x.Name == "tasks" }) {
		o.Expand = append(o.Expand, odata.Expansion{Name: "tasks"})
	}
	for _, x := range o.Expand {
		all, err := a.expandWorkflow(c, w, x.Name)
		if err != nil {
			return err
		}
		shown := []odata.Entity{}
		for _, one := range all {
			shown = append(shown, one.Select(x.Select))
		}
		e = append(e, odata.Property{Name: x.Name, Value: shown})
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity(workflowSet, o.Select), e)
}

func (a *API) expandWorkflow(c *call, w lifecycle.Workflow, name string) ([]odata.Entity, error) {
	if name == "tasks" {
		return workflowTasks(w), nil
	}
	people, err := a.Workflows.Scope(c.ctx(), w, largestPage)
	var all []odata.Entity
	for _, u := range people {
		all = append(all, odata.Entity{{Name: "id", Value: u.ID}, {Name: "displayName", Value: u.DisplayName}, {Name: "userPrincipalName", Value: u.UserPrincipalName}})
	}
	return all, err
}

// plain answers with a list that is never long.
func (a *API) plain(c *call, set string, properties []string, all []odata.Entity) error {
	return a.plainBy(c, set, nil, properties, all)
}

// plainBy is plain with $filter and $orderby by schema; without, the list is as it comes.
func (a *API) plainBy(c *call, set string, schema filter.Schema, properties []string, all []odata.Entity) error {
	w, err := readWish(c, schema, properties, largestPage)
	if err != nil {
		return err
	}
	all = w.matching(all)
	if len(w.order) > 0 {
		sortHeld(w.order[0], all)
	}
	page := odata.Page[odata.Entity]{Context: a.root(c).Collection(set, w.options.Select), Value: []odata.Entity{}}
	for _, e := range all[:min(len(all), w.options.Top)] {
		page.Value = append(page.Value, e.Select(w.options.Select))
	}
	return odata.WritePage(c.w, page)
}

// single answers with one object.
func (a *API) single(c *call, set string, e odata.Entity) error {
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: names(e)})
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity(set, o.Select), e.Select(o.Select))
}

// listTasks serves GET …/workflows/{id}/tasks.
func (a *API) listTasks(c *call) error {
	w, err := a.workflow(c)
	if err != nil {
		return err
	}
	return a.plain(c, odata.Within(workflowSet, w.ID, "tasks"), taskProperties, workflowTasks(w))
}

// workflowTask returns the workflow that the path names, and where in it its task is.
func (a *API) workflowTask(c *call) (lifecycle.Workflow, int, error) {
	w, err := a.workflow(c)
	if err != nil {
		return w, 0, err
	}
	i := slices.IndexFunc(w.Tasks, func(t lifecycle.Task) bool { return t.ID == c.r.PathValue("task") })
	if i < 0 {
		return w, 0, lifecycle.ErrUnknown
	}
	return w, i, nil
}

// getTask serves GET …/workflows/{id}/tasks/{task}.
func (a *API) getTask(c *call) error {
	w, i, err := a.workflowTask(c)
	if err != nil {
		return err
	}
	return a.single(c, odata.Within(workflowSet, w.ID, "tasks"), taskResource(i+1, w.Tasks[i]))
}

var versionProperties = names(versionResource(lifecycle.Workflow{}))

// versionResource is a version of a workflow.
// https://learn.microsoft.com/graph/api/resources/identitygovernance-workflowversion
func versionResource(w lifecycle.Workflow) odata.Entity {
	return odata.Entity{
		{Name: "versionNumber", Value: w.Version},
		{Name: "category", Value: string(w.Category)},
		{Name: "displayName", Value: w.DisplayName},
		{Name: "description", Value: text(w.Description)},
		{Name: "isEnabled", Value: w.Enabled},
		{Name: "isSchedulingEnabled", Value: w.Scheduled},
		{Name: "createdDateTime", Value: odata.Time(w.CreatedAt)},
		{Name: "lastModifiedDateTime", Value: odata.Time(w.ModifiedAt)},
		{Name: "executionConditions", Value: workflowConditions(w)},
		{Name: "tasks", Value: workflowTasks(w)},
	}
}

// listVersions serves GET …/workflows/{id}/versions.
func (a *API) listVersions(c *call) error {
	all, w, err := a.versions(c)
	if err != nil {
		return err
	}
	shown := make([]odata.Entity, len(all))
	for i, v := range all {
		shown[i] = versionResource(v)
	}
	return a.plain(c, odata.Within(workflowSet, w.ID, "versions"), versionProperties, shown)
}

func (a *API) versions(c *call) ([]lifecycle.Workflow, lifecycle.Workflow, error) {
	w, err := a.workflow(c)
	if err != nil {
		return nil, w, err
	}
	all, err := a.Store.WorkflowVersions(c.ctx(), c.tenant.ID, w.ID)
	return all, w, err
}

// getVersion serves GET …/workflows/{id}/versions/{version}.
func (a *API) getVersion(c *call) error {
	all, w, err := a.versions(c)
	if err != nil {
		return err
	}
	for _, v := range all {
		if itoa(v.Version) == c.r.PathValue("version") {
			return a.single(c, odata.Within(workflowSet, w.ID, "versions"), versionResource(v))
		}
	}
	return lifecycle.ErrUnknown
}

// listScope serves GET …/workflows/{id}/executionScope: for whom it will be due within 30 days.
// https://learn.microsoft.com/graph/api/identitygovernance-workflow-list-executionscope
func (a *API) listScope(c *call) error {
	w, err := a.workflow(c)
	if err != nil {
		return err
	}
	people, err := a.Workflows.Scope(c.ctx(), w, largestPage)
	if err != nil {
		return err
	}
	all := make([]odata.Entity, len(people))
	for i, u := range people {
		all[i] = append(only(userResource(u), basicProperties), odata.Property{Name: "postern_dueDateTime", Value: odata.Time(w.DueAt(u))})
	}
	return a.plain(c, odata.Within(workflowSet, w.ID, "executionScope"), append(slices.Clone(basicProperties), "postern_dueDateTime"), all)
}
