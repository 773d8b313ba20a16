package oautherr

import (
	"github.com/postern-id/postern/internal/dpop"
	"github.com/postern-id/postern/internal/fault"
)

// valueOf returns the OAuth error for f: by its code where Entra has no number, by
// Entra's number, else by its kind.
func valueOf(f *fault.Error) string {
	if v, ok := byCode[f.Code]; ok {
		return v
	}
	if v, ok := byNumber[f.AADSTS]; ok {
		return v
	}
	if v, ok := byKind[f.Kind]; ok {
		return v
	}
	return "invalid_request"
}

var byCode = map[string]string{
	dpop.ErrInvalid.Code:          "invalid_dpop_proof",     // RFC 9449 section 5
	dpop.ErrUseNonce.Code:         "use_dpop_nonce",         // RFC 9449 section 8
	ErrSlowDown.Code:              "slow_down",              // RFC 8628 section 3.5
	ErrRequestURI.Code:            "invalid_request_uri",    // OpenID Connect Core section 3.1.2.6
	ErrRequestObject.Code:         "request_not_supported",  // the same
	ErrAuthorizationDeclined.Code: "authorization_declined", // Entra's word for access_denied in the device-code grant
}

// byNumber follows Learn "Microsoft Entra authentication and authorization error codes"
// and the answers of the public service. What a person can settle in a browser is
// interaction_required, a refusal by Conditional Access included: its page says why.
var byNumber = map[int]string{
	16000: "interaction_required", 50020: "interaction_required", // account not in the tenant
	50011:   "invalid_request",      // redirect URI mismatch
	50013:   "invalid_grant",        // assertion of another issuer
	50034:   "invalid_grant",        // user unknown
	50053:   "invalid_grant",        // locked
	50049:   "invalid_instance",     // authority unknown
	50055:   "invalid_grant",        // password expired
	50056:   "invalid_grant",        // no password
	50057:   "invalid_grant",        // account disabled
	50058:   "login_required",       // silent request without session
	50059:   "invalid_request",      // tenant not determinable
	50072:   "interaction_required", // must register for MFA
	50074:   "interaction_required", // MFA not passed
	50076:   "interaction_required", // MFA required
	50078:   "interaction_required", // MFA expired
	50079:   "interaction_required", // must register for MFA
	50089:   "invalid_grant",        // sign-in took too long
	50097:   "interaction_required", // device authentication required
	50105:   "invalid_grant",        // not assigned to the application
	50126:   "invalid_grant",        // wrong name or password
	50131:   "interaction_required", // Conditional Access
	50133:   "invalid_grant",        // session revoked
	50140:   "interaction_required", // stay signed in?
	50147:   "invalid_request",      // PKCE challenge
	501481:  "invalid_grant",        // PKCE mismatch
	501491:  "invalid_grant",        // PKCE verifier
	50155:   "access_denied",        // device unknown
	50173:   "invalid_grant",        // fresh sign-in needed
	50194:   "invalid_request",      // single-tenant application on /common
	50196:   "invalid_grant",        // client loop
	500011:  "invalid_resource",     // resource unknown
	53000:   "interaction_required", // device not compliant
	53001:   "interaction_required", // device not joined
	53002:   "interaction_required", // application not approved
	53003:   "interaction_required", // blocked by Conditional Access
	53004:   "interaction_required", // registration blocked by risk
	53010:   "interaction_required", // registration not allowed here
	53011:   "interaction_required", // blocked by user risk
	54005:   "invalid_grant",        // code used before
	65001:   "consent_required",     // consent missing
	65004:   "access_denied",        // consent declined
	65005:   "invalid_resource",     // application asks for what it did not list
	70000:   "invalid_grant",        // grant not valid
	70001:   "unauthorized_client",  // application disabled
	70002:   "invalid_client",       // client credential not valid
	70003:   "unsupported_grant_type",
	70005:   "unsupported_response_type",
	70007:   "invalid_request", // response mode
	70008:   "invalid_grant",   // grant expired
	70011:   "invalid_scope",
	70016:   "authorization_pending",
	70018:   "bad_verification_code",
	70019:   "expired_token",                                                   // device code
	70020:   "expired_token",                                                   // device code
	70043:   "invalid_grant",                                                   // sign-in frequency
	700016:  "unauthorized_client",                                             // application unknown
	700025:  "invalid_client",                                                  // public client with a credential
	700027:  "invalid_client",                                                  // client assertion signature
	700082:  "invalid_grant",                                                   // refresh token unused too long
	700084:  "invalid_grant",                                                   // refresh token of a page ended
	7000112: "unauthorized_client",                                             // application disabled
	7000215: "invalid_client",                                                  // wrong secret
	7000218: "invalid_client",                                                  // no credential
	7000222: "invalid_client",                                                  // secret expired
	90002:   "invalid_request",                                                 // tenant unknown
	90014:   "invalid_request",                                                 // field missing
	90094:   "consent_required",                                                // administrator has to consent
	900144:  "invalid_request",                                                 // parameter missing
	9001023: "invalid_request",                                                 // grant not on /common
	9002313: "invalid_request",                                                 // malformed
	9002327: "invalid_request",                                                 // redeemed outside of a page
	1002012: "invalid_scope",                                                   // app-only without .default
	135011:  "access_denied",                                                   // device disabled
	130004:  "invalid_grant", 130005: "invalid_grant", 130006: "invalid_grant", // Windows Hello keys
	130007: "invalid_grant", 130008: "invalid_grant",
	130500: "invalid_grant", 130501: "invalid_grant", 130502: "invalid_grant", 130503: "invalid_grant", // access passes and policies on methods
	130504: "invalid_grant", 130505: "invalid_grant", 130506: "invalid_grant", 130507: "invalid_grant",
}

var byKind = map[fault.Kind]string{
	fault.Unauthorized: "invalid_grant",
	fault.Forbidden:    "access_denied",
	fault.Conflict:     "invalid_grant",
	fault.Gone:         "invalid_grant",
	fault.TooMany:      "temporarily_unavailable",
	fault.Unavailable:  "temporarily_unavailable",
}
