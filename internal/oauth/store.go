package oauth

import (
	"context"
	"errors"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/dpop"
	"github.com/postern-id/postern/internal/token"
)

// Store is what the authorization server reads and writes.
type Store interface {
	dpop.Replay
	PINs

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
	// ServicePrincipalByIdentifier returns the presence of the application with that identifier
	// URI, in any case, or directory.ErrServicePrincipalUnknown.
	ServicePrincipalByIdentifier(ctx context.Context, tenant directory.TenantID, uri string) (directory.ServicePrincipal, error)
	// AppRolesOf returns the ids of the app roles that a principal has at a resource.
	AppRolesOf(ctx context.Context, tenant directory.TenantID, principal string, resource directory.ServicePrincipalID) ([]string, error)
	// AppRolesOfPerson returns the ids of the app roles that a person has at a resource,
	// themselves or by a group that they are in, directly or through other groups.
	AppRolesOfPerson(ctx context.Context, tenant directory.TenantID, user directory.UserID, resource directory.ServicePrincipalID) ([]string, error)
	// AssignedGroups returns the groups that have an app role at a resource.
	AssignedGroups(ctx context.Context, tenant directory.TenantID, resource directory.ServicePrincipalID) ([]directory.GroupID, error)
	// RecordTokens records the event of tokens that no row stands behind.
	RecordTokens(ctx context.Context, e audit.Event) error
	// HomesOf returns the tenants in which a client id is registered.
	HomesOf(ctx context.Context, app directory.AppID) ([]directory.TenantID, error)
	// User returns a user, or directory.ErrUserUnknown.
	User(ctx context.Context, tenant directory.TenantID, id directory.UserID) (directory.User, error)
	// RolesOf returns the roles that a user holds, directly or through groups.
	RolesOf(ctx context.Context, tenant directory.TenantID, principal string) ([]directory.RoleID, error)
	// GroupsOf returns the groups that a user is in, directly or through other groups.
	GroupsOf(ctx context.Context, tenant directory.TenantID, object string) (map[directory.GroupID]bool, error)
	// GrantedScopes returns the scopes of a resource that a client may use for a user,
	// granted for everybody or for that person.
	GrantedScopes(ctx context.Context, tenant directory.TenantID, client, resource directory.ServicePrincipalID, user directory.UserID) ([]string, error)
	// TokenOwner returns for whom a verified access token speaks, if it still lives at at;
	// else token.ErrInvalid.
	TokenOwner(ctx context.Context, a token.Access, at time.Time) (token.Owner, error)

	// Authorize stores a family with its code and records e, or does none of it. A family's
	// device must be there and enabled, else it is directory.ErrDeviceUnknown or
	// directory.ErrDeviceDisabled.
	Authorize(ctx context.Context, f Family, code Grant, secretHash string, e audit.Event) error
	// Grant returns a code or refresh token with its family and the hash of its secret, or
	// oautherr.ErrInvalidGrant.
	Grant(ctx context.Context, tenant directory.TenantID, kind GrantKind, id string) (Grant, Family, string, error)
	// Spend uses g up, stores next unless it is nil, and records e; or does none of it. Of
	// any number of concurrent uses one returns nil. Any other ends the family, tokens of
	// the winner included, and returns ErrReused. When the pass behind the family has ended
	// or is gone it is tap.ErrExpired or tap.ErrNotUsable; when the family has ended
	// otherwise, or its user is gone, oautherr.ErrRevoked. With keep the grant is not used up.
	Spend(ctx context.Context, g Grant, keep bool, next *Grant, nextHash string, at time.Time, e audit.Event) error

	// CreateDeviceCode stores d with the hashes of its codes, or is ErrUserCodeTaken when
	// another device waits under that user code.
	CreateDeviceCode(ctx context.Context, d DeviceCode, secretHash, userCodeHash string) error
	// DeviceCode returns a device code and the hash of its secret, or
	// oautherr.ErrBadDeviceCode.
	DeviceCode(ctx context.Context, tenant directory.TenantID, id string) (DeviceCode, string, error)
	// DeviceCodeByUserCode returns the device that waits under a user code, in whatever
	// tenant, or ErrUserCode.
	DeviceCodeByUserCode(ctx context.Context, userCodeHash string) (DeviceCode, error)
	// DecideDeviceCode stores d as decided if it was pending until at, stores the family f
	// unless it is nil, and records e; or does none of it. Of any number of concurrent
	// decisions one returns nil, the others ErrUserCode.
	DecideDeviceCode(ctx context.Context, d DeviceCode, f *Family, at time.Time, e audit.Event) error
	// ReachDeviceCode notes that somebody is at the page for d, or is ErrUserCode if it is not
	// pending at at.
	ReachDeviceCode(ctx context.Context, d DeviceCode, at time.Time) error
	// MissDeviceCode counts a wrong number for d if it is pending at at, else it is ErrUserCode,
	// records e, and returns how many more are left; with none the code is declined.
	MissDeviceCode(ctx context.Context, d DeviceCode, most int, at time.Time, e audit.Event) (left int, err error)
	// RedeemDeviceCode uses an approved d up, stores next unless it is nil, and records e; or
	// does none of it. A second use ends the family and is ErrReused; when the family has
	// ended, or its user or pass is gone, it is oautherr.ErrRevoked.
	RedeemDeviceCode(ctx context.Context, d DeviceCode, next *Grant, nextHash string, at time.Time, e audit.Event) error
	// DeviceByKey returns the device with that key, or directory.ErrDeviceUnknown.
	DeviceByKey(ctx context.Context, tenant directory.TenantID, thumbprint string) (directory.Device, error)
	// CreatePushedRequest stores p with the hash of its secret.
	CreatePushedRequest(ctx context.Context, p PushedRequest, secretHash string) error
	// UsePushedRequest uses a pushed request of app up and returns it. A wrong secret, another
	// client's, one that was used or ended at at is oautherr.ErrRequestURI, and of any number
	// of concurrent uses one returns nil.
	UsePushedRequest(ctx context.Context, tenant directory.TenantID, id string, app directory.AppID, secretHash string, at time.Time) (PushedRequest, error)
	// AppsOfSession returns the applications that have living tokens from a session.
	AppsOfSession(ctx context.Context, tenant directory.TenantID, session string) ([]directory.AppID, error)
	// Family returns a family, ended or not, or oautherr.ErrRevoked.
	Family(ctx context.Context, tenant directory.TenantID, id string) (Family, error)
	// EndFamily ends f and records e; when f has ended before it does nothing.
	EndFamily(ctx context.Context, f Family, at time.Time, e audit.Event) error
}

// ErrReused reports a second use of a code or refresh token. The family has ended.
var ErrReused = errors.New("used before")
