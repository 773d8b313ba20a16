// Package presentationtest tests what stores promise about requests to wallets: [presentation.Store].
package presentationtest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/recovery/presentation"
)

// Fixture is a store under test.
type Fixture interface {
	presentation.Store
	// Events returns how many events the tenant has.
	Events(t testing.TB, tenant directory.TenantID) int
}

var nine = time.Date(2026, 11, 2, 9, 0, 0, 123456000, time.UTC)

type bench struct {
	Fixture
	r presentation.Request
}

// Store tests the stores that open returns; each is empty and closed by its test.
func Store(t *testing.T, open func(testing.TB) Fixture) {
	b := bench{Fixture: open(t)}
	for _, c := range []struct {
		name string
		test func(t *testing.T, b bench)
	}{
		{"a request comes back as it was put, in its tenant alone", comesBack},
		{"of many concurrent answers one is kept, and of many that take it one does", once},
		{"refusals are logged up to a bound, which ends the request", bounded},
		{"what is over is not answered, and not taken", ends},
		{"an answer whose event can't be recorded is none", together},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.r = presentation.Request{
				Tenant: directory.TenantID(uuid.NewString()), ID: "one", Case: uuid.NewString(), Holder: "browser", From: "here",
				CreatedAt: nine, EndsAt: nine.Add(10 * time.Minute),
			}
			if err := b.PutPresentation(t.Context(), b.r); err != nil {
				t.Fatal(err)
			}
			c.test(t, b)
		})
	}
}

func (b bench) event() audit.Event {
	return audit.Event{Tenant: string(b.r.Tenant), ID: uuid.NewString(), At: nine, Change: &audit.Change{Activity: audit.CaseProven}}
}

func (b bench) answered() presentation.Request {
	r := b.r
	r.CodeHash, r.About, r.Reference = "hash", true, "issuer"
	return r
}

func comesBack(t *testing.T, b bench) {
	got, err := b.Presentation(t.Context(), b.r.Tenant, "one")
	if err != nil || got != b.r {
		t.Errorf("%+v, %v; put %+v", got, err, b.r)
	}
	for _, other := range []struct {
		tenant directory.TenantID
		id     string
	}{{directory.TenantID(uuid.NewString()), "one"}, {b.r.Tenant, "two"}} {
		if _, err := b.Presentation(t.Context(), other.tenant, other.id); !errors.Is(err, presentation.ErrOver) {
			t.Errorf("%v: %v", other, err)
		}
	}
	if err := b.AnswerPresentation(t.Context(), b.answered(), nine.Add(time.Second), b.event()); err != nil {
		t.Fatal(err)
	}
	want := b.answered()
	want.AnsweredAt = nine.Add(time.Second)
	if got, err := b.Presentation(t.Context(), b.r.Tenant, "one"); err != nil || got != want {
		t.Errorf("%+v, %v; answered %+v", got, err, want)
	}
}

// race returns how many of some concurrent calls return nil; the others must be ErrOver.
func race(t *testing.T, call func() error) int {
	t.Helper()
	var all sync.WaitGroup
	results := make(chan error, 8)
	for range cap(results) {
		all.Go(func() { results <- call() })
	}
	all.Wait()
	close(results)
	won := 0
	for err := range results {
		if err == nil {
			won++
		} else if !errors.Is(err, presentation.ErrOver) {
			t.Error(err)
		}
	}
	return won
}

func once(t *testing.T, b bench) {
	if err := b.TakePresentation(t.Context(), b.answered(), nine); !errors.Is(err, presentation.ErrOver) {
		t.Errorf("taken before it is answered: %v", err)
	}
	if n := race(t, func() error { return b.AnswerPresentation(t.Context(), b.answered(), nine, b.event()) }); n != 1 || b.Events(t, b.r.Tenant) != 1 {
		t.Errorf("%d answers, %d events", n, b.Events(t, b.r.Tenant))
	}
	for name, change := range map[string]func(*presentation.Request){
		"another case": func(r *presentation.Request) { r.Case = uuid.NewString() }, "another browser": func(r *presentation.Request) { r.Holder = "x" },
		"another code": func(r *presentation.Request) { r.CodeHash = "x" },
	} {
		r := b.answered()
		change(&r)
		if err := b.TakePresentation(t.Context(), r, nine); !errors.Is(err, presentation.ErrOver) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := race(t, func() error { return b.TakePresentation(t.Context(), b.answered(), nine) }); n != 1 {
		t.Errorf("taken %d times", n)
	}
}

func bounded(t *testing.T, b bench) {
	for range presentation.MostRefusals + 3 {
		if err := b.RefusePresentation(t.Context(), b.r, nine, b.event()); err != nil {
			t.Fatal(err)
		}
	}
	if n := b.Events(t, b.r.Tenant); n != presentation.MostRefusals {
		t.Errorf("%d events", n)
	}
	if err := b.AnswerPresentation(t.Context(), b.answered(), nine); !errors.Is(err, presentation.ErrOver) {
		t.Errorf("answered after that: %v", err)
	}
}

func ends(t *testing.T, b bench) {
	if err := b.AnswerPresentation(t.Context(), b.answered(), b.r.EndsAt); !errors.Is(err, presentation.ErrOver) {
		t.Errorf("answered at its end: %v", err)
	}
	if err := b.AnswerPresentation(t.Context(), b.answered(), nine); err != nil {
		t.Fatal(err)
	}
	if err := b.TakePresentation(t.Context(), b.answered(), b.r.EndsAt); !errors.Is(err, presentation.ErrOver) {
		t.Errorf("taken at its end: %v", err)
	}
}

func together(t *testing.T, b bench) {
	e := b.event()
	if err := b.RefusePresentation(t.Context(), b.r, nine, e); err != nil {
		t.Fatal(err)
	}
	if err := b.AnswerPresentation(t.Context(), b.answered(), nine, e); err == nil {
		t.Error("an event is recorded twice")
	}
	if got, err := b.Presentation(t.Context(), b.r.Tenant, "one"); err != nil || !got.AnsweredAt.IsZero() {
		t.Errorf("%+v, %v", got, err)
	}
}
