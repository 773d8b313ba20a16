// Command postern-agent is Postern on a device: it joins it, keeps its policy, signs people in
// at the lock screen and at consoles, and guards their device PINs.
package main

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

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
		Use:   "postern-agent",
		Short: "Postern on this device",
		Long:  "Joins this device to an organisation, and signs people in on it.\nBegin with: postern-agent doctor",
	}
	root.AddCommand(runCommand(), joinCommand(), statusCommand(), doctorCommand(), repairCommand(), leaveCommand(), bundleCommand(), opensCommand())
	root.AddCommand(program.VersionCommand("postern-agent", version))
	root.AddCommand(greeterCommands()...)
	return program.Root(root)
}
