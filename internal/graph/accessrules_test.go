package graph_test

import (
	"testing"

	"github.com/postern-id/postern/internal/audit"
)

func TestTheLogSaysWhichRuleWasMadeAndWhichDeleted(t *testing.T) {
	w := newAccessWorld(t)
	const conditionalAccess, policy = audit.ServiceConditionalAccess, audit.CategoryPolicy
	for _, kind := range []struct {
		set, body         string
		added, deleted    string
		service, category string
	}{
		{caPolicies, policyFor("Mine", "disabled", everyApp, wantsMFA), audit.AddAccessPolicy, audit.DeleteAccessPolicy, conditionalAccess, policy},
		{caLocations, `{"@odata.type":"#microsoft.graph.ipNamedLocation","displayName":"Mine","ipRanges":[{"@odata.type":"#microsoft.graph.iPv4CidrRange","cidrAddress":"203.0.113.0/24"}]}`, audit.AddNamedLocation, audit.DeleteNamedLocation, conditionalAccess, policy},
		{caContexts, `{"id":"c7","displayName":"Mine"}`, audit.AddAuthenticationContext, audit.DeleteAuthenticationContext, conditionalAccess, policy},
		{strengths, `{"displayName":"Mine","allowedCombinations":["fido2"]}`, audit.StrengthPolicyCreate, audit.StrengthPolicyDelete, audit.ServiceAuthenticationMethods, audit.CategoryApplicationManagement},
	} {
		id := w.call(201, "POST", kind.set, kind.body)["id"].(string)
		w.call(204, "DELETE", kind.set+"/"+id, "")
		for activity, operation := range map[string]string{kind.added: audit.OperationAdd, kind.deleted: audit.OperationDelete} {
			all := w.eventsOf(activity)
			if len(all) != 1 {
				t.Fatalf("%d events %q", len(all), activity)
			}
			e := all[0].Change
			if e.Operation != operation || e.Service != kind.service || e.Category != kind.category || len(e.Targets) != 1 {
				t.Fatalf("%q tells %+v", activity, e)
			}
			on := e.Targets[0]
			if on.ID != id || on.DisplayName != "Mine" || on.Type != audit.TargetPolicy {
				t.Errorf("%q is about %+v", activity, on)
			}
			named := false
			for _, m := range on.Modified {
				was, is := "null", `"Mine"`
				if activity == kind.deleted {
					was, is = is, was
				}
				named = named || m.DisplayName == "displayName" && m.OldValue == was && m.NewValue == is
			}
			if !named {
				t.Errorf("%q tells of no name: %+v", activity, on.Modified)
			}
		}
	}
}
