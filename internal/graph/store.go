package graph

import (
	"context"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/jobs"
	"github.com/postern-id/postern/internal/lifecycle"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/outbox/letter"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/signin"
	"github.com/postern-id/postern/internal/token"
	"github.com/postern-id/postern/internal/webhook"
)

// Store is what Graph reads and writes. What each method promises stands with the
// interface that it comes from, or here.
type Store interface {
	tap.Store
	tap.Groups
	method.Policies
	method.Registrations
	PINs
	Applications
	Grants
	Domains
	Federations
	Brandings
	letter.Store
	DevicePolicies
	lifecycle.Workflows
	lifecycle.Runs
	webhook.Webhooks
	jobs.Shelf
	access.Store
	Scopes
	Devices
	Reports
	Imports

	// Tenant returns a tenant, or directory.ErrTenantUnknown.
	Tenant(ctx context.Context, id directory.TenantID) (directory.Tenant, error)
	// TokenOwner returns for whom a verified access token speaks if it still lives at at:
	// its family and pass are there, its user or service principal is there and enabled.
	// Else token.ErrInvalid.
	TokenOwner(ctx context.Context, a token.Access, at time.Time) (token.Owner, error)
	// RolesOf returns the roles that a user or service principal holds, directly or through
	// groups.
	RolesOf(ctx context.Context, tenant directory.TenantID, principal string) ([]directory.RoleID, error)

	// QueueMail queues mail and records e, unless a mail with the same key is there: then it does
	// neither and returns false.
	QueueMail(ctx context.Context, mails []outbox.Item, e audit.Event) (bool, error)
	// UnsentMail returns mail that waits or was given up, newest first.
	UnsentMail(ctx context.Context, tenant directory.TenantID, limit int) ([]outbox.Unsent, error)

	// LastSeen returns where on earth and when a user last signed in, if that is not long ago.
	LastSeen(ctx context.Context, tenant directory.TenantID, user directory.UserID) (access.Sighting, bool, error)

	// SignInBehind returns how the person of a token's family signed in; the zero SignIn where there
	// is no session, or none that lives.
	SignInBehind(ctx context.Context, tenant directory.TenantID, family string) (recovery.SignIn, error)

	// Record records events that change nothing else.
	Record(ctx context.Context, events ...audit.Event) error

	// Events returns at most limit events of a kind that meet every bound, in order, after a
	// position, and the position of the last one if there are more. Committed events are
	// there whether they are sealed or not.
	Events(ctx context.Context, tenant directory.TenantID, kind audit.Kind, match []filter.Bound, order []filter.Order, after []any, limit int) ([]audit.Event, []any, error)
	// History returns at most limit sign-ins and changes that are about a person, newest first,
	// after a position, and the position of the last one if there are more.
	History(ctx context.Context, tenant directory.TenantID, user directory.UserID, after []any, limit int) ([]audit.Event, []any, error)
	// Event returns one event, or directory.ErrObjectUnknown.
	Event(ctx context.Context, tenant directory.TenantID, kind audit.Kind, id string) (audit.Event, error)

	// Story returns the first limit entries of both logs with a correlation id, by their time;
	// PassStory the first changes that name a pass.
	Story(ctx context.Context, tenant directory.TenantID, correlation string, limit int) ([]audit.SealedEntry, error)
	PassStory(ctx context.Context, tenant directory.TenantID, pass string, limit int) ([]audit.SealedEntry, error)

	// Views returns what a person saved, by name. SaveView refuses one too many
	// (directory.ErrManyViews) and a name that the page has (directory.ErrViewExists);
	// RemoveView what is not theirs (directory.ErrObjectUnknown).
	Views(ctx context.Context, tenant directory.TenantID, user directory.UserID) ([]directory.View, error)
	SaveView(ctx context.Context, v directory.View, e audit.Event) error
	RemoveView(ctx context.Context, tenant directory.TenantID, user directory.UserID, id string, e audit.Event) error

	// User and UserByName return a user, or directory.ErrUserUnknown.
	User(ctx context.Context, tenant directory.TenantID, id directory.UserID) (directory.User, error)
	UserByName(ctx context.Context, tenant directory.TenantID, upn string) (directory.User, error)
	// TargetOf returns what of a person matters to directory.May.
	TargetOf(ctx context.Context, tenant directory.TenantID, user directory.UserID) (directory.Target, error)

	// Users and Groups return at most limit objects that meet every bound, after a position,
	// and the position of the last one if there are more. Without an order they come by id.
	// A position is what an earlier call returned; it may have been JSON meanwhile.
	Users(ctx context.Context, tenant directory.TenantID, match []filter.Bound, order []filter.Order, after []any, limit int) ([]directory.User, []any, error)
	// UsersAt is Users with the position of each, and whether there are more.
	UsersAt(ctx context.Context, tenant directory.TenantID, match []filter.Bound, order []filter.Order, after []any, limit int) (users []directory.User, positions [][]any, more bool, err error)
	CountUsers(ctx context.Context, tenant directory.TenantID, match []filter.Bound) (int, error)
	Groups(ctx context.Context, tenant directory.TenantID, match []filter.Bound, order []filter.Order, after []any, limit int) ([]directory.Group, []any, error)
	CountGroups(ctx context.Context, tenant directory.TenantID, match []filter.Bound) (int, error)
	// Reports returns whom a person manages, by id.
	Reports(ctx context.Context, tenant directory.TenantID, manager directory.UserID, after []any, limit int) ([]directory.User, []any, error)

	CreateUser(ctx context.Context, u directory.User, events ...audit.Event) error
	// UpdateUser stores u with its manager if its version is still the stored one, else directory.ErrChanged.
	// Disabling ends sessions, tokens and pass; it refuses the last administrator.
	UpdateUser(ctx context.Context, u directory.User, at time.Time, events ...audit.Event) error
	// SetManager sets the manager of a user, none when it is empty; directory.ErrManagerCycle.
	SetManager(ctx context.Context, tenant directory.TenantID, user, manager directory.UserID, e audit.Event) error
	// Sessions returns a person's living sessions, newest first, 200 at most.
	Sessions(ctx context.Context, tenant directory.TenantID, user directory.UserID, at time.Time) ([]signin.Session, error)
	// EndSessions ends one session of a user and its tokens, or all with an empty id.
	EndSessions(ctx context.Context, tenant directory.TenantID, user directory.UserID, id string, at time.Time, e audit.Event) error
	// DeleteUser and DeleteGroup move an object with all that ties it to others among the
	// deleted ones, end what a person's sign-ins left, and refuse the last administrator. The
	// version has to be the stored one or directory.AnyVersion, else directory.ErrChanged.
	DeleteUser(ctx context.Context, u directory.User, at time.Time, e audit.Event) error
	DeleteGroup(ctx context.Context, g directory.Group, at time.Time, e audit.Event) error

	// Group returns a group, or directory.ErrGroupUnknown.
	Group(ctx context.Context, tenant directory.TenantID, id directory.GroupID) (directory.Group, error)
	// GroupByUniqueName returns the group with that uniqueName, in any case, or
	// directory.ErrGroupUnknown.
	GroupByUniqueName(ctx context.Context, tenant directory.TenantID, name string) (directory.Group, error)
	// CreateGroup and UpdateGroup store g and add members; directory.ErrGroupCycle,
	// directory.ErrNestedRole, directory.ErrLinkExists, directory.ErrChanged.
	CreateGroup(ctx context.Context, g directory.Group, members, owners []directory.Ref, events ...audit.Event) error
	UpdateGroup(ctx context.Context, g directory.Group, members []directory.Ref, events ...audit.Event) error
	AddLink(ctx context.Context, g directory.Group, relation directory.Relation, ref directory.Ref, e audit.Event) error
	// RemoveLink returns directory.ErrLinkUnknown when there is none.
	RemoveLink(ctx context.Context, g directory.Group, relation directory.Relation, object string, e audit.Event) error

	// Find says what the object with an id is, or directory.ErrObjectUnknown. Object returns
	// it: a directory.User, Group or ServicePrincipal.
	Find(ctx context.Context, tenant directory.TenantID, id string) (directory.Ref, error)
	Object(ctx context.Context, tenant directory.TenantID, ref directory.Ref) (any, error)
	// Linked returns by id, after one, at most limit objects that belong to another one, of
	// one kind unless it is empty, that meet every bound on id, and whether there are more. Link is member, owner,
	// transitiveMember, memberOf, transitiveMemberOf or roleMember.
	Linked(ctx context.Context, tenant directory.TenantID, object, link string, kind directory.ObjectKind, match []filter.Bound, after string, limit int) ([]directory.Ref, bool, error)

	// Deleted returns a deleted user or group, what May must know of it, and when it was
	// deleted; DeletedIDs those of one kind. Restore brings one back with what tied it to
	// others; Purge removes it for good. directory.ErrObjectUnknown, directory.ErrUPNTaken.
	Deleted(ctx context.Context, tenant directory.TenantID, id string) (any, directory.Target, time.Time, error)
	DeletedIDs(ctx context.Context, tenant directory.TenantID, kind directory.ObjectKind, after string, limit int) ([]string, bool, error)
	Restore(ctx context.Context, tenant directory.TenantID, id string, e audit.Event) error
	Purge(ctx context.Context, tenant directory.TenantID, id string, e audit.Event) error

	// RoleAssignments returns the assignments of one principal, of one role, or of both;
	// what is empty stands for all.
	RoleAssignments(ctx context.Context, tenant directory.TenantID, principal string, role directory.RoleID) ([]directory.RoleAssignment, error)
	AssignRole(ctx context.Context, a directory.RoleAssignment, e audit.Event) error
	// UnassignRole refuses to leave no enabled Global Administrator.
	UnassignRole(ctx context.Context, a directory.RoleAssignment, e audit.Event) error
}
