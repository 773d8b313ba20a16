package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/fault"
)

// ErrSetting says that the file of settings holds what a flag would not take.
var ErrSetting = &fault.Error{Kind: fault.Invalid, Code: "settingInvalid", Text: "A setting is wrong."}

// Where the agent keeps things unless it is told otherwise.
const (
	defaultConfig = "/etc/postern/agent.yaml"
	defaultState  = "/var/lib/postern-agent"
	defaultSocket = "/run/postern/pam.sock"
	off           = "off"         // instead of a socket
	localPolicy   = "policy.yaml" // beside the file of settings
)

// settings are the flags that all commands share. Each may also come from the file of
// settings, under its own name; the flag wins.
type settings struct {
	config, state, tpm, ca string
	level                  slog.Level
}

func (s *settings) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&s.config, "config", defaultConfig, "`FILE` of settings, in YAML")
	flags.StringVar(&s.state, "state", defaultState, "`DIR`ectory of the agent's state")
	flags.StringVar(&s.tpm, "tpm", "auto", "`TPM` to use: auto, device:/dev/tpmrm0, unix:SOCKET or software")
	flags.StringVar(&s.ca, "ca", "", "PEM `FILE` of a CA to trust")
	flags.TextVar(&s.level, "log-level", slog.LevelWarn, "`LEVEL` from which the log on stderr has records: debug, info, warn, error")
}

// names of the file of settings.
var names = map[string]bool{
	"state": true, "tpm": true, "ca": true, "socket": true, "names-socket": true, "log-level": true,
	"greeter-socket": true, "greeter-user": true, "session-command": true,
}

// fill sets the flags that were not given from the file of settings.
func (s *settings) fill(c *cobra.Command) error {
	text, err := os.ReadFile(s.config)
	if errors.Is(err, fs.ErrNotExist) && !c.Flags().Changed("config") {
		return nil
	}
	if err != nil {
		return program.Usage(ErrSetting.With("config", fmt.Sprintf("The settings can't be read: %v.", err)))
	}
	values, err := yaml.Parser().Unmarshal(text)
	if err != nil {
		return program.Usage(ErrSetting.With("config", fmt.Sprintf("%s is not YAML: %v.", s.config, err)))
	}
	for name, value := range values {
		if !names[name] {
			return program.Usage(ErrSetting.With(name, fmt.Sprintf("%s: there is no setting %q.", s.config, name)))
		}
		f := c.Flags().Lookup(name)
		if f == nil || f.Changed {
			continue // another command's, or given
		}
		if err := c.Flags().Set(name, fmt.Sprint(value)); err != nil {
			return program.Usage(ErrSetting.With(name, fmt.Sprintf("%s: %s is wrong: %v.", s.config, name, err)))
		}
	}
	return nil
}

// patience is how long a command waits for a server that is busy or away.
const patience = 15 * time.Second

func (s *settings) options(c *cobra.Command) (agent.Options, error) {
	o := agent.Options{
		State: s.state, TPM: s.tpm, LocalPolicy: filepath.Join(filepath.Dir(s.config), localPolicy), Version: version, Patience: patience,
		Log: slog.New(slog.NewJSONHandler(c.ErrOrStderr(), &slog.HandlerOptions{Level: s.level})),
	}
	if s.ca == "" {
		return o, nil
	}
	var err error
	if o.CA, err = os.ReadFile(s.ca); err != nil {
		return o, program.Usage(ErrSetting.With("ca", fmt.Sprintf("The CA can't be read: %v.", err)))
	}
	return o, nil
}

// command makes c a command with the shared settings; do is called with them filled in.
func command(c *cobra.Command, do func(*cobra.Command, agent.Options) error) *cobra.Command {
	s := &settings{}
	s.add(c)
	c.Args = cobra.NoArgs
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := s.fill(c); err != nil {
			return err
		}
		o, err := s.options(c)
		if err != nil {
			return err
		}
		return do(c, o)
	}
	return c
}
