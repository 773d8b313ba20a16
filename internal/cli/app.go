package cli

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/graphclient"
)

func appCommand() *cobra.Command {
	return noun("app", "Applications", appList(), appCreate(), appSecret())
}

func appList() *cobra.Command {
	var top int
	c := &cobra.Command{Use: "list", Short: "List applications", Args: cobra.NoArgs}
	c.Flags().IntVar(&top, "top", 0, "list this `NUMBER` at most")
	return verb(c, func(e *env, _ []string) error {
		return e.table(e.graph.Applications(c.Context(), graphclient.Query{}), top, column{"NAME", "displayName"}, column{"CLIENT ID", "appId"}, column{"ID", "id"})
	})
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
		if err := e.created(application, "appId", "The application %s is there; its id is %s.", args[0], application.Text("id")); err != nil {
			return err
		}
		_, err = e.graph.CreateServicePrincipal(c.Context(), application.Text("appId"))
		return err
	})
}

func appSecret() *cobra.Command {
	var name string
	var days int
	c := &cobra.Command{
		Use: "secret APP", Short: "Give an application a new secret, and print it once", Args: cobra.ExactArgs(1),
		Long: "Gives an application, by name or object id, a new secret and prints it alone on stdout.",
	}
	c.Flags().StringVar(&name, "name", "", "`NAME` of the secret")
	c.Flags().IntVar(&days, "days", 180, "how many `DAYS` it works")
	return verb(c, func(e *env, args []string) error {
		if days < 1 {
			return usage("--days must be 1 or more.")
		}
		id, err := e.idOf("application", args[0], e.graph.Applications(c.Context(), named(args[0])))
		if err != nil {
			return err
		}
		in := graphclient.Object{"endDateTime": time.Now().AddDate(0, 0, days).UTC().Format(time.RFC3339)}
		if name != "" {
			in["displayName"] = name
		}
		secret, err := e.graph.AddPassword(c.Context(), id, in)
		if err != nil {
			return err
		}
		return e.created(secret, "secretText", "Works until %s. It is not shown again.", secret.Text("endDateTime"))
	})
}
