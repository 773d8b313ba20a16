package cli

import (
	"bufio"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/graphclient"
)

func userCommand() *cobra.Command {
	return program.Noun("user", "People", userList(), userShow(), userCreate(),
		userEnable("disable", "Disable a person; their sessions and passes end", false),
		userEnable("enable", "Enable a person again", true), userSet(), userImport(), userDelete(),
		deletedOf("List deleted people, who can be restored for 30 days", deletedUsers, column{"NAME", "userPrincipalName"}, column{"DISPLAY NAME", "displayName"}),
		restoreOf("restore UPN", "Bring a deleted person back", "person", "userPrincipalName", deletedUsers))
}

func deletedUsers(e *env) iter.Seq2[graphclient.Object, error] {
	return e.graph.DeletedUsers(e.command.Context())
}

func userSet() *cobra.Command {
	var manager string
	c := &cobra.Command{
		Use: "set UPN PROPERTY=VALUE…", Short: "Change a person", Args: cobra.MinimumNArgs(1),
		Long:    "Changes properties of a person, by Graph's names. No value clears one. A list has commas.",
		Example: "  postern user set mira@contoso.example department=Sales jobTitle= --manager omar@contoso.example",
	}
	c.Flags().StringVar(&manager, "manager", "", "`UPN` of their manager")
	return verb(c, func(e *env, args []string) error {
		change, err := changes(args[1:])
		if err != nil {
			return err
		}
		if len(change) == 0 && manager == "" {
			return program.Usagef("Say what to change, such as department=Sales.")
		}
		if len(change) > 0 {
			if err := e.graph.UpdateUser(c.Context(), args[0], change); err != nil {
				return err
			}
		}
		if manager != "" {
			id, err := e.userID(manager)
			if err != nil {
				return err
			}
			if err := e.graph.SetManager(c.Context(), args[0], id); err != nil {
				return err
			}
		}
		e.say("%s is changed.", args[0])
		return nil
	})
}

func userList() *cobra.Command {
	var q graphclient.Query
	var top int
	c := &cobra.Command{Use: "list", Short: "List people", Args: cobra.NoArgs}
	queryFlags(c, &q, "accountEnabled eq false")
	c.Flags().IntVar(&top, "top", 0, "list this `NUMBER` at most")
	return verb(c, func(e *env, _ []string) error {
		return e.table(e.graph.Users(c.Context(), asked(q)), top, column{"NAME", "userPrincipalName"}, column{"DISPLAY NAME", "displayName"}, column{"ID", "id"})
	})
}

func userShow() *cobra.Command {
	c := &cobra.Command{Use: "show UPN", Short: "Show a person", Args: cobra.ExactArgs(1)}
	return verb(c, func(e *env, args []string) error {
		user, err := e.graph.User(c.Context(), args[0])
		if err != nil {
			return err
		}
		return e.object(user, "id", "userPrincipalName", "displayName", "givenName", "surname", "mail", "jobTitle")
	})
}

func userCreate() *cobra.Command {
	var display string
	var stdin bool
	c := &cobra.Command{
		Use: "create UPN", Short: "Create a person, and print their id", Args: cobra.ExactArgs(1),
		Long: "Creates a person and prints their id. Without a password they come in with a pass.",
	}
	c.Flags().StringVar(&display, "display-name", "", "`NAME` that others see; the part before the @ without it")
	c.Flags().BoolVar(&stdin, "password-stdin", false, "read a password from the first line of stdin")
	return verb(c, func(e *env, args []string) error {
		nick, _, ok := strings.Cut(args[0], "@")
		if !ok || nick == "" {
			return program.Usagef("The name must look like mira@contoso.example, not %q.", args[0])
		}
		in := graphclient.Object{
			"userPrincipalName": args[0], "displayName": first(display, nick), "mailNickname": nick, "accountEnabled": true,
		}
		if stdin {
			line, _ := bufio.NewReader(io.LimitReader(c.InOrStdin(), 1024)).ReadString('\n')
			password := strings.TrimRight(line, "\r\n")
			if password == "" {
				return program.Usagef("Stdin holds no password.")
			}
			in["passwordProfile"] = graphclient.Object{"password": password}
		}
		user, err := e.graph.CreateUser(c.Context(), in)
		if err != nil {
			return err
		}
		return e.created(user, "id", "%s is there.", args[0])
	})
}

// created prints an object that was made: the property alone, or all as JSON.
func (e *env) created(o graphclient.Object, property, words string, args ...any) error {
	if e.json {
		return e.printJSON(o)
	}
	if err := e.result(o.Text(property)); err != nil {
		return err
	}
	e.say(words, args...)
	return nil
}

func userEnable(name, short string, enabled bool) *cobra.Command {
	c := &cobra.Command{Use: name + " UPN", Short: short, Args: cobra.ExactArgs(1)}
	return verb(c, func(e *env, args []string) error {
		if err := e.graph.UpdateUser(c.Context(), args[0], graphclient.Object{"accountEnabled": enabled}); err != nil {
			return err
		}
		e.say("%s is %sd.", args[0], name)
		return nil
	})
}

func userDelete() *cobra.Command {
	c := &cobra.Command{Use: "delete UPN", Short: "Delete a person; their sessions and passes end", Args: cobra.ExactArgs(1)}
	return verb(c, func(e *env, args []string) error {
		if err := e.graph.DeleteUser(c.Context(), args[0]); err != nil {
			return err
		}
		e.say("%s is deleted.", args[0])
		return nil
	})
}

// userID returns the id of a person who is named by id or UPN.
func (e *env) userID(name string) (string, error) {
	user, err := e.graph.User(e.command.Context(), name)
	return user.Text("id"), err
}

// mostNamed is how many ids Graph names in one request.
const mostNamed = 1000

// nameUsers gives rows with a userId the userPrincipalName of that person, where they are there still and
// the caller may look.
func (e *env) nameUsers(rows []graphclient.Object) {
	of := map[string][]graphclient.Object{}
	var ids []string
	for _, row := range rows {
		id := row.Text("userId")
		if of[id] == nil && id != "" {
			ids = append(ids, id)
		}
		of[id] = append(of[id], row)
	}
	for some := range slices.Chunk(ids, mostNamed) {
		answer, err := e.graph.Do(e.command.Context(), http.MethodPost, graphclient.Object{"ids": some, "types": []string{"user"}}, "directoryObjects", "getByIds")
		if err != nil {
			return // a help, not a need
		}
		for _, u := range answer.Objects("value") {
			for _, row := range of[u.Text("id")] {
				row["userPrincipalName"] = u["userPrincipalName"]
			}
		}
	}
}
