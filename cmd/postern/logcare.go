package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/server"
)

// logPruneCommand is `postern log prune`.
func logPruneCommand() *cobra.Command {
	var s settings
	var before string
	var asJSON bool
	c := &cobra.Command{
		Use: "prune --data DIR --before TIME", Short: "Remove old entries of the log",
		Long: "Removes entries older than TIME, by whole sealed batches, beside running servers. Their\n" +
			"hashes stay, so that `log verify` still proves the rest. Export them first if they are to be kept.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := s.fill(c); err != nil {
				return err
			}
			then, err := parseBefore(before, time.Now())
			if err != nil {
				return err
			}
			all, err := server.PruneLog(c.Context(), s.options(c), then)
			if asJSON {
				return errors.Join(json.NewEncoder(c.OutOrStdout()).Encode(all), err)
			}
			for _, p := range all {
				fmt.Fprintf(c.OutOrStdout(), "%s: %d entries removed, those from position %d on are kept\n", p.Tenant, p.Removed, p.Before)
			}
			return err
		},
	}
	s.add(c.Flags())
	c.Flags().StringVar(&before, "before", "", "`TIME` as 2026-03-02 or 2026-03-02T06:00:00Z, or how long ago, such as 8760h")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// parseBefore reads a day in UTC, a time, or how long ago it was.
func parseBefore(text string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	return time.Time{}, program.Usage(fmt.Errorf("--before must be a time such as 2026-03-02 or 8760h, not %q", text))
}

// logEraseCommand is `postern log erase`.
func logEraseCommand() *cobra.Command {
	var s settings
	var who string
	c := &cobra.Command{
		Use: "erase --data DIR --user UPN", Short: "Erase a person's personal data from the log",
		Long: "Erases names, addresses and what else is personal of one person from all entries, beside\n" +
			"running servers, for good. The entries themselves stay, and `log verify` still proves them.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := s.fill(c); err != nil {
				return err
			}
			if who == "" {
				return program.Usage(errors.New("say who: --user mira@contoso.example, or the object id"))
			}
			n, err := server.EraseUser(c.Context(), s.options(c), who)
			if err == nil {
				fmt.Fprintf(c.ErrOrStderr(), "Erased in %d entries.\n", n)
			}
			return err
		},
	}
	s.add(c.Flags())
	c.Flags().StringVar(&who, "user", "", "`UPN` or object id, also of somebody who was deleted")
	return c
}
