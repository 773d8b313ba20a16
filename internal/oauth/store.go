package oauth

import (
	"context"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/oauth/dpop"
)

// Store is what the authorization server reads and writes.
type Store interface {
	dpop.Replay

	// Tenant returns a tenant, or directory.ErrTenantUnknown.
	Tenant(ctx context.Context, id directory.TenantID) (directory.Tenant, error)
	// TenantOf returns the tenant that owns a verified domain, or directory.ErrTenantUnknown.
	TenantOf(ctx context.Context, domain string) (directory.TenantID, error)

	// ApplicationByAppID returns an application and its secrets, ended ones too, or
	// directory.ErrApplicationUnknown.
	ApplicationByAppID(ctx context.Context, tenant directory.TenantID, app directory.AppID) (directory.Application, []directory.Secret, error)
	// ServicePrincipalByAppID returns an application's presence in the tenant, or
	// directory.ErrServicePrincipalUnknown.
	ServicePrincipalByAppID(ctx context.Context, tenant directory.TenantID, app directory.AppID) (directory.ServicePrincipal, error)
	// AppRolesOf returns the ids of the app roles that a principal has at a resource.
	AppRolesOf(ctx context.Context, tenant directory.TenantID, principal string, resource directory.ServicePrincipalID) ([]string, error)
	// RecordTokens records the event of tokens that no row stands behind.
	RecordTokens(ctx context.Context, e audit.Event) error
}
