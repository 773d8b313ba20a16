package cli

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/bulk"
	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/graphclient"
)

func tapCommand() *cobra.Command {
	return program.Noun("tap", "Temporary Access Passes", tapIssue(), tapList(), tapShow(), tapDelete(), tapLineage(), tapRevert())
}

func tapIssue() *cobra.Command {
	var flags passFlags
	var once bool
	var from, results string
	c := &cobra.Command{
		Use: "issue UPN | issue --from FILE", Short: "Issue a pass, which replaces the one they had", Args: cobra.MaximumNArgs(1),
		Long: "Issues a pass and prints it alone on stdout. It is shown this once. What is not said follows the policy.\n\n" +
			"With --hand-over manager or person you don't see it: they get a link by mail that opens once. With managerLink\n" +
			"that link is printed instead, for you to send to the manager in a chat; it opens for nobody else. The recovery\n" +
			"policy says which of these are allowed.\n\n" +
			"With --from it issues one to each person of a CSV file whose first line names its columns: user, and as\n" +
			"needed lifetime, once, start, reason, ticket, check, purpose, device. Flags say what empty cells mean. The passes go to a result file\n" +
			"that only you can read. After an interruption the same command goes on, and issues to nobody twice.",
		Example: `  postern tap issue mira@contoso.example --lifetime 1h --once --reason "new laptop"` + "\n" +
			"  postern tap issue --from people.csv --lifetime 8h --results passes.csv",
	}
	c.Flags().DurationVar(&flags.lifetime, "lifetime", 0, "how long it works, as 1h or 90m")
	c.Flags().BoolVar(&once, "once", false, "make it work once; --once=false for many times")
	c.Flags().StringVar(&flags.start, "start", "", "`TIME` from which it works, as 2026-03-02T06:00:00Z or \"in 2h\"")
	c.Flags().StringVar(&flags.reason, "reason", "", "why; the person and the log see it")
	c.Flags().StringVar(&flags.ticket, "ticket", "", "`NUMBER` of the ticket, for the log")
	c.Flags().StringVar(&flags.check, "check", "", "`HOW` you know who asks: inPerson, callBack, manager, video or other, and after a colon a note")
	c.Flags().StringVar(&flags.preset, "for", "", "what it is `FOR`: recoverDevice, newDevice or newEmployee; sets what no other flag does")
	c.Flags().StringVar(&flags.purpose, "purpose", "", "`WHAT` it is good for, and nothing else: registerMethods, signIn or resetPin; without it, any sign-in")
	c.Flags().StringVar(&flags.device, "device", "", "`ID` of the device (deviceId) that signIn and resetPin are for")
	c.Flags().StringVar(&flags.handOver, "hand-over", "", "`HOW` it reaches the person: read, manager, managerLink or person")
	c.Flags().StringVar(&from, "from", "", "CSV `FILE` of people; - for stdin")
	c.Flags().StringVar(&results, "results", "", "`FILE` for the passes of --from; without it FILE.results.csv beside it")
	return verb(c, func(e *env, args []string) error {
		if c.Flags().Changed("once") {
			flags.once = &once
		}
		if _, err := flags.request(bulk.Person{}, time.Now()); err != nil {
			return err
		}
		switch {
		case from != "" && len(args) == 0:
			if flags.handOver != "" {
				return program.Usagef("--hand-over is for one person; a list has its passes in the result file.")
			}
			return e.issueFrom(from, results, flags)
		case from != "" || results != "" || len(args) != 1:
			return program.Usagef("Say for whom: a UPN, or --from FILE.")
		}
		return e.issueOne(args[0], flags)
	})
}

func (e *env) issueOne(user string, flags passFlags) error {
	in, err := flags.request(bulk.Person{}, time.Now())
	if err != nil {
		return err
	}
	pass, err := e.graph.CreatePass(e.command.Context(), user, in)
	if err != nil {
		return err
	}
	if pass.HandedOver != nil {
		return e.sayHanded(pass)
	}
	if pass.TemporaryAccessPass == nil {
		return graphclient.ErrAnswer
	}
	if err := e.printPass(user, pass); err != nil || e.json {
		return err
	}
	if what := purposes[in.Purpose]; what != "" {
		e.say("Good for this alone: %s.", what)
	}
	return nil
}

// sayHanded says what became of a pass that went by a link.
func (e *env) sayHanded(pass graphclient.Pass) error {
	switch {
	case e.json:
		return e.printJSON(pass)
	case pass.HandedOver.Link != "":
		return e.giveLink(pass.HandedOver.Link)
	case pass.SpokenCode != "":
		e.say("The link is on its way to the person. It opens with this code, which you read out to them:")
		return e.result(pass.SpokenCode)
	}
	e.say("The link is on its way.")
	return nil
}

// purposes are the purposes of passes in words.
var purposes = map[string]string{
	"registerMethods": "setting up ways to sign in, on the security info page",
	"signIn":          "signing in at the lock screen of that device",
	"resetPin":        "setting or resetting the PIN at the lock screen of that device",
}

// passTimes fills in lifetime and start of in. No lifetime and no start stay unsaid.
func passTimes(in *graphclient.PassRequest, lifetime time.Duration, start string, now time.Time) error {
	if lifetime < 0 || lifetime%time.Minute != 0 {
		return program.Usagef("The lifetime must be in whole minutes, as 1h or 90m.")
	}
	in.LifetimeInMinutes = int(lifetime / time.Minute)
	if start == "" {
		return nil
	}
	at, err := startTime(start, now)
	in.StartDateTime = &at
	return err
}

// startTime reads a time with its zone, or "in" and a span.
func startTime(text string, now time.Time) (time.Time, error) {
	if span, ok := strings.CutPrefix(text, "in "); ok {
		if d, err := time.ParseDuration(strings.TrimSpace(span)); err == nil && d >= 0 {
			return now.Add(d).UTC().Truncate(time.Second), nil
		}
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, program.Usagef(`The start must look like 2026-03-02T06:00:00Z or "in 2h", not %q.`, text)
	}
	return at.UTC(), nil
}

func (e *env) printPass(user string, pass graphclient.Pass) error {
	if e.json {
		return e.printJSON(pass)
	}
	if err := e.result(*pass.TemporaryAccessPass); err != nil {
		return err
	}
	times := "many times"
	if pass.IsUsableOnce {
		times = "once"
	}
	from := ""
	if pass.StartDateTime.After(time.Now()) {
		from = " from " + local(pass.StartDateTime)
	}
	e.say("Works for %s%s until %s, %s.", user, from, local(pass.End()), times)
	return nil
}

func local(at time.Time) string { return at.Local().Format("2006-01-02 15:04 MST") }

func tapList() *cobra.Command {
	c := &cobra.Command{Use: "list UPN", Short: "List the pass of a person, if there is one", Args: cobra.ExactArgs(1)}
	return verb(c, func(e *env, args []string) error {
		return e.table(e.graph.ListPasses(c.Context(), args[0]), 0, column{"ID", "id"}, column{"START", "startDateTime"},
			column{"MINUTES", "lifetimeInMinutes"}, column{"ONCE", "isUsableOnce"}, column{"STATE", "methodUsabilityReason"})
	})
}

func tapShow() *cobra.Command {
	c := &cobra.Command{Use: "show UPN", Short: "Show the pass of a person, without its characters", Args: cobra.ExactArgs(1)}
	return verb(c, func(e *env, args []string) error {
		id, err := e.passOf(args[0])
		if err != nil {
			return err
		}
		pass, err := e.graph.Pass(c.Context(), args[0], id, e.own)
		if err != nil {
			return err
		}
		if check, ok := pass["postern_identityCheck"].(map[string]any); ok && !e.json {
			pass["postern_check"] = strings.TrimSuffix(graphclient.Object(check).Text("how")+": "+graphclient.Object(check).Text("note"), ": ")
		}
		return e.object(pass, "id", "createdDateTime", "startDateTime", "lifetimeInMinutes", "isUsableOnce", "isUsable",
			"methodUsabilityReason", "postern_stoppedBecause", "postern_issuer", "postern_reason", "postern_ticket", "postern_usedDateTime", "postern_check", "postern_purpose", "postern_deviceId")
	})
}

func tapDelete() *cobra.Command {
	c := &cobra.Command{Use: "delete UPN", Short: "Delete the pass of a person; what came from it ends", Args: cobra.ExactArgs(1)}
	return verb(c, func(e *env, args []string) error {
		id, err := e.passOf(args[0])
		if err != nil {
			return err
		}
		if err := e.graph.DeletePass(c.Context(), args[0], id); err != nil {
			return err
		}
		e.say("The pass of %s is gone.", args[0])
		return nil
	})
}

// passOf returns the id of a person's pass.
func (e *env) passOf(user string) (string, error) {
	all, err := collect(e.graph.ListPasses(e.command.Context(), user), 1)
	if err != nil {
		return "", err
	}
	if len(all) == 0 {
		return "", notFound("%s has no pass.", user)
	}
	return all[0].Text("id"), nil
}
