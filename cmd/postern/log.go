package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli"
	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/server"
)

// logVerifyCommand is `postern log verify`.
func logVerifyCommand() *cobra.Command {
	var s settings
	var checkpoints []string
	var acceptLoss, asJSON bool
	c := &cobra.Command{
		Use: "verify [--server URL | --data DIR]", Short: "Check that the log is as it was sealed",
		Long: "Checks every entry, hash and checkpoint of the log, and names the first bad entry: of a running\n" +
			"server, as who you are signed in as, or beside a stopped one with --data. With --checkpoint it\n" +
			"also proves that what a witness saw is still there; without a witness, a server that made its\n" +
			"log anew with its own keys passes.",
		Args: cobra.NoArgs,
	}
	remote := cli.NewRemote(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		beside := c.Flags().Changed("data") || os.Getenv("POSTERN_DATA") != "" && !c.Flags().Changed("server")
		if c.Flags().Changed("data") && c.Flags().Changed("server") {
			return program.Usage(errors.New("--server and --data don't go together"))
		}
		witnesses, err := openAll(checkpoints)
		if err != nil {
			return err
		}
		defer closeAll(witnesses)
		var reports []server.TenantReport
		if beside {
			if err := s.fill(c); err != nil {
				return err
			}
			reports, err = server.VerifyLog(c.Context(), s.options(c), readers(witnesses), acceptLoss)
		} else {
			var fetch func(context.Context, int64) ([]byte, error)
			if fetch, err = remote.SealedLog(); err != nil {
				return err
			}
			reports, err = server.VerifyRemoteLog(c.Context(), fetch, readers(witnesses), acceptLoss)
		}
		return errors.Join(printReports(c.OutOrStdout(), reports, asJSON), err)
	}
	s.add(c.Flags())
	c.Flags().StringArrayVar(&checkpoints, "checkpoint", nil, "`FILE` of checkpoints that a witness kept; may be given again")
	c.Flags().BoolVar(&acceptLoss, "accept-loss", false, "accept entries that a restore lost")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// openAll opens every file of paths, or none.
func openAll(paths []string) ([]*os.File, error) {
	var all []*os.File
	for _, path := range paths {
		file, err := os.Open(path)
		if err != nil {
			closeAll(all)
			return nil, program.Usage(err)
		}
		all = append(all, file)
	}
	return all, nil
}

func closeAll(files []*os.File) {
	for _, file := range files {
		_ = file.Close() // only read
	}
}

func readers(files []*os.File) []io.Reader {
	var all []io.Reader
	for _, file := range files {
		all = append(all, file)
	}
	return all
}

func printReports(w io.Writer, reports []server.TenantReport, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(reports)
	}
	for _, one := range reports {
		verdict := "as it was sealed"
		if one.Problem != "" {
			verdict = "NOT as it was sealed: " + one.Problem
		}
		if _, err := fmt.Fprintf(w, "%s: %d entries, %d checkpoints, %s\n", one.Tenant, one.Report.Head.Size, one.Report.Checkpoints, verdict); err != nil {
			return err
		}
	}
	return nil
}

// logExportCommand is `postern log export`.
func logExportCommand() *cobra.Command {
	var s settings
	var from int64
	c := &cobra.Command{
		Use: "export --data DIR", Short: "Write the sealed log as JSON lines", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := s.fill(c); err != nil {
				return err
			}
			return server.ExportLog(c.Context(), s.options(c), from, c.OutOrStdout())
		},
	}
	s.add(c.Flags())
	c.Flags().Int64Var(&from, "from", 0, "first `POSITION`")
	return c
}

// keyCommand is `postern key`.
func keyCommand() *cobra.Command {
	var s settings
	var purposes []string
	rotate := &cobra.Command{
		Use: "rotate --data DIR", Short: "Replace keys now", Args: cobra.NoArgs,
		Long: "Replaces keys within a minute, beside a running server. Signing keys that retire stay\n" +
			"published while a token of theirs may live, peppers while a pass needs them.",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := s.fill(c); err != nil {
				return err
			}
			n, err := server.RotateKeys(c.Context(), s.options(c), purposes)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.ErrOrStderr(), "%d keys take over within a minute.\n", n)
			return nil
		},
	}
	s.add(rotate.Flags())
	rotate.Flags().StringSliceVar(&purposes, "key", []string{"RS256", "ES256"}, "which `KEYS`: RS256, ES256, passPepper, pinReset")
	return program.Noun("key", "Keys of the server", rotate)
}
