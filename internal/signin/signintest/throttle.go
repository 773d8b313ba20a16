package signintest

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/signin"
)

// bucket returns a bucket that locks for a minute at the given number of failures.
func bucket(name string, budget int64) signin.Bucket {
	return signin.Bucket{Name: name, Rule: signin.Rule{Budget: budget}}
}

// charge takes a try at at and returns how long to wait.
func (b *bench) charge(t *testing.T, at time.Time, buckets ...signin.Bucket) time.Duration {
	t.Helper()
	wait, err := b.Charge(t.Context(), b.tenant, buckets, at)
	if err != nil {
		t.Fatalf("Charge: %v", err)
	}
	return wait
}

func (b *bench) wantWait(t *testing.T, at time.Time, want time.Duration, buckets ...signin.Bucket) {
	t.Helper()
	if wait := b.charge(t, at, buckets...); wait != want {
		t.Errorf("Charge says to wait %s, want %s", wait, want)
	}
}

func chargesBudget(t *testing.T, b *bench) {
	k := bucket("k", 3)
	for range 3 {
		b.wantWait(t, nine, 0, k)
	}
	b.wantWait(t, nine, time.Minute, k)
	b.wantWait(t, nine.Add(59*time.Second), time.Second, k)
	for range 3 {
		b.wantWait(t, nine.Add(time.Minute), 0, k)
	}
	b.wantWait(t, nine.Add(time.Minute), 2*time.Minute, k)
	b.wantWait(t, nine, 0, bucket("other", 3))
}

func refundsOne(t *testing.T, b *bench) {
	k := signin.Bucket{Name: "k", Rule: signin.Rule{Budget: 2, Window: time.Hour, Slow: 30 * time.Second}}
	b.wantWait(t, nine, 0, k)
	for range 5 { // wrong, then right five times
		b.wantWait(t, nine, 0, k)
		if err := b.Refund(t.Context(), b.tenant, []signin.Bucket{k}); err != nil {
			t.Fatal(err)
		}
	}
	b.wantWait(t, nine, 0, k)
	b.wantWait(t, nine, 30*time.Second, k)
}

func chargesAllOrNone(t *testing.T, b *bench) {
	wide, narrow := bucket("wide", 3), bucket("narrow", 1)
	b.wantWait(t, nine, 0, narrow)
	for range 5 {
		b.wantWait(t, nine, time.Minute, wide, narrow)
		b.wantWait(t, nine, time.Minute, narrow, wide)
	}
	for range 3 {
		b.wantWait(t, nine, 0, wide)
	}
	b.wantWait(t, nine, time.Minute, wide)
}

func chargeRace(t *testing.T, b *bench) {
	const budget = 10
	account, address := bucket("account", 3*budget), bucket("address", budget)
	var let atomic.Int64
	for _, err := range atOnce(40, func(int) error {
		wait, err := b.Charge(t.Context(), b.tenant, []signin.Bucket{account, address}, nine)
		if err == nil && wait == 0 {
			let.Add(1)
		}
		return err
	}) {
		if err != nil {
			t.Errorf("Charge: %v", err)
		}
	}
	if let.Load() != budget {
		t.Errorf("%d of 40 tries were let through, want %d", let.Load(), budget)
	}
	for range 2 * budget {
		b.wantWait(t, nine, 0, account)
	}
	b.wantWait(t, nine, time.Minute, account)
}

func countersSurvive(t *testing.T, b *bench) {
	locked, half := bucket("locked", 1), bucket("half", 2)
	b.wantWait(t, nine, 0, locked, half)
	b.Reopen(t)
	b.wantWait(t, nine, time.Minute, locked)
	b.wantWait(t, nine, 0, half)
	b.wantWait(t, nine, time.Minute, half)
}

func bucketsApart(t *testing.T, b *bench) {
	k := bucket("k", 1)
	b.wantWait(t, nine, 0, k)
	other := directory.TenantID(uuid.NewString())
	if wait, err := b.Charge(t.Context(), other, []signin.Bucket{k}, nine); wait != 0 || err != nil {
		t.Errorf("Charge in another tenant = %s, %v; want 0", wait, err)
	}
}
