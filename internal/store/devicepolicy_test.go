package store_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/store"
)

func policyOf(tenant directory.TenantID, name string) devicepolicy.Policy {
	return devicepolicy.Policy{
		Tenant: tenant, ID: uuid.NewString(), Name: name, Description: "For everybody", Tags: []string{"0"}, Platforms: "linux",
		Settings: map[string]devicepolicy.Value{
			devicepolicy.EnableWebSignIn: devicepolicy.IntValue(1), devicepolicy.EnablePINRecovery: devicepolicy.BoolValue(false),
			devicepolicy.HelpText: devicepolicy.TextValue("Call 1234"), devicepolicy.WebSignInAllowedURLs: devicepolicy.ListValue("a.example", "b.example"),
		},
		Assignments: []devicepolicy.Assignment{{Target: devicepolicy.AllDevices}}, CreatedAt: nine, ModifiedAt: nine,
	}
}

// tenantOf makes a tenant in db.
func tenantOf(t *testing.T, db *store.DB, domain string) directory.TenantID {
	t.Helper()
	s := seed(domain)
	if err := db.CreateTenant(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return s.Tenant.ID
}

func TestADevicePolicyIsKeptWithItsEvents(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		db := open(t, c)
		tenant, other := tenantOf(t, db, "contoso.example"), tenantOf(t, db, "fabrikam.example")
		p := policyOf(tenant, "Web sign-in")
		before := number(t, db, `SELECT COUNT(*) FROM event`)
		events := func(want int) {
			t.Helper()
			if n := number(t, db, `SELECT COUNT(*) FROM event`) - before; n != want {
				t.Errorf("%d events are recorded, want %d", n, want)
			}
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(db.CreateDevicePolicy(t.Context(), p, 2, change(tenant)))
		got, err := db.DevicePolicy(t.Context(), tenant, p.ID)
		must(err)
		if got.Name != p.Name || got.Description != p.Description || got.Platforms != "linux" || !got.CreatedAt.Equal(nine) || got.Version != 1 || len(got.Tags) != 1 {
			t.Errorf("it is read as %+v", got)
		}
		for uri, v := range p.Settings {
			if !got.Settings[uri].Equal(v) {
				t.Errorf("%s is %v, want %v", uri, got.Settings[uri], v)
			}
		}
		events(1)

		got.Name, got.ModifiedAt, got.Assignments = "Later", nine.Add(time.Hour), nil
		must(db.UpdateDevicePolicy(t.Context(), got, change(tenant)))
		if err := db.UpdateDevicePolicy(t.Context(), got, change(tenant)); !errors.Is(err, devicepolicy.ErrPolicyChanged) {
			t.Errorf("an old version is stored: %v", err)
		}
		later, err := db.DevicePolicy(t.Context(), tenant, p.ID)
		must(err)
		if later.Name != "Later" || later.Version != 2 || len(later.Assignments) != 0 || !later.ModifiedAt.Equal(nine.Add(time.Hour)) || !later.CreatedAt.Equal(nine) {
			t.Errorf("after the change it is %+v", later)
		}
		events(2)

		must(db.CreateDevicePolicy(t.Context(), policyOf(tenant, "Second"), 2, change(tenant)))
		if err := db.CreateDevicePolicy(t.Context(), policyOf(tenant, "Third"), 2, change(tenant)); !errors.Is(err, devicepolicy.ErrPolicyMany) {
			t.Errorf("a third of two is stored: %v", err)
		}
		page, position, err := db.ListDevicePolicies(t.Context(), tenant, nil, nil, nil, 1)
		must(err)
		rest, last, err := db.ListDevicePolicies(t.Context(), tenant, nil, nil, position, 1)
		must(err)
		if len(page) != 1 || len(rest) != 1 || page[0].ID == rest[0].ID || last != nil {
			t.Errorf("the pages are %v and %v", page, rest)
		}

		if found, err := db.DevicePolicies(t.Context(), other); err != nil || len(found) != 0 {
			t.Errorf("another tenant has %v, %v", found, err)
		}
		stolen := later
		stolen.Tenant = other
		for what, err := range map[string]error{
			"change":     db.UpdateDevicePolicy(t.Context(), stolen, change(other)),
			"deletion":   db.DeleteDevicePolicy(t.Context(), devicepolicy.Policy{Tenant: other, ID: p.ID}, change(other)),
			"one unread": func() error { _, err := db.DevicePolicy(t.Context(), other, p.ID); return err }(),
		} {
			if !errors.Is(err, devicepolicy.ErrPolicyUnknown) {
				t.Errorf("%s by another tenant: %v", what, err)
			}
		}
		events(3)
		must(db.DeleteDevicePolicy(t.Context(), devicepolicy.Policy{Tenant: tenant, ID: p.ID}, change(tenant)))
		if err := db.DeleteDevicePolicy(t.Context(), devicepolicy.Policy{Tenant: tenant, ID: p.ID}, change(tenant)); !errors.Is(err, devicepolicy.ErrPolicyUnknown) {
			t.Errorf("it is deleted twice: %v", err)
		}
		if err := db.UpdateDevicePolicy(t.Context(), later, change(tenant)); !errors.Is(err, devicepolicy.ErrPolicyUnknown) {
			t.Errorf("what is gone is changed: %v", err)
		}
		events(4)
	})
}

func TestOfManyChangesOfOneDevicePolicyOneWins(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		db := open(t, c)
		tenant := tenantOf(t, db, "contoso.example")
		p := policyOf(tenant, "Web sign-in")
		if err := db.CreateDevicePolicy(t.Context(), p, 1, change(tenant)); err != nil {
			t.Fatal(err)
		}
		p.Version = 1
		var group sync.WaitGroup
		results := make(chan error, 8)
		for range cap(results) {
			group.Go(func() { results <- db.UpdateDevicePolicy(t.Context(), p, change(tenant)) })
		}
		group.Wait()
		won := 0
		for range cap(results) {
			switch err := <-results; {
			case err == nil:
				won++
			case !errors.Is(err, devicepolicy.ErrPolicyChanged):
				t.Error(err)
			}
		}
		if won != 1 {
			t.Errorf("%d won", won)
		}
	})
}
