package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/graphclient"
)

// The kinds of scope of the deviceRegistrationPolicy.
const (
	scopeOfAll      = "#microsoft.graph.allDeviceRegistrationMembership"
	scopeOfNone     = "#microsoft.graph.noDeviceRegistrationMembership"
	scopeOfSelected = "#microsoft.graph.enumeratedDeviceRegistrationMembership"
)

func policyShowJoin() *cobra.Command {
	c := &cobra.Command{Use: "device-registration", Short: "Show who may join devices, and how many", Args: cobra.NoArgs}
	return verb(c, func(e *env, _ []string) error {
		p, err := e.graph.JoinPolicy(c.Context(), e.own)
		if err != nil {
			return err
		}
		if e.json {
			return e.printJSON(p)
		}
		if p["mayJoin"], err = e.scope(p, "azureADJoin", "allowedToJoin"); err != nil {
			return err
		}
		if p["mayRegister"], err = e.scope(p, "azureADRegistration", "allowedToRegister"); err != nil {
			return err
		}
		return e.object(p, "mayJoin", "mayRegister", "userDeviceQuota", "multiFactorAuthConfiguration", "postern_approval")
	})
}

// scope says for whom something is allowed: all, nobody, or users and groups by name.
func (e *env) scope(p graphclient.Object, outer, inner string) (string, error) {
	object, _ := p[outer].(map[string]any)
	scope, _ := object[inner].(map[string]any)
	switch graphclient.Object(scope).Text("@odata.type") {
	case scopeOfAll:
		return "all", nil
	case scopeOfNone:
		return "nobody", nil
	}
	var names []string
	users, _ := scope["users"].([]any)
	for _, one := range users {
		id, _ := one.(string)
		user, err := e.graph.User(e.command.Context(), id)
		switch {
		case err == nil:
			names = append(names, user.Text("userPrincipalName"))
		case program.Code(err) == program.NotFound || program.Code(err) == program.NotAllowed:
			names = append(names, id)
		default:
			return "", err
		}
	}
	groups, _ := scope["groups"].([]any)
	var all []graphclient.Object
	for _, one := range groups {
		id, _ := one.(string)
		all = append(all, graphclient.Object{"id": id})
	}
	if len(all) > 0 {
		text, err := e.targets(all)
		if err != nil {
			return "", err
		}
		names = append(names, text)
	}
	return first(strings.Join(names, ", "), "nobody"), nil
}

func policySetJoin() *cobra.Command {
	c := &cobra.Command{
		Use: "device-registration", Short: "Change who may join devices, and how many", Args: cobra.NoArgs,
		Long: "Changes what is said and leaves the rest. Who may join joined and hybrid-joined devices, and who may register\n" +
			"devices of their own, is all, nobody, or the users and groups that are named.",
		Example: "  postern policy set device-registration --quota 5 --may-join-group Helpdesk --approval joined\n" +
			"  postern policy set device-registration --may-join all --may-register nobody",
	}
	f := c.Flags()
	f.Int("quota", 0, "how many `DEVICES` one person may have")
	f.Bool("mfa", false, "whether joining takes a multifactor sign-in")
	f.String("approval", "", "`WHICH` devices wait until an administrator approves them: none, joined or all")
	for flag, what := range map[string]string{"may-join": "join devices", "may-register": "register devices of their own"} {
		f.String(flag, "", "`WHO` may "+what+": all or nobody")
		f.StringArray(flag+"-user", nil, "`UPN` of who may "+what+"; may be given again")
		f.StringArray(flag+"-group", nil, "`GROUP`, by name or id, whose members may "+what+"; may be given again")
	}
	return verb(c, func(e *env, _ []string) error {
		change, err := e.joinPolicyChange()
		if err != nil {
			return err
		}
		if err := e.graph.PatchJoinPolicy(c.Context(), change); err != nil {
			return err
		}
		e.say("The policy is changed.")
		return nil
	})
}

func (e *env) joinPolicyChange() (graphclient.Object, error) {
	change := graphclient.Object{}
	f := e.command.Flags()
	if n, err := f.GetInt("quota"); err == nil && f.Changed("quota") {
		change["userDeviceQuota"] = n
	}
	if on, err := f.GetBool("mfa"); err == nil && f.Changed("mfa") {
		change["multiFactorAuthConfiguration"] = map[bool]string{true: "required", false: "notRequired"}[on]
	}
	if which, err := f.GetString("approval"); err == nil && f.Changed("approval") {
		change["postern_approval"] = which
	}
	for flag, name := range map[string][2]string{
		"may-join": {"azureADJoin", "allowedToJoin"}, "may-register": {"azureADRegistration", "allowedToRegister"},
	} {
		scope, err := e.scopeChange(flag)
		if err != nil {
			return nil, err
		}
		if scope != nil {
			change[name[0]] = graphclient.Object{name[1]: scope}
		}
	}
	if len(change) == 0 {
		return nil, program.Usagef("Say what to change; see `postern policy set device-registration --help`.")
	}
	return change, nil
}

// scopeChange is the scope that flags say, or nil when they say none.
func (e *env) scopeChange(flag string) (graphclient.Object, error) {
	f := e.command.Flags()
	who, err := f.GetString(flag)
	if err != nil {
		return nil, err
	}
	upns, err := f.GetStringArray(flag + "-user")
	if err != nil {
		return nil, err
	}
	groups, err := f.GetStringArray(flag + "-group")
	if err != nil {
		return nil, err
	}
	named := len(upns)+len(groups) > 0
	switch {
	case f.Changed(flag) && named:
		return nil, program.Usagef("Say --%s, or name users and groups, not both.", flag)
	case named:
		return e.selected(upns, groups)
	case !f.Changed(flag):
		return nil, nil //nolint:nilnil // nothing is to change
	case who == "all":
		return graphclient.Object{"@odata.type": scopeOfAll}, nil
	case who == "nobody":
		return graphclient.Object{"@odata.type": scopeOfNone}, nil
	}
	return nil, program.Usagef("--%s is all or nobody.", flag)
}

func (e *env) selected(upns, groups []string) (graphclient.Object, error) {
	users, ids := []string{}, []string{}
	for _, upn := range upns {
		id, err := e.userID(upn)
		if err != nil {
			return nil, err
		}
		users = append(users, id)
	}
	for _, name := range groups {
		id, err := e.groupID(name)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return graphclient.Object{"@odata.type": scopeOfSelected, "users": users, "groups": ids}, nil
}
