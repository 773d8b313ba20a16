package oautherr_test

import (
	"regexp"
	"slices"
	"testing"

	"github.com/postern-id/postern/internal/dpop"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/oauth/assertion"
	"github.com/postern-id/postern/internal/oauth/claims"
	"github.com/postern-id/postern/internal/oauth/oautherr"
	"github.com/postern-id/postern/internal/oauth/pkce"
	"github.com/postern-id/postern/internal/oauth/redirect"
	"github.com/postern-id/postern/internal/oauth/scope"
)

// registered are the error values of RFC 6749, OpenID Connect Core section 3.1.2.6,
// RFC 8628 and RFC 9449, and Entra's own for resources and device codes.
var registered = []string{
	"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope",
	"access_denied", "unsupported_response_type", "server_error", "temporarily_unavailable",
	"interaction_required", "login_required", "consent_required", "invalid_resource",
	"authorization_pending", "slow_down", "expired_token", "authorization_declined", "bad_verification_code",
	"invalid_dpop_proof", "use_dpop_nonce",
}

func TestValueOfEachFault(t *testing.T) {
	tests := []struct {
		fault *fault.Error
		want  string
	}{
		{oautherr.ErrUnknownClient, "unauthorized_client"},
		{oautherr.ErrClientDisabled, "unauthorized_client"},
		{oautherr.ErrWrongSecret, "invalid_client"},
		{oautherr.ErrSecretExpired, "invalid_client"},
		{oautherr.ErrMissingCredential, "invalid_client"},
		{oautherr.ErrPublicClient, "invalid_client"},
		{assertion.ErrSignature, "invalid_client"},
		{assertion.ErrInvalid, "invalid_client"},
		{oautherr.ErrUnsupportedGrant, "unsupported_grant_type"},
		{oautherr.ErrUnsupportedResponseType, "unsupported_response_type"},
		{oautherr.ErrUnsupportedResponseMode, "invalid_request"},
		{oautherr.ErrMissingParameter, "invalid_request"},
		{oautherr.ErrMalformed, "invalid_request"},
		{oautherr.ErrGrantOnCommon, "invalid_request"},
		{oautherr.ErrSingleTenant, "invalid_request"},
		{oautherr.ErrOriginMissing, "invalid_request"},
		{oautherr.ErrInvalidGrant, "invalid_grant"},
		{oautherr.ErrCodeExpired, "invalid_grant"},
		{oautherr.ErrCodeUsed, "invalid_grant"},
		{oautherr.ErrRefreshExpired, "invalid_grant"},
		{oautherr.ErrSPARefreshEnded, "invalid_grant"},
		{oautherr.ErrRevoked, "invalid_grant"},
		{oautherr.ErrResourceUnknown, "invalid_resource"},
		{oautherr.ErrLoginRequired, "login_required"},
		{oautherr.ErrMFARequired, "interaction_required"},
		{oautherr.ErrRegistrationRequired, "interaction_required"},
		{oautherr.ErrConsentRequired, "consent_required"},
		{oautherr.ErrConsentDeclined, "access_denied"},
		{oautherr.ErrNotAssigned, "invalid_grant"},
		{oautherr.ErrAuthorizationPending, "authorization_pending"},
		{oautherr.ErrSlowDown, "slow_down"},
		{oautherr.ErrAuthorizationDeclined, "authorization_declined"},
		{oautherr.ErrBadDeviceCode, "bad_verification_code"},
		{oautherr.ErrDeviceCodeExpired, "expired_token"},
		{redirect.ErrMismatch, "invalid_request"},
		{pkce.ErrChallenge, "invalid_request"},
		{pkce.ErrVerifier, "invalid_grant"},
		{pkce.ErrMismatch, "invalid_grant"},
		{dpop.ErrInvalid, "invalid_dpop_proof"},
		{dpop.ErrUseNonce, "use_dpop_nonce"},
		{scope.ErrInvalid, "invalid_scope"},
		{scope.ErrAppOnly, "invalid_scope"},
		{claims.ErrInvalid, "invalid_request"},
	}
	seen := map[string]bool{}
	for _, tt := range tests {
		e, status := oautherr.Describe(tt.fault, ids)
		if e.Error != tt.want {
			t.Errorf("%s is %s, want %s", tt.fault.Code, e.Error, tt.want)
		}
		want := 400
		if tt.want == "invalid_client" {
			want = 401
		}
		if status != want {
			t.Errorf("%s is %d, want %d", tt.fault.Code, status, want)
		}
		if seen[tt.fault.Code] {
			t.Errorf("%s is the code of two faults", tt.fault.Code)
		}
		seen[tt.fault.Code] = true
		if !regexp.MustCompile(`^[a-z][A-Za-z]+$`).MatchString(tt.fault.Code) || tt.fault.Text == "" {
			t.Errorf("%+v", tt.fault)
		}
	}
}

// Faults of other packages are known by Entra's number.
func TestValueOfEachNumber(t *testing.T) {
	groups := map[string][]int{
		"invalid_grant": {
			50013, 50034, 50053, 50055, 50056, 50057, 50089, 50105, 50126, 50133, 50173, 50196, 54005, 70000, 70008, 700082, 700084, 70043,
			130004, 130005, 130006, 130007, 130008, 130500, 130501, 130502, 130503, 130504, 130505, 130506, 130507,
		},
		"interaction_required": {
			16000, 50020, 50072, 50074, 50076, 50078, 50079, 50097, 50131, 50140, 53000, 53001, 53002, 53003, 53004, 53010, 53011,
		},
		"login_required":            {50058},
		"consent_required":          {65001, 90094},
		"access_denied":             {65004},
		"invalid_resource":          {65005, 500011},
		"unauthorized_client":       {70001, 700016, 7000112},
		"invalid_client":            {70002, 700025, 700027, 7000215, 7000218, 7000222},
		"unsupported_grant_type":    {70003},
		"unsupported_response_type": {70005},
		"invalid_scope":             {70011, 1002012},
		"authorization_pending":     {70016},
		"bad_verification_code":     {70018},
		"expired_token":             {70019, 70020},
		"invalid_request":           {50011, 50059, 50147, 50194, 70007, 90002, 90014, 900144, 9001023, 9002313, 9002327},
	}
	for want, numbers := range groups {
		for _, n := range numbers {
			e, _ := oautherr.Describe(&fault.Error{Kind: fault.Precondition, Code: "elsewhere", AADSTS: n, Text: "Something happened."}, ids)
			if e.Error != want {
				t.Errorf("AADSTS%d is %s, want %s", n, e.Error, want)
			}
		}
	}
}

func TestValueOfEachKind(t *testing.T) {
	for kind := fault.Kind(0); kind <= fault.Precondition+1; kind++ {
		e, status := oautherr.Describe(&fault.Error{Kind: kind, Code: "elsewhere", Text: "Something happened."}, ids)
		if !slices.Contains(registered, e.Error) || e.Error == "invalid_client" || status < 400 {
			t.Errorf("kind %d is %d %q", kind, status, e.Error)
		}
	}
}
