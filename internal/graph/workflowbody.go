package graph

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/lifecycle"
	"github.com/postern-id/postern/internal/recovery"
)

func itoa(n int) string { return strconv.Itoa(n) }

// typeName is an @odata.type with or without its #.
func typeName(o *odata.Object) string {
	var said string
	o.String("@odata.type", &said)
	if said != "" && !strings.HasPrefix(said, "#") {
		said = "#" + said
	}
	return said
}

// readWorkflow reads what body says about w; tasks are replaced as a whole.
func readWorkflow(body *odata.Object, w *lifecycle.Workflow) error {
	for _, readOnly := range []string{
		"id", "version", "createdDateTime", "lastModifiedDateTime", "deletedDateTime", "nextScheduleRunDateTime", "createdBy", "lastModifiedBy", "executionScope",
	} {
		_ = body.Raw(readOnly)
	}
	category := string(w.Category)
	body.String("category", &category)
	w.Category = lifecycle.Category(category)
	body.String("displayName", &w.DisplayName)
	w.DisplayName = strings.TrimSpace(w.DisplayName)
	body.String("description", &w.Description)
	body.Bool("isEnabled", &w.Enabled)
	body.Bool("isSchedulingEnabled", &w.Scheduled)
	wrong := readWorkflowConditions(body, w)
	if body.Has("tasks") {
		w.Tasks = nil
		for _, o := range body.Objects("tasks") {
			w.Tasks = append(w.Tasks, readWorkflowTask(o))
		}
	}
	return wrong
}

func readWorkflowConditions(body *odata.Object, w *lifecycle.Workflow) (wrong error) {
	if !body.Has("executionConditions") {
		return nil
	}
	conditions := body.Object("executionConditions")
	if conditions == nil {
		return odata.ErrMember.With("executionConditions", "executionConditions is missing.")
	}
	switch typeName(conditions) {
	case onDemandCondition:
		w.OnDemandOnly, w.Rule, w.Attribute, w.Offset = true, "", "", 0
		return nil
	case byTriggerAndScope:
		w.OnDemandOnly = false
	default:
		wrong = odata.ErrMember.With("executionConditions", "@odata.type of executionConditions is "+byTriggerAndScope+" or "+onDemandCondition+".")
	}
	if scope := conditions.Object("scope"); scope != nil {
		if typeName(scope) != byRule {
			wrong = errors.Join(wrong, odata.ErrMember.With("executionConditions.scope", "@odata.type of scope is "+byRule+"."))
		}
		scope.String("rule", &w.Rule)
	}
	if trigger := conditions.Object("trigger"); trigger != nil {
		if typeName(trigger) != byTime {
			wrong = errors.Join(wrong, odata.ErrMember.With("executionConditions.trigger", "@odata.type of trigger is "+byTime+"."))
		}
		attribute := string(w.Attribute)
		trigger.String("timeBasedAttribute", &attribute)
		w.Attribute = lifecycle.Attribute(attribute)
		trigger.Int("offsetInDays", &w.Offset)
	}
	return wrong
}

func readWorkflowTask(o *odata.Object) lifecycle.Task {
	t := lifecycle.Task{Enabled: true}
	for _, readOnly := range []string{"id", "category", "executionSequence", "taskProcessingResults"} {
		_ = o.Raw(readOnly)
	}
	o.String("taskDefinitionId", &t.Definition)
	o.String("displayName", &t.DisplayName)
	o.String("description", &t.Description)
	o.Bool("isEnabled", &t.Enabled)
	o.Bool("continueOnError", &t.ContinueOnError)
	for _, p := range o.Objects("arguments") {
		var a lifecycle.Argument
		p.String("name", &a.Name)
		p.String("value", &a.Value)
		t.Arguments = append(t.Arguments, a)
	}
	if d, ok := lifecycle.DefinitionOf(t.Definition); ok && t.DisplayName == "" {
		t.DisplayName = d.DisplayName
	}
	return t.Normal()
}

// fit returns w as it is to be stored in place of old, or what is wrong with it.
func (a *API) fit(c *call, w, old lifecycle.Workflow) (lifecycle.Workflow, error) {
	w = w.Saved(old, a.Now().UTC())
	if err := w.Check(); err != nil {
		return w, err
	}
	return w, a.Workflows.CheckThere(c.ctx(), w)
}

// createWorkflow serves POST …/workflows.
// https://learn.microsoft.com/graph/api/identitygovernance-lifecycleworkflowscontainer-post-workflows
func (a *API) createWorkflow(c *call) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	w := lifecycle.Workflow{Tenant: c.tenant.ID, Version: 1, CreatedAt: a.Now().UTC(), Enabled: true}
	wrong := readWorkflow(body, &w)
	if err := errors.Join(body.Done(), wrong); err != nil {
		return err
	}
	if w.ID, err = a.newID(); err != nil {
		return err
	}
	if w, err = a.fit(c, w, lifecycle.Workflow{}); err != nil {
		return err
	}
	if err := a.Store.CreateWorkflow(c.ctx(), w, a.workflowEvent(c, audit.CreateWorkflow, audit.OperationAdd, lifecycle.Workflow{}, w)); err != nil {
		return err
	}
	w.Stamp = 1
	return odata.WriteCreated(c.w, a.root(c).Link("identityGovernance", "lifecycleWorkflows", "workflows", w.ID), a.root(c).Entity(workflowSet, nil), workflowResource(w))
}

// patchWorkflow serves PATCH …/workflows/{id}: as in Graph, tasks and conditions are changed by a
// new version.
func (a *API) patchWorkflow(c *call) error {
	old, err := a.workflow(c)
	if err != nil {
		return err
	}
	if err := odata.Match(c.r, odata.ETag(old.Stamp)); err != nil {
		return err
	}
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	if body.Has("tasks") || body.Has("executionConditions") || body.Has("category") {
		return lifecycle.ErrNewVersion
	}
	w := old
	wrong := readWorkflow(body, &w)
	if err := errors.Join(body.Done(), wrong); err != nil {
		return err
	}
	return a.saveWorkflow(c, w, old)
}

// saveWorkflow keeps what a workflow is now called in the place of old, and answers with nothing.
func (a *API) saveWorkflow(c *call, w, old lifecycle.Workflow) error {
	w, err := a.fit(c, w, old)
	if err != nil {
		return err
	}
	if err := a.Store.UpdateWorkflow(c.ctx(), w, a.workflowEvent(c, audit.UpdateWorkflow, audit.OperationUpdate, old, w)); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// patchTask serves PATCH …/workflows/{id}/tasks/{task}: what a task is called needs no new version.
// https://learn.microsoft.com/graph/api/identitygovernance-task-update
func (a *API) patchTask(c *call) error {
	old, i, err := a.workflowTask(c)
	if err != nil {
		return err
	}
	if err := odata.Match(c.r, odata.ETag(old.Stamp)); err != nil {
		return err
	}
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	if body.Has("taskDefinitionId") || body.Has("arguments") || body.Has("isEnabled") || body.Has("continueOnError") {
		return lifecycle.ErrNewVersion
	}
	w := old
	w.Tasks = slices.Clone(old.Tasks)
	body.String("displayName", &w.Tasks[i].DisplayName)
	body.String("description", &w.Tasks[i].Description)
	if err := body.Done(); err != nil {
		return err
	}
	return a.saveWorkflow(c, w, old)
}

// createVersion serves POST …/workflows/{id}/microsoft.graph.identityGovernance.createNewVersion. Runs
// under way go on with the version that they began with.
// https://learn.microsoft.com/graph/api/identitygovernance-workflow-createnewversion
func (a *API) createVersion(c *call) error {
	old, err := a.workflow(c)
	if err != nil {
		return err
	}
	if err := odata.Match(c.r, odata.ETag(old.Stamp)); err != nil {
		return err
	}
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	w := old
	w.Version++
	inner := body.Object("workflow")
	if inner == nil {
		return odata.ErrMember.With("workflow", "workflow is missing.")
	}
	wrong := readWorkflow(inner, &w)
	if err := errors.Join(body.Done(), wrong); err != nil {
		return err
	}
	if w.Version > lifecycle.MostVersions {
		return lifecycle.ErrMany
	}
	if w, err = a.fit(c, w, old); err != nil {
		return err
	}
	if err := a.Store.UpdateWorkflow(c.ctx(), w, a.workflowEvent(c, audit.CreateWorkflowVersion, audit.OperationUpdate, old, w)); err != nil {
		return err
	}
	w.Stamp++
	return odata.WriteEntity(c.w, 200, a.root(c).Entity(workflowSet, nil), workflowResource(w).Select(nil))
}

// deleteWorkflow serves DELETE …/workflows/{id}: it can be restored until it is deleted for good.
func (a *API) deleteWorkflow(c *call) error {
	return a.turnWorkflow(c, 204, audit.DeleteWorkflow, audit.OperationDelete, func(w *lifecycle.Workflow) { w.DeletedAt = a.Now().UTC() })
}

// restoreWorkflow serves POST …/deletedItems/workflows/{id}/microsoft.graph.identityGovernance.restore. It
// comes back disabled, so that nothing starts by surprise.
func (a *API) restoreWorkflow(c *call) error {
	return a.turnWorkflow(c, 200, audit.RestoreWorkflow, audit.OperationUpdate, func(w *lifecycle.Workflow) {
		w.DeletedAt, w.Enabled, w.Scheduled = time.Time{}, false, false
	})
}

func (a *API) turnWorkflow(c *call, status int, activity, operation string, how func(*lifecycle.Workflow)) error {
	old, err := a.workflow(c)
	if err != nil {
		return err
	}
	if err := odata.Match(c.r, odata.ETag(old.Stamp)); err != nil {
		return err
	}
	w := old
	how(&w)
	w = w.Saved(old, a.Now().UTC())
	if err := a.Store.UpdateWorkflow(c.ctx(), w, a.workflowEvent(c, activity, operation, old, w)); err != nil {
		return err
	}
	if status == 204 {
		odata.WriteNothing(c.w)
		return nil
	}
	w.Stamp++
	return odata.WriteEntity(c.w, status, a.root(c).Entity(workflowSet, nil), workflowResource(w).Select(nil))
}

// purgeWorkflow serves DELETE …/deletedItems/workflows/{id}.
func (a *API) purgeWorkflow(c *call) error {
	w, err := a.workflow(c)
	if err != nil {
		return err
	}
	if err := a.Store.PurgeWorkflow(c.ctx(), w, a.workflowEvent(c, audit.HardDeleteWorkflow, audit.OperationDelete, w, lifecycle.Workflow{})); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// activateWorkflow serves POST …/workflows/{id}/microsoft.graph.identityGovernance.activate.
// https://learn.microsoft.com/graph/api/identitygovernance-workflow-activate
func (a *API) activateWorkflow(c *call) error {
	w, err := a.workflow(c)
	if err != nil {
		return err
	}
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	var ids []directory.UserID
	for _, o := range body.Objects("subjects") {
		var id string
		o.String("id", &id)
		ids = append(ids, directory.UserID(strings.ToLower(id)))
	}
	if err := body.Done(); err != nil {
		return err
	}
	e := a.workflowEvent(c, audit.RunWorkflowOnDemand, audit.OperationUpdate, w, w)
	for _, id := range ids[:min(len(ids), lifecycle.MostSubjects)] {
		e.Change.Targets = append(e.Change.Targets, audit.Target{ID: string(id), Type: audit.TargetUser})
	}
	vouched, err := a.mayIssue(c, ids[:min(len(ids), lifecycle.MostSubjects)])
	if err != nil {
		return err
	}
	run, err := a.Workflows.Activate(c.ctx(), w, ids, vouched, e)
	if err != nil {
		return err
	}
	c.w.Header().Set("Location", a.root(c).Link("identityGovernance", "lifecycleWorkflows", "workflows", w.ID, "runs", run.ID))
	odata.WriteNothing(c.w)
	return nil
}

// mayIssue says for which people the caller might issue a pass themself, and see it: who checks the
// manager could hand it over as well. Where policy has passes go by a link alone, nobody could.
func (a *API) mayIssue(c *call, ids []directory.UserID) (map[directory.UserID]bool, error) {
	policy, err := a.Cases.Cases.RecoveryPolicy(c.ctx(), c.tenant.ID)
	if err != nil {
		return nil, err
	}
	all := map[directory.UserID]bool{}
	for _, id := range ids {
		target, err := a.Store.TargetOf(c.ctx(), c.tenant.ID, id)
		if err != nil && !errors.Is(err, directory.ErrUserUnknown) {
			return nil, err
		}
		s := recovery.Subject{Class: recovery.ClassOf(target)}
		seen := policy.MayHand(recovery.HandRead, s, "") == nil || policy.MayHand(recovery.HandSlip, s, "") == nil
		all[id] = err == nil && seen && directory.May(c.caller, directory.IssuePass, target) == nil && !policy.NeedsCase(s.Class)
	}
	return all, nil
}

func (a *API) workflowEvent(c *call, activity, operation string, old, w lifecycle.Workflow) audit.Event {
	facts := func(w lifecycle.Workflow) odata.Entity {
		return odata.Entity{
			{Name: "displayName", Value: text(w.DisplayName)},
			{Name: "description", Value: text(w.Description)},
			{Name: "isEnabled", Value: w.Enabled},
			{Name: "isSchedulingEnabled", Value: w.Scheduled},
			{Name: "version", Value: w.Version},
			{Name: "executionConditions", Value: workflowConditions(w)},
			{Name: "tasks", Value: workflowTasks(w)},
		}
	}
	return a.event(c, audit.Change{
		Activity: activity, Category: audit.CategoryWorkflowManagement, Service: audit.ServiceLifecycleWorkflows, Operation: operation,
		Targets: []audit.Target{{
			ID: first(w.ID, old.ID), Type: audit.TargetOther, DisplayName: first(w.DisplayName, old.DisplayName), Modified: modified(facts(old), facts(w)),
		}},
	})
}
