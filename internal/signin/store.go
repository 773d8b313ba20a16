package signin

import (
	"context"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/outbox"
)

// Store keeps transactions, counters, familiar places and sessions. What it promises is
// tested by package signintest.
type Store interface {
	// TenantOf returns the tenant that owns a verified domain, or ErrTenantUnknown.
	TenantOf(ctx context.Context, domain string) (directory.TenantID, error)
	// UserByName returns the user with that UPN, in any case, or ErrUserUnknown.
	UserByName(ctx context.Context, tenant directory.TenantID, upn string) (directory.User, error)

	// User returns the user with that id, or ErrUserUnknown.
	User(ctx context.Context, tenant directory.TenantID, id directory.UserID) (directory.User, error)

	// CreateTransaction stores t with the hash of its secret.
	CreateTransaction(ctx context.Context, t Transaction, secretHash string) error
	// Transaction returns t and the hash of its secret, or ErrGone.
	Transaction(ctx context.Context, tenant directory.TenantID, id string) (Transaction, string, error)
	// SaveTransaction stores t if its version is still t.Version, else ErrChanged.
	SaveTransaction(ctx context.Context, t Transaction) error

	// NoteTransaction stores t if its version is still t.Version, else ErrChanged, and records e;
	// or does neither.
	NoteTransaction(ctx context.Context, t Transaction, e audit.Event) error

	// Bar stores t if its version is still t.Version, else ErrChanged, gives back the pass that t
	// holds, unless it is nil, and records e; or does none of it.
	Bar(ctx context.Context, t Transaction, pass *PassUsed, e audit.Event) error

	// Charge takes one try from every bucket, or from none and says how long to wait.
	Charge(ctx context.Context, tenant directory.TenantID, buckets []Bucket, at time.Time) (time.Duration, error)
	// Refund gives back the try that buckets were charged, as each one's rule says.
	Refund(ctx context.Context, tenant directory.TenantID, buckets []Bucket) error
	// RecordSignIn records an event that changes nothing.
	RecordSignIn(ctx context.Context, e audit.Event) error

	// Accept saves t with its new proof, reserves what the proof spends for t until until, moves
	// the counter of its credential, and gives back the try that buckets were charged; or does
	// none of it. The errors are those of tap.Store.ReservePass, ErrChanged, and for the
	// credential method.ErrNone, method.ErrFrozen and method.ErrCounter: of any number of
	// concurrent proofs with the same counter one is accepted.
	Accept(ctx context.Context, t Transaction, buckets []Bucket, at, until time.Time) error

	// Complete spends what t reserved, stores the session, remembers the place as familiar
	// unless its hash is empty, saves t as done, queues the mails and records e; or does none of it. When t
	// is done already nothing changes and the session that is there is returned. The user
	// (c.Seen takes the place of an older sighting of the user only.) The user
	// must still be enabled, else ErrUserUnknown, the credentials of the proofs must still be
	// there and not frozen, else method.ErrNone or method.ErrFrozen (the session ends with
	// them), and so must the transaction's device, if it has one, else ErrDeviceUnknown or ErrDeviceDisabled; who signed in there is noted.
	// A session that is raised must live at At, with the secret hash Raised, else ErrGone.
	Complete(ctx context.Context, c Completion) (Session, error)

	// Familiar reports whether the user signed in at the place before, and with which method last.
	Familiar(ctx context.Context, tenant directory.TenantID, user directory.UserID, placeHash string) (MethodID, bool, error)

	// LastSeen returns where on earth and when the user last signed in, if that is not long ago.
	LastSeen(ctx context.Context, tenant directory.TenantID, user directory.UserID) (access.Sighting, bool, error)

	// FamiliarToAnybody reports whether anybody of the tenant signed in at the place before.
	FamiliarToAnybody(ctx context.Context, tenant directory.TenantID, placeHash string) (bool, error)

	// SignedInOn reports whether the user signed in on the device before, or joined it, and with
	// which method last.
	SignedInOn(ctx context.Context, tenant directory.TenantID, device directory.DeviceObjectID, user directory.UserID) (MethodID, bool, error)

	// Session returns a living session of a living, enabled user with that secret hash: not
	// ended, not expired at at, its pass not deleted. Else ErrGone.
	Session(ctx context.Context, tenant directory.TenantID, id, secretHash string, at time.Time) (Session, directory.User, error)
	// Sessions returns the user's living sessions, newest first.
	Sessions(ctx context.Context, tenant directory.TenantID, user directory.UserID, at time.Time) ([]Session, error)
	// EndSessions ends the user's session with the given id, or all when id is empty, with
	// every token that came from them, and records e; or does none of it.
	EndSessions(ctx context.Context, tenant directory.TenantID, user directory.UserID, id string, at time.Time, e audit.Event) error
}

// Completion is the end of a sign-in.
type Completion struct {
	Transaction Transaction
	Session     Session
	SecretHash  string
	PlaceHash   string
	Method      MethodID // to ask for first at the place or device next time; empty keeps the last one
	At          time.Time
	Event       audit.Event
	Seen        *access.Sighting // where; nil leaves what is known of the person
	Mails       []outbox.Item    // queued with it
	// Raised is the secret hash that the session had, when it is there already and gets the
	// proofs of Transaction; empty makes a new one.
	Raised string
}
