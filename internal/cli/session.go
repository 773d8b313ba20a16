package cli

import (
	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/graphclient"
)

func whoamiCommand() *cobra.Command {
	c := &cobra.Command{Use: "whoami", Short: "Show as whom commands act", Args: cobra.NoArgs}
	return verb(c, func(e *env, _ []string) error {
		if _, err := e.application.Token(c.Context()); err != nil {
			return err
		}
		return e.object(graphclient.Object{
			"clientId": e.application.ClientID, "tenant": e.application.Tenant, "server": e.application.Authority,
		}, "clientId", "tenant", "server")
	})
}

func loginCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "login", Short: "Check that the credentials in the environment work", Args: cobra.NoArgs,
		Long: "Signs in with POSTERN_CLIENT_ID, POSTERN_CLIENT_SECRET and POSTERN_TENANT, which every command\n" +
			"reads by itself. Signing in as a person, by browser or device code, is not there yet.",
	}
	return verb(c, func(e *env, _ []string) error {
		if _, err := e.application.Token(c.Context()); err != nil {
			return err
		}
		e.say("The credentials work. Every command reads them from the environment; nothing is kept.")
		return nil
	})
}

func logoutCommand() *cobra.Command {
	return &cobra.Command{
		Use: "logout", Short: "Say how to sign out", Args: cobra.NoArgs,
		Run: func(c *cobra.Command, _ []string) {
			c.PrintErrln("Nothing is kept on this machine. Unset POSTERN_CLIENT_SECRET to sign out.")
		},
	}
}
