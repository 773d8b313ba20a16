package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/store"
)

func mark(t *testing.T, db *store.DB) time.Time {
	t.Helper()
	at, _, err := db.Clock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestTheTimeMarkMovesForwardOnly(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		db := open(t, c)
		if at := mark(t, db); !at.IsZero() {
			t.Errorf("a new store has the mark %v", at)
		}
		for _, to := range []time.Time{nine, nine.Add(time.Second), nine} {
			if err := db.MoveMark(t.Context(), to); err != nil {
				t.Fatal(err)
			}
		}
		if at := mark(t, db); !at.Equal(nine.Add(time.Second)) {
			t.Errorf("the mark is %v", at)
		}
		other := open(t, c)
		if at := mark(t, other); !at.Equal(nine.Add(time.Second)) {
			t.Errorf("another replica reads %v", at)
		}
	})
}

func TestOnlyPostgreSQLHasAClockOfItsOwn(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		_, at, err := open(t, c).Clock(t.Context())
		if err != nil || at.IsZero() != (c.Database == "") || !at.IsZero() && time.Since(at).Abs() > time.Minute {
			t.Errorf("%v, %v", at, err)
		}
	})
}

// A mark that an operator moves back must not bring back what had ended by the old one.
func TestWhatHadEndedByTheOldMarkStaysEnded(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		f := &signIns{fixture{open(t, c), c}}
		tenant, user := directory.TenantID(uuid.NewString()), directory.UserID(uuid.NewString())
		f.AddTenant(t, tenant, "contoso.example")
		f.AddUser(t, member(tenant, user))
		for _, end := range []time.Time{nine.Add(time.Hour), nine.Add(3 * time.Hour)} {
			f.exec(t, `
				INSERT INTO session (tenant_id, id, user_id, secret_hash, created_at, expires_at, last_seen_at, body)
				VALUES ($1, $2, $3, '', 0, $4, 0, '{}')`, tenant, uuid.NewString(), user, end.UnixMicro())
		}
		if err := f.MoveMark(t.Context(), nine.Add(2*time.Hour)); err != nil {
			t.Fatal(err)
		}
		before, err := f.AcceptClock(t.Context(), nine, []audit.Event{change(tenant)})
		if err != nil || !before.Equal(nine.Add(2*time.Hour)) {
			t.Fatalf("%v, %v", before, err)
		}
		if at := mark(t, f.DB); !at.Equal(nine) {
			t.Errorf("the mark is %v", at)
		}
		if n := number(t, f.DB, `SELECT COUNT(*) FROM session WHERE tenant_id = $1`, tenant); n != 1 {
			t.Errorf("%d sessions are left, want the one that had not ended", n)
		}
	})
}

func TestAPassThatWasSeenExpiredIsNotRedeemedBeforeItsEndAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		f := fixture{open(t, c), c}
		tenant, user := directory.TenantID(uuid.NewString()), directory.UserID(uuid.NewString())
		f.addUser(t, member(tenant, user))
		p := tap.Pass{
			Tenant: tenant, User: user, ID: uuid.NewString(), CreatedAt: nine, Start: nine, Lifetime: time.Hour,
			SingleUse: true, Incarnation: f.Incarnation,
		}
		if err := f.PutPass(t.Context(), p, change(tenant)); err != nil {
			t.Fatal(err)
		}
		within := nine.Add(time.Minute)
		if err := f.ReservePass(t.Context(), p, "before", within, within.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if err := f.NoteExpiry(t.Context(), p, change(tenant)); err != nil {
			t.Fatal(err)
		}
		if err := f.ReservePass(t.Context(), p, "after", within.Add(2*time.Minute), within.Add(3*time.Minute)); !errors.Is(err, tap.ErrExpired) {
			t.Errorf("reserve: %v", err)
		}
		if err := f.SpendPass(t.Context(), p, "before", within); !errors.Is(err, tap.ErrExpired) {
			t.Errorf("spend: %v", err)
		}
	})
}
