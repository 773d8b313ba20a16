// Package sdjwt verifies credentials that a wallet shows: SD-JWT VCs with key binding (RFC 9901,
// draft-ietf-oauth-sd-jwt-vc). It says who issued one, that its holder shows it to us and now, and
// what it claims; whom it is about, [Issuer.About] compares with the directory.
//
// It is pure: keys of issuers come from the administrator, the time is an argument, nothing is
// fetched. How a credential gets here is package presentation's.
package sdjwt

import "github.com/postern-id/postern/internal/fault"

// Faults of credentials.
var (
	ErrMalformed = &fault.Error{
		Kind: fault.Invalid, Code: "credentialMalformed",
		Text: "This is no credential that can be read.", Remedy: "Show an SD-JWT VC (dc+sd-jwt).",
	}
	ErrIssuer = &fault.Error{
		Kind: fault.Invalid, Code: "credentialIssuer",
		Text: "The credential is of an issuer or of a type that is not trusted here, or not signed by them.", Remedy: "Show a credential that the recovery policy names.",
	}
	ErrExpired = &fault.Error{
		Kind: fault.Invalid, Code: "credentialExpired",
		Text: "The credential is not valid now.", Remedy: "Ask its issuer for a new one.",
	}
	ErrHolder = &fault.Error{
		Kind: fault.Invalid, Code: "credentialHolder",
		Text: "Nothing shows that the credential was presented by its holder, to this server, and just now.", Remedy: "Present it again.",
	}
	ErrRevoked = &fault.Error{
		Kind: fault.Invalid, Code: "credentialRevoked",
		Text: "Its issuer says that the credential counts no more, or does not say that it does.", Remedy: "Ask its issuer.",
	}
	ErrOther = &fault.Error{
		Kind: fault.Invalid, Code: "credentialOther",
		Text: "The credential is about somebody else, or about somebody whose entry in the directory changed a short time ago.",
	}
)
