// Package handovertest tests what stores promise about hand-overs: [handover.Store].
package handovertest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/recovery/handover"
)

// Fixture is a store under test, with what the suite needs beside its contract.
type Fixture interface {
	handover.Store
	// AddPass stores a pass of a new user of the tenant.
	AddPass(t testing.TB, tenant directory.TenantID) (user directory.UserID, pass string)
	// RemovePass removes the pass of a user.
	RemovePass(t testing.TB, tenant directory.TenantID, user directory.UserID, pass string)
	// Events returns how many events the tenant has, and Contains whether the database has the text.
	Events(t testing.TB, tenant directory.TenantID) int
}

var nine = time.Date(2026, 11, 2, 9, 0, 0, 123456000, time.UTC)

// Store tests the stores that open returns; each is empty and closed by its test.
func Store(t *testing.T, open func(testing.TB) Fixture) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, b *bench)
	}{
		{"a hand-over comes back as it was put, in its tenant alone", comesBack},
		{"of many concurrent openings one gets it", opensOnce},
		{"what is over or void does not open", ends},
		{"removing the pass makes its hand-over void", goesWithThePass},
		{"three tries by others make it void, tries too late do not", wrongHands},
		{"refusals are logged up to a bound", bounded},
		{"an opening whose event can't be recorded is none", together},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &bench{Fixture: open(t), tenant: directory.TenantID(uuid.NewString())}
			b.user, b.pass = b.AddPass(t, b.tenant)
			c.test(t, b)
		})
	}
}

type bench struct {
	Fixture
	tenant directory.TenantID
	user   directory.UserID
	pass   string
}

func (b *bench) event() audit.Event {
	return audit.Event{Tenant: string(b.tenant), ID: uuid.NewString(), At: nine, Change: &audit.Change{Activity: audit.HandoverOpened}}
}

func (b *bench) put(t *testing.T) handover.Handover {
	t.Helper()
	h := handover.Handover{
		Tenant: b.tenant, ID: uuid.NewString(), Case: uuid.NewString(), Pass: b.pass, Owner: b.user, Reader: directory.UserID(uuid.NewString()),
		Hash: "hash", CreatedAt: nine, EndsAt: nine.Add(time.Hour), MethodBy: nine.Add(-time.Hour),
	}
	if err := b.PutHandover(t.Context(), h, "sealed", b.event()); err != nil {
		t.Fatal(err)
	}
	return h
}

func (b *bench) look(t *testing.T, id string) handover.Handover {
	t.Helper()
	h, err := b.Handover(t.Context(), b.tenant, id)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func comesBack(t *testing.T, b *bench) {
	h := b.put(t)
	if got := b.look(t, h.ID); got != h {
		t.Errorf("got %+v, want %+v", got, h)
	}
	other := directory.TenantID(uuid.NewString())
	if _, err := b.Handover(t.Context(), other, h.ID); !errors.Is(err, handover.ErrLink) {
		t.Errorf("another tenant: %v", err)
	}
	if _, err := b.OpenHandover(t.Context(), other, h.ID, nine, b.event()); !errors.Is(err, handover.ErrLink) {
		t.Errorf("opened from another tenant: %v", err)
	}
	second := b.put(t)
	if got := b.look(t, h.ID); got.VoidAt.IsZero() {
		t.Error("the former hand-over of the pass lives beside the new one")
	}
	if got, err := b.OpenHandover(t.Context(), b.tenant, second.ID, nine, b.event()); err != nil || got != "sealed" {
		t.Errorf("OpenHandover = %q, %v", got, err)
	}
}

func opensOnce(t *testing.T, b *bench) {
	h := b.put(t)
	before := b.Events(t, b.tenant)
	var all sync.WaitGroup
	results := make(chan error, 12)
	for range cap(results) {
		all.Go(func() {
			sealed, err := b.OpenHandover(t.Context(), b.tenant, h.ID, nine.Add(time.Minute), b.event())
			if err == nil && sealed != "sealed" {
				err = errors.New("won without what was sealed")
			}
			results <- err
		})
	}
	all.Wait()
	close(results)
	won := 0
	for err := range results {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, handover.ErrOpened):
			t.Error(err)
		}
	}
	if n := b.Events(t, b.tenant) - before; won != 1 || n != 1 {
		t.Errorf("%d won, %d events", won, n)
	}
	if got := b.look(t, h.ID); !got.OpenedAt.Equal(nine.Add(time.Minute)) {
		t.Errorf("opened at %v", got.OpenedAt)
	}
}

func ends(t *testing.T, b *bench) {
	h := b.put(t)
	if _, err := b.OpenHandover(t.Context(), b.tenant, h.ID, h.EndsAt, b.event()); !errors.Is(err, handover.ErrLink) {
		t.Errorf("at its end: %v", err)
	}
	if _, err := b.OpenHandover(t.Context(), b.tenant, h.ID, h.EndsAt.Add(-time.Second), b.event()); err != nil {
		t.Errorf("a second before: %v", err)
	}
}

func goesWithThePass(t *testing.T, b *bench) {
	h := b.put(t)
	b.RemovePass(t, b.tenant, b.user, b.pass)
	if got := b.look(t, h.ID); got.VoidAt.IsZero() {
		t.Error("the hand-over outlived its pass")
	}
	if _, err := b.OpenHandover(t.Context(), b.tenant, h.ID, nine, b.event()); !errors.Is(err, handover.ErrLink) {
		t.Errorf("opened: %v", err)
	}
}

func wrongHands(t *testing.T, b *bench) {
	h := b.put(t)
	refuse := func(others int) {
		t.Helper()
		if err := b.RefuseHandover(t.Context(), b.tenant, h.ID, others, nine, b.event()); err != nil {
			t.Fatal(err)
		}
	}
	for range handover.MostOthers + 1 {
		refuse(0)
	}
	refuse(1)
	refuse(1)
	if got := b.look(t, h.ID); !got.VoidAt.IsZero() {
		t.Fatal("void after two tries by others")
	}
	refuse(1)
	if got := b.look(t, h.ID); got.VoidAt.IsZero() {
		t.Error("three others tried, and the link lives")
	}
	h = b.put(t)
	refuse(handover.MostOthers)
	if got := b.look(t, h.ID); got.VoidAt.IsZero() {
		t.Error("as many at once, and the link lives")
	}
}

func bounded(t *testing.T, b *bench) {
	h := b.put(t)
	before := b.Events(t, b.tenant)
	for range handover.MostRefusals + 5 {
		if err := b.RefuseHandover(t.Context(), b.tenant, h.ID, 0, nine, b.event()); err != nil {
			t.Fatal(err)
		}
	}
	if n := b.Events(t, b.tenant) - before; n != handover.MostRefusals {
		t.Errorf("%d events", n)
	}
}

func together(t *testing.T, b *bench) {
	h := b.put(t)
	bad := b.event()
	bad.ID = "no id"
	if _, err := b.OpenHandover(t.Context(), b.tenant, h.ID, nine, bad); err == nil {
		t.Fatal("opened without an event")
	}
	if _, err := b.OpenHandover(t.Context(), b.tenant, h.ID, nine, b.event()); err != nil {
		t.Errorf("what failed was kept: %v", err)
	}
}
