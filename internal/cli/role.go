package cli

import (
	"iter"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/graphclient"
)

func roleCommand() *cobra.Command {
	return program.Noun("role", "Administrators' roles", roleList(), roleShow(), roleMembers(), roleAssign(), roleRemove())
}

func roleList() *cobra.Command {
	c := &cobra.Command{Use: "list [UPN]", Short: "List the roles, or the assignments of a person", Args: cobra.MaximumNArgs(1)}
	return verb(c, func(e *env, args []string) error {
		if len(args) == 0 {
			return e.table(e.graph.RoleDefinitions(c.Context()), 0, column{"NAME", "displayName"}, column{"ID", "id"})
		}
		user, err := e.userID(args[0])
		if err != nil {
			return err
		}
		held := heldBy(user)
		held.Expand = "roleDefinition"
		return e.table(e.graph.RoleAssignments(c.Context(), held), 0, column{"ROLE", "roleDefinition/displayName|roleDefinitionId"}, column{"SCOPE", "directoryScopeId"}, column{"ASSIGNMENT", "id"})
	})
}

func roleShow() *cobra.Command {
	c := &cobra.Command{Use: "show ROLE", Short: "Show what a role is for, by name or id", Args: cobra.ExactArgs(1)}
	return verb(c, func(e *env, args []string) error {
		id, err := e.roleID(args[0])
		if err != nil {
			return err
		}
		role, err := e.graph.RoleDefinition(c.Context(), id)
		if err != nil {
			return err
		}
		return e.object(role, "displayName", "id", "description", "isBuiltIn")
	})
}

func roleMembers() *cobra.Command {
	c := &cobra.Command{Use: "members ROLE", Short: "List who holds a role, by name or id", Args: cobra.ExactArgs(1)}
	return verb(c, func(e *env, args []string) error {
		id, err := e.roleID(args[0])
		if err != nil {
			return err
		}
		return e.table(e.graph.RoleMembers(c.Context(), id), 0, column{"NAME", "displayName"}, column{"UPN", "userPrincipalName"}, column{"ID", "id"})
	})
}

// roleID returns the id of the role that name means.
func (e *env) roleID(name string) (string, error) {
	return e.idOf("role", name, called(e.graph.RoleDefinitions(e.command.Context()), name))
}

func heldBy(principal string) graphclient.Query {
	return graphclient.Query{Filter: "principalId eq " + graphclient.Quote(principal)}
}

func roleAssign() *cobra.Command {
	c := &cobra.Command{Use: "assign ROLE UPN", Short: "Give a person a role, by name or id", Args: cobra.ExactArgs(2)}
	return verb(c, func(e *env, args []string) error {
		role, user, err := e.roleAndUser(args)
		if err != nil {
			return err
		}
		assignment, err := e.graph.AssignRole(c.Context(), role, user)
		if err != nil {
			return err
		}
		return e.created(assignment, "id", "%s holds the role %s.", args[1], args[0])
	})
}

func roleRemove() *cobra.Command {
	c := &cobra.Command{Use: "remove ROLE UPN", Short: "Take a role from a person", Args: cobra.ExactArgs(2)}
	return verb(c, func(e *env, args []string) error {
		role, user, err := e.roleAndUser(args)
		if err != nil {
			return err
		}
		for one, err := range e.graph.RoleAssignments(c.Context(), heldBy(user)) {
			if err != nil {
				return err
			}
			if one.Text("principalId") != user || one.Text("roleDefinitionId") != role {
				continue
			}
			if err := e.graph.RemoveAssignment(c.Context(), one.Text("id")); err != nil {
				return err
			}
			e.say("%s no longer holds the role %s.", args[1], args[0])
			return nil
		}
		return notFound("%s does not hold the role %s", args[1], args[0])
	})
}

func (e *env) roleAndUser(args []string) (role, user string, err error) {
	if role, err = e.roleID(args[0]); err != nil {
		return "", "", err
	}
	user, err = e.userID(args[1])
	return role, user, err
}

// called leaves those out that have another display name.
func called(all iter.Seq2[graphclient.Object, error], name string) iter.Seq2[graphclient.Object, error] {
	return func(yield func(graphclient.Object, error) bool) {
		for one, err := range all {
			if (err != nil || strings.EqualFold(one.Text("displayName"), name)) && !yield(one, err) {
				return
			}
		}
	}
}
