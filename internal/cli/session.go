package cli

import (
	"context"
	"errors"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/account"
	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/graphclient"
)

// builtIn is the client id of the command line in every tenant.
const builtIn = "d63505a7-8db9-41a0-88f0-78639b447745"

func loginCommand() *cobra.Command {
	var device bool
	var tenant, hint string
	c := &cobra.Command{
		Use: "login", Short: "Sign in", Args: cobra.NoArgs,
		Long: "Signs you in with your browser and keeps the sign-in for the commands that follow, in a\n" +
			"file that only you can read. With --device-code the browser may be on another device.\n" +
			"Automation needs no login: see POSTERN_CLIENT_ID in docs/cli.md.",
		Example: "  postern login --server https://id.contoso.example\n  postern login --server https://id.contoso.example --device-code",
	}
	e := newEnv(c)
	c.Flags().BoolVar(&device, "device-code", false, "sign in with a code on another device")
	c.Flags().StringVar(&tenant, "tenant", "", "`TENANT` by id or domain; without it the name that is typed decides")
	c.Flags().StringVar(&hint, "user", "", "`UPN` that the sign-in page starts with")
	c.RunE = func(c *cobra.Command, _ []string) error {
		ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		return e.login(ctx, device, tenant, hint)
	}
	return c
}

func (e *env) login(ctx context.Context, device bool, tenant, hint string) error {
	if err := e.settle(); err != nil {
		return err
	}
	if e.secret != "" {
		return e.loginApplication(ctx)
	}
	ca, err := e.caPath()
	if err != nil {
		return err
	}
	client, err := e.http()
	if err != nil {
		return err
	}
	l := account.Login{
		Server: e.server, Graph: first(e.graphURL, e.server), CA: ca, Tenant: first(tenant, e.home, "organizations"),
		ClientID: first(e.clientID, builtIn), Hint: hint, HTTP: client, Now: time.Now, Tell: e.tell,
	}
	signIn := l.Browser
	if device {
		signIn = l.Device
	}
	a, err := signIn(ctx)
	if errors.Is(err, context.Canceled) {
		return graphclient.ErrNotSignedIn.With("", "The sign-in was stopped.")
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return graphclient.ErrNotSignedIn.With("", "Nobody finished the sign-in in the browser.")
	}
	if err != nil {
		return err
	}
	if err := e.folder.Save(ctx, a); err != nil {
		return err
	}
	e.say("You are signed in as %s.", a.Tokens.ID.Username)
	if !a.Tokens.RefreshUntil.IsZero() {
		e.say("The sign-in lasts until %s.", local(a.Tokens.RefreshUntil))
	}
	return nil
}

// tell says where to sign in.
func (e *env) tell(address, code string, opened bool) {
	switch {
	case code != "":
		e.say("Open %s on any device and type the code %s.", address, code)
	case opened:
		e.say("Your browser opens. If it does not, open this address on this machine:")
		e.say("%s", address)
	default:
		e.say("There is no browser to open here. Open this address in a browser on this machine, or use --device-code for another one:")
		e.say("%s", address)
	}
}

// loginApplication only tries the credentials: every command reads them by itself.
func (e *env) loginApplication(ctx context.Context) error {
	a, err := e.asApplication()
	if err != nil {
		return err
	}
	if _, err := a.Token(ctx); err != nil {
		return err
	}
	e.say("The credentials work. Every command reads them from the environment; nothing is kept.")
	return nil
}

func logoutCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "logout", Short: "End the sign-in that login kept", Args: cobra.NoArgs,
		Long: "Ends the sign-in at the server, with every token that came from it, and forgets it here.",
	}
	e := newEnv(c)
	c.RunE = func(c *cobra.Command, _ []string) error { return e.logout(c.Context()) }
	return c
}

// logout forgets the sign-in here even when the server can't be told, and then says so: who
// signs out of a machine must not leave anything on it.
func (e *env) logout(ctx context.Context) error {
	if err := e.settle(); err != nil {
		return err
	}
	a, loadErr := e.folder.Load(e.server)
	if err := e.folder.Remove(ctx, e.server); err != nil {
		return err
	}
	switch {
	case errors.Is(loadErr, account.ErrUnsafe) || errors.Is(loadErr, account.ErrBroken):
		e.say("The sign-in is forgotten here. End it at the server too: %s/security-info", e.server)
		return nil
	case errors.Is(loadErr, graphclient.ErrNotSignedIn):
		e.say("You were not signed in at %s.", e.server)
		return nil
	case loadErr != nil:
		return loadErr
	}
	e.ca = first(e.ca, a.CA)
	client, err := e.http()
	if err == nil {
		err = a.Logout(ctx, client, time.Now)
	}
	if err != nil {
		e.say("The sign-in is forgotten here, but not ended at the server. End it there: %s/security-info", e.server)
		return err
	}
	e.say("You are signed out.")
	return nil
}

func whoamiCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "whoami", Short: "Show as whom commands act", Args: cobra.NoArgs,
		Long: "Shows as whom commands act: name, tenant, roles, and until when.",
	}
	return verb(c, func(e *env, _ []string) error {
		if e.application != nil {
			return e.whoamiApplication()
		}
		tokens, err := e.person.Tokens(c.Context())
		if err != nil {
			return err
		}
		me, err := e.graph.Me(c.Context())
		if err != nil {
			return err
		}
		roles, err := e.rolesOf(me.Text("id"))
		if err != nil {
			return err
		}
		until := tokens.RefreshUntil
		if until.IsZero() {
			until = tokens.Until
		}
		me["tenantId"], me["server"], me["roles"] = tokens.ID.Tenant, e.server, roles
		me["signedInDateTime"], me["untilDateTime"] = e.account.Since.UTC().Format(time.RFC3339), until.UTC().Format(time.RFC3339)
		return e.object(me, "userPrincipalName", "displayName", "id", "tenantId", "server", "roles", "signedInDateTime", "untilDateTime")
	})
}

func (e *env) whoamiApplication() error {
	if _, err := e.application.Token(e.command.Context()); err != nil {
		return err
	}
	return e.object(graphclient.Object{
		"clientId": e.application.ClientID, "tenant": e.application.Tenant, "server": e.application.Authority,
		"untilDateTime": e.application.Until().UTC().Format(time.RFC3339),
	}, "clientId", "tenant", "server", "untilDateTime")
}

// rolesOf returns the names of the roles that a person holds, directly or through groups. Who
// may not read roles gets none.
func (e *env) rolesOf(user string) ([]string, error) {
	ctx := e.command.Context()
	holders := map[string]bool{user: true}
	for group, err := range e.graph.MemberOf(ctx, user) {
		if err != nil {
			return nil, err
		}
		holders[group.Text("id")] = true
	}
	definitions, err := collect(e.graph.RoleDefinitions(ctx), 0)
	if err != nil && program.Code(err) == program.NotAllowed {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, one := range definitions {
		names[one.Text("id")] = one.Text("displayName")
	}
	held := []string{}
	for one, err := range e.graph.RoleAssignments(ctx, graphclient.Query{}) {
		if err != nil {
			return nil, err
		}
		if id := one.Text("roleDefinitionId"); holders[one.Text("principalId")] {
			held = append(held, first(names[id], id))
		}
	}
	slices.Sort(held)
	return slices.Compact(held), nil
}
