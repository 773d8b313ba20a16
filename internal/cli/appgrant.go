package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/graphclient"
)

// graphAppID is the client id of Graph, the same everywhere.
const graphAppID = "00000003-0000-0000-c000-000000000000"

func appGrant() *cobra.Command {
	c := &cobra.Command{
		Use: "grant APP PERMISSION...", Short: "Consent to permissions of an application", Args: cobra.MinimumNArgs(2),
		Long: "Grants an application, by name or id, permissions of Graph such as User.Read.All: for itself, or with --delegated\n" +
			"to act for whoever is signed in, for everybody or for one person with --user.",
	}
	a := appGrantFlags(c)
	return verb(c, func(e *env, args []string) error {
		w, err := a.open(e, args)
		if err != nil {
			return err
		}
		if a.delegated {
			err = w.scopes(func(granted []string) []string { return append(granted, args[1:]...) })
		} else {
			err = w.assign(args[1:])
		}
		if err != nil {
			return err
		}
		e.say("%s may use %s.", args[0], strings.Join(args[1:], ", "))
		return nil
	})
}

func appRevoke() *cobra.Command {
	c := &cobra.Command{Use: "revoke APP PERMISSION...", Short: "Take permissions back; it shows at the next request", Args: cobra.MinimumNArgs(2)}
	a := appGrantFlags(c)
	return verb(c, func(e *env, args []string) error {
		w, err := a.open(e, args)
		if err != nil {
			return err
		}
		if a.delegated {
			err = w.scopes(func(granted []string) []string {
				return slices.DeleteFunc(granted, func(s string) bool { return slices.Contains(args[1:], s) })
			})
		} else {
			err = w.unassign(args[1:])
		}
		if err != nil {
			return err
		}
		e.say("%s may no longer use %s.", args[0], strings.Join(args[1:], ", "))
		return nil
	})
}

type grantFlags struct {
	delegated bool
	api, user string
}

func appGrantFlags(c *cobra.Command) *grantFlags {
	f := &grantFlags{}
	c.Flags().BoolVar(&f.delegated, "delegated", false, "for who is signed in, not for the application itself")
	c.Flags().StringVar(&f.api, "api", graphAppID, "client `ID` of the API whose permissions they are")
	c.Flags().StringVar(&f.user, "user", "", "with --delegated: for this person only, by `UPN`")
	return f
}

// consent is an application, and an API that it may use.
type consent struct {
	e                *env
	client, resource graphclient.Object
	user             string // object id, or empty for everybody
}

func (f *grantFlags) open(e *env, args []string) (consent, error) {
	w := consent{e: e}
	if f.user != "" && !f.delegated {
		return w, program.Usagef("--user goes with --delegated")
	}
	application, err := e.app(args[0])
	if err != nil {
		return w, err
	}
	if w.client, err = e.graph.ServicePrincipal(e.command.Context(), application.Text("appId")); err != nil {
		return w, err
	}
	if w.resource, err = e.graph.ServicePrincipal(e.command.Context(), f.api); err != nil {
		return w, err
	}
	if f.user != "" {
		w.user, err = e.userID(f.user)
	}
	return w, err
}

// role returns the id of the app role with that value.
func (w consent) role(value string) (string, error) {
	for _, r := range w.resource.Objects("appRoles") {
		if r.Text("value") == value {
			return r.Text("id"), nil
		}
	}
	return "", notFound("%s has no permission %q for applications", w.resource.Text("displayName"), value)
}

// assign gives the application app roles; every name is looked up before the first is given.
func (w consent) assign(values []string) error {
	var ids []string
	for _, v := range values {
		id, err := w.role(v)
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	for _, id := range ids {
		if err := w.e.graph.AssignAppRole(w.e.command.Context(), w.client.Text("id"), w.resource.Text("id"), id); err != nil {
			return err
		}
	}
	return nil
}

func (w consent) unassign(values []string) error {
	ctx, client := w.e.command.Context(), w.client.Text("id")
	held, err := collect(w.e.graph.AppRoleAssignments(ctx, client), 0)
	if err != nil {
		return err
	}
	for _, v := range values {
		id, err := w.role(v)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(held, func(r graphclient.Object) bool {
			return r.Text("appRoleId") == id && r.Text("resourceId") == w.resource.Text("id")
		})
		if i < 0 {
			return notFound("%s does not have %s", w.client.Text("displayName"), v)
		}
		if err := w.e.graph.RemoveAppRoleAssignment(ctx, client, held[i].Text("id")); err != nil {
			return err
		}
	}
	return nil
}

// scopes changes the scopes that the application may use, for everybody or for one person.
func (w consent) scopes(change func([]string) []string) error {
	ctx := w.e.command.Context()
	filter := "clientId eq " + graphclient.Quote(w.client.Text("id")) + " and resourceId eq " + graphclient.Quote(w.resource.Text("id"))
	for g, err := range w.e.graph.PermissionGrants(ctx, graphclient.Query{Filter: filter}) {
		if err != nil {
			return err
		}
		if g.Text("principalId") != w.user {
			continue
		}
		left := change(strings.Fields(g.Text("scope")))
		if len(left) == 0 {
			return w.e.graph.DeletePermissionGrant(ctx, g.Text("id"))
		}
		return w.e.graph.UpdatePermissionGrant(ctx, g.Text("id"), strings.Join(left, " "))
	}
	granted := change(nil)
	if len(granted) == 0 {
		return notFound("%s has no such permission", w.client.Text("displayName"))
	}
	in := graphclient.Object{
		"clientId": w.client.Text("id"), "resourceId": w.resource.Text("id"), "consentType": "AllPrincipals", "scope": strings.Join(granted, " "),
	}
	if w.user != "" {
		in["consentType"], in["principalId"] = "Principal", w.user
	}
	return w.e.graph.CreatePermissionGrant(ctx, in)
}
