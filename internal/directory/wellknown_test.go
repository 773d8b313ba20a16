package directory_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/postern-id/postern/internal/directory"
)

func TestWellKnown(t *testing.T) {
	seed := directory.WellKnown(contoso)
	graph := seed.ServicePrincipals[0]
	if graph.AppID != directory.GraphAppID || len(graph.AppRoles) != len(directory.GraphAppRoles()) || len(graph.Scopes) != len(directory.GraphScopes()) {
		t.Errorf("the Graph API is not whole: %s", graph.AppID)
	}
	ids := map[string]bool{}
	own := func(id string) {
		if !directory.IsID(id) || ids[id] {
			t.Errorf("%q is no UUID of its own", id)
		}
		ids[id] = true
	}
	for _, a := range seed.Applications {
		own(string(a.ID))
		if err := a.Check(contoso); err != nil {
			t.Errorf("%s: %v", a.DisplayName, err)
		}
		if a.Tenant != contoso.ID || !a.AppID.BuiltIn() || !a.CreatedDateTime.Equal(contoso.CreatedAt) {
			t.Errorf("%s is not of this tenant", a.DisplayName)
		}
		if len(a.Web.RedirectURIs)+len(a.SPA.RedirectURIs) > 0 {
			t.Errorf("%s is no public client", a.DisplayName)
		}
		if device := a.AppID == directory.CLIAppID || a.AppID == directory.DeveloperCLIAppID || a.AppID == directory.AgentAppID; device != a.IsFallbackPublicClient {
			t.Errorf("%s: device code is %v", a.DisplayName, a.IsFallbackPublicClient)
		}
		loopback := slices.Equal(a.PublicClient.RedirectURIs, []string{"http://localhost"})
		if loopback == (a.AppID == directory.PagesAppID) {
			t.Errorf("%s redirects to %v", a.DisplayName, a.PublicClient.RedirectURIs)
		}
	}
	for _, p := range seed.ServicePrincipals {
		own(string(p.ID))
		if p.Tenant != contoso.ID || !p.AccountEnabled || p.ServicePrincipalNames[0] != string(p.AppID) {
			t.Errorf("%s is not present", p.DisplayName)
		}
	}
	for _, g := range seed.Grants {
		own(g.ID)
		api := graph
		if g.Resource != graph.ID {
			api = seed.ServicePrincipals[1]
		}
		if err := g.Check(api); err != nil {
			t.Errorf("%s: %v", g.Client, err)
		}
	}
	if directory.AppID(appID).BuiltIn() {
		t.Error("somebody else's application is built in")
	}
}

func TestWellKnownIsTheSameEveryTimeAndOtherwiseElsewhere(t *testing.T) {
	fabrikam := contoso
	fabrikam.ID = "9c2b1f0e-7a4d-4a9e-8a5f-1d3c5b7a9e00"
	a, b, c := directory.WellKnown(contoso), directory.WellKnown(contoso), directory.WellKnown(fabrikam)
	for i, p := range a.ServicePrincipals {
		if p.ID != b.ServicePrincipals[i].ID || p.ID == c.ServicePrincipals[i].ID {
			t.Errorf("%s has the ids %s, %s and, elsewhere, %s", p.DisplayName, p.ID, b.ServicePrincipals[i].ID, c.ServicePrincipals[i].ID)
		}
	}
}

func TestTheDeveloperClientChangesNothing(t *testing.T) {
	seed := directory.WellKnown(contoso)
	for i, a := range seed.Applications {
		if a.AppID != directory.DeveloperCLIAppID {
			continue
		}
		c := directory.Caller{User: "me", Roles: roles(directory.GlobalAdministrator), Permissions: seed.Grants[i].Scopes()}
		for _, action := range []directory.Action{directory.IssuePass, directory.UpdateUser, directory.AssignRoles, directory.ChangeMembers, directory.WriteApplications, directory.WriteMethodsPolicy} {
			if err := directory.May(c, action, member); !errors.Is(err, directory.ErrPermissionMissing) {
				t.Errorf("%s gave %v", action, err)
			}
		}
	}
}

func TestPermissionGrantCheck(t *testing.T) {
	graph := directory.WellKnown(contoso).ServicePrincipals[0]
	tests := []struct {
		name string
		g    directory.PermissionGrant
		ok   bool
	}{
		{"for everybody", directory.PermissionGrant{Client: "c", ConsentType: "AllPrincipals", Scope: "User.Read openid"}, true},
		{"for one person", directory.PermissionGrant{Client: "c", ConsentType: "Principal", Principal: "me", Scope: "User.Read"}, true},
		{"for one person who is not named", directory.PermissionGrant{Client: "c", ConsentType: "Principal", Scope: "User.Read"}, false},
		{"for everybody and one person", directory.PermissionGrant{Client: "c", ConsentType: "AllPrincipals", Principal: "me", Scope: "User.Read"}, false},
		{"for no client", directory.PermissionGrant{ConsentType: "AllPrincipals", Scope: "User.Read"}, false},
		{"for somebody else", directory.PermissionGrant{Client: "c", ConsentType: "Everybody", Scope: "User.Read"}, false},
		{"of a scope that is not there", directory.PermissionGrant{Client: "c", ConsentType: "AllPrincipals", Scope: "User.Read Mail.Send"}, false},
		{"of an application permission", directory.PermissionGrant{Client: "c", ConsentType: "AllPrincipals", Scope: directory.PrivilegedMethods}, false},
		{"of nothing yet", directory.PermissionGrant{Client: "c", ConsentType: "AllPrincipals"}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := test.g.Check(graph); (err == nil) != test.ok || err != nil && !errors.Is(err, directory.ErrGrantInvalid) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAppRoleAssignmentCheck(t *testing.T) {
	resource := directory.ServicePrincipal{AppRoles: []directory.AppRole{
		{ID: "people", AllowedMemberTypes: []string{"User"}, IsEnabled: true},
		{ID: "robots", AllowedMemberTypes: []string{"Application"}, IsEnabled: true},
		{ID: "gone", AllowedMemberTypes: []string{"User"}},
	}}
	tests := []struct {
		name string
		kind directory.ObjectKind
		role string
		ok   bool
	}{
		{"a role of people to a user", directory.KindUser, "people", true},
		{"a role of people to a group", directory.KindGroup, "people", true},
		{"a role of applications to an application", directory.KindServicePrincipal, "robots", true},
		{"access without a role", directory.KindUser, directory.NoAppRole, true},
		{"a role of applications to a user", directory.KindUser, "robots", false},
		{"a role of people to an application", directory.KindServicePrincipal, "people", false},
		{"a disabled role", directory.KindUser, "gone", false},
		{"a role that is not there", directory.KindUser, "other", false},
		{"to an application object", directory.KindApplication, "robots", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := directory.AppRoleAssignment{Principal: directory.Ref{Kind: test.kind, ID: "x"}, AppRoleID: test.role}
			if err := r.Check(resource); (err == nil) != test.ok || err != nil && !errors.Is(err, directory.ErrAppRoleAssignmentInvalid) {
				t.Errorf("got %v", err)
			}
		})
	}
}
