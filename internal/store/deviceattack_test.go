package store_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/store"
)

// A device that renews its certificate read its object before an administrator switched it
// off, and writes it afterwards.
func TestADeviceDoesNotSwitchItselfOnAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		db := open(t, c)
		s := seed("contoso.example")
		if err := db.CreateTenant(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		tenant, joined := s.Tenant.ID, func(directory.Device) audit.Event { return change(s.Tenant.ID) }
		join := func(key string) (directory.Device, error) {
			return db.JoinDevice(t.Context(), directory.Device{
				Tenant: tenant, ID: directory.DeviceObjectID(uuid.NewString()), DeviceID: uuid.NewString(), DisplayName: "LT-1", AccountEnabled: true,
				OperatingSystem: "Linux", TrustType: directory.TrustJoined, KeyThumbprint: key, KeyStorage: "software", Owner: s.Users[0].ID,
				RegisteredAt: nine, SeenAt: nine,
			}, 2, joined)
		}
		stale, err := join("key")
		if err != nil {
			t.Fatal(err)
		}
		off := stale
		off.AccountEnabled = false
		if err := db.UpdateDevice(t.Context(), off, nine, change(tenant)); err != nil {
			t.Fatal(err)
		}
		if err := db.UpdateDevice(t.Context(), stale, nine, change(tenant)); !errors.Is(err, directory.ErrDeviceChanged) {
			t.Errorf("what was read before: %v", err)
		}
		if _, err := join("key"); !errors.Is(err, directory.ErrDeviceDisabled) {
			t.Errorf("joining again: %v", err)
		}
		if d, err := db.DeviceByKey(t.Context(), tenant, "key"); err != nil || d.AccountEnabled {
			t.Errorf("the device is %+v, %v", d, err)
		}
		if _, err := join("another key"); err != nil {
			t.Errorf("another device: %v", err)
		}
		if _, err := join("a third key"); !errors.Is(err, directory.ErrDeviceQuota) {
			t.Errorf("beyond the quota: %v", err)
		}
	})
}
