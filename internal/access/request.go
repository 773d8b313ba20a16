package access

import (
	"net/netip"
	"time"

	"github.com/postern-id/postern/internal/directory"
)

// Kinds of clients, and the flow in which one device signs another in.
const (
	Browser        = "browser"
	NativeClient   = "mobileAppsAndDesktopClients"
	OtherClient    = "other"
	DeviceCodeFlow = "deviceCodeFlow"
)

// A Request is what is asked for now, and all that is known of who asks. Ids are in lower case,
// as they are kept.
type Request struct {
	At      time.Time
	Subject Subject
	// App is the application that is signed in to, by app id; empty for a user action alone.
	// Resource is the API that it asks for, if that is another. A policy for either applies; an
	// exception must be made for both.
	App      directory.AppID
	Resource directory.AppID
	// Action is a user action, Context an authentication context, when one of them is asked for.
	Action  string
	Context string

	Client   string // browser, mobileAppsAndDesktopClients or other
	Flow     string // deviceCodeFlow, or empty
	Platform string // android, iOS, windows, macOS, linux; empty when unknown
	// Device is the joined device that proved itself; nil for a browser by itself.
	Device     *Device
	Address    netip.Addr
	Country    string // of Address; empty: the set looks it up
	UserRisk   Risk
	SignInRisk Risk
	// WorkloadRisk is that of the service principal that asks.
	WorkloadRisk Risk

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
	Mode    Modes // one mode
	At      time.Time
	Undated bool   // nobody knows how much older than At it is
	AAGUID  string // of a passkey
	MFA     bool   // two factors by itself
}

// A Decision is what policies come to for a request.
type Decision struct {
	// Blocked says that no proof helps: a policy blocks, or asks for what can't be given now,
	// such as another device. Reason then is the control that stands in the way: block,
	// compliantDevice, domainJoinedDevice, or authenticationStrength where the way in which the
	// sign-in is made (a device code) rules out what is strong enough.
	Blocked bool
	Reason  Control
	// PassHelps says of what is blocked that a pass of this person would be let by: all the
	// policies that block have a recovery exemption for them.
	PassHelps bool
	// By is the policy that decides: the first that blocks, or that is not met yet. Nil when
	// Met. It is shared and must not be changed.
	By *Policy
	// MFA asks for two factors.
	MFA bool
	// Strengths must all be met by the proofs together, each by itself. They are shared.
	Strengths []*Strength
	// Since leaves out proofs from before it; zero counts all (sign-in frequency). SecondSince
	// is the same for proofs that are more than a first factor: one of them must be as new.
	Since, SecondSince time.Time
	// Met reports whether the proofs of the request meet the decision.
	Met bool
	// NeverPersistent keeps the browser from staying signed in; AlwaysPersistent makes it.
	NeverPersistent, AlwaysPersistent bool
	// Lifetime bounds the session from its newest proof; zero does not.
	Lifetime time.Duration
	// StrictLocation ends access as soon as the address is none that is let in; NoContinuous
	// leaves out continuous access evaluation.
	StrictLocation, NoContinuous bool
	// Applied says of every policy that applies how it came out, in the order of the set. Those
	// that don't apply are left to [Set.Explain]: a tenant has hundreds.
	Applied []Applied
}

// Applied is an appliedConditionalAccessPolicy of the sign-in log.
type Applied struct {
	ID          string   `json:"id"`
	DisplayName string   `json:"displayName"`
	Result      Result   `json:"result"`
	Controls    []string `json:"enforcedGrantControls,omitempty"`
	Session     []string `json:"enforcedSessionControls,omitempty"`
	// Note says what is unusual about the result.
	Note Note `json:"postern_note,omitempty"`
}

// A Note says why a policy that applies did not ask for all that it has.
type Note string

// The notes.
const (
	// Exempted: a recovery exemption let a sign-in with a pass by.
	Exempted Note = "recoveryExemption"
	// GaveWay: its strength gave way to that of a policy on the user action.
	GaveWay Note = "strengthOfUserAction"
)

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
