package access

import "github.com/postern-id/postern/internal/directory"

// A Template is a policy to begin with, as in Graph's conditionalAccessTemplate.
type Template struct {
	ID          string
	Name        string
	Description string
	Scenarios   string
	Policy      Policy // without id, name and state
}

// administrators are the roles that Entra's templates mean by administrators.
var administrators = []string{
	string(directory.GlobalAdministrator), string(directory.PrivilegedRoleAdministrator), string(directory.PrivilegedAuthenticationAdministrator),
	string(directory.AuthenticationAdministrator), string(directory.ConditionalAccessAdministrator), string(directory.SecurityAdministrator),
	string(directory.HelpdeskAdministrator), string(directory.UserAdministrator), string(directory.ApplicationAdministrator),
	string(directory.CloudApplicationAdministrator), string(directory.PasswordAdministrator),
}

// Templates returns the policies to begin with: those of Entra's that make sense here, with
// Entra's ids, and two for passes, whose ids are Postern's own. The last two belong together:
// who registers may come with a pass, and for all else needs what a pass is not
// (https://learn.microsoft.com/entra/identity/authentication/concept-authentication-strengths).
func Templates() []Template {
	everything := Applications{Include: []string{All}}
	mfa := &Grant{Operator: "OR", Controls: []Control{MFA}}
	resistant := &Grant{Operator: "OR", Strength: &Reference{ID: StrengthPhishingResistant}}
	everybody := Users{IncludeUsers: []string{All}}
	clients := []string{"all"}
	return []Template{
		{
			ID: "c7503427-338e-4c5e-902d-abe252abfb43", Name: "Require multifactor authentication for admins", Scenarios: "secureFoundation,zeroTrust,protectAdmins",
			Description: "People with administrative roles sign in with two factors.",
			Policy:      Policy{Conditions: Conditions{ClientAppTypes: clients, Users: Users{IncludeRoles: administrators}, Applications: everything}, Grant: mfa},
		},
		{
			ID: "a3d0a415-b068-4326-9251-f9cdf9feeb64", Name: "Require multifactor authentication for all users", Scenarios: "secureFoundation,zeroTrust,remoteWork",
			Description: "Everybody signs in with two factors.",
			Policy:      Policy{Conditions: Conditions{ClientAppTypes: clients, Users: everybody, Applications: everything}, Grant: mfa},
		},
		{
			ID: "b8bda7f8-6584-4446-bce9-d871480e53fa", Name: "Securing security info registration", Scenarios: "secureFoundation,zeroTrust,remoteWork",
			Description: "Ways to sign in are registered at trusted locations, or with two factors.",
			Policy: Policy{Conditions: Conditions{
				ClientAppTypes: clients, Users: everybody, Applications: Applications{UserActions: []string{RegisterSecurityInfo}},
				Locations: &Targets{Include: []string{All}, Exclude: []string{AllTrusted}},
			}, Grant: mfa},
		},
		{
			ID: "0b2282f9-2862-4178-88b5-d79340b36cb8", Name: "Block legacy authentication", Scenarios: "secureFoundation,zeroTrust,remoteWork",
			Description: "Clients that can't show a sign-in page get nothing.",
			Policy: Policy{Conditions: Conditions{
				ClientAppTypes: []string{"exchangeActiveSync", "other"}, Users: everybody, Applications: everything,
			}, Grant: &Grant{Operator: "OR", Controls: []Control{Block}}},
		},
		{
			ID: "76c03f19-ea37-4656-a772-a183b4ddb81d", Name: "Require phishing-resistant multifactor authentication for admins", Scenarios: "protectAdmins,emergingThreats",
			Description: "People with administrative roles sign in with a passkey, a device PIN or a certificate.",
			Policy:      Policy{Conditions: Conditions{ClientAppTypes: clients, Users: Users{IncludeRoles: administrators}, Applications: everything}, Grant: resistant},
		},
		{
			ID: "927c884e-7888-4e81-abc4-bd56ded28985", Name: "Require compliant or hybrid joined device or multifactor authentication for all users", Scenarios: "secureFoundation,zeroTrust,remoteWork",
			Description: "Everybody comes from a device of the organisation, or with two factors.",
			Policy: Policy{
				Conditions: Conditions{ClientAppTypes: clients, Users: everybody, Applications: everything},
				Grant:      &Grant{Operator: "OR", Controls: []Control{MFA, CompliantDevice, DomainJoinedDevice}},
			},
		},
		{
			ID: "5a5c7f1e-0c1b-4f6c-9a3e-1f2f64d0c001", Name: "Register with a pass", Scenarios: "secureFoundation",
			Description: "Who registers a way to sign in may come with a pass, or with any other two factors. " +
				"Belongs to \"Nothing but registration with a pass\".",
			Policy: Policy{
				Conditions: Conditions{ClientAppTypes: clients, Users: everybody, Applications: Applications{UserActions: []string{RegisterSecurityInfo}}},
				Grant:      &Grant{Operator: "OR", Strength: &Reference{ID: StrengthMFA}},
			},
		},
		{
			ID: "5a5c7f1e-0c1b-4f6c-9a3e-1f2f64d0c002", Name: "Nothing but registration with a pass", Scenarios: "secureFoundation",
			Description: "For everything else a pass is not enough: it needs a way to sign in that nobody can phish. " +
				"Belongs to \"Register with a pass\".",
			Policy: Policy{Conditions: Conditions{ClientAppTypes: clients, Users: everybody, Applications: everything}, Grant: resistant},
		},
	}
}
