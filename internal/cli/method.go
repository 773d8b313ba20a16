package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/graphclient"
)

func methodCommand() *cobra.Command {
	return program.Noun("method", "Registered ways to sign in", methodList(), methodShow(), methodRemove(),
		methodFreeze("freeze", "Keep a method from signing anybody in until it is thawed", true),
		methodFreeze("thaw", "Let a frozen method sign in again", false))
}

// methodKinds are what people call the types of methods.
var methodKinds = map[string]string{
	"fido2": "passkey", "microsoftAuthenticator": "authenticator", "softwareOath": "codes", "password": "password",
	"temporaryAccessPass": "pass", "windowsHelloForBusiness": "pin", "phone": "phone", "email": "email", "platformCredential": "platform",
}

// methodsOf returns the methods of a person, each with what the tables show beside Graph's properties.
func (e *env) methodsOf(user string) ([]graphclient.Object, error) {
	all, err := collect(e.graph.Methods(e.command.Context(), user, e.own), 0)
	for _, one := range all {
		kind := strings.TrimSuffix(strings.TrimPrefix(one.Text("@odata.type"), "#microsoft.graph."), "AuthenticationMethod")
		one["kind"] = first(methodKinds[kind], kind)
		one["name"] = first(one.Text("displayName"), one.Text("postern_displayName"))
		one["state"] = "works"
		if one.Text("postern_frozenDateTime") != "" {
			one["state"] = "frozen"
		}
		if one.Text("isUsable") == "false" { // a pass
			one["state"] = one.Text("methodUsabilityReason")
		}
	}
	return all, err
}

func methodList() *cobra.Command {
	c := &cobra.Command{
		Use: "list UPN", Short: "List the ways in which a person can sign in", Args: cobra.ExactArgs(1),
		Long: "Lists what a person has registered, of every kind, with the last use. No secret is ever shown.",
	}
	return verb(c, func(e *env, args []string) error {
		if e.json {
			return e.table(e.graph.Methods(c.Context(), args[0], e.own), 0)
		}
		all, err := e.methodsOf(args[0])
		if err != nil {
			return err
		}
		return e.rows(all, []column{
			{"KIND", "kind"}, {"NAME", "name"}, {"ADDED", "createdDateTime"}, {"LAST USED", "postern_lastUsedDateTime"}, {"STATE", "state"}, {"ID", "id"},
		})
	})
}

const methodHelp = "METHOD is an id, a kind (passkey, authenticator, codes, password, pin, pass) or a name, if the person has one of it."

func methodShow() *cobra.Command {
	c := &cobra.Command{
		Use: "show UPN METHOD", Short: "Show a method, and how it came to be", Args: cobra.ExactArgs(2),
		Long: "Shows a registered method, its last use, and with which method, under which pass and from where it was\nregistered. " + methodHelp,
	}
	return verb(c, func(e *env, args []string) error {
		one, err := e.method(args[0], args[1])
		if err != nil {
			return err
		}
		if e.json {
			for _, name := range []string{"kind", "name", "state"} {
				delete(one, name)
			}
		}
		return e.object(one, "kind", "name", "id", "state", "createdDateTime", "postern_lastUsedDateTime", "postern_lastUsedOn", "postern_frozenDateTime",
			"postern_registeredWith", "postern_registeredUnderPass", "postern_registeredFrom", "postern_registeredOn", "postern_registeredBy")
	})
}

// method returns the one method of a person that text means.
func (e *env) method(user, text string) (graphclient.Object, error) {
	all, err := e.methodsOf(user)
	if err != nil {
		return nil, err
	}
	var found []graphclient.Object
	for _, property := range []string{"id", "kind", "name"} {
		for _, one := range all {
			if strings.EqualFold(one.Text(property), text) {
				found = append(found, one)
			}
		}
		if len(found) > 0 {
			break
		}
	}
	switch len(found) {
	case 0:
		return nil, notFound("%s has no method %q.", user, text)
	case 1:
		return found[0], nil
	}
	return nil, program.Usagef("%s has %d methods %q; say which by its id.", user, len(found), text)
}

func methodRemove() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use: "remove UPN METHOD", Short: "Remove a method; what came from it ends", Args: cobra.ExactArgs(2),
		Long: "Removes a method: it signs nobody in any more, and the sessions that came from it end. Of a device PIN the key\n" +
			"goes: it says what is lost, and wants the name of the computer typed, or --yes. " + methodHelp,
		Example: "  postern method remove mira@contoso.example \"Blue key\"\n" +
			"  postern method remove mira@contoso.example authenticator",
	}
	c.Flags().BoolVar(&yes, "yes", false, "remove a device PIN without asking for the name of its computer")
	return verb(c, func(e *env, args []string) error {
		one, err := e.method(args[0], args[1])
		if err != nil {
			return err
		}
		if one.Text("kind") == "pin" && !yes {
			if err := e.surePIN(args[0], one); err != nil {
				return err
			}
		}
		if err := e.graph.RemoveMethod(c.Context(), args[0], one); err != nil {
			return err
		}
		e.say("The %s of %s is gone.", described(one), args[0])
		return nil
	})
}

func described(one graphclient.Object) string {
	if name := one.Text("name"); name != "" {
		return one.Text("kind") + " “" + name + "”"
	}
	return one.Text("kind")
}

func methodFreeze(use, short string, frozen bool) *cobra.Command {
	c := &cobra.Command{Use: use + " UPN METHOD", Short: short, Args: cobra.ExactArgs(2), Long: short + ". " + methodHelp}
	return verb(c, func(e *env, args []string) error {
		one, err := e.method(args[0], args[1])
		if err != nil {
			return err
		}
		if err := e.graph.SetMethodFrozen(c.Context(), args[0], one.Text("id"), frozen); err != nil {
			return err
		}
		state := "works again"
		if frozen {
			state = "is frozen"
		}
		e.say("The %s of %s %s.", described(one), args[0], state)
		return nil
	})
}
