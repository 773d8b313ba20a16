// Package taptest tests what stores of passes promise: [tap.Store].
package taptest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/tap"
)

// Fixture is a store under test, with what the suite needs beside its contract.
type Fixture interface {
	tap.Store
	// Incarnation returns the id of the store's present life.
	Incarnation() string
	// AddUser stores an enabled user.
	AddUser(t testing.TB, tenant directory.TenantID, user directory.UserID)
	// The policy is saved as that of every method is.
	method.Policies
	// Spend marks p used for the transaction that reserved it.
	Spend(ctx context.Context, p tap.Pass, transaction string, at time.Time) error
	// SignInWith stores a session and a token family that came from p.
	SignInWith(t testing.TB, p tap.Pass)
	// Living returns how many sessions and token families of the user have not ended.
	Living(t testing.TB, tenant directory.TenantID, user directory.UserID) (sessions, families int)
	// Events returns how many events the tenant has.
	Events(t testing.TB, tenant directory.TenantID) int
}

// nine is when the suite's passes begin; they live for an hour.
var nine = time.Date(2026, 11, 2, 9, 0, 0, 123456000, time.UTC)

// Store tests the stores that open returns; each is empty and closed by its test.
func Store(t *testing.T, open func(testing.TB) Fixture) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, b *bench)
	}{
		{"a user without a pass has none", noPass},
		{"a pass comes back as it was put", comesBack},
		{"a new pass replaces the old one and ends what came from it", replaces},
		{"a pass for a user who is gone is not stored", userGone},
		{"a deleted pass is gone with all that came from it", deletes},
		{"the wrong id deletes nothing", deletesOther},
		{"another tenant's pass can't be seen or touched", tenants},
		{"of many concurrent transactions one reserves the pass", race},
		{"a reservation is checked at every boundary", boundaries},
		{"the same transaction may reserve again", reservesAgain},
		{"a reservation that ran out goes to another transaction", runsOut},
		{"a spent pass can't be reserved", spent},
		{"a deleted or replaced pass can't be reserved", reservesReplaced},
		{"a pass for many uses is checked and not reserved", manyUses},
		{"a released pass goes to another transaction", releases},
		{"only the holder releases", releasesOther},
		{"a pass of an earlier incarnation is seen and can't be reserved", earlierLife},
		{"ended passes are listed oldest first, up to the limit", lists},
		{"an expiry is noted once", notes},
		{"of many concurrent notes of an expiry one is recorded", notesRace},
		{"ended passes are removed with an event each", removes},
		{"a tenant that saved no policy has the default", defaultPolicy},
		{"a saved policy comes back", savesPolicy},
		{"a policy from an old version changes nothing", stalePolicy},
		{"of many concurrent savers of a policy one wins", policyRace},
		{"a change whose event can't be recorded is not made", together},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, newBench(t, open(t))) })
	}
}

// bench is a store with a tenant and a user of its own.
type bench struct {
	Fixture
	tenant directory.TenantID
	user   directory.UserID
	issuer directory.UserID
}

func newBench(t *testing.T, f Fixture) *bench {
	t.Helper()
	b := &bench{f, directory.TenantID(uuid.NewString()), directory.UserID(uuid.NewString()), directory.UserID(uuid.NewString())}
	f.AddUser(t, b.tenant, b.user)
	f.AddUser(t, b.tenant, b.issuer)
	return b
}

// pass returns a one-time pass of b's user that nobody has stored yet.
func (b *bench) pass() tap.Pass {
	return tap.Pass{
		Tenant: b.tenant, User: b.user, ID: uuid.NewString(), CreatedAt: nine.Add(-time.Minute),
		Start: nine, Lifetime: time.Hour, SingleUse: true, Purpose: "recovery",
		Issuer: tap.Issuer{User: b.issuer, DisplayName: "Zoë <Admin>"}, Reason: "new phone", Ticket: "INC-7",
		Check: tap.IdentityCheck{How: tap.CheckVideo, Note: "with her passport"}, Power: directory.PowerSome,
		Hash: tap.Hash{Pepper: "pepper", Value: "hash"}, Incarnation: b.Incarnation(),
	}
}

// put stores a pass of b's user after change.
func (b *bench) put(t *testing.T, change func(*tap.Pass)) tap.Pass {
	t.Helper()
	p := b.pass()
	if change != nil {
		change(&p)
	}
	if err := b.PutPass(t.Context(), p, b.event()); err != nil {
		t.Fatalf("PutPass: %v", err)
	}
	return p
}

// putFor stores a pass that ends at end, of a new user.
func (b *bench) putFor(t *testing.T, end time.Time) tap.Pass {
	t.Helper()
	user := directory.UserID(uuid.NewString())
	b.AddUser(t, b.tenant, user)
	return b.put(t, func(p *tap.Pass) { p.User, p.Start = user, end.Add(-p.Lifetime) })
}

// event returns an audit event of b's tenant.
func (b *bench) event() audit.Event {
	return audit.Event{
		Tenant: string(b.tenant), ID: uuid.NewString(), At: nine, CorrelationID: uuid.NewString(),
		Change: &audit.Change{
			Activity: audit.UpdateUser, Category: audit.CategoryUserManagement,
			Service: audit.ServiceCoreDirectory, Operation: audit.OperationUpdate, Result: audit.Success,
		},
	}
}

// broken returns an event that no store can record.
func (b *bench) broken() audit.Event {
	e := b.event()
	e.ID = "no UUID"
	return e
}

func (b *bench) reserve(t *testing.T, p tap.Pass, transaction string, at time.Time) error {
	t.Helper()
	return b.ReservePass(t.Context(), p, transaction, at, at.Add(tap.ReservationLifetime))
}

func (b *bench) wantReserve(t *testing.T, p tap.Pass, transaction string, at time.Time, want error) {
	t.Helper()
	if err := b.reserve(t, p, transaction, at); !errors.Is(err, want) {
		t.Errorf("ReservePass for %s = %v, want %v", transaction, err, want)
	}
}

func (b *bench) wantLiving(t *testing.T, sessions, families int) {
	t.Helper()
	if s, f := b.Living(t, b.tenant, b.user); s != sessions || f != families {
		t.Errorf("%d sessions and %d token families live, want %d and %d", s, f, sessions, families)
	}
}

func (b *bench) wantEvents(t *testing.T, want int) {
	t.Helper()
	if got := b.Events(t, b.tenant); got != want {
		t.Errorf("%d events, want %d", got, want)
	}
}

// wantPass expects that p is the user's pass, field by field.
func (b *bench) wantPass(t *testing.T, want tap.Pass) {
	t.Helper()
	got, err := b.Pass(t.Context(), want.Tenant, want.User)
	if err != nil || got != want {
		t.Errorf("Pass = %+v, %v\nwant %+v", got, err, want)
	}
}

func (b *bench) wantNone(t *testing.T, user directory.UserID) {
	t.Helper()
	if p, err := b.Pass(t.Context(), b.tenant, user); !errors.Is(err, tap.ErrNone) {
		t.Errorf("Pass = %+v, %v; want ErrNone", p, err)
	}
}

// atOnce runs all n calls at the same time and counts the ones that returned nil; others
// must return lost.
func atOnce(t *testing.T, n int, lost error, call func(i int) error) (won int) {
	t.Helper()
	results := make([]error, n)
	begin := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-begin
			results[i] = call(i)
		})
	}
	close(begin)
	all.Wait()
	for _, err := range results {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, lost):
			t.Errorf("a call that lost got %v, want %v", err, lost)
		}
	}
	return won
}

func noPass(t *testing.T, b *bench) { b.wantNone(t, b.user) }

func comesBack(t *testing.T, b *bench) {
	b.wantPass(t, b.put(t, nil))
	b.wantPass(t, b.put(t, func(p *tap.Pass) {
		p.SingleUse, p.Bootstrap, p.Purpose, p.Reason, p.Ticket, p.Issuer, p.Check = false, true, "", "", "", tap.Issuer{}, tap.IdentityCheck{}
		p.Power = directory.PowerUnknown
	}))
	b.wantEvents(t, 2)
}

func replaces(t *testing.T, b *bench) {
	old := b.put(t, nil)
	b.SignInWith(t, old)
	other := b.pass()
	b.SignInWith(t, other)
	b.wantLiving(t, 2, 2)
	fresh := b.put(t, nil)
	b.wantPass(t, fresh)
	b.wantLiving(t, 1, 1)
	b.wantEvents(t, 2)
}

func userGone(t *testing.T, b *bench) {
	p := b.pass()
	p.User = directory.UserID(uuid.NewString())
	if err := b.PutPass(t.Context(), p, b.event()); !errors.Is(err, directory.ErrUserUnknown) {
		t.Errorf("PutPass = %v, want ErrUserUnknown", err)
	}
	b.wantNone(t, p.User)
	b.wantEvents(t, 0)
}

func deletes(t *testing.T, b *bench) {
	p := b.put(t, nil)
	b.SignInWith(t, p)
	if err := b.DeletePass(t.Context(), b.tenant, b.user, p.ID, nine, b.event()); err != nil {
		t.Fatalf("DeletePass: %v", err)
	}
	b.wantNone(t, b.user)
	b.wantLiving(t, 0, 0)
	b.wantEvents(t, 2)
	if err := b.DeletePass(t.Context(), b.tenant, b.user, p.ID, nine, b.event()); !errors.Is(err, tap.ErrNone) {
		t.Errorf("a second DeletePass = %v, want ErrNone", err)
	}
	b.wantEvents(t, 2)
}

func deletesOther(t *testing.T, b *bench) {
	p := b.put(t, nil)
	b.SignInWith(t, p)
	if err := b.DeletePass(t.Context(), b.tenant, b.user, uuid.NewString(), nine, b.event()); !errors.Is(err, tap.ErrNone) {
		t.Errorf("DeletePass = %v, want ErrNone", err)
	}
	b.wantPass(t, p)
	b.wantLiving(t, 1, 1)
	b.wantEvents(t, 1)
}

func tenants(t *testing.T, b *bench) {
	p := b.put(t, nil)
	other := newBench(t, b.Fixture)
	foreign := p
	foreign.Tenant = other.tenant
	other.wantNone(t, b.user)
	other.wantReserve(t, foreign, "one", nine, tap.ErrNone)
	if err := other.DeletePass(t.Context(), other.tenant, b.user, p.ID, nine, other.event()); !errors.Is(err, tap.ErrNone) {
		t.Errorf("DeletePass = %v, want ErrNone", err)
	}
	if n, err := other.RemoveEnded(t.Context(), other.tenant, nine.Add(24*time.Hour), 10, func(tap.Pass) audit.Event { return other.event() }); n != 0 || err != nil {
		t.Errorf("RemoveEnded = %d, %v; want 0", n, err)
	}
	b.wantPass(t, p)
}
