package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/agent/bundle"
	"github.com/postern-id/postern/internal/fault"
)

// ErrBundle says that there is no room or place for a support bundle.
var ErrBundle = &fault.Error{
	Kind: fault.Unavailable, Code: "bundleFile",
	Text: "The bundle can't be written.", Remedy: "Name a file that is not there yet, in a folder that is, on a disk with room.",
}

func bundleCommand() *cobra.Command {
	var path string
	c := command(&cobra.Command{
		Use: "bundle FILE", Short: "Pack what a helpdesk needs to see into a file, without secrets",
		Long: "Packs status, doctor, policy, versions and the last lines of the log into FILE, a tar.gz that must not be there yet.\n" +
			"There are no keys, PINs, passes or tokens in it, but names of people and of this machine.",
	}, func(c *cobra.Command, o agent.Options) error { return writeBundle(c, o, path) })
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return fmt.Errorf("say where to: %s", c.UseLine())
		}
		path = args[0]
		return nil
	}
	return c
}

func writeBundle(c *cobra.Command, o agent.Options, path string) error {
	var s agent.Status
	if err := ask(c, o, "status", &s, func(_ context.Context, a *agent.Agent) error {
		s = a.Status()
		return nil
	}); err != nil {
		return err
	}
	var d agent.Diagnosis
	if err := ask(c, o, "doctor", &d, func(ctx context.Context, a *agent.Agent) error {
		d = a.Doctor(ctx)
		return nil
	}); err != nil {
		return err
	}
	contents := bundle.Contents{
		Made: time.Now(), Version: o.Version, Status: s, Doctor: d, Policy: s.Policy, State: o.State, Log: journal(c.Context()),
	}
	// Nobody else's file is written to, nor where somebody else's link leads.
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return ErrBundle.With("", fmt.Sprintf("The bundle can't be written: %v.", err))
	}
	if err := errors.Join(bundle.Write(file, contents), file.Close()); err != nil {
		return ErrBundle.With("", fmt.Sprintf("The bundle can't be written: %v.", errors.Join(err, os.Remove(path))))
	}
	fmt.Fprintln(c.ErrOrStderr(), "It has names of people in it. Give it to nobody who may not know them.")
	fmt.Fprintln(c.OutOrStdout(), path)
	return nil
}

// journal is the end of the service's log, where there is systemd's journal.
func journal(ctx context.Context) []byte {
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	log, err := exec.CommandContext(ctx, "journalctl", "--unit=postern-agent", "--lines=1000", "--no-pager", "--output=short-iso").Output()
	if err != nil {
		return fmt.Appendf(log, "The journal can't be read: %v.\n", err)
	}
	return log
}
