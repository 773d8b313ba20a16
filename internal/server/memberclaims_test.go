package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"
)

const (
	readRole  = "7b1c52f0-0c0e-4c55-9d5e-2f6a3a9d4e21"
	adminRole = "7b1c52f0-0c0e-4c55-9d5e-2f6a3a9d4e22"
)

func appRole(id, value string) string {
	return fmt.Sprintf(`{"id":%q,"value":%q,"displayName":%q,"description":"x","isEnabled":true,"allowedMemberTypes":["User"]}`, id, value, value)
}

func TestTokensSayWhatAPersonBelongsToWhereTheApplicationAsks(t *testing.T) {
	w := newWorld(t)
	_, code := w.addPerson("mira@contoso.example")
	_, v := w.api(http.MethodGet, "/v1.0/users/mira@contoso.example", w.appToken(), "")
	mira := v["id"].(string)
	client := w.register(`{"displayName":"Orders","signInAudience":"AzureADMyOrg","publicClient":{"redirectUris":["http://localhost"]},
		"api":{"oauth2PermissionScopes":[{"id":"` + readRole + `","value":"orders","type":"User","isEnabled":true,"adminConsentDisplayName":"x","adminConsentDescription":"x"}]},
		"appRoles":[` + appRole(readRole, "Orders.Read") + `,` + appRole(adminRole, "Orders.Admin") + `]}`)
	_, all := w.api(http.MethodGet, "/v1.0/servicePrincipals(appId='"+client+"')", w.appToken(), "")
	principal := all["id"].(string)
	_, app := w.api(http.MethodGet, "/v1.0/applications(appId='"+client+"')", w.appToken(), "")
	path := "/v1.0/applications/" + app["id"].(string)
	group := func(name string) string {
		id := w.create("/v1.0/groups", fmt.Sprintf(`{"displayName":%q,"mailNickname":%q,"securityEnabled":true,"mailEnabled":false}`, name, name))
		w.change(http.MethodPost, "/v1.0/groups/"+id+"/members/$ref", reference(mira))
		return id
	}
	buyers, others := group("buyers"), group("others")
	w.create("/v1.0/users/"+mira+"/appRoleAssignments", fmt.Sprintf(`{"principalId":%q,"resourceId":%q,"appRoleId":%q}`, mira, principal, readRole))
	w.create("/v1.0/groups/"+buyers+"/appRoleAssignments", fmt.Sprintf(`{"principalId":%q,"resourceId":%q,"appRoleId":%q}`, buyers, principal, adminRole))

	w.code("mira@contoso.example", code)
	told := func() map[string]any { return claimsOf(t, w.tokensOf(client)["id_token"]) }
	list := func(v any) []string {
		var out []string
		if all, ok := v.([]any); ok {
			for _, one := range all {
				out = append(out, one.(string))
			}
		}
		slices.Sort(out)
		return out
	}
	c := told()
	if got := list(c["roles"]); !slices.Equal(got, []string{"Orders.Admin", "Orders.Read"}) || c["groups"] != nil || c["upn"] != nil {
		t.Errorf("not asked for anything: %v", c)
	}
	w.create("/v1.0/oauth2PermissionGrants", fmt.Sprintf(`{"clientId":%q,"consentType":"AllPrincipals","resourceId":%q,"scope":"orders"}`, principal, principal))
	f := redeem(w.codeIn(w.authorize(url.Values{"client_id": {client}, "prompt": {"none"}, "scope": {"openid api://" + client + "/orders"}})))
	f.Set("client_id", client)
	if _, v := w.token(f); !slices.Equal(list(claimsOf(t, v["access_token"])["roles"]), []string{"Orders.Admin", "Orders.Read"}) {
		t.Errorf("the API's own token: %v", claimsOf(t, v["access_token"]))
	}
	both := []string{buyers, others}
	slices.Sort(both)
	for claims, want := range map[string][]string{"SecurityGroup": both, "ApplicationGroup": {buyers}, "None": nil, "All": both} {
		w.change(http.MethodPatch, path, `{"groupMembershipClaims":"`+claims+`"}`)
		if got := list(told()["groups"]); !slices.Equal(got, want) {
			t.Errorf("%s: groups %v, want %v", claims, got, want)
		}
	}
	w.change(http.MethodPatch, path, `{"optionalClaims":{"idToken":[{"name":"upn"}]}}`)
	if c := told(); c["upn"] != "mira@contoso.example" {
		t.Errorf("optional claims: %v", c)
	}
	w.change(http.MethodPatch, path, `{"groupMembershipClaims":"SecurityGroup"}`)
	for i := range 200 {
		group(fmt.Sprintf("g%d", i))
	}
	c = told()
	names, _ := c["_claim_names"].(map[string]any)
	if c["groups"] != nil || names["groups"] != "src1" || c["_claim_sources"] == nil {
		t.Errorf("more groups than fit: %v", c)
	}
	if got := claimsOf(t, w.tokensOf(client)["access_token"]); got["groups"] != nil || got["roles"] != nil {
		t.Errorf("Graph's token is the application's business no more than before: %v", got)
	}
}
