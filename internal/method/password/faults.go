package password

import "github.com/postern-id/postern/internal/fault"

// What can go wrong with passwords. The AADSTS numbers are for the sign-in log; the page of a
// sign-in tells none of them apart (docs/threat-model.md).
var (
	ErrPolicyInvalid = &fault.Error{Kind: fault.Invalid, Code: "passwordPolicyInvalid", Text: "The policy can't be saved like this."}
	ErrOff           = &fault.Error{
		Kind: fault.Invalid, Code: "passwordOff",
		Text: "Passwords are switched off in this tenant.", Remedy: "Give the person a Temporary Access Pass instead.",
	}
	ErrNone = &fault.Error{
		Kind: fault.NotFound, Code: "passwordNone", AADSTS: 50056,
		Text: "There is no such password.",
	}
	ErrShort = &fault.Error{
		Kind: fault.Invalid, Code: "passwordShort",
		Text: "The password is too short.", Remedy: "Take a few words that only you put together.",
	}
	ErrWeak = &fault.Error{
		Kind: fault.Invalid, Code: "passwordWeak",
		Text: "This password is easy to guess.", Remedy: "Leave out names, seasons, years and rows of keys, or add a few words that only you put together.",
	}
	ErrUnusable = &fault.Error{
		Kind: fault.Invalid, Code: "passwordUnusable",
		Text: "A password has at most 256 bytes, and characters that can be typed.", Remedy: "Take a shorter one.",
	}
	ErrSame = &fault.Error{
		Kind: fault.Invalid, Code: "passwordSame",
		Text: "This is the password that you have.", Remedy: "Take another one.",
	}
	ErrRepeat = &fault.Error{
		Kind: fault.Invalid, Code: "passwordRepeat",
		Text: "The two new passwords differ.", Remedy: "Type the new one twice.",
	}
	ErrWrong = &fault.Error{
		Kind: fault.Unauthorized, Code: "passwordWrong", AADSTS: 50126,
		Text: "The password is not right.", Remedy: "Check each character.",
	}
)
