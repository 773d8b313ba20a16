// Package cli is the administrators' commands, one file for each noun. Each command is a
// client of Graph: results go to stdout, words to stderr. docs/cli.md lists them.
package cli

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/account"
	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/graphclient"
)

// Commands returns the nouns. logVerbs are further verbs of the noun log.
func Commands(logVerbs ...*cobra.Command) []*cobra.Command {
	log := logCommand()
	log.AddCommand(logVerbs...)
	return []*cobra.Command{
		tapCommand(), caseCommand(), drillCommand(), readinessCommand(), methodCommand(), userCommand(), groupCommand(), roleCommand(), appCommand(), policyCommand(), deviceCommand(), workflowCommand(), jobCommand(), webhookCommand(), log,
		whoamiCommand(), loginCommand(), logoutCommand(),
	}
}

// verb makes c a command that calls Graph. run is called with its arguments.
func verb(c *cobra.Command, run func(*env, []string) error) *cobra.Command {
	e := newEnv(c)
	c.Flags().BoolVar(&e.json, "json", false, "print the API's own JSON")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := e.open(); err != nil {
			return err
		}
		return e.ended(run(e, args))
	}
	return c
}

// env is what one command works with.
type env struct {
	command                *cobra.Command
	server, graphURL, ca   string
	json                   bool
	folder                 account.Folder
	application            *graphclient.Application // nil for a person
	person                 *graphclient.Person      // nil for an application
	account                account.Account          // of the person
	graph                  *graphclient.Client
	own                    bool // whether Graph is Postern's, as far as we know
	clientID, secret, home string
}

func newEnv(c *cobra.Command) *env {
	e := &env{command: c}
	c.Flags().StringVar(&e.server, "server", "", "`URL` of the server, also POSTERN_SERVER")
	c.Flags().StringVar(&e.graphURL, "graph", "", "`URL` of another Graph, without /v1.0")
	c.Flags().StringVar(&e.ca, "ca", "", "PEM `FILE` of a CA to trust, also POSTERN_CA")
	return e
}

// settle fills in what flags leave to the environment and to the one sign-in that is kept.
func (e *env) settle() error {
	var err error
	if e.folder, err = account.Own(); err != nil {
		return err
	}
	e.clientID, e.secret, e.home = os.Getenv("POSTERN_CLIENT_ID"), os.Getenv("POSTERN_CLIENT_SECRET"), os.Getenv("POSTERN_TENANT")
	e.server = first(e.server, os.Getenv("POSTERN_SERVER"))
	e.ca = first(e.ca, os.Getenv("POSTERN_CA"))
	if e.server == "" {
		if servers, err := e.folder.Servers(); err == nil && len(servers) == 1 {
			e.server = servers[0]
		}
	}
	if e.server == "" {
		return program.Usagef("Say which server: --server https://id.contoso.example, or POSTERN_SERVER.")
	}
	e.server = strings.TrimRight(e.server, "/")
	e.graphURL = strings.TrimRight(e.graphURL, "/")
	return nil
}

// open makes the client. Secrets come from the environment, never from arguments, which
// every process of the machine can read.
func (e *env) open() error {
	if err := e.settle(); err != nil {
		return err
	}
	var tokens graphclient.TokenSource
	var err error
	if e.secret != "" {
		tokens, err = e.asApplication()
	} else {
		tokens, err = e.asPerson()
	}
	if err != nil {
		return err
	}
	client, err := e.http()
	if err != nil {
		return err
	}
	e.own = e.graphURL == e.server
	config := graphclient.Config{Graph: e.graphURL, Tokens: tokens, HTTP: client, Now: time.Now}
	if from := e.command.Flags().Lookup("from"); from != nil && from.Changed {
		config.Patience, config.Retries = bulkPatience, 20 // nobody waits at the keyboard
	}
	e.graph, err = graphclient.New(config)
	return err
}

func (e *env) asApplication() (graphclient.TokenSource, error) {
	for name, value := range map[string]string{"POSTERN_CLIENT_ID": e.clientID, "POSTERN_TENANT": e.home} {
		if value == "" {
			return nil, ErrCredentials.With("", "POSTERN_CLIENT_SECRET is set, but "+name+" is not.")
		}
	}
	e.graphURL = first(e.graphURL, e.server)
	client, err := e.http()
	e.application = &graphclient.Application{
		Authority: e.server, Tenant: e.home, Graph: e.graphURL, ClientID: e.clientID, Secret: graphclient.NewSecret(e.secret),
		HTTP: client, Now: time.Now,
	}
	return e.application, err
}

func (e *env) asPerson() (graphclient.TokenSource, error) {
	var err error
	if e.account, err = e.folder.Load(e.server); err != nil {
		return nil, err
	}
	if e.graphURL != "" && e.graphURL != e.account.Graph {
		return nil, graphclient.ErrNotSignedIn.With("", "You are signed in for "+e.account.Graph+", not for "+e.graphURL+".")
	}
	e.graphURL = e.account.Graph
	e.ca = first(e.ca, e.account.CA)
	client, err := e.http()
	if err != nil {
		return nil, err
	}
	e.person = e.folder.Person(e.account, client, time.Now)
	return e.person, nil
}

// http returns the client that trusts what the flags say.
func (e *env) http() (*http.Client, error) {
	client, err := graphclient.NewHTTP(e.ca)
	if err != nil {
		return nil, program.Usagef("The CA can't be read: %s", err)
	}
	return client, nil
}

// caPath is the CA to remember, by a path that works from every folder.
func (e *env) caPath() (string, error) {
	if e.ca == "" {
		return "", nil
	}
	return filepath.Abs(e.ca)
}

// ended tells a person whose token is refused to sign in again.
func (e *env) ended(err error) error {
	if e.person == nil {
		return err
	}
	if refused, ok := errors.AsType[*graphclient.Refused](err); ok {
		return ErrSignInEnded.With("", "Your sign-in has ended. The server said: "+refused.Error())
	}
	if refused, ok := errors.AsType[*graphclient.Error](err); ok && refused.Status == 401 {
		return ErrSignInEnded.With("", "Your sign-in has ended. The server said: "+refused.Error())
	}
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
	fmt.Fprintln(e.command.ErrOrStderr(), program.Printable(fmt.Sprintf(format, args...)))
}
