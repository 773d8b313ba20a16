package hello

import "github.com/postern-id/postern/internal/fault"

// Faults of setting a PIN up and of resetting one.
var (
	ErrNone = &fault.Error{
		Kind: fault.NotFound, Code: "pinUnknown", AADSTS: 130004,
		Text: "The organisation doesn't know this PIN.", Remedy: "Use web sign-in, then set up a new PIN.",
	}
	ErrOff = &fault.Error{
		Kind: fault.Forbidden, Code: "pinOff",
		Text: "Device PINs are switched off here.", Remedy: "Use web sign-in.",
	}
	ErrNeedsTPM = &fault.Error{
		Kind: fault.Forbidden, Code: "pinNeedsTPM",
		Text: "A PIN needs a TPM on this device, and one that the organisation trusts.", Remedy: "Use web sign-in, or ask the helpdesk.",
	}
	ErrStale = &fault.Error{
		Kind: fault.Unauthorized, Code: "pinProofTooOld",
		Text: "Setting up or resetting a PIN needs a sign-in at this device, a few minutes ago at most.", Remedy: "Sign in once more.",
	}
	ErrResetOff = &fault.Error{
		Kind: fault.Forbidden, Code: "pinResetOff",
		Text: "A forgotten PIN can't be replaced on this device.", Remedy: "Use web sign-in; the helpdesk can delete the PIN.",
	}
	ErrResetProof = &fault.Error{
		Kind: fault.Forbidden, Code: "pinResetProof",
		Text: "The way in which you signed in is not one that may reset a PIN.", Remedy: "Sign in with a pass or another method that the organisation allows for this.",
	}
	ErrTooManyResets = &fault.Error{
		Kind: fault.TooMany, Code: "pinResetTooOften",
		Text: "This PIN was reset too often in the last hour.", Remedy: "Wait, or ask the helpdesk.",
	}
	ErrVerifier = &fault.Error{
		Kind: fault.Invalid, Code: "pinVerifierInvalid",
		Text: "What the device made of the PIN has the wrong form.", Remedy: "Update the agent.",
	}
	ErrRegistered = &fault.Error{
		Kind: fault.Conflict, Code: "pinRegistered",
		Text: "Another key is registered for this PIN.", Remedy: "Set the PIN up anew.",
	}
	ErrCurrent = &fault.Error{
		Kind: fault.Conflict, Code: "pinKeyCurrent",
		Text: "The key of this PIN is not one that is to be replaced now.", Remedy: "Go on with the PIN as it is.",
	}
	ErrBegunLongAgo = &fault.Error{
		Kind: fault.Conflict, Code: "pinBegunLongAgo",
		Text: "Setting up this PIN began too long ago.", Remedy: "Start again.",
	}
)

// Faults of signing in with a PIN. The numbers are Entra's for Windows Hello keys.
var (
	ErrAssertion = &fault.Error{
		Kind: fault.Unauthorized, Code: "pinAssertionInvalid", AADSTS: 50013, Target: "assertion",
		Text: "The assertion of the PIN can't be used.", Remedy: "Try the PIN once more, or use web sign-in.",
	}
	ErrSignature = &fault.Error{
		Kind: fault.Unauthorized, Code: "pinSignatureInvalid", AADSTS: 130005, Target: "assertion",
		Text: "The assertion is not signed with the key of this PIN.", Remedy: "Use web sign-in, then set up a new PIN.",
	}
	ErrDeviceOff = &fault.Error{
		Kind: fault.Unauthorized, Code: "pinDeviceDisabled", AADSTS: 130007,
		Text: "The organisation has switched this device off.", Remedy: "Ask the helpdesk.",
	}
	ErrDeviceGone = &fault.Error{
		Kind: fault.Unauthorized, Code: "pinDeviceUnknown", AADSTS: 130008,
		Text: "The organisation doesn't know this device.", Remedy: "Join it again.",
	}
	ErrNotHere = &fault.Error{
		Kind: fault.Unauthorized, Code: "pinNotAllowed", AADSTS: 53003,
		Text: "Your organisation does not let people sign in with a device PIN at lock screens.", Remedy: "Use web sign-in, or ask the helpdesk.",
	}
	ErrUserOff = &fault.Error{
		Kind: fault.Unauthorized, Code: "pinUserDisabled", AADSTS: 50057,
		Text: "This account is switched off.", Remedy: "Ask the helpdesk.",
	}
)
