package cli

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/graphclient"
)

func policyMethods() *cobra.Command {
	return program.Noun("methods", "Policies of every way to sign in", policyMethodsList(), policyMethodsShow(), policyMethodsSet(), policyMethodsReset())
}

func policyMethodsList() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List every method: on or off, and for whom", Args: cobra.NoArgs}
	return verb(c, func(e *env, _ []string) error {
		if e.json {
			return e.table(e.graph.MethodPolicies(c.Context()), 0)
		}
		all, err := collect(e.graph.MethodPolicies(c.Context()), 0)
		if err != nil {
			return err
		}
		for _, one := range all {
			if err := e.nameTargets(one); err != nil {
				return err
			}
		}
		return e.rows(all, []column{{"METHOD", "id"}, {"STATE", "state"}, {"FOR", "includeTargets"}, {"EXCEPT", "excludeTargets"}})
	})
}

// nameTargets replaces the targets of a policy by the names of their groups.
func (e *env) nameTargets(policy graphclient.Object) (err error) {
	for _, name := range []string{"includeTargets", "excludeTargets"} {
		if policy[name], err = e.targets(policy.Objects(name)); err != nil {
			return err
		}
	}
	return nil
}

// shownFirst is what every policy has.
var shownFirst = []string{"id", "state", "includeTargets", "excludeTargets"}

func policyMethodsShow() *cobra.Command {
	c := &cobra.Command{Use: "show METHOD", Short: "Show the policy of a method, such as Fido2", Args: cobra.ExactArgs(1)}
	return verb(c, func(e *env, args []string) error {
		policy, err := e.graph.MethodPolicy(c.Context(), args[0], e.own)
		if err != nil {
			return err
		}
		if e.json {
			return e.printJSON(policy)
		}
		if err := e.nameTargets(policy); err != nil {
			return err
		}
		var names []string
		for name, value := range policy {
			if strings.Contains(name, "@") || slices.Contains(shownFirst, name) {
				continue
			}
			if _, nested := value.(map[string]any); nested {
				text, err := json.Marshal(value)
				if err != nil {
					return err
				}
				policy[name] = string(text)
			}
			names = append(names, name)
		}
		slices.Sort(names)
		return e.object(policy, slices.Concat(shownFirst, names)...)
	})
}

func policyMethodsSet() *cobra.Command {
	var on, force bool
	var include, exclude []string
	c := &cobra.Command{
		Use: "set METHOD [PROPERTY=VALUE…]", Short: "Change the policy of a method", Args: cobra.MinimumNArgs(1),
		Long: "Changes what is said and leaves the rest. All of it is checked before anything is saved. The properties are\n" +
			"Graph's; a value is true, false, a number, JSON, or text.",
		Example: "  postern policy methods set Fido2 --enabled --include-group Staff isAttestationEnforced=true\n" +
			`  postern policy methods set Fido2 'keyRestrictions={"isEnforced":true,"enforcementType":"allow","aaGuids":["…"]}'`,
	}
	f := c.Flags()
	f.BoolVar(&force, "force", false, "save it although people would have no way back in")
	f.BoolVar(&on, "enabled", false, "whether people can use the method; --enabled=false switches it off")
	f.StringArrayVar(&include, "include-group", nil, "`GROUP`, by name or id, whose members may use it, or all_users; may be given again")
	f.StringArrayVar(&exclude, "exclude-group", nil, "`GROUP`, by name or id, whose members may not, \"\" for none; may be given again")
	return verb(c, func(e *env, args []string) error {
		change, err := jsonChanges(args[1:])
		if err != nil {
			return err
		}
		if f.Changed("enabled") {
			change["state"] = map[bool]string{true: "enabled", false: "disabled"}[on]
		}
		for name, groups := range map[string][]string{"includeTargets": include, "excludeTargets": exclude} {
			if groups == nil {
				continue
			}
			if change[name], err = e.groupTargets(groups); err != nil {
				return err
			}
		}
		if len(change) == 0 {
			return program.Usagef("Say what to change; see `postern policy methods set --help`.")
		}
		if force {
			change["postern_force"] = true
		}
		if err := e.graph.PatchMethodPolicy(c.Context(), args[0], change); err != nil {
			return err
		}
		e.say("The policy is changed.")
		return nil
	})
}

// jsonChanges reads arguments such as isAttestationEnforced=true, whose values are JSON or text.
func jsonChanges(args []string) (graphclient.Object, error) {
	change := graphclient.Object{}
	for _, one := range args {
		name, text, ok := strings.Cut(one, "=")
		if !ok || name == "" {
			return nil, program.Usagef("Write %.60q as a property with its value, such as isAttestationEnforced=true.", one)
		}
		if _, twice := change[name]; twice {
			return nil, program.Usagef("The property %.60q comes twice.", name)
		}
		change[name] = text
		if value := json.RawMessage(text); json.Valid(value) {
			change[name] = value
		}
	}
	return change, nil
}

func policyMethodsReset() *cobra.Command {
	c := &cobra.Command{Use: "reset METHOD", Short: "Put the policy of a method back to that of a new tenant", Args: cobra.ExactArgs(1)}
	return verb(c, func(e *env, args []string) error {
		if err := e.graph.ResetMethodPolicy(c.Context(), args[0]); err != nil {
			return err
		}
		e.say("The policy is that of a new tenant.")
		return nil
	})
}
