package cli

import (
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/graphclient"
)

func policyAccess() *cobra.Command {
	return program.Noun("ca", "Conditional Access: who may get in, from where, how strongly",
		accessList(), accessShow(), accessSet(), accessState(), accessDelete(), accessLocations(), accessStrengths(), accessWhatIf(), accessImpact())
}

// accessPolicyID returns the id of the one policy that name means.
func (e *env) accessPolicyID(name string) (string, error) {
	return e.idOf("Conditional Access policy", name, e.graph.AccessPolicies(e.command.Context(), graphclient.Query{Filter: "displayName eq " + graphclient.Quote(name)}))
}

func accessList() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List the policies: for whom, for what, and what they ask for", Args: cobra.NoArgs}
	return verb(c, func(e *env, _ []string) error {
		rows, err := collect(e.graph.AccessPolicies(c.Context(), graphclient.Query{}), 0)
		if err != nil {
			return err
		}
		if e.json {
			return e.printJSON(map[string]any{"value": rows})
		}
		for _, p := range rows {
			w := accessWords{policy: p}
			p["on"], p["who"], p["what"], p["then"] = stateWord(p.Text("state")), w.who(), w.what(), w.then()
		}
		return e.rows(rows, []column{{"NAME", "displayName"}, {"STATE", "on"}, {"WHO", "who"}, {"WHAT", "what"}, {"THEN", "then"}, {"ID", "id"}})
	})
}

func accessShow() *cobra.Command {
	c := &cobra.Command{
		Use: "show POLICY", Short: "Show a policy in words, by name or id", Args: cobra.ExactArgs(1),
		Long: "Shows a policy in words. With --json it is as `postern policy ca set` takes it.",
	}
	return verb(c, func(e *env, args []string) error {
		id, err := e.accessPolicyID(args[0])
		if err != nil {
			return err
		}
		p, err := e.graph.AccessPolicy(c.Context(), id)
		if err != nil || e.json {
			return errorOr(err, func() error { return e.printJSON(p) })
		}
		w := accessWords{policy: p, name: e.nameOf}
		p["state"], p["who"], p["what"], p["when"], p["then"] = stateWord(p.Text("state")), w.who(), w.what(), w.when(), w.then()
		if w.err != nil {
			return w.err
		}
		return e.object(p, "id", "displayName", "state", "who", "what", "when", "then", "createdDateTime", "modifiedDateTime")
	})
}

// nameOf is the name of what an id in a policy means; what can't be read is shown by its id.
func (e *env) nameOf(kind, id string) (string, error) {
	var o graphclient.Object
	var err error
	ctx := e.command.Context()
	switch kind {
	case "user":
		o, err = e.graph.User(ctx, id)
	case "group":
		o, err = e.graph.Group(ctx, id)
	case "role":
		o, err = e.graph.RoleDefinition(ctx, id)
	case "application":
		o, err = e.graph.ServicePrincipal(ctx, id)
	default:
		o, err = e.graph.Get(ctx, "identity", "conditionalAccess", "namedLocations", id)
	}
	switch {
	case err == nil:
		return first(o.Text("userPrincipalName"), first(o.Text("displayName"), id)), nil
	case program.Code(err) == program.NotFound || program.Code(err) == program.NotAllowed:
		return id, nil
	}
	return "", err
}

// accessDerived are members that the server makes itself.
var accessDerived = []string{"id", "createdDateTime", "modifiedDateTime", "deletedDateTime"}

func accessSet() *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use: "set FILE", Short: "Create or change a policy from JSON, and print its id", Args: cobra.ExactArgs(1),
		Long: "Reads a policy as Graph has it. The one with the same id is changed, or else the one with the same displayName; where\n" +
			"there is none, it is created. What the file does not say stays. FILE - is standard input.",
		Example: "  postern policy ca show \"MFA for admins\" --json > policy.json\n  postern policy ca set policy.json",
	}
	forceFlag(c, &force)
	return verb(c, func(e *env, args []string) error {
		in, err := readObject(c.InOrStdin(), args[0])
		if err != nil {
			return err
		}
		id, err := e.whichPolicy(in)
		if err != nil {
			return err
		}
		maps.DeleteFunc(in, func(name string, _ any) bool {
			return slices.Contains(accessDerived, name) || strings.Contains(name, "@")
		})
		if force {
			in["postern_force"] = true
		}
		if id == "" {
			made, err := e.graph.CreateAccessPolicy(c.Context(), in)
			return errorOr(err, func() error {
				return e.created(made, "id", "The policy %s is there, and is %s.", made.Text("displayName"), stateWord(made.Text("state")))
			})
		}
		if err := e.graph.UpdateAccessPolicy(c.Context(), id, in); err != nil {
			return err
		}
		changed, err := e.graph.AccessPolicy(c.Context(), id)
		return errorOr(err, func() error {
			return e.created(changed, "id", "The policy %s is changed, and is %s.", changed.Text("displayName"), stateWord(changed.Text("state")))
		})
	})
}

func forceFlag(c *cobra.Command, force *bool) {
	c.Flags().BoolVar(force, "force", false, "save it although no administrator could sign in any more")
}

// whichPolicy returns the id of the policy that in is about; none if it is new.
func (e *env) whichPolicy(in graphclient.Object) (string, error) {
	if id := in.Text("id"); uuid.Validate(id) == nil {
		_, err := e.graph.AccessPolicy(e.command.Context(), id)
		if program.Code(err) != program.NotFound {
			return id, err
		}
	}
	name := in.Text("displayName")
	if name == "" {
		return "", program.Usagef("The policy needs a displayName.")
	}
	found, err := collect(e.graph.AccessPolicies(e.command.Context(), graphclient.Query{Filter: "displayName eq " + graphclient.Quote(name)}), 2)
	switch {
	case err != nil || len(found) == 0:
		return "", err
	case len(found) > 1:
		return "", program.Usagef("More than one policy is called %q; say which by its id in the file.", name)
	}
	return found[0].Text("id"), nil
}

// States by the words of the command line.
var accessStates = map[string]string{"on": "enabled", "off": "disabled", "report-only": "enabledForReportingButNotEnforced"}

func stateWord(state string) string {
	for word, graph := range accessStates {
		if graph == state {
			return word
		}
	}
	return state
}

func accessState() *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use: "state POLICY on|off|report-only", Short: "Turn a policy on or off, or let it only report", Args: cobra.ExactArgs(2),
		Long:    "A policy that only reports asks for nothing: the sign-in log says what it would have done.",
		Example: `  postern policy ca state "MFA for admins" report-only`,
	}
	forceFlag(c, &force)
	return verb(c, func(e *env, args []string) error {
		word := stateWord(args[1]) // Graph's words are taken, too
		state, ok := accessStates[word]
		if !ok {
			return program.Usagef("The state is on, off or report-only, not %q.", args[1])
		}
		id, err := e.accessPolicyID(args[0])
		if err != nil {
			return err
		}
		change := graphclient.Object{"state": state}
		if force {
			change["postern_force"] = true
		}
		if err := e.graph.UpdateAccessPolicy(c.Context(), id, change); err != nil {
			return err
		}
		e.say("The policy %s is %s.", args[0], word)
		return nil
	})
}

func accessDelete() *cobra.Command {
	c := &cobra.Command{Use: "delete POLICY", Short: "Delete a policy", Args: cobra.ExactArgs(1)}
	return verb(c, func(e *env, args []string) error {
		id, err := e.accessPolicyID(args[0])
		if err != nil {
			return err
		}
		if err := e.graph.DeleteAccessPolicy(c.Context(), id); err != nil {
			return err
		}
		e.say("The policy %s is deleted.", args[0])
		return nil
	})
}

func accessLocations() *cobra.Command {
	c := &cobra.Command{Use: "locations", Short: "List the places that policies can name", Args: cobra.NoArgs}
	return verb(c, func(e *env, _ []string) error {
		rows, err := collect(e.graph.NamedLocations(c.Context()), 0)
		if err != nil {
			return err
		}
		if e.json {
			return e.printJSON(map[string]any{"value": rows})
		}
		for _, l := range rows {
			var all []string
			for _, r := range l.Objects("ipRanges") {
				all = append(all, r.Text("cidrAddress"))
			}
			l["where"] = strings.Join(append(all, texts(l["countriesAndRegions"])...), ", ")
		}
		return e.rows(rows, []column{{"NAME", "displayName"}, {"WHERE", "where"}, {"TRUSTED", "isTrusted"}, {"ID", "id"}})
	})
}

func accessStrengths() *cobra.Command {
	c := &cobra.Command{Use: "strengths", Short: "List the authentication strengths, and what is enough for each", Args: cobra.NoArgs}
	return verb(c, func(e *env, _ []string) error {
		rows, err := collect(e.graph.Strengths(c.Context()), 0)
		if err != nil {
			return err
		}
		if e.json {
			return e.printJSON(map[string]any{"value": rows})
		}
		for _, s := range rows {
			s["enough"] = strings.ReplaceAll(strings.Join(texts(s["allowedCombinations"]), "; "), ",", " + ")
		}
		return e.rows(rows, []column{{"NAME", "displayName"}, {"KIND", "policyType"}, {"ID", "id"}, {"ENOUGH", "enough"}})
	})
}
