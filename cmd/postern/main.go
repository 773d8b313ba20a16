// Command postern is the server, the administrators' command line, and `postern dev`, which
// runs the whole product on one machine.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli"
	"github.com/postern-id/postern/internal/fault"
)

// version is set by the linker.
var version = "unknown"

// Exit codes, as docs/cli.md lists them.
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
	fmt.Fprintln(stderr, "postern:", sentence(err))
	return exitCode(err)
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "postern",
		Short: "Sign-in that has a way back in",
		Long: "Postern issues Temporary Access Passes and signs people in with them.\n" +
			"Try it: postern dev",
		SilenceUsage: true, SilenceErrors: true,
		// Without a command: help; with an unknown one: an error.
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return cli.Unknown(c, args[0])
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.AddCommand(initCommand(), recoverCommand(), serveCommand(), devCommand(), keyCommand(), clockCommand(), versionCommand())
	root.AddCommand(backupCommand(), restoreCommand(), migrateCommand())
	root.AddCommand(cli.Commands(logVerifyCommand(), logExportCommand(), logPruneCommand(), logEraseCommand())...)
	markUsage(root)
	return root
}

// markUsage makes wrong flags and arguments of c and all commands below it errors of usage.
func markUsage(c *cobra.Command) {
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		if before := c.Flags().Args(); c.HasSubCommands() && len(before) > 0 { // the flag is that of a command which is not there
			return usage{cli.Unknown(c, before[0])}
		}
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
	text, code := err.Error(), ""
	if f, ok := errors.AsType[*fault.Error](err); ok {
		text, code = f.Error(), f.Code
	} else if _, ok := errors.AsType[usage](err); ok {
		code = cli.ErrUsage.Code
	}
	if code != "" {
		text += " (" + code + ")"
	}
	return cli.Printable(text)
}

func exitCode(err error) int {
	if _, ok := errors.AsType[usage](err); ok {
		return exitUsage
	}
	if e, ok := errors.AsType[*cli.Error](err); ok {
		return e.Code
	}
	var f *fault.Error
	if !errors.As(err, &f) {
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
		Run: func(c *cobra.Command, _ []string) { fmt.Fprintln(c.OutOrStdout(), "postern", version) },
	}
}
