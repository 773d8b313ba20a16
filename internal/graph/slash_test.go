package graph_test

import "testing"

// Some of Graph's pages write …/runs/ and …/deletedItems/workflows/{id}/.
func TestAPathMayEndWithOneSlash(t *testing.T) {
	w := newWorld(t, "User.ReadWrite.All", "LifecycleWorkflows.ReadWrite.All")
	nia := person(w.tenant, "nia")
	created := w.call(201, "POST", "/v1.0/users/", `{"accountEnabled":true,"displayName":"Nia","mailNickname":"nia","userPrincipalName":"`+nia.UserPrincipalName+`"}`)
	id := created["id"].(string)
	for _, path := range []string{"/v1.0/users/" + id + "/", "/v1.0/users/" + nia.UserPrincipalName + "/", "/v1.0/users('" + id + "')/"} {
		if found := w.call(200, "GET", path, ""); found["id"] != id {
			t.Errorf("%s is %v", path, found)
		}
	}
	w.call(200, "GET", "/v1.0/identityGovernance/lifecycleWorkflows/deletedItems/workflows/", "")
	w.call(403, "GET", "/v1.0/groups/", "")
	w.call(404, "GET", "/v1.0/", "")
	w.call(404, "GET", "/v1.0/no/such/thing/", "")
}
