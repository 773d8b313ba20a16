package graph

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/lifecycle"
)

// taskDefinitionResource is d as Graph shows it.
// https://learn.microsoft.com/graph/api/resources/identitygovernance-taskdefinition
func taskDefinitionResource(d lifecycle.Definition) odata.Entity {
	parameters := []odata.Entity{}
	for _, p := range d.Parameters {
		parameters = append(parameters, odata.Entity{
			{Name: "name", Value: p.Name}, {Name: "values", Value: list(p.Values)}, {Name: "valueType", Value: p.ValueType},
		})
	}
	return odata.Entity{
		{Name: "id", Value: d.ID},
		{Name: "category", Value: d.CategoryText()},
		{Name: "displayName", Value: d.DisplayName},
		{Name: "description", Value: d.Description},
		{Name: "version", Value: 1},
		{Name: "continueOnError", Value: d.ContinueOnError},
		{Name: "parameters", Value: parameters},
	}
}

// partSchema is for what workflows are made of. A definition may have several categories, for which there is has.
var partSchema = filter.Schema{
	{Name: "id", Type: filter.TypeGUID, Column: "id", Ops: filter.Equality},
	{Name: "displayName", Type: filter.TypeString, Column: "displayName", Ops: filter.Equality | filter.Sort},
	{Name: "category", Type: filter.TypeString, Column: "category", Ops: filter.Equality | filter.Has | filter.Sort},
}

// listTaskDefinitions serves GET …/taskDefinitions.
func (a *API) listTaskDefinitions(c *call) error {
	var all []odata.Entity
	for _, d := range lifecycle.Definitions() {
		all = append(all, taskDefinitionResource(d))
	}
	return a.plainBy(c, lifecycleSet+"taskDefinitions", partSchema, names(taskDefinitionResource(lifecycle.Definition{})), all)
}

// getTaskDefinition serves GET …/taskDefinitions/{definition}.
func (a *API) getTaskDefinition(c *call) error {
	d, ok := lifecycle.DefinitionOf(c.r.PathValue("definition"))
	if !ok {
		return lifecycle.ErrUnknown
	}
	return a.single(c, lifecycleSet+"taskDefinitions", taskDefinitionResource(d))
}

func workflowTemplateResource(t lifecycle.Template) odata.Entity {
	return odata.Entity{
		{Name: "id", Value: t.ID},
		{Name: "category", Value: string(t.Workflow.Category)},
		{Name: "displayName", Value: t.DisplayName},
		{Name: "description", Value: t.Description},
		{Name: "executionConditions", Value: workflowConditions(t.Workflow)},
		{Name: "tasks", Value: workflowTasks(t.Workflow)},
	}
}

// listWorkflowTemplates serves GET …/workflowTemplates.
func (a *API) listWorkflowTemplates(c *call) error {
	var all []odata.Entity
	for _, t := range lifecycle.Templates() {
		all = append(all, workflowTemplateResource(t))
	}
	return a.plainBy(c, lifecycleSet+"workflowTemplates", partSchema, names(workflowTemplateResource(lifecycle.Template{})), all)
}

// getWorkflowTemplate serves GET …/workflowTemplates/{template}.
func (a *API) getWorkflowTemplate(c *call) error {
	all := lifecycle.Templates()
	i := slices.IndexFunc(all, func(t lifecycle.Template) bool { return strings.EqualFold(t.ID, c.r.PathValue("template")) })
	if i < 0 {
		return lifecycle.ErrUnknown
	}
	return a.single(c, lifecycleSet+"workflowTemplates", workflowTemplateResource(all[i]))
}

// workflowSettingsResource is s as Graph shows it.
// https://learn.microsoft.com/graph/api/resources/identitygovernance-lifecyclemanagementsettings
func workflowSettingsResource(s lifecycle.Settings) odata.Entity {
	return odata.Entity{
		{Name: odata.TagName, Value: odata.ETag(s.Stamp)},
		{Name: "workflowScheduleIntervalInHours", Value: s.Interval},
		{Name: "postern_passInMail", Value: string(s.PassInMail), OnSelect: true},
	}
}

// getWorkflowSettings serves GET …/settings.
func (a *API) getWorkflowSettings(c *call) error {
	s, err := a.Store.LifecycleSettings(c.ctx(), c.tenant.ID)
	if err != nil {
		return err
	}
	odata.SetETag(c.w, odata.ETag(s.Stamp))
	return a.single(c, lifecycleSet+"settings", workflowSettingsResource(s))
}

// patchWorkflowSettings serves PATCH …/settings. A new interval holds from the next look on.
func (a *API) patchWorkflowSettings(c *call) error {
	old, err := a.Store.LifecycleSettings(c.ctx(), c.tenant.ID)
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
	s, passes := old, string(old.PassInMail)
	body.Int("workflowScheduleIntervalInHours", &s.Interval)
	body.String("postern_passInMail", &passes)
	body.NotKept("emailSettings")
	s.PassInMail = lifecycle.PassInMail(passes)
	if err := body.Done(); err != nil {
		return err
	}
	if err := s.Check(); err != nil {
		return err
	}
	e := a.event(c, audit.Change{
		Activity: audit.SetWorkflowSettings, Category: audit.CategoryWorkflowManagement, Service: audit.ServiceLifecycleWorkflows, Operation: audit.OperationUpdate,
		Targets: []audit.Target{{Type: audit.TargetOther, DisplayName: "Lifecycle workflows", Modified: modified(workflowSettingsResource(old)[1:], workflowSettingsResource(s)[1:])}},
	})
	if err := a.Store.SetLifecycleSettings(c.ctx(), c.tenant.ID, s, e); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

const (
	extensionSet = lifecycleSet + "customTaskExtensions"
	endpointType = "#microsoft.graph.logicAppTriggerEndpointConfiguration"
)

// extensionResource is x as Graph shows it.
// https://learn.microsoft.com/graph/api/resources/identitygovernance-customtaskextension
func extensionResource(x lifecycle.Extension) odata.Entity {
	return odata.Entity{
		{Name: odata.TagName, Value: odata.ETag(x.Stamp)},
		{Name: "id", Value: x.ID},
		{Name: "displayName", Value: x.DisplayName},
		{Name: "description", Value: text(x.Description)},
		{Name: "createdDateTime", Value: odata.Time(x.CreatedAt)},
		{Name: "lastModifiedDateTime", Value: odata.Time(x.ModifiedAt)},
		{Name: "endpointConfiguration", Value: odata.Entity{{Name: "@odata.type", Value: endpointType}, {Name: "url", Value: x.URL}}},
		{Name: "authenticationConfiguration", Value: nil},
		{Name: "clientConfiguration", Value: nil},
		{Name: "callbackConfiguration", Value: nil},
	}
}

// listExtensions serves GET …/customTaskExtensions.
func (a *API) listExtensions(c *call) error {
	there, err := a.Store.Extensions(c.ctx(), c.tenant.ID)
	if err != nil {
		return err
	}
	all := make([]odata.Entity, len(there))
	for i, x := range there {
		all[i] = extensionResource(x)
	}
	return a.plain(c, extensionSet, names(extensionResource(lifecycle.Extension{})), all)
}

func (a *API) extension(c *call) (lifecycle.Extension, error) {
	id, err := objectID(c, "id", lifecycle.ErrExtensionUnknown)
	if err != nil {
		return lifecycle.Extension{}, err
	}
	return a.Store.Extension(c.ctx(), c.tenant.ID, id)
}

// getExtension serves GET …/customTaskExtensions/{id}.
func (a *API) getExtension(c *call) error {
	x, err := a.extension(c)
	if err != nil {
		return err
	}
	return a.single(c, extensionSet, extensionResource(x))
}

// readExtension reads what the body says about x. How a call proves itself is not chosen: it is signed.
func (a *API) readExtension(c *call, x *lifecycle.Extension) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	for _, readOnly := range []string{"id", "createdDateTime", "lastModifiedDateTime", "createdBy", "lastModifiedBy"} {
		_ = body.Raw(readOnly)
	}
	body.String("displayName", &x.DisplayName)
	body.String("description", &x.Description)
	var wrong error
	if to := body.Object("endpointConfiguration"); to != nil {
		if kind := typeName(to); kind != endpointType && kind != "" {
			wrong = odata.ErrMember.With("endpointConfiguration", "@odata.type of endpointConfiguration is "+endpointType+".")
		}
		to.String("url", &x.URL)
		to.NotKept("subscriptionId", "resourceGroupName", "logicAppWorkflowName")
	}
	body.NotKept("authenticationConfiguration", "clientConfiguration", "callbackConfiguration")
	if err := errors.Join(body.Done(), wrong); err != nil {
		return err
	}
	x.ModifiedAt = a.Now().UTC()
	return x.Check()
}

// createExtension serves POST …/customTaskExtensions. The answer holds the secret that calls are
// signed with, here and nowhere else.
func (a *API) createExtension(c *call) error {
	x := lifecycle.Extension{Tenant: c.tenant.ID, CreatedAt: a.Now().UTC()}
	if err := a.readExtension(c, &x); err != nil {
		return err
	}
	var err error
	if x.ID, err = a.newID(); err != nil {
		return err
	}
	key, err := a.Secrets.Derive(c.ctx(), string(c.tenant.ID), x.SecretLabel())
	if err != nil {
		return err
	}
	if err := a.Store.PutExtension(c.ctx(), x, a.extensionEvent(c, audit.CreateTaskExtension, audit.OperationAdd, x)); err != nil {
		return err
	}
	x.Stamp = 1
	e := append(extensionResource(x).Select(nil), odata.Property{Name: "postern_signingSecret", Value: "whsec_" + base64.StdEncoding.EncodeToString(key)})
	return odata.WriteCreated(c.w, a.root(c).Link("identityGovernance", "lifecycleWorkflows", "customTaskExtensions", x.ID), a.root(c).Entity(extensionSet, nil), e)
}

// patchExtension serves PATCH …/customTaskExtensions/{id}.
func (a *API) patchExtension(c *call) error {
	x, err := a.extension(c)
	if err != nil {
		return err
	}
	if err := odata.Match(c.r, odata.ETag(x.Stamp)); err != nil {
		return err
	}
	if err := a.readExtension(c, &x); err != nil {
		return err
	}
	if err := a.Store.PutExtension(c.ctx(), x, a.extensionEvent(c, audit.UpdateTaskExtension, audit.OperationUpdate, x)); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// deleteExtension serves DELETE …/customTaskExtensions/{id}; not while a workflow calls it.
func (a *API) deleteExtension(c *call) error {
	x, err := a.extension(c)
	if err != nil {
		return err
	}
	there, err := a.Store.Workflows(c.ctx(), c.tenant.ID, false)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(there, func(w lifecycle.Workflow) bool { return w.Uses(x.ID) }) {
		return lifecycle.ErrExtensionUsed
	}
	if err := a.Store.DeleteExtension(c.ctx(), x, a.extensionEvent(c, audit.DeleteTaskExtension, audit.OperationDelete, x)); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

func (a *API) extensionEvent(c *call, activity, operation string, x lifecycle.Extension) audit.Event {
	return a.event(c, audit.Change{
		Activity: activity, Category: audit.CategoryTaskManagement, Service: audit.ServiceLifecycleWorkflows, Operation: operation,
		Targets: []audit.Target{{ID: x.ID, Type: audit.TargetOther, DisplayName: x.DisplayName, Modified: []audit.ModifiedProperty{{DisplayName: "url", NewValue: quoted(x.URL)}}}},
	})
}

// previewMail serves POST /postern/lifecycleWorkflows/preview: the mail that a task would send.
func (a *API) previewMail(c *call) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	t := readWorkflowTask(body)
	if err := body.Done(); err != nil {
		return err
	}
	m, err := a.Workflows.Preview(c.ctx(), c.tenant.ID, t, "en")
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("postern/lifecycleWorkflows/preview", nil), odata.Entity{
		{Name: "subject", Value: m.Subject}, {Name: "text", Value: m.Text}, {Name: "html", Value: m.HTML},
	})
}
