package race

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/postern-id/postern/test/live"
)

// Template ids of roles.
const (
	globalAdministrator     = "62e90394-69f5-4237-9190-012177145e10"
	privilegedAdministrator = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13" // Privileged Authentication Administrator
)

// mayTouchAdministrators gives the house's application the role that it needs beside its
// permissions.
func (k *track) mayTouchAdministrators(t *testing.T) {
	t.Helper()
	self, err := k.Self()
	if err != nil {
		t.Fatal(err)
	}
	k.assign(t, self, privilegedAdministrator)
}

// assign gives a role; to have it already is fine.
func (k *track) assign(t *testing.T, principal, role string) {
	t.Helper()
	body := fmt.Sprintf(`{"principalId":%q,"roleDefinitionId":%q,"directoryScopeId":"/"}`, principal, role)
	status, err := k.Do(t.Context(), k.server(0), http.MethodPost, "/v1.0/roleManagement/directory/roleAssignments", body, nil)
	if err != nil || status != http.StatusCreated && status != http.StatusBadRequest && status != http.StatusConflict {
		t.Fatalf("assign the role: %d %v", status, err)
	}
}

func lastAdministrator(t *testing.T, k *track) {
	const others = 3
	k.mayTouchAdministrators(t)
	for range others {
		user, _ := k.person(t)
		k.assign(t, user, globalAdministrator)
	}
	type assignment struct{ ID, PrincipalID string }
	list := func() []assignment {
		all, err := live.List[assignment](t.Context(), k.Graph, k.server(0), "/v1.0/roleManagement/directory/roleAssignments?$filter="+
			url.QueryEscape("roleDefinitionId eq '"+globalAdministrator+"'"))
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	before := list()
	if len(before) < others+1 {
		t.Fatalf("%d administrators", len(before))
	}
	// Each loses the role one way or another: unassigned, disabled, deleted.
	removed := 0
	for i, status := range live.AtOnce(len(before), func(i int) int {
		method, path, body := http.MethodDelete, "/v1.0/roleManagement/directory/roleAssignments/"+before[i].ID, ""
		switch i % 3 {
		case 1:
			path = "/v1.0/users/" + before[i].PrincipalID
		case 2:
			method, path, body = http.MethodPatch, "/v1.0/users/"+before[i].PrincipalID, `{"accountEnabled":false}`
		}
		status, err := k.Do(t.Context(), k.server(i), method, path, body, nil)
		if err != nil {
			t.Error(err)
		}
		return status
	}) {
		switch {
		case status == http.StatusNoContent:
			removed++
		case status < 400 || status > 499:
			t.Errorf("removal %d: %d", i, status)
		}
	}
	if removed != len(before)-1 {
		t.Errorf("%d of %d administrators were removed", removed, len(before))
	}
	able := 0
	for _, a := range list() {
		var user struct{ AccountEnabled bool }
		if _, err := k.Do(t.Context(), k.server(0), http.MethodGet, "/v1.0/users/"+a.PrincipalID+"?$select=accountEnabled", "", &user); err != nil {
			t.Error(err)
		}
		if user.AccountEnabled {
			able++
		}
	}
	if able != 1 {
		t.Errorf("%d Global Administrators can sign in", able)
	}
}
