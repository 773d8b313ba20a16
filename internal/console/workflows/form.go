package workflows

import (
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

// errDays says that the distance from the date is no number.
var errDays = &fault.Error{Kind: fault.Invalid, Code: "consoleWorkflowDays", Text: "That is no number of days.", Remedy: "Type a whole number between 0 and 180."}

type formPage struct { // form.html
	console.Frame
	Flow        flow
	Days        string // as typed
	Direction   string
	Definitions []definition
	Kinds       map[string]definition
	Extensions  []graphclient.Object
	Templates   []flow // to begin with; then nothing else is shown
	Names       names
}

// File implements console.Page.
func (formPage) File() string { return "form.html" }

// Attributes are the dates that may start a workflow, and Directions on which side of them.
func (formPage) Attributes() []string {
	return []string{"employeeHireDate", "employeeLeaveDateTime", "createdDateTime"}
}

// Directions are the sides of a date.
func (formPage) Directions() []string { return []string{"before", "on", "after"} }

// Categories are the turns of a person's time here.
func (formPage) Categories() []string { return []string{"joiner", "mover", "leaver"} }

// Fits reports whether tasks of a kind are for workflows like this one.
func (p formPage) Fits(d definition) bool { return slices.Contains(d.Categories, p.Flow.Category) }

// Typed is an argument as it is typed: names, a line each, where it holds ids.
func (p formPage) Typed(t task, argument string) string {
	value := t.Arguments[argument]
	if argument != argGroups && argument != argPeople {
		return value
	}
	var lines []string
	for line := range strings.Lines(value) {
		if ids := idsIn(line); len(ids) > 0 && !slices.ContainsFunc(ids, func(one string) bool { return !isID(one) }) {
			lines = append(lines, p.Names.List(line)...)
		} else {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return strings.Join(lines, "\n")
}

// A definition is a kind of task.
type definition struct {
	ID, Name, Description string
	Categories            []string
	Parameters            []parameter
}

// A parameter is an argument that a task takes.
type parameter struct {
	Name, Kind string
	Values     []string
}

// definitionsOf reads the kinds of task from Graph.
func (p *formPage) definitionsOf(c *console.Call) error {
	found, err := c.Graph.Page(c.Context(), graphclient.Query{Top: most}, beside("taskDefinitions")...)
	if err != nil {
		return err
	}
	p.Kinds = map[string]definition{}
	for _, o := range found.Items {
		d := definition{o.Text("id"), o.Text("displayName"), o.Text("description"), strings.Split(o.Text("category"), ","), nil}
		for _, one := range o.Objects("parameters") {
			values, _ := one["values"].([]any)
			q := parameter{Name: one.Text("name"), Kind: one.Text("valueType")}
			for _, v := range values {
				if text, ok := v.(string); ok {
					q.Values = append(q.Values, text)
				}
			}
			d.Parameters = append(d.Parameters, q)
		}
		p.Definitions = append(p.Definitions, d)
		p.Kinds[d.ID] = d
	}
	return nil
}

// begin serves GET /console/workflows/new: from which template, and then the form.
func begin(c *console.Call) error {
	p := formPage{Frame: c.Frame("workflows")}
	found, err := c.Graph.Page(c.Context(), graphclient.Query{Top: most}, beside("workflowTemplates")...)
	if err != nil {
		return err
	}
	for _, o := range found.Items {
		p.Templates = append(p.Templates, flowOf(o))
	}
	wanted := c.Form("template")
	if wanted == "" {
		return c.Show(http.StatusOK, p)
	}
	i := slices.IndexFunc(p.Templates, func(f flow) bool { return f.ID == wanted })
	f := flow{Category: "joiner", Attribute: "employeeHireDate"}
	if i >= 0 {
		f = p.Templates[i]
	}
	f.ID, f.Enabled, f.Scheduled = "", true, !f.OnDemand
	return p.show(c, http.StatusOK, f)
}

// edit serves GET /console/workflows/{id}/edit.
func edit(c *console.Call) error {
	f, err := read(c)
	if err != nil {
		return err
	}
	p := formPage{Frame: c.Frame("workflows")}
	return p.show(c, http.StatusOK, f)
}

// show shows the form with f.
func (p formPage) show(c *console.Call, status int, f flow) error {
	p.Flow, p.Templates = f, nil
	if p.Days == "" {
		p.Days = strconv.Itoa(f.Days())
	}
	if p.Direction == "" {
		p.Direction = map[bool]string{true: "before", false: "after"}[f.Offset < 0]
		if f.Offset == 0 {
			p.Direction = "on"
		}
	}
	if p.Kinds == nil {
		if err := p.definitionsOf(c); err != nil {
			return err
		}
	}
	p.Extensions, p.Names = extensionsOf(c), namesOf(c, f.Tasks)
	return c.Show(status, p)
}

// save serves the form: a button beside a task changes the list and nothing else.
func save(c *console.Call) error {
	if err := c.R.ParseForm(); err != nil {
		return err
	}
	p := formPage{Frame: c.Frame("workflows"), Days: c.Form("days"), Direction: c.Form("direction")}
	if err := p.definitionsOf(c); err != nil {
		return err
	}
	f := p.typed(c)
	act, which, _ := strings.Cut(c.Form("act"), ".")
	i, _ := strconv.Atoi(which)
	switch {
	case act == "add":
		if d, ok := p.Kinds[c.Form("kind")]; ok {
			f.Tasks = append(f.Tasks, task{Definition: d.ID, Name: d.Name, Enabled: true, Arguments: map[string]string{}})
		}
		return p.show(c, http.StatusOK, f)
	case act != "save":
		f.Tasks = moved(f.Tasks, act, i)
		return p.show(c, http.StatusOK, f)
	}
	done, err := p.store(c, f)
	if err == nil {
		return c.Go(hrefOf(done), "workflows_saved")
	}
	if p.Fault = console.Explain(err); p.Fault == nil {
		return err
	}
	status := http.StatusBadRequest
	if refused, ok := errors.AsType[*graphclient.Error](err); ok {
		status = refused.Status
	}
	return p.show(c, status, f)
}

// moved returns tasks with the one at i up, down or removed.
func moved(tasks []task, act string, i int) []task {
	switch {
	case i < 0 || i >= len(tasks):
	case act == "remove":
		return slices.Delete(tasks, i, i+1)
	case act == "up" && i > 0:
		tasks[i], tasks[i-1] = tasks[i-1], tasks[i]
	case act == "down" && i+1 < len(tasks):
		tasks[i], tasks[i+1] = tasks[i+1], tasks[i]
	}
	return tasks
}

// mostTasks is how many tasks a form reads.
const mostTasks = 25

// typed reads the form.
func (p formPage) typed(c *console.Call) flow {
	f := flow{
		ID: c.R.PathValue("id"), Tag: c.Form("etag"), Category: c.Form("category"), Name: c.Form("displayName"), Description: c.Form("description"),
		Enabled: c.Form("enabled") != "", Scheduled: c.Form("scheduled") != "", OnDemand: c.Form("how") == "demand",
		Attribute: c.Form("attribute"), Rule: c.Form("rule"),
	}
	f.Scheduled = f.Scheduled && !f.OnDemand
	days, _ := strconv.Atoi(p.Days)
	switch p.Direction {
	case "before":
		f.Offset = -days
	case "after":
		f.Offset = days
	}
	for i := range mostTasks {
		at := "task." + strconv.Itoa(i) + "."
		d, ok := p.Kinds[c.Form(at+"definition")]
		if !ok {
			break
		}
		t := task{Definition: d.ID, Name: c.Form(at + "name"), Enabled: c.Form(at+"on") != "", Goes: c.Form(at+"goes") != "", Arguments: map[string]string{}}
		for _, q := range d.Parameters {
			if value := c.Form(at + q.Name); value != "" {
				t.Arguments[q.Name] = strings.ReplaceAll(value, "\r\n", "\n")
			}
		}
		f.Tasks = append(f.Tasks, t)
	}
	return f
}

// store sends what was typed to Graph: new, as a new version where tasks or conditions changed, or as the few
// properties that change without one.
func (p formPage) store(c *console.Call, f flow) (string, error) {
	if days, err := strconv.Atoi(p.Days); !f.OnDemand && p.Direction != "on" && (err != nil || days < 0) {
		return "", errDays
	}
	body := graphclient.Object{"displayName": f.Name, "description": f.Description, "isEnabled": f.Enabled, "isSchedulingEnabled": f.Scheduled}
	tasks, err := p.graphTasks(c, f.Tasks)
	if err != nil {
		return "", err
	}
	body["category"], body["executionConditions"], body["tasks"] = f.Category, f.conditions(), tasks
	if f.ID == "" {
		o, err := c.Graph.Do(c.Context(), http.MethodPost, body, at()...)
		return o.Text("id"), err
	}
	old, err := read(c)
	if err != nil {
		return "", err
	}
	was, err := p.graphTasks(c, old.Tasks)
	if err != nil {
		return "", err
	}
	if f.OnDemand == old.OnDemand && (f.OnDemand || f.Rule == old.Rule && f.Attribute == old.Attribute && f.Offset == old.Offset) && same(tasks, was) {
		delete(body, "category")
		delete(body, "executionConditions")
		delete(body, "tasks")
		_, err = c.Graph.Matching(f.Tag).Do(c.Context(), http.MethodPatch, body, at(f.ID)...)
		return f.ID, err
	}
	_, err = c.Graph.Matching(f.Tag).Do(c.Context(), http.MethodPost, graphclient.Object{"workflow": body}, at(f.ID, "microsoft.graph.identityGovernance.createNewVersion")...)
	return f.ID, err
}

// conditions are when and for whom f is, as Graph takes them.
func (f flow) conditions() graphclient.Object {
	const graph = "#microsoft.graph.identityGovernance."
	if f.OnDemand {
		return graphclient.Object{"@odata.type": graph + "onDemandExecutionOnly"}
	}
	return graphclient.Object{
		"@odata.type": graph + "triggerAndScopeBasedConditions",
		"scope":       graphclient.Object{"@odata.type": graph + "ruleBasedSubjectSet", "rule": f.Rule},
		"trigger":     graphclient.Object{"@odata.type": graph + "timeBasedAttributeTrigger", "timeBasedAttribute": f.Attribute, "offsetInDays": f.Offset},
	}
}

// graphTasks are tasks as Graph takes them; names that were typed have become ids.
func (p formPage) graphTasks(c *console.Call, tasks []task) ([]graphclient.Object, error) {
	all := []graphclient.Object{}
	for _, t := range tasks {
		arguments := []graphclient.Object{}
		for _, q := range p.Kinds[t.Definition].Parameters {
			value := t.Arguments[q.Name]
			if kind := map[string]string{argGroups: "groups", argPeople: "users"}[q.Name]; kind != "" && value != "" {
				var err error
				if value, err = idsOf(c, t.Name, value, kind); err != nil {
					return nil, err
				}
			}
			if value != "" {
				arguments = append(arguments, graphclient.Object{"name": q.Name, "value": value})
			}
		}
		all = append(all, graphclient.Object{
			"taskDefinitionId": t.Definition, "displayName": t.Name, "isEnabled": t.Enabled, "continueOnError": t.Goes, "arguments": arguments,
		})
	}
	return all, nil
}

// same reports whether two lists of tasks are alike.
func same(a, b []graphclient.Object) bool { return reflect.DeepEqual(a, b) }
