package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/server"
)

// ErrSetting says that a variable or the file of settings holds what a flag would not take.
var ErrSetting = &fault.Error{Kind: fault.Invalid, Code: "settingInvalid", Text: "A setting is wrong."}

// ErrNoSetting says that the file of settings has a name that nothing reads.
var ErrNoSetting = &fault.Error{
	Kind: fault.Invalid, Code: "settingUnknown",
	Text: "There is no such setting.", Remedy: "Settings are named like the flags of postern serve.",
}

// settings are the flags that the commands of a data directory share. Each may also come
// from POSTERN_… or from DIR/postern.yaml; the flag wins, then the variable.
type settings struct {
	dir, database, publicURL string
	level                    slog.Level
}

func (s *settings) add(flags *pflag.FlagSet) {
	flags.StringVar(&s.dir, "data", "", "data `DIR`ectory")
	flags.TextVar(&s.level, "log-level", slog.LevelInfo, "`LEVEL` from which the log on stderr has records: debug, info, warn, error")
	flags.StringVar(&s.database, "database", "", "postgres:// `URL`; without it SQLite in the data directory")
}

// fill sets the flags that were not given from the environment and from DIR/postern.yaml.
func (s *settings) fill(c *cobra.Command) error {
	if err := fromEnvironment(c.Flags()); err != nil {
		return err
	}
	if s.dir == "" {
		return program.Usage(errors.New("say where the data is: --data DIR"))
	}
	return fromFile(c.Flags(), filepath.Join(s.dir, "postern.yaml"))
}

func fromEnvironment(flags *pflag.FlagSet) (err error) {
	flags.VisitAll(func(f *pflag.Flag) {
		name := "POSTERN_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if value, ok := os.LookupEnv(name); ok && !f.Changed && err == nil && f.Name != "help" {
			if setErr := flags.Set(f.Name, value); setErr != nil {
				err = program.Usage(ErrSetting.With(name, fmt.Sprintf("The variable %s is wrong: %s.", name, setErr)))
			}
		}
	})
	return err
}

func fromFile(flags *pflag.FlagSet, path string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return ErrSetting.With("", fmt.Sprintf("The settings in the data directory can't be used: %v.", err))
	}
	values, err := yaml.Parser().Unmarshal(text)
	if err != nil {
		return program.Usage(ErrSetting.With("", fmt.Sprintf("%s is not YAML: %s.", path, err)))
	}
	for name, value := range values {
		f := flags.Lookup(name)
		if f == nil {
			if !known[name] {
				return program.Usage(ErrNoSetting.With(name, fmt.Sprintf("%s: there is no setting %q.", path, name)))
			}
			continue
		}
		if f.Changed {
			continue
		}
		for _, one := range list(value) {
			if err := flags.Set(name, one); err != nil {
				return program.Usage(ErrSetting.With(name, fmt.Sprintf("%s: %s is wrong: %s.", path, name, err)))
			}
		}
	}
	return nil
}

// known are the settings of serve; a command that shares the file ignores those it lacks.
var known = map[string]bool{
	"database": true, "listen": true, "public-url": true, "tls-cert": true, "tls-key": true,
	"http": true, "trusted-proxy": true, "metrics": true,
	"smtp-host": true, "smtp-port": true, "smtp-user": true, "smtp-password-file": true, "smtp-from": true,
	"smtp-tls": true, "smtp-ca": true, "smtp-dkim-selector": true,
	"log-level": true, "witness": true, "newcomers": true, "logout-network": true, "push-network": true, "federation-network": true, "places": true,
}

func list(value any) []string {
	all, ok := value.([]any)
	if !ok {
		return []string{fmt.Sprint(value)}
	}
	var texts []string
	for _, one := range all {
		texts = append(texts, fmt.Sprint(one))
	}
	return texts
}

func (s *settings) options(c *cobra.Command) server.Options {
	return server.Options{
		Version: version,
		Dir:     s.dir, Database: s.database, PublicURL: strings.TrimSuffix(s.publicURL, "/"),
		MasterKey: os.Getenv("POSTERN_MASTER_KEY"),
		Log:       slog.New(server.LogHandler(slog.NewJSONHandler(c.ErrOrStderr(), &slog.HandlerOptions{Level: s.level}))),
	}
}

// publicAddress checks an address that browsers are to use; an empty one is the one before.
func publicAddress(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil || strings.Trim(u.Path, "/") != "" {
		return program.Usage(fmt.Errorf("--public-url must look like https://id.contoso.example, not %q", text))
	}
	return nil
}
