// Package pam is the agent's end of the socket that pam_postern.so talks to: it tells who is
// asking, holds the conversation with a person at a text prompt, and leaves what is true to
// an [Agent]. docs/linux.md has the messages and the rules; rules 18, 19 and 21 of
// docs/threat-model.md shape it.
//
//	S ─▶ Begin ─▶ ask ─▶ Answer ─▶ do ─▶ Outcome ─▶ end ─▶ R
//	                │                        │
//	                └── show a code ◀────────┘
//
// One secret is asked for and judged in one conversation: programs such as swaylock give the
// same answer to every question, and each wrong PIN counts.
package pam

import (
	"context"
	"errors"
	"time"

	"github.com/postern-id/postern/internal/agent/peer"
	"github.com/postern-id/postern/internal/device"
)

// Action is what a program wants of PAM.
type Action string

// The actions.
const (
	Auth         Action = "auth"
	Account      Action = "account"
	OpenSession  Action = "open_session"
	CloseSession Action = "close_session"
	ChangeToken  Action = "chauthtok"
)

// Code is a result of PAM, as Linux-PAM numbers them.
type Code int

// The results that the agent gives.
const (
	Success         Code = 0
	SystemError     Code = 4
	Denied          Code = 6  // PAM_PERM_DENIED
	AuthFailed      Code = 7  // PAM_AUTH_ERR
	Unavailable     Code = 9  // PAM_AUTHINFO_UNAVAIL
	UserUnknown     Code = 10 // PAM_USER_UNKNOWN
	TokenRequired   Code = 12 // PAM_NEW_AUTHTOK_REQD
	AccountExpired  Code = 13 // PAM_ACCT_EXPIRED
	TokenUnchanged  Code = 20 // PAM_AUTHTOK_ERR
	maxNameTyped         = 256
	maxSecretLength      = 256
)

// A Request is what the module says at the start. Only a peer with uid 0 is believed.
type Request struct {
	Action  Action
	User    string // as typed
	Service string
	RHost   string
	RUser   string
	TTY     string
	Display string
	Seat    string
}

// A Person is somebody of the tenant, as the agent has them in memory.
type Person struct {
	ID      string // object id
	Name    string // of the local account
	UID     uint32
	Enabled bool
	PIN     device.PINState
	Notice  string // for them to read when they came by their PIN; usually empty
	Offline bool   // they came by their PIN, and the server was not asked
}

// ErrExpired is what UnlockPIN says of a PIN that is right and has to be changed first.
var ErrExpired = errors.New("the PIN has expired")

// A Policy is what holds for a person on this device now.
type Policy struct {
	Online           bool          // the server can be reached
	UsePIN           bool          // PassportForWork
	PINHasLetters    bool          // PINs may be more than digits
	WebSignIn        bool          // passes and device codes are web sign-in without a browser here
	RemoteDeviceCode bool          // remote sessions may offer a device code
	ElevationPass    bool          // sudo takes a pass
	ElevationFor     time.Duration // how long one proof counts there
	MaySetPIN        bool          // they proved themselves just now, strongly
}

// A Method is how somebody proved themselves.
type Method string

// The methods of a text prompt.
const (
	ByPIN        Method = "pin"
	ByPass       Method = "pass"
	ByDeviceCode Method = "deviceCode"
	ByTicket     Method = "web"
	ByProof      Method = "recent" // an elevation within its time
)

// An Attempt is one try to sign in. What a peer other than root said is left out of it.
type Attempt struct {
	ID      string // correlation id
	Request Request
	Peer    peer.Process
	Person  Person // as the agent knows them; without ID when it does not
	Remote  bool   // not somebody at this machine
	Elevate bool   // the service gives rights, and needs a proof of its own
}

// A Grant is a shown sign-in on another device (RFC 8628).
type Grant struct {
	URL      string // where to go
	Complete string // the same with the code in it; for the QR code
	Code     string // what to type there
	Number   string // to compare; may be empty
}

// Agent knows people and does what signing in takes. What it refuses in words for people is
// a fault.Error. Methods with a context end with it.
type Agent interface {
	// Person returns somebody by what was typed (user name or UPN), from memory.
	Person(typed string) (Person, bool)
	// Policy returns what holds for them; with no ID, for people who were never here.
	Policy(p Person) Policy
	// Admit reports why the person may not use this device now, or nil; from memory.
	Admit(a Attempt) error

	// UnlockPIN takes a PIN. ErrExpired: it is right, and opens no more than ChangePIN.
	UnlockPIN(ctx context.Context, a Attempt, pin string) (Person, error)
	RedeemPass(ctx context.Context, a Attempt, passcode string) (Person, error)
	RedeemTicket(ctx context.Context, a Attempt, ticket string) (Person, error)
	StartCode(ctx context.Context, a Attempt) (Grant, error)
	AwaitCode(ctx context.Context, a Attempt) (Person, error)
	// ChangePIN replaces the PIN; without a former one it sets one after a fresh proof.
	ChangePIN(ctx context.Context, a Attempt, former, next string) error

	// Elevated says that the person got rights by a proof that they gave now.
	Elevated(a Attempt, by Method)
	// Record keeps what came of an attempt.
	Record(a Attempt, by Method, result Code)
}
