package cli

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/graphclient"
)

func policyCommand() *cobra.Command {
	return program.Noun("policy", "Policies", program.Noun("show", "Show a policy", policyShowTap(), policyShowJoin()), program.Noun("set", "Change a policy", policySetTap(), policySetJoin()), policyMethods(), policySignIn(), policyDevice(), policyAccess(), policyRecovery())
}

var policyProperties = []string{
	"state", "defaultLifetimeInMinutes", "minimumLifetimeInMinutes", "maximumLifetimeInMinutes", "defaultLength", "isUsableOnce",
	"postern_hideIssuer", "postern_notifyPerson", "postern_identityCheck", "postern_registrationWindowInMinutes",
	"postern_entropyBits", "postern_guessesPerDay", "postern_yearsToGuess",
}

// targets names the groups of a policy; one that can't be read is shown by its id.
func (e *env) targets(all []graphclient.Object) (string, error) {
	names := []string{}
	for _, one := range all {
		id := one.Text("id")
		if id == "all_users" {
			names = append(names, id)
			continue
		}
		group, err := e.graph.Group(e.command.Context(), id)
		switch {
		case err == nil:
			names = append(names, group.Text("displayName")+" ("+id+")")
		case program.Code(err) == program.NotFound || program.Code(err) == program.NotAllowed:
			names = append(names, id)
		default:
			return "", err
		}
	}
	return first(strings.Join(names, ", "), "nobody"), nil
}

func policyShowTap() *cobra.Command {
	c := &cobra.Command{Use: "tap", Short: "Show who may have passes, and how long they work", Args: cobra.NoArgs}
	return verb(c, func(e *env, _ []string) error {
		policy, err := e.graph.PassPolicy(c.Context(), e.own)
		if err != nil {
			return err
		}
		if e.json {
			return e.printJSON(policy)
		}
		if policy["includeTargets"], err = e.targets(policy.Objects("includeTargets")); err != nil {
			return err
		}
		if policy["excludeTargets"], err = e.targets(policy.Objects("excludeTargets")); err != nil {
			return err
		}
		return e.object(policy, slices.Concat(policyProperties, []string{"includeTargets", "excludeTargets"})...)
	})
}

func policySetTap() *cobra.Command {
	c := &cobra.Command{
		Use: "tap", Short: "Change the policy of passes", Args: cobra.NoArgs,
		Long:    "Changes what is said and leaves the rest. All of it is checked before anything is saved.",
		Example: "  postern policy set tap --enabled --maximum-lifetime 12h --once --exclude-group Admins",
	}
	f := c.Flags()
	force := f.Bool("force", false, "save it although people would have no way back in")
	f.Bool("enabled", false, "whether people can use passes")
	f.Duration("default-lifetime", 0, "lifetime of a pass for which none is said")
	f.Duration("minimum-lifetime", 0, "shortest lifetime")
	f.Duration("maximum-lifetime", 0, "longest lifetime")
	f.Int("length", 0, "how many `CHARACTERS` a pass has, 8 to 48")
	f.Bool("once", false, "whether every pass works once only")
	f.StringArray("include-group", nil, "`GROUP`, by name or id, whose members may have passes, or all_users; may be given again")
	f.StringArray("exclude-group", nil, "`GROUP`, by name or id, whose members may not, \"\" for none; may be given again")
	f.Bool("hide-issuer", false, "whether people are not told who issued their pass")
	f.Bool("notify", false, "whether people are told by mail of a pass for them, and of its use")
	f.String("identity-check", "", "`RULE` for who issues: off, note or required; how they know the person")
	f.Duration("registration-window", 0, "how long after a sign-in with a pass methods can be registered")
	return verb(c, func(e *env, _ []string) error {
		change, err := e.policyChange()
		if err != nil {
			return err
		}
		if *force {
			change["postern_force"] = true
		}
		if err := e.graph.PatchPassPolicy(c.Context(), change); err != nil {
			return err
		}
		e.say("The policy is changed.")
		return nil
	})
}

// policyChange returns the properties that flags of c set.
func (e *env) policyChange() (graphclient.Object, error) {
	change := graphclient.Object{}
	f := e.command.Flags()
	if on, err := f.GetBool("enabled"); err == nil && f.Changed("enabled") {
		change["state"] = map[bool]string{true: "enabled", false: "disabled"}[on]
	}
	for flag, property := range map[string]string{
		"default-lifetime": "defaultLifetimeInMinutes", "minimum-lifetime": "minimumLifetimeInMinutes",
		"maximum-lifetime": "maximumLifetimeInMinutes", "registration-window": "postern_registrationWindowInMinutes",
	} {
		d, err := f.GetDuration(flag)
		if err != nil || d%time.Minute != 0 {
			return nil, program.Usagef("--%s must be in whole minutes, as 1h or 90m.", flag)
		}
		if f.Changed(flag) {
			change[property] = int(d / time.Minute)
		}
	}
	for flag, property := range map[string]string{"once": "isUsableOnce", "hide-issuer": "postern_hideIssuer", "notify": "postern_notifyPerson"} {
		if on, err := f.GetBool(flag); err == nil && f.Changed(flag) {
			change[property] = on
		}
	}
	if rule, err := f.GetString("identity-check"); err == nil && f.Changed("identity-check") {
		change["postern_identityCheck"] = rule
	}
	if n, err := f.GetInt("length"); err == nil && f.Changed("length") {
		change["defaultLength"] = n
	}
	for flag, property := range map[string]string{"include-group": "includeTargets", "exclude-group": "excludeTargets"} {
		if ids, err := f.GetStringArray(flag); err == nil && f.Changed(flag) {
			if change[property], err = e.groupTargets(ids); err != nil {
				return nil, err
			}
		}
	}
	if len(change) == 0 {
		return nil, program.Usagef("Say what to change; see `postern policy set tap --help`.")
	}
	return change, nil
}

// groupTargets are the targets for groups by name or id; one empty name stands for no group.
func (e *env) groupTargets(groups []string) ([]graphclient.Object, error) {
	all := []graphclient.Object{}
	for _, name := range groups {
		if name == "" {
			continue
		}
		id := name
		if name != "all_users" {
			var err error
			if id, err = e.groupID(name); err != nil {
				return nil, err
			}
		}
		all = append(all, graphclient.Object{"targetType": "group", "id": id})
	}
	return all, nil
}
