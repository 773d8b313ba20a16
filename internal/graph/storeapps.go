package graph

import (
	"context"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
)

// Applications keeps applications and service principals. Lists are as those of [Store].
type Applications interface {
	Applications(ctx context.Context, tenant directory.TenantID, match []filter.Bound, order []filter.Order, after []any, limit int) ([]directory.Application, []any, error)
	CountApplications(ctx context.Context, tenant directory.TenantID, match []filter.Bound) (int, error)
	// Application returns an application, or directory.ErrApplicationUnknown.
	Application(ctx context.Context, tenant directory.TenantID, id directory.ApplicationID) (directory.Application, error)
	// ApplicationByAppID returns an application and its secrets, or
	// directory.ErrApplicationUnknown.
	ApplicationByAppID(ctx context.Context, tenant directory.TenantID, app directory.AppID) (directory.Application, []directory.Secret, error)
	Secrets(ctx context.Context, tenant directory.TenantID, app directory.ApplicationID) ([]directory.Secret, error)
	// CreateApplication and CreateServicePrincipal store a new object with its owner, an
	// empty one being nobody; directory.ErrIdentifierTaken, directory.ErrServicePrincipalExists.
	CreateApplication(ctx context.Context, a directory.Application, owner directory.Ref, e audit.Event) error
	CreateServicePrincipal(ctx context.Context, p directory.ServicePrincipal, owner directory.Ref, e audit.Event) error
	// UpdateApplication and UpdateServicePrincipal store an object if its version is still
	// the stored one, else directory.ErrChanged. The service principal of an application
	// follows it.
	UpdateApplication(ctx context.Context, a directory.Application, e audit.Event) error
	UpdateServicePrincipal(ctx context.Context, p directory.ServicePrincipal, e audit.Event) error
	// DeleteApplication and DeleteServicePrincipal move an object with all that ties it to
	// others among the deleted ones, an application together with its service principal, and
	// end what people signed in to with it.
	DeleteApplication(ctx context.Context, a directory.Application, at time.Time, events ...audit.Event) error
	DeleteServicePrincipal(ctx context.Context, p directory.ServicePrincipal, at time.Time, e audit.Event) error
	// AddSecret refuses more than directory.MaxSecrets; RemoveSecret returns
	// directory.ErrSecretUnknown.
	AddSecret(ctx context.Context, a directory.Application, s directory.Secret, e audit.Event) error
	RemoveSecret(ctx context.Context, a directory.Application, keyID string, e audit.Event) error

	ServicePrincipals(ctx context.Context, tenant directory.TenantID, match []filter.Bound, order []filter.Order, after []any, limit int) ([]directory.ServicePrincipal, []any, error)
	CountServicePrincipals(ctx context.Context, tenant directory.TenantID, match []filter.Bound) (int, error)
	// ServicePrincipal and ServicePrincipalByAppID return a service principal, or
	// directory.ErrServicePrincipalUnknown.
	ServicePrincipal(ctx context.Context, tenant directory.TenantID, id directory.ServicePrincipalID) (directory.ServicePrincipal, error)
	ServicePrincipalByAppID(ctx context.Context, tenant directory.TenantID, app directory.AppID) (directory.ServicePrincipal, error)
	// PrincipalTarget returns what of a service principal matters to directory.May.
	PrincipalTarget(ctx context.Context, tenant directory.TenantID, id directory.ServicePrincipalID) (directory.Target, error)

	// Owns reports whether owner owns an application or service principal.
	Owns(ctx context.Context, tenant directory.TenantID, object, owner string) (bool, error)
	// AddOwner and RemoveOwner change owners; directory.ErrLinkExists, directory.ErrLinkUnknown.
	AddOwner(ctx context.Context, tenant directory.TenantID, object string, owner directory.Ref, e audit.Event) error
	RemoveOwner(ctx context.Context, tenant directory.TenantID, object, owner string, e audit.Event) error
}

// Grants keeps app role assignments and delegated permissions. Both are checked against the
// resource that they name, in the change itself.
type Grants interface {
	// AppRoleAssignments returns those of a principal, of a resource, or of both; what is
	// empty stands for all.
	AppRoleAssignments(ctx context.Context, tenant directory.TenantID, principal string, resource directory.ServicePrincipalID, match []filter.Bound, after []any, limit int) ([]directory.AppRoleAssignment, []any, error)
	// AppRoleAssignment returns one, or directory.ErrAppRoleAssignmentUnknown.
	AppRoleAssignment(ctx context.Context, tenant directory.TenantID, id string) (directory.AppRoleAssignment, error)
	// AssignAppRole refuses a second one of the same kind: directory.ErrAppRoleAssignmentExists.
	AssignAppRole(ctx context.Context, r directory.AppRoleAssignment, e audit.Event) error
	UnassignAppRole(ctx context.Context, r directory.AppRoleAssignment, e audit.Event) error

	// PermissionGrants returns the grants to a client, for a person, or both.
	PermissionGrants(ctx context.Context, tenant directory.TenantID, client directory.ServicePrincipalID, person directory.UserID, match []filter.Bound, after []any, limit int) ([]directory.PermissionGrant, []any, error)
	// PermissionGrant returns one, or directory.ErrGrantUnknown.
	PermissionGrant(ctx context.Context, tenant directory.TenantID, id string) (directory.PermissionGrant, error)
	// CreateGrant refuses a second one for client, resource and person: directory.ErrGrantExists.
	CreateGrant(ctx context.Context, g directory.PermissionGrant, e audit.Event) error
	UpdateGrant(ctx context.Context, g directory.PermissionGrant, e audit.Event) error
	DeleteGrant(ctx context.Context, g directory.PermissionGrant, e audit.Event) error
}

// Domains keeps the domains of a tenant beside the verified ones, which are the tenant's own.
type Domains interface {
	Tenants(ctx context.Context) ([]directory.TenantID, error)
	// UpdateTenant stores t if its revision is still the stored one, else directory.ErrChanged.
	UpdateTenant(ctx context.Context, t directory.Tenant, e audit.Event) error
	PendingDomains(ctx context.Context, tenant directory.TenantID) ([]directory.PendingDomain, error)
	// AddDomain and VerifyDomain return directory.ErrDomainTaken when a tenant has the domain.
	AddDomain(ctx context.Context, tenant directory.TenantID, d directory.PendingDomain, e audit.Event) error
	// VerifyDomain makes a pending domain a verified one.
	VerifyDomain(ctx context.Context, tenant directory.TenantID, d directory.Domain, e audit.Event) error
	MakeDefaultDomain(ctx context.Context, tenant directory.TenantID, name string, e audit.Event) error
	// RemoveDomain returns directory.ErrDomainInUse for the initial and the default domain,
	// and for one that is in the name of a user or an application.
	RemoveDomain(ctx context.Context, tenant directory.TenantID, name string, e audit.Event) error
}
