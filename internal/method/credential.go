// Package method holds what all registered methods share: the credential that the server keeps
// for one, who may add or remove it, and where the methods' policies are. What a credential is
// made of and how it is checked is the business of the package of each method below this one;
// storage passes through [Store].
package method

import (
	"encoding/json"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/signin"
)

// A Credential is what the server keeps to check one registered method of one person. Times
// are UTC.
type Credential struct {
	Tenant    directory.TenantID `json:"-"`
	ID        string             `json:"-"` // UUID; Graph's id of the method
	User      directory.UserID   `json:"-"`
	Kind      signin.MethodID    `json:"-"`
	CreatedAt time.Time          `json:"-"`
	UsedAt    time.Time          `json:"-"` // zero until it signed somebody in
	FrozenAt  time.Time          `json:"-"` // zero unless somebody said that it is not theirs
	// Lookup finds the credential when nobody is named: a passkey's credential id, a phone's
	// key thumbprint. Within tenant and kind no two are alike; empty for what needs none.
	Lookup string `json:"-"`
	// Counter only grows: a signature counter, the time step of a one-time code; 0 for none.
	Counter int64 `json:"-"`

	Name   string `json:"name"` // as the person knows it, at most 60 characters
	Origin Origin `json:"origin"`
	UsedOn string `json:"-"` // browser or device of the last use, in words
	// Unreadable says that its body can't be read as it is stored: name and data are lacking, and of
	// its origin what is not a session or a pass. Such a credential is only ever listed and removed.
	Unreadable bool `json:"-"`

	Data json.RawMessage `json:"data,omitempty"` // the method's own; secrets in it are sealed
}

// An Origin is how a credential came to be, so that what came from a disputed pass is found.
type Origin struct {
	Session string          `json:"-"`              // id of the session in which it was registered; empty when an administrator did
	Pass    string          `json:"-"`              // id of the pass behind that session; empty for none
	Case    string          `json:"case,omitempty"` // id of the recovery case behind that pass; empty for none
	Proof   signin.MethodID `json:"proof,omitempty"`
	// Methods are the ids of the methods, other than a pass, that proved that session.
	Methods []string `json:"methods,omitempty"`
	// Roots are what those came from when it was registered, for they may be removed.
	Roots   []directory.Root `json:"roots,omitempty"`
	By      string           `json:"by,omitempty"` // id of the administrator or application that registered it for the person
	Address string           `json:"address,omitempty"`
	Browser string           `json:"browser,omitempty"`
}

// OriginOf is the origin of what is registered in s.
func OriginOf(s signin.Session, place signin.Place) Origin {
	o := Origin{Session: s.ID, Pass: s.PassID, Case: s.Case}
	if place.Address.IsValid() {
		o.Address = place.Address.String()
	}
	if n := len(s.Proofs); n > 0 {
		o.Proof = s.Proofs[n-1].Method
	}
	for _, p := range s.Proofs {
		if p.Credential != nil {
			o.Methods = append(o.Methods, p.Credential.ID)
		}
		if p.Pass != nil { // of a sign-in that is not a session yet
			o.Pass, o.Case = p.Pass.ID, p.Pass.Case
		}
	}
	if s.Method != "" {
		o.Methods = append(o.Methods, s.Method)
	}
	o.Browser = signin.AgentWords(place.UserAgent)
	return o
}

// Frozen reports whether c signs nobody in until somebody decides whose it is.
func (c Credential) Frozen() bool { return !c.FrozenAt.IsZero() }

// Works reports whether c can sign somebody in, as far as that depends on c alone.
func (c Credential) Works() bool { return !c.Frozen() && !c.Unreadable }

// MostOfAKind is how many methods of one kind a person may have.
const MostOfAKind = 10

// Faults of registered methods. The AADSTS numbers are for the sign-in log only.
var (
	ErrNone = &fault.Error{
		Kind: fault.NotFound, Code: "methodNone", AADSTS: 50126,
		Text: "There is no such method.", Remedy: "It may have been removed. Reload the list.",
	}
	ErrFrozen = &fault.Error{
		Kind: fault.Unauthorized, Code: "methodFrozen", AADSTS: 53003,
		Text: "The method is frozen, because its owner said that they did not add it.", Remedy: "Sign in another way, then remove it or say that it is yours.",
	}
	// ErrCounter says that what was shown was shown before: a code that was used, or a copy of a
	// key that counts on its own.
	ErrCounter = &fault.Error{
		Kind: fault.Unauthorized, Code: "methodReplayed", AADSTS: 50126,
		Text: "The code was used before, or the key was copied.", Remedy: "Wait for the next code, or remove the key and register a new one.",
	}
	ErrKnown = &fault.Error{
		Kind: fault.Conflict, Code: "methodKnown",
		Text: "This is registered already.", Remedy: "Use another one, or remove the old entry first.",
	}
	ErrTooMany = &fault.Error{
		Kind: fault.Precondition, Code: "methodTooMany",
		Text: "You have as many of these as one person may have.", Remedy: "Remove one that you no longer use.",
	}
	// ErrProof asks for a fresh strong proof.
	ErrProof = &fault.Error{
		Kind: fault.Precondition, Code: "proofNeeded",
		Text: "To change how you sign in, show once more that it is you.", Remedy: "Sign in again with a method that you have, or with a new pass.",
	}
	ErrOff = &fault.Error{
		Kind: fault.Forbidden, Code: "methodNotForYou",
		Text: "Your organisation does not let you use this method.", Remedy: "Choose another one, or ask your helpdesk.",
	}
	ErrPolicyChanged = &fault.Error{
		Kind: fault.Precondition, Code: "policyChanged",
		Text: "Somebody else changed the policy meanwhile.", Remedy: "Read it again, then repeat the change.",
	}
)

// MayRegister reports whether the person of s may add or change methods at now: with a proof of
// two factors that is still fresh, else ErrProof. A sign-in on another device's say is never
// fresh (docs/threat-model.md, rule 18).
func MayRegister(s signin.Session, now time.Time) error {
	if now.Before(FreshUntil(s)) {
		return nil
	}
	return ErrProof
}

// FinishWithin is how long a registration may take that was started while a proof was fresh.
const FinishWithin = 30 * time.Minute

// MayFinish reports whether what was started at started, while that was allowed, may be finished
// at now.
func MayFinish(started, now time.Time) bool {
	return !started.After(now) && now.Sub(started) < FinishWithin
}

// FreshUntil is the end of the time in which [MayRegister] says yes. A session with a purpose other
// than this has none: what it could add would outlive the purpose (docs/threat-model.md, rule 6).
func FreshUntil(s signin.Session) time.Time {
	if !s.Purpose.Registers() {
		return time.Time{}
	}
	return s.FreshUntil()
}
