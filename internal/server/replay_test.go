package server_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/totp"
	"github.com/postern-id/postern/internal/server"
)

// create posts an object to Graph and returns its id.
func (w *world) create(path, body string) string {
	w.t.Helper()
	status, v := w.api(http.MethodPost, path, w.appToken(), body)
	if status != http.StatusCreated {
		w.t.Fatalf("POST %s: %d %v", path, status, v)
	}
	id, _ := v["id"].(string)
	return id
}

// change sends a change to Graph that answers nothing.
func (w *world) change(method, path, body string) {
	w.t.Helper()
	if status, v := w.api(method, path, w.appToken(), body); status != http.StatusNoContent {
		w.t.Fatalf("%s %s: %d %v", method, path, status, v)
	}
}

func (w *world) createUser(nick string) string {
	return w.create("/v1.0/users", fmt.Sprintf(`{"accountEnabled":true,"displayName":%q,"mailNickname":%q,"userPrincipalName":"%s@contoso.example"}`, nick, nick, nick))
}

func reference(id string) string {
	return fmt.Sprintf(`{"@odata.id":"https://graph.microsoft.com/v1.0/directoryObjects/%s"}`, id)
}

// export stops w and returns its whole log.
func (w *world) export() []byte {
	w.t.Helper()
	w.awaitSeal()
	w.close()
	var out bytes.Buffer
	if err := server.ExportLog(w.t.Context(), w.options, 0, &out); err != nil {
		w.t.Fatal(err)
	}
	return out.Bytes()
}

func write(t *testing.T, text []byte) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestRemovalsOfANewerLogAreDoneAgain(t *testing.T) {
	w := newWorld(t)
	w.server.Start()
	gone, off, left, demoted, wiped := w.createUser("gone"), w.createUser("off"), w.createUser("left"), w.createUser("demoted"), w.createUser("wiped")
	group := w.create("/v1.0/groups", `{"displayName":"Staff","mailNickname":"staff","securityEnabled":true,"mailEnabled":false}`)
	doomed := w.create("/v1.0/groups", `{"displayName":"Doomed","mailNickname":"doomed","securityEnabled":true,"mailEnabled":false}`)
	for _, id := range []string{left, demoted} {
		w.change(http.MethodPost, "/v1.0/groups/"+group+"/members/$ref", reference(id))
	}
	role := w.create("/v1.0/roleManagement/directory/roleAssignments",
		fmt.Sprintf(`{"principalId":%q,"roleDefinitionId":%q,"directoryScopeId":"/"}`, demoted, directory.HelpdeskAdministrator))
	recipient, identity := keyPair(t)
	file := w.backUp(recipient, false)

	w.change(http.MethodDelete, "/v1.0/users/"+gone, "")
	w.change(http.MethodPatch, "/v1.0/users/"+off, `{"accountEnabled":false}`)
	w.change(http.MethodDelete, "/v1.0/groups/"+group+"/members/"+left+"/$ref", "")
	w.change(http.MethodDelete, "/v1.0/roleManagement/directory/roleAssignments/"+role, "")
	w.change(http.MethodDelete, "/v1.0/groups/"+doomed, "")
	w.change(http.MethodDelete, "/v1.0/users/"+wiped, "")
	w.change(http.MethodDelete, "/v1.0/directory/deletedItems/"+wiped, "")
	w.change(http.MethodPatch, "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/TemporaryAccessPass",
		`{"@odata.type":"#microsoft.graph.temporaryAccessPassAuthenticationMethodConfiguration","state":"disabled"}`)
	later := w.createUser("later")
	w.change(http.MethodDelete, "/v1.0/users/"+later, "")
	export := w.export()

	done := w.restoreTo("", server.RestoreOptions{File: file, Identity: identity, SinceLog: write(t, export)})
	// wiped was deleted, then for good.
	if done.Replayed != 7 || done.Until.Before(done.CreatedAt) {
		t.Errorf("%d removals were done again, until %v", done.Replayed, done.Until)
	}
	if len(done.Unclear) != 1 || !strings.Contains(done.Unclear[0], "Policy") {
		t.Errorf("to be done by hand: %q", done.Unclear)
	}
	token := w.appToken()
	status := func(path string) int {
		t.Helper()
		code, _ := w.api(http.MethodGet, path, token, "")
		return code
	}
	for path, want := range map[string]int{
		"/v1.0/users/" + gone: http.StatusNotFound, "/v1.0/groups/" + doomed: http.StatusNotFound,
		"/v1.0/directory/deletedItems/" + gone: http.StatusOK, "/v1.0/directory/deletedItems/" + wiped: http.StatusNotFound,
		"/v1.0/users/" + wiped: http.StatusNotFound, "/v1.0/users/" + left: http.StatusOK,
		"/v1.0/roleManagement/directory/roleAssignments/" + role: http.StatusNotFound,
	} {
		if got := status(path); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	if _, v := w.api(http.MethodGet, "/v1.0/users/"+off+"?$select=accountEnabled", token, ""); v["accountEnabled"] != false {
		t.Errorf("the disabled person: %v", v)
	}
	if _, v := w.api(http.MethodGet, "/v1.0/groups/"+group+"/members", token, ""); len(v["value"].([]any)) != 1 {
		t.Errorf("the members: %v", v)
	}
	if reports, err := server.VerifyLog(t.Context(), w.options, nil, false); err != nil || reports[0].Report.Head.Epoch != 2 {
		t.Errorf("log verify: %+v, %v", reports, err)
	}
}

func TestANewerLogThatCannotBeTrustedStopsTheRestore(t *testing.T) {
	w := newWorld(t)
	w.server.Start()
	gone := w.createUser("gone")
	w.awaitSeal()
	recipient, identity := keyPair(t)
	early := w.backUp(recipient, false)
	w.awaitSeal()
	w.change(http.MethodDelete, "/v1.0/users/"+gone, "") // in a batch of its own
	export := w.export()
	lines := strings.SplitAfter(strings.TrimSuffix(string(export), "\n"), "\n")
	at := func(part string) int {
		for i, line := range lines {
			if strings.Contains(line, part) {
				return i
			}
		}
		t.Fatalf("no line has %s", part)
		return 0
	}
	without := func(i int) string { return strings.Join(append(append([]string{}, lines[:i]...), lines[i+1:]...), "") }
	key := w.options.Dir
	for name, text := range map[string]string{
		"an entry was changed":           strings.Replace(string(export), "Delete user", "Delxte user", 1),
		"an entry was left out":          without(at("Delete user")),
		"it ends before its checkpoint":  strings.Join(lines[:at("Delete user")+1], ""),
		"it has nothing newer":           strings.Join(lines[:at("Create backup")], ""),
		"it is no export":                "hello",
		"it is empty":                    "",
		"its last checkpoint is removed": without(len(lines) - 1),
	} {
		t.Run(name, func(t *testing.T) {
			o := server.Options{Dir: t.TempDir(), Log: w.options.Log}
			copyFile(t, filepath.Join(key, "master.key"), filepath.Join(o.Dir, "master.key"))
			_, err := server.Restore(t.Context(), o, server.RestoreOptions{File: early, Identity: identity, SinceLog: write(t, []byte(text))})
			if !errors.Is(err, server.ErrSinceLog) {
				t.Errorf("Restore: %v, want ErrSinceLog", err)
			}
			if left, _ := filepath.Glob(filepath.Join(o.Dir, "postern.db*")); len(left) > 0 {
				t.Errorf("%v is left behind", left)
			}
		})
	}
}

// Whatever was taken from a person's ways to sign in, and whichever device was taken out of use,
// stays so.
func TestMethodsAndDevicesOfANewerLogStayAway(t *testing.T) {
	w := newWorld(t)
	w.server.Start()
	m := newMachine(w)
	_, pass := w.issue(`{"isUsableOnce":false}`)
	device := m.join(m.token("admin@contoso.example", pass)).ObjectID
	w.enableCodes()
	add := func(nick string) (user, app string) {
		user, _ = w.atHome(nick)
		w.addApp(time.Now(), totp.SHA1)
		return user, w.codeOf(user)
	}
	removed, gone := add("ada")
	frozen, cold := add("bea")
	recipient, identity := keyPair(t)
	file := w.backUp(recipient, false)

	w.change(http.MethodDelete, "/v1.0/users/"+removed+"/authentication/softwareOathMethods/"+gone, "")
	w.change(http.MethodPost, "/v1.0/postern/users/"+frozen+"/methods/"+cold+"/freeze", "")
	w.change(http.MethodPatch, "/v1.0/devices/"+device, `{"accountEnabled":false}`)
	done := w.restoreTo("", server.RestoreOptions{File: file, Identity: identity, SinceLog: write(t, w.export())})
	if done.Replayed != 3 || len(done.Unclear) != 0 {
		t.Errorf("%d removals were done again, by hand: %q", done.Replayed, done.Unclear)
	}
	if app := w.codeOf(removed); app != "" {
		t.Errorf("a method that was removed is back: %s", app)
	}
	if _, v := w.api(http.MethodGet, "/v1.0/users/"+frozen+"/authentication/softwareOathMethods/"+cold+"?$select=postern_frozenDateTime", w.appToken(), ""); v["postern_frozenDateTime"] == nil {
		t.Errorf("a method that was frozen: %v", v)
	}
	if _, v := w.api(http.MethodGet, "/v1.0/devices/"+device, w.appToken(), ""); v["accountEnabled"] != false {
		t.Errorf("a device that was switched off: %v", v)
	}
}
