package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/device"
)

func TestAnAdministratorChangesWhoOwnsADevice(t *testing.T) {
	w := newWorld(t)
	_, pass := w.addPerson("mira@contoso.example")
	_, mira := w.api(http.MethodGet, "/v1.0/users/mira@contoso.example", w.appToken(), "")
	miraID, ada := mira["id"].(string), w.createUser("ada")
	own := newMachine(w)
	a := own.joinAs(device.Registered, "mira@contoso.example", pass)
	if a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}
	id, _ := w.json(a)["objectId"].(string)
	owners := "/v1.0/devices/" + id + "/registeredOwners"
	for what, try := range map[string]struct {
		method, path, body string
		status             int
	}{
		"a second owner":     {http.MethodPost, owners + "/$ref", reference(ada), http.StatusBadRequest},
		"the same once more": {http.MethodPost, owners + "/$ref", reference(miraID), http.StatusBadRequest},
		"a device as owner":  {http.MethodPost, owners + "/$ref", reference(id), http.StatusBadRequest},
		"who is none":        {http.MethodDelete, owners + "/" + ada + "/$ref", "", http.StatusNotFound},
	} {
		if status, v := w.api(try.method, try.path, w.appToken(), try.body); status != try.status {
			t.Errorf("%s: %d %v", what, status, v)
		}
	}
	w.change(http.MethodDelete, owners+"/"+miraID+"/$ref", "")
	if a := own.call(http.MethodGet, "/accounts/mira", "", nil); a.status != http.StatusNotFound || !strings.Contains(a.body, "userUnknown") {
		t.Errorf("without an owner it still knows mira: %d %s", a.status, a.body)
	}
	w.change(http.MethodPost, owners+"/$ref", reference(ada))
	if got := w.ids(owners); len(got) != 1 || got[0] != ada {
		t.Errorf("owners: %v", got)
	}
	if got := w.ids("/v1.0/devices/" + id + "/registeredUsers"); len(got) != 0 {
		t.Errorf("who owned it is still a user of it: %v", got)
	}
	for path, want := range map[string]int{"/accounts/ada": 200, "/accounts/mira": 404} {
		if a := own.call(http.MethodGet, path, "", nil); a.status != want {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	for _, activity := range []string{"Add registered owner to device", "Remove registered owner from device"} {
		if got := w.directoryAudits(w.appToken(), activity); len(got) != 1 {
			t.Errorf("%s: %v", activity, got)
		}
	}
}
