package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/agent/control"
	"github.com/postern-id/postern/internal/agent/greeter"
	"github.com/postern-id/postern/internal/agent/websignin"
	"github.com/postern-id/postern/internal/cli/account"
	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

// sockets are the fronts of the agent that runs, and what goes with them.
type sockets struct{ pam, names, greeter, greeterUser, session string }

func runCommand() *cobra.Command {
	var s sockets
	c := command(&cobra.Command{Use: "run", Short: "Run the agent, as its service does"}, func(c *cobra.Command, o agent.Options) error {
		a, err := agent.Open(o)
		if err != nil {
			return err
		}
		return errors.Join(a.Serve(c.Context(), fronts(o, s)...), a.Close())
	})
	c.Flags().StringVar(&s.pam, "socket", defaultSocket, "`SOCKET` for pam_postern.so, or off")
	c.Flags().StringVar(&s.names, "names-socket", defaultNames, "`SOCKET` for libnss-systemd, or off")
	c.Flags().StringVar(&s.greeter, "greeter-socket", greeter.Socket, "`SOCKET` for the sign-in screen, or off")
	c.Flags().StringVar(&s.greeterUser, "greeter-user", "_greetd", "`USER` whom greetd runs the sign-in screen as")
	c.Flags().StringVar(&s.session, "session-command", "", "`COMMAND` of a session; without it the first in /usr/share/wayland-sessions")
	return c
}

// ErrJoinWays says that two ways to sign in were asked for at once.
var ErrJoinWays = &fault.Error{
	Kind: fault.Invalid, Code: "joinWays",
	Text: "A device joins in one way: by browser, by --tap-stdin or by --device-code.", Remedy: "Leave one of the flags out.",
}

func joinCommand() *cobra.Command {
	var j agent.Join
	var pass, code bool
	var kind string
	c := command(&cobra.Command{
		Use: "join --server URL --upn UPN", Short: "Join this device to an organisation",
		Long: "Joins this device. Without a flag a browser opens; --tap-stdin reads a pass from standard input, for set-up\n" +
			"that nobody watches. A join that was cut off can be done again: it goes on with the same key.",
	}, func(c *cobra.Command, o agent.Options) error {
		if j.Server == "" || j.UPN == "" {
			return program.Usage(errors.New("say where and who: --server URL --upn UPN"))
		}
		if pass && code {
			return program.Usage(ErrJoinWays)
		}
		j.Type = device.JoinType(kind)
		say := func(text string) { fmt.Fprintln(c.ErrOrStderr(), program.Printable(text)) }
		j.Tell = say
		switch {
		case pass:
			typed, err := readPass(c.InOrStdin())
			if err != nil {
				return err
			}
			j.SignIn = agent.WithPass(j.UPN, typed)
		case code:
			j.SignIn = agent.WithCode(func(d *websignin.Code) {
				if d.Number == "" {
					say("On another device open " + d.Address + " and type the code " + d.UserCode)
					return
				}
				say("Somebody is at that page. If it is you, give it this number: " + d.Number)
			})
		default:
			j.SignIn = agent.WithBrowser(j.UPN, func(address string) {
				if account.OpenBrowser(c.Context(), address) != nil {
					say("Open this address in a browser of this machine: " + address)
				}
			})
		}
		return join(c, o, j)
	})
	f := c.Flags()
	f.StringVar(&j.Server, "server", "", "`URL` of the server")
	f.StringVar(&j.UPN, "upn", "", "`UPN` of who joins the device")
	f.BoolVar(&pass, "tap-stdin", false, "read a pass from standard input")
	f.BoolVar(&code, "device-code", false, "sign in on another device")
	f.StringVar(&j.DisplayName, "name", "", "`NAME` of the device; without it the host's")
	f.StringVar(&kind, "type", string(device.Joined), "registered, joined or hybridJoined")
	f.StringVar(&j.Domain, "directory-domain", "", "`DOMAIN` of the directory that a hybridJoined device is a member of")
	return c
}

func join(c *cobra.Command, o agent.Options, j agent.Join) error {
	a, err := agent.Open(o)
	if errors.Is(err, agent.ErrRunning) {
		err = control.Ask(c.Context(), o.State, "yield", nil) // one that has not joined lets go of the state for a while
		if err == nil {
			a, err = agent.Open(o)
		}
	}
	if err != nil {
		return err
	}
	err = a.Join(c.Context(), j)
	s := a.Status()
	if err := errors.Join(err, a.Close()); err != nil {
		return err
	}
	if err := control.Ask(c.Context(), o.State, "resume", nil); err != nil && !errors.Is(err, control.ErrNone) {
		return err
	}
	fmt.Fprintf(c.ErrOrStderr(), "This device has joined %s as %s.\n", program.Printable(s.Tenant), program.Printable(s.DisplayName))
	fmt.Fprintln(c.OutOrStdout(), s.DeviceID)
	return nil
}

// readPass reads the first line: a pass is never an argument, which every process can read.
func readPass(from io.Reader) (graphclient.Secret, error) {
	text, err := io.ReadAll(io.LimitReader(from, 1024))
	if err != nil {
		return graphclient.Secret{}, err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if line = strings.TrimSpace(line); line == "" {
		return graphclient.Secret{}, program.Usage(errors.New("there is no pass on standard input"))
	}
	return graphclient.NewSecret(line), nil
}

// ask asks the agent that runs, or the state itself when none does.
func ask(c *cobra.Command, o agent.Options, name string, out any, own func(context.Context, *agent.Agent) error) error {
	err := control.Ask(c.Context(), o.State, name, out)
	if !errors.Is(err, control.ErrNone) {
		return err
	}
	if _, err := os.Stat(o.State); errors.Is(err, os.ErrPermission) {
		return control.ErrPeer
	}
	a, err := agent.Open(o)
	if err != nil {
		return err
	}
	return errors.Join(own(c.Context(), a), a.Close())
}

func statusCommand() *cobra.Command {
	var asJSON bool
	c := command(&cobra.Command{Use: "status", Short: "Show what this device is, and what holds on it"}, func(c *cobra.Command, o agent.Options) error {
		var s agent.Status
		err := ask(c, o, "status", &s, func(_ context.Context, a *agent.Agent) error {
			s = a.Status()
			return nil
		})
		if err != nil {
			return err
		}
		if asJSON {
			return printJSON(c.OutOrStdout(), s)
		}
		return printStatus(c.OutOrStdout(), s)
	})
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

func printStatus(out io.Writer, s agent.Status) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%s\t%s\n", name, program.Printable(value))
		}
	}
	if s.JoinType == "" {
		line("joined", "no")
	} else {
		line("joined", string(s.JoinType))
		line("organisation", s.Tenant)
		line("server", s.Server)
		line("device", s.DisplayName)
		line("device id", s.DeviceID)
		line("key", string(s.KeyStorage)+map[bool]string{true: ", attested"}[s.Attested])
		line("certificate until", day(s.CertificateEndsAt))
		line("last contact", moment(s.LastContactAt))
		line("agent", map[bool]string{true: "runs", false: "does not run"}[s.Running])
	}
	for _, u := range s.Users {
		line("person", fmt.Sprintf("%s, uid %d, PIN %s%s", u.UPN, u.UID, u.PIN, map[bool]string{false: ", switched off"}[u.Enabled]))
	}
	for _, p := range s.Problems {
		line("problem", p.Text)
	}
	return w.Flush()
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.DateOnly)
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.DateTime)
}

func doctorCommand() *cobra.Command {
	var asJSON bool
	c := command(&cobra.Command{
		Use: "doctor", Short: "Look at everything that the agent needs, and say what to do",
		Long: "Looks at everything that the agent needs. It changes nothing; the exit code is 1 when something fails.",
	}, func(c *cobra.Command, o agent.Options) error {
		var d agent.Diagnosis
		err := ask(c, o, "doctor", &d, func(ctx context.Context, a *agent.Agent) error {
			d = a.Doctor(ctx)
			return nil
		})
		if err != nil {
			return err
		}
		if asJSON {
			err = printJSON(c.OutOrStdout(), d)
		} else {
			err = printDiagnosis(c.OutOrStdout(), d)
		}
		if err == nil && !d.OK {
			return program.ErrSilent
		}
		return err
	})
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

func printDiagnosis(out io.Writer, d agent.Diagnosis) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	for _, one := range d.Checks {
		fmt.Fprintf(w, "%s\t%s\t%s\n", one.State, one.Name, program.Printable(one.Detail))
		if one.Fix != "" {
			fmt.Fprintf(w, "\t\t→ %s\n", program.Printable(one.Fix))
		}
	}
	return w.Flush()
}

func repairCommand() *cobra.Command {
	return command(&cobra.Command{
		Use: "repair", Short: "Find what is broken and mend it",
		Long: "Looks at TPM, PINs, registration, policy and clock, and mends what it can. What needs a person it says; the exit\n" +
			"code is then 1.",
	}, func(c *cobra.Command, o agent.Options) error {
		var r agent.Repairs
		err := ask(c, o, "repair", &r, func(ctx context.Context, a *agent.Agent) error {
			var err error
			r, err = a.Repair(ctx)
			return err
		})
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(c.OutOrStdout(), 0, 8, 2, ' ', 0)
		for _, one := range r.Parts {
			fmt.Fprintf(w, "%s\t%s\t%s\n", one.State, one.Part, program.Printable(one.Detail))
			if one.Fix != "" {
				fmt.Fprintf(w, "\t\t→ %s\n", program.Printable(one.Fix))
			}
		}
		if err := w.Flush(); err != nil {
			return err
		}
		if !r.OK {
			return program.ErrSilent
		}
		return nil
	})
}

func leaveCommand() *cobra.Command {
	var force bool
	c := command(&cobra.Command{
		Use: "leave", Short: "Take this device out of its organisation",
		Long: "Takes this device out of its organisation: there its object, its PINs and its sessions go, here its key, its\n" +
			"policy and its accounts. Home directories stay.",
	}, func(c *cobra.Command, o agent.Options) error {
		name := map[bool]string{true: "forget", false: "leave"}[force]
		err := ask(c, o, name, nil, func(ctx context.Context, a *agent.Agent) error { return a.Leave(ctx, force) })
		if err == nil {
			fmt.Fprintln(c.ErrOrStderr(), "This device has left its organisation.")
		}
		return err
	})
	c.Flags().BoolVar(&force, "force", false, "forget the organisation here even when the server can't be told")
	return c
}
