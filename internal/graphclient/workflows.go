package graphclient

import (
	"context"
	"iter"
	"net/http"
)

// lifecycle is where lifecycle workflows are.
func lifecycle(names ...string) []string {
	return append([]string{"identityGovernance", "lifecycleWorkflows", "workflows"}, names...)
}

// Workflows yields the lifecycle workflows that q asks for.
func (c *Client) Workflows(ctx context.Context, q Query) iter.Seq2[Object, error] {
	return c.list(ctx, q, lifecycle()...)
}

// Workflow returns one, by id, and its tasks.
func (c *Client) Workflow(ctx context.Context, id string) (workflow Object, tasks []Object, err error) {
	if workflow, err = c.one(ctx, lifecycle(id)...); err != nil {
		return nil, nil, err
	}
	for t, err := range c.list(ctx, Query{}, lifecycle(id, "tasks")...) {
		if err != nil {
			return nil, nil, err
		}
		tasks = append(tasks, t)
	}
	return workflow, tasks, nil
}

// RunWorkflow runs one now for the people with those object ids.
func (c *Client) RunWorkflow(ctx context.Context, id string, people []string) error {
	subjects := make([]map[string]string, len(people))
	for i, one := range people {
		subjects[i] = map[string]string{"id": one}
	}
	_, err := c.Do(ctx, http.MethodPost, map[string]any{"subjects": subjects}, lifecycle(id, "microsoft.graph.identityGovernance.activate")...)
	return err
}

// WorkflowRuns yields the runs of a workflow, the newest first.
func (c *Client) WorkflowRuns(ctx context.Context, id string) iter.Seq2[Object, error] {
	return c.list(ctx, Query{}, lifecycle(id, "runs")...)
}

// TaskResults expands what a workflow did for people by their tasks, with what they wait for.
const TaskResults = "taskProcessingResults($select=id,postern_waitsUntilDateTime,postern_waitsFor,processingStatus,failureReason," +
	"createdDateTime,startedDateTime,completedDateTime,subject,task)"

// WorkflowResults yields what a workflow did for people, with their tasks, the newest first; of one run if
// run is not empty.
func (c *Client) WorkflowResults(ctx context.Context, id, run string) iter.Seq2[Object, error] {
	names := lifecycle(id, "userProcessingResults")
	if run != "" {
		names = lifecycle(id, "runs", run, "userProcessingResults")
	}
	return c.list(ctx, Query{Expand: TaskResults}, names...)
}
