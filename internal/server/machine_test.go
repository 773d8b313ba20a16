package server_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/server"
)

func TestATestMailGoesToWhoAskedOnceAMinute(t *testing.T) {
	w := newWorld(t)
	id := w.createUser("grace")
	w.change(http.MethodPatch, "/v1.0/users/"+id, `{"mail":"grace@contoso.example"}`)
	w.create("/v1.0/roleManagement/directory/roleAssignments",
		`{"roleDefinitionId":"`+string(directory.GlobalAdministrator)+`","principalId":"`+id+`","directoryScopeId":"/"}`)
	w.inConsole("grace@contoso.example", w.longPass(id))
	if a := w.post(administration+"/mail", nil); a.location != administration+"/mail?done=mail_sent" {
		t.Fatalf("%d %s\n%s", a.status, a.location, a.body)
	}
	if a := w.post(administration+"/mail", nil); a.status != http.StatusTooManyRequests && a.status != http.StatusSeeOther {
		t.Errorf("again: %d", a.status) // 303 where a new minute began
	}
	w.shows(w.get(administration+"/mail"), http.StatusOK, "Test mail", "Waits")
	if n := len(w.directoryAudits(w.appToken(), "Send test mail")); n < 1 || n > 2 {
		t.Errorf("%d events", n)
	}
	if status, _ := w.api(http.MethodPost, "/v1.0/postern/mails/test", w.appToken(), ""); status != http.StatusBadRequest {
		t.Errorf("for an application: %d", status)
	}
}

func TestTheLastBackupAndTheKeysAreShownToThoseWithARole(t *testing.T) {
	w := newWorld(t)
	pass := filepath.Join(t.TempDir(), "pass")
	if err := os.WriteFile(pass, []byte("a passphrase of some length"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := server.Backup(t.Context(), w.options, server.BackupOptions{File: filepath.Join(t.TempDir(), "b"), Passphrase: pass}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/v1.0/postern/about", "/v1.0/postern/keys"} {
		if status, _ := w.api(http.MethodGet, path, w.appToken(), ""); status != http.StatusForbidden {
			t.Errorf("%s, to an application without a role: %d", path, status)
		}
	}
	w.consoleAs("reader", directory.GlobalReader)
	w.shows(w.get(administration+"/backup"), http.StatusOK, "Last backup", "The master key is not in it")
	keys := w.get(administration + "/keys")
	for _, secret := range []string{"BEGIN", "PRIVATE", `"d"`} {
		if strings.Contains(keys.body, secret) {
			t.Errorf("%q is on the page of keys", secret)
		}
	}
}
