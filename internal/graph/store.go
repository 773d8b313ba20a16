package graph

import (
	"context"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/token"
)

// Store is what Graph reads and writes. What each method promises stands with the
// interface that it comes from, or here.
type Store interface {
	tap.Store
	tap.Groups

	// Tenant returns a tenant, or directory.ErrTenantUnknown.
	Tenant(ctx context.Context, id directory.TenantID) (directory.Tenant, error)
	// TokenOwner returns for whom a verified access token speaks if it still lives at at:
	// its family and pass are there, its user or service principal is there and enabled.
	// Else token.ErrInvalid.
	TokenOwner(ctx context.Context, a token.Access, at time.Time) (token.Owner, error)
	// RolesOf returns the roles that a user or service principal holds, directly or through
	// groups.
	RolesOf(ctx context.Context, tenant directory.TenantID, principal string) ([]directory.RoleID, error)

	// Record records events that change nothing else.
	Record(ctx context.Context, events ...audit.Event) error

	// User and UserByName return a user, or directory.ErrUserUnknown.
	User(ctx context.Context, tenant directory.TenantID, id directory.UserID) (directory.User, error)
	UserByName(ctx context.Context, tenant directory.TenantID, upn string) (directory.User, error)
	// TargetOf returns what of a person matters to directory.May.
	TargetOf(ctx context.Context, tenant directory.TenantID, user directory.UserID) (directory.Target, error)
}
