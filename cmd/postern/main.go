// Command postern is the server, the administrators' command line, and `postern dev`, which
// runs the whole product on one machine.
package main

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli"
	"github.com/postern-id/postern/internal/cli/program"
)

// version is set by the linker.
var version = "unknown"

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run runs one command line and returns its exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return program.Run(ctx, rootCommand(), args, stdin, stdout, stderr)
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "postern",
		Short: "Sign-in that has a way back in",
		Long: "Postern issues Temporary Access Passes and signs people in with them.\n" +
			"Try it: postern dev",
	}
	root.AddCommand(initCommand(), recoverCommand(), serveCommand(), devCommand(), keyCommand(), mailCommand(), clockCommand(), consoleCommand())
	root.AddCommand(backupCommand(), restoreCommand(), migrateCommand(), program.VersionCommand("postern", version))
	root.AddCommand(cli.Commands(logVerifyCommand(), logExportCommand(), logPruneCommand(), logEraseCommand())...)
	root.AddCommand(packagers()...)
	return program.Root(root)
}
