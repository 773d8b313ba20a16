package workflows

import (
	"strings"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// A flow is a workflow as the pages show it.
type flow struct {
	ID, Tag, Category, Name, Description string
	Enabled, Scheduled, OnDemand         bool
	Attribute, Rule                      string
	Offset, Version                      int
	Changed, Next                        time.Time
	Tasks                                []task
}

// A task is one thing to do for a person.
type task struct {
	Definition, Name string
	Enabled, Goes    bool // Goes: those after it are done though it failed
	Arguments        map[string]string
}

func flowOf(o graphclient.Object) flow {
	f := flow{
		ID: o.Text("id"), Tag: o.Text(graphclient.ETag), Category: o.Text("category"), Name: o.Text("displayName"), Description: o.Text("description"),
		Enabled: truth(o, "isEnabled"), Scheduled: truth(o, "isSchedulingEnabled"), Version: number(o, "version") + number(o, "versionNumber"),
		Changed: o.Time("lastModifiedDateTime"), Next: o.Time("nextScheduleRunDateTime"),
		OnDemand:  strings.HasSuffix(o.Text("executionConditions/@odata.type"), "onDemandExecutionOnly"),
		Attribute: o.Text("executionConditions/trigger/timeBasedAttribute"), Rule: o.Text("executionConditions/scope/rule"),
		Offset: number(o, "executionConditions/trigger/offsetInDays"),
	}
	for _, t := range o.Objects("tasks") {
		f.Tasks = append(f.Tasks, taskOf(t))
	}
	return f
}

func taskOf(o graphclient.Object) task {
	t := task{
		Definition: o.Text("taskDefinitionId"), Name: o.Text("displayName"), Enabled: truth(o, "isEnabled"), Goes: truth(o, "continueOnError"), Arguments: map[string]string{},
	}
	for _, a := range o.Objects("arguments") {
		t.Arguments[a.Text("name")] = a.Text("value")
	}
	return t
}

// read returns the workflow that the address names, with its tasks.
func read(c *console.Call) (flow, error) {
	id := c.R.PathValue("id")
	o, err := c.Graph.Get(c.Context(), at(id)...)
	if err != nil {
		return flow{}, err
	}
	f := flowOf(o)
	if len(f.Tasks) > 0 {
		return f, nil
	}
	tasks, err := c.Graph.Page(c.Context(), graphclient.Query{}, at(id, "tasks")...) // a Graph that leaves them out
	if err != nil {
		return flow{}, err
	}
	for _, t := range tasks.Items {
		f.Tasks = append(f.Tasks, taskOf(t))
	}
	return f, nil
}

// Days is the distance from the date, without its direction.
func (f flow) Days() int { return max(f.Offset, -f.Offset) }

// When is the key of the words for when it is done.
func (f flow) When() string {
	switch {
	case f.OnDemand:
		return "workflows_when_demand"
	case f.Offset == 0:
		return "workflows_when_on"
	case f.Offset == -1:
		return "workflows_when_before_one"
	case f.Offset == 1:
		return "workflows_when_after_one"
	case f.Offset < 0:
		return "workflows_when_before"
	}
	return "workflows_when_after"
}

// State is enabled, waits or off: only with a schedule does it begin by itself.
func (f flow) State() string {
	switch {
	case !f.Enabled:
		return "off"
	case f.OnDemand, !f.Scheduled:
		return "demand"
	}
	return "on"
}
