package cli

import (
	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/graphclient"
)

func drillCommand() *cobra.Command {
	return program.Noun("drill", "Rehearsals of recovery, with practice passes that open nothing", drillStart(), drillList(), drillShow(), drillSchedule())
}

func drillStart() *cobra.Command {
	var where, note string
	var days, sample int
	c := &cobra.Command{
		Use: "start [UPN]", Short: "Ask somebody to practise, or a sample of people", Args: cobra.MaximumNArgs(1),
		Long: "Asks somebody to practise, and prints their practice pass alone: read it out to them, as you would a real one. With\n" +
			"--sample it asks that many people, whom the quarter chooses; each gets their practice pass by signing in.",
		Example: "  postern drill start mira@contoso.example\n  postern drill start --sample 25 --where lockScreen",
	}
	c.Flags().IntVar(&sample, "sample", 0, "ask this `NUMBER` of people")
	c.Flags().StringVar(&where, "where", "", "`WHERE` it has to be typed: anywhere or lockScreen")
	c.Flags().IntVar(&days, "days", 0, "how many `DAYS` people have; 14 if left out")
	c.Flags().StringVar(&note, "note", "", "`TEXT` that is kept with it")
	return verb(c, func(e *env, args []string) error {
		if (len(args) == 1) == (sample != 0) {
			return program.Usagef("Name a person, or say --sample NUMBER.")
		}
		in := noted(graphclient.Object{}, "where", where, "note", note)
		if len(args) == 1 {
			in["userId"] = args[0]
		} else {
			in["sampleSize"] = sample
		}
		if days != 0 {
			in["answerInDays"] = days
		}
		one, err := e.graph.StartDrill(c.Context(), in)
		if err != nil {
			return err
		}
		if e.json {
			return e.printJSON(one)
		}
		e.say("Drill %s asks %s until %s.", one.Text("id"), one.Text("asked"), shown(one, "endDateTime"))
		if pass := one.Text("practicePass"); pass != "" {
			return e.result(pass)
		}
		return e.result(one.Text("id"))
	})
}

func drillList() *cobra.Command {
	var top int
	c := &cobra.Command{Use: "list", Short: "List drills, the newest first", Args: cobra.NoArgs}
	c.Flags().IntVar(&top, "top", 0, "list this `NUMBER` at most")
	return verb(c, func(e *env, _ []string) error {
		return e.table(e.graph.Drills(c.Context(), graphclient.Query{}), top,
			column{"ID", "id"}, column{"KIND", "kind"}, column{"QUARTER", "quarter"}, column{"ASKED", "asked"}, column{"BEGAN", "startDateTime"}, column{"ENDS", "endDateTime"}, column{"BY", "startedBy"})
	})
}

func drillShow() *cobra.Command {
	c := &cobra.Command{
		Use: "show DRILL", Short: "Report a drill: who got through, and where others were stopped", Args: cobra.ExactArgs(1),
		Long: "Reports a drill, who was stopped first. --json has every step of everybody.",
	}
	return verb(c, func(e *env, args []string) error {
		one, err := e.graph.Drill(c.Context(), args[0])
		if err != nil {
			return err
		}
		if !e.json {
			e.say("Asked %s: %s passed, %s failed, %s missed it, %s have not tried yet.", one.Text("asked"), one.Text("passed"), one.Text("failed"), one.Text("missed"), one.Text("waiting"))
		}
		return e.table(e.graph.DrillPeople(c.Context(), args[0]), 0,
			column{"USER", "userPrincipalName"}, column{"STATE", "state"}, column{"FAILED STEP", "failedStep"}, column{"DEVICE", "deviceDisplayName"}, column{"SECONDS", "secondsTaken"}, column{"WHY", "why"})
	})
}

func drillSchedule() *cobra.Command {
	var on, off bool
	var sample, days int
	var where string
	c := &cobra.Command{
		Use: "schedule", Short: "Show or change how many people are asked every quarter", Args: cobra.NoArgs,
		Example: "  postern drill schedule --on --sample 25 --days 14\n  postern drill schedule --off",
	}
	c.Flags().BoolVar(&on, "on", false, "ask a sample every quarter")
	c.Flags().BoolVar(&off, "off", false, "ask nobody")
	c.MarkFlagsMutuallyExclusive("on", "off")
	c.Flags().IntVar(&sample, "sample", 0, "ask this `NUMBER` of people")
	c.Flags().IntVar(&days, "days", 0, "how many `DAYS` they have")
	c.Flags().StringVar(&where, "where", "", "`WHERE` it has to be typed: anywhere or lockScreen")
	return verb(c, func(e *env, _ []string) error {
		in := noted(graphclient.Object{}, "where", where)
		if on || off {
			in["isEnabled"] = on
		}
		if sample != 0 {
			in["sampleSize"] = sample
		}
		if days != 0 {
			in["answerInDays"] = days
		}
		one, err := e.graph.ScheduleDrills(c.Context(), in)
		if err != nil {
			return err
		}
		return e.object(one, "isEnabled", "sampleSize", "answerInDays", "where", "lastModifiedDateTime")
	})
}
