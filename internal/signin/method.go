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
	// Name is what the log calls the method.
	Name() string
	// Yield is the most that a proof by the method shows.
	Yield() Yield
	// Enabled reports whether the tenant's policy lets anybody use the method.
	Enabled(ctx context.Context, tenant directory.TenantID) (bool, error)
	// Offered returns what a proof of this user would show now; nothing when they can't use
	// the method.
	Offered(ctx context.Context, tenant directory.TenantID, user directory.UserID) (Yield, error)
	// Verify checks what the person typed or their browser answered. A *fault.Error with an
	// AADSTS number is a refusal: it goes to the log, the person is told ErrRefused. A *NotYet
	// says in addition from when what was typed works. User is never empty. What a credential
	// counts is checked again when the proof is accepted, where races are decided.
	Verify(ctx context.Context, a Attempt) (Proof, error)
	// Queue waits for its turn as Verify would, and does nothing. It stands in for Verify when
	// there is nobody to verify, so that a busy server does not tell who exists.
	Queue(ctx context.Context, a Attempt) error
}

// A Prompter is a [Method] whose page needs more than a field to type into.
type Prompter interface {
	// Prompt returns what the page asks with, as JSON: the same again for the same attempt.
	// User is empty when nobody has the name or none was typed: the answer must look alike.
	Prompt(ctx context.Context, a Attempt) ([]byte, error)
}

// A Discoverer is a [Method] whose answer says whose it is, so that no name need be typed.
type Discoverer interface {
	// Discover returns who a.Typed claims to be of; Verify then checks it. A refusal is a
	// *fault.Error with an AADSTS number.
	Discover(ctx context.Context, a Attempt) (directory.TenantID, directory.UserID, error)
}

// A Guessable is a [Method] whose secrets are so short that fewer guesses are let through.
type Guessable interface {
	// Tries is what one account stands from all unfamiliar places together.
	Tries() Rule
}

// An Attempt is one try of a method.
type Attempt struct {
	Tenant      directory.TenantID
	User        directory.UserID
	Username    string // as it was typed
	Transaction string
	// CorrelationID stands in every event of the sign-in.
	CorrelationID string
	// Challenge is 32 bytes of this transaction: no other has the same, and nobody knows them
	// before its page is shown.
	Challenge []byte
	// Chosen says that the person asked for the method, and did not only get its page first.
	Chosen      bool
	Application App
	Device      *Device
	Asked       *Asked // of the transaction; nil for none
	Away        *Away  // the way to an upstream that is under way; nil for none
	// Since leaves out proofs from before it, SecondSince those that are more than a first
	// factor; zero counts all.
	Since, SecondSince time.Time
	Proofs             []Proof // of the transaction so far
	Typed              string  // the secret as it was typed, or the browser's answer
	Place              Place
	Familiar           bool
	At                 time.Time
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

// Told is a refusal that tells why, because whoever gets it held the right secret. It is an
// ErrRefused.
type Told struct {
	Why *fault.Error // also what the log says
}

// Error says what the log says.
func (e *Told) Error() string { return e.Why.Error() }

// Unwrap makes e an ErrRefused.
func (e *Told) Unwrap() error { return ErrRefused }

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

	// ErrCantGoOn says that what was shown is right but not enough, and that the person has
	// nothing else that would do.
	ErrCantGoOn = &fault.Error{
		Kind: fault.Forbidden, Code: "moreProofNeeded", AADSTS: 50079,
		Text:   "That was right, but it is not enough here, and there is nothing else on your account that would do.",
		Remedy: "Ask the helpdesk for a pass; with it you can add another way to sign in.",
	}

	// What only the log tells.
	errUnknownUser = &fault.Error{Kind: fault.Unauthorized, Code: "accountUnknown", AADSTS: 50034, Text: "The user account does not exist in this tenant."}
	errLocked      = &fault.Error{Kind: fault.Unauthorized, Code: "accountLocked", AADSTS: 50053, Text: "The account is locked after too many failed attempts from this place."}
	errMethodOff   = &fault.Error{Kind: fault.Unauthorized, Code: "methodOff", AADSTS: 130506, Text: "The method is not enabled in this tenant."}
	errDisabled    = &fault.Error{Kind: fault.Unauthorized, Code: "accountDisabled", AADSTS: 50057, Text: "The user account is disabled."}
)
