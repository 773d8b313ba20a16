package cli

import (
	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/program"
)

func jobCommand() *cobra.Command {
	return program.Noun("job", "What the server does by itself, and what it gave up", jobList(), jobRetry())
}

func jobList() *cobra.Command {
	var state string
	var top int
	c := &cobra.Command{Use: "list", Short: "List jobs that were given up, or those of another state", Args: cobra.NoArgs}
	c.Flags().StringVar(&state, "state", "dead", "list those in this `STATE`: dead, waiting or done")
	c.Flags().IntVar(&top, "top", 0, "list this `NUMBER` at most")
	return verb(c, func(e *env, _ []string) error {
		return e.table(e.graph.Jobs(c.Context(), state), top,
			column{"ID", "id"}, column{"KIND", "kind"}, column{"QUEUED", "createdDateTime"}, column{"ENDED", "endedDateTime"},
			column{"TRIES", "attempts"}, column{"WHY", "lastError"})
	})
}

func jobRetry() *cobra.Command {
	c := &cobra.Command{
		Use: "retry ID…", Short: "Begin jobs anew that were given up", Args: cobra.MinimumNArgs(1),
		Example: "  postern job list --json | jq -r '.[].id' | xargs postern job retry",
	}
	return verb(c, func(e *env, args []string) error {
		for _, id := range args {
			if err := e.graph.RetryJob(c.Context(), id); err != nil {
				return err
			}
		}
		e.say("Begun anew. See what came of it with: postern job list")
		return nil
	})
}
