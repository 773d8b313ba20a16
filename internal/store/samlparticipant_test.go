package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/samlidp"
	"github.com/postern-id/postern/internal/signin"
	"github.com/postern-id/postern/internal/store"
)

func TestApplicationsHavePartInSessionsThatLive(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		db := open(t, c)
		const tenant, other = directory.TenantID("7b1c52f0-0c0e-4c55-9d5e-2f6a3a9d4e01"), directory.TenantID("7b1c52f0-0c0e-4c55-9d5e-2f6a3a9d4e02")
		for _, s := range []struct {
			tenant directory.TenantID
			id     string
			ended  int64
		}{{tenant, "one", 0}, {tenant, "two", 0}, {tenant, "ended", 1}, {other, "one", 0}} {
			if err := db.Exec(t.Context(), `INSERT INTO session (tenant_id, id, user_id, secret_hash, created_at, expires_at, last_seen_at, ended_at, body)
				VALUES ($1, $2, 'mira', '', 0, $3, 0, $4, '')`, s.tenant, s.id, nine.UnixMicro(), s.ended); err != nil {
				t.Fatal(err)
			}
		}
		part := func(tenant directory.TenantID, session string, app directory.AppID, name string) error {
			p := samlidp.Participant{Tenant: tenant, Session: session, App: app, User: "mira", Name: name, Format: "f", ExpiresAt: nine.Add(time.Hour)}
			return db.Participate(t.Context(), p, audit.Event{Tenant: string(tenant), ID: uuid.NewString(), At: nine, SignIn: &audit.SignIn{}})
		}
		for _, x := range []struct {
			tenant  directory.TenantID
			session string
			app     directory.AppID
			name    string
			want    error
		}{
			{tenant, "one", "orders", "first", nil},
			{tenant, "one", "orders", "mira", nil}, // once more, by another name
			{tenant, "one", "bills", "pairwise", nil},
			{tenant, "two", "orders", "mira", nil},
			{other, "one", "orders", "mira", nil},
			{tenant, "ended", "orders", "mira", signin.ErrGone},
			{tenant, "nobody's", "orders", "mira", signin.ErrGone},
		} {
			if err := part(x.tenant, x.session, x.app, x.name); !errors.Is(err, x.want) {
				t.Fatalf("%+v: %v", x, err)
			}
		}
		in, err := db.ParticipantsOf(t.Context(), tenant, "one")
		if err != nil || len(in) != 2 || in[0].App != "bills" || in[1].Name != "mira" || in[1].User != "mira" || !in[1].ExpiresAt.Equal(nine.Add(time.Hour)) {
			t.Errorf("of a session: %+v, %v", in, err)
		}
		by, err := db.ParticipantsBy(t.Context(), tenant, "orders", "mira")
		if err != nil || len(by) != 2 || by[0].Session != "one" || by[1].Session != "two" {
			t.Errorf("by name: %+v, %v", by, err)
		}
		if none, err := db.ParticipantsBy(t.Context(), tenant, "orders", "first"); err != nil || len(none) != 0 {
			t.Errorf("by a name that it had before: %+v, %v", none, err)
		}
	})
}
