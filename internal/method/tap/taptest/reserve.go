package taptest

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/method/tap"
)

func race(t *testing.T, b *bench) {
	p := b.put(t, nil)
	won := atOnce(t, 20, tap.ErrHeld, func(i int) error {
		return b.ReservePass(t.Context(), p, "transaction "+strconv.Itoa(i), nine, nine.Add(tap.ReservationLifetime))
	})
	if won != 1 {
		t.Errorf("%d transactions reserved the pass, want 1", won)
	}
}

func boundaries(t *testing.T, b *bench) {
	for _, c := range []struct {
		name string
		at   time.Time
		want error
	}{
		{"a microsecond early", nine.Add(-time.Microsecond), tap.ErrNotUsable},
		{"at the start", nine, nil},
		{"a microsecond before the end", nine.Add(time.Hour - time.Microsecond), nil},
		{"at the end", nine.Add(time.Hour), tap.ErrExpired},
		{"long after the end", nine.Add(100 * time.Hour), tap.ErrExpired},
	} {
		for _, once := range []bool{true, false} {
			p := b.put(t, func(p *tap.Pass) { p.SingleUse = once })
			if err := b.reserve(t, p, "one", c.at); !errors.Is(err, c.want) {
				t.Errorf("%s, single use %t: %v, want %v", c.name, once, err, c.want)
			}
		}
	}
}

func reservesAgain(t *testing.T, b *bench) {
	p := b.put(t, nil)
	b.wantReserve(t, p, "one", nine, nil)
	b.wantReserve(t, p, "one", nine.Add(time.Minute), nil)
	p.ReservedFor, p.ReservedUntil = "one", nine.Add(time.Minute+tap.ReservationLifetime)
	b.wantPass(t, p)
	b.wantReserve(t, p, "two", nine.Add(time.Minute), tap.ErrHeld)
}

func runsOut(t *testing.T, b *bench) {
	p := b.put(t, nil)
	b.wantReserve(t, p, "one", nine, nil)
	b.wantReserve(t, p, "two", nine.Add(tap.ReservationLifetime-time.Microsecond), tap.ErrHeld)
	b.wantReserve(t, p, "two", nine.Add(tap.ReservationLifetime), nil)
	b.wantReserve(t, p, "one", nine.Add(tap.ReservationLifetime), tap.ErrHeld)
	if err := b.Spend(t.Context(), p, "one", nine.Add(tap.ReservationLifetime)); !errors.Is(err, tap.ErrHeld) {
		t.Errorf("the transaction that lost its hold spends the pass: %v, want ErrHeld", err)
	}
}

func spent(t *testing.T, b *bench) {
	p := b.put(t, nil)
	b.wantReserve(t, p, "one", nine, nil)
	if err := b.Spend(t.Context(), p, "one", nine); err != nil {
		t.Fatalf("Spend: %v", err)
	}
	b.wantReserve(t, p, "one", nine, tap.ErrUsed)
	b.wantReserve(t, p, "two", nine.Add(tap.ReservationLifetime), tap.ErrUsed)
	b.wantReserve(t, p, "two", nine.Add(2*time.Hour), tap.ErrUsed)
	p.UsedAt = nine
	b.wantPass(t, p)
}

func reservesReplaced(t *testing.T, b *bench) {
	old := b.put(t, nil)
	b.wantReserve(t, old, "one", nine, nil)
	fresh := b.put(t, nil)
	b.wantReserve(t, old, "one", nine, tap.ErrNone)
	b.wantPass(t, fresh)
	if err := b.DeletePass(t.Context(), b.tenant, b.user, fresh.ID, nine, b.event()); err != nil {
		t.Fatalf("DeletePass: %v", err)
	}
	b.wantReserve(t, fresh, "one", nine, tap.ErrNone)
}

func manyUses(t *testing.T, b *bench) {
	p := b.put(t, func(p *tap.Pass) { p.SingleUse = false })
	won := atOnce(t, 5, nil, func(int) error {
		return b.ReservePass(t.Context(), p, uuid.NewString(), nine, nine.Add(tap.ReservationLifetime))
	})
	if won != 5 {
		t.Errorf("%d of 5 transactions may use the pass", won)
	}
	b.wantPass(t, p)
	for range 2 {
		if err := b.Spend(t.Context(), p, "one", nine); err != nil {
			t.Errorf("Spend: %v", err)
		}
	}
	b.wantReserve(t, p, "two", nine.Add(time.Minute), nil)
}

func releases(t *testing.T, b *bench) {
	p := b.put(t, nil)
	b.wantReserve(t, p, "one", nine, nil)
	for range 2 {
		if err := b.ReleasePass(t.Context(), p, "one"); err != nil {
			t.Fatalf("ReleasePass: %v", err)
		}
	}
	b.wantPass(t, p)
	b.wantReserve(t, p, "two", nine, nil)
}

func releasesOther(t *testing.T, b *bench) {
	p := b.put(t, nil)
	b.wantReserve(t, p, "one", nine, nil)
	if err := b.ReleasePass(t.Context(), p, "two"); err != nil {
		t.Fatalf("ReleasePass: %v", err)
	}
	b.wantReserve(t, p, "two", nine, tap.ErrHeld)
}

func earlierLife(t *testing.T, b *bench) {
	for _, once := range []bool{true, false} {
		p := b.put(t, func(p *tap.Pass) { p.SingleUse, p.Incarnation = once, uuid.NewString() })
		b.wantPass(t, p)
		b.wantReserve(t, p, "one", nine, tap.ErrNone)
	}
}
