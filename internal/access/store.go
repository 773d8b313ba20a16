package access

import (
	"context"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
)

// A ContextClass is an authenticationContextClassReference: what an application asks for by
// its id, c1 to c99, where an action needs more than the sign-in did.
// https://learn.microsoft.com/graph/api/resources/authenticationcontextclassreference
type ContextClass struct {
	ID          string    `json:"id"`
	DisplayName string    `json:"displayName"`
	Description string    `json:"description"`
	Available   bool      `json:"isAvailable"` // offered to applications
	CreatedAt   time.Time `json:"createdDateTime"`
	ModifiedAt  time.Time `json:"modifiedDateTime,omitzero"`
	Version     int64     `json:"-"`
}

// Rules are all that a tenant's [Set] is made of, as one moment saw it, the oldest first.
type Rules struct {
	Version   int64 // grows with every change
	Policies  []Policy
	Locations []Location
	Strengths []Strength // of the tenant; the built-in ones are not among them
	Contexts  []ContextClass
}

// A Change is what becomes of one rule: the one that is set is stored, or removed.
type Change struct {
	Policy   *Policy
	Location *Location
	Strength *Strength
	Context  *ContextClass
	Remove   bool
	Event    audit.Event
}

// Store keeps the rules of tenants.
type Store interface {
	// AccessVersion returns the Version of the tenant's rules; 0 before the first change.
	AccessVersion(ctx context.Context, tenant directory.TenantID) (int64, error)
	AccessRules(ctx context.Context, tenant directory.TenantID) (Rules, error)
	// ChangeAccess asks decide what becomes of the rules that are there and stores that and its
	// event, or nothing when decide returns an error. Between what decide sees and what is stored
	// nobody else changes the tenant's rules. Decide may be asked more than once, and must have
	// no effects.
	ChangeAccess(ctx context.Context, tenant directory.TenantID, decide func(Rules) (Change, error)) error
}
