package access

import (
	"net/netip"
	"time"

	"github.com/postern-id/postern/internal/directory"
)

// A Request is what is asked for now, and all that is known of who asks.
type Request struct {
	At      time.Time
	Subject Subject
	// App is the application, by app id; empty for a user action alone. Action is a user action,
	// Context an authentication context, when one of them is asked for.
	App     directory.AppID
	Action  string
	Context string

	Client   string // browser, mobileAppsAndDesktopClients or other
	Flow     string // deviceCodeFlow, or empty
	Platform string // android, iOS, windows, macOS, linux; empty when unknown
	// Device is the joined device that proved itself; nil for a browser by itself.
	Device     *Device
	Address    netip.Addr
	Country    string // of Address; empty when unknown
	UserRisk   Risk
	SignInRisk Risk

	// Proofs are those of the session or sign-in, which the requirement of a decision is held
	// against. None yet is a sign-in at its beginning.
	Proofs []Proof
}

// A Device is a joined device as policies see it.
type Device struct {
	directory.Device
	Compliant bool // it met what its policy demands at its last report
}

// A Proof is a method that was used.
type Proof struct {
	Mode   Modes // one mode
	At     time.Time
	AAGUID string // of a passkey
	MFA    bool   // two factors by itself
}

// A Decision is what policies come to for a request.
type Decision struct {
	// Blocked says that no proof helps: a policy blocks, or asks for what can't be given now,
	// such as another device.
	Blocked bool
	// By is the policy that decides: the first that blocks, or that is not met yet.
	By *Policy
	// MFA asks for two factors.
	MFA bool
	// Strengths must all be met by the proofs together.
	Strengths []*Strength
	// Since leaves out proofs from before it; zero counts all (sign-in frequency).
	Since time.Time
	// Met reports whether the proofs of the request meet the decision.
	Met bool
	// NeverPersistent keeps the browser from staying signed in; AlwaysPersistent makes it.
	NeverPersistent, AlwaysPersistent bool
	// Lifetime bounds the session from its newest proof; zero does not.
	Lifetime time.Duration
	// Applied says for every policy how it came out, in the order of the log.
	Applied []Applied
}

// Applied is an appliedConditionalAccessPolicy of the sign-in log.
type Applied struct {
	ID          string   `json:"id"`
	DisplayName string   `json:"displayName"`
	Result      Result   `json:"result"`
	Controls    []string `json:"enforcedGrantControls,omitempty"`
	Session     []string `json:"enforcedSessionControls,omitempty"`
	// Unmet names the condition because of which the policy does not apply; for what-if.
	Unmet string `json:"unmet,omitempty"`
}

// Result is Graph's appliedConditionalAccessPolicyResult.
type Result string

// The results.
const (
	Success             Result = "success"
	Failure             Result = "failure"
	NotApplied          Result = "notApplied"
	NotEnabled          Result = "notEnabled"
	ReportedSuccess     Result = "reportOnlySuccess"
	ReportedFailure     Result = "reportOnlyFailure"
	ReportedNotApplied  Result = "reportOnlyNotApplied"
	ReportedInterrupted Result = "reportOnlyInterrupted"
)
