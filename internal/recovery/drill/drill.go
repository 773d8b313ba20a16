// Package drill rehearses recovery: somebody gets a practice pass, types it where they would type
// a Temporary Access Pass, and learns whether that would have worked. What stands in the way is
// looked at for real, by the rules of the day: whether a pass would be issued, what Conditional
// Access says there, the device, whether methods or a PIN could be set up.
//
//	asked ─▶ passed
//	  │ ▲       ▲
//	  ▼ └────┐  │
//	failed ──┴──┘      asked, failed ─▶ missed, when its time is over
//
// A practice pass is no pass. It is kept in a table of its own, looks like nothing that a pass can
// be, and ends in a refusal: [signin.Practice] has no way to return a proof that counts.
// docs/drills.md tells the rest.
package drill

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/filter"
)

// A Drill is a rehearsal of one person or of a sample.
type Drill struct {
	Tenant  directory.TenantID `json:"-"`
	ID      string             `json:"-"`
	Kind    Kind               `json:"-"`
	Quarter Quarter            `json:"-"`
	BeganAt time.Time          `json:"-"`
	EndsAt  time.Time          `json:"-"`
	// Where says where the practice pass has to be typed to count.
	Where Where  `json:"where"`
	By    string `json:"by"` // display name of who began it
	Asked int    `json:"asked"`
	Note  string `json:"note,omitempty"`
	// Left out are those whom the sample came to and who were not asked, by reason.
	LeftOut map[string]int `json:"leftOut,omitempty"`
}

// Kind is of a drill.
type Kind string

// The kinds.
const (
	OfPerson Kind = "person"
	OfSample Kind = "sample"
)

// Where a practice pass is to be typed.
type Where string

// The places.
const (
	Anywhere     Where = "anywhere"
	AtLockScreen Where = "lockScreen" // or the console of a joined device
)

// Valid reports whether w is one of the places.
func (w Where) Valid() bool { return w == Anywhere || w == AtLockScreen }

// A Quarter is three months of the tenant's calendar, such as 2026-Q4.
type Quarter string

// QuarterOf is that of a moment in a zone.
func QuarterOf(at time.Time, zone *time.Location) Quarter {
	at = at.In(zone)
	return Quarter(fmt.Sprintf("%04d-Q%d", at.Year(), (int(at.Month())+2)/3))
}

// Point is where in the order of ids the n-th person of a sample is looked for. It is the same
// whoever asks, so that a choice can be checked afterwards and nobody picks whom they like.
func (q Quarter) Point(tenant directory.TenantID, n int) directory.UserID {
	sum := sha256.Sum256(fmt.Appendf(nil, "postern drill\x00%s\x00%s\x00%d", tenant, q, n))
	return directory.UserID(uuid.UUID(sum[:16]).String())
}

// A Practice is the part of one person.
type Practice struct {
	Tenant  directory.TenantID `json:"-"`
	Drill   string             `json:"-"`
	User    directory.UserID   `json:"-"`
	Quarter Quarter            `json:"-"`
	State   State              `json:"-"`
	EndsAt  time.Time          `json:"-"`
	Version int64              `json:"-"`

	Where   Where     `json:"where"`
	Name    string    `json:"name"` // display name, when they were asked
	UPN     string    `json:"upn"`
	AskedAt time.Time `json:"askedAt"`
	// Hash is of the practice pass that was shown last; empty before.
	Hash    string    `json:"hash,omitempty"`
	ShownAt time.Time `json:"shownAt,omitzero"`
	Tries   int       `json:"tries,omitempty"`
	DoneAt  time.Time `json:"doneAt,omitzero"` // the last try
	TookMS  int64     `json:"tookMs,omitempty"`
	From    string    `json:"from,omitempty"` // address
	Device  string    `json:"device,omitempty"`
	Steps   []Step    `json:"steps,omitempty"` // of the last try
	Trial   *Trial    `json:"trial,omitempty"` // while the device has not answered
}

// State is of a practice.
type State string

// The states.
const (
	Asked  State = "asked"
	Passed State = "passed"
	Failed State = "failed" // the last try; another one may pass
	Missed State = "missed" // nobody tried, or nothing got better
)

// Open reports whether the practice pass can be typed still.
func (p Practice) Open(now time.Time) bool {
	return (p.State == Asked || p.State == Failed) && now.Before(p.EndsAt)
}

// FailedStep is the first step in the way, or empty.
func (p Practice) FailedStep() Step {
	for _, s := range p.Steps {
		if s.Result == StepFailed {
			return s
		}
	}
	return Step{}
}

// Worked reports whether nothing was in the way.
func Worked(steps []Step) bool {
	return !slices.ContainsFunc(steps, func(s Step) bool { return s.Result == StepFailed })
}

// Schedule says how often a sample is asked.
type Schedule struct {
	Enabled bool  `json:"enabled"`
	Size    int   `json:"sampleSize"`
	Days    int   `json:"answerInDays"` // how long people have
	Where   Where `json:"where"`

	ModifiedAt time.Time `json:"-"`
	Version    int64     `json:"-"`
}

// Bounds of a schedule.
const (
	MostPeople = 1000
	mostDays   = 60
)

// DefaultSchedule is of a tenant that said nothing: nobody is asked.
func DefaultSchedule() Schedule { return Schedule{Size: 25, Days: 14, Where: Anywhere} }

// Check reports what is wrong with s as a fault, or nil.
func (s Schedule) Check() error {
	switch {
	case s.Size < 1 || s.Size > MostPeople:
		return ErrInvalid.With("sampleSize", fmt.Sprintf("sampleSize is between 1 and %d.", MostPeople))
	case s.Days < 1 || s.Days > mostDays:
		return ErrInvalid.With("answerInDays", fmt.Sprintf("answerInDays is between 1 and %d.", mostDays))
	case !s.Where.Valid():
		return ErrInvalid.With("where", "where is anywhere or lockScreen.")
	}
	return nil
}

// Faults of drills.
var (
	ErrInvalid = &fault.Error{Kind: fault.Invalid, Code: "drillInvalid", Text: "There can’t be such a drill.", Remedy: "Look at what docs/drills.md says of it."}
	ErrUnknown = &fault.Error{Kind: fault.NotFound, Code: "drillUnknown", Text: "There is no such drill.", Remedy: "List the drills; they are forgotten after 400 days."}
	ErrAsked   = &fault.Error{
		Kind: fault.Conflict, Code: "drillAsked",
		Text: "This person was asked to practise in this quarter already.", Remedy: "Look at how it ended. Who failed or missed it can be asked once more.",
	}
	ErrInCase = &fault.Error{
		Kind: fault.Conflict, Code: "drillInCase",
		Text: "This person has a recovery case that is not over.", Remedy: "Help them first: a practice now would confuse everybody.",
	}
	ErrNotThem = &fault.Error{
		Kind: fault.Invalid, Code: "drillNotThem",
		Text: "Guests and people who are switched off don’t practise.", Remedy: "Ask somebody who can sign in.",
	}
	ErrQuarter = &fault.Error{
		Kind: fault.Conflict, Code: "drillQuarter",
		Text: "The sample of this quarter was asked already.", Remedy: "Look at its report, or ask people one by one.",
	}
	ErrNoneOpen = &fault.Error{
		Kind: fault.NotFound, Code: "drillNoneOpen",
		Text: "Nobody asks you to practise now.", Remedy: "There is nothing to do.",
	}
	ErrChanged = &fault.Error{Kind: fault.Conflict, Code: "drillChanged", Text: "The practice went on meanwhile.", Remedy: "Try again."}
	// ErrScheduleChanged says that somebody else saved the schedule.
	ErrScheduleChanged = &fault.Error{Kind: fault.Precondition, Code: "drillScheduleChanged", Text: "The schedule of drills was changed meanwhile.", Remedy: "Read it again."}
	// errWrong is what the log says of a practice pass that is not right.
	errWrong = &fault.Error{Kind: fault.Unauthorized, Code: "practiceWrong", AADSTS: 130503, Text: "The practice pass is not right, or its time is over."}
)

// Schema is what drills are filtered and sorted by.
var Schema = filter.Schema{
	{Name: "id", Type: filter.TypeGUID, Column: "id", Ops: filter.Equality},
	{Name: "kind", Type: filter.TypeString, Column: "kind", Ops: filter.Equality},
	{Name: "quarter", Type: filter.TypeString, Column: "quarter", Ops: filter.Equality},
	{Name: "startDateTime", Type: filter.TypeTime, Column: "began_at", Ops: filter.Equality | filter.Ordering | filter.Sort},
}

// NewestFirst is the order of drills unless somebody asks for another.
var NewestFirst = []filter.Order{{Property: &Schema[3], Descending: true}}

// Keys of the additional details of events.
const (
	detailDrill = "postern_drillId"
	detailStep  = "Failed step"
	detailWhy   = "Why"
	detailKey   = "PIN key on trial"
)

// event is what happened to the practice of a person.
func (p Practice) event(activity string, by audit.Actor, at time.Time, correlation string, details ...audit.KeyValue) audit.Event {
	if correlation == "" {
		correlation = p.Drill
	}
	return audit.Event{Tenant: string(p.Tenant), ID: uuid.NewString(), At: at, CorrelationID: correlation, Change: &audit.Change{
		Activity: activity, Category: audit.CategoryUserManagement, Service: audit.ServicePostern, Operation: audit.OperationUpdate,
		Result: audit.Success, By: by,
		Targets: []audit.Target{{ID: string(p.User), Type: audit.TargetUser, DisplayName: p.Name, UserPrincipalName: p.UPN}},
		Details: append([]audit.KeyValue{{Key: detailDrill, Value: p.Drill}}, details...),
	}}
}

// event is what happened to a drill as a whole.
func (d Drill) event(activity string, by audit.Actor, at time.Time, correlation string, details ...audit.KeyValue) audit.Event {
	if correlation == "" {
		correlation = d.ID
	}
	return audit.Event{Tenant: string(d.Tenant), ID: uuid.NewString(), At: at, CorrelationID: correlation, Change: &audit.Change{
		Activity: activity, Category: audit.CategoryUserManagement, Service: audit.ServicePostern, Operation: audit.OperationAdd,
		Result: audit.Success, By: by,
		Targets: []audit.Target{{ID: d.ID, Type: audit.TargetOther, DisplayName: string(d.Kind) + " " + string(d.Quarter)}},
		Details: append([]audit.KeyValue{{Key: detailDrill, Value: d.ID}}, details...),
	}}
}
