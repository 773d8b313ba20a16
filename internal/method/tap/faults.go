package tap

import (
	"errors"

	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/signin"
)

// What can go wrong with passes. The AADSTS numbers appear in the sign-in log and at token
// refresh; a page tells none of the ones about redemption apart (docs/threat-model.md).
var (
	ErrPolicyInvalid = &fault.Error{Kind: fault.Invalid, Code: "tapPolicyInvalid", Text: "The policy can't be saved like this."}
	ErrLifetime      = &fault.Error{Kind: fault.Invalid, Code: "tapLifetime", Target: "lifetimeInMinutes", Text: "The lifetime is outside the policy."}
	ErrStart         = &fault.Error{Kind: fault.Invalid, Code: "tapStart", Target: "startDateTime", Text: "The start is not possible."}
	ErrOnceOnly      = &fault.Error{
		Kind: fault.Invalid, Code: "tapOnceOnly", Target: "isUsableOnce",
		Text: "The policy allows passes for one use only.", Remedy: "Set isUsableOnce to true or leave it out.",
	}
	ErrPolicyOff = &fault.Error{
		Kind: fault.Invalid, Code: "tapPolicyOff",
		Text: "Temporary Access Passes are switched off in this tenant.", Remedy: "Ask an Authentication Policy Administrator to enable them.",
	}
	ErrOutOfScope = &fault.Error{
		Kind: fault.Invalid, Code: "tapOutOfScope",
		Text: "The policy does not let this person use a Temporary Access Pass.", Remedy: "Ask an Authentication Policy Administrator to include one of their groups.",
	}
	ErrExternalGuest = &fault.Error{
		Kind: fault.Invalid, Code: "tapExternalGuest",
		Text: "A Temporary Access Pass can't be added to an external guest.", Remedy: "Ask their own organisation for one.",
	}
	ErrNote = &fault.Error{Kind: fault.Invalid, Code: "tapNote", Text: "The reason or ticket is too long or has control characters."}
	ErrNone = &fault.Error{
		Kind: fault.NotFound, Code: "tapNone", AADSTS: 130507,
		Text: "There is no such Temporary Access Pass.", Remedy: "Ask the helpdesk for one.",
	}

	ErrWrong = &fault.Error{
		Kind: fault.Unauthorized, Code: "tapWrong", AADSTS: 130503,
		Text: "The access pass is not right.", Remedy: "Check each character, or ask the helpdesk for a new pass.",
	}
	ErrExpired = &fault.Error{
		Kind: fault.Unauthorized, Code: "tapExpired", AADSTS: 130504,
		Text: "The access pass has expired.", Remedy: "Ask the helpdesk for a new one.",
	}
	ErrUsed = &fault.Error{
		Kind: fault.Unauthorized, Code: "tapUsed", AADSTS: 130505,
		Text: "The access pass has been used.", Remedy: "Ask the helpdesk for a new one.",
	}
	ErrBlocked = &fault.Error{
		Kind: fault.Unauthorized, Code: "tapBlocked", AADSTS: 130501,
		Text: "The policy does not let this person use an access pass.", Remedy: "Ask an Authentication Policy Administrator.",
	}
	ErrNotUsable = &fault.Error{
		Kind: fault.Unauthorized, Code: "tapNotUsable", AADSTS: 130507,
		Text: "There is no access pass that works now.", Remedy: "Ask the helpdesk for a pass.",
	}
	ErrNotYet = &fault.Error{Kind: fault.Unauthorized, Code: "tapNotYet", AADSTS: 130507, Text: "The access pass is not valid yet."}
	ErrHeld   = &fault.Error{
		Kind: fault.Unauthorized, Code: "tapHeld", AADSTS: 130505,
		Text: "Another sign-in is using the access pass.", Remedy: "Finish there, or wait ten minutes.",
	}
)

// Refusal returns what the log says about a pass in state u, or nil when it works.
func Refusal(u Usability) error {
	switch u {
	case EnabledByPolicy:
		return nil
	case OneTimeUsed:
		return ErrUsed
	case Expired:
		return ErrExpired
	case DisabledByPolicy:
		return ErrBlocked
	case NotYetValid:
		return ErrNotYet
	}
	return ErrNotUsable
}

// Faults of passes for one purpose.
var (
	// ErrPurpose says that a pass can't be for that.
	ErrPurpose = &fault.Error{
		Kind: fault.Invalid, Code: "tapPurpose", Target: "postern_purpose",
		Text: "A pass can’t be for that.", Remedy: "Leave postern_purpose out, or use registerMethods, or signIn or resetPin with the postern_deviceId of a device that is joined and switched on.",
	}
	// These three tell who typed a right pass in a wrong place what it is good for.
	ErrForMethods = &fault.Error{
		Kind: fault.Unauthorized, Code: "tapForMethods", AADSTS: 130501,
		Text: "This pass is good for one thing: setting up how you sign in.", Remedy: "Open your security info and type it there. Then sign in here with what you set up.",
	}
	ErrForSignIn = &fault.Error{
		Kind: fault.Unauthorized, Code: "tapForSignIn", AADSTS: 130501,
		Text: "This pass is good for one thing: signing in to one device.", Remedy: "Type it at the lock screen of that device.",
	}
	ErrForPIN = &fault.Error{
		Kind: fault.Unauthorized, Code: "tapForPIN", AADSTS: 130501,
		Text: "This pass is good for one thing: a new PIN on one device.", Remedy: "At the lock screen of that device, choose that you forgot your PIN, and type it there.",
	}
)

// IsElsewhere reports whether err is what [Elsewhere] says.
func IsElsewhere(err error) bool {
	return errors.Is(err, ErrForMethods) || errors.Is(err, ErrForSignIn) || errors.Is(err, ErrForPIN)
}

// Elsewhere is what is told to who typed a pass for one purpose where it is of no use. The pass
// works still.
func Elsewhere(p Purpose, device string) *fault.Error {
	switch p.Kind() {
	case signin.RegisterMethods:
		return ErrForMethods
	case signin.SignIn:
		return ErrForSignIn.With(device, "")
	}
	return ErrForPIN.With(device, "")
}
