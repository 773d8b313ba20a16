package store_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/membership"
	"github.com/postern-id/postern/internal/store"
)

// fleet is a tenant with n devices, LT-1 to LT-n.
func fleet(t testing.TB, c store.Config, n int) (*store.DB, directory.TenantID, directory.Device) {
	t.Helper()
	db, s := open(t, c), seed("contoso.example")
	if err := db.CreateTenant(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	tenant := s.Tenant.ID
	first, err := db.JoinDevice(t.Context(), directory.Device{
		Tenant: tenant, ID: directory.DeviceObjectID(uuid.NewString()), DeviceID: uuid.NewString(), DisplayName: "LT-1", AccountEnabled: true,
		OperatingSystem: "Linux", TrustType: directory.TrustJoined, KeyThumbprint: "key", KeyStorage: "software", Owner: s.Users[0].ID,
		RegisteredAt: nine, SeenAt: nine,
	}, 50, func(directory.Device) audit.Event { return change(tenant) })
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Exec(t.Context(), `
		WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
		INSERT INTO device (tenant_id, id, device_id, display_name, operating_system, trust_type, account_enabled, key_thumbprint, machine, owner_id, registered_at, seen_at, version, body)
		SELECT tenant_id, 'id-' || i, 'device-' || i, 'lt-' || i, operating_system, trust_type, account_enabled, 'key-' || i, '', owner_id, registered_at, seen_at, 0,
			replace(body, 'LT-1', 'LT-' || i)
		FROM device, n WHERE tenant_id = $2 AND n.i <= $1`, n, tenant); err != nil {
		t.Fatal(err)
	}
	return db, tenant, first
}

func ruled(tenant directory.TenantID, rule string) directory.Group {
	return directory.Group{
		Tenant: tenant, ID: directory.GroupID(uuid.NewString()), DisplayName: "G", MailNickname: "g", SecurityEnabled: true, CreatedDateTime: nine,
		GroupTypes: []string{directory.DynamicMembership}, MembershipRule: rule, ProcessingState: directory.RuleOn,
	}
}

func members(t testing.TB, db *store.DB, g directory.Group) int {
	t.Helper()
	return number(t, db, `SELECT COUNT(*) FROM group_link WHERE group_id = '`+string(g.ID)+`' AND relation = 'member'`)
}

func TestARuleIsHeldAgainstEveryDevice(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		db, tenant, _ := fleet(t, c, 1234) // more than a page of them
		g := ruled(tenant, `device.displayName -startsWith "LT-12"`)
		if err := db.CreateGroup(t.Context(), g, nil, nil, change(tenant)); err != nil {
			t.Fatal(err)
		}
		if got := members(t, db, g); got != 1+10+35 {
			t.Errorf("%d members", got)
		}
		g.MembershipRule = `device.displayName -startsWith "LT-123"`
		if err := db.UpdateGroup(t.Context(), g, nil, change(tenant)); err != nil {
			t.Fatal(err)
		}
		if got := members(t, db, g); got != 1+5 {
			t.Errorf("with another rule %d members", got)
		}
	})
}

// Devices change while rules do: in the end every group has whom its rule names.
func TestMembersAreNeverThoseOfAnEarlierRuleOrDevice(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		db, tenant, d := fleet(t, c, 20)
		g := ruled(tenant, `device.displayName -eq "A"`)
		if err := db.CreateGroup(t.Context(), g, nil, nil, change(tenant)); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		rename := func(name string) {
			for range 8 {
				now, err := db.Device(t.Context(), tenant, d.ID)
				if err != nil {
					t.Error(err)
					return
				}
				now.DisplayName = name
				if err := db.UpdateDevice(t.Context(), now, nine, change(tenant)); err != nil && !errors.Is(err, directory.ErrDeviceChanged) {
					t.Error(err)
				}
			}
		}
		all.Go(func() { rename("A") })
		all.Go(func() { rename("B") })
		all.Go(func() {
			for i := range 8 {
				now, err := db.Group(t.Context(), tenant, g.ID)
				if err != nil {
					t.Error(err)
					return
				}
				now.MembershipRule = fmt.Sprintf(`device.displayName -eq "%c"`, 'A'+i%2)
				if err := db.UpdateGroup(t.Context(), now, nil, change(tenant)); err != nil {
					t.Error(err)
				}
			}
		})
		all.Wait()
		now, err := db.Group(t.Context(), tenant, g.ID)
		if err != nil {
			t.Fatal(err)
		}
		last, err := db.Device(t.Context(), tenant, d.ID)
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		if strings.Contains(now.MembershipRule, `"`+last.DisplayName+`"`) {
			want = 1
		}
		if got := members(t, db, g); got != want {
			t.Errorf("the device is %s, the rule %s, and there are %d members", last.DisplayName, now.MembershipRule, got)
		}
	})
}

func TestATenantHasSoManyDynamicGroups(t *testing.T) {
	db, tenant, _ := fleet(t, dialects[0].place(t), 1)
	for i := range membership.MostGroups + 1 {
		err := db.CreateGroup(t.Context(), ruled(tenant, `device.model -eq "x"`), nil, nil, change(tenant))
		if want := i == membership.MostGroups; errors.Is(err, membership.ErrMany) != want || !want && err != nil {
			t.Fatalf("group %d: %v", i+1, err)
		}
	}
}

// BenchmarkRuleOfAFleet says what a change of a rule costs with 10,000 devices of which all
// come into the group or leave it.
func BenchmarkRuleOfAFleet(b *testing.B) {
	db, tenant, _ := fleet(b, dialects[0].place(b), 10000)
	g := ruled(tenant, `device.displayName -startsWith "none"`)
	if err := db.CreateGroup(b.Context(), g, nil, nil, change(tenant)); err != nil {
		b.Fatal(err)
	}
	for i := 0; b.Loop(); i++ {
		now, err := db.Group(b.Context(), tenant, g.ID)
		if err != nil {
			b.Fatal(err)
		}
		now.MembershipRule = []string{`device.displayName -startsWith "LT-"`, `device.displayName -startsWith "none"`}[i%2]
		if err := db.UpdateGroup(b.Context(), now, nil, change(tenant)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDeviceAmongRules says what a change of a device costs with 500 rules.
func BenchmarkDeviceAmongRules(b *testing.B) {
	db, tenant, d := fleet(b, dialects[0].place(b), 1)
	for range membership.MostGroups {
		if err := db.CreateGroup(b.Context(), ruled(tenant, `(device.operatingSystem -eq "BSD") and (device.displayName -startsWith "LAP-")`), nil, nil, change(tenant)); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		now, err := db.Device(b.Context(), tenant, d.ID)
		if err != nil {
			b.Fatal(err)
		}
		now.SeenAt = now.SeenAt.Add(time.Second)
		if err := db.UpdateDevice(b.Context(), now, nine, change(tenant)); err != nil {
			b.Fatal(err)
		}
	}
}
