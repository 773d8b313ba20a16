package store_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/hello"
)

// TestWhatCantBeReadIsListedAsSuchAndRemoved with all that came from it, and hides nothing else of the
// person: what came from a pass in the wrong hands ends all the same.
func TestWhatCantBeReadIsListedAsSuchAndRemoved(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			b := newCaseBench(t, d.place(t))
			must := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			device := b.pins.AddDevice(t, b.tenant, b.user)
			var bad method.Credential
			for range 2 {
				key := method.Credential{Tenant: b.tenant, ID: uuid.NewString(), User: b.user, Kind: "passkey", CreatedAt: nine, Name: "Key", Lookup: uuid.NewString()}
				bad = key
				must(b.AddCredential(t.Context(), key, method.Addition{Most: 99, Event: change(b.tenant)}))
			}
			all, err := b.Credentials(t.Context(), b.tenant, b.user)
			must(err)
			c := hello.Container{Tenant: b.tenant, ID: uuid.NewString(), Device: device, User: b.user, CreatedAt: nine}
			b.exec(t, `UPDATE device SET owner_id = $1 WHERE id = $2`, string(b.user), string(device))
			must(b.BeginContainer(t.Context(), c))
			c.Method, c.RegisteredAt, c.Key = uuid.NewString(), nine, []byte("key")
			_, err = b.RegisterKey(t.Context(), c, change(b.tenant), nil)
			must(err)
			b.exec(t, `UPDATE credential SET body = '{"name": 4711}' WHERE id = $1`, bad.ID)
			b.exec(t, `UPDATE pin_container SET body = '{"deviceId": 4711}' WHERE id = $1`, c.ID)
			b.exec(t, `UPDATE device SET body = '{"displayName": 4711}' WHERE id = $1`, string(device))

			now, err := b.Credentials(t.Context(), b.tenant, b.user)
			must(err)
			i := slices.IndexFunc(now, func(c method.Credential) bool { return c.Unreadable })
			if len(now) != len(all) || i < 0 || now[i].ID != bad.ID || now[i].Kind != "passkey" || now[i].Works() || !now[i].CreatedAt.Equal(nine) || now[i].Name != "" {
				t.Fatalf("the list is %+v", now)
			}
			pins, err := b.ContainersOf(t.Context(), b.tenant, b.user)
			must(err)
			if len(pins) != 1 || !pins[0].Unreadable || pins[0].Method != c.Method || !pins[0].RegisteredAt.Equal(nine) {
				t.Errorf("PINs are %+v", pins)
			}
			owned, err := b.DevicesOf(t.Context(), b.tenant, b.user)
			must(err)
			if len(owned) != 1 || !owned[0].Unreadable || owned[0].ID != device || owned[0].Usable() == nil {
				t.Errorf("devices are %+v", owned)
			}
			page, _, err := b.Devices(t.Context(), b.tenant, nil, nil, nil, 10)
			if err != nil || !slices.ContainsFunc(page, func(d directory.Device) bool { return d.ID == device && d.Unreadable }) {
				t.Errorf("all devices are %+v, %v", page, err)
			}
			for what, err := range map[string]error{
				"a method": second(b.Credential(t.Context(), b.tenant, bad.ID)), "a key": second(b.CredentialBy(t.Context(), b.tenant, bad.Kind, bad.Lookup)),
				"a PIN": second(b.ContainerOf(t.Context(), b.tenant, c.Method)), "a device": second(b.Device(t.Context(), b.tenant, device)),
			} {
				if !errors.Is(err, directory.ErrUnreadable) {
					t.Errorf("%s that can't be read is taken: %v", what, err)
				}
			}

			// Nobody knows that they did not come from the case.
			gone, err := b.Quarantine(t.Context(), b.quarantine())
			if err != nil || len(gone.PINs) != 1 || !slices.ContainsFunc(gone.Credentials, func(c method.Credential) bool { return c.ID == bad.ID }) {
				t.Errorf("Quarantine = %+v, %v", gone, err)
			}
			if pins, err = b.ContainersOf(t.Context(), b.tenant, b.user); err != nil || len(pins) != 0 {
				t.Errorf("the PIN is left: %+v, %v", pins, err)
			}
			must(b.RemoveCredential(t.Context(), now[i], nine, change(b.tenant)))
			if now, err = b.Credentials(t.Context(), b.tenant, b.user); err != nil || len(now) != len(all)-1 {
				t.Errorf("left are %+v, %v", now, err)
			}
		})
	}
}

// second is the error of a call.
func second[T any](_ T, err error) error { return err }
