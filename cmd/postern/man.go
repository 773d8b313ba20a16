//go:build man

package main

import (
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// packagers is the command that writes the manual. What turns it into pages is a quarter of a megabyte, and only packagers
// want it: so it is in a program built with -tags man, which `make man` does.
func packagers() []*cobra.Command {
	return []*cobra.Command{{
		Use: "man DIR", Short: "Write manual pages to a folder", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil { //nolint:gosec // manual pages are for everybody
				return err
			}
			c.Root().DisableAutoGenTag = true // the same pages from the same source
			return doc.GenManTree(c.Root(), &doc.GenManHeader{Title: "POSTERN", Section: "1", Source: "Postern"}, args[0])
		},
	}}
}
