// Package cli is the administrators' commands, one file for each noun. Each command is a
// client of Graph: results go to stdout, words to stderr. docs/cli.md lists them.
package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/graphclient"
)

// Exit codes, as docs/cli.md lists them.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitNotAllowed  = 3
	exitNotFound    = 4
	exitUnreachable = 5
)

// Error is a failure of a command with its exit code.
type Error struct {
	Code int // 1 to 5
	Err  error
}

// Error returns what a person is told.
func (e *Error) Error() string { return printable(e.Err.Error()) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func usage(format string, args ...any) error {
	return &Error{exitUsage, fmt.Errorf(format, args...)}
}

func notFound(format string, args ...any) error {
	return &Error{exitNotFound, fmt.Errorf(format, args...)}
}

// coded gives err its exit code.
func coded(err error) error {
	if _, done := errors.AsType[*Error](err); done || err == nil {
		return err
	}
	return &Error{codeOf(err), err}
}

func codeOf(err error) int {
	if errors.Is(err, graphclient.ErrUnreachable) {
		return exitUnreachable
	}
	if errors.Is(err, graphclient.ErrNotSignedIn) {
		return exitNotAllowed
	}
	if errors.Is(err, graphclient.ErrPath) || errors.Is(err, graphclient.ErrAddress) {
		return exitUsage
	}
	if e, ok := errors.AsType[*graphclient.Error](err); ok {
		switch e.Status {
		case 401, 403:
			return exitNotAllowed
		case 404:
			return exitNotFound
		}
	}
	return exitFailed
}

// Commands returns the nouns. logVerbs are further verbs of the noun log.
func Commands(logVerbs ...*cobra.Command) []*cobra.Command {
	log := logCommand()
	log.AddCommand(logVerbs...)
	return []*cobra.Command{
		tapCommand(), userCommand(), groupCommand(), roleCommand(), appCommand(), policyCommand(), log,
		whoamiCommand(), loginCommand(), logoutCommand(), manCommand(),
	}
}

// noun groups verbs; alone it shows them.
func noun(name, short string, verbs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: name, Short: short, Args: func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usage("there is no command %q; see `postern %s --help`", name+" "+args[0], name)
		}
		return nil
	}, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(verbs...)
	return c
}

// verb makes c a command that calls Graph. run is called with its arguments.
func verb(c *cobra.Command, run func(*env, []string) error) *cobra.Command {
	e := &env{command: c}
	c.Flags().StringVar(&e.server, "server", "", "`URL` of the server, also POSTERN_SERVER")
	c.Flags().StringVar(&e.graphURL, "graph", "", "`URL` of another Graph, without /v1.0")
	c.Flags().StringVar(&e.ca, "ca", "", "PEM `FILE` of a CA to trust, also POSTERN_CA")
	c.Flags().BoolVar(&e.json, "json", false, "print the API's own JSON")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := e.open(); err != nil {
			return coded(err)
		}
		return coded(run(e, args))
	}
	return c
}

// env is what one command works with.
type env struct {
	command              *cobra.Command
	server, graphURL, ca string
	json                 bool

	application *graphclient.Application
	graph       *graphclient.Client
}

var errNoCredentials = errors.New("not signed in; set POSTERN_CLIENT_ID, POSTERN_CLIENT_SECRET and POSTERN_TENANT " +
	"to an application's credentials, which is the only way to sign in for now")

// open makes the client. Secrets come from the environment, never from arguments, which
// every process of the machine can read.
func (e *env) open() error {
	server := first(e.server, os.Getenv("POSTERN_SERVER"))
	if server == "" {
		return usage("say which server: --server https://id.contoso.example, or POSTERN_SERVER")
	}
	graph := strings.TrimSuffix(first(e.graphURL, server), "/")
	id, secret, tenant := os.Getenv("POSTERN_CLIENT_ID"), os.Getenv("POSTERN_CLIENT_SECRET"), os.Getenv("POSTERN_TENANT")
	if id == "" || secret == "" || tenant == "" {
		return &Error{exitNotAllowed, errNoCredentials}
	}
	client, err := graphclient.NewHTTP(first(e.ca, os.Getenv("POSTERN_CA")))
	if err != nil {
		return usage("--ca: %w", err)
	}
	e.application = &graphclient.Application{
		Authority: server, Tenant: tenant, Graph: graph, ClientID: id, Secret: graphclient.NewSecret(secret),
		HTTP: client, Now: time.Now,
	}
	e.graph, err = graphclient.New(graphclient.Config{Graph: graph, Tokens: e.application, HTTP: client})
	return err
}

func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// say writes words for a person to stderr.
func (e *env) say(format string, args ...any) {
	fmt.Fprintln(e.command.ErrOrStderr(), printable(fmt.Sprintf(format, args...)))
}
