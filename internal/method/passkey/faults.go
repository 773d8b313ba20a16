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
	ErrNoSelfService = &fault.Error{
		Kind: fault.Forbidden, Code: "passkeyNoSelfService",
		Text: "Passkeys are added by the organisation here.", Remedy: "Ask the helpdesk.",
	}
	ErrMetadata = &fault.Error{
		Kind: fault.Invalid, Code: "passkeyMetadataInvalid",
		Text: "The file with the makers of security keys can't be used.", Remedy: "Put a new one into the data directory, or remove it.",
	}
)

// What only the log tells of a sign-in. The person is told signin.ErrRefused.
var (
	errUnknown   = &fault.Error{Kind: fault.Unauthorized, Code: "passkeyNotRegistered", AADSTS: 50126, Text: "The passkey is not registered, or was removed."}
	errWhose     = &fault.Error{Kind: fault.Unauthorized, Code: "passkeyOfAnother", AADSTS: 50126, Text: "The passkey is another person's."}
	errForbidden = &fault.Error{Kind: fault.Unauthorized, Code: "passkeyBlocked", AADSTS: 130502, Text: "FIDO sign-in is blocked by the user credential policy."}
	errWrong     = &fault.Error{Kind: fault.Unauthorized, Code: "passkeyWrong", AADSTS: 50126, Text: "The passkey's answer does not fit this sign-in."}
)

// ErrCopied refuses a key whose signature counter did not grow (WebAuthn section 6.1.1). It is
// told: whoever reads it holds the key, or a copy.
var ErrCopied = &fault.Error{
	Kind: fault.Unauthorized, Code: "passkeyCopied", AADSTS: 50126,
	Text: "This key counts as if there were a copy of it.", Remedy: "Sign in another way, remove the key from your account, and tell the helpdesk.",
}
