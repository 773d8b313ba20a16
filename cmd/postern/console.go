package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/console/alone"
	"github.com/postern-id/postern/internal/graphclient"
)

func consoleCommand() *cobra.Command {
	var o alone.Options
	var ca string
	c := &cobra.Command{
		Use: "console --graph URL --authority URL --client-id ID", Short: "Run the console alone, in front of any Graph",
		Long: "console serves the administrators' console on this machine, for the Graph API of another server or of Entra.\n" +
			"The client is a public one with the redirect URI http://localhost/console/signin/done.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if o.Graph == "" || o.Authority == "" || o.ClientID == "" {
				return program.Usage(errors.New("--graph, --authority and --client-id are required"))
			}
			var err error
			if o.HTTP, err = graphclient.NewHTTP(ca); err != nil {
				return program.Usage(err)
			}
			if _, err := graphclient.New(graphclient.Config{Graph: o.Graph}); err != nil {
				return program.Usage(err)
			}
			o.Log = slog.New(slog.NewTextHandler(c.ErrOrStderr(), nil))
			ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGTERM, os.Interrupt)
			defer stop()
			return alone.Serve(ctx, o, func(url string) { fmt.Fprintln(c.OutOrStdout(), url) })
		},
	}
	c.Flags().StringVar(&o.Graph, "graph", "", "`URL` of Graph, such as https://graph.microsoft.com")
	c.Flags().StringVar(&o.Authority, "authority", "", "`URL` of the sign-in server, such as https://login.microsoftonline.com")
	c.Flags().StringVar(&o.ClientID, "client-id", "", "`ID` of the console as an application there")
	c.Flags().StringVar(&o.Tenant, "tenant", "organizations", "`ID` or domain whose people sign in")
	c.Flags().StringVar(&o.Listen, "listen", "127.0.0.1:8444", "`ADDRESS` of this machine to listen on")
	c.Flags().StringVar(&ca, "ca", "", "`FILE` of certificates to trust, PEM")
	return c
}
