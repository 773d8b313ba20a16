package cli

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/graphclient"
)

func caseIssue() *cobra.Command {
	var lifetime time.Duration
	var once bool
	var purpose, handOver string
	c := &cobra.Command{
		Use: "issue CASE", Short: "Issue the pass of a case", Args: cobra.ExactArgs(1),
		Long: "Issues the pass of a case, and prints it alone. The recovery policy says what it may be. With --hand-over\n" +
			"you don't see it: the manager or the person gets a link that opens once.",
		Example: "  postern case issue R-7K4MQ2 --lifetime 1h --once\n  postern case issue R-7K4MQ2 --hand-over manager",
	}
	c.Flags().DurationVar(&lifetime, "lifetime", 0, "how `LONG` it works, such as 1h")
	c.Flags().BoolVar(&once, "once", false, "it works once")
	c.Flags().StringVar(&purpose, "purpose", "", "`WHAT` it is for, such as registerMethods")
	c.Flags().StringVar(&handOver, "hand-over", "", "`WHO` gets it by a link: manager or person")
	return verb(c, func(e *env, args []string) error {
		in := noted(graphclient.Object{}, "postern_purpose", purpose, "postern_handOver", handOver)
		if lifetime != 0 {
			if lifetime%time.Minute != 0 {
				return program.Usagef("--lifetime is in whole minutes.")
			}
			in["lifetimeInMinutes"] = int(lifetime / time.Minute)
		}
		if c.Flags().Changed("once") {
			in["isUsableOnce"] = once
		}
		one, err := e.graph.StepRecoveryCase(c.Context(), args[0], "issue", in)
		if err != nil {
			return err
		}
		if e.json {
			return e.printJSON(one)
		}
		if handOver != "" {
			e.say("The link is on its way.")
			return nil
		}
		e.say("The pass of case %s works until %s.", one.Text("number"), shown(one, "pass/endDateTime"))
		return e.result(one.Text("temporaryAccessPassMethod/temporaryAccessPass"))
	})
}
