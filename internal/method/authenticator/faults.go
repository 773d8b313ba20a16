package authenticator

import "github.com/postern-id/postern/internal/fault"

// Faults of answering a request; the phone tells them.
var (
	ErrOther = &fault.Error{
		Kind: fault.NotFound, Code: "phoneRequestUnknown",
		Text: "This request isn't there any more.", Remedy: "Look at the sign-in page: it may have sent another one.",
	}
	ErrAnswered = &fault.Error{
		Kind: fault.Conflict, Code: "phoneRequestAnswered",
		Text: "This request was answered before.", Remedy: "If it wasn't you, remove the phones that aren't yours on your security info page.",
	}
	ErrLate = &fault.Error{
		Kind: fault.Conflict, Code: "phoneRequestLate",
		Text: "This request ended before it was answered.", Remedy: "Send a new one from the sign-in page.",
	}
	ErrAnswer = &fault.Error{
		Kind: fault.Invalid, Code: "phoneAnswerInvalid",
		Text: "The answer can't be read.", Remedy: "Update the app.",
	}
	// ErrTypedWrong is what the phone is told; the request has ended.
	ErrTypedWrong = &fault.Error{
		Kind: fault.Unauthorized, Code: "phoneTypedWrong",
		Text: "That was not the number, so this request has ended.", Remedy: "Send a new one from the sign-in page, and type its number.",
	}
	ErrNeedsVerification = &fault.Error{
		Kind: fault.Unauthorized, Code: "phoneNeedsVerification",
		Text: "This phone approves only after its own screen lock.", Remedy: "Unlock it by face, finger or PIN when it asks, then approve again.",
	}
)

// Faults of adding a phone.
var (
	ErrCode = &fault.Error{
		Kind: fault.Unauthorized, Code: "phoneCodeRefused",
		Text: "This code doesn't add a phone.", Remedy: "Codes work once, for ten minutes. Make a new one on your security info page.",
	}
	ErrKey = &fault.Error{
		Kind: fault.Invalid, Code: "phoneKey",
		Text: "The key of a phone is ECDSA on P-256.", Remedy: "Update the app or the phone's browser.",
	}
	ErrOff = &fault.Error{
		Kind: fault.Forbidden, Code: "authenticatorOff",
		Text: "The authenticator app is switched off for this account.", Remedy: "Use another method, or ask the helpdesk.",
	}
	ErrUnknown = &fault.Error{
		Kind: fault.NotFound, Code: "phoneUnknown",
		Text: "The organisation doesn't know this phone.", Remedy: "Add it again on your security info page.",
	}
	ErrSubscription = &fault.Error{
		Kind: fault.Invalid, Code: "pushSubscriptionInvalid",
		Text: "The phone's address for messages can't be used.", Remedy: "The app works without messages: open it when you sign in.",
	}
)

// Refusals of a sign-in, for its log. Entra has one number for all of them.
var (
	ErrNotSent     = refusal("phoneNotAsked", "No request was sent to a phone.")
	ErrNoAnswer    = refusal("phoneNoAnswer", "No phone answered the request in time.")
	ErrDenied      = refusal("phoneDenied", "The person denied the request on their phone.")
	ErrReported    = refusal("phoneReported", "The person said on their phone that the sign-in wasn't theirs.")
	ErrWrongNumber = refusal("phoneNumberWrong", "Another number than the page's was typed on the phone.")
	errOff         = refusal("phoneMethodOff", "The policy does not let the person use a phone.")
	// ErrWaiting is no refusal yet.
	ErrWaiting = &fault.Error{
		Kind: fault.Conflict, Code: "phoneWaiting",
		Text: "The phone has not answered yet.", Remedy: "Type the number in the app, then go on here.",
	}
	// ErrOpen and ErrQuiet are why nothing is sent; no page tells them.
	ErrOpen  = refusal("phoneRequestOpen", "Another request was open at the person's phones.")
	ErrQuiet = refusal("phoneQuiet", "Requests are held back since the person said that one wasn't theirs.")
)

func refusal(code, text string) *fault.Error {
	return &fault.Error{Kind: fault.Unauthorized, Code: code, AADSTS: 500121, Text: text}
}
