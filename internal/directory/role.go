package directory

import (
	"slices"
	"time"

	"github.com/postern-id/postern/internal/fault"
)

// A Role is a directory role. All roles are built in: there are no custom ones.
// https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference
type Role struct {
	ID          RoleID // the template id
	DisplayName string
	Description string
	// Privileged marks roles that can lead to more power than they show, as Entra labels them.
	Privileged bool
	// Actions are Entra's names for what the role allows, those that matter most here. They
	// are shown to people; [May] does not read them.
	Actions []string
}

// RootScope is the whole tenant, the only scope in which a role can be assigned.
const RootScope = "/"

// A RoleAssignment gives a role to a user, a service principal or a role-assignable group.
// https://learn.microsoft.com/graph/api/resources/unifiedroleassignment
type RoleAssignment struct {
	Tenant    TenantID
	ID        string // opaque
	Principal Ref
	Role      RoleID
	Scope     string // RootScope
	CreatedAt time.Time
}

// Faults of roles and their assignments.
var (
	ErrRoleUnknown       = &fault.Error{Kind: fault.NotFound, Code: "roleUnknown", Text: "There is no such directory role."}
	ErrAssignmentUnknown = &fault.Error{Kind: fault.NotFound, Code: "roleAssignmentUnknown", Text: "There is no such role assignment."}
	ErrAssignmentInvalid = &fault.Error{
		Kind: fault.Invalid, Code: "roleAssignmentInvalid", Target: "principalId",
		Text: "A role goes to a user, a service principal or a role-assignable group.",
	}
	ErrAssignmentExists = &fault.Error{
		Kind: fault.Conflict, Code: "roleAssignmentExists",
		Text: "The principal holds this role already.",
	}
	ErrOwnAssignment = &fault.Error{
		Kind: fault.Forbidden, Code: "ownRoleAssignment",
		Text: "You can't take a role away from yourself.", Remedy: "Ask another administrator.",
	}
	// ErrLastAdministrator protects the last enabled user who is a Global Administrator:
	// the role can't be taken away, nor the user disabled or deleted.
	ErrLastAdministrator = &fault.Error{
		Kind: fault.Forbidden, Code: "lastAdministrator",
		Text: "This is the last enabled Global Administrator.", Remedy: "Make somebody else a Global Administrator first.",
	}
	ErrScopeUnsupported = &fault.Error{
		Kind: fault.Unsupported, Code: "roleScopeUnsupported", Target: "directoryScopeId",
		Text: "Roles are assigned for the whole tenant here.", Remedy: `Set directoryScopeId to "/".`,
	}
)

// FindRole returns the built-in role with the given template id, or ErrRoleUnknown.
func FindRole(id RoleID) (Role, error) {
	i := slices.IndexFunc(BuiltInRoles, func(r Role) bool { return r.ID == id })
	if i < 0 {
		return Role{}, ErrRoleUnknown
	}
	return BuiltInRoles[i], nil
}

// Check reports what is wrong with a as a fault, or nil. That the principal exists, and
// that a group is role-assignable, is for the caller to see.
func (a RoleAssignment) Check() error {
	if _, err := FindRole(a.Role); err != nil {
		return ErrRoleUnknown.With("roleDefinitionId", "")
	}
	if a.Scope != RootScope {
		return ErrScopeUnsupported
	}
	switch a.Principal.Kind {
	case KindUser, KindGroup, KindServicePrincipal:
		if a.Principal.ID != "" {
			return nil
		}
	}
	return ErrAssignmentInvalid
}

// RemovableBy returns ErrOwnAssignment if a belongs to c itself, else nil. It comes on top
// of [May].
func (a RoleAssignment) RemovableBy(c Caller) error {
	own := c.User != "" && a.Principal == Ref{KindUser, string(c.User)} ||
		c.AppOnly() && a.Principal == Ref{KindServicePrincipal, string(c.ServicePrincipal)}
	if own {
		return ErrOwnAssignment
	}
	return nil
}
