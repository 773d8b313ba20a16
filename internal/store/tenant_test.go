package store_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/keyring"
	"github.com/postern-id/postern/internal/store"
	"github.com/postern-id/postern/internal/webhook"
)

// seed returns a tenant with one of everything.
func seed(domain string) store.Seed {
	id := directory.TenantID(uuid.NewString())
	t := directory.Tenant{
		ID: id, DisplayName: "Contoso", CreatedAt: nine, TimeZone: "Europe/Berlin",
		Domains: []directory.Domain{{Name: domain, IsDefault: true, IsInitial: true, CreatedAt: nine}},
	}
	known := directory.WellKnown(t)
	user := member(id, directory.UserID(uuid.NewString()))
	group := directory.Group{Tenant: id, ID: directory.GroupID(uuid.NewString()), DisplayName: "Staff", CreatedDateTime: nine}
	return store.Seed{
		Tenant: t, Users: []directory.User{user}, Groups: []directory.Group{group},
		Keys:         []keyring.Key{{Tenant: string(id), ID: uuid.NewString(), Purpose: keyring.PassPepper, CreatedAt: nine, ActiveAt: nine}},
		Members:      map[directory.GroupID][]directory.Ref{group.ID: {{Kind: directory.KindUser, ID: string(user.ID)}}},
		Applications: known.Applications, Principals: known.ServicePrincipals, Grants: known.Grants,
		Events: []audit.Event{change(id)},
	}
}

// rows returns how many rows each table has that a seed writes to.
func rows(t *testing.T, db *store.DB) map[string]int {
	t.Helper()
	n := map[string]int{}
	for _, table := range []string{
		"tenant", "tenant_domain", "route", "tenant_key", "directory_user", "object_word", "directory_group",
		"group_link", "application", "service_principal", "permission_grant", "event",
	} {
		n[table] = number(t, db, `SELECT COUNT(*) FROM `+table)
	}
	return n
}

func TestADomainBelongsToOneTenant(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		db := open(t, c)
		first := seed("contoso.example")
		if err := db.CreateTenant(t.Context(), first); err != nil {
			t.Fatalf("CreateTenant: %v", err)
		}
		before := rows(t, db)
		for table, n := range before {
			if n == 0 {
				t.Errorf("nothing of the seed is in %s", table)
			}
		}
		second := seed("contoso.example")
		second.Tenant.Domains = append([]directory.Domain{{Name: "fabrikam.example"}}, second.Tenant.Domains...)
		if err := db.CreateTenant(t.Context(), second); !errors.Is(err, directory.ErrDomainTaken) {
			t.Errorf("CreateTenant: %v, want ErrDomainTaken", err)
		}
		for table, n := range rows(t, db) {
			if n != before[table] {
				t.Errorf("%s has %d rows, had %d", table, n, before[table])
			}
		}
		if owner, err := db.TenantOf(t.Context(), "contoso.example"); owner != first.Tenant.ID || err != nil {
			t.Errorf("TenantOf = %s, %v; want %s", owner, err, first.Tenant.ID)
		}
	})
}

func TestOfManyTenantsWithOneDomainOneIsCreated(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		db := open(t, c)
		results := make(chan error, 6)
		var all sync.WaitGroup
		for range cap(results) {
			all.Go(func() { results <- db.CreateTenant(t.Context(), seed("contoso.example")) })
		}
		all.Wait()
		won := 0
		for range cap(results) {
			switch err := <-results; {
			case err == nil:
				won++
			case !errors.Is(err, directory.ErrDomainTaken):
				t.Errorf("CreateTenant: %v, want ErrDomainTaken", err)
			}
		}
		if n := number(t, db, `SELECT COUNT(*) FROM tenant`); won != 1 || n != 1 {
			t.Errorf("%d calls succeeded and %d tenants are there, want 1", won, n)
		}
	})
}

// expiring says how rows of each table are made that end at $3 and belong to tenant $1.
var expiring = []struct {
	table, insert string
	keep          time.Duration // how long a row stays after its end
}{
	{"signin_transaction", `(tenant_id, id, secret_hash, created_at, expires_at, body) VALUES ($1, $2, '', 0, $3, '')`, time.Hour},
	{"session", `(tenant_id, id, user_id, secret_hash, created_at, expires_at, last_seen_at, body) VALUES ($1, $2, '', '', 0, $3, 0, '')`, 24 * time.Hour},
	{"session_credential", `(tenant_id, session_id, credential_id, expires_at) VALUES ($1, $2, '', $3)`, 24 * time.Hour},
	{"token_family", `(tenant_id, id, user_id, session_id, app_id, created_at, expires_at, body) VALUES ($1, $2, '', '', '', 0, $3, '')`, 24 * time.Hour},
	{"saml_participant", `(tenant_id, session_id, app_id, user_id, name_id, format, expires_at) VALUES ($1, $2, '', '', '', '', $3)`, 0},
	{"single_use_token", `(tenant_id, id, kind, family_id, secret_hash, created_at, expires_at, body) VALUES ($1, $2, '', '', '', 0, $3, '')`, 24 * time.Hour},
	{"device_code", `(tenant_id, id, secret_hash, user_code_hash, app_id, state, created_at, expires_at, body) VALUES ($1, $2, '', $2, '', '', 0, $3, '')`, time.Hour},
	{"pushed_request", `(tenant_id, id, secret_hash, app_id, expires_at, body) VALUES ($1, $2, '', '', $3, '')`, 5 * time.Minute},
	{"phone_request", `(tenant_id, user_id, id, transaction_id, created_at, ends_at, outcome, quiet_until, quiet_home_until, body) VALUES ($1, $2, '', '', 0, $3, '', 0, 0, '')`, 48 * time.Hour},
	{"phone_enrolment", `(tenant_id, id, user_id, session_id, code_hash, created_at, ends_at, body) VALUES ($1, $2, '', '', $2, 0, $3, '')`, time.Hour},
	{"throttle", `(tenant_id, bucket, failures, window_at, locked_until, lock_level, updated_at) VALUES ($1, $2, 0, 0, 0, 0, $3)`, 48 * time.Hour},
	{"last_sighting", `(tenant_id, user_id, at, spot) VALUES ($1, $2, $3, '{}')`, access.SightingKept},
	{"familiar_place", `(tenant_id, user_id, place_hash, first_at, last_at) VALUES ($1, '', $2, 0, $3)`, 400 * 24 * time.Hour},
	{"device_change", `(tenant_id, version, change, device_id, subject, at) VALUES ($1, $3, '', $2, '', $3)`, 24 * time.Hour},
	{"console_row", `(tenant_id, id, sealed, ends_at) VALUES ($1, $2, '', $3)`, 0},
	{"tally", `(tenant_id, name, day, n) VALUES ($1, $2, $3, 0)`, 400 * 24 * time.Hour},
	{"presentation", `(tenant_id, id, case_id, holder, asked_from, created_at, ends_at) VALUES ($1, $2, '', '', '', 0, $3)`, time.Hour},
	{"handover", `(tenant_id, id, case_id, pass_id, owner_id, reader_id, code_hash, sealed, created_at, ends_at) VALUES ($1, $2, '', '', '', '', $2, '', 0, $3)`, 30 * 24 * time.Hour},
	{"recovery_case", `(tenant_id, id, number, user_id, state, pass_id, opened_at, due_at, over_at, version, body) VALUES ($1, $2, $2, '', '', '', 0, 0, $3, 1, '')`, 400 * 24 * time.Hour},
	{"contact_change", `(tenant_id, user_id, property, changed_at) VALUES ($1, $2, '', $3)`, 400 * 24 * time.Hour},
	{"address_change", `(tenant_id, user_id, address, gone, ends_at) VALUES ($1, $2, '', TRUE, $3)`, 0},
	{"lifecycle_task", `(tenant_id, id, person_id, run_id, sequence, status, created_at, body) VALUES ($1, $2, '', '', 1, '', $3, '')`, 400 * 24 * time.Hour},
	{"lifecycle_person", `(tenant_id, id, run_id, workflow_id, version, execution, user_id, trigger_at, once, status, scheduled_at) VALUES ($1, $2, '', '', 1, '', '', 0, $2, '', $3)`, 400 * 24 * time.Hour},
	{"lifecycle_run", `(tenant_id, id, workflow_id, version, execution, status, scheduled_at, updated_at, gathering) VALUES ($1, $2, '', 1, '', '', $3, 0, 0)`, 400 * 24 * time.Hour},
	{"drill_practice", `(tenant_id, id, drill_id, user_id, quarter, state, ends_at, due_at, version, body) VALUES ($1, $2, $2, '', '', '', $3, 0, 1, '')`, 400 * 24 * time.Hour},
	{"drill", `(tenant_id, id, kind, quarter, began_at, ends_at, body) VALUES ($1, $2, '', '', 0, $3, '')`, 400 * 24 * time.Hour},
	{"webhook_delivery", `(tenant_id, id, webhook_id, type, created_at, state, body) VALUES ($1, $2, '', '', $3, '', '')`, webhook.Keep},
	{"seen_id", `(tenant_id, kind, id, until_at) VALUES ($1, '', $2, $3)`, 0},
}

func TestEachTableThatExpiresIsTried(t *testing.T) {
	var tried []string
	for _, x := range expiring {
		tried = append(tried, x.table)
	}
	for _, table := range store.ExpiringTables() {
		if !slices.Contains(tried, table) {
			t.Errorf("nothing holds when rows of %s go", table)
		}
	}
}

func TestWhatMeansNothingAnyMoreIsRemoved(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		db := open(t, c)
		const mine, other = "mine", "other"
		for _, x := range expiring {
			end := nine.Add(-x.keep)
			for _, row := range []struct {
				tenant, id string
				at         time.Time
			}{
				{mine, "a", end.Add(-2 * time.Microsecond)},
				{mine, "b", end.Add(-time.Microsecond)},
				{mine, "at the moment", end},
				{other, "a", end.Add(-time.Microsecond)},
			} {
				if err := db.Exec(t.Context(), `INSERT INTO `+x.table+` `+x.insert, row.tenant, row.id, row.at.UnixMicro()); err != nil {
					t.Fatalf("%s: %v", x.table, err)
				}
			}
		}
		for _, round := range []struct {
			name  string
			limit int
			want  int
			more  bool
		}{{"one at most", 1, 2, true}, {"the rest", 10, 1, false}, {"nothing is left to do", 10, 1, false}} {
			if more, err := db.RemoveExpired(t.Context(), mine, nine, round.limit); err != nil || more != round.more {
				t.Fatalf("%s: RemoveExpired = %v, %v", round.name, more, err)
			}
			for _, x := range expiring {
				if n := number(t, db, `SELECT COUNT(*) FROM `+x.table+` WHERE tenant_id = $1`, mine); n != round.want {
					t.Errorf("%s: %s has %d rows, want %d", round.name, x.table, n, round.want)
				}
			}
		}
		for _, x := range expiring {
			if n := number(t, db, `SELECT COUNT(*) FROM `+x.table+` WHERE tenant_id = $1`, other); n != 1 {
				t.Errorf("another tenant's row of %s is gone", x.table)
			}
		}
	})
}
