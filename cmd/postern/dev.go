package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/server"
)

func devCommand() *cobra.Command {
	var s settings
	var l server.Listen
	var reset, asJSON bool
	c := &cobra.Command{
		Use: "dev", Short: "Run the whole product on this machine, with people to try it on",
		Long: "Runs Postern with a tenant contoso.example, a dozen people and a sample application.\n" +
			"Data is kept for the next start; --reset starts over.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if s.dir == "" {
				s.dir = devDir()
			}
			if err := l.Open(c.Context()); err != nil {
				return err
			}
			s.publicURL = "https://" + publicHost(l.Address)
			o := s.options(c)
			o.Mail.Mailbox = true
			o.LogoutNetworks = server.Loopback
			created, err := server.Dev(c.Context(), o, reset)
			if err != nil {
				return errors.Join(err, l.Close())
			}
			return server.ServeDev(c.Context(), o, l, created, func(d server.Running) {
				_ = printDev(c.OutOrStdout(), created, d, asJSON)
			})
		},
	}
	c.Flags().StringVar(&s.dir, "data", "", "data `DIR`ectory; without it one below your home")
	c.Flags().StringVar(&l.Address, "listen", "127.0.0.1:8443", "`ADDRESS` to listen on; port 0 takes a free one")
	c.Flags().BoolVar(&reset, "reset", false, "start over with fresh data")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object once ready")
	return c
}

// devDir is where dev keeps its data: in the user's data folder, or here when there is none.
func devDir() string {
	if base := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(base) {
		return filepath.Join(base, "postern", "dev")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ".postern-dev"
	}
	return filepath.Join(home, ".local", "share", "postern", "dev")
}

// publicHost is the name under which a loopback listener is opened in a browser.
func publicHost(address string) string {
	for _, loopback := range []string{"127.0.0.1:", "[::1]:", ":"} {
		if len(address) > len(loopback) && address[:len(loopback)] == loopback {
			return "localhost:" + address[len(loopback):]
		}
	}
	return address
}

func printDev(w io.Writer, created server.Created, d server.Running, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(struct {
			server.Created
			server.Running
		}{created, d})
	}
	_, err := fmt.Fprintf(w, `
Postern runs. Try this:

  1. Open          %s/security-info
     as            %s
     with the pass %s

  2. Open          %s
     It is a sample application: sign in there too, and see the tokens it gets.

  3. Give somebody else a pass. Twelve people are there, such as Mira Okafor:
     export POSTERN_SERVER=%s POSTERN_CA=%s
     postern login
     postern tap issue mira.okafor@contoso.example --once --reason "new laptop"

  4. Open          %s
     It has the mail that was sent to people. Nothing leaves this machine.

Browsers warn until they trust the local CA, the file in step 3. The pass works for 24 hours.
Ctrl-C stops it. The data stays; postern dev --reset starts over.

`, created.PublicURL, created.Administrator, created.Pass, d.SampleURL, created.PublicURL, created.CACertificate, d.MailboxURL)
	return err
}
