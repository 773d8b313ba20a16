package cli

import (
	"cmp"
	"strings"
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
		Long: "Issues the pass of a case, and prints it alone. The recovery policy says what it may be, and which ways\n" +
			"it may go: read (the usual), slip (printed), manager, managerLink or person. With the last three you don't\n" +
			"see it: they get a link that opens once. With managerLink no mail goes: the link is printed alone, for you\n" +
			"to send to the manager in a chat; it opens for nobody else. Where policy lets the person open theirs by a\n" +
			"code that you read out, that code is printed.",
		Example: "  postern case issue R-7K4MQ2 --lifetime 1h --once\n  postern case issue R-7K4MQ2 --hand-over manager\n  postern case issue R-7K4MQ2 --hand-over slip | lp",
	}
	c.Flags().DurationVar(&lifetime, "lifetime", 0, "how `LONG` it works, such as 1h")
	c.Flags().BoolVar(&once, "once", false, "it works once")
	c.Flags().StringVar(&purpose, "purpose", "", "`WHAT` it is for, such as registerMethods")
	c.Flags().StringVar(&handOver, "hand-over", "", "`HOW` it reaches the person: read, slip, manager, managerLink or person")
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
		spoken, link := one.Text("temporaryAccessPassMethod/postern_spokenCode"), one.Text("temporaryAccessPassMethod/postern_handedOver/link")
		switch {
		case spoken != "":
			e.say("The link is on its way to the person. It opens with this code, which you read out to them:")
			return e.result(spoken)
		case link != "":
			return e.giveLink(link)
		case handOver == "manager" || handOver == "person":
			e.say("The link is on its way.")
			return nil
		case handOver == "slip":
			return e.result(slip(one, e.server))
		}
		e.say("The pass of case %s works until %s.", one.Text("number"), shown(one, "pass/endDateTime"))
		return e.result(one.Text("temporaryAccessPassMethod/temporaryAccessPass"))
	})
}

// giveLink prints a link to send to the manager, alone on stdout.
func (e *env) giveLink(link string) error {
	e.say("Send this link to the manager in your own chat. It opens once, for the manager alone, and is not shown again:")
	return e.result(link)
}

// slipPurposes say on paper what a pass is for, as the console's slip does.
var slipPurposes = map[string]string{
	"general":         "To sign in",
	"registerMethods": "Only to set up a way to sign in",
	"signIn":          "Only to sign in on one computer",
	"resetPin":        "Only to choose a new PIN on one computer",
}

// slip is a pass on paper.
func slip(one graphclient.Object, server string) string {
	if server != "" {
		server = "Sign in at " + server + "."
	}
	kind, _, _ := strings.Cut(one.Text("pass/postern_purpose"), ":") // then comes the device
	often := "many times"
	if one.Text("pass/isUsableOnce") == "true" {
		often = "once"
	}
	return strings.Join([]string{
		"A pass for " + one.Text("userDisplayName"), one.Text("userPrincipalName"), "",
		"    " + one.Text("temporaryAccessPassMethod/temporaryAccessPass"), "",
		"What it is for: " + slipPurposes[cmp.Or(kind, "general")] + ".",
		"It works " + often + ", until " + shown(one, "pass/endDateTime") + ".", server, "Case " + one.Text("number") + ". Destroy this slip after use.",
	}, "\n")
}
