package server_test

import (
	"database/sql"
	"net/http"
	"path/filepath"
	"testing"
	"time"
)

func TestWhatWasDeletedThirtyDaysAgoGoesForGood(t *testing.T) {
	w := newWorld(t)
	app := w.appToken()
	add := func(path, body string) string {
		status, v := w.api(http.MethodPost, path, app, body)
		if status != http.StatusCreated {
			t.Fatalf("%s: %d %v", path, status, v)
		}
		return v["id"].(string)
	}
	user := func(name string) string {
		return add("/v1.0/users", `{"accountEnabled":true,"displayName":"`+name+`","mailNickname":"`+name+`","userPrincipalName":"`+name+`@contoso.example"}`)
	}
	old, fresh, application := user("old"), user("fresh"), add("/v1.0/applications", `{"displayName":"gone"}`)
	_, v := w.api(http.MethodGet, "/v1.0/applications/"+application, app, "")
	principal := add("/v1.0/servicePrincipals", `{"appId":"`+v["appId"].(string)+`"}`)
	for _, path := range []string{"/v1.0/users/" + old, "/v1.0/users/" + fresh, "/v1.0/applications/" + application} {
		if status, v := w.api(http.MethodDelete, path, app, ""); status != http.StatusNoContent {
			t.Fatalf("%s: %d %v", path, status, v)
		}
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.options.Dir, "postern.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for id, age := range map[string]time.Duration{
		old: 30*24*time.Hour + time.Minute, fresh: 30*24*time.Hour - time.Minute,
		application: 31 * 24 * time.Hour, principal: 31 * 24 * time.Hour,
	} {
		if _, err := db.Exec(`UPDATE deleted_object SET deleted_at = $1 WHERE id = $2`, time.Now().Add(-age).UnixMicro(), id); err != nil {
			t.Fatal(err)
		}
	}
	w.server.CleanOnce(t.Context())
	for id, want := range map[string]int{
		old: http.StatusNotFound, fresh: http.StatusOK, application: http.StatusNotFound, principal: http.StatusNotFound,
	} {
		if status, v := w.api(http.MethodGet, "/v1.0/directory/deletedItems/"+id, app, ""); status != want {
			t.Errorf("%s: %d %v, want %d", id, status, v, want)
		}
	}
	for activity, want := range map[string]int{"Hard+Delete+user": 1, "Hard+Delete+application": 1} {
		_, v := w.api(http.MethodGet, "/v1.0/auditLogs/directoryAudits?$filter=activityDisplayName+eq+'"+activity+"'", app, "")
		if found, ok := v["value"].([]any); !ok || len(found) != want {
			t.Errorf("%s: %v", activity, v)
		}
	}
}
