// Package directory owns who and what a tenant has: users, groups, roles, applications, and
// the one function that says who may do what to whom ([May]). Property names and role ids are
// Microsoft Graph's; docs/directory.md and docs/roles.md list them with their sources. It
// knows no HTTP and no SQL: callers bring facts, and a [Store] keeps them.
package directory

import "github.com/google/uuid"

// Ids are lower-case UUIDs, except where said.
type (
	// TenantID names the boundary that nothing crosses.
	TenantID string
	// UserID is a user's object id.
	UserID string
	// GroupID is a group's object id.
	GroupID string
	// ApplicationID is the object id of an application; its client id is an [AppID].
	ApplicationID string
	// AppID is the client id of an application, equal in every tenant.
	AppID string
	// ServicePrincipalID is the object id of an application's presence in a tenant.
	ServicePrincipalID string
	// RoleID is the template id of a built-in role.
	RoleID string
)

// NoTenant stands where the tenant is not known yet: a sign-in at /common before the name
// is typed.
const NoTenant TenantID = "00000000-0000-0000-0000-000000000000"

// IsID reports whether s is a UUID in its usual form of 36 characters.
func IsID(s string) bool {
	if len(s) != 36 {
		return false
	}
	_, err := uuid.Parse(s)
	return err == nil
}
