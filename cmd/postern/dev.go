package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/agent/virtual/story"
	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/graphclient"
	"github.com/postern-id/postern/internal/server"
)

func devCommand() *cobra.Command {
	var s settings
	var l server.Listen
	var reset, asJSON, play bool
	c := &cobra.Command{
		Use: "dev", Short: "Run the whole product on this machine, with people to try it on",
		Long: "Runs Postern with a tenant contoso.example, a dozen people, a sample application and two\n" +
			"virtual devices, whose lock screens a browser of this machine opens.\n" +
			"Data is kept for the next start; --reset starts over.\n" +
			"--story plays, by itself and on the first device, how a person whose PIN broke gets back in,\n" +
			"prints what happens, and leaves with 0 if all went well.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if asJSON && play {
				return program.Usage(errors.New("--json and --story don't go together"))
			}
			if s.dir == "" {
				s.dir = devDir()
			}
			if err := l.Open(c.Context()); err != nil {
				return err
			}
			s.publicURL = "https://" + publicHost(l.Address)
			if play { // is what people read
				s.level = slog.LevelWarn
			}
			o := s.options(c)
			o.Mail.Mailbox = true
			o.LogoutNetworks, o.FederationNetworks = server.Loopback, server.Loopback
			created, err := server.Dev(c.Context(), o, reset)
			if err != nil {
				return errors.Join(err, l.Close())
			}
			d := server.DevServer{Options: o, Listen: l, Created: created, Version: version}
			if play {
				return playStory(c, d)
			}
			if asJSON {
				return serveDevAsJSON(c, d)
			}
			d.Started = func(r server.Running) { _ = printDev(c.OutOrStdout(), created, r) }
			d.Ready = func(r server.Running, err error) { printDevices(c.OutOrStdout(), r, err) }
			return d.Serve(c.Context())
		},
	}
	c.Flags().StringVar(&s.dir, "data", "", "data `DIR`ectory; without it one below your home")
	c.Flags().StringVar(&l.Address, "listen", "127.0.0.1:8443", "`ADDRESS` to listen on; port 0 takes a free one")
	c.Flags().BoolVar(&reset, "reset", false, "start over with fresh data")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object once ready")
	c.Flags().BoolVar(&play, "story", false, "play the recovery of a broken PIN, then leave")
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

// serveDevAsJSON prints one object once all is ready, and what is wrong with a device on stderr.
func serveDevAsJSON(c *cobra.Command, d server.DevServer) error {
	d.Started = func(server.Running) {}
	d.Ready = func(r server.Running, err error) {
		if err != nil {
			fmt.Fprintln(c.ErrOrStderr(), "postern:", program.Sentence(err))
		}
		_ = json.NewEncoder(c.OutOrStdout()).Encode(struct {
			server.Created
			server.Running
		}{d.Created, r})
	}
	return d.Serve(c.Context())
}

func printDev(w io.Writer, created server.Created, d server.Running) error {
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
     or in the console: %s

  4. Open          %s
     It has the mail that was sent to people. Nothing leaves this machine.

  5. Open the lock screen of a laptop that is not there:
%s     Choose the globe, sign in as Mira with the pass of step 3, and set a PIN. Break the
     PIN on the test bench beside the desktop, and find the way back.
     postern dev --story plays it by itself.

Browsers warn until they trust the local CA, the file in step 3. The pass works for 24 hours.
Ctrl-C stops it. The data stays; postern dev --reset starts over.

`, created.PublicURL, created.Administrator, created.Pass, d.SampleURL, created.PublicURL, created.CACertificate, d.ConsoleURL, d.MailboxURL, lockScreens(d))
	return err
}

func lockScreens(d server.Running) string {
	var b strings.Builder
	for _, one := range d.Devices {
		fmt.Fprintf(&b, "     %-13s %s\n     %-13s %s\n", one.Name, one.URL, "", "("+one.Storage+")")
	}
	return b.String()
}

// printDevices says that the devices have joined, which takes a moment longer.
func printDevices(w io.Writer, d server.Running, err error) {
	if err != nil {
		fmt.Fprintf(w, "A virtual device is not ready: %s\n", program.Sentence(err))
		return
	}
	names := make([]string, 0, len(d.Devices))
	for _, one := range d.Devices {
		names = append(names, one.Name)
	}
	fmt.Fprintf(w, "%s have joined Contoso and are ready.\n", strings.Join(names, " and "))
}

// Who plays in the story.
const (
	storyHelpdesk = "dana.novak@" + server.DevDomain
	storyPerson   = "mira.okafor@" + server.DevDomain
)

// playStory serves until the story has been played on the first device.
func playStory(c *cobra.Command, d server.DevServer) error {
	ctx, stop := context.WithCancel(c.Context())
	defer stop()
	played := errStory
	var playing sync.WaitGroup
	d.Started = func(server.Running) {}
	d.Ready = func(r server.Running, err error) {
		playing.Go(func() {
			defer stop()
			if played = err; err == nil {
				played = tellStory(ctx, c.OutOrStdout(), d, r)
			}
		})
	}
	err := d.Serve(ctx)
	stop()
	playing.Wait()
	return errors.Join(played, err)
}

// errStory is for a server that ended before the story began.
var errStory = errors.New("the story was not played")

func tellStory(ctx context.Context, w io.Writer, d server.DevServer, r server.Running) error {
	client, err := graphclient.NewHTTP(d.Created.CACertificate)
	if err != nil {
		return err
	}
	one := r.Devices[0]
	fmt.Fprintf(w, "%s (%s) plays the lock screen, %s has the PIN that breaks, %s is the helpdesk.\n\n",
		one.Name, one.Storage, storyPerson, storyHelpdesk)
	began := time.Now()
	err = story.Play(ctx, story.Stage{
		Server: d.Created.PublicURL, Tenant: d.Created.TenantID, HTTP: client,
		Admin: d.Created.Administrator, Pass: graphclient.NewSecret(d.Created.Pass),
		LockScreen: one.URL, Device: one.Name, Helpdesk: storyHelpdesk, Person: storyPerson, Home: one.Home,
		Tell: func(s story.Scene) { tellScene(w, s) },
	})
	if err != nil {
		return fmt.Errorf("the story did not end well: %s", program.Sentence(err)) // whatever it was, it is 1
	}
	fmt.Fprintf(w, "\nThe story ended well, after %s.\n", time.Since(began).Round(100*time.Millisecond))
	return nil
}

func tellScene(w io.Writer, s story.Scene) {
	mark := " "
	if s.Err != nil {
		mark = "!"
	}
	fmt.Fprintf(w, "%s %s  %5.2f s  %s\n", mark, s.At.Format("15:04:05"), s.Took.Seconds(), s.Title)
	lines := s.Lines
	if s.Err != nil {
		lines = append(lines, s.Err.Error())
	}
	for _, line := range lines {
		fmt.Fprintf(w, "                     %s\n", line)
	}
}
