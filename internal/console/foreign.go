package console

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/graphclient"
)

// What stands behind the console.
const (
	unknown int32 = iota
	postern
	foreign
)

// foreign reports whether Graph is not Postern's.
func (c *Console) foreign() bool { return c.backend.Load() == foreign }

// lacking reports whether a refusal says that there is no such resource: Graph answers 400 or 404
// to a segment that it does not know (learn.microsoft.com/graph/errors).
func lacking(e *graphclient.Error) bool {
	return e.Status == http.StatusNotFound || e.Status == http.StatusBadRequest || e.Status == http.StatusNotImplemented
}

// Lacks reports whether err says that Graph has no such feature, so that the page leaves it out.
// Postern's own Graph lacks nothing.
func (c *Call) Lacks(err error) bool {
	refused, ok := asRefused(err)
	return ok && c.Foreign() && (lacking(refused) || refused.Status == http.StatusForbidden)
}

// known reports whether a Graph that is not Postern's has what a page needs: somebody there can
// do one of the actions.
func known(needs []string) bool {
	return len(needs) == 0 || slices.ContainsFunc(needs, func(action string) bool { return foreignActions[action] != nil })
}

// firstPermissions say who somebody is and which roles they hold.
var firstPermissions = []string{"User.Read", "Directory.Read.All"}

// Permissions are the delegated permissions that the pages of a section need of another Graph,
// by the section's name; docs/entra.md lists them.
var Permissions = map[string][]string{
	"people":         {"User.ReadWrite.All", "UserAuthenticationMethod.ReadWrite.All"},
	"passes":         {"User.Read.All", "UserAuthenticationMethod.ReadWrite.All"},
	"directory":      {"Group.ReadWrite.All", "RoleManagement.ReadWrite.Directory", "Application.ReadWrite.All"},
	"methods":        {"Policy.ReadWrite.AuthenticationMethod", "Group.Read.All"},
	"access":         {"Policy.Read.All", "Policy.ReadWrite.ConditionalAccess"},
	"devices":        {"Device.Read.All"},
	"logs":           {"AuditLog.Read.All"},
	"administration": {"Organization.ReadWrite.All", "Domain.ReadWrite.All"},
}

// permissions are names as the sign-in server wants them: with the address of Graph.
func (c *Console) permissions(names []string) string {
	full := make([]string, len(names))
	for i, name := range names {
		full[i] = strings.TrimSuffix(c.Graph, "/") + "/" + name
	}
	return strings.Join(full, " ")
}

// missing returns the scope to ask for so that the pages of a section have what they need, or "".
func (c *Console) missing(call *Call, section string) (string, error) {
	row, err := c.Sessions.Console(call.Context(), call.key.tenant, call.key.id(sessionRow), c.Now())
	if err != nil {
		return "", err
	}
	var had kept
	if err := call.key.open(sessionRow, row.Sealed, &had); err != nil {
		return "", err
	}
	asked := strings.Fields(had.Scope)
	all := asked
	for one := range strings.FieldsSeq(c.permissions(Permissions[section])) {
		if !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	if len(all) == len(asked) {
		return "", nil
	}
	return strings.Join(all, " "), nil
}

// foreignPerson asks a Graph that is not Postern's who is signed in. What they may do follows
// from the directory roles that Microsoft documents; Graph decides.
func foreignPerson(ctx context.Context, client *graphclient.Client) (Person, error) {
	client = client.Elsewhere()
	me, err := client.Select(ctx, "id,displayName,userPrincipalName", "me")
	if err != nil {
		return Person{}, err
	}
	p := Person{
		ID: me.Text("id"), Name: me.Text("displayName"), Username: me.Text("userPrincipalName"),
		Zone: time.UTC, Actions: map[string]bool{},
	}
	if organizations, err := client.Page(ctx, graphclient.Query{Select: "id,displayName"}, "organization"); err == nil && len(organizations.Items) > 0 {
		p.Tenant, p.TenantID = organizations.Items[0].Text("displayName"), organizations.Items[0].Text("id")
	}
	roles, err := client.Page(ctx, graphclient.Query{}, "me", "transitiveMemberOf", "microsoft.graph.directoryRole")
	if err != nil {
		return Person{}, err
	}
	for _, role := range roles.Items {
		p.Roles = append(p.Roles, role.Text("displayName"))
		for action, templates := range foreignActions {
			if slices.Contains(templates, role.Text("roleTemplateId")) {
				p.Actions[action] = true
			}
		}
	}
	return p, nil
}
