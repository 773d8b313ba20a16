package directory

import (
	"slices"
	"strings"
)

// A Permission is something that an application may be granted at the Graph API: for
// itself (an app role, in the roles claim), or to act for a signed-in person (a scope, in
// the scp claim). https://learn.microsoft.com/graph/permissions-reference
type Permission struct {
	Value       string // as it stands in tokens
	DisplayName string
	Description string // one sentence
	// ApplicationID is the id of the app role, DelegatedID that of the scope. Empty: the
	// permission is not offered in this form.
	ApplicationID string
	DelegatedID   string
	// UserConsent says that a person may consent to the scope for themselves. All other
	// permissions need an administrator's consent, app roles always.
	UserConsent bool
}

// PrivilegedMethods is Postern's own application permission: it lets an application issue
// and delete passes of people who hold roles, on top of the permission for the act itself.
const PrivilegedMethods = "UserAuthenticationMethod-Privileged.ReadWrite.All"

// GraphAppRoles returns the application permissions as the Graph API's app roles.
func GraphAppRoles() []AppRole {
	var all []AppRole
	for _, p := range Permissions {
		if p.ApplicationID != "" {
			all = append(all, AppRole{
				ID: p.ApplicationID, Value: p.Value, DisplayName: p.DisplayName, Description: p.Description,
				AllowedMemberTypes: []string{"Application"}, IsEnabled: true,
			})
		}
	}
	return all
}

// GraphAppRoleValues returns the values of those of the Graph API's app roles that ids name.
func GraphAppRoleValues(ids []string) []string {
	var all []string
	for _, p := range Permissions {
		if p.ApplicationID != "" && slices.Contains(ids, p.ApplicationID) {
			all = append(all, p.Value)
		}
	}
	return all
}

// GraphScopes returns the delegated permissions as the Graph API's scopes.
func GraphScopes() []PermissionScope {
	var all []PermissionScope
	for _, p := range Permissions {
		if p.DelegatedID == "" {
			continue
		}
		s := PermissionScope{
			ID: p.DelegatedID, Value: p.Value, Type: "Admin", IsEnabled: true,
			AdminConsentDisplayName: p.DisplayName, AdminConsentDescription: p.Description,
		}
		if p.UserConsent {
			s.Type, s.UserConsentDisplayName, s.UserConsentDescription = "User", p.DisplayName, p.Description
		}
		all = append(all, s)
	}
	return all
}

// Powers returns the values of those app roles of Graph, given by their ids, that change
// more than those who manage applications can change themselves. Whoever adds a secret to an
// application that has one of them gains it, so May protects the application.
func Powers(appRoles []string) []string {
	var all []string
	for _, p := range Permissions {
		changes := strings.Contains(p.Value, "ReadWrite") && p.Value != "Application.ReadWrite.All" || p.Value == "User.RevokeSessions.All"
		if changes && p.ApplicationID != "" && slices.Contains(appRoles, p.ApplicationID) {
			all = append(all, p.Value)
		}
	}
	return all
}
