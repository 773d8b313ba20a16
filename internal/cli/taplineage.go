package cli

import (
	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/graphclient"
)

func tapLineage() *cobra.Command {
	c := &cobra.Command{
		Use: "lineage UPN [PASS]", Short: "Show what came from a pass", Args: cobra.RangeArgs(1, 2),
		Long: "Shows what came from a pass: sessions, methods that were registered in them, what those let in, in turn,\n" +
			"and devices that joined. Without the id of a PASS it is the one that the person has; the log has the ids of\n" +
			"others. The etag is what revert wants.",
	}
	return verb(c, func(e *env, args []string) error {
		pass, err := e.passNamed(args)
		if err != nil {
			return err
		}
		lineage, err := e.graph.Lineage(c.Context(), args[0], pass)
		if err != nil {
			return err
		}
		return e.printLineage(lineage)
	})
}

func tapRevert() *cobra.Command {
	var etag string
	var devices bool
	c := &cobra.Command{
		Use: "revert UPN [PASS] --etag ETAG", Short: "Undo all that came from a pass", Args: cobra.RangeArgs(1, 2),
		Long: "Removes the methods that came from a pass, ends its sessions and tokens, and deletes the pass. Look at it\n" +
			"first with lineage, and say the etag that it showed: what is undone is what you saw, and nothing else.",
		Example: "  postern tap lineage mira@contoso.example\n  postern tap revert mira@contoso.example --etag 0f3a… --disable-devices",
	}
	c.Flags().StringVar(&etag, "etag", "", "`ETAG` that lineage showed")
	c.Flags().BoolVar(&devices, "disable-devices", false, "switch off devices that joined with it, too")
	return verb(c, func(e *env, args []string) error {
		if etag == "" {
			return program.Usagef("Say with --etag what lineage showed.")
		}
		pass, err := e.passNamed(args)
		if err != nil {
			return err
		}
		gone, err := e.graph.RevertPass(c.Context(), args[0], pass, etag, devices)
		if err != nil {
			return err
		}
		if err := e.printLineage(gone); err != nil {
			return err
		}
		e.say("All of this is undone.")
		return nil
	})
}

// passNamed is the pass of the arguments, or the one that the person has.
func (e *env) passNamed(args []string) (string, error) {
	if len(args) > 1 {
		return args[1], nil
	}
	return e.passOf(args[0])
}

func (e *env) printLineage(lineage graphclient.Object) error {
	if e.json {
		return e.printJSON(lineage)
	}
	var rows []graphclient.Object
	for _, part := range []struct{ member, what string }{{"methods", "method"}, {"sessions", "session"}, {"devices", "device"}} {
		for _, one := range lineage.Objects(part.member) {
			one["what"] = part.what
			if kind := one.Text("kind"); kind != "" {
				one["what"] = kind
			}
			rows = append(rows, one)
		}
	}
	if err := e.rows(rows, []column{
		{"WHAT", "what"},
		{"ID", "id"},
		{"SINCE", "createdDateTime|registrationDateTime"},
		{"NAME", "displayName|deviceDisplayName|browser|deviceId"},
		{"FROM", "ipAddress|registeredFrom"},
	}); err != nil {
		return err
	}
	e.say("etag %s", lineage.Text("etag"))
	return nil
}
