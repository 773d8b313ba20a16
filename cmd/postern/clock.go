package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/server"
)

// clockCommand is `postern clock`.
func clockCommand() *cobra.Command {
	c := &cobra.Command{Use: "clock", Short: "The server's clock and its time mark"}
	c.AddCommand(clockShowCommand(), clockAcceptCommand())
	return c
}

func clockShowCommand() *cobra.Command {
	var s settings
	var asJSON bool
	c := &cobra.Command{
		Use: "show --data DIR", Short: "Show the clocks of machine, store and database", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := s.fill(c); err != nil {
				return err
			}
			state, err := server.ShowClock(c.Context(), s.options(c))
			if err != nil {
				return err
			}
			return printClock(c.OutOrStdout(), state, asJSON)
		},
	}
	s.add(c.Flags())
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func clockAcceptCommand() *cobra.Command {
	var s settings
	c := &cobra.Command{
		Use: "accept --data DIR", Short: "Say that the clock of this machine is right",
		Long: "Makes the clock of this machine the time mark, beside running servers. They go on within\n" +
			"seconds. What had ended by the mark before stays ended.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := s.fill(c); err != nil {
				return err
			}
			state, err := server.AcceptClock(c.Context(), s.options(c))
			if err == nil {
				fmt.Fprintf(c.ErrOrStderr(), "The time mark is %s.\n", state.Mark.Format(time.RFC3339))
			}
			return err
		},
	}
	s.add(c.Flags())
	return c
}

func printClock(w io.Writer, state server.ClockState, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(state)
	}
	for _, line := range []struct {
		name string
		at   time.Time
	}{{"serverTime", state.Own}, {"timeMark", state.Mark}, {"databaseTime", state.Database}} {
		if line.at.IsZero() {
			continue
		}
		if _, err := fmt.Fprintf(w, "%-14s %s\n", line.name, line.at.UTC().Format(time.RFC3339)); err != nil {
			return err
		}
	}
	if state.Problem != "" {
		_, err := fmt.Fprintf(w, "%-14s %s\n", "problem", state.Problem)
		return err
	}
	return nil
}
