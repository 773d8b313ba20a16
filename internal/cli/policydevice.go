package cli

import (
	"encoding/json"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/graphclient"
)

func policyDevice() *cobra.Command {
	return program.Noun("device", "What devices are told to do",
		devicePolicySettings(), devicePolicyList(), devicePolicyShow(), devicePolicyCreate(), devicePolicySet(), devicePolicyDelete(),
		devicePolicyAssign(), devicePolicyImport(), devicePolicyExport(), devicePolicyEffective())
}

// policyID returns the id of the one policy that name means.
func (e *env) policyID(name string) (string, error) {
	return e.idOf("device policy", name, e.graph.DevicePolicies(e.command.Context(), graphclient.Query{Filter: "name eq " + graphclient.Quote(name)}))
}

// warn says what the server finds unlikely to be meant.
func (e *env) warn(answer graphclient.Object) {
	for _, w := range answer.Objects("postern_warnings") {
		e.say("Warning: %s", w.Text("message"))
	}
}

func devicePolicySettings() *cobra.Command {
	c := &cobra.Command{
		Use: "settings [WORD]", Short: "List the settings that a policy can have", Args: cobra.MaximumNArgs(1),
		Long: "Lists the catalog, or what of it has WORD in its name or URI. In commands a setting goes by its URI or the end of it.",
	}
	return verb(c, func(e *env, args []string) error {
		all, err := e.catalog()
		if err != nil {
			return err
		}
		rows := []graphclient.Object{}
		for _, d := range all {
			d["uri"] = settingURI(d)
			if len(args) == 0 || strings.Contains(strings.ToLower(d.Text("uri")+" "+d.Text("displayName")), strings.ToLower(args[0])) {
				rows = append(rows, d)
			}
		}
		if e.json {
			for _, d := range rows {
				delete(d, "uri")
			}
			return e.printJSON(map[string]any{"value": rows})
		}
		return e.rows(rows, []column{{"SETTING", "uri"}, {"NAME", "displayName"}})
	})
}

func devicePolicyList() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List the device policies", Args: cobra.NoArgs}
	return verb(c, func(e *env, _ []string) error {
		return e.table(e.graph.DevicePolicies(c.Context(), graphclient.Query{OrderBy: "name"}), 0,
			column{"NAME", "name"}, column{"SETTINGS", "settingCount"}, column{"ASSIGNED", "isAssigned"}, column{"ID", "id"})
	})
}

func devicePolicyShow() *cobra.Command {
	c := &cobra.Command{Use: "show POLICY", Short: "Show a device policy, by name or id", Args: cobra.ExactArgs(1)}
	return verb(c, func(e *env, args []string) error {
		id, err := e.policyID(args[0])
		if err != nil {
			return err
		}
		policy, err := e.graph.DevicePolicy(c.Context(), id)
		if err != nil || e.json {
			return errorOr(err, func() error { return e.printJSON(policy) })
		}
		all, err := e.catalog()
		if err != nil {
			return err
		}
		if policy["assignments"], err = e.assigned(policy); err != nil {
			return err
		}
		if err := e.object(policy, "id", "name", "description", "assignments", "createdDateTime", "lastModifiedDateTime"); err != nil {
			return err
		}
		rows := []graphclient.Object{}
		for _, s := range policy.Objects("settings") {
			in, _ := s["settingInstance"].(map[string]any)
			uri := settingURI(all.named(graphclient.Object(in).Text("settingDefinitionId")))
			rows = append(rows, graphclient.Object{"setting": uri, "value": first(all.shown(in), "(nothing)")})
		}
		if err := e.rows(rows, []column{{"SETTING", "setting"}, {"VALUE", "value"}}); err != nil {
			return err
		}
		answer, err := e.graph.DevicePolicyWarnings(c.Context(), id)
		e.warn(answer)
		return err
	})
}

func errorOr(err error, otherwise func() error) error {
	if err != nil {
		return err
	}
	return otherwise()
}

// assigned says for whom a policy is; a group that can't be read is shown by its id.
func (e *env) assigned(policy graphclient.Object) (string, error) {
	var all []string
	for _, a := range policy.Objects("assignments") {
		group := a.Text("target/groupId")
		if group != "" {
			name, err := e.targets([]graphclient.Object{{"id": group}})
			if err != nil {
				return "", err
			}
			group = name
		}
		switch a.Text("target/@odata.type") {
		case targetDevices:
			all = append(all, "all devices")
		case targetUsers:
			all = append(all, "all users")
		case targetExclude:
			all = append(all, "not "+group)
		default:
			all = append(all, group)
		}
	}
	return first(strings.Join(all, ", "), "nobody"), nil
}

func devicePolicyCreate() *cobra.Command {
	var description string
	c := &cobra.Command{
		Use: "create NAME [SETTING=VALUE…]", Short: "Create a device policy, and print its id", Args: cobra.MinimumNArgs(1),
		Example: `  postern policy device create "Web sign-in" EnableWebSignIn=on ConfigureWebSignInAllowedUrls=idp.example.com`,
	}
	c.Flags().StringVar(&description, "description", "", "what the policy is for")
	return verb(c, func(e *env, args []string) error {
		list := []graphclient.Object{}
		if len(args) > 1 {
			all, err := e.catalog()
			if err != nil {
				return err
			}
			values, err := all.values(args[1:])
			if err != nil {
				return err
			}
			list = changedSettings(nil, values)
		}
		policy, err := e.graph.CreateDevicePolicy(c.Context(), graphclient.Object{
			"name": args[0], "description": description, "technologies": "mdm", "settings": list,
		})
		if err != nil {
			return err
		}
		e.warn(policy)
		return e.created(policy, "id", "The policy %s is there. Nobody has it until it is assigned.", args[0])
	})
}

// changedSettings returns old with values put in, or taken out where they are nil.
func changedSettings(old []graphclient.Object, values map[string]graphclient.Object) []graphclient.Object {
	list := []graphclient.Object{}
	for _, s := range old {
		in, _ := s["settingInstance"].(map[string]any)
		if _, ok := values[graphclient.Object(in).Text("settingDefinitionId")]; !ok {
			list = append(list, graphclient.Object{"settingInstance": in})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(values)) {
		if values[id] != nil {
			list = append(list, graphclient.Object{"settingInstance": values[id]})
		}
	}
	return list
}

func devicePolicySet() *cobra.Command {
	var name, description string
	c := &cobra.Command{
		Use: "set POLICY [SETTING=VALUE…]", Short: "Change a device policy", Args: cobra.MinimumNArgs(1),
		Long:    "Changes what is said and leaves the rest. A setting with nothing after its sign is not set any more.",
		Example: `  postern policy device set "Web sign-in" MinimumPINLength=8 EnableWebSignIn=`,
	}
	c.Flags().StringVar(&name, "name", "", "new name")
	c.Flags().StringVar(&description, "description", "", "what the policy is for")
	return verb(c, func(e *env, args []string) error {
		id, err := e.policyID(args[0])
		if err != nil {
			return err
		}
		change := graphclient.Object{}
		if c.Flags().Changed("name") {
			change["name"] = name
		}
		if c.Flags().Changed("description") {
			change["description"] = description
		}
		if len(args) > 1 {
			if change["settings"], err = e.newSettings(id, args[1:]); err != nil {
				return err
			}
		}
		if len(change) == 0 {
			return program.Usagef("Say what to change; see `postern policy device set --help`.")
		}
		if err := e.graph.UpdateDevicePolicy(c.Context(), id, change); err != nil {
			return err
		}
		e.say("The policy is changed.")
		answer, err := e.graph.DevicePolicyWarnings(c.Context(), id)
		e.warn(answer)
		return err
	})
}

// newSettings are the settings of a policy after a change.
func (e *env) newSettings(id string, args []string) ([]graphclient.Object, error) {
	all, err := e.catalog()
	if err != nil {
		return nil, err
	}
	values, err := all.values(args)
	if err != nil {
		return nil, err
	}
	policy, err := e.graph.DevicePolicy(e.command.Context(), id)
	return changedSettings(policy.Objects("settings"), values), err
}

func devicePolicyDelete() *cobra.Command {
	c := &cobra.Command{Use: "delete POLICY", Short: "Delete a device policy", Args: cobra.ExactArgs(1)}
	return verb(c, func(e *env, args []string) error {
		id, err := e.policyID(args[0])
		if err != nil {
			return err
		}
		if err := e.graph.DeleteDevicePolicy(c.Context(), id); err != nil {
			return err
		}
		e.say("The policy %s is deleted.", args[0])
		return nil
	})
}

// Targets of assignments.
const (
	targetDevices = "#microsoft.graph.allDevicesAssignmentTarget"
	targetUsers   = "#microsoft.graph.allLicensedUsersAssignmentTarget"
	targetGroup   = "#microsoft.graph.groupAssignmentTarget"
	targetExclude = "#microsoft.graph.exclusionGroupAssignmentTarget"
)

func devicePolicyAssign() *cobra.Command {
	c := &cobra.Command{
		Use: "assign POLICY", Short: "Say for whom a device policy is", Args: cobra.ExactArgs(1),
		Long:    "Replaces all assignments. What the lock screen needs is best assigned to devices.",
		Example: `  postern policy device assign "Web sign-in" --all-devices --exclude-group Kiosks`,
	}
	f := c.Flags()
	f.Bool("all-devices", false, "every device")
	f.Bool("all-users", false, "every person")
	f.StringArray("group", nil, "`GROUP` of devices or people, by name or id; may be given again")
	f.StringArray("exclude-group", nil, "`GROUP` that does not get it; may be given again")
	f.Bool("nobody", false, "take all assignments away")
	return verb(c, func(e *env, args []string) error {
		targets, err := e.assignmentTargets()
		if err != nil {
			return err
		}
		id, err := e.policyID(args[0])
		if err != nil {
			return err
		}
		answer, err := e.graph.AssignDevicePolicy(c.Context(), id, targets)
		if err != nil {
			return err
		}
		e.warn(answer)
		if e.json {
			return e.printJSON(answer)
		}
		e.say("The policy %s is assigned.", args[0])
		return nil
	})
}

func (e *env) assignmentTargets() ([]graphclient.Object, error) {
	f := e.command.Flags()
	targets := []graphclient.Object{}
	for flag, kind := range map[string]string{"all-devices": targetDevices, "all-users": targetUsers} {
		if on, err := f.GetBool(flag); err == nil && on {
			targets = append(targets, graphclient.Object{"@odata.type": kind})
		}
	}
	for flag, kind := range map[string]string{"group": targetGroup, "exclude-group": targetExclude} {
		groups, err := f.GetStringArray(flag)
		if err != nil {
			return nil, err
		}
		for _, name := range groups {
			id, err := e.groupID(name)
			if err != nil {
				return nil, err
			}
			targets = append(targets, graphclient.Object{"@odata.type": kind, "groupId": id})
		}
	}
	if nobody, err := f.GetBool("nobody"); err != nil || nobody == (len(targets) > 0) {
		return nil, program.Usagef("Say for whom: --all-devices, --all-users, --group, or --nobody alone.")
	}
	return targets, nil
}

// What of an exported policy can be sent again.
var (
	policyMembers  = []string{"name", "description", "platforms", "technologies", "roleScopeTagIds", "settings"}
	profileMembers = []string{"@odata.type", "displayName", "description", "roleScopeTagIds", "omaSettings"}
	// derived are members that the server makes itself.
	derived = []string{
		"id", "createdDateTime", "lastModifiedDateTime", "settingCount", "creationSource", "isAssigned", "version", "templateReference", "assignments",
	}
)

func devicePolicyImport() *cobra.Command {
	c := &cobra.Command{
		Use: "import FILE", Short: "Create a device policy from JSON, and print its id", Args: cobra.ExactArgs(1),
		Long: "Takes what `postern policy device export` writes, with --oma too, and what Intune's Graph answers for a policy with " +
			"its settings. FILE - is standard input. Assignments are not imported.",
	}
	return verb(c, func(e *env, args []string) error {
		in, err := readObject(c.InOrStdin(), args[0])
		if err != nil {
			return err
		}
		members, create := policyMembers, e.graph.CreateDevicePolicy
		if in["omaSettings"] != nil {
			members, create = profileMembers, e.graph.CreateCustomProfile
		}
		kept := graphclient.Object{}
		for _, name := range slices.Sorted(maps.Keys(in)) {
			switch {
			case slices.Contains(members, name):
				kept[name] = in[name]
			case !slices.Contains(derived, name) && !strings.Contains(name, "@") && in[name] != nil:
				e.say("Left out: %s", name)
			}
		}
		policy, err := create(c.Context(), kept)
		if err != nil {
			return err
		}
		e.warn(policy)
		return e.created(policy, "id", "The policy %s is there. Nobody has it until it is assigned.", first(policy.Text("name"), policy.Text("displayName")))
	})
}

// maxImport is how many bytes of a policy are read; the server takes no more.
const maxImport = 1 << 20

func readObject(stdin io.Reader, name string) (graphclient.Object, error) {
	raw, err := readFile(stdin, name)
	if err != nil {
		return nil, err
	}
	var in graphclient.Object
	if json.Unmarshal(raw, &in) != nil || in == nil {
		return nil, program.Usagef("%s is not a policy in JSON.", name)
	}
	return in, nil
}

// readFile reads a file that an argument names; - is stdin.
func readFile(stdin io.Reader, name string) ([]byte, error) {
	from := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, program.Usagef("The file can't be read: %s", err)
		}
		defer func() { _ = file.Close() }() // only read
		from = file
	}
	raw, err := io.ReadAll(io.LimitReader(from, maxImport))
	if err != nil {
		return nil, program.Usagef("The file can't be read: %s", err)
	}
	return raw, nil
}

func devicePolicyExport() *cobra.Command {
	var oma bool
	c := &cobra.Command{Use: "export POLICY", Short: "Print a device policy as JSON that can be imported", Args: cobra.ExactArgs(1)}
	c.Flags().BoolVar(&oma, "oma", false, "as a custom profile with OMA-URIs")
	return verb(c, func(e *env, args []string) error {
		id, err := e.policyID(args[0])
		if err != nil {
			return err
		}
		get, members := e.graph.DevicePolicy, policyMembers
		if oma {
			get, members = e.graph.CustomProfile, profileMembers
		}
		policy, err := get(c.Context(), id)
		if err != nil {
			return err
		}
		maps.DeleteFunc(policy, func(name string, _ any) bool { return !slices.Contains(members, name) })
		return e.printJSON(policy)
	})
}

func devicePolicyEffective() *cobra.Command {
	var user string
	var all bool
	c := &cobra.Command{
		Use: "effective DEVICE", Short: "Show what holds on a device, and why", Args: cobra.ExactArgs(1),
		Long: "Shows each setting that is not at its default, with its source, the reason, and what lost. DEVICE is an object id or a device id.",
	}
	c.Flags().StringVar(&user, "user", "", "`UPN` of a person at the device")
	c.Flags().BoolVar(&all, "all", false, "show settings at their defaults, too")
	return verb(c, func(e *env, args []string) error {
		answer, err := e.graph.EffectivePolicy(c.Context(), args[0], user)
		if err != nil || e.json {
			return errorOr(err, func() error { return e.printJSON(answer) })
		}
		rows := []graphclient.Object{}
		for _, o := range answer.Objects("value") {
			if all || o.Text("reason") != "nothingSet" {
				rows = append(rows, withLosers(o))
			}
		}
		return e.rows(rows, []column{
			{"SETTING", "omaUri"}, {"VALUE", "value"}, {"SOURCE", "source"}, {"REASON", "reason"}, {"POLICY", "policyName"}, {"LOST", "lost"},
		})
	})
}

// withLosers is an outcome whose losers are one text; an exclamation mark stands before a conflict.
func withLosers(o graphclient.Object) graphclient.Object {
	var lost []string
	for _, l := range o.Objects("lost") {
		lost = append(lost, l.Text("value")+" of "+first(l.Text("policyName"), "the device"))
	}
	o["lost"] = strings.Join(lost, ", ")
	if o["conflict"] == true {
		o["lost"] = "! " + strings.Join(lost, ", ")
	}
	return o
}
