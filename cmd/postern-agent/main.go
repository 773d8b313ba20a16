// Command postern-agent is Postern on a device: it joins it, keeps its policy, signs people in
// at the lock screen and at consoles, and guards their device PINs.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

// version is set by the linker.
var version = "unknown"

// Exit codes, those of the administrators' command line (docs/cli.md).
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNotAllowed  = 3
	exitNotFound    = 4
	exitUnreachable = 5
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// usage marks an error as wrong use of a command.
type usage struct{ error }

func (u usage) Unwrap() error { return u.error }

// errSilent ends a command with exitFailed when all has been said.
var errSilent = errors.New("said already")

// run runs one command line and returns its exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	if !errors.Is(err, errSilent) {
		fmt.Fprintln(stderr, "postern-agent:", sentence(err))
	}
	return exitCode(err)
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:          "postern-agent",
		Short:        "Postern on this device",
		Long:         "Joins this device to an organisation, and signs people in on it.\nBegin with: postern-agent doctor",
		SilenceUsage: true, SilenceErrors: true,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("there is no command %q; see `%s --help`", args[0], c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.AddCommand(runCommand(), joinCommand(), statusCommand(), doctorCommand(), repairCommand(), leaveCommand(), bundleCommand(), versionCommand())
	root.AddCommand(greeterCommands()...)
	markUsage(root)
	return root
}

// markUsage makes wrong flags and arguments of c and all commands below it errors of usage.
func markUsage(c *cobra.Command) {
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage{fmt.Errorf("%w; see `%s --help`", err, c.CommandPath())}
	})
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return usage{err}
			}
			return nil
		}
	}
	for _, below := range c.Commands() {
		markUsage(below)
	}
}

// sentence is what a person is told of err.
func sentence(err error) string {
	text := err.Error()
	if f, ok := errors.AsType[*fault.Error](err); ok {
		if !strings.Contains(text, f.Text) {
			text = f.Error()
		}
		text += " (" + f.Code + ")"
	}
	return printable(text)
}

// printable replaces what could steer a terminal: names are written by others.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || r == '\n' {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

func exitCode(err error) int {
	if _, ok := errors.AsType[usage](err); ok {
		return exitUsage
	}
	for _, one := range []error{graphclient.ErrUnreachable, graphclient.ErrCertificate, graphclient.ErrAnswer} {
		if errors.Is(err, one) {
			return exitUnreachable
		}
	}
	if errors.Is(err, graphclient.ErrAddress) {
		return exitUsage
	}
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return exitFailed
	}
	switch f.Kind {
	case fault.Unauthorized, fault.Forbidden:
		return exitNotAllowed
	case fault.NotFound:
		return exitNotFound
	}
	return exitFailed
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		Run: func(c *cobra.Command, _ []string) { fmt.Fprintln(c.OutOrStdout(), "postern-agent", version) },
	}
}
