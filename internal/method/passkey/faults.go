package passkey

import "github.com/postern-id/postern/internal/fault"

// Faults of registering a passkey.
var (
	ErrResponse = &fault.Error{
		Kind: fault.Invalid, Code: "passkeyInvalid",
		Text: "What the passkey answered can't be used.", Remedy: "Start again on this page, and finish within five minutes.",
	}
	ErrUnverified = &fault.Error{
		Kind: fault.Invalid, Code: "passkeyUnverified",
		Text: "The key did not check that it’s you.", Remedy: "Give it a PIN or a fingerprint first, then add it again.",
	}
	ErrNotResident = &fault.Error{
		Kind: fault.Invalid, Code: "passkeyNotResident",
		Text: "The key can’t keep a passkey.", Remedy: "Use another key, or make room on this one.",
	}
	ErrNotAttested = &fault.Error{
		Kind: fault.Forbidden, Code: "passkeyNotAttested",
		Text: "Only keys whose maker can be verified are allowed here.", Remedy: "Use a security key that your organisation gave you.",
	}
	ErrModel = &fault.Error{
		Kind: fault.Forbidden, Code: "passkeyModelBlocked",
		Text: "This kind of passkey is not allowed here.", Remedy: "Use another kind, or ask the helpdesk which ones are.",
	}
	ErrRevoked = &fault.Error{
		Kind: fault.Forbidden, Code: "passkeyModelRevoked",
		Text: "This kind of key is known to be unsafe, or is not what it says it is.", Remedy: "Use another one.",
	}
	ErrKnown = &fault.Error{
		Kind: fault.Conflict, Code: "passkeyKnown",
		Text: "This passkey is registered already.", Remedy: "Use another one.",
	}
	ErrTooMany = &fault.Error{
		Kind: fault.Conflict, Code: "passkeyTooMany",
		Text: "There are as many passkeys as one person may have.", Remedy: "Remove one first.",
	}
	ErrOff = &fault.Error{
		Kind: fault.Forbidden, Code: "passkeyOff",
		Text: "Passkeys are not switched on for you.", Remedy: "Use another way to sign in.",
	}
	ErrNoSelfService = &fault.Error{
		Kind: fault.Forbidden, Code: "passkeyNoSelfService",
		Text: "Passkeys are added by the organisation here.", Remedy: "Ask the helpdesk.",
	}
	ErrNone = &fault.Error{
		Kind: fault.NotFound, Code: "passkeyUnknown",
		Text: "There is no such passkey.", Remedy: "It may have been removed.",
	}
	ErrPolicy = &fault.Error{
		Kind: fault.Invalid, Code: "passkeyPolicyInvalid",
		Text: "The policy for passkeys can't be like that.",
	}
	ErrMetadata = &fault.Error{
		Kind: fault.Invalid, Code: "passkeyMetadataInvalid",
		Text: "The file with the makers of security keys can't be used.", Remedy: "Put a new one into the data directory, or remove it.",
	}
)

// What only the log tells of a sign-in. The person is told signin.ErrRefused.
var (
	errUnknown = &fault.Error{Kind: fault.Unauthorized, Code: "passkeyNotRegistered", AADSTS: 50126, Text: "The passkey is not registered, or was removed."}
	errWrong   = &fault.Error{Kind: fault.Unauthorized, Code: "passkeyWrong", AADSTS: 50126, Text: "The passkey's answer does not fit this sign-in."}
)
