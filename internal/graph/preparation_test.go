package graph_test

import (
	"testing"
	"time"

	"github.com/postern-id/postern/internal/directory"
)

// Preparing a device shuts out who uses it, and so does not go beyond the reach of who prepares.
func TestNobodyTakesADeviceByPreparingItFromThoseBeyondTheirReach(t *testing.T) {
	const devices = "Directory.ReadWrite.All"
	w := newWorld(t, devices)
	mira, boss := w.member("mira"), w.member("boss", directory.GlobalReader)
	eve := w.member("eve")
	tech := w.member("theo", directory.AuthenticationAdministrator)
	manager := w.member("cleo", directory.CloudDeviceAdministrator)
	tokens := map[directory.UserID]string{tech.ID: w.signIn(tech, devices), manager.ID: w.signIn(manager, devices), mira.ID: w.signIn(mira, devices)}

	waiting := &directory.Preparation{User: mira.ID, By: w.admin.ID, At: time.Now()}
	handed := &directory.Preparation{User: mira.ID, By: w.admin.ID, At: time.Now(), HandedOverAt: time.Now()}
	for _, c := range []struct {
		name     string
		owner    directory.UserID
		prepared *directory.Preparation
		by       directory.UserID
		status   int
	}{
		{"one in use that somebody else joined", mira.ID, nil, tech.ID, 403},
		{"one that they joined", tech.ID, nil, tech.ID, 200},
		{"one in use without an owner", "", nil, tech.ID, 403},
		{"one in use, by who may switch it off", mira.ID, nil, manager.ID, 200},
		{"one that waits", w.admin.ID, waiting, tech.ID, 200},
		{"one that was handed over to somebody within their reach", mira.ID, handed, tech.ID, 200},
		{"one that was handed over to somebody with a role", boss.ID, handed, tech.ID, 403},
		{"one that was handed over, by its owner without a role", mira.ID, handed, mira.ID, 403},
	} {
		d := w.device(directory.TrustJoined)
		d.Owner, d.Preparation = c.owner, c.prepared
		check(t, w.db.UpdateDevice(t.Context(), d, time.Now(), w.event()))
		path := "/v1.0/postern/devices/" + string(d.ID) + "/preparation"
		back := w.as(tokens[c.by])
		if c.prepared != nil {
			if got := w.status("DELETE", path, ""); (got == 204) != (c.status == 200) {
				t.Errorf("%s: its preparation is ended: %d", c.name, got)
			}
			back()
			now, err := w.db.Device(t.Context(), w.tenant.ID, d.ID)
			check(t, err)
			now.Owner, now.Preparation = c.owner, c.prepared
			check(t, w.db.UpdateDevice(t.Context(), now, time.Now(), w.event()))
			back = w.as(tokens[c.by])
		}
		if got := w.status("PUT", path, `{"userId":"`+string(eve.ID)+`"}`); got != c.status {
			t.Errorf("%s is prepared: %d", c.name, got)
		}
		back()
	}
}
