package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/postern-id/postern/test/live"
)

// policies is how many rules of Conditional Access a tenant has that tokens are measured under.
const policies = 500

// addPolicies gives the house that many: each hundredth is for all applications and asks where they
// come from, the others are for people.
func addPolicies(ctx context.Context, h *live.House, server string) error {
	g, err := h.Graph(ctx, server)
	if err != nil {
		return err
	}
	const root = "/v1.0/identity/conditionalAccess/"
	var place struct {
		ID string `json:"id"`
	}
	status, err := g.Do(ctx, server, http.MethodPost, root+"namedLocations", `{"@odata.type":"#microsoft.graph.ipNamedLocation","displayName":"Nowhere",
		"ipRanges":[{"@odata.type":"#microsoft.graph.iPv4CidrRange","cidrAddress":"192.0.2.0/24"}]}`, &place)
	if err == nil && status != http.StatusCreated {
		err = fmt.Errorf("name a location: %d", status)
	}
	if err != nil {
		return err
	}
	for i := range policies {
		who := `"users":{"includeRoles":["e8611ab8-c189-46e8-94e1-60213ab1f814"]}`
		grant := "mfa"
		if i%100 == 0 {
			who = `"clientApplications":{"includeServicePrincipals":["ServicePrincipalsInMyTenant"]},"locations":{"includeLocations":["` + place.ID + `"]}`
			grant = "block"
		}
		body := fmt.Sprintf(`{"displayName":"CA%03d","state":"enabled","postern_force":true,"conditions":{%s,"applications":{"includeApplications":["All"]}},
			"grantControls":{"operator":"OR","builtInControls":[%q]}}`, i, who, grant)
		status, err := g.Do(ctx, server, http.MethodPost, root+"policies", body, nil)
		if err == nil && status != http.StatusCreated {
			err = fmt.Errorf("add policy %d: %d", i, status)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
