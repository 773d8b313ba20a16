package lifecycle

import (
	"context"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/jobs"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/outbox/letter"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/recovery/handover"
)

// Store keeps workflows and their runs. What it promises is tested by package lifecycletest.
type Store interface {
	Workflows
	Runs

	// MailTemplates returns the tenant's own words for a kind of mail.
	MailTemplates(ctx context.Context, tenant directory.TenantID, kind string) ([]letter.Template, error)

	// Tenants returns the ids of all tenants.
	Tenants(ctx context.Context) ([]directory.TenantID, error)
	// ScheduledBefore returns workflows of the tenant whose next run is not after now.
	ScheduledBefore(ctx context.Context, tenant directory.TenantID, now time.Time) ([]Workflow, error)
	// Schedule notes that the schedule looked at now for whom w is due and will look again at
	// next, and queues j; ErrStale when w's next run is another one meanwhile.
	Schedule(ctx context.Context, w Workflow, now, next time.Time, j jobs.Job) error
	// PeopleAt returns people whose attribute lies after from and not after to, by date and id,
	// after the last that is given, at most limit.
	PeopleAt(ctx context.Context, tenant directory.TenantID, a Attribute, from, to time.Time, last directory.User, limit int) ([]directory.User, error)

	// AddPeople adds people to r, which it makes if it is not there yet, each with the job that
	// does it, and records the events, or does none of it. Whom the workflow saw to before for
	// the same date it leaves out; it returns how many it added. When none are, there is no run.
	AddPeople(ctx context.Context, r Run, people []Person, work []jobs.Job, events ...audit.Event) (int, error)
	// EndGathering notes that nobody is added to the run any more. It is no error if there is none.
	EndGathering(ctx context.Context, tenant directory.TenantID, run string, at time.Time) error

	// Settle stores the ends of tasks of p, of which the first may not have ended before
	// (ErrSettled), with what they changed, and how p and its run stand; or does none of it.
	Settle(ctx context.Context, p Person, ends []TaskResult, did Effect, at time.Time) error
	// Begin notes that p's first task is being done. It is no error if it was noted before.
	Begin(ctx context.Context, p Person, t TaskResult, at time.Time) error
}

// Workflows keeps what administrators make. A mutation and its event are stored together or
// not at all; what is changed must have the stamp that it was read with, else
// directory.ErrChanged.
type Workflows interface {
	// Workflows returns the tenant's workflows, by creation: those that are there, or those that were deleted.
	Workflows(ctx context.Context, tenant directory.TenantID, deleted bool) ([]Workflow, error)
	// Workflow returns one, deleted or not; ErrUnknown.
	Workflow(ctx context.Context, tenant directory.TenantID, id string) (Workflow, error)
	// WorkflowVersions returns all versions of a workflow, the newest first.
	WorkflowVersions(ctx context.Context, tenant directory.TenantID, id string) ([]Workflow, error)
	// CreateWorkflow stores w as its first version; ErrMany when the tenant has MostWorkflows.
	CreateWorkflow(ctx context.Context, w Workflow, e audit.Event) error
	// UpdateWorkflow stores w, as a new version if its Version is a new one, with its next run.
	UpdateWorkflow(ctx context.Context, w Workflow, e audit.Event) error
	// PurgeWorkflow removes w for good, with its versions. Runs stay for their time.
	PurgeWorkflow(ctx context.Context, w Workflow, e audit.Event) error

	// LifecycleSettings returns the tenant's, DefaultSettings when none were saved.
	LifecycleSettings(ctx context.Context, tenant directory.TenantID) (Settings, error)
	SetLifecycleSettings(ctx context.Context, tenant directory.TenantID, s Settings, e audit.Event) error

	// Extensions returns all custom task extensions of the tenant, by creation.
	Extensions(ctx context.Context, tenant directory.TenantID) ([]Extension, error)
	// Extension returns one, or ErrExtensionUnknown.
	Extension(ctx context.Context, tenant directory.TenantID, id string) (Extension, error)
	// PutExtension stores x, new when its Stamp is 0; ErrMany.
	PutExtension(ctx context.Context, x Extension, e audit.Event) error
	DeleteExtension(ctx context.Context, x Extension, e audit.Event) error
}

// Runs shows what workflows did. Lists are by time, the newest first, after the position that the
// list before returned, which is nil at the end.
type Runs interface {
	ListRuns(ctx context.Context, tenant directory.TenantID, workflow string, after []any, limit int) ([]Run, []any, error)
	// Run returns one run of the workflow, or ErrRunUnknown.
	Run(ctx context.Context, tenant directory.TenantID, workflow, id string) (Run, error)
	// ListPeople returns what the workflow did for people, with their tasks; of one run if run is
	// not empty.
	ListPeople(ctx context.Context, tenant directory.TenantID, workflow, run string, after []any, limit int) ([]Person, []any, error)
	// Person returns what is done for one person, or ErrRunUnknown. Whether it is vouched for is
	// known to its job alone.
	Person(ctx context.Context, tenant directory.TenantID, id string) (Person, error)
	// TaskReports returns how the tasks of one run stand, by sequence.
	TaskReports(ctx context.Context, tenant directory.TenantID, workflow, run string) ([]TaskReport, error)
}

// A TaskReport says for how many people of a run a task came to what.
type TaskReport struct {
	Run, TaskID                           string
	Task                                  Task
	Sequence                              int
	Total, Succeeded, Failed, Unprocessed int
	StartedAt, CompletedAt                time.Time
}

// Directory is what tasks look up.
type Directory interface {
	Tenant(ctx context.Context, id directory.TenantID) (directory.Tenant, error)
	User(ctx context.Context, tenant directory.TenantID, id directory.UserID) (directory.User, error)
	Group(ctx context.Context, tenant directory.TenantID, id directory.GroupID) (directory.Group, error)
	// GroupsOf returns the groups that somebody is in, directly or through others.
	GroupsOf(ctx context.Context, tenant directory.TenantID, object string) (map[directory.GroupID]bool, error)
	// OwnGroups returns the groups that somebody is a member of directly, at most limit.
	OwnGroups(ctx context.Context, tenant directory.TenantID, user directory.UserID, limit int) ([]directory.Group, error)
	// TargetOf says what protects somebody.
	TargetOf(ctx context.Context, tenant directory.TenantID, user directory.UserID) (directory.Target, error)
	// SignedIn reports whether somebody ever signed in, as far as the log goes back.
	SignedIn(ctx context.Context, tenant directory.TenantID, user directory.UserID) (bool, error)
	// ContactChanges says when what people are reached by was last changed, as recovery.People does.
	ContactChanges(ctx context.Context, tenant directory.TenantID, user directory.UserID) (map[string]time.Time, error)
	// RecoveryPolicy says for how long such a change does not count.
	RecoveryPolicy(ctx context.Context, tenant directory.TenantID) (recovery.Policy, error)
}

// An Effect is what a task changes, in one transaction with its end.
type Effect struct {
	User *directory.User // stored if its version still is
	// Of is the person as the task read them, where it decided by what they hold; if their version is
	// another one, nothing is stored (directory.ErrChanged). Whoever gets a role has a new version.
	Of    *directory.User
	Join  []directory.Group
	Leave []directory.Group
	Pass  *tap.Pass
	Mails []outbox.Item
	// HandOver is stored with the pass that it seals.
	HandOver *SealedPass
	Events   []audit.Event
}

// A SealedPass is a pass on its way by a link that opens once.
type SealedPass struct {
	Handover handover.Handover
	Sealed   string
}
