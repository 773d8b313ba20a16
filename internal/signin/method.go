package signin

import (
	"context"
	"net/netip"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
)

// A Method is one way to prove who one is. Each is a package under internal/method.
type Method interface {
	ID() MethodID
	// Enabled reports whether the tenant's policy lets anybody use the method.
	Enabled(ctx context.Context, tenant directory.TenantID) (bool, error)
	// Offered reports whether this user can use it now.
	Offered(ctx context.Context, tenant directory.TenantID, user directory.UserID) (bool, error)
	// Verify checks what the person typed. A *fault.Error with an AADSTS number is a
	// refusal: it goes to the log, the person is told ErrRefused. A *NotYet says in addition
	// from when what was typed works. User is never empty.
	Verify(ctx context.Context, a Attempt) (Proof, error)
	// Queue waits for its turn as Verify would, and does nothing. It stands in for Verify when
	// there is nobody to verify, so that a busy server does not tell who exists.
	Queue(ctx context.Context, a Attempt) error
}

// An Attempt is one try of a method.
type Attempt struct {
	Tenant      directory.TenantID
	User        directory.UserID
	Transaction string
	Typed       string // the secret as it was typed
	Place       Place
	Familiar    bool
	At          time.Time
}

// A Place is where a request comes from.
type Place struct {
	Address   netip.Addr
	UserAgent string
	// Browser is the browser's lasting secret, or empty; its hash makes a place familiar.
	Browser string
}

// NotYet is the refusal of a secret that is right before its time. It is an ErrRefused, and
// the one of which more may be told: whoever gets it held the right secret.
type NotYet struct {
	Why  *fault.Error // what the log says
	From time.Time    // when the secret works
}

// Error says what the log says.
func (e *NotYet) Error() string { return e.Why.Error() }

// Unwrap makes e an ErrRefused.
func (e *NotYet) Unwrap() error { return ErrRefused }

// Faults of signing in.
var (
	// ErrRefused is all that a person is told about a proof that failed: wrong, unknown,
	// locked, expired, blocked and without a pass look the same.
	ErrRefused = &fault.Error{
		Kind: fault.Unauthorized, Code: "credentialRefused", AADSTS: 50126,
		Text: "That didn’t work.", Remedy: "Check each character, or ask the helpdesk for a new pass.",
	}
	// ErrGone says that a transaction ended, was never there, or belongs to another browser.
	ErrGone = &fault.Error{
		Kind: fault.Invalid, Code: "signInGone", AADSTS: 50089,
		Text: "This sign-in has ended.", Remedy: "Start again from the application.",
	}
	// ErrName says that what was typed can't be a name.
	ErrName = &fault.Error{
		Kind: fault.Invalid, Code: "usernameInvalid",
		Text: "That doesn’t look like a work address.", Remedy: "Write it like sam@contoso.example.",
	}
	// ErrChanged says that the transaction went on in another tab.
	ErrChanged = &fault.Error{
		Kind: fault.Conflict, Code: "signInChanged",
		Text: "This sign-in went on in another window.", Remedy: "Go on there, or start again.",
	}

	// What only the log tells.
	errUnknownUser = &fault.Error{Kind: fault.Unauthorized, Code: "accountUnknown", AADSTS: 50034, Text: "The user account does not exist in this tenant."}
	errLocked      = &fault.Error{Kind: fault.Unauthorized, Code: "accountLocked", AADSTS: 50053, Text: "The account is locked after too many failed attempts from this place."}
	errDisabled    = &fault.Error{Kind: fault.Unauthorized, Code: "accountDisabled", AADSTS: 50057, Text: "The user account is disabled."}
)
