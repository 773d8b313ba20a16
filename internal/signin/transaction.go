// Package signin owns the sign-in transaction: who are you, prove it, what else is asked,
// done. [Next] is the only place that decides the next step; [Service] runs the steps and
// writes what happened. It knows no HTTP and no SQL, and no method by name: methods are
// registered with the service. docs/sign-in.md has the rules and their sources.
//
//	begin ─▶ identify ─▶ proof (accesspass …) ─▶ stay ─▶ done
//	              ▲          │    ▲
//	              └ not you ─┘    └─ other ways (methods)
package signin

import (
	"encoding/json"
	"time"

	"github.com/postern-id/postern/internal/directory"
)

// TransactionLifetime is how long a person may take from the first page to the last.
const TransactionLifetime = time.Hour

// A Transaction is a sign-in under way. It belongs to the browser that holds its secret.
type Transaction struct {
	Tenant    directory.TenantID `json:"-"` // where it is stored; NoTenant at /common until the name is typed
	ID        string             `json:"-"` // UUID
	CreatedAt time.Time          `json:"-"`
	ExpiresAt time.Time          `json:"-"`
	Version   int64              `json:"-"`

	// CorrelationID is shown to the person and stands in every event of this sign-in.
	CorrelationID string `json:"correlationId"`
	Application   App    `json:"application"`
	// Protocol is what the application speaks, in the log's words; empty means OAuth 2.0.
	Protocol string `json:"protocol,omitempty"`
	// Continue is where the browser goes when the sign-in is done: a path of this server.
	Continue string `json:"continue"`
	// Request is what Continue needs to know, in its own format.
	Request []byte `json:"request,omitempty"`
	// FormTarget is the URL elsewhere to which the last form leads; empty when there is none.
	FormTarget string `json:"formTarget,omitempty"`
	// LoginHint fills the name in before it is typed.
	LoginHint string `json:"loginHint,omitempty"`
	// DomainHint is the domain that may be left out of the name.
	DomainHint string `json:"domainHint,omitempty"`
	// SelectAccount asks which of the browser's accounts to use, before anything else.
	SelectAccount bool `json:"selectAccount,omitempty"`
	// Device is the joined device whose key proved the request; nil for a browser by itself.
	Device *Device `json:"device,omitempty"`
	// Text says that a text console shows the steps.
	Text bool `json:"text,omitempty"`
	// Native says that the application is no page of a browser, Flow how the tokens get to
	// another device. Resource is the API that the application asks for, if that is an
	// application of the tenant's, and Contexts the authentication contexts. Rules read them.
	Native   bool            `json:"native,omitempty"`
	Flow     string          `json:"flow,omitempty"`
	Resource directory.AppID `json:"resource,omitempty"`
	Contexts []string        `json:"contexts,omitempty"`

	Home     directory.TenantID `json:"home,omitempty"`     // tenant of the typed name
	Username string             `json:"username,omitempty"` // as typed
	NameHash string             `json:"nameHash,omitempty"` // keyed hash of it, equal in form for known and unknown ones
	User     directory.UserID   `json:"user,omitempty"`     // empty when nobody has that name
	// DisplayName is the user's. No page shows it before a proof.
	DisplayName string   `json:"displayName,omitempty"`
	Familiar    bool     `json:"familiar,omitempty"`  // this person signed in here before
	Last        MethodID `json:"last,omitempty"`      // what they signed in with here then
	OtherWays   bool     `json:"otherWays,omitempty"` // the person asked for the list
	Chosen      MethodID `json:"chosen,omitempty"`    // picked from the list
	// Require is what the proofs must show; its zero value asks for two factors.
	Require Requirement `json:"require,omitzero"`
	// Raises is the id of the session that this sign-in adds its proofs to, empty for none, and
	// Earlier are the proofs of that session which count here.
	Raises  string  `json:"raises,omitempty"`
	Earlier []Proof `json:"earlier,omitempty"`
	Proofs  []Proof `json:"proofs,omitempty"`
	// Asked is the last request at another device of the person.
	Asked *Asked `json:"asked,omitempty"`
	// Away is the last way to an upstream.
	Away *Away `json:"away,omitempty"`
	// Blocked says that the log was told that the sign-in can't go on.
	Blocked bool `json:"blocked,omitempty"`
	// Refused says that a rule of Conditional Access ended it.
	Refused *Refusal  `json:"refused,omitempty"`
	Stay    *bool     `json:"stay,omitempty"`
	Session string    `json:"session,omitempty"` // id of the session that it ended in
	DoneAt  time.Time `json:"doneAt,omitzero"`

	// Verdict is what rules say of it now; it is asked for anew at each step, and not kept.
	Verdict *Verdict `json:"-"`
}

// App is the application that a person signs in to.
type App struct {
	ID          directory.AppID `json:"id"`
	DisplayName string          `json:"displayName"`
}

// MethodID names a method; it is also its step and the value of data-step.
type MethodID string

// A Proof is a method that was used with success. Rules read proofs, never methods.
type Proof struct {
	Method MethodID  `json:"method"`
	At     time.Time `json:"at"`
	// Undated says that nobody knows when the person showed who they are, and At is when an
	// upstream gave its word. Where a proof has to be from after some time it counts for nothing.
	Undated bool     `json:"undated,omitempty"`
	AMR     []string `json:"amr"`
	// Combination is the proof's name in authentication strengths, such as
	// temporaryAccessPassOneTime.
	Combination string `json:"combination"`
	// Factors are what the proof showed; PhishingResistant that nobody between could use it.
	Factors           Factors `json:"factors,omitempty"`
	PhishingResistant bool    `json:"phishingResistant,omitempty"`
	// FreshUntil is the end of the time in which methods may be registered without another
	// proof.
	FreshUntil time.Time       `json:"freshUntil,omitzero"`
	Purpose    Purpose         `json:"purpose,omitempty"`
	Pass       *PassUsed       `json:"pass,omitempty"`
	Credential *CredentialUsed `json:"credential,omitempty"`
	// AAGUID is the model of the passkey.
	AAGUID string `json:"aaguid,omitempty"`
	// Origin is what the method keeps to end the session elsewhere that the proof came from; nobody
	// else reads it.
	Origin json.RawMessage `json:"origin,omitempty"`
	// MustRenew says that the credential is good for this sign-in only if a new one takes its
	// place first: a password that somebody else has set.
	MustRenew bool `json:"mustRenew,omitempty"`
}

// CredentialUsed is the credential that a proof was checked with.
type CredentialUsed struct {
	ID string `json:"id"` // Graph's id of the method
	// Counter is what the authenticator counted: the signature counter of a passkey, the time
	// step of a one-time code. It is accepted only when it grows; 0 is no counter at all.
	Counter int64 `json:"counter,omitempty"`
}

// PassUsed is what a proof by a Temporary Access Pass leaves behind.
type PassUsed struct {
	ID        string    `json:"id"`
	End       time.Time `json:"end"`
	SingleUse bool      `json:"singleUse"`
	Case      string    `json:"case,omitempty"` // id of the recovery case that it was issued in
	// Issuer is the person who issued it, Reader who was handed it for its owner, and IssuedAt the
	// address from which it was issued.
	Issuer   directory.UserID `json:"issuer,omitempty"`
	Reader   directory.UserID `json:"reader,omitempty"`
	IssuedAt string           `json:"issuedAt,omitempty"`
	// IssuedBy and Reason are shown to the person; empty when policy hides them.
	IssuedBy string `json:"issuedBy,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

// Pass returns the pass that was typed in t, or nil.
func (t Transaction) Pass() *PassUsed {
	for _, p := range t.Proofs {
		if p.Pass != nil {
			return p.Pass
		}
	}
	return nil
}

// Done reports whether t ended in a session.
func (t Transaction) Done() bool { return t.Session != "" }
