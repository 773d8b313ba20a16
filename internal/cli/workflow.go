package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/graphclient"
)

func workflowCommand() *cobra.Command {
	return program.Noun("workflow", "What is done when people join, move and leave", workflowList(), workflowShow(), workflowRun(), workflowRuns())
}

// workflowID returns the id of the workflow that is named by id or display name.
func (e *env) workflowID(name string) (string, error) {
	return e.idOf("workflow", name, e.graph.Workflows(e.command.Context(), named(name)))
}

func workflowList() *cobra.Command {
	var q graphclient.Query
	var top int
	c := &cobra.Command{Use: "list", Short: "List lifecycle workflows", Args: cobra.NoArgs}
	c.Flags().StringVar(&q.Filter, "filter", "", "list those that meet this `FILTER`, such as \"category eq 'joiner'\"")
	c.Flags().IntVar(&top, "top", 0, "list this `NUMBER` at most")
	return verb(c, func(e *env, _ []string) error {
		return e.table(e.graph.Workflows(c.Context(), asked(q)), top,
			column{"NAME", "displayName"}, column{"ID", "id"}, column{"CATEGORY", "category"}, column{"ENABLED", "isEnabled"},
			column{"SCHEDULED", "isSchedulingEnabled"}, column{"VERSION", "version"}, column{"NEXT LOOK", "nextScheduleRunDateTime"})
	})
}

func workflowShow() *cobra.Command {
	c := &cobra.Command{Use: "show WORKFLOW", Short: "Show a workflow with its tasks, by name or id", Args: cobra.ExactArgs(1)}
	return verb(c, func(e *env, args []string) error {
		id, err := e.workflowID(args[0])
		if err != nil {
			return err
		}
		w, tasks, err := e.graph.Workflow(c.Context(), id)
		if err != nil {
			return err
		}
		if e.json {
			w["tasks"] = tasks
			return e.printJSON(w)
		}
		var lines []string
		for i, t := range tasks {
			lines = append(lines, fmt.Sprintf("%d. %s", i+1, t.Text("displayName")))
		}
		w["tasks"] = strings.Join(lines, "; ")
		return e.object(w, "id", "displayName", "description", "category", "isEnabled", "isSchedulingEnabled", "version",
			"executionConditions/scope/rule", "executionConditions/trigger/timeBasedAttribute", "executionConditions/trigger/offsetInDays",
			"nextScheduleRunDateTime", "tasks")
	})
}

func workflowRun() *cobra.Command {
	c := &cobra.Command{
		Use: "run WORKFLOW UPN…", Short: "Run a workflow now for people, whatever its rule and date", Args: cobra.MinimumNArgs(2),
		Example: "  postern workflow run \"Day-one pass\" mira@contoso.example",
	}
	return verb(c, func(e *env, args []string) error {
		id, err := e.workflowID(args[0])
		if err != nil {
			return err
		}
		var people []string
		for _, upn := range args[1:] {
			u, err := e.graph.User(c.Context(), upn)
			if err != nil {
				return err
			}
			people = append(people, u.Text("id"))
		}
		if err := e.graph.RunWorkflow(c.Context(), id, people); err != nil {
			return err
		}
		e.say("It runs. See what came of it with: postern workflow runs %q", args[0])
		return nil
	})
}

func workflowRuns() *cobra.Command {
	var top int
	c := &cobra.Command{
		Use: "runs WORKFLOW [RUN]", Short: "Show what a workflow did; with a RUN for whom, and why not", Args: cobra.RangeArgs(1, 2),
	}
	c.Flags().IntVar(&top, "top", 0, "list this `NUMBER` at most")
	return verb(c, func(e *env, args []string) error {
		id, err := e.workflowID(args[0])
		if err != nil {
			return err
		}
		if len(args) == 1 {
			return e.table(e.graph.WorkflowRuns(c.Context(), id), top,
				column{"RUN", "id"}, column{"WHEN", "startedDateTime"}, column{"STATUS", "processingStatus"}, column{"BY", "workflowExecutionType"},
				column{"PEOPLE", "totalUsersCount"}, column{"DONE", "successfulUsersCount"}, column{"FAILED", "failedUsersCount"})
		}
		results := e.graph.WorkflowResults(c.Context(), id, args[1])
		return e.table(func(yield func(graphclient.Object, error) bool) {
			for one, err := range results {
				if err == nil {
					one["why"] = why(one)
				}
				if !yield(one, err) {
					return
				}
			}
		}, top, column{"PERSON", "subject/userPrincipalName"}, column{"STATUS", "processingStatus"}, column{"ENDED", "completedDateTime"}, column{"WHY", "why"})
	})
}

// why is what the first task says that failed or waits.
func why(result graphclient.Object) string {
	for _, t := range result.Objects("taskProcessingResults") {
		if reason := t.Text("failureReason"); reason != "" {
			return reason
		}
		if reason := t.Text("postern_waitsFor"); reason != "" {
			return "waits until " + shown(t, "postern_waitsUntilDateTime") + ": " + reason
		}
	}
	return ""
}
