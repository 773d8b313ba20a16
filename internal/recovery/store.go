package recovery

import (
	"context"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/webhook"
)

// Cases keeps cases and their policy. What it promises is tested by package recoverytest.
//
// Beside what is here, the store notes in the same transaction that the pass of a case was used,
// that something was registered with it, and that it was removed or replaced.
type Cases interface {
	// OpenCase stores a new case if there is room for it, see Case.Room: one that gives way is
	// cancelled with an event. It is ErrMany when there is none, directory.ErrUserUnknown when the
	// person is not there, and ErrNumber when the number is taken.
	OpenCase(ctx context.Context, c Case, e Effects) error
	// Case returns a case by its id, CaseByNumber by its number; or ErrUnknown.
	Case(ctx context.Context, tenant directory.TenantID, id string) (Case, error)
	CaseByNumber(ctx context.Context, tenant directory.TenantID, number string) (Case, error)
	// CaseOfPass returns the case that a pass was issued for, or ErrUnknown.
	CaseOfPass(ctx context.Context, tenant directory.TenantID, pass string) (Case, error)
	// PassCases returns the newest cases of a person that led to a pass, what can't be read marked as such.
	PassCases(ctx context.Context, tenant directory.TenantID, user directory.UserID) ([]Case, error)
	// ListCases returns at most limit cases that meet every bound on id, number, userId, state or
	// createdDateTime, after a position, and the position of the last one if there are more.
	// Without an order the newest come first.
	ListCases(ctx context.Context, tenant directory.TenantID, match []filter.Bound, order []filter.Order, after []any, limit int) ([]Case, []any, error)
	// SaveCase stores c and does what e says, if c.Version still is the stored one; else
	// ErrChanged. The stored version grows by one.
	SaveCase(ctx context.Context, c Case, e Effects) error
	// IssueCase does what SaveCase does, and what tap.Store.PutPass does. Other cases of the person
	// that wait are cancelled with an event each. It is ErrChanged when somebody of e.Read changed.
	IssueCase(ctx context.Context, c Case, p tap.Pass, e Effects) error
	// DueCases returns cases whose Due is not after now, at most limit.
	DueCases(ctx context.Context, tenant directory.TenantID, now time.Time, limit int) ([]Case, error)
	// CaseEvents returns the newest events that name a case, by their time: at most so many steps, and
	// so many that were refused. Whoever is refused again and again pushes out no step.
	CaseEvents(ctx context.Context, tenant directory.TenantID, id string, steps, refused int) ([]audit.SealedEntry, error)

	// RecoveryPolicy returns the tenant's policy, DefaultPolicy when none was saved.
	RecoveryPolicy(ctx context.Context, tenant directory.TenantID) (Policy, error)
	// SaveRecoveryPolicy stores p if its version is still the stored one, else ErrPolicyChanged.
	SaveRecoveryPolicy(ctx context.Context, tenant directory.TenantID, p Policy, e audit.Event) error
	// Record records events that change nothing else.
	Record(ctx context.Context, events ...audit.Event) error
}

// Effects are what goes with a change of a case, in the same transaction.
type Effects struct {
	At     time.Time
	Events []audit.Event
	Mails  []outbox.Item
	// Messages go to the webhooks that subscribed.
	Messages []webhook.Message
	// Read are the versions of the people on whose facts a pass is issued.
	Read map[directory.UserID]int64
	// EndPass removes the pass of the case, and ends what came from it.
	EndPass bool
	// At most one of these is done with what came from the case, as method.Store does it.
	Quarantine *method.Quarantine
	Release    *method.Release
	Revert     *method.Reversal
}

// People is the directory, as far as cases ask it.
type People interface {
	Tenant(ctx context.Context, id directory.TenantID) (directory.Tenant, error)
	// User returns a user, or directory.ErrUserUnknown.
	User(ctx context.Context, tenant directory.TenantID, id directory.UserID) (directory.User, error)
	TargetOf(ctx context.Context, tenant directory.TenantID, user directory.UserID) (directory.Target, error)
	GroupsOf(ctx context.Context, tenant directory.TenantID, user string) (map[directory.GroupID]bool, error)
	// ContactChanges says when contact data of a person, and what credentials are compared with,
	// was last changed, by property.
	ContactChanges(ctx context.Context, tenant directory.TenantID, user directory.UserID) (map[string]time.Time, error)
}

// Webhooks says what services are asked. Webhook is webhook.ErrUnknown for none.
type Webhooks interface {
	Webhook(ctx context.Context, tenant directory.TenantID, id string) (webhook.Webhook, error)
}

// CaseSchema is what cases are filtered and sorted by.
var CaseSchema = filter.Schema{
	{Name: "id", Type: filter.TypeGUID, Column: "id", Ops: filter.Equality},
	{Name: "number", Type: filter.TypeString, Column: "number", Ops: filter.Equality},
	{Name: "userId", Type: filter.TypeGUID, Column: "user_id", Ops: filter.Equality},
	{Name: "state", Type: filter.TypeString, Column: "state", Ops: filter.Equality},
	{Name: "createdDateTime", Type: filter.TypeTime, Column: "opened_at", Ops: filter.Equality | filter.Ordering | filter.Sort},
}

// NewestFirst is the order of cases unless somebody asks for another.
var NewestFirst = []filter.Order{{Property: &CaseSchema[4], Descending: true}}
