package graph_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

const (
	leavesAt   = "2027-03-31T00:00:00Z"
	leavesBody = `{"employeeLeaveDateTime":"` + leavesAt + `"}`
)

// leaver makes somebody whose leave date is set, and their manager and group, whatever w's application may.
func leaver(t *testing.T, w *world) string {
	t.Helper()
	u := person(w.tenant, "lea")
	u.EmployeeLeaveDateTime, u.Manager, u.ExternalID = time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC), w.admin.ID, "hr-1"
	check(t, w.db.CreateUser(t.Context(), u))
	return string(u.ID)
}

func TestWhenSomebodyLeavesIsToldToWhoMayKnow(t *testing.T) {
	tests := []struct {
		name        string
		permissions []string
		want        any
	}{
		{"an application with all of the directory", []string{"User.ReadWrite.All", "Directory.ReadWrite.All"}, nil},
		{"one that may know", []string{"User.ReadWrite.All", "Directory.ReadWrite.All", "User-LifeCycleInfo.Read.All"}, leavesAt},
		{"one that may change it", []string{"User.ReadWrite.All", "Directory.ReadWrite.All", "User-LifeCycleInfo.ReadWrite.All"}, leavesAt},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, test.permissions...)
			id := leaver(t, w)
			for _, path := range []string{
				"/v1.0/users/" + id + "?$select=id,employeeLeaveDateTime", "/v1.0/users?$select=id,employeeLeaveDateTime&$filter=startsWith(displayName,'lea')",
				"/v1.0/directoryObjects/" + id, "/v1.0/users/" + string(w.admin.ID) + "/directReports?$select=id,employeeLeaveDateTime",
			} {
				got := w.call(http.StatusOK, http.MethodGet, path, "")
				if all, ok := got["value"].([]any); ok && len(all) == 1 {
					got, _ = all[0].(map[string]any)
				}
				if got["id"] != id || got["employeeLeaveDateTime"] != test.want && !strings.HasPrefix(path, "/v1.0/directoryObjects/") {
					t.Errorf("%s: %v", path, got)
				}
				if s, ok := got["employeeLeaveDateTime"].(string); ok && test.want == nil {
					t.Errorf("%s tells %s", path, s)
				}
			}
			w.call(http.StatusBadRequest, http.MethodGet, "/v1.0/users?$filter=employeeLeaveDateTime+ge+2027-01-01T00:00:00Z&$count=true", "")
			w.call(http.StatusBadRequest, http.MethodGet, "/v1.0/users?$orderby=employeeLeaveDateTime", "")
			w.call(http.StatusNoContent, http.MethodDelete, "/v1.0/users/"+id, "")
			got := w.call(http.StatusOK, http.MethodGet, "/v1.0/directory/deletedItems/"+id, "")
			if got["id"] != id || got["employeeLeaveDateTime"] != nil {
				t.Errorf("among the deleted ones: %v", got)
			}
		})
	}
}

func TestWhenSomebodyLeavesIsChangedByWhoMayChangeIt(t *testing.T) {
	row := `{"columns":["externalId","employeeLeaveDateTime"],"rows":[{"values":["hr-1","` + leavesAt + `"]}]}`
	made := `{"accountEnabled":true,"displayName":"N","mailNickname":"n","userPrincipalName":"n@contoso.example",` + leavesBody[1:]
	tests := []struct {
		name                string
		permissions         []string
		patch, both, create int
		imported            string
	}{
		{"an application with all of the directory", []string{"User.ReadWrite.All", "Directory.ReadWrite.All"}, 403, 403, 403, "refused"},
		{"one that may only know", []string{"User.ReadWrite.All", "User-LifeCycleInfo.Read.All"}, 403, 403, 403, "refused"},
		{"one that may change nothing else", []string{"User.Read.All", "User-LifeCycleInfo.ReadWrite.All"}, 204, 403, 403, ""},
		{"one that may not read the rest", []string{"User-LifeCycleInfo.ReadWrite.All"}, 403, 403, 403, ""},
		{"one that may change all", []string{"User.ReadWrite.All", "User-LifeCycleInfo.ReadWrite.All"}, 204, 204, 201, "changed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, test.permissions...)
			id := leaver(t, w)
			// To set it to what it is would tell whether a guess is right.
			w.call(test.patch, http.MethodPatch, "/v1.0/users/"+id, leavesBody)
			w.call(test.both, http.MethodPatch, "/v1.0/users/"+id, `{"jobTitle":"Nurse",`+leavesBody[1:])
			w.call(test.create, http.MethodPost, "/v1.0/users", made)
			if test.imported == "" {
				w.call(http.StatusForbidden, http.MethodPost, "/v1.0/postern/imports", row)
				return
			}
			got := w.call(http.StatusOK, http.MethodPost, "/v1.0/postern/imports", row)
			rows, _ := got["rows"].([]any)
			if one, _ := rows[0].(map[string]any); one["outcome"] != test.imported {
				t.Errorf("imported: %v", got)
			}
		})
	}
}
