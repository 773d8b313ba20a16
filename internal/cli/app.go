package cli

import (
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/graphclient"
)

func appCommand() *cobra.Command {
	secret := program.Noun("secret", "Secrets of an application", appSecretAdd(), appSecretRemove())
	return program.Noun("app", "Applications", appList(), appShow(), appCreate(), appDelete(), secret, appGrant(), appRevoke())
}

func appList() *cobra.Command {
	var top int
	c := &cobra.Command{Use: "list", Short: "List applications", Args: cobra.NoArgs}
	c.Flags().IntVar(&top, "top", 0, "list this `NUMBER` at most")
	return verb(c, func(e *env, _ []string) error {
		return e.table(e.graph.Applications(c.Context(), graphclient.Query{}), top, column{"NAME", "displayName"}, column{"CLIENT ID", "appId"}, column{"ID", "id"})
	})
}

func appShow() *cobra.Command {
	c := &cobra.Command{
		Use: "show APP", Short: "Show an application with its secrets", Args: cobra.ExactArgs(1),
		Long: "Shows an application, by name, client id or object id, and the ids and ends of its secrets.",
	}
	return verb(c, func(e *env, args []string) error {
		application, err := e.app(args[0])
		if err != nil {
			return err
		}
		if err := e.object(application, "displayName", "appId", "id", "signInAudience", "description"); err != nil || e.json {
			return err
		}
		secrets := application.Objects("passwordCredentials")
		if len(secrets) == 0 {
			e.say("It has no secrets.")
			return nil
		}
		return e.rows(secrets, []column{{"SECRET", "keyId"}, {"NAME", "displayName"}, {"BEGINS WITH", "hint"}, {"WORKS UNTIL", "endDateTime"}})
	})
}

// app returns the application that name means: an object id, a client id or a display name.
func (e *env) app(name string) (graphclient.Object, error) {
	ctx := e.command.Context()
	if uuid.Validate(name) == nil {
		found, err := collect(e.graph.Applications(ctx, graphclient.Query{Filter: "appId eq " + graphclient.Quote(name)}), 1)
		if err != nil || len(found) == 1 {
			return one(found), err
		}
	}
	id, err := e.idOf("application", name, e.graph.Applications(ctx, named(name)))
	if err != nil {
		return nil, err
	}
	return e.graph.Application(ctx, id)
}

func one(found []graphclient.Object) graphclient.Object {
	if len(found) == 0 {
		return nil
	}
	return found[0]
}

func appCreate() *cobra.Command {
	var redirects []string
	c := &cobra.Command{Use: "create NAME", Short: "Register an application, and print its client id", Args: cobra.ExactArgs(1)}
	c.Flags().StringArrayVar(&redirects, "redirect-uri", nil, "`URI` to which people come back; may be given again")
	return verb(c, func(e *env, args []string) error {
		in := graphclient.Object{"displayName": args[0]}
		if len(redirects) > 0 {
			in["web"] = graphclient.Object{"redirectUris": redirects}
		}
		application, err := e.graph.CreateApplication(c.Context(), in)
		if err != nil {
			return err
		}
		if _, err := e.graph.CreateServicePrincipal(c.Context(), application.Text("appId")); err != nil {
			return err
		}
		return e.created(application, "appId", "The application %s is there; its id is %s.", args[0], application.Text("id"))
	})
}

func appDelete() *cobra.Command {
	c := &cobra.Command{Use: "delete APP", Short: "Delete an application; it can be restored for 30 days", Args: cobra.ExactArgs(1)}
	return verb(c, func(e *env, args []string) error {
		application, err := e.app(args[0])
		if err != nil {
			return err
		}
		if err := e.graph.DeleteApplication(c.Context(), application.Text("id")); err != nil {
			return err
		}
		e.say("The application %s is deleted.", application.Text("displayName"))
		return nil
	})
}

func appSecretAdd() *cobra.Command {
	var name string
	var days int
	c := &cobra.Command{
		Use: "add APP", Short: "Give an application a new secret, and print it once", Args: cobra.ExactArgs(1),
		Long: "Gives an application, by name or id, a new secret and prints it alone on stdout.",
	}
	c.Flags().StringVar(&name, "name", "", "`NAME` of the secret")
	c.Flags().IntVar(&days, "days", 180, "how many `DAYS` it works")
	return verb(c, func(e *env, args []string) error {
		if days < 1 {
			return program.Usagef("--days must be 1 or more")
		}
		application, err := e.app(args[0])
		if err != nil {
			return err
		}
		in := graphclient.Object{"endDateTime": time.Now().AddDate(0, 0, days).UTC().Format(time.RFC3339)}
		if name != "" {
			in["displayName"] = name
		}
		secret, err := e.graph.AddPassword(c.Context(), application.Text("id"), in)
		if err != nil {
			return err
		}
		return e.created(secret, "secretText", "Works until %s; its id is %s. It is not shown again.", secret.Text("endDateTime"), secret.Text("keyId"))
	})
}

func appSecretRemove() *cobra.Command {
	c := &cobra.Command{
		Use: "remove APP SECRET-ID", Short: "Take a secret away; its tokens end at once", Args: cobra.ExactArgs(2),
		Long: "Takes a secret, by the id that `postern app show` prints, away from an application.",
	}
	return verb(c, func(e *env, args []string) error {
		application, err := e.app(args[0])
		if err != nil {
			return err
		}
		if err := e.graph.RemovePassword(c.Context(), application.Text("id"), args[1]); err != nil {
			return err
		}
		e.say("The secret %s is gone.", args[1])
		return nil
	})
}
