package federation

import (
	"context"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
)

// Store keeps the federations of domains, and who is whom. What it promises is tested by package
// federationtest.
type Store interface {
	// Federation returns what the domain has, or ErrNone.
	Federation(ctx context.Context, tenant directory.TenantID, domain string) (Configuration, error)
	// Federations returns those of all domains of the tenant, by name.
	Federations(ctx context.Context, tenant directory.TenantID) ([]Configuration, error)
	// SaveFederation stores c if its version is still c.Version (0: there must be none, else
	// ErrExists), else ErrChanged, and records e. The domain must be a verified one of the
	// tenant, else directory.ErrDomainUnknown. When the issuer changes, all links of the domain go.
	SaveFederation(ctx context.Context, c Configuration, e audit.Event) error
	// RemoveFederation removes c and the links of its domain, and records e; ErrNone.
	RemoveFederation(ctx context.Context, c Configuration, e audit.Event) error

	// LinkedUser returns who the subject of the domain's upstream is here, or ErrUnlinked.
	LinkedUser(ctx context.Context, tenant directory.TenantID, domain, subject string) (directory.UserID, error)
	// Link makes l and records e. ErrLinked when the subject or the user is linked otherwise;
	// ErrNone when the domain has no federation with that id; nothing happens when it is there.
	Link(ctx context.Context, l Link, e audit.Event) error
	// Links returns those of a user.
	Links(ctx context.Context, tenant directory.TenantID, user directory.UserID) ([]Link, error)
	// Unlink removes what links the user to the domain's upstream, and records e; ErrUnlinked.
	Unlink(ctx context.Context, tenant directory.TenantID, user directory.UserID, domain string, e audit.Event) error
}

// A Link says that a subject of a domain's upstream is a user here.
type Link struct {
	Tenant     directory.TenantID
	Domain     string
	Federation string // id of the configuration
	Subject    string
	User       directory.UserID
	At         time.Time
}
