package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/agent/greeter/fence"
	"github.com/postern-id/postern/internal/agent/identity"
	"github.com/postern-id/postern/internal/cli/program"
)

// opensCommand tries the lists of hosts that policy has for web sign-in.
func opensCommand() *cobra.Command {
	c := command(&cobra.Command{
		Use: "opens HOST…", Short: "Say whether web sign-in may open hosts, and their pages use the camera",
		Long: "Tries what the policy lists by the rules of the sign-in screen: a name stands for its subdomains, too,\n" +
			"one with a leading = for itself. Looks the hosts up: addresses inside this network are not opened.\n" +
			"The exit code is 1 when one of them is not opened.",
	}, func(c *cobra.Command, o agent.Options) error {
		var s agent.Status
		if err := ask(c, o, "status", &s, func(_ context.Context, a *agent.Agent) error {
			s = a.Status()
			return nil
		}); err != nil {
			return err
		}
		if s.Server == "" {
			return identity.ErrNotJoined
		}
		server, err := fence.Authority(s.Server)
		if err != nil {
			return err
		}
		proxy := fence.Proxy{Rules: fence.Rules{Server: server, Hosts: s.WebSignInHosts()}}
		camera := fence.Rules{Hosts: s.CameraHosts()}
		refused := false
		for _, host := range c.Flags().Args() {
			err := proxy.Try(c.Context(), host)
			said := "opens"
			if err != nil {
				said, refused = err.Error(), true
			} else if camera.Lists(host) {
				said = "opens, with the camera"
			}
			fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", program.Printable(host), program.Printable(said))
		}
		if refused {
			return program.ErrSilent
		}
		return nil
	})
	c.Args = cobra.MinimumNArgs(1)
	return c
}
