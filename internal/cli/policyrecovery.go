package cli

import (
	"cmp"
	"encoding/json"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/graphclient"
)

func policyRecovery() *cobra.Command {
	return program.Noun("recovery", "What a proof is worth, and what a pass of a recovery case may be", policyShowRecovery(), policySetRecovery(), policyRecoveryHistory(), policyPutBackRecovery())
}

func policyShowRecovery() *cobra.Command {
	c := &cobra.Command{Use: "show", Short: "Show the recovery policy", Args: cobra.NoArgs}
	return verb(c, func(e *env, _ []string) error {
		p, err := e.graph.RecoveryPolicy(c.Context())
		if err != nil {
			return err
		}
		if e.json {
			return e.printJSON(p)
		}
		if err := e.object(p, "caseRequired", "caseLifetimeInMinutes", "proofLifetimeInMinutes", "approvalLifetimeInMinutes", "approverFreshInMinutes",
			"contactChangeDelayInHours", "disputeWindowInDays", "outOfHours", "selfService"); err != nil {
			return err
		}
		var rows []graphclient.Object
		for _, r := range p.Objects("rules") {
			for _, g := range r.Objects("grants") {
				g["targetClass"], g["alsoTold"] = r.Text("targetClass"), r.Text("alsoTold")
				rows = append(rows, g)
			}
		}
		return e.rows(rows, []column{
			{"WHO", "targetClass"}, {"LEVEL", "level"}, {"MINUTES", "maximumLifetimeInMinutes"}, {"ONCE", "isUsableOnce"}, {"APPROVALS", "approvals"}, {"COOL-DOWN", "coolDownInMinutes"}, {"ALSO TOLD", "alsoTold"},
		})
	})
}

func policySetRecovery() *cobra.Command {
	var file string
	var force bool
	c := &cobra.Command{
		Use: "set [PROPERTY=VALUE…]", Short: "Change the recovery policy", Args: cobra.ArbitraryArgs,
		Long: "Changes properties by their names, and leaves the others. Rules, levels and working hours come as JSON, from\n" +
			"--file or, with -, from stdin; `show --json` prints what can be changed and sent back.",
		Example: "  postern policy recovery set contactChangeDelayInHours=72 caseRequired=privileged,role\n  postern policy recovery set --file rules.json",
	}
	c.Flags().StringVar(&file, "file", "", "`FILE` of JSON; - is stdin")
	c.Flags().BoolVar(&force, "force", false, "save it although people would have no way back in")
	return verb(c, func(e *env, args []string) error {
		change := graphclient.Object{}
		if file != "" {
			in := c.InOrStdin()
			if file != "-" {
				f, err := os.Open(file)
				if err != nil {
					return program.Usagef("%s", err)
				}
				defer func() { _ = f.Close() }()
				in = f
			}
			if err := json.NewDecoder(in).Decode(&change); err != nil {
				return program.Usagef("The file is no JSON: %s", err)
			}
		}
		more, err := changes(args)
		if err != nil {
			return err
		}
		for name, value := range more {
			if change[name], err = recoveryValue(name, value); err != nil {
				return err
			}
		}
		if len(change) == 0 {
			return program.Usagef("Say what to change; see `postern policy recovery set --help`.")
		}
		for _, name := range []string{"@odata.etag", "@odata.context"} {
			delete(change, name)
		}
		if force {
			change["postern_force"] = true
		}
		if err := e.graph.PatchRecoveryPolicy(c.Context(), change); err != nil {
			return err
		}
		e.say("The policy is changed.")
		return nil
	})
}

func policyRecoveryHistory() *cobra.Command {
	var top int
	c := &cobra.Command{
		Use: "history", Short: "List who changed the recovery policy, when, and what", Args: cobra.NoArgs,
		Long: "Lists the changes that the log still has, newest first; --json has the whole policy before and after each.",
	}
	c.Flags().IntVar(&top, "top", 50, "show this `NUMBER` at most; 0 for all")
	return verb(c, func(e *env, _ []string) error {
		told := func(yield func(graphclient.Object, error) bool) {
			for one, err := range e.graph.RecoveryPolicyHistory(c.Context()) {
				if err == nil && !e.json {
					one["by"] = cmp.Or(one.Text("initiatedBy/user/displayName"), one.Text("initiatedBy/app/displayName"))
					var names []string
					for _, change := range one.Objects("changes") {
						names = append(names, change.Text("setting"))
					}
					one["changed"] = strings.Join(names, ", ")
				}
				if !yield(one, err) {
					return
				}
			}
		}
		return e.table(told, top, column{"WHEN", "activityDateTime"}, column{"BY", "by"}, column{"CHANGED", "changed"}, column{"ID", "id"})
	})
}

func policyPutBackRecovery() *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use: "put-back ID", Short: "Make the recovery policy what it was before a change", Args: cobra.ExactArgs(1),
		Long:    "Takes the id of a change from history. It is a change like any other: whoever makes it must be allowed to, and\nit fails if somebody else changes the policy at the same time.",
		Example: "  postern policy recovery history\n  postern policy recovery put-back 3f0c1b7e-5a54-4f7e-9d2e-6a1c2b7d9e10",
	}
	c.Flags().BoolVar(&force, "force", false, "save it although people would have no way back in")
	return verb(c, func(e *env, args []string) error {
		now, err := e.graph.RecoveryPolicy(c.Context())
		if err != nil {
			return err
		}
		for one, err := range e.graph.RecoveryPolicyHistory(c.Context()) {
			if err != nil {
				return err
			}
			if one.Text("id") != args[0] {
				continue
			}
			before, ok := one["before"].(map[string]any)
			if !ok {
				break
			}
			if force {
				before["postern_force"] = true
			}
			if _, err := e.graph.Matching(now.Text(graphclient.ETag)).Do(c.Context(), http.MethodPatch, before, "postern", "recovery", "policy"); err != nil {
				return err
			}
			e.say("The policy is what it was before.")
			return nil
		}
		return notFound("the log does not say what the policy was before %.60q", args[0])
	})
}

// recoveryValue is a value as the policy has it: numbers, and a list of classes.
func recoveryValue(name string, value any) (any, error) {
	text, _ := value.(string)
	switch {
	case name == "caseRequired" && text == "":
		return []string{}, nil
	case name == "caseRequired":
		return strings.Split(text, ","), nil
	case strings.HasSuffix(name, "InMinutes"), strings.HasSuffix(name, "InHours"), strings.HasSuffix(name, "InDays"):
		n, err := strconv.Atoi(text)
		if err != nil {
			return nil, program.Usagef("%s takes a whole number.", name)
		}
		return n, nil
	}
	return value, nil
}
