package cli

import (
	"iter"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/graphclient"
)

func groupCommand() *cobra.Command {
	return program.Noun("group", "Groups", groupList(), groupCreate(),
		groupChange("add GROUP UPN", "Put a person into a group", "%s is in %s.", (*env).addMember),
		groupChange("remove GROUP UPN", "Take a person out of a group", "%s is out of %s.", (*env).removeMember), groupMembers(), groupShow(), groupSet(), groupDelete(),
		deletedOf("List deleted groups, which can be restored for 30 days", deletedGroups, column{"NAME", "displayName"}),
		restoreOf("restore GROUP", "Bring a deleted group back", "group", "displayName", deletedGroups))
}

func deletedGroups(e *env) iter.Seq2[graphclient.Object, error] {
	return e.graph.DeletedGroups(e.command.Context())
}

// groupID returns the id of a group that is named by id or display name.
func (e *env) groupID(name string) (string, error) {
	return e.idOf("group", name, e.graph.Groups(e.command.Context(), named(name)))
}

func groupShow() *cobra.Command {
	c := &cobra.Command{Use: "show GROUP", Short: "Show a group, by name or id", Args: cobra.ExactArgs(1)}
	return verb(c, func(e *env, args []string) error {
		id, err := e.groupID(args[0])
		if err != nil {
			return err
		}
		group, err := e.graph.Group(c.Context(), id)
		if err != nil {
			return err
		}
		return e.object(group, "id", "displayName", "description", "mailNickname", "isAssignableToRole", "membershipRule", "membershipRuleProcessingState", "createdDateTime")
	})
}

func groupSet() *cobra.Command {
	c := &cobra.Command{
		Use: "set GROUP PROPERTY=VALUE…", Short: "Change a group, by name or id", Args: cobra.MinimumNArgs(2),
		Long: "Changes properties of a group, by Graph's names. No value clears one.",
		Example: `  postern group set Helpdesk displayName="Service desk" description=
  postern group set Laptops membershipRule='device.deviceOSType -eq "Linux"'`,
	}
	return verb(c, func(e *env, args []string) error {
		change, err := changes(args[1:])
		if err != nil {
			return err
		}
		id, err := e.groupID(args[0])
		if err != nil {
			return err
		}
		if err := e.graph.UpdateGroup(c.Context(), id, change); err != nil {
			return err
		}
		e.say("%s is changed.", args[0])
		return nil
	})
}

func groupDelete() *cobra.Command {
	c := &cobra.Command{Use: "delete GROUP", Short: "Delete a group, by name or id", Args: cobra.ExactArgs(1)}
	return verb(c, func(e *env, args []string) error {
		id, err := e.groupID(args[0])
		if err != nil {
			return err
		}
		if err := e.graph.DeleteGroup(c.Context(), id); err != nil {
			return err
		}
		e.say("%s is deleted. It can be restored for 30 days.", args[0])
		return nil
	})
}

func groupList() *cobra.Command {
	var q graphclient.Query
	var top int
	c := &cobra.Command{Use: "list", Short: "List groups", Args: cobra.NoArgs}
	queryFlags(c, &q, "startsWith(displayName,'Help')")
	c.Flags().IntVar(&top, "top", 0, "list this `NUMBER` at most")
	return verb(c, func(e *env, _ []string) error {
		return e.table(e.graph.Groups(c.Context(), asked(q)), top, column{"NAME", "displayName"}, column{"ID", "id"}, column{"DESCRIPTION", "description"})
	})
}

func groupCreate() *cobra.Command {
	var description, rule string
	c := &cobra.Command{
		Use: "create NAME", Short: "Create a security group, and print its id", Args: cobra.ExactArgs(1),
		Example: `  postern group create Helpdesk
  postern group create Laptops --rule '(device.deviceOSType -eq "Linux") and (device.displayName -startsWith "LAP-")'`,
	}
	c.Flags().StringVar(&description, "description", "", "what the group is for")
	c.Flags().StringVar(&rule, "rule", "", "membership `RULE` that says which devices are in the group, which nobody changes by hand then")
	return verb(c, func(e *env, args []string) error {
		in := graphclient.Object{
			"displayName": args[0], "mailNickname": nickname(args[0]), "mailEnabled": false, "securityEnabled": true,
		}
		if description != "" {
			in["description"] = description
		}
		if rule != "" {
			in["groupTypes"], in["membershipRule"], in["membershipRuleProcessingState"] = []string{"DynamicMembership"}, rule, "On"
		}
		group, err := e.graph.CreateGroup(c.Context(), in)
		if err != nil {
			return err
		}
		return e.created(group, "id", "The group %s is there.", args[0])
	})
}

// nickname is name with what a mail address can't hold left out.
func nickname(name string) string {
	nick := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return -1
	}, name)
	return first(nick, "group")
}

func groupChange(use, short, words string, change func(e *env, group, member string) error) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(2)}
	return verb(c, func(e *env, args []string) error {
		group, err := e.groupID(args[0])
		if err != nil {
			return err
		}
		member, err := e.userID(args[1])
		if err != nil {
			return err
		}
		if err := change(e, group, member); err != nil {
			return err
		}
		e.say(words, args[1], args[0])
		return nil
	})
}

func (e *env) addMember(group, member string) error {
	return e.graph.AddMember(e.command.Context(), group, member)
}

func (e *env) removeMember(group, member string) error {
	return e.graph.RemoveMember(e.command.Context(), group, member)
}

func groupMembers() *cobra.Command {
	c := &cobra.Command{Use: "members GROUP", Short: "List the direct members of a group", Args: cobra.ExactArgs(1)}
	return verb(c, func(e *env, args []string) error {
		group, err := e.groupID(args[0])
		if err != nil {
			return err
		}
		return e.table(e.graph.Members(c.Context(), group), 0, column{"NAME", "userPrincipalName"}, column{"DISPLAY NAME", "displayName"}, column{"ID", "id"})
	})
}

func named(name string) graphclient.Query {
	return graphclient.Query{Filter: "displayName eq " + graphclient.Quote(name)}
}

// idOf returns name if it is an id, else the id of the one object in all, which were asked
// for by display name. Two of one name are refused: a guess could change the wrong one.
func (e *env) idOf(kind, name string, all iter.Seq2[graphclient.Object, error]) (string, error) {
	if uuid.Validate(name) == nil {
		return name, nil
	}
	found, err := collect(all, 2)
	if err != nil {
		return "", err
	}
	switch len(found) {
	case 0:
		return "", notFound("There is no %s %q.", kind, name)
	case 1:
		return found[0].Text("id"), nil
	}
	return "", program.Usagef("More than one %s is called %q; name it by its id.", kind, name)
}
