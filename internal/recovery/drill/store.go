package drill

import (
	"context"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/jobs"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/outbox"
)

// Store keeps drills. What it promises is tested by package drilltest.
type Store interface {
	// BeginDrill stores d and who is asked in it, records the events and queues the mails; or does
	// none of it. Of any number of concurrent calls for the sample of one quarter one returns nil,
	// the others ErrQuarter. Who may be asked is looked at in the same transaction: for a person
	// who was asked in the quarter it is ErrAsked, unless they failed or missed it and d is
	// OfPerson; with a recovery case that is not over ErrInCase, but for one that is Unspoken;
	// directory.ErrUserUnknown when gone.
	// An open practice of the same person ends as Missed.
	BeginDrill(ctx context.Context, d Drill, people []Practice, mails []outbox.Item, events ...audit.Event) error
	// MayPractise reports whether BeginDrill would take p: nil, ErrAsked or ErrInCase.
	MayPractise(ctx context.Context, kind Kind, p Practice) error
	// Drill returns a drill, or ErrUnknown.
	Drill(ctx context.Context, tenant directory.TenantID, id string) (Drill, error)
	// ListDrills returns at most limit drills after a position, newest first unless ordered.
	ListDrills(ctx context.Context, tenant directory.TenantID, match []filter.Bound, order []filter.Order, after []any, limit int) ([]Drill, []any, error)
	// Sampled reports whether there is a sample of that quarter.
	Sampled(ctx context.Context, tenant directory.TenantID, q Quarter) (bool, error)
	// QueueJobs queues jobs; one whose kind and key are there already is left out.
	QueueJobs(ctx context.Context, all []jobs.Job, events ...audit.Event) error
	// Practices returns all people of a drill, by id: at most MostPeople.
	Practices(ctx context.Context, tenant directory.TenantID, drill string) ([]Practice, error)
	// OpenPractice returns the practice of a person that is open at at, or ErrNoneOpen.
	OpenPractice(ctx context.Context, tenant directory.TenantID, user directory.UserID, at time.Time) (Practice, error)
	// SavePractice stores p and records the events, if p.Version is the stored one; else ErrChanged.
	SavePractice(ctx context.Context, p Practice, events ...audit.Event) error
	// OverduePractices returns open practices whose time is over at at, at most limit.
	OverduePractices(ctx context.Context, tenant directory.TenantID, at time.Time, limit int) ([]Practice, error)
	// UserFrom returns the first user whose id is not before from, of all the tenant's in a circle; or
	// directory.ErrUserUnknown when there is none.
	UserFrom(ctx context.Context, tenant directory.TenantID, from directory.UserID) (directory.User, error)

	// DrillSchedule returns the tenant's schedule, DefaultSchedule when none was saved.
	DrillSchedule(ctx context.Context, tenant directory.TenantID) (Schedule, error)
	// SaveDrillSchedule stores s if its version is the stored one, else ErrScheduleChanged.
	SaveDrillSchedule(ctx context.Context, tenant directory.TenantID, s Schedule, e audit.Event) error
}

// People is the directory, as far as drills ask it.
type People interface {
	Tenant(ctx context.Context, id directory.TenantID) (directory.Tenant, error)
	User(ctx context.Context, tenant directory.TenantID, id directory.UserID) (directory.User, error)
	GroupsOf(ctx context.Context, tenant directory.TenantID, object string) (map[directory.GroupID]bool, error)
}

// Devices is what is known of joined devices.
type Devices interface {
	Device(ctx context.Context, tenant directory.TenantID, id directory.DeviceObjectID) (directory.Device, error)
	// UpToDate reports whether it reported lately that all is well.
	UpToDate(ctx context.Context, tenant directory.TenantID, id directory.DeviceObjectID, now time.Time) (bool, error)
	// PINSettings are the policies on PINs that hold for a person there.
	PINSettings(ctx context.Context, d directory.Device, user directory.UserID) (hello.Settings, error)
}
