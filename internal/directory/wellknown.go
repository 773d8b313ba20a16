package directory

import (
	"strings"

	"github.com/google/uuid"
)

// A Seed is what every tenant has from its first moment on.
type Seed struct {
	Applications      []Application
	ServicePrincipals []ServicePrincipal
	Grants            []PermissionGrant
}

// WellKnown returns the seed of t: the Graph API with all its app roles and scopes, the API
// that devices join by, and the public clients that come with Postern, each with the delegated
// permissions that it may use; a person's roles limit them further. Object ids follow from the
// tenant, so that a later version that seeds again meets the same objects. A stored copy of the
// Graph API may be older than [GraphAppRoles] and [GraphScopes], which count.
//
// The CLI and the developer client run on the person's machine: code flow to a loopback
// port, or device code. The console's own address is the server's matter; the redirect to
// localhost is for one that runs alone. The pages have no redirect.
func WellKnown(t Tenant) Seed {
	graph := Application{
		Tenant: t.ID, AppID: GraphAppID, DisplayName: "Microsoft Graph", CreatedDateTime: t.CreatedAt,
		IdentifierURIs: []string{"https://graph.microsoft.com"},
		AppRoles:       GraphAppRoles(), API: APISettings{Scopes: GraphScopes()},
	}.Presence(objectID[ServicePrincipalID](t, "servicePrincipal", GraphAppID))
	graph.OwnerTenant = NoTenant
	devices := Application{
		Tenant: t.ID, AppID: DeviceRegistrationAppID, DisplayName: "Device Registration Service", CreatedDateTime: t.CreatedAt,
		API: APISettings{Scopes: []PermissionScope{deviceScope}},
	}.Presence(objectID[ServicePrincipalID](t, "servicePrincipal", DeviceRegistrationAppID))
	devices.OwnerTenant = NoTenant
	seed := Seed{ServicePrincipals: []ServicePrincipal{graph, devices}}
	for _, c := range clients {
		app := Application{
			Tenant: t.ID, ID: objectID[ApplicationID](t, "application", c.id), AppID: c.id,
			DisplayName: c.name, SignInAudience: "AzureADMultipleOrgs", IsFallbackPublicClient: c.deviceCode,
			API: APISettings{TokenVersion: 2}, CreatedDateTime: t.CreatedAt,
		}
		if c.loopback {
			app.PublicClient.RedirectURIs = []string{"http://localhost"}
		}
		sp := app.Presence(objectID[ServicePrincipalID](t, "servicePrincipal", c.id))
		seed.Applications = append(seed.Applications, app)
		seed.ServicePrincipals = append(seed.ServicePrincipals, sp)
		api := graph.ID
		if c.id == AgentAppID {
			api = devices.ID
		}
		seed.Grants = append(seed.Grants, PermissionGrant{
			Tenant: t.ID, ID: objectID[string](t, "grant", c.id), Client: sp.ID,
			ConsentType: AllPrincipals, Resource: api, Scope: strings.Join(c.scopes(), " "),
		})
	}
	return seed
}

// GraphPrincipal returns the Graph API as a service principal of the tenant, without the app
// roles and scopes that [ServicePrincipal.Current] adds. It is known without a look at the
// store, since its id follows from the tenant and nobody can delete it.
func GraphPrincipal(tenant TenantID) ServicePrincipal {
	return ServicePrincipal{
		Tenant: tenant, ID: objectID[ServicePrincipalID](Tenant{ID: tenant}, "servicePrincipal", GraphAppID), AppID: GraphAppID,
		DisplayName: "Microsoft Graph", AccountEnabled: true, OwnerTenant: NoTenant,
	}
}

type client struct {
	id         AppID
	name       string
	loopback   bool
	deviceCode bool
	scopes     func() []string
}

var clients = []client{
	{CLIAppID, "Postern CLI", true, true, allScopes},
	{ConsoleAppID, "Postern Console", true, false, allScopes},
	{PagesAppID, "Postern Security Info", false, false, ownScopes},
	{DeveloperCLIAppID, "Developer CLI", true, true, readScopes},
	{AgentAppID, "Postern Agent", true, true, deviceScopes},
}

// deviceScope lets the agent join a device for a person and keep their PIN.
var deviceScope = PermissionScope{
	ID: "086327cd-9afb-4777-8341-b136a1866bf3", Value: DeviceScope, Type: "User", IsEnabled: true,
	AdminConsentDisplayName: "Join devices", AdminConsentDescription: "Lets the agent join a device and set up a device PIN for the signed-in person.",
}

// DeviceScope is the one scope of the API that devices join by.
const DeviceScope = "adrs_access"

func deviceScopes() []string { return append([]string{DeviceScope}, openIDScopes...) }

func allScopes() []string {
	var all []string
	for _, s := range GraphScopes() {
		all = append(all, s.Value)
	}
	return append(all, openIDScopes...)
}

// ownScopes are those of a person over themselves.
func ownScopes() []string {
	return append([]string{
		"User.Read", "User.RevokeSessions.All", "UserAuthenticationMethod.ReadWrite", "UserAuthMethod-TAP.ReadWrite",
	}, openIDScopes...)
}

// readScopes are those that read the directory.
func readScopes() []string {
	return append([]string{
		"User.Read", "User.Read.All", "Group.Read.All", "GroupMember.Read.All", "Directory.Read.All",
		"Application.Read.All", "Domain.Read.All", "Organization.Read.All",
	}, openIDScopes...)
}

// objectID derives the id of a well-known object of t: UUID version 5 of tenant, kind and
// client id.
func objectID[ID ~string](t Tenant, kind string, app AppID) ID {
	name := "https://github.com/postern-id/postern/objects/" + string(t.ID) + "/" + kind + "/" + string(app)
	return ID(uuid.NewSHA1(uuid.NameSpaceURL, []byte(name)).String())
}
