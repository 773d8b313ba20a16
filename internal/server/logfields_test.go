package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// What docs of Microsoft Graph list for signIn (v1.0) and directoryAudit.
const (
	signInFields = `id createdDateTime userDisplayName userPrincipalName userId appId appDisplayName ipAddress clientAppUsed correlationId
		conditionalAccessStatus isInteractive riskDetail riskLevelAggregated riskLevelDuringSignIn riskState riskEventTypes riskEventTypes_v2
		resourceDisplayName resourceId status/errorCode status/failureReason status/additionalDetails deviceDetail/deviceId deviceDetail/displayName
		deviceDetail/operatingSystem deviceDetail/browser deviceDetail/isCompliant deviceDetail/isManaged deviceDetail/trustType location/city
		location/state location/countryOrRegion location/geoCoordinates appliedConditionalAccessPolicies`
	betaFields = `authenticationDetails authenticationMethodsUsed authenticationProcessingDetails authenticationProtocol authenticationRequirement
		authenticationRequirementPolicies authenticationContextClassReferences sessionLifetimePolicies networkLocationDetails appliedEventListeners
		homeTenantId resourceTenantId crossTenantAccessType tokenIssuerType flaggedForReview isTenantRestricted incomingTokenType servicePrincipalId
		servicePrincipalName sessionId signInEventTypes uniqueTokenIdentifier userAgent`
	auditFields = `id activityDateTime activityDisplayName additionalDetails category correlationId initiatedBy/user initiatedBy/app loggedByService
		operationType result resultReason targetResources`
)

func TestLogsHaveGraphsFields(t *testing.T) {
	w := newWorld(t)
	w.token(redeem(w.code("admin@contoso.example", w.created.Pass)))
	first := func(path string) map[string]any {
		t.Helper()
		status, v := w.api(http.MethodGet, path, w.appToken(), "")
		if list, _ := v["value"].([]any); status == http.StatusOK && len(list) > 0 {
			return list[0].(map[string]any)
		}
		t.Fatalf("%s: %d %v", path, status, v)
		return nil
	}
	has := func(what string, entry map[string]any, fields string) {
		t.Helper()
		for field := range strings.FieldsSeq(fields) {
			outer, inner, nested := strings.Cut(field, "/")
			v, ok := entry[outer]
			if nested && ok {
				_, ok = v.(map[string]any)[inner]
			}
			if !ok {
				t.Errorf("%s has no %s", what, field)
			}
		}
	}
	has("a sign-in", first("/v1.0/auditLogs/signIns"), signInFields)
	has("a sign-in of beta", first("/beta/auditLogs/signIns"), signInFields+" "+betaFields)
	audit := first("/v1.0/auditLogs/directoryAudits")
	has("a change", audit, auditFields)
	has("its target", audit["targetResources"].([]any)[0].(map[string]any), "id displayName type userPrincipalName groupType modifiedProperties")

	for kind, interactive := range map[string]any{"interactiveUser": true, "nonInteractiveUser": false, "servicePrincipal": false} {
		_, v := w.api(http.MethodGet, "/beta/auditLogs/signIns?$filter="+url.QueryEscape("signInEventTypes/any(t: t eq '"+kind+"')"), w.appToken(), "")
		list := v["value"].([]any)
		for _, one := range list {
			if m := one.(map[string]any); m["signInEventTypes"].([]any)[0] != kind || m["isInteractive"] != interactive {
				t.Errorf("among %s is %v", kind, m["signInEventTypes"])
			}
		}
		if len(list) == 0 && kind != "nonInteractiveUser" {
			t.Errorf("no %s", kind)
		}
	}
}
