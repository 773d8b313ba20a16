package cli

import (
	"encoding/csv"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/graphclient"
)

func readinessCommand() *cobra.Command {
	return program.Noun("readiness", "Who gets back in when something fails", readinessShow(), readinessReport(), readinessWhatIf())
}

func readinessShow() *cobra.Command {
	c := &cobra.Command{
		Use: "show [USER]", Short: "Say how a person, or how many people, get back in", Args: cobra.MaximumNArgs(1),
		Long: "Says of a person what is left to them in each failure, about how long it takes, and whose help it takes. Without USER\nit counts everybody, failure by failure.",
	}
	return verb(c, func(e *env, args []string) error {
		if len(args) == 0 {
			return e.readinessCounts()
		}
		got, err := e.graph.Get(c.Context(), "postern", "users", args[0], "readiness")
		if err != nil || e.json {
			return errorOr(err, func() error { return e.printJSON(got) })
		}
		e.say("Grade: %s.", got.Text("grade"))
		if got.Text("isUnreadable") == "true" {
			e.say("What is stored of this person can't be read, so nothing counts. The server's log says what it is (registrationUnreadable).")
		}
		if remedy := got.Text("best/remedy"); remedy != "" {
			e.say("What helps most: %s.", remedy)
		}
		var rows []graphclient.Object
		for _, one := range got.Objects("cases") {
			rows = append(rows, graphclient.Object{"case": one.Text("case"), "standing": one.Text("standing"), "ways": waysIn(one), "closedBy": one.Text("closedBy")})
		}
		return e.rows(rows, []column{{"FAILURE", "case"}, {"STANDING", "standing"}, {"WAYS", "ways"}, {"CLOSED BY", "closedBy"}})
	})
}

// waysIn are the ways of a case in a line: their own, or else who helps.
func waysIn(one graphclient.Object) string {
	var all []string
	for _, w := range one.Objects("ways") {
		var with []string
		for _, m := range w.Objects("methods") {
			with = append(with, m.Text("type"))
		}
		if d := w.Text("device/displayName"); d != "" {
			with = append(with, "PIN on "+d)
		}
		all = append(all, fmt.Sprintf("%s (%s min)", strings.Join(with, " + "), w.Text("minutes")))
	}
	if len(all) == 0 {
		for _, w := range one.Objects("byPass") {
			all = append(all, fmt.Sprintf("pass by %s (%s min)", w.Text("help"), w.Text("minutes")))
		}
	}
	return strings.Join(all, ", ")
}

func (e *env) readinessCounts() error {
	got, err := e.graph.Get(e.command.Context(), "reports", "recoveryReadiness", "summary")
	if err != nil || e.json {
		return errorOr(err, func() error { return e.printJSON(got) })
	}
	if got.Text("isComplete") != "true" {
		e.say("Not everybody was looked at yet.")
	}
	e.say("Of %s people %s have no way back in something, %s only with help, %s one way, %s more.", got.Text("everybody/total"),
		got.Text("everybody/noWayBack"), got.Text("everybody/onlyWithHelp"), got.Text("everybody/oneWayLeft"), got.Text("everybody/ready"))
	if n := got.Text("unreadable"); n != "" && n != "0" {
		e.say("%s of those without a way can't be judged: what is stored of them can't be read. The server's log says what it is (registrationUnreadable).", n)
	}
	return e.rows(got.Objects("failures"), []column{
		{"FAILURE", "failure"}, {"NOTHING", "nothing"}, {"PASS ONLY", "passOnly"}, {"ONE LEFT", "oneLeft"}, {"READY", "ready"}, {"NOT APPLICABLE", "notApplicable"},
	})
}

func readinessReport() *cobra.Command {
	var top int
	var admins, asCSV bool
	sieve := map[string]*string{}
	c := &cobra.Command{
		Use: "report", Short: "List people by how they get back in, those without a way first", Args: cobra.NoArgs,
		Example: "  postern readiness report --grade noWayBack\n  postern readiness report --failure phoneLost --standing passOnly --csv --top 0 > phones.csv",
	}
	f := c.Flags()
	for name, words := range map[string]string{
		"grade": "`GRADE` only: noWayBack, onlyWithHelp, oneWayLeft or ready", "failure": "`FAILURE` in which they have the standing, such as phoneLost",
		"standing": "`STANDING` in that failure: nothing, passOnly, oneLeft, ready or notApplicable",
	} {
		sieve[name] = f.String(name, "", words)
	}
	f.BoolVar(&admins, "administrators", false, "administrators only")
	f.BoolVar(&asCSV, "csv", false, "print CSV")
	f.IntVar(&top, "top", 50, "show this `NUMBER` at most; 0 for all")
	return verb(c, func(e *env, _ []string) error {
		q := graphclient.Query{More: map[string]string{}}
		for name, value := range sieve {
			q.More[name] = *value
		}
		if admins {
			q.More["administrators"] = "true"
		}
		all := e.graph.Readiness(c.Context(), q)
		columns := []column{{"NAME", "displayName"}, {"USER", "userPrincipalName"}, {"GRADE", "grade"}, {"ADMINISTRATOR", "isAdministrator"}, {"DEPARTMENT", "department"}}
		if !asCSV {
			return e.table(all, top, columns...)
		}
		rows, err := collect(all, top)
		if err != nil {
			return err
		}
		out := csv.NewWriter(c.OutOrStdout())
		names := []string{"id", "displayName", "userPrincipalName", "department", "isAdministrator", "grade"}
		for _, failure := range failuresIn(rows) {
			names = append(names, "standings/"+failure)
		}
		names = append(names, "isUnreadable")
		_ = out.Write(names) // Flush says what failed
		for _, o := range rows {
			cells := make([]string, len(names))
			for i, name := range names {
				cells[i] = plain(o.Text(name))
			}
			_ = out.Write(cells)
		}
		out.Flush()
		return out.Error()
	})
}

// failuresIn are the failures of the first row, in the order of the alphabet.
func failuresIn(rows []graphclient.Object) []string {
	if len(rows) == 0 {
		return nil
	}
	all, _ := rows[0]["standings"].(map[string]any)
	return slices.Sorted(maps.Keys(all))
}

// plain keeps a spreadsheet from taking a cell for a formula (OWASP, CSV injection).
func plain(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

func readinessWhatIf() *cobra.Command {
	var resistant, noPasswords, oneTime bool
	var methods, policies []string
	c := &cobra.Command{
		Use: "what-if", Short: "Say who would lose their last way back in under other policies", Args: cobra.NoArgs,
		Long: "Compares how everybody gets back in now with how they would. Nothing is saved.",
		Example: "  postern readiness what-if --passwords-off\n  postern readiness what-if --phishing-resistant\n" +
			"  postern readiness what-if --method fido2.json --ca-policy draft.json",
	}
	f := c.Flags()
	f.BoolVar(&resistant, "phishing-resistant", false, "everybody has to show what nobody can phish, everywhere")
	f.BoolVar(&noPasswords, "passwords-off", false, "nobody signs in with a password")
	f.BoolVar(&oneTime, "passes-one-time", false, "every pass is for one use")
	f.StringArrayVar(&methods, "method", nil, "`FILE` with the policy of a method, as PATCH takes it, and its id; may be given again")
	f.StringArrayVar(&policies, "ca-policy", nil, "`FILE` with a policy of Conditional Access; may be given again")
	return verb(c, func(e *env, _ []string) error {
		body := graphclient.Object{"requirePhishingResistant": resistant, "passwordsOff": noPasswords, "passesOneTime": oneTime}
		for name, files := range map[string][]string{"methods": methods, "drafts": policies} {
			all := []graphclient.Object{}
			for _, file := range files {
				o, err := readObject(c.InOrStdin(), file)
				if err != nil {
					return err
				}
				all = append(all, o)
			}
			body[name] = all
		}
		got, err := e.graph.Do(c.Context(), "POST", body, "postern", "recovery", "readiness", "whatIf")
		if err != nil || e.json {
			return errorOr(err, func() error { return e.printJSON(got) })
		}
		if got.Text("isComplete") != "true" {
			e.say("Only %s people were looked at: the time was over.", got.Text("lookedAt"))
		}
		e.say("%s people would be left without a way, %s with nothing but a pass.", got.Text("leftWithoutAWay"), got.Text("leftWithAPassOnly"))
		return e.rows(got.Objects("losing"), []column{{"NAME", "displayName"}, {"USER", "userPrincipalName"}, {"WITHOUT A WAY", "leftWithoutAWay"}, {"IN", "failures"}})
	})
}
