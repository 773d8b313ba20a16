// Package oauthtest tests what stores promise about device codes and about telling
// applications of a logout: [oauth.Store] and [oauth.Notices].
package oauthtest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/oauth"
	"github.com/postern-id/postern/internal/oauth/oautherr"
)

// Fixture is a store under test, with what the suite needs beside its contract.
type Fixture interface {
	oauth.Store
	oauth.Notices
	// AddApplication stores an application that is told of logouts at uri, or not.
	AddApplication(t testing.TB, tenant directory.TenantID, app directory.AppID, uri string)
	// AddSession stores a user of the tenant with a living session.
	AddSession(t testing.TB, tenant directory.TenantID) (user directory.UserID, session string)
	// EndSession ends a session with what came from it.
	EndSession(t testing.TB, tenant directory.TenantID, user directory.UserID, session string)
	// RemoveExpired deletes what ended before at.
	RemoveExpiredAt(t testing.TB, tenant directory.TenantID, at time.Time)
}

// nine is when devices ask.
var nine = time.Date(2026, 11, 2, 9, 0, 0, 123456000, time.UTC)

// Store tests the stores that open returns; each is empty and closed by its test.
func Store(t *testing.T, open func(testing.TB) Fixture) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, b *bench)
	}{
		{"a device is found by both of its codes", findsDevice},
		{"two devices never wait under one user code", userCodeTaken},
		{"a code of another tenant is not found", otherTenant},
		{"a device is decided once", decidesOnce},
		{"nothing is decided after the end", decidesInTime},
		{"of many concurrent decisions one counts", decisionRace},
		{"nothing is approved from a session that ended", approvesFromLiving},
		{"of many concurrent guesses of a number as many count as may", guessesNumbers},
		{"of many concurrent redemptions one wins at most", redemptionRace},
		{"an approved code ends with its session", endsWithSession},
		{"a user code is free again once its device is gone", forgetsUserCodes},
		{"an application is told of each session that ends, once", notesLogouts},
		{"of many replicas one has a notice at a time", leasesNoticesOnce},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := &bench{Fixture: open(t), tenant: directory.TenantID(uuid.NewString())}
			b.user, b.session = b.AddSession(t, b.tenant)
			c.test(t, b)
		})
	}
}

type bench struct {
	Fixture
	tenant  directory.TenantID
	user    directory.UserID
	session string
}

// device stores a device that waits under the given user code.
func (b *bench) device(t *testing.T, userCode string) oauth.DeviceCode {
	t.Helper()
	d := oauth.DeviceCode{
		Tenant: b.tenant, ID: uuid.NewString(), App: "app", State: oauth.DevicePending,
		CreatedAt: nine, ExpiresAt: nine.Add(15 * time.Minute), CorrelationID: uuid.NewString(), Address: "192.0.2.1",
	}
	if err := b.CreateDeviceCode(t.Context(), d, "secret of "+userCode, userCode); err != nil {
		t.Fatalf("CreateDeviceCode: %v", err)
	}
	return d
}

// approved returns d as it is approved from the bench's session, with its family.
func (b *bench) approved(d oauth.DeviceCode) (oauth.DeviceCode, *oauth.Family) {
	f := oauth.Family{
		Tenant: b.tenant, ID: uuid.NewString(), User: b.user, Session: b.session, App: d.App,
		CreatedAt: nine, ExpiresAt: nine.Add(time.Hour), Protocol: audit.ProtocolDeviceCode,
	}
	d.State, d.Home, d.Session, d.Family = oauth.DeviceApproved, b.tenant, b.session, f.ID
	return d, &f
}

func (b *bench) event() audit.Event {
	return audit.Event{
		Tenant: string(b.tenant), ID: uuid.NewString(), At: nine, CorrelationID: uuid.NewString(),
		SignIn: &audit.SignIn{UserID: string(b.user), Protocol: audit.ProtocolDeviceCode},
	}
}

func (b *bench) decide(t *testing.T, d oauth.DeviceCode, f *oauth.Family, at time.Time) error {
	t.Helper()
	return b.DecideDeviceCode(t.Context(), d, f, at, b.event())
}

func (b *bench) wantState(t *testing.T, d oauth.DeviceCode, want oauth.DeviceState) {
	t.Helper()
	got, _, err := b.DeviceCode(t.Context(), d.Tenant, d.ID)
	if err != nil || got.State != want {
		t.Errorf("the device is %q, %v; want %q", got.State, err, want)
	}
}

func wantError(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// guessesNumbers has many guess at once: the code is over after as many as may, and the right
// number, which comes last, approves nothing.
func guessesNumbers(t *testing.T, b *bench) {
	const most = 3
	d := b.device(t, "A")
	lefts, over := make(chan int, 20), make(chan error, 20)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			left, err := b.MissDeviceCode(t.Context(), d, most, nine, b.event())
			if err == nil {
				lefts <- left
			} else {
				over <- err
			}
		})
	}
	all.Wait()
	close(lefts)
	close(over)
	seen := map[int]bool{}
	for left := range lefts {
		seen[left] = true
	}
	if len(seen) != most || len(over) != 20-most || !seen[0] {
		t.Errorf("left were %v, and %d came too late", seen, len(over))
	}
	for err := range over {
		wantError(t, err, oauth.ErrUserCode)
	}
	b.wantState(t, d, oauth.DeviceDeclined)
	approved, f := b.approved(d)
	wantError(t, b.decide(t, approved, f, nine), oauth.ErrUserCode)
	_, err := b.DeviceCodeByUserCode(t.Context(), "A")
	wantError(t, err, oauth.ErrUserCode)
	other := b.device(t, "B")
	_, err = b.MissDeviceCode(t.Context(), other, most, other.ExpiresAt, b.event())
	wantError(t, err, oauth.ErrUserCode)
}

func findsDevice(t *testing.T, b *bench) {
	d := b.device(t, "A")
	b.device(t, "B")
	got, hash, err := b.DeviceCode(t.Context(), b.tenant, d.ID)
	if err != nil || hash != "secret of A" || got.CorrelationID != d.CorrelationID || !got.ExpiresAt.Equal(d.ExpiresAt) {
		t.Errorf("DeviceCode = %+v, %q, %v", got, hash, err)
	}
	got, err = b.DeviceCodeByUserCode(t.Context(), "A")
	if err != nil || got.ID != d.ID || got.Tenant != b.tenant {
		t.Errorf("DeviceCodeByUserCode = %+v, %v", got, err)
	}
	_, err = b.DeviceCodeByUserCode(t.Context(), "C")
	wantError(t, err, oauth.ErrUserCode)
}

func userCodeTaken(t *testing.T, b *bench) {
	d := b.device(t, "A")
	d.Tenant, d.ID = directory.NoTenant, uuid.NewString()
	wantError(t, b.CreateDeviceCode(t.Context(), d, "", "A"), oauth.ErrUserCodeTaken)
}

func otherTenant(t *testing.T, b *bench) {
	d := b.device(t, "A")
	_, _, err := b.DeviceCode(t.Context(), directory.TenantID(uuid.NewString()), d.ID)
	wantError(t, err, oautherr.ErrBadDeviceCode)
}

func decidesOnce(t *testing.T, b *bench) {
	d := b.device(t, "A")
	declined := d
	declined.State = oauth.DeviceDeclined
	if err := b.decide(t, declined, nil, nine); err != nil {
		t.Fatal(err)
	}
	d, f := b.approved(d)
	wantError(t, b.decide(t, d, f, nine), oauth.ErrUserCode)
	b.wantState(t, d, oauth.DeviceDeclined)
	_, err := b.Family(t.Context(), b.tenant, f.ID)
	wantError(t, err, oautherr.ErrRevoked)
	_, err = b.DeviceCodeByUserCode(t.Context(), "A")
	wantError(t, err, oauth.ErrUserCode)
}

func decidesInTime(t *testing.T, b *bench) {
	d, f := b.approved(b.device(t, "A"))
	wantError(t, b.decide(t, d, f, d.ExpiresAt), oauth.ErrUserCode)
	b.wantState(t, d, oauth.DevicePending)
	if err := b.decide(t, d, f, d.ExpiresAt.Add(-time.Microsecond)); err != nil {
		t.Error(err)
	}
}

// winners runs one 16 times at once and returns how often it succeeded.
func winners(one func() error) int {
	won := make(chan error, 16)
	var all sync.WaitGroup
	for range cap(won) {
		all.Go(func() { won <- one() })
	}
	all.Wait()
	close(won)
	n := 0
	for err := range won {
		if err == nil {
			n++
		}
	}
	return n
}

func decisionRace(t *testing.T, b *bench) {
	d := b.device(t, "A")
	if n := winners(func() error { d, f := b.approved(d); return b.decide(t, d, f, nine) }); n != 1 {
		t.Errorf("%d decisions counted", n)
	}
}

func approvesFromLiving(t *testing.T, b *bench) {
	d, f := b.approved(b.device(t, "A"))
	b.EndSession(t, b.tenant, b.user, b.session)
	wantError(t, b.decide(t, d, f, nine), oautherr.ErrRevoked)
	b.wantState(t, d, oauth.DevicePending)
}

func redemptionRace(t *testing.T, b *bench) {
	d, f := b.approved(b.device(t, "A"))
	if err := b.decide(t, d, f, nine); err != nil {
		t.Fatal(err)
	}
	redeem := func() error {
		next := &oauth.Grant{Tenant: b.tenant, ID: uuid.NewString(), Kind: oauth.KindRefresh, Family: f.ID, CreatedAt: nine, ExpiresAt: nine.Add(time.Hour)}
		return b.RedeemDeviceCode(t.Context(), d, next, "", nine, b.event())
	}
	if n := winners(redeem); n > 1 {
		t.Errorf("%d redemptions won", n)
	}
	wantError(t, redeem(), oauth.ErrReused)
	if f, err := b.Family(t.Context(), b.tenant, f.ID); err != nil || f.EndedAt.IsZero() {
		t.Errorf("the family lives on: %v", err)
	}
}

func endsWithSession(t *testing.T, b *bench) {
	d, f := b.approved(b.device(t, "A"))
	if err := b.decide(t, d, f, nine); err != nil {
		t.Fatal(err)
	}
	b.EndSession(t, b.tenant, b.user, b.session)
	wantError(t, b.RedeemDeviceCode(t.Context(), d, nil, "", nine, b.event()), oautherr.ErrRevoked)
	b.wantState(t, d, oauth.DeviceApproved)
}

func forgetsUserCodes(t *testing.T, b *bench) {
	b.device(t, "A")
	b.RemoveExpiredAt(t, b.tenant, nine.Add(24*time.Hour))
	_, err := b.DeviceCodeByUserCode(t.Context(), "A")
	wantError(t, err, oauth.ErrUserCode)
	b.device(t, "A")
}

// signedIn gives app tokens from the bench's session.
func (b *bench) signedIn(t *testing.T, app directory.AppID) {
	t.Helper()
	d, f := b.approved(b.device(t, uuid.NewString()))
	f.App = app
	if err := b.decide(t, d, f, nine); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) lease(t *testing.T, at time.Time) (oauth.LogoutNotice, error) {
	t.Helper()
	return b.LeaseLogoutNotice(t.Context(), b.tenant, at, at.Add(time.Minute))
}

func notesLogouts(t *testing.T, b *bench) {
	b.AddApplication(t, b.tenant, "told", "https://told.example/out")
	b.AddApplication(t, b.tenant, "deaf", "")
	for _, app := range []directory.AppID{"told", "told", "deaf"} {
		b.signedIn(t, app)
	}
	_, err := b.lease(t, nine)
	wantError(t, err, oauth.ErrNoNotice)
	b.EndSession(t, b.tenant, b.user, b.session)
	n, err := b.lease(t, nine)
	if err != nil || n.App != "told" || n.Session != b.session || n.User != b.user || n.Attempts != 1 {
		t.Fatalf("the notice is %+v, %v", n, err)
	}
	_, err = b.lease(t, nine.Add(59*time.Second))
	wantError(t, err, oauth.ErrNoNotice)
	if err := b.SettleLogoutNotice(t.Context(), n, nine.Add(2*time.Minute)); err != nil {
		t.Fatal(err)
	}
	_, err = b.lease(t, nine.Add(2*time.Minute-time.Microsecond))
	wantError(t, err, oauth.ErrNoNotice)
	if n, err = b.lease(t, nine.Add(2*time.Minute)); err != nil || n.Attempts != 2 {
		t.Fatalf("the notice is %+v, %v", n, err)
	}
	if err := b.SettleLogoutNotice(t.Context(), n, time.Time{}); err != nil {
		t.Fatal(err)
	}
	_, err = b.lease(t, nine.Add(time.Hour))
	wantError(t, err, oauth.ErrNoNotice)
}

func leasesNoticesOnce(t *testing.T, b *bench) {
	b.AddApplication(t, b.tenant, "told", "https://told.example/out")
	b.signedIn(t, "told")
	b.EndSession(t, b.tenant, b.user, b.session)
	if n := winners(func() error { _, err := b.lease(t, nine); return err }); n != 1 {
		t.Errorf("%d replicas have the notice", n)
	}
}
