package oautherr

import "github.com/postern-id/postern/internal/fault"

// Faults of clients and their credentials.
var (
	ErrUnknownClient = &fault.Error{
		Kind: fault.NotFound, Code: "clientUnknown", AADSTS: 700016, Target: "client_id",
		Text: "There is no application with this client id in the tenant.", Remedy: "Check the client id and the tenant.",
	}
	ErrClientDisabled = &fault.Error{
		Kind: fault.Forbidden, Code: "clientDisabled", AADSTS: 7000112, Target: "client_id",
		Text: "This application is disabled.", Remedy: "Ask an administrator to enable it.",
	}
	ErrWrongSecret = &fault.Error{
		Kind: fault.Unauthorized, Code: "clientSecretWrong", AADSTS: 7000215, Target: "client_secret",
		Text: "The client secret is wrong.", Remedy: "Send the value of the secret, not its id.",
	}
	ErrSecretExpired = &fault.Error{
		Kind: fault.Unauthorized, Code: "clientSecretExpired", AADSTS: 7000222, Target: "client_secret",
		Text: "The client secret has expired.", Remedy: "Create a new one for the application.",
	}
	ErrMissingCredential = &fault.Error{
		Kind: fault.Unauthorized, Code: "clientCredentialMissing", AADSTS: 7000218,
		Text: "This application has to prove who it is.", Remedy: "Send client_secret or client_assertion.",
	}
	ErrNoPublicFlows = &fault.Error{
		Kind: fault.Unauthorized, Code: "clientPublicFlowsOff", AADSTS: 7000218,
		Text:   "This application is not set up for devices without a browser.",
		Remedy: "Set isFallbackPublicClient for it, or give it a credential and send that.",
	}
	ErrPublicClient = &fault.Error{
		Kind: fault.Invalid, Code: "clientPublic", AADSTS: 700025,
		Text: "This application is a public client and has no credential.", Remedy: "Send neither client_secret nor client_assertion.",
	}
)

// Faults of the request's form. With names the parameter.
var (
	ErrMissingParameter = &fault.Error{
		Kind: fault.Invalid, Code: "parameterMissing", AADSTS: 900144,
		Text: "This request lacks a parameter.",
	}
	ErrMalformed = &fault.Error{
		Kind: fault.Invalid, Code: "requestMalformed", AADSTS: 9002313,
		Text: "This request can't be read.",
	}
	ErrUnsupportedGrant = &fault.Error{
		Kind: fault.Unsupported, Code: "grantTypeUnsupported", AADSTS: 70003, Target: "grant_type",
		Text: "This grant type is not offered.",
	}
	ErrUnsupportedResponseType = &fault.Error{
		Kind: fault.Unsupported, Code: "responseTypeUnsupported", AADSTS: 70005, Target: "response_type",
		Text: "This response type is not offered.", Remedy: "Use code.",
	}
	ErrUnsupportedResponseMode = &fault.Error{
		Kind: fault.Unsupported, Code: "responseModeUnsupported", AADSTS: 70007, Target: "response_mode",
		Text: "This response mode is not offered for the response type.", Remedy: "Use query, fragment or form_post.",
	}
	ErrGrantOnCommon = &fault.Error{
		Kind: fault.Invalid, Code: "grantNeedsTenant", AADSTS: 9001023, Target: "grant_type",
		Text: "This grant needs a tenant.", Remedy: "Replace common or organizations in the address by the tenant's id or domain.",
	}
	ErrSingleTenant = &fault.Error{
		Kind: fault.Invalid, Code: "clientSingleTenant", AADSTS: 50194,
		Text: "This application is for one tenant.", Remedy: "Replace common or organizations in the address by the tenant's id or domain.",
	}
	ErrRequestURI = &fault.Error{
		Kind: fault.Invalid, Code: "requestUriInvalid", AADSTS: 9002313, Target: "request_uri",
		Text: "This request_uri can't be used.", Remedy: "Push the request again, and use the request_uri once, within its lifetime.",
	}
	ErrRequestObject = &fault.Error{
		Kind: fault.Unsupported, Code: "requestObjectUnsupported", AADSTS: 9002313, Target: "request",
		Text: "Request objects are not taken.", Remedy: "Send the parameters themselves, or push them.",
	}
	ErrOriginMissing = &fault.Error{
		Kind: fault.Invalid, Code: "originMissing", AADSTS: 9002327,
		Text: "What a single-page application was given is redeemed by its page only.", Remedy: "Send the request from the page, or register the redirect URI as that of a web application.",
	}
	ErrResourceUnknown = &fault.Error{
		Kind: fault.NotFound, Code: "resourceUnknown", AADSTS: 500011, Target: "scope",
		Text: "There is no such resource in the tenant.", Remedy: "Check the part of the scope before the last slash.",
	}
)

// Faults of codes and refresh tokens.
var (
	ErrInvalidGrant = &fault.Error{
		Kind: fault.Unauthorized, Code: "grantInvalid", AADSTS: 70000,
		Text: "The code or token is not valid.", Remedy: "Sign in again.",
	}
	ErrCodeExpired = &fault.Error{
		Kind: fault.Unauthorized, Code: "codeExpired", AADSTS: 70008, Target: "code",
		Text: "The code has expired.", Remedy: "Sign in again.",
	}
	ErrCodeUsed = &fault.Error{
		Kind: fault.Unauthorized, Code: "codeUsed", AADSTS: 54005, Target: "code",
		Text: "The code was used before.", Remedy: "Sign in again.",
	}
	ErrRefreshExpired = &fault.Error{
		Kind: fault.Unauthorized, Code: "refreshTokenExpired", AADSTS: 700082, Target: "refresh_token",
		Text: "The refresh token was not used for too long.", Remedy: "Sign in again.",
	}
	ErrSPARefreshEnded = &fault.Error{
		Kind: fault.Unauthorized, Code: "refreshTokenEnded", AADSTS: 700084, Target: "refresh_token",
		Text: "The refresh token of a single-page application ends after 24 hours.", Remedy: "Sign in again.",
	}
	ErrRevoked = &fault.Error{
		Kind: fault.Unauthorized, Code: "grantRevoked", AADSTS: 50173,
		Text: "The sign-in behind this token was ended.", Remedy: "Sign in again.",
	}
)

// Faults that a person at a browser can settle.
var (
	ErrLoginRequired = &fault.Error{
		Kind: fault.Unauthorized, Code: "loginRequired", AADSTS: 50058,
		Text: "Nobody is signed in.", Remedy: "Send the request again without prompt=none.",
	}
	ErrMFARequired = &fault.Error{
		Kind: fault.Unauthorized, Code: "mfaRequired", AADSTS: 50076,
		Text: "A stronger sign-in is needed.", Remedy: "Sign in again.",
	}
	ErrSignInFrequency = &fault.Error{
		Kind: fault.Unauthorized, Code: "signInFrequency", AADSTS: 70043,
		Text: "The last sign-in is older than a rule of the organisation allows here.", Remedy: "Sign in again.",
	}
	ErrPurpose = &fault.Error{
		Kind: fault.Unauthorized, Code: "purposeElsewhere", AADSTS: 50076,
		Text: "The pass that was used is for one purpose, and this is another.", Remedy: "Sign in another way.",
	}
	ErrRegistrationRequired = &fault.Error{
		Kind: fault.Unauthorized, Code: "registrationRequired", AADSTS: 50079,
		Text: "A further way to sign in has to be set up.", Remedy: "Sign in again.",
	}
	ErrConsentRequired = &fault.Error{
		Kind: fault.Forbidden, Code: "consentRequired", AADSTS: 65001,
		Text: "Nobody has consented to what the application asks for.", Remedy: "Ask an administrator to consent.",
	}
	// ErrWiderScope is told as consent_required, after which Microsoft's libraries ask the person.
	ErrWiderScope = &fault.Error{
		Kind: fault.Forbidden, Code: "scopeWider", AADSTS: 65001, Target: "scope",
		Text: "A refresh token gives no more than was asked for at the sign-in.", Remedy: "Sign in again and ask for this scope.",
	}
	ErrConsentDeclined = &fault.Error{
		Kind: fault.Forbidden, Code: "consentDeclined", AADSTS: 65004,
		Text: "Consent was declined.",
	}
	ErrNotAssigned = &fault.Error{
		Kind: fault.Forbidden, Code: "userNotAssigned", AADSTS: 50105,
		Text: "This application is for assigned people only.", Remedy: "Ask an administrator to assign you to it.",
	}
)

// Answers to a device that polls (RFC 8628 section 3.5, in Entra's words). ErrSlowDown
// and ErrAuthorizationDeclined have no number there.
var (
	ErrAuthorizationPending = &fault.Error{
		Kind: fault.Unauthorized, Code: "authorizationPending", AADSTS: 70016,
		Text: "The person has not finished signing in.", Remedy: "Ask again after the interval.",
	}
	ErrSlowDown = &fault.Error{
		Kind: fault.Unauthorized, Code: "slowDown",
		Text: "The device asks too often.", Remedy: "Wait five seconds longer between requests.",
	}
	ErrAuthorizationDeclined = &fault.Error{
		Kind: fault.Forbidden, Code: "authorizationDeclined",
		Text: "The person has declined the sign-in.",
	}
	ErrBadDeviceCode = &fault.Error{
		Kind: fault.Unauthorized, Code: "deviceCodeInvalid", AADSTS: 70018, Target: "device_code",
		Text: "The device code is not valid.", Remedy: "Ask for a new one.",
	}
	ErrDeviceCodeExpired = &fault.Error{
		Kind: fault.Unauthorized, Code: "deviceCodeExpired", AADSTS: 70020, Target: "device_code",
		Text: "The device code has expired.", Remedy: "Ask for a new one.",
	}
)
